//! `zpat` as a person runs it.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::UdpSocket,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

fn zpat(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zpat"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn info_shows_curve() {
    let output = zpat(&["info"]).output().expect("runs");
    assert!(output.status.success());
    assert!(text(&output).contains("libzmq     4.3.5\ncurve      yes\ntransports inproc ipc tcp ws"));
    let output = zpat(&["info", "--json"]).output().expect("runs");
    let all: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(all["curve"], true);
}

#[test]
fn messages_go_from_one_shell_to_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let endpoint = format!("ipc://{}/socket", folder.path().display());
    let receiver = zpat(&["recv", "--bind", &endpoint, "--count", "2", "--timeout", "30"]).spawn().expect("starts");
    let output = zpat(&["send", "--connect", &endpoint, "one", "two"]).output().expect("runs");
    assert!(output.status.success(), "{}", text(&output));
    let output = receiver.wait_with_output().expect("ends");
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "one\ntwo\n");
}

#[test]
fn a_bus_goes_from_one_shell_to_others_and_tells_who_is_there() {
    // A port that nobody uses, because somebody just did.
    let port = UdpSocket::bind("127.0.0.1:0").expect("a port is free").local_addr().expect("it is bound").port();
    let endpoint = format!("epgm://lo;239.192.7.2:{port}");
    let listen = || {
        let arguments = ["bus", "recv", &endpoint, "--count", "2", "--timeout", "60", "--subscribe", "news"];
        let mut listener = zpat(&arguments).spawn().expect("starts");
        let mut said = BufReader::new(listener.stderr.take().expect("piped"));
        let mut line = String::new();
        said.read_line(&mut line).expect("it lives");
        assert_eq!(line, "listening on 127.0.0.1\n");
        (listener, said)
    };
    let listeners = [listen(), listen()];
    let output = zpat(&["bus", "send", &endpoint, "news\tone", "gossip", "news\ttwo"]).output().expect("runs");
    assert!(output.status.success(), "{}", text(&output));
    for (listener, mut said) in listeners {
        let output = listener.wait_with_output().expect("ends");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "news\tone\nnews\ttwo\n");
        let mut rest = String::new();
        said.read_to_string(&mut rest).expect("it said something");
        assert!(rest.contains(" joined\n"), "{rest}");
    }
    let mut watched = zpat(&["bus", "watch", &endpoint, "--every", "0.2", "--count", "3"]).spawn().expect("starts");
    let mut line = String::new();
    let mut said = BufReader::new(watched.stderr.take().expect("piped"));
    said.read_line(&mut line).expect("it lives");
    let output = zpat(&["bus", "send", &endpoint, "news\tthree"]).output().expect("runs");
    assert!(output.status.success(), "{}", text(&output));
    let report = text(&watched.wait_with_output().expect("ends"));
    said.read_to_string(&mut line).expect("it says who comes");
    assert!(report.contains("repaired") && line.contains(" joined\n"), "{report}{line}");
}

#[test]
fn a_bus_waits_for_who_listens_and_is_heard_by_who_knows_the_key() {
    let port = UdpSocket::bind("127.0.0.1:0").expect("a port is free").local_addr().expect("it is bound").port();
    let endpoint = format!("epgm://lo;239.192.7.2:{port}");
    let key = concat!(env!("CARGO_TARGET_TMPDIR"), "/bus.key");
    fs::write(key, "what all of them know\n").expect("the folder is there");
    let arguments =
        ["bus", "send", &endpoint, "--key-file", key, "--flow-control", "slowest", "--at-least", "1", "secret"];
    // It says nothing before somebody listens.
    let sender = zpat(&arguments).spawn().expect("starts");
    let listen = ["bus", "recv", &endpoint, "--key-file", key, "--count", "1", "--timeout", "60"];
    let heard = zpat(&listen).output().expect("runs");
    assert_eq!(String::from_utf8_lossy(&heard.stdout), "secret\n", "{}", text(&heard));
    assert!(sender.wait_with_output().expect("ends").status.success());
    let short = concat!(env!("CARGO_TARGET_TMPDIR"), "/short.key");
    fs::write(short, "short").expect("the folder is there");
    let output = zpat(&["bus", "send", &endpoint, "--key-file", short, "x"]).output().expect("runs");
    assert!(text(&output).contains("at least 16 bytes"), "{}", text(&output));
}

