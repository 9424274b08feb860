//! Reliable request-reply in the peer: clients, workers, jobs and brokers.
//!
//! With `--async` nothing waits in the library: what is asked is posted, and what comes is taken after a notice.

pub(crate) mod options;

use std::{
    collections::{BTreeMap, VecDeque},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use zpatterns::{
    Deadline, Error, ErrorKind, Hook, Result,
    reqrep::{
        Broker, Client, Counters, Frames, Job, NewsRecord, Outcome, Part, Reason, RequestOptions, Ticket, Worker,
    },
};

use crate::{Peer, Run, Words, done, hex, invalid, until};

pub(crate) const COMMANDS: &[(&str, Run)] = &[
    ("broker", broker),
    ("worker", |peer, words| {
        let (name, service) = (words.next()?, words.text()?);
        let endpoints: Vec<_> = words.next()?.split(',').collect();
        let worker = Worker::connect(&peer.context, &endpoints, &service, options::worker(words)?)?;
        peer.reqrep.add_worker(name, worker);
        done(Ok(()))
    }),
    ("server", |peer, words| {
        let (name, service, endpoint) = (words.next()?, words.text()?, words.next()?);
        let worker = Worker::bind(&peer.context, endpoint, &service, options::worker(words)?)?;
        let bound = worker.endpoint().expect("it is bound").to_owned();
        peer.reqrep.add_worker(name, worker);
        Ok(bound)
    }),
    ("client", client),
    ("request", |peer, words| {
        let asker = peer.reqrep.asker(words)?;
        let (service, options, body) = (words.text()?, options::request(words)?, words.frames()?);
        if asker.asynchronous {
            let ticket = asker.client.post(&service, body, &options)?;
            return asker.outcome(ticket, Instant::now() + MINUTE).map(shown);
        }
        asker.client.request(&service, body, &options).map(shown)
    }),
    ("ask", ask),
    ("stream", ask),
    ("answer", |peer, words| {
        let asker = peer.reqrep.asker(words)?;
        let (ticket, timeout) = (asker.ticket(words.next()?)?, words.millis()?);
        asker.outcome(ticket, Instant::now() + timeout).map(shown)
    }),
    ("part", part),
    ("take-back", |peer, words| {
        let asker = peer.reqrep.asker(words)?;
        let ticket = asker.ticket(words.next()?)?;
        done(asker.client.cancel(ticket))
    }),
    ("store", |peer, words| {
        let asker = peer.reqrep.asker(words)?;
        let (service, options, body) = (words.text()?, options::request(words)?, words.frames()?);
        asker.client.store(&service, body, &options, &Deadline::after(MINUTE)).map(shown)
    }),
    ("fetch", |peer, words| {
        let asker = peer.reqrep.asker(words)?;
        let (service, key, patience) = (words.text()?, words.bytes()?, words.millis()?);
        asker.client.fetch(&service, &key, patience, &Deadline::after(MINUTE)).map(shown)
    }),
    ("discard", |peer, words| {
        let asker = peer.reqrep.asker(words)?;
        let (service, key, patience) = (words.text()?, words.bytes()?, words.millis()?);
        asker.client.discard(&service, &key, patience, &Deadline::after(MINUTE)).map(shown)
    }),
    ("ask-many", ask_many),
    ("answers", answers),
    ("job", job),
    ("job-partial", |peer, words| {
        let name = words.next()?;
        let job = peer.reqrep.jobs.get(name).ok_or_else(|| invalid("no job has this name"))?;
        done(job.send_partial(words.frames()?))
    }),
    ("job-reply", |peer, words| done(peer.reqrep.take_job(words)?.reply(words.frames()?))),
    ("job-fail", |peer, words| {
        let (job, code) = (peer.reqrep.take_job(words)?, words.number()?);
        let code = u32::try_from(code).map_err(|_| invalid("a code is a u32"))?;
        done(job.fail(code, words.frames()?))
    }),
    ("job-drop", |peer, words| peer.reqrep.take_job(words).map(|_| String::new())),
    ("job-cancelled", |peer, words| {
        let name = words.next()?;
        let job = peer.reqrep.jobs.get(name).ok_or_else(|| invalid("no job has this name"))?;
        if !peer.reqrep.asynchronous {
            return done(job.wait_cancelled(&words.deadline()?));
        }
        job.set_hook(wake_up())?;
        let look = || job.wait_cancelled(&Deadline::now());
        done(noticed(look, || false, words.end()?))
    }),
    ("serve", serve),
    ("leave", |peer, words| done(peer.reqrep.worker(words)?.leave())),
    ("drain", |peer, words| {
        let broker = peer.reqrep.broker(words)?;
        done(broker.drain(&words.deadline()?))
    }),
    ("workers", |peer, words| peer.reqrep.broker(words)?.workers().map(|count| count.to_string())),
    ("news", news),
    ("counters", counters),
    ("end", |peer, words| {
        let name = words.next()?;
        peer.reqrep.end(name);
        done(Ok(()))
    }),
];

/// Longer than anything here.
const MINUTE: Duration = Duration::from_secs(60);

/// What is open.
pub(crate) struct Reqrep {
    pub(crate) asynchronous: bool,
    askers: BTreeMap<String, Asker>,
    workers: BTreeMap<String, Worker>,
    brokers: BTreeMap<String, Broker>,
    jobs: BTreeMap<String, Job>,
    serving: Vec<JoinHandle<()>>,
}

/// A client and what it asked.
struct Asker {
    client: Client,
    asynchronous: bool,
    tickets: BTreeMap<String, Ticket>,
    /// What came of requests that nobody was waiting for at that moment.
    came: BTreeMap<Ticket, VecDeque<Part>>,
    /// The run of the last part.
    run: u16,
    /// The bodies of `ask-many`.
    many: BTreeMap<Ticket, Frames>,
}

impl Reqrep {
    pub(crate) fn new(asynchronous: bool) -> Self {
        let (askers, workers, brokers) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { asynchronous, askers, workers, brokers, jobs: BTreeMap::new(), serving: vec![] }
    }

    /// Closes everything.
    pub(crate) fn reset(&mut self) {
        self.askers.values().for_each(|asker| asker.client.close());
        self.workers.values().for_each(Worker::close);
        self.brokers.values().for_each(Broker::close);
        for thread in self.serving.drain(..) {
            thread.join().expect("it ends with its worker");
        }
        *self = Self::new(self.asynchronous);
    }

    fn end(&self, name: &str) {
        self.askers.get(name).inspect(|asker| asker.client.close());
        self.workers.get(name).inspect(|worker| worker.close());
        self.brokers.get(name).inspect(|broker| broker.close());
    }

    fn add_worker(&mut self, name: &str, worker: Worker) {
        if self.asynchronous {
            worker.set_hook(Some(wake_up()));
        }
        self.workers.insert(name.to_owned(), worker);
    }

    fn asker(&mut self, words: &mut Words<'_>) -> Result<&mut Asker> {
        self.askers.get_mut(words.next()?).ok_or_else(|| invalid("no client has this name"))
    }

    fn worker(&self, words: &mut Words<'_>) -> Result<&Worker> {
        self.workers.get(words.next()?).ok_or_else(|| invalid("no worker has this name"))
    }

    fn broker(&self, words: &mut Words<'_>) -> Result<&Broker> {
        self.brokers.get(words.next()?).ok_or_else(|| invalid("no broker has this name"))
    }

    fn take_job(&mut self, words: &mut Words<'_>) -> Result<Job> {
        self.jobs.remove(words.next()?).ok_or_else(|| invalid("no job has this name"))
    }
}

impl Asker {
    fn ticket(&self, name: &str) -> Result<Ticket> {
        self.tickets.get(name).copied().ok_or_else(|| Error::new(ErrorKind::NotFound, "nothing more comes of it"))
    }

    /// What comes next of a request.
    fn wait(&mut self, ticket: Ticket, end: Instant) -> Result<Part> {
        let part = if self.asynchronous {
            loop {
                if let Some(part) = self.came.get_mut(&ticket).and_then(VecDeque::pop_front) {
                    break part;
                }
                let (of, part) = noticed(|| self.client.next(&Deadline::now()), || self.client.arm(), end)?;
                self.came.entry(of).or_default().push_back(part);
            }
        } else {
            self.client.wait(ticket, &until(end))?
        };
        if let Part::Outcome(_) = part {
            self.tickets.retain(|_, other| *other != ticket);
        }
        Ok(part)
    }

    /// How a request ends, with the parts of its answer put together.
    fn outcome(&mut self, ticket: Ticket, end: Instant) -> Result<Outcome> {
        let (mut parts, mut last) = (Frames::new(), 0);
        loop {
            match self.wait(ticket, end)? {
                Part::Partial { run, body } => {
                    if run != last {
                        parts.clear();
                    }
                    last = run;
                    parts.extend(body);
                }
                Part::Outcome(Outcome::Reply(body)) => {
                    parts.extend(body);
                    return Ok(Outcome::Reply(parts));
                }
                Part::Outcome(outcome) => return Ok(outcome),
            }
        }
    }
}

fn broker(peer: &mut Peer, words: &mut Words<'_>) -> Result<String> {
    let (name, endpoints, options) = (words.next()?, words.next()?, options::broker(words)?);
    let broker = Broker::bind(&peer.context, &endpoints.split(',').collect::<Vec<_>>(), options)?;
    let bound = broker.endpoints().join(",");
    if peer.reqrep.asynchronous {
        broker.set_hook(Some(wake_up()));
    }
    peer.reqrep.brokers.insert(name.to_owned(), broker);
    Ok(bound)
}

fn client(peer: &mut Peer, words: &mut Words<'_>) -> Result<String> {
    let (name, endpoints, options) = (words.next()?, words.next()?, options::client(words)?);
    let client = Client::connect(&peer.context, &endpoints.split(',').collect::<Vec<_>>(), options)?;
    let asynchronous = peer.reqrep.asynchronous;
    if asynchronous {
        client.set_hook(Some(wake_up()));
    }
    let (tickets, came, many) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let asker = Asker { client, asynchronous, tickets, came, run: 0, many };
    peer.reqrep.askers.insert(name.to_owned(), asker);
    done(Ok(()))
}

fn ask(peer: &mut Peer, words: &mut Words<'_>) -> Result<String> {
    let asker = peer.reqrep.asker(words)?;
    let (name, service, options) = (words.next()?, words.text()?, options::request(words)?);
    let ticket = match asker.asynchronous {
        true => asker.client.post(&service, words.frames()?, &options)?,
        false => asker.client.submit(&service, words.frames()?, &options)?,
    };
    asker.tickets.insert(name.to_owned(), ticket);
    done(Ok(()))
}

fn part(peer: &mut Peer, words: &mut Words<'_>) -> Result<String> {
    let asker = peer.reqrep.asker(words)?;
    let (ticket, timeout) = (asker.ticket(words.next()?)?, words.millis()?);
    let body = match asker.wait(ticket, Instant::now() + timeout)? {
        Part::Partial { run, body } => {
            asker.run = run;
            body
        }
        Part::Outcome(Outcome::Reply(body)) => body,
        Part::Outcome(outcome) => return Ok(shown(outcome)),
    };
    Ok(format!("run={} body={}", asker.run, list(&body)))
}

fn ask_many(peer: &mut Peer, words: &mut Words<'_>) -> Result<String> {
    let asker = peer.reqrep.asker(words)?;
    let (service, count, options) = (words.text()?, words.number()?, options::request(words)?);
    for number in 0..count {
        let (body, key) = (vec![number.to_string().into()], number.to_string().into());
        let options = RequestOptions { key, ..options.clone() };
        asker.many.insert(asker.client.post(&service, Frames::clone(&body), &options)?, body);
    }
    done(Ok(()))
}

fn answers(peer: &mut Peer, words: &mut Words<'_>) -> Result<String> {
    let asker = peer.reqrep.asker(words)?;
    let (count, end) = (words.number()?, words.end()?);
    let mut equal = 0;
    for _ in 0..count {
        let (ticket, part) = match asker.asynchronous {
            true => noticed(|| asker.client.next(&Deadline::now()), || asker.client.arm(), end)?,
            false => asker.client.next(&until(end))?,
        };
        let asked = asker.many.remove(&ticket).ok_or_else(|| invalid("nothing of this kind was asked"))?;
        equal += i64::from(part == Part::Outcome(Outcome::Reply(asked)));
    }
    Ok(format!("equal={equal} others={}", count - equal))
}

fn job(peer: &mut Peer, words: &mut Words<'_>) -> Result<String> {
    let reqrep = &mut peer.reqrep;
    let worker = reqrep.worker(words)?;
    let (name, timeout) = (words.next()?.to_owned(), words.millis()?);
    let job = match reqrep.asynchronous {
        true => noticed(|| worker.next(&Deadline::now()), || worker.arm(), Instant::now() + timeout)?,
        false => worker.next(&Deadline::after(timeout))?,
    };
    let text = format!("service={} key={} body={}", hex(job.service()), hex(job.key()), list(job.body()));
    reqrep.jobs.insert(name, job);
    Ok(text)
}

fn news(peer: &mut Peer, words: &mut Words<'_>) -> Result<String> {
    let (broker, timeout) = (peer.reqrep.broker(words)?, words.millis()?);
    let news = match peer.reqrep.asynchronous {
        true => noticed(|| broker.next(&Deadline::now()), || broker.arm(), Instant::now() + timeout)?,
        false => broker.next(&Deadline::after(timeout))?,
    };
    let NewsRecord { kind, service, worker, requests, left, reason, missed } = news.into();
    let (worker, requests) = (worker.unwrap_or_default(), requests.unwrap_or_default());
    Ok(format!(
        "kind={} service={} worker={worker} requests={requests} left={} reason={} missed={}",
        kind.name(),
        hex(&service.unwrap_or_default()),
        left.unwrap_or_default(),
        reason.map_or("-", Reason::name),
        missed.unwrap_or_default()
    ))
}

/// Answers so many jobs with their questions, in the background; below 0, all.
fn serve(peer: &mut Peer, words: &mut Words<'_>) -> Result<String> {
    let (worker, mut count) = (peer.reqrep.worker(words)?.clone(), words.number()?);
    peer.reqrep.serving.push(thread::spawn(move || {
        while count != 0
            && let Ok(job) = worker.next(&Deadline::never())
        {
            count -= 1;
            let body = job.body().clone();
            // If the worker was closed, others do the job.
            let _ = job.reply(body);
        }
    }));
    done(Ok(()))
}

fn counters(peer: &mut Peer, words: &mut Words<'_>) -> Result<String> {
    let name = words.next()?;
    let of_asker = peer.reqrep.askers.get(name).map(|asker| asker.client.counters());
    let of_broker = || peer.reqrep.brokers.get(name).map(Broker::counters);
    if let Some(counters) = of_asker.or_else(of_broker) {
        return counters.map(|counters| requests(&counters));
    }
    let it = peer.reqrep.workers.get(name).ok_or_else(|| invalid("nothing has this name"))?.counters()?;
    Ok(format!(
        "accepted={} answered={} held={} cancelled={} lost_asker_gone={} refused={} malformed={}",
        it.accepted, it.answered, it.held, it.cancelled, it.lost_asker_gone, it.refused, it.malformed
    ))
}

fn requests(it: &Counters) -> String {
    let lost = Reason::ALL.iter().zip(it.lost).map(|(reason, count)| format!(" lost_{}={count}", reason.name()));
    format!(
        "accepted={} delivered={} redelivered={} held={} waiting={} refused_full={} refused_other={} late_used={} \
         late_dropped={} from_cache={} joined={} stored={} malformed={}{}",
        it.accepted,
        it.delivered,
        it.redelivered,
        it.held,
        it.waiting,
        it.refused_full,
        it.refused_other,
        it.late_used,
        it.late_dropped,
        it.from_cache,
        it.joined,
        it.stored,
        it.malformed,
        lost.collect::<String>()
    )
}

/// How a request ended.
fn shown(outcome: Outcome) -> String {
    match outcome {
        Outcome::Reply(body) => format!("outcome=reply body={}", list(&body)),
        Outcome::Error { code, body } => format!("outcome=error code={code} body={}", list(&body)),
        Outcome::Failed(failure) => {
            format!("outcome=failed kind={} may_have_run={}", failure.kind, failure.may_have_run)
        }
        Outcome::Accepted => "outcome=accepted".into(),
    }
}

pub(crate) fn list(body: &Frames) -> String {
    body.iter().map(|frame| hex(frame)).collect::<Vec<_>>().join(",")
}

/// A notice for this thread.
pub(crate) fn wake_up() -> Hook {
    let thread = thread::current();
    Box::new(move || thread.unpark())
}

/// Takes what is there, or waits for a notice, as an event loop does.
pub(crate) fn noticed<T>(take: impl Fn() -> Result<T>, arm: impl Fn() -> bool, end: Instant) -> Result<T> {
    loop {
        match take() {
            Err(error) if error.kind() == ErrorKind::Timeout && Instant::now() < end => {
                if !arm() {
                    thread::park_timeout(end.saturating_duration_since(Instant::now()));
                }
            }
            outcome => return outcome,
        }
    }
}
