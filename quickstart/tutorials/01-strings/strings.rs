//! Sends strings to a program in any language, and proves that they arrive byte for byte.
//!
//!     strings recv tcp://127.0.0.1:0 [--text T]... [--file F]...
//!     strings send ENDPOINT          [--text T]... [--file F]...

use std::{env, error::Error, fs, process::ExitCode, time::Duration};

use zpatterns::{Context, Deadline, SocketKind, SocketOptions};

const WAIT: Duration = Duration::from_secs(30);

type Case = (&'static str, Vec<u8>);

// region: send
fn send(endpoint: &str, cases: &[Case]) -> zpatterns::Result<ExitCode> {
    let socket = Context::new()?.socket(SocketKind::Push, &SocketOptions::default())?;
    socket.connect(endpoint)?;
    for (name, bytes) in cases {
        socket.send_multipart(&[name.as_bytes(), bytes], &Deadline::after(WAIT))?;
    }
    socket.send(b"end", &Deadline::after(WAIT))?;
    println!("{} strings sent", cases.len());
    Ok(ExitCode::SUCCESS)
}
// endregion: send

// region: recv
fn recv(endpoint: &str, cases: &[Case]) -> zpatterns::Result<ExitCode> {
    let socket = Context::new()?.socket(SocketKind::Pull, &SocketOptions::default())?;
    println!("endpoint {}", socket.bind(endpoint)?);
    let (mut count, mut equal) = (0, 0);
    while let [name, bytes] = socket.recv(&Deadline::after(WAIT))?.frames() {
        let same = cases.get(count).is_some_and(|case| **name == *case.0.as_bytes() && **bytes == case.1);
        println!("{} {} {}", String::from_utf8_lossy(name), bytes.len(), if same { "equal" } else { "DIFFERENT" });
        count += 1;
        equal += usize::from(same);
    }
    let different = count.max(cases.len()) - equal; // a missing one is different
    let verdict = if different == 0 { "all equal".into() } else { format!("{different} DIFFERENT") };
    println!("{count} strings, {verdict}");
    Ok(ExitCode::from(u8::from(different > 0)))
}
// endregion: recv

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let (Some(role), Some(endpoint)) = (args.next(), args.next()) else {
        return Err("usage: strings recv|send ENDPOINT [--text T]... [--file F]...".into());
    };
    let mut cases: Vec<Case> = vec![
        ("ascii", "Hello, world!".into()),
        ("utf8", "Grüße, Ελλάδα, Привет, שלום, 你好, こんにちは, 🦀".into()),
        ("empty", "".into()),
        ("nul", "before\0after".into()),
        ("mebibyte", "é".repeat(524_288).into()),
    ];
    while let (Some(flag), Some(value)) = (args.next(), args.next()) {
        cases.push(if flag == "--file" { ("file", fs::read(value)?) } else { ("text", value.into()) });
    }
    cases.sort_by_key(|(name, _)| *name == "file"); // after the texts, in whatever order they were given
    Ok(if role == "send" { send(&endpoint, &cases)? } else { recv(&endpoint, &cases)? })
}
