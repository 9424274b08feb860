//! The roles of request-reply: who stands between, who answers, who asks.

use std::time::Instant;

use zpatterns::{
    Context, Deadline, Error, ErrorKind, Result,
    reqrep::{
        Answer, Broker, BrokerOptions, Client, ClientOptions, Frames, Outcome, Part, RequestOptions, Worker,
        WorkerOptions,
    },
};

use crate::{Clock, say};

const SERVICE: &str = "echo";
/// Jobs at hand of a worker; more do not make it faster.
const MOST_CREDIT: u32 = 1000;
/// Jobs or answers taken by one call.
const BATCH: usize = 1024;

/// What a role is told.
pub(crate) struct Load {
    pub(crate) size: usize,
    pub(crate) count: u64,
    pub(crate) outstanding: u64,
    /// Where a broker stores durable requests.
    pub(crate) store: Option<String>,
}

/// Plays `role` to its end; a client gives its line. `None` if there is no such role.
pub(crate) fn play(role: &str, endpoint: &str, load: &Load) -> Option<Result<String>> {
    Some(match role {
        "broker" => broker(endpoint, load),
        "worker" => work(load, |context, options| {
            let worker = Worker::connect(context, &[endpoint], SERVICE, options)?;
            say("ready");
            Ok(worker)
        }),
        "server" => work(load, |context, options| {
            let worker = Worker::bind(context, endpoint, SERVICE, options)?;
            say(&format!("endpoint {}", worker.endpoint().expect("it is bound")));
            Ok(worker)
        }),
        "client" => ask(endpoint, load, false),
        "durable" => ask(endpoint, load, true),
        _ => return None,
    })
}

fn broker(endpoint: &str, load: &Load) -> Result<String> {
    let options = BrokerOptions { store: load.store.clone().map(Into::into), ..BrokerOptions::default() };
    let broker = Broker::bind(&Context::new()?, &[endpoint], options)?;
    say(&format!("endpoint {}", broker.endpoints()[0]));
    broker.wait(&Deadline::never())?;
    Ok(String::new())
}

fn work(load: &Load, open: impl FnOnce(&Context, WorkerOptions) -> Result<Worker>) -> Result<String> {
    let credit = u32::try_from(load.outstanding).unwrap_or(MOST_CREDIT).min(MOST_CREDIT);
    let worker = open(&Context::new()?, WorkerOptions { credit, ..WorkerOptions::default() })?;
    loop {
        let jobs = worker.next_many(BATCH, &Deadline::never())?;
        worker.answer_many(jobs.into_iter().map(|job| {
            let body = job.body().clone();
            (job, Answer::Reply(body))
        }))?;
    }
}

fn ask(endpoint: &str, load: &Load, durable: bool) -> Result<String> {
    let client = Client::connect(&Context::new()?, &[endpoint], ClientOptions::default())?;
    let mut asker = Asker { client, size: load.size, durable, asked: 0 };
    if load.outstanding == 1 {
        asker.one_by_one(load.count / 10)?;
        say("warm");
        let clock = Clock::start();
        let micros = asker.one_by_one(load.count)?;
        return Ok(clock.line_with(&micros));
    }
    asker.many(load.count / 10, load.outstanding)?;
    say("warm");
    let clock = Clock::start();
    asker.many(load.count, load.outstanding)?;
    Ok(clock.line(load.count as usize))
}

struct Asker {
    client: Client,
    size: usize,
    durable: bool,
    /// Requests so far; the number of the last one, which is its ticket, too: they count alike.
    asked: u64,
}

impl Asker {
    /// The next request, which begins with its number.
    fn request(&mut self) -> Frames {
        self.asked += 1;
        let mut body = vec![b'x'; self.size];
        body[..8].copy_from_slice(&self.asked.to_le_bytes());
        vec![body.into()]
    }

    fn check(&self, outcome: &Outcome, number: u64) -> Result<()> {
        match outcome {
            Outcome::Reply(body) if body.len() == 1 && body[0].len() == self.size => {
                if body[0].starts_with(&number.to_le_bytes()) { Ok(()) } else { Err(wrong("another's answer")) }
            }
            other => Err(wrong(&format!("{other:?}"))),
        }
    }

    /// Asks `count` times, each when the answer before is there; gives how long each took, in microseconds.
    fn one_by_one(&mut self, count: u64) -> Result<Vec<f64>> {
        let mut micros = Vec::new();
        for _ in 0..count {
            let began = Instant::now();
            let body = self.request();
            let outcome = self.client.request(SERVICE, body, &RequestOptions::default())?;
            self.check(&outcome, self.asked)?;
            micros.push(began.elapsed().as_secs_f64() * 1e6);
        }
        Ok(micros)
    }

    /// Asks `count` times, with up to `window` requests open.
    fn many(&mut self, count: u64, window: u64) -> Result<()> {
        let (last, mut answered, mut room) = (self.asked + count, 0, window);
        while answered < count {
            self.post(room.min(last - self.asked))?;
            let parts = self.client.next_many(BATCH, &Deadline::never())?;
            room = parts.len() as u64;
            answered += room;
            for (ticket, part) in parts {
                let Part::Outcome(outcome) = part else { return Err(wrong(&format!("{part:?}"))) };
                self.check(&outcome, ticket.0)?;
            }
        }
        Ok(())
    }

    /// Asks `count` times more. A durable request has a key of its own, so it is posted by itself.
    fn post(&mut self, count: u64) -> Result<()> {
        if self.durable {
            for _ in 0..count {
                let body = self.request();
                let key = self.asked.to_le_bytes().to_vec().into();
                let options = RequestOptions { durable: true, key, ..RequestOptions::default() };
                self.client.post(SERVICE, body, &options)?;
            }
        } else {
            let bodies: Vec<Frames> = (0..count).map(|_| self.request()).collect();
            self.client.post_many(SERVICE, bodies, &RequestOptions::default())?;
        }
        Ok(())
    }
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::WrongState, format!("a request ended with {what}"))
}
