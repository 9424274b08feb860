//! The Rust bench driver: one workload, one line of JSON.
//!
//!     zpatterns-bench-driver IMPL WORKLOAD ENDPOINT SIZE COUNT
//!     zpatterns-bench-driver IMPL ROLE ENDPOINT SIZE COUNT OUTSTANDING [STORE]
//!     zpatterns-bench-driver zpatterns bus-recv|bus-latency ENDPOINT SIZE COUNT
//!     zpatterns-bench-driver zpatterns bus-send ENDPOINT SIZE COUNT PACE [RATE]
//!     zpatterns-bench-driver zpatterns jobs-ROLE ENDPOINT SIZE COUNT [DEPTH|STORE]
//!     zpatterns-bench-driver zpatterns|zpatterns-private fan-publish|fan-subscribe ENDPOINT SIZE COUNT SUBSCRIBERS [SUBJECTS]
//!     zpatterns-bench-driver zpatterns fan-pace ENDPOINT SIZE COUNT SUBSCRIBERS PACE LOST
//!     zpatterns-bench-driver zpatterns fan-latency ENDPOINT SIZE COUNT SUBSCRIBERS [SHARED]
//!
//! With a workload it connects to a counterpart on plain libzmq. With a role it is one of the processes of request-reply:
//! see `reqrep`, or of a job queue: see `jobs`. On a bus, see `bus`, it sends or receives; of fan-out, see `fan`, it is the publisher, or all
//! who subscribe. Elsewhere a tenth of COUNT warms up, outside the clock.

mod bus;
mod fan;
mod jobs;
mod reqrep;

use std::{
    env, fs,
    io::{self, Write as _},
    process::ExitCode,
    time::{Duration, Instant},
};

use zpatterns::{Batch, Context, Deadline, Result, Socket, SocketKind, SocketOptions};

/// Messages per batch call.
const BATCH: usize = 500;

struct Plan {
    size: usize,
    warm: usize,
    total: usize,
}

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let [implementation, workload, endpoint, size, count, role @ ..] = args.as_slice() else {
        eprintln!("usage: zpatterns-bench-driver IMPL WORKLOAD|ROLE ENDPOINT SIZE COUNT [OUTSTANDING [STORE]]");
        return ExitCode::from(2);
    };
    let (Ok(size), Ok(count)) = (size.parse(), count.parse::<usize>()) else {
        eprintln!("SIZE and COUNT are numbers");
        return ExitCode::from(2);
    };
    if let Some(work) = workload.strip_prefix("bus-").filter(|_| implementation == "zpatterns") {
        let plan = bus::Plan { size, count };
        let numbers: Vec<u64> = role.iter().filter_map(|number| number.parse().ok()).collect();
        return match (work, &numbers[..]) {
            ("recv", []) => told(bus::recv_many(endpoint, &plan)),
            ("latency", []) => told(bus::latency(endpoint, &plan)),
            ("send", [pace, rate @ ..]) => told(bus::send(endpoint, &plan, *pace, rate.first().copied())),
            _ => unsupported(implementation, workload),
        };
    }
    if let Some(work) = workload.strip_prefix("jobs-").filter(|_| implementation == "zpatterns") {
        let load = jobs::Load { size, count, more: role.first().cloned() };
        return jobs::play(work, endpoint, &load).map_or_else(|| unsupported(implementation, workload), told);
    }
    let is_ours = ["zpatterns", "zpatterns-private"].contains(&implementation.as_str());
    if let (Some(work), true, [subscribers, more @ ..]) = (workload.strip_prefix("fan-"), is_ours, role) {
        let Some(subscribers) = subscribers.parse().ok().filter(|number| *number > 0) else {
            return unsupported(implementation, workload);
        };
        let plan = fan::Plan { size, count, shared: implementation == "zpatterns", subscribers, subjects: None };
        return fan::play(work, endpoint, plan, more).map_or_else(|| unsupported(implementation, workload), told);
    }
    if let [outstanding, store @ ..] = role {
        let (Ok(outstanding), "zpatterns") = (outstanding.parse(), implementation.as_str()) else {
            return unsupported(implementation, workload);
        };
        let load = reqrep::Load { size, count: count as u64, outstanding, store: store.first().cloned() };
        return reqrep::play(workload, endpoint, &load).map_or_else(|| unsupported(implementation, workload), told);
    }
    let options = match implementation.as_str() {
        "zpatterns" => SocketOptions::default(),
        "zpatterns-background" => SocketOptions::background(),
        other => return unsupported(other, workload),
    };
    let plan = Plan { size, warm: count / 10, total: count / 10 + count };
    let kind = match workload.as_str() {
        "send-each" | "send-many" => SocketKind::Push,
        "recv-each" | "recv-many" | "latency" => SocketKind::Pull,
        "rtt" => SocketKind::Dealer,
        other => return unsupported(implementation, other),
    };
    let run = || -> Result<String> {
        let context = Context::new()?;
        let socket = context.socket(kind, &options)?;
        socket.connect(endpoint)?;
        match workload.as_str() {
            "send-each" => send_each(&socket, &plan),
            "send-many" => send_many(&socket, &plan),
            "recv-each" => recv_each(&socket, &plan),
            "recv-many" => recv_many(&socket, &plan),
            "rtt" => round_trips(&socket, &plan),
            _ => since_each_was_due(&socket, &plan),
        }
    };
    told(run())
}