#[test]
fn a_bus_without_multicast_goes_through_a_forwarder() {
    let mut forwarder = zpat(&["bus", "forward", "--bind", "udp://127.0.0.1:0"]).spawn().expect("starts");
    let mut line = String::new();
    BufReader::new(forwarder.stderr.take().expect("piped")).read_line(&mut line).expect("it lives");
    let _forwarder = Running(forwarder);
    let endpoint = line.trim_end().replace("bound to udp", "relay");
    let watch = zpat(&["bus", "recv", &endpoint, "--count", "1", "--timeout", "60"]).spawn().expect("starts");
    // Who listens begins with what is sent after it came: so somebody says it until it is heard.
    let say = zpat(&["bus", "send", &endpoint]).stdin(Stdio::piped()).spawn().expect("starts");
    let mut say = Running(say);
    let mut input = say.0.stdin.take().expect("piped");
    let told = thread::spawn(move || while input.write_all(b"hello\tall\n").is_ok() {});
    let output = watch.wait_with_output().expect("ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "hello\tall\n", "{}", text(&output));
    drop(say);
    told.join().expect("it ends with who hears it");
}

#[test]
fn mistakes_are_named() {
    for (arguments, expected) in [
        (&["recv"][..], "give --bind or --connect"),
        (&["recv", "--bind", "nonsense"], "InvalidEndpoint"),
        (&["recv", "--bind", "tcp://127.0.0.1:0", "--type", "push"], "Unsupported"),
        (&["recv", "--bind", "tcp://127.0.0.1:0", "--timeout", "0.01"], "Timeout"),
        (&["bus", "recv", "epgm://lo;10.0.0.1:5555"], "multicast address"),
        (&["bus", "send", "epgm://nowhere;239.0.0.1:5555", "x"], "AddressNotAvailable"),
        (&["bus", "send", "udp://lo:5555;localhost:5555", "x"], "no name is looked up"),
        (&["bus", "forward", "--bind", "tcp://*:5555"], "a forwarder is at udp://INTERFACE:PORT"),
        (&["recv", "--type", "shove"], "there is no socket type `shove`"),
        (&["proxy", "--front", "pull", "--back", "push=tcp://127.0.0.1:0"], "give a type and an endpoint"),
    ] {
        let output = zpat(arguments).output().expect("runs");
        assert!(!output.status.success(), "{arguments:?}");
        assert!(text(&output).contains(expected), "{arguments:?} said {}", text(&output));
    }
}

/// A process that is killed when the test ends.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        // With SIGKILL: it has no time to put anything in order.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_shell_command_answers_requests_through_a_broker_and_without() {
    let folder = tempfile::tempdir().expect("a folder");
    let [broker, server] = ["broker", "server"].map(|name| format!("ipc://{}/{name}", folder.path().display()));
    let _broker = Running(zpat(&["broker", "--bind", &broker]).spawn().expect("starts"));
    let exec = "case $ZPAT_KEY in bad) echo no >&2; exit 3;; *) tr a-z A-Z;; esac";
    let _worker = Running(zpat(&["work", "shout", "--connect", &broker, "--exec", exec]).spawn().expect("starts"));
    let _server = Running(zpat(&["work", "shout", "--bind", &server, "--exec", exec]).spawn().expect("starts"));
    for endpoint in [&broker, &server] {
        let output = zpat(&["request", "--connect", endpoint, "shout", "hello"]).output().expect("runs");
        assert!(output.status.success(), "{}", text(&output));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "HELLO");
        let output = zpat(&["request", "--connect", endpoint, "--key", "bad", "shout", ""]).output().expect("runs");
        assert!(!output.status.success() && text(&output).contains("the worker failed with code 3: no"));
    }
    // The command is killed when its time is over, and the worker is free for the next.
    let _sleeper =
        Running(zpat(&["work", "sleep", "--connect", &broker, "--exec", "exec sleep 1000"]).spawn().expect("starts"));
    for _ in 0..2 {
        let asked = ["request", "--connect", &broker, "--deadline", "0.5", "sleep", ""];
        let output = zpat(&asked).output().expect("runs");
        // Whose word comes first, the worker's or the client's own, depends on the machine.
        let ended =
            ["code 137: ended by signal 9", "Timeout, may have run"].iter().any(|end| text(&output).contains(end));
        assert!(!output.status.success() && ended, "{}", text(&output));
    }
    let output = zpat(&["request", "--connect", &broker, "--patience", "0", "nobody", ""]).output().expect("runs");
    assert!(!output.status.success() && text(&output).contains("NotFound, never ran"), "{}", text(&output));
}

