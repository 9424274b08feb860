//! Processes of the tests: this program again, in a role.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    process::{Child, Command, Stdio},
};

/// A process, killed when it is dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Starts a role that connects to, or is, `endpoint`, and waits until it is ready.
    pub(crate) fn start(role: &str, endpoint: &str) -> Self {
        Self::start_with(role, &[("ENDPOINT", endpoint)])
    }

    /// Starts a role with these arguments, and waits until it is ready.
    pub(crate) fn start_with(role: &str, arguments: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env::current_exe().expect("this program has a file"))
            .args(["--ignored", "--exact", role, "--nocapture"])
            .envs(arguments.iter().map(|(name, value)| (format!("ZPATTERNS_TEST_{name}"), value)))
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        assert!(lines.any(|line| line.is_ok_and(|line| line.ends_with("ready"))), "{role} ended before it was ready");
        Self(child)
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.0.id().to_string()]).status().expect("there is a kill");
        assert!(sent.success());
    }

    /// kill -9, and waits for the end.
    pub(crate) fn kill(mut self) {
        self.signal("-KILL");
        self.0.wait().expect("it ends");
    }

    /// Freezes it.
    pub(crate) fn stop(&self) {
        self.signal("-STOP");
    }

    /// Thaws it.
    pub(crate) fn go_on(&self) {
        self.signal("-CONT");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a role was told.
pub(crate) fn argument(name: &str) -> String {
    env::var(format!("ZPATTERNS_TEST_{name}")).unwrap_or_else(|_| panic!("roles are started by other tests"))
}

/// A role says that it is ready.
pub(crate) fn ready() {
    println!("ready");
    std::io::stdout().flush().expect("somebody listens");
}

/// An endpoint that nobody has. Another program might take it before it is used, but the system gives it to nobody soon.
pub(crate) fn free_endpoint() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    format!("tcp://{}", listener.local_addr().expect("it has an address"))
}
