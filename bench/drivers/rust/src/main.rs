//! The Rust bench driver: one workload, one line of JSON.
//!
//!     zpatterns-bench-driver IMPL WORKLOAD ENDPOINT SIZE COUNT
//!
//! It connects to a counterpart on plain libzmq. A tenth of COUNT warms up, outside the clock.

use std::{
    env,
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
    let [implementation, workload, endpoint, size, count] = args.as_slice() else {
        eprintln!("usage: zpatterns-bench-driver IMPL WORKLOAD ENDPOINT SIZE COUNT");
        return ExitCode::from(2);
    };
    let (Ok(size), Ok(count)) = (size.parse(), count.parse::<usize>()) else {
        eprintln!("SIZE and COUNT are numbers");
        return ExitCode::from(2);
    };
    let options = match implementation.as_str() {
        "zpatterns" => SocketOptions::default(),
        "zpatterns-background" => SocketOptions::background(),
        other => return unsupported(other, workload),
    };
    let plan = Plan { size, warm: count / 10, total: count / 10 + count };
    let kind = match workload.as_str() {
        "send-each" | "send-many" => SocketKind::Push,
        "recv-each" | "recv-many" => SocketKind::Pull,
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
            _ => round_trips(&socket, &plan),
        }
    };
    match run() {
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
    Ok(clock.line(plan.total - plan.warm, ""))
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
    Ok(clock.line(plan.total - plan.warm, ""))
}

fn recv_each(socket: &Socket, plan: &Plan) -> Result<String> {
    let mut clock = Clock::start();
    for n in 0..plan.total {
        if n == plan.warm {
            clock = Clock::start();
        }
        std::hint::black_box(socket.recv(&watchdog())?);
    }
    Ok(clock.line(plan.total - plan.warm, ""))
}

fn recv_many(socket: &Socket, plan: &Plan) -> Result<String> {
    let (mut clock, mut received, mut skipped) = (Clock::start(), 0, None);
    while received < plan.total {
        received += std::hint::black_box(socket.recv_many(1000, 512 * 1024, &watchdog())?).len();
        if skipped.is_none() && received >= plan.warm {
            (skipped, clock) = (Some(received), Clock::start());
        }
    }
    Ok(clock.line(plan.total - skipped.unwrap_or_default(), ""))
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
    let mut measured = micros.split_off(plan.warm);
    measured.sort_by(f64::total_cmp);
    let at = |part: f64| measured[((measured.len() - 1) as f64 * part) as usize];
    let percentiles = format!(
        ", \"p50_us\": {:.2}, \"p90_us\": {:.2}, \"p99_us\": {:.2}, \"max_us\": {:.2}",
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0)
    );
    Ok(clock.line(plan.total - plan.warm, &percentiles))
}

/// Wall and processor time since a moment.
struct Clock {
    wall: Instant,
    cpu: f64,
}

impl Clock {
    fn start() -> Self {
        Self { wall: Instant::now(), cpu: usage().0 }
    }

    fn line(&self, messages: usize, more: &str) -> String {
        let (cpu, rss) = usage();
        format!(
            "{{\"messages\": {messages}, \"seconds\": {:.6}, \"cpu_seconds\": {:.6}, \"max_rss_kb\": {rss}{more}}}",
            self.wall.elapsed().as_secs_f64(),
            cpu - self.cpu
        )
    }
}

/// Processor seconds of this process so far, and its largest resident size in KiB.
fn usage() -> (f64, i64) {
    let usage = own_usage();
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    (seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss)
}

fn own_usage() -> libc::rusage {
    // SAFETY: rusage is plain data, which getrusage fills; it cannot fail for the calling process.
    unsafe {
        let mut usage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    }
}