/// Adds the numbers up to one by halves, which a shell does not do by itself.
const BY_HALVES: &str = r#"
    if [ "$ZPAT_RESUMED" ]; then read one; read other; echo $((one + other)); exit; fi
    read from to
    if [ $((from + 1)) -ge "$to" ]; then echo "$from"; exit; fi
    middle=$(((from + to) / 2))
    printf 'sum\t%s %s\nsum\t%s %s\n' "$from" "$middle" "$middle" "$to" > "$ZPAT_SPAWN"
"#;

#[test]
fn publications_go_to_those_who_may_hear_them_and_rights_follow_their_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let (rights, password, other) =
        (folder.path().join("rights"), folder.path().join("password"), folder.path().join("other"));
    let entitle = |allow: &str| {
        fs::write(&rights, format!("user\n    alice\n        password = secret\n        allow = {allow}\n"))
            .expect("a file");
    };
    entitle("x.>");
    fs::write(&password, "secret\n").expect("a file");
    fs::write(&other, "guess\n").expect("a file");
    let path = |path: &Path| path.to_str().expect("text").to_owned();
    let (rights_path, password, other) = (path(&rights), path(&password), path(&other));
    let mut publisher =
        zpat(&["pub", "--bind", "tcp://127.0.0.1:0", "--entitlements", &rights_path, "--at-least", "1"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("zpat");
    let mut told = BufReader::new(publisher.stderr.take().expect("piped")).lines();
    let mut line = || told.next().expect("a line").expect("text");
    let bound = line();
    let endpoint = bound.strip_prefix("bound to ").expect("where").to_owned();
    let refused = zpat(&["sub", "--connect", &endpoint, "--user", "alice", "--password-file", &other]).output();
    assert!(text(&refused.expect("zpat")).contains("PermissionDenied"));
    let hear = ["sub", "--connect", &endpoint, "--user", "alice", "--password-file", &password, "--count", "2", ">"];
    let mut subscriber = zpat(&hear).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("zpat");
    let mut heard = BufReader::new(subscriber.stderr.take().expect("piped")).lines();
    while heard.next().expect("a line").expect("text") != "subscribed" {}
    let mut lines = publisher.stdin.take().expect("piped");
    lines.write_all(b"y.z\tno\nx.y\tone\ttwo\n").expect("a line");
    let mut out = BufReader::new(subscriber.stdout.take().expect("piped")).lines();
    assert_eq!(out.next().expect("a line").expect("text"), "x.y\tone\ttwo");
    entitle("y.>");
    while line() != "entitlements are read again" {}
    lines.write_all(b"x.y\tno\ny.z\tyes\n").expect("a line");
    assert_eq!(out.next().expect("a line").expect("text"), "y.z\tyes");
    drop(lines);
    assert!(subscriber.wait().expect("it ends").success());
    assert!(publisher.wait().expect("it ends").success());
}

#[test]
fn a_plain_socket_of_a_user_hears_what_that_may() {
    let folder = tempfile::tempdir().expect("a folder");
    let rights = folder.path().join("rights");
    fs::write(&rights, "user\n    alice\n        allow = x.>\n").expect("a file");
    let endpoint = format!("ipc://{}/alice", folder.path().display());
    let publish =
        ["pub", "--bind", "tcp://127.0.0.1:0", "--entitlements", rights.to_str().expect("text"), "--plain-for"];
    let refused = zpat(&[&publish[..], &["bob=tcp://127.0.0.1:0"]].concat()).output().expect("zpat");
    assert!(text(&refused).contains("PermissionDenied"), "{}", text(&refused));
    let refused = zpat(&[&publish[..], &["alice"]].concat()).output().expect("zpat");
    assert!(text(&refused).contains("a user and an endpoint"), "{}", text(&refused));
    let place = format!("alice={endpoint}");
    let mut publisher = zpat(&[&publish[..], &[&place]].concat()).stdin(Stdio::piped()).spawn().expect("zpat");
    let mut told = BufReader::new(publisher.stderr.take().expect("piped")).lines();
    told.next().expect("a line").expect("text");
    assert_eq!(told.next().expect("a line").expect("text"), format!("plain for alice at {endpoint}"));
    let mut listener = zpat(&["recv", "--type", "sub", "--connect", &endpoint, "--count", "1"]).spawn().expect("zpat");
    let mut lines = publisher.stdin.take().expect("piped");
    // It is heard once the subscription has arrived.
    while listener.try_wait().expect("it is there").is_none() {
        lines.write_all(b"y.z\tno\nx.y\tone\ttwo\n").expect("a line");
        thread::sleep(Duration::from_millis(10));
    }
    let output = listener.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "x.y\tone\ttwo\n");
    drop(lines);
    assert!(publisher.wait().expect("it ends").success());
}

