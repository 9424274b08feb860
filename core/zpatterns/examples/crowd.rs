//! What a crowd costs a broker: 10,000 idle clients and 1,000 services, against ten clients and one service.
//!
//! `cargo run --release -p zpatterns --example crowd` prints memory per idle client and processor time per request, of the
//! broker's process alone. Linux only, because it reads `/proc`; a process needs 20,000 open files (`ulimit -n`).
//! `-- CLIENTS SERVICES` measures another crowd.
//!
//! Every role is this program again. Idle clients have asked once, so each has its link. Both brokers are asked by ten
//! more clients, in two ways. With one request open each, every message is on its way alone, so only the crowd differs.
//! With twenty, messages to one worker travel together, and those to many cannot, so the system is called more often: that
//! is the price of many connections in use, whoever is behind them.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use zpatterns::{
    Context, Deadline, Result,
    reqrep::{Broker, BrokerOptions, Client, ClientOptions, Outcome, Part, RequestOptions, Worker, WorkerOptions},
};

const IDLE_CLIENTS: usize = 10_000;
const SERVICES: usize = 1_000;
/// A process of idle clients has so many at most, each with a few files.
const CLIENTS_PER_PROCESS: usize = 2_500;
const ACTIVE: usize = 10;
/// Requests that each of them has open: alone, and together with others.
const OPEN: [usize; 2] = [1, 20];
const REQUESTS: usize = 100_000;
/// How long nothing is done while the cost of that is measured.
const REST: Duration = Duration::from_secs(5);

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let number = |at: usize, usual| arguments.get(at).map_or(usual, |text| text.parse().expect("a number"));
    match arguments.first().map(String::as_str) {
        Some("broker") => broker(),
        Some("workers") => workers(&arguments[1], number(2, 0)),
        Some("clients") => clients(&arguments[1], number(2, 0)),
        _ => compare(number(0, IDLE_CLIENTS), number(1, SERVICES)),
    }
}

fn compare(clients: usize, services: usize) -> Result<()> {
    let few = measure(ACTIVE, 1)?;
    let many = measure(clients, services)?;
    for (open, few, many) in [(OPEN[0], few[0], many[0]), (OPEN[1], few[1], many[1])] {
        println!(
            "{open} open: one service {:.2} times the cost with few, all services {:.2} times",
            many.one / few.one,
            many.all / few.one
        );
    }
    Ok(())
}

/// Processor time per request, in microseconds.
#[derive(Clone, Copy)]
struct Costs {
    one: f64,
    all: f64,
}

fn measure(clients: usize, services: usize) -> Result<[Costs; 2]> {
    let mut broker = Role::start(&["broker"]);
    let endpoint = broker.line();
    let mut workers = Role::start(&["workers", &endpoint, &services.to_string()]);
    workers.line();
    let before = broker.memory();
    let parts = (0..clients).step_by(CLIENTS_PER_PROCESS).map(|from| CLIENTS_PER_PROCESS.min(clients - from));
    let mut idle: Vec<Role> = parts.map(|count| Role::start(&["clients", &endpoint, &count.to_string()])).collect();
    idle.iter_mut().for_each(|role| drop(role.line()));
    let after = broker.memory();
    println!("{clients} idle clients, {services} services:");
    println!("  memory {} MiB, before the clients {} MiB", after >> 20, before >> 20);
    println!("  {:.1} KiB per idle client", after.saturating_sub(before) as f64 / clients as f64 / 1024.0);
    let used = broker.processor();
    thread::sleep(REST);
    let resting = (broker.processor() - used).as_secs_f64() / REST.as_secs_f64();
    println!("  at rest {:.2} % of a processor", resting * 100.0);
    // The first run warms up.
    load(&broker, &endpoint, 1, OPEN[1])?;
    let cost = |open| -> Result<Costs> {
        Ok(Costs { one: load(&broker, &endpoint, 1, open)?, all: load(&broker, &endpoint, services, open)? })
    };
    Ok([cost(OPEN[0])?, cost(OPEN[1])?])
}

