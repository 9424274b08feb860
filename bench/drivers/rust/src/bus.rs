//! A bus: who sends, and who receives.
//!
//! A receiver prints `ready` when it hears a greeting, which is shorter than a message that counts. A sender greets until a line
//! comes, and ends with its input: until then it repeats what others lack. Inboxes have no bound that would be met, as the
//! queues of the peer have none: who is slow is late, and drops nothing.

use std::{
    io,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use zpatterns::{Bus, BusEvent, BusFlowControl, BusOptions, Context, Deadline, ErrorKind, Result};

use crate::{BATCH, Clock, latencies_json, monotonic_nanos, say, since_due};

/// Receivers wait so long for more; repairs take less.
const SILENCE: Duration = Duration::from_secs(1);
const GREETING: &[&[u8]] = &[b"x"];

/// What a sender or a receiver is told.
pub(crate) struct Plan {
    pub(crate) size: usize,
    pub(crate) count: usize,
}

/// Takes part in the bus at `endpoint`.
fn open(endpoint: &str, options: BusOptions) -> Result<Bus> {
    Bus::open(&Context::new()?, endpoint, BusOptions { max_events: 100_000_000, max_bytes: 4 << 30, ..options })
}

/// How one sends: at a given rate, or as fast as all who listen can follow, or, on a schedule, as programs usually do.
fn sending(pace: u64, rate: Option<u64>) -> BusOptions {
    let options = BusOptions::default();
    match (pace, rate) {
        (_, Some(rate)) => BusOptions { rate, ..options },
        (0, None) => BusOptions { rate: 10_000_000_000, flow_control: BusFlowControl::Slowest, ..options },
        _ => options,
    }
}

/// Sends `pace` messages per second, each with a stamp, or as many as it can if that is 0, at most `rate` bytes per second.
pub(crate) fn send(endpoint: &str, plan: &Plan, pace: u64, rate: Option<u64>) -> Result<String> {
    let bus = open(endpoint, sending(pace, rate))?;
    let input = lines();
    loop {
        bus.send(GREETING, &Deadline::never())?;
        if input.recv_timeout(Duration::from_millis(1)) != Err(RecvTimeoutError::Timeout) {
            break;
        }
    }
    let clock = Clock::start();
    if pace == 0 {
        send_many(&bus, plan)?;
    } else {
        send_on_schedule(&bus, plan, pace)?;
    }
    while input.recv().is_ok() {}
    Ok(clock.line(plan.count))
}

/// A notice for each line of the input; it ends with that.
pub(crate) fn lines() -> Receiver<()> {
    let (sender, lines) = channel();
    thread::spawn(move || io::stdin().lines().map_while(io::Result::ok).try_for_each(|_| sender.send(())));
    lines
}

fn send_many(bus: &Bus, plan: &Plan) -> Result<()> {
    let data = vec![b'x'; plan.size];
    let batch = vec![[&data[..]]; BATCH];
    let mut left = plan.count;
    while left > 0 {
        left -= bus.send_many(&batch[..left.min(BATCH)], &Deadline::never())?;
    }
    Ok(())
}

fn send_on_schedule(bus: &Bus, plan: &Plan, pace: u64) -> Result<()> {
    on_schedule(plan.size, plan.count, pace, |data| bus.send(&[data], &Deadline::never()))
}

/// Hands out so many messages when they are due, `pace` in a second, each with its stamp.
pub(crate) fn on_schedule(
    size: usize,
    count: usize,
    pace: u64,
    mut send: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    punctual();
    let mut data = vec![b'x'; size];
    let first = monotonic_nanos();
    for n in 0..count as u64 {
        let due = first + n * 1_000_000_000 / pace;
        data[..8].copy_from_slice(&due.to_le_bytes());
        thread::sleep(Duration::from_nanos(due.saturating_sub(monotonic_nanos())));
        send(&data)?;
    }
    Ok(())
}

/// Sleeps of this thread end when they should; they may end 50 us late otherwise.
fn punctual() {
    #[cfg(target_os = "linux")]
    // SAFETY: it changes how this thread sleeps, by a number of nanoseconds, and nothing else.
    unsafe {
        libc::prctl(libc::PR_SET_TIMERSLACK, 1);
    }
}

/// Receives in batches, up to the last message or until no more come.
pub(crate) fn recv_many(endpoint: &str, plan: &Plan) -> Result<String> {
    let mut listener = Listener::new(plan);
    listener.listen(endpoint, |bus, listener, deadline| {
        let events = bus.recv_many(1024, 1 << 20, deadline)?;
        for event in events.iter() {
            if let BusEvent::Message { frames, .. } = event {
                listener.hear(frames.iter().next().map_or(0, |first| first.len()));
            }
        }
        Ok(())
    })?;
    Ok(listener.clock.line(listener.received))
}

/// Receives one by one, and notes how late each message is and how long nothing came.
pub(crate) fn latency(endpoint: &str, plan: &Plan) -> Result<String> {
    let mut listener = Listener::new(plan);
    let (mut micros, mut last, mut silence) = (Vec::with_capacity(plan.count), None, 0);
    listener.listen(endpoint, |bus, listener, deadline| {
        let BusEvent::Message { frames, .. } = bus.recv(deadline)? else { return Ok(()) };
        if listener.hear(frames[0].len()) {
            let now = monotonic_nanos();
            micros.push(since_due(&frames[0]));
            silence = silence.max(now - last.replace(now).unwrap_or(now));
        }
        Ok(())
    })?;
    let (figures, latencies) = (listener.clock.figures(micros.len()), latencies_json(&micros));
    Ok(format!("{{{figures}, \"silence_us\": {:.1}, {latencies}}}", silence as f64 / 1e3))
}

struct Listener {
    size: usize,
    count: usize,
    received: usize,
    is_greeted: bool,
    clock: Clock,
}

impl Listener {
    fn new(plan: &Plan) -> Self {
        Self { size: plan.size, count: plan.count, received: 0, is_greeted: false, clock: Clock::start() }
    }

    /// Calls `take` until all came, or nothing more does.
    fn listen(&mut self, endpoint: &str, mut take: impl FnMut(&Bus, &mut Self, &Deadline) -> Result<()>) -> Result<()> {
        let bus = open(endpoint, BusOptions::default())?;
        bus.subscribe(b"")?;
        while self.received < self.count {
            match take(&bus, self, &Deadline::after(SILENCE)) {
                Err(error) if error.kind() == ErrorKind::Timeout && self.received > 0 => {
                    self.clock.wall += SILENCE;
                    break;
                }
                Err(error) if error.kind() == ErrorKind::Timeout => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// Counts a message of `length`; false if it is a greeting.
    fn hear(&mut self, length: usize) -> bool {
        if length != self.size {
            if !std::mem::replace(&mut self.is_greeted, true) {
                say("ready");
            }
            return false;
        }
        if self.received == 0 {
            self.clock = Clock::start();
        }
        self.received += 1;
        true
    }
}