#[test]
fn a_shell_command_breaks_jobs_into_jobs() {
    let folder = tempfile::tempdir().expect("a folder");
    let endpoint = format!("ipc://{}/queue", folder.path().display());
    let mut queue = zpat(&["zqueue", "serve", "--bind", &endpoint]).spawn().expect("starts");
    let mut line = String::new();
    BufReader::new(queue.stderr.take().expect("piped")).read_line(&mut line).expect("it lives");
    assert_eq!(line, format!("bound to {endpoint}\n"));
    let ask = |arguments: &[&str]| {
        let (command, rest) = arguments.split_first().expect("a command");
        let output = zpat(&[&["zqueue", command, "--connect", &endpoint], rest].concat()).output().expect("runs");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned(), text(&output))
    };
    let (_, job, _) = ask(&["push", "later", "never"]);
    let (_, tree, _) = ask(&["tree", job.trim()]);
    assert!(tree.starts_with(&format!("later {} waiting for ", job.trim())), "{tree}");
    assert!(ask(&["cancel", job.trim()]).0 && !ask(&["cancel", job.trim()]).0);

    let work = ["zqueue", "work", "--connect", &endpoint, "--jobs", "2", "--exec", BY_HALVES, "sum"];
    let mut worker = zpat(&work).spawn().expect("starts");
    let (is_done, sum, all) = ask(&["push", "--wait", "sum", "0 10"]);
    assert!(is_done && sum == "45\n", "{all}");
    let (is_done, _, all) = ask(&["push", "--wait", "--attempts", "1", "sum", "no number"]);
    assert!(!is_done && all.contains("the job failed with code "), "{all}");
    let (_, dead, _) = ask(&["dead"]);
    assert!(dead.contains("\tsum\tno number\tthe job failed with code "), "{dead}");
    let letter = dead.split('\t').next().expect("a number");
    assert!(ask(&["dead", "--requeue", letter]).0);
    let (_, top, _) = ask(&["top", "--count", "1"]);
    assert!(top.contains("\nlater ") && top.contains("\nsum "), "{top}");
    for mut process in [worker.kill().map(|()| worker), queue.kill().map(|()| queue)].into_iter().flatten() {
        process.wait().expect("it ends");
    }
}