/// Prints what came out.
fn told(result: Result<String>) -> ExitCode {
    match result {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn say(line: &str) {
    println!("{line}");
    // Whoever started this is gone if it does not listen, and then nothing matters.
    let _ = io::stdout().flush();
}

fn unsupported(implementation: &str, workload: &str) -> ExitCode {
    eprintln!("{implementation} does not do {workload}");
    ExitCode::from(2)
}

fn watchdog() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

fn send_each(socket: &Socket, plan: &Plan) -> Result<String> {
    let data = vec![b'x'; plan.size];
    let mut clock = Clock::start();
    for n in 0..plan.total {
        if n == plan.warm {
            clock = Clock::start();
        }
        socket.send(&data, &Deadline::never())?;
    }
    Ok(clock.line(plan.total - plan.warm))
}

fn send_many(socket: &Socket, plan: &Plan) -> Result<String> {
    let data = vec![b'x'; plan.size];
    let mut clock = Clock::start();
    let mut sent = 0;
    let mut warm = true;
    while sent < plan.total {
        if warm && sent >= plan.warm {
            (warm, clock) = (false, Clock::start());
        }
        let mut batch = Batch::new();
        for _ in 0..BATCH.min(plan.total - sent) {
            batch.push(&data)?;
        }
        sent += socket.send_many(&mut batch, 0, &Deadline::never())?;
    }
    Ok(clock.line(plan.total - plan.warm))
}

fn recv_each(socket: &Socket, plan: &Plan) -> Result<String> {
    let mut clock = Clock::start();
    for n in 0..plan.total {
        if n == plan.warm {
            clock = Clock::start();
        }
        std::hint::black_box(socket.recv(&watchdog())?);
    }
    Ok(clock.line(plan.total - plan.warm))
}

fn recv_many(socket: &Socket, plan: &Plan) -> Result<String> {
    let (mut clock, mut received, mut skipped) = (Clock::start(), 0, None);
    while received < plan.total {
        received += std::hint::black_box(socket.recv_many(1000, 512 * 1024, &watchdog())?).len();
        if skipped.is_none() && received >= plan.warm {
            (skipped, clock) = (Some(received), Clock::start());
        }
    }
    Ok(clock.line(plan.total - skipped.unwrap_or_default()))
}

fn round_trips(socket: &Socket, plan: &Plan) -> Result<String> {
    let data = vec![b'x'; plan.size];
    let mut micros = Vec::with_capacity(plan.total);
    let mut clock = Clock::start();
    for n in 0..plan.total {
        if n == plan.warm {
            clock = Clock::start();
        }
        let sent = Instant::now();
        socket.send(&data, &watchdog())?;
        socket.recv(&watchdog())?;
        micros.push(sent.elapsed().as_secs_f64() * 1e6);
    }
    Ok(clock.line_with(&micros[plan.warm..]))
}

fn since_each_was_due(socket: &Socket, plan: &Plan) -> Result<String> {
    let mut micros = Vec::with_capacity(plan.total);
    let mut clock = Clock::start();
    for n in 0..plan.total {
        if n == plan.warm {
            clock = Clock::start();
        }
        micros.push(since_due(socket.recv(&watchdog())?.payload()));
    }
    Ok(clock.line_with(&micros[plan.warm..]))
}

/// Wall and processor time since a moment.
struct Clock {
    wall: Instant,
    cpu: f64,
}

impl Clock {
    fn start() -> Self {
        Self { wall: Instant::now(), cpu: cpu_seconds() }
    }

    fn line(&self, messages: usize) -> String {
        format!("{{{}}}", self.figures(messages))
    }

    /// The line of a workload that took the latency of each message.
    fn line_with(&self, micros: &[f64]) -> String {
        format!("{{{}, {}}}", self.figures(micros.len()), latencies_json(micros))
    }

    fn figures(&self, messages: usize) -> String {
        format!(
            "\"messages\": {messages}, \"seconds\": {:.6}, \"cpu_seconds\": {:.6}, \"max_rss_kb\": {}",
            self.wall.elapsed().as_secs_f64(),
            cpu_seconds() - self.cpu,
            peak_kb()
        )
    }
}

fn latencies_json(micros: &[f64]) -> String {
    let latencies: Vec<_> = micros.iter().map(|micros| format!("{micros:.1}")).collect();
    format!("\"latencies_us\": [{}]", latencies.join(", "))
}

/// The clock by which the stamp of a message says when it was due: all processes of a machine share it, which
/// [`Instant`] does not promise.
fn monotonic_nanos() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock exists and `now` is ours to write to.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Microseconds since a message was due, which it begins with.
fn since_due(message: &[u8]) -> f64 {
    let stamp = message.first_chunk().expect("a message on schedule begins with when it was due");
    (monotonic_nanos() - u64::from_le_bytes(*stamp)) as f64 / 1e3
}

/// Processor seconds of this process so far.
fn cpu_seconds() -> f64 {
    let usage = own_usage();
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// The most memory that this process held, in KB. On Linux `ru_maxrss` will not do: it counts what was there before
/// exec, which belongs to whoever started this program.
fn peak_kb() -> i64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    peak.unwrap_or_else(|| own_usage().ru_maxrss)
}

fn own_usage() -> libc::rusage {
    // SAFETY: rusage is plain data, which getrusage fills; it cannot fail for the calling process.
    unsafe {
        let mut usage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    }
}
