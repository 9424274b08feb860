//! Says hello to itself, and the README shows how.

// region: hello
use std::time::Duration;
use zpatterns::{Context, Deadline, SocketKind, SocketOptions};

fn main() -> zpatterns::Result<()> {
    let context = Context::new()?;
    let pull = context.socket(SocketKind::Pull, &SocketOptions::default())?;
    let push = context.socket(SocketKind::Push, &SocketOptions::default())?;
    push.connect(&pull.bind("tcp://127.0.0.1:0")?)?; // bind gives the endpoint with the port that the system chose
    let deadline = Deadline::after(Duration::from_secs(5));
    push.send(b"hello", &deadline)?;
    println!("{}", pull.recv_text(&deadline)?);
    Ok(())
}
// endregion: hello