#[test]
fn a_request_that_was_left_outlives_its_broker() {
    let folder = tempfile::tempdir().expect("a folder");
    let endpoint = format!("ipc://{}/broker", folder.path().display());
    let store = folder.path().join("store");
    let store = store.to_str().expect("text");
    let start = || Running(zpat(&["broker", "--bind", &endpoint, "--store", store]).spawn().expect("starts"));
    let request = |arguments: &[&str]| {
        let all = ["request", "--connect", &endpoint, "--key", "order 17"];
        zpat(&[&all, arguments].concat()).output().expect("runs")
    };
    let says = |arguments: &[&str], expected: &str| {
        let output = request(arguments);
        assert!(output.status.success(), "{arguments:?} said {}", text(&output));
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    };
    let refuses = |arguments: &[&str], expected: &str| {
        let output = request(arguments);
        assert!(!output.status.success() && text(&output).contains(expected), "{arguments:?} said {}", text(&output));
    };

    // Nobody can do it yet.
    let broker = start();
    says(&["--leave", "shout", "hello"], "");
    refuses(&["--fetch", "--deadline", "0.5", "shout"], "Timeout");
    drop(broker);

    let broker = start();
    let worker =
        Running(zpat(&["work", "shout", "--connect", &endpoint, "--exec", "tr a-z A-Z"]).spawn().expect("starts"));
    says(&["--fetch", "shout"], "HELLO");
    drop((broker, worker));

    // The answer survives, too, and answers whoever asks again with the same key.
    let broker = start();
    says(&["--fetch", "shout"], "HELLO");
    says(&["--durable", "shout", "other"], "HELLO");
    says(&["--discard", "shout"], "");
    drop(broker);

    let broker = start();
    refuses(&["--fetch", "shout"], "NotFound");
    let output = zpat(&["broker", "--bind", "tcp://127.0.0.1:0", "--store", store]).output().expect("runs");
    assert!(!output.status.success() && text(&output).contains("WrongState"), "{}", text(&output));
    drop(broker);

    let _forgetful = Running(zpat(&["broker", "--bind", &endpoint]).spawn().expect("starts"));
    refuses(&["--leave", "shout", "hello"], "Unsupported");
    refuses(&["--fetch", "--discard", "shout"], "cannot be used with");
}

/// Waits until a command has made this file.
fn wait_for(file: &Path) {
    let began = Instant::now();
    while !file.exists() {
        assert!(began.elapsed() < Duration::from_secs(60), "nobody made {}", file.display());
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_durable_request_is_answered_although_its_broker_is_killed_meanwhile() {
    let folder = tempfile::tempdir().expect("a folder");
    let endpoint = format!("ipc://{}/broker", folder.path().display());
    let [store, began, go] = ["store", "began", "go"].map(|name| folder.path().join(name));
    let store = store.to_str().expect("text");
    let start = || Running(zpat(&["broker", "--bind", &endpoint, "--store", store]).spawn().expect("starts"));
    // It ends with the folder at the latest, because nobody kills the command of a worker that is killed.
    let exec = format!(
        "cd {} && touch began && while [ -d \"$PWD\" ] && ! [ -e go ]; do sleep 0.01; done; tr a-z A-Z",
        folder.path().display()
    );
    let work = || Running(zpat(&["work", "shout", "--connect", &endpoint, "--exec", &exec]).spawn().expect("starts"));

    // One waits for its answer, the other is left; the broker is killed while a worker has the first.
    let broker = start();
    let asked = ["request", "--connect", &endpoint, "--key", "asked", "--durable", "shout", "hello"];
    let asked = zpat(&asked).spawn().expect("starts");
    let worker = work();
    wait_for(&began);
    let left = ["request", "--connect", &endpoint, "--key", "left", "--leave", "shout", "later"];
    let output = zpat(&left).output().expect("runs");
    assert!(output.status.success(), "{}", text(&output));
    drop(broker);

    // The worker is lost, too: what it had is done by another.
    drop(worker);
    fs::remove_file(&began).expect("it was there");
    let broker = start();
    let _worker = work();
    wait_for(&began);
    fs::write(&go, "").expect("a file");
    let output = asked.wait_with_output().expect("ends");
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "HELLO");
    let output =
        zpat(&["request", "--connect", &endpoint, "--key", "left", "--fetch", "shout"]).output().expect("runs");
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "LATER");
    drop(broker);
}
