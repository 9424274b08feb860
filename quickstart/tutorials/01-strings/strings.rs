//! Sends strings to a program in any language, and proves that they arrive byte for byte.
//!
//!     strings recv tcp://127.0.0.1:0 [--text T]... [--file F]...
//!     strings send ENDPOINT          [--text T]... [--file F]...

use std::{env, error::Error, fs, process::exit, time::Duration};

use zpatterns::{Context, Deadline, Socket, SocketKind, SocketOptions};

type Cases = Vec<(&'static str, Vec<u8>)>;

// region: cases
fn cases(mut extra: impl Iterator<Item = String>) -> Result<Cases, Box<dyn Error>> {
    let mut cases = vec![
        ("ascii", b"Hello, world!".to_vec()),
        ("utf8", "Grüße, Ελλάδα, Привет, שלום, 你好, こんにちは, 🦀".as_bytes().to_vec()),
        ("empty", Vec::new()),
        ("nul", b"before\0after".to_vec()),
        ("mebibyte", "é".repeat(524_288).into_bytes()),
    ];
    while let (Some(flag), Some(value)) = (extra.next(), extra.next()) {
        cases.push(if flag == "--file" { ("file", fs::read(value)?) } else { ("text", value.into_bytes()) });
    }
    Ok(cases)
}
// endregion: cases

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(30))
}

// region: send
fn send(socket: &Socket, cases: &[(&str, Vec<u8>)]) -> zpatterns::Result<()> {
    for (name, bytes) in cases {
        socket.send_multipart(&[name.as_bytes(), bytes], &deadline())?;
    }
    socket.send(b"end", &deadline())?;
    println!("{} strings sent", cases.len());
    Ok(())
}
// endregion: send

// region: recv
fn recv(socket: &Socket, cases: &[(&str, Vec<u8>)]) -> zpatterns::Result<bool> {
    let (mut received, mut different) = (0, 0);
    while let [name, bytes] = socket.recv(&deadline())?.frames() {
        let equal = cases.get(received).is_some_and(|case| case.0.as_bytes() == &**name && case.1 == **bytes);
        let verdict = if equal { "equal" } else { "DIFFERENT" };
        println!("{} {} {verdict}", String::from_utf8_lossy(name), bytes.len());
        received += 1;
        different += usize::from(!equal);
    }
    let verdict = if different == 0 { "all equal".into() } else { format!("{different} DIFFERENT") };
    println!("{received} strings, {verdict}");
    Ok(different == 0 && received == cases.len())
}
// endregion: recv

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let (Some(mode), Some(endpoint)) = (args.next(), args.next()) else {
        return Err("usage: strings recv|send ENDPOINT [--text T]... [--file F]...".into());
    };
    let (cases, context) = (cases(args)?, Context::new()?);
    if mode == "send" {
        let socket = context.socket(SocketKind::Push, &SocketOptions::default())?;
        socket.connect(&endpoint)?;
        return Ok(send(&socket, &cases)?);
    }
    let socket = context.socket(SocketKind::Pull, &SocketOptions::default())?;
    println!("endpoint {}", socket.bind(&endpoint)?);
    let proven = recv(&socket, &cases)?;
    drop((socket, context));
    exit(i32::from(!proven));
}