/// Ten clients ask, and what a request cost the broker.
fn load(broker: &Role, endpoint: &str, services: usize, open: usize) -> Result<f64> {
    let (used, started) = (broker.processor(), Instant::now());
    let asking = (0..ACTIVE).map(|client| {
        let endpoint = endpoint.to_owned();
        thread::spawn(move || ask(&endpoint, client, services, open))
    });
    for client in asking.collect::<Vec<_>>() {
        client.join().expect("a client ends")?;
    }
    let cost = (broker.processor() - used).as_secs_f64() * 1e6 / REQUESTS as f64;
    let rate = REQUESTS as f64 / started.elapsed().as_secs_f64();
    println!(
        "  {services} services, {open} open each: {cost:.2} us of a processor per request, {rate:.0} requests per second"
    );
    Ok(cost)
}

fn ask(endpoint: &str, number: usize, services: usize, open: usize) -> Result<()> {
    let client = Client::connect(&Context::new()?, &[endpoint], ClientOptions::default())?;
    let (mut asked, mut answered) = (0, 0);
    while answered < REQUESTS / ACTIVE {
        while asked < REQUESTS / ACTIVE && asked - answered < open {
            let service = format!("service {}", (asked * ACTIVE + number) % services);
            client.post(&service, vec!["question".into()], &RequestOptions::default())?;
            asked += 1;
        }
        let (_, part) = client.next(&Deadline::never())?;
        assert!(matches!(part, Part::Outcome(Outcome::Reply(_))), "{part:?}");
        answered += 1;
    }
    Ok(())
}

fn ready(line: &str) {
    println!("{line}");
    std::io::stdout().flush().expect("somebody listens");
}

/// A role ends when who started it does.
fn until_the_end() {
    let _ = std::io::stdin().read_line(&mut String::new());
}

fn broker() -> Result<()> {
    let broker = Broker::bind(&Context::new()?, &["tcp://127.0.0.1:0"], BrokerOptions::default())?;
    ready(broker.endpoints()[0]);
    until_the_end();
    Ok(())
}

fn workers(endpoint: &str, services: usize) -> Result<()> {
    let context = Context::new()?;
    for number in 0..services {
        let options = WorkerOptions { credit: 100, ..WorkerOptions::default() };
        let worker = Worker::connect(&context, &[endpoint], &format!("service {number}"), options)?;
        let work = move || {
            while let Ok(job) = worker.next(&Deadline::never()) {
                let _ = job.reply(vec!["answer".into()]);
            }
        };
        thread::Builder::new().stack_size(128 << 10).spawn(work).expect("a thread");
    }
    let client = Client::connect(&context, &[endpoint], ClientOptions::default())?;
    for number in 0..services {
        client.request(&format!("service {number}"), vec![], &RequestOptions::default())?;
    }
    ready("ready");
    until_the_end();
    Ok(())
}

fn clients(endpoint: &str, count: usize) -> Result<()> {
    let context = Context::new()?;
    let connect = |_| Client::connect(&context, &[endpoint], ClientOptions::default());
    let all = (0..count).map(connect).collect::<Result<Vec<_>>>()?;
    for client in &all {
        client.request("service 0", vec![], &RequestOptions::default())?;
    }
    ready("ready");
    until_the_end();
    Ok(())
}

/// A process, which ends when this is dropped.
struct Role {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    _open: ChildStdin,
}

impl Role {
    fn start(arguments: &[&str]) -> Self {
        let program = env::current_exe().expect("this program has a file");
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let open = child.stdin.take().expect("piped");
        Self { child, lines, _open: open }
    }

    fn line(&mut self) -> String {
        self.lines.next().and_then(std::result::Result::ok).expect("the role ended before it was ready")
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).expect("this is Linux")
    }

    /// Bytes that are resident.
    fn memory(&self) -> u64 {
        let status = self.file("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
    }

    /// Processor time of all its threads.
    fn processor(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("this is Linux");
        let nanos = tasks.flatten().map(|task| {
            let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            text.split(' ').next().and_then(|text| text.parse::<u64>().ok()).unwrap_or_default()
        });
        Duration::from_nanos(nanos.sum())
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
