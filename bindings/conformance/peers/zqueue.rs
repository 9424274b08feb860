//! The job queue in the peer.
//!
//! With `--async` nothing waits in the library: what is wanted is posted, and what comes is taken after a notice.

mod options;

use std::{
    collections::{BTreeMap, VecDeque},
    thread::{self, JoinHandle},
    time::Instant,
};

use zpatterns::{
    Deadline, ErrorKind, Result,
    zqueue::{
        Answer, Ask, Call, Child, DeadLetter, Draft, Failure, Found, Frames, JobId, JobState, Look, OnFailure, Outcome,
        Producer, Queue, QueueCounters, QueueJob, QueueWorker, Reason, Ticket, TreeJob, WatchEvent,
    },
};

use crate::{
    Peer, Run, Words, done, hex, invalid,
    reqrep::{list, noticed, wake_up},
    unhex, until,
};

pub(crate) const COMMANDS: &[(&str, Run)] = &[
    ("queue", |peer, words| {
        let (name, endpoints, options) = (words.next()?, words.next()?, options::queue(words)?);
        let queue = Queue::bind(&peer.context, &endpoints.split(',').collect::<Vec<_>>(), options)?;
        let bound = queue.endpoints().join(",");
        peer.yard.queues.insert(name.to_owned(), queue);
        Ok(bound)
    }),
    ("queue-workers", |peer, words| peer.yard.queue(words)?.workers().map(|count| count.to_string())),
    ("queue-counters", |peer, words| counters(peer.yard.queue(words)?)),
    ("queue-drain", |peer, words| {
        let queue = peer.yard.queue(words)?;
        done(queue.drain(&words.deadline()?))
    }),
    ("producer", producer),
    ("push", |peer, words| {
        let pusher = peer.yard.pusher(words)?;
        let (queue, end) = (words.text()?, words.end()?);
        let (options, body) = (options::job(words)?, words.frames()?);
        let begun = pusher.push(&queue, body, &options, false)?;
        pusher.job(begun, end)
    }),
    ("push-many", |peer, words| {
        let pusher = peer.yard.pusher(words)?;
        let (queue, count, end, options) = (words.text()?, words.number()?, words.end()?, options::job(words)?);
        let bodies = (0..count).map(|number| vec![number.to_string().into()]);
        if !pusher.asynchronous {
            return Ok(pusher.producer.push_many(&queue, bodies, &options, &until(end))?.len().to_string());
        }
        let begun = bodies.map(|body| pusher.push(&queue, body, &options, false)).collect::<Result<Vec<_>>>()?;
        let count = begun.len();
        begun.into_iter().try_for_each(|one| pusher.job(one, end).map(drop))?;
        Ok(count.to_string())
    }),
    ("run", |peer, words| {
        let pusher = peer.yard.pusher(words)?;
        let (queue, end) = (words.text()?, words.end()?);
        let (options, body) = (options::job(words)?, words.frames()?);
        let begun = pusher.push(&queue, body, &options, true)?;
        pusher.outcome(&begun, end)
    }),
    ("submit", |peer, words| {
        let pusher = peer.yard.pusher(words)?;
        let (watch, queue) = (words.next()?, words.text()?);
        let (options, body) = (options::job(words)?, words.frames()?);
        let begun = pusher.push(&queue, body, &options, true)?;
        pusher.watches.insert(watch.to_owned(), begun);
        done(Ok(()))
    }),
    ("watch", |peer, words| {
        let pusher = peer.yard.pusher(words)?;
        let (watch, job, progress) = (words.next()?, words.id()?, words.next()? == "true");
        let begun = pusher.begin(Ask::Watch { job, progress })?;
        pusher.watches.insert(watch.to_owned(), begun);
        done(Ok(()))
    }),
    ("watched", |peer, words| {
        let (pusher, watch) = peer.yard.watch(words)?;
        let begun = pusher.watches.remove(&watch).expect("it was found there");
        let answer = pusher.next(&begun, words.end()?);
        pusher.watches.insert(watch, begun);
        event(answer?)
    }),
    ("outcome", |peer, words| {
        let (pusher, watch) = peer.yard.watch(words)?;
        let begun = pusher.watches.remove(&watch).expect("it was found there");
        let outcome = pusher.outcome(&begun, words.end()?);
        pusher.watches.insert(watch, begun);
        outcome
    }),
    ("draft", draft),
    ("draft-part", |peer, words| {
        let (pusher, draft) = peer.yard.draft(words)?;
        done(match &pusher.drafts[&draft] {
            Drafted::Whole(draft) => draft.send_part(words.frames()?),
            Drafted::Posted(ticket) => pusher.producer.send_part(*ticket, words.frames()?),
        })
    }),
    ("draft-execute", |peer, words| {
        let (pusher, draft) = peer.yard.draft(words)?;
        let begun = match pusher.drafts.remove(&draft).expect("it was found there") {
            Drafted::Whole(draft) => Begun::Call(draft.execute()?.into()),
            Drafted::Posted(ticket) => {
                pusher.producer.execute(ticket)?;
                Begun::Ticket(ticket)
            }
        };
        pusher.watches.insert(words.next()?.to_owned(), begun);
        done(Ok(()))
    }),
    ("draft-drop", |peer, words| {
        let (pusher, draft) = peer.yard.draft(words)?;
        if let Some(Drafted::Posted(ticket)) = pusher.drafts.remove(&draft) {
            pusher.producer.forget(ticket)?;
        }
        done(Ok(()))
    }),
    ("result", |peer, words| {
        let pusher = peer.yard.pusher(words)?;
        let begun = pusher.begin(Ask::Watch { job: words.id()?, progress: false })?;
        pusher.outcome(&begun, words.end()?)
    }),
    ("cancel-job", |peer, words| {
        let pusher = peer.yard.pusher(words)?;
        let begun = pusher.begin(Ask::Cancel { job: words.id()? })?;
        pusher.job(begun, words.end()?).map(|_| String::new())
    }),
    ("requeue", |peer, words| {
        let pusher = peer.yard.pusher(words)?;
        let begun = pusher.begin(Ask::Requeue { letter: words.id()? })?;
        pusher.job(begun, words.end()?)
    }),
    ("queues", |peer, words| {
        let pusher = peer.yard.pusher(words)?;
        match pusher.look(Look::Queues, words.end()?)? {
            (Found::Queues(queues), _) => Ok(queues_shown(&queues)),
            other => unreachable!("queues were asked for, not {other:?}"),
        }
    }),
    ("tree", |peer, words| {
        let pusher = peer.yard.pusher(words)?;
        let look = Look::Tree { job: words.id()?, most: words.count()? };
        match pusher.look(look, words.end()?)? {
            (Found::Tree(jobs), more) => Ok(tree_shown(&jobs, more)),
            other => unreachable!("a tree was asked for, not {other:?}"),
        }
    }),
    ("dead", |peer, words| {
        let pusher = peer.yard.pusher(words)?;
        let look = Look::Dead { from: 0, most: words.count()? };
        match pusher.look(look, words.end()?)? {
            (Found::Dead(letters), more) => Ok(dead_shown(&letters, more)),
            other => unreachable!("dead letters were asked for, not {other:?}"),
        }
    }),
    ("queue-worker", |peer, words| {
        let name = words.next()?;
        let queues = words.next()?.split(',').map(|queue| Words([queue].into()).text()).collect::<Result<Vec<_>>>()?;
        let queues: Vec<&str> = queues.iter().map(String::as_str).collect();
        let endpoints: Vec<&str> = words.next()?.split(',').collect();
        let worker = QueueWorker::connect(&peer.context, &endpoints, &queues, options::worker(words)?)?;
        if peer.asynchronous {
            worker.set_hook(Some(wake_up()));
        }
        peer.yard.workers.insert(name.to_owned(), worker);
        done(Ok(()))
    }),
    ("take", take),
    ("complete", |peer, words| done(peer.yard.take_job(words)?.complete(words.frames()?))),
    ("retry", |peer, words| {
        let (job, code) = (peer.yard.take_job(words)?, words.count()?);
        done(job.retry(code, words.frames()?))
    }),
    ("fail", |peer, words| {
        let (job, code) = (peer.yard.take_job(words)?, words.count()?);
        done(job.fail(code, words.frames()?))
    }),
    ("spawn", spawn),
    ("drop", |peer, words| peer.yard.take_job(words).map(|_| String::new())),
    ("withdrawn", |peer, words| {
        let job = peer.yard.jobs.get(words.next()?).ok_or_else(|| invalid("no job has this name"))?;
        if !peer.asynchronous {
            return done(job.wait_withdrawn(&words.deadline()?));
        }
        job.set_hook(wake_up())?;
        done(noticed(|| job.wait_withdrawn(&Deadline::now()), || false, words.end()?))
    }),
    ("work", work),
    ("queue-leave", |peer, words| done(peer.yard.worker(words)?.leave())),
    ("worker-counters", |peer, words| {
        let it = peer.yard.worker(words)?.counters()?;
        Ok(format!(
            "accepted={} completed={} failed={} spawned={} held={} withdrawn={} rejected={} malformed={}",
            it.accepted, it.completed, it.failed, it.spawned, it.held, it.withdrawn, it.rejected, it.malformed
        ))
    }),
    ("queue-end", |peer, words| {
        let name = words.next()?;
        peer.yard.queues.get(name).inspect(|queue| queue.close());
        peer.yard.pushers.get(name).inspect(|pusher| pusher.producer.close());
        peer.yard.workers.get(name).inspect(|worker| worker.close());
        done(Ok(()))
    }),
];

/// What is open.
#[derive(Default)]
pub(crate) struct Yard {
    queues: BTreeMap<String, Queue>,
    pushers: BTreeMap<String, Pusher>,
    workers: BTreeMap<String, QueueWorker>,
    jobs: BTreeMap<String, QueueJob>,
    working: Vec<JoinHandle<()>>,
}

/// A producer, and what it waits for.
struct Pusher {
    producer: Producer,
    asynchronous: bool,
    watches: BTreeMap<String, Begun>,
    drafts: BTreeMap<String, Drafted>,
    /// What came of what nobody was waiting for at that moment.
    came: BTreeMap<Ticket, VecDeque<Answer>>,
}

/// Something that was begun, in one face or the other.
enum Begun {
    Call(Call),
    Ticket(Ticket),
}

enum Drafted {
    Whole(Draft),
    Posted(Ticket),
}

impl Yard {
    /// Closes everything.
    pub(crate) fn reset(&mut self) {
        self.pushers.values().for_each(|pusher| pusher.producer.close());
        self.workers.values().for_each(QueueWorker::close);
        self.queues.values().for_each(Queue::close);
        for thread in self.working.drain(..) {
            thread.join().expect("it ends with its worker");
        }
        *self = Self::default();
    }

    fn queue(&self, words: &mut Words<'_>) -> Result<&Queue> {
        self.queues.get(words.next()?).ok_or_else(|| invalid("no queue has this name"))
    }

    fn worker(&self, words: &mut Words<'_>) -> Result<&QueueWorker> {
        self.workers.get(words.next()?).ok_or_else(|| invalid("no worker has this name"))
    }

    fn pusher(&mut self, words: &mut Words<'_>) -> Result<&mut Pusher> {
        self.pushers.get_mut(words.next()?).ok_or_else(|| invalid("no producer has this name"))
    }

    fn watch(&mut self, words: &mut Words<'_>) -> Result<(&mut Pusher, String)> {
        let name = words.next()?;
        let pusher = self.pushers.values_mut().find(|pusher| pusher.watches.contains_key(name));
        Ok((pusher.ok_or_else(|| invalid("no watch has this name"))?, name.to_owned()))
    }

    fn draft(&mut self, words: &mut Words<'_>) -> Result<(&mut Pusher, String)> {
        let name = words.next()?;
        let pusher = self.pushers.values_mut().find(|pusher| pusher.drafts.contains_key(name));
        Ok((pusher.ok_or_else(|| invalid("no draft has this name"))?, name.to_owned()))
    }

    fn take_job(&mut self, words: &mut Words<'_>) -> Result<QueueJob> {
        self.jobs.remove(words.next()?).ok_or_else(|| invalid("no job has this name"))
    }
}

impl Pusher {
    fn push(&self, queue: &str, body: Frames, options: &zpatterns::zqueue::JobOptions, watch: bool) -> Result<Begun> {
        match self.asynchronous {
            true => self.producer.post(queue, body, options, watch).map(Begun::Ticket),
            false => self.producer.begin_push(queue, body, options, watch).map(Begun::Call),
        }
    }

    fn begin(&self, ask: Ask) -> Result<Begun> {
        match self.asynchronous {
            true => self.producer.post_ask(ask).map(Begun::Ticket),
            false => self.producer.begin(ask).map(Begun::Call),
        }
    }

    /// What comes next of something.
    fn next(&mut self, begun: &Begun, end: Instant) -> Result<Answer> {
        let ticket = match begun {
            Begun::Call(call) => return call.next(&until(end)),
            Begun::Ticket(ticket) => *ticket,
        };
        loop {
            if let Some(answer) = self.came.get_mut(&ticket).and_then(VecDeque::pop_front) {
                return Ok(answer);
            }
            let (of, answer) = noticed(|| self.producer.next(&Deadline::now()), || self.producer.arm(), end)?;
            self.came.entry(of).or_default().push_back(answer);
        }
    }

    /// The number of a job that is accepted.
    fn job(&mut self, begun: Begun, end: Instant) -> Result<String> {
        match self.next(&begun, end)? {
            Answer::Job(WatchEvent::Accepted { job, .. }) => Ok(job.to_string()),
            other => Err(other.into_error()),
        }
    }

    /// What a job comes to.
    fn outcome(&mut self, begun: &Begun, end: Instant) -> Result<String> {
        loop {
            match self.next(begun, end)? {
                Answer::Job(WatchEvent::Ended(outcome)) => return Ok(result(&outcome)),
                Answer::Job(_) => {}
                other => return Err(other.into_error()),
            }
        }
    }

    fn look(&mut self, look: Look, end: Instant) -> Result<(Found, bool)> {
        let begun = self.begin(Ask::Look(look))?;
        match self.next(&begun, end)? {
            Answer::Found { found, more } => Ok((found, more)),
            other => Err(other.into_error()),
        }
    }
}

impl Words<'_> {
    fn id(&mut self) -> Result<JobId> {
        self.next()?.parse().map_err(|_| invalid("the number of a job is needed"))
    }

    fn count(&mut self) -> Result<u32> {
        u32::try_from(self.number()?).map_err(|_| invalid("a u32 is needed"))
    }
}

fn producer(peer: &mut Peer, words: &mut Words<'_>) -> Result<String> {
    let (name, endpoint, options) = (words.next()?, words.next()?, options::producer(words)?);
    let (producer, asynchronous) = (Producer::connect(&peer.context, endpoint, options)?, peer.asynchronous);
    if asynchronous {
        producer.set_hook(Some(wake_up()));
    }
    let (watches, drafts, came) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    peer.yard.pushers.insert(name.to_owned(), Pusher { producer, asynchronous, watches, drafts, came });
    done(Ok(()))
}

fn draft(peer: &mut Peer, words: &mut Words<'_>) -> Result<String> {
    let pusher = peer.yard.pusher(words)?;
    let (draft, queue) = (words.next()?, words.text()?);
    let (options, body) = (options::job(words)?, words.frames()?);
    let drafted = match pusher.asynchronous {
        true => Drafted::Posted(pusher.producer.post_draft(&queue, body, &options)?),
        false => Drafted::Whole(pusher.producer.draft(&queue, body, &options)?),
    };
    pusher.drafts.insert(draft.to_owned(), drafted);
    done(Ok(()))
}

fn take(peer: &mut Peer, words: &mut Words<'_>) -> Result<String> {
    let worker = peer.yard.worker(words)?;
    let (name, end) = (words.next()?.to_owned(), words.end()?);
    let job = match peer.asynchronous {
        true => noticed(|| worker.next(&Deadline::now()), || worker.arm(), end)?,
        false => worker.next(&until(end))?,
    };
    let came = |outcome: &Option<Outcome>| match outcome {
        None => "nothing".to_owned(),
        Some(Outcome::Done(body)) => format!("done:{}", list(body).replace(',', "+")),
        Some(Outcome::Failed(failure)) => format!("failed:{}:{}", failure.kind, failure.code),
    };
    let results: Vec<String> = job.results().unwrap_or_default().iter().map(came).collect();
    let text = format!(
        "id={} queue={} body={} tries={} resumed={} memo={} results={}",
        job.id(),
        hex(job.queue()),
        list(job.body()),
        job.tries(),
        job.is_resumed(),
        job.memo().map(list).unwrap_or_default(),
        results.join(",")
    );
    peer.yard.jobs.insert(name, job);
    Ok(text)
}

fn spawn(peer: &mut Peer, words: &mut Words<'_>) -> Result<String> {
    let (job, ordered, memo) = (peer.yard.take_job(words)?, words.next()? == "true", words.bytes()?);
    let options = options::job(words)?;
    let child = |word: &str| {
        let mut frames = word.split(',').map(unhex).collect::<Result<VecDeque<_>>>()?;
        let mut text = || frames.pop_front().and_then(|text| String::from_utf8(text).ok()).unwrap_or_default();
        let (queue, policy) = (text(), text());
        let (detached, on_failure) = match &*policy {
            "alone" => (true, OnFailure::default()),
            policy => (false, policy.parse()?),
        };
        let body = frames.into_iter().map(Into::into).collect();
        Ok(Child { options: options.clone(), on_failure, detached, ..Child::new(queue, body) })
    };
    let children = words.0.drain(..).map(child).collect::<Result<Vec<_>>>()?;
    let memo = if memo.is_empty() { vec![] } else { vec![memo.into()] };
    done(if ordered { job.spawn_in_order(children, memo) } else { job.spawn(children, memo) })
}

/// Does jobs in the background: each comes to how many there are in its tree.
fn work(peer: &mut Peer, words: &mut Words<'_>) -> Result<String> {
    let worker = peer.yard.worker(words)?.clone();
    peer.yard.working.push(thread::spawn(move || {
        while let Ok(job) = worker.next(&Deadline::never()) {
            // One that was withdrawn, or that a closed worker had, is of no more interest.
            let _ = recurse(job);
        }
    }));
    done(Ok(()))
}

fn recurse(job: QueueJob) -> Result<()> {
    let number = |body: &Frames| String::from_utf8_lossy(&body[0]).parse::<u64>().expect("a number");
    if let Some(results) = job.results() {
        assert_eq!(job.memo().map(|memo| &*memo[0]), Some(&b"left"[..]), "the memo comes back");
        let sum: u64 = results.iter().flatten().filter_map(Outcome::done).map(number).sum();
        return job.complete(vec![(sum + 1).to_string().into()]);
    }
    let body = String::from_utf8_lossy(&job.body()[0]).into_owned();
    let (deep, wide) = body.split_once(' ').expect("two numbers");
    let (deep, wide): (u32, usize) = (deep.parse().expect("a number"), wide.parse().expect("a number"));
    if deep == 0 {
        return job.complete(vec!["1".into()]);
    }
    let queue = String::from_utf8_lossy(job.queue()).into_owned();
    let child = Child::new(queue, vec![format!("{} {wide}", deep - 1).into()]);
    job.spawn(vec![child; wide], vec!["left".into()])
}

fn counters(queue: &Queue) -> Result<String> {
    let it = queue.counters()?;
    let lost = Reason::ALL.iter().zip(it.lost).map(|(reason, count)| format!(" lost_{}={count}", reason.name()));
    Ok(format!(
        "accepted={} delivered={} redelivered={} held={} waiting={} delayed={} running={} suspended={} refused_full={} \
         refused_other={} duplicates={} late_dropped={} kept={} dead={} bytes={} malformed={}{}",
        it.accepted,
        it.delivered,
        it.redelivered,
        it.held,
        it.waiting,
        it.delayed,
        it.running,
        it.suspended,
        it.refused_full,
        it.refused_other,
        it.duplicates,
        it.late_dropped,
        it.kept,
        it.dead,
        it.bytes,
        it.malformed,
        lost.collect::<String>()
    ))
}

fn event(answer: Answer) -> Result<String> {
    match answer {
        Answer::Job(WatchEvent::Accepted { job, known }) => Ok(format!("event=accepted id={job} known={known}")),
        Answer::Job(WatchEvent::Progress(it)) => {
            Ok(format!("event=progress open={} done={} failed={}", it.open, it.done, it.failed))
        }
        Answer::Job(WatchEvent::Ended(outcome)) => Ok(format!("event=ended {}", result(&outcome))),
        other => Err(other.into_error()),
    }
}

fn result(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done(body) => format!("result=done body={}", list(body)),
        Outcome::Failed(failure) => failed(failure),
    }
}

fn failed(Failure { kind, code, body }: &Failure) -> String {
    let body = if *kind == ErrorKind::JobFailed { list(body) } else { String::new() };
    format!("result=failed error={kind} code={code} body={body}")
}

fn queues_shown(queues: &[QueueCounters]) -> String {
    let names: Vec<String> = queues.iter().map(|queue| hex(&queue.name)).collect();
    let sum = |of: fn(&QueueCounters) -> u64| queues.iter().map(of).sum::<u64>();
    format!(
        "names={} waiting={} running={} delivered={} lost={}",
        names.join(","),
        sum(|queue| queue.waiting),
        sum(|queue| queue.running),
        sum(|queue| queue.delivered),
        sum(|queue| queue.lost)
    )
}

fn tree_shown(jobs: &[TreeJob], more: bool) -> String {
    let depth = jobs.iter().map(|job| job.depth).max().unwrap_or_default();
    let states = [JobState::Waiting, JobState::Delayed, JobState::Running, JobState::Suspended];
    let counts = states.map(|state| {
        let count = jobs.iter().filter(|job| job.state == state).count();
        format!("{}={count}", state.name())
    });
    format!("jobs={} more={more} depth={depth} {}", jobs.len(), counts.join(" "))
}

fn dead_shown(letters: &[DeadLetter], more: bool) -> String {
    let count = format!("letters={} more={more}", letters.len());
    let Some(DeadLetter { job, queue, body, options, failure }) = letters.first() else { return count };
    let facts = format!("id={job} queue={} body={} key={}", hex(queue), list(body), hex(&options.key));
    format!("{count} {facts} error={} code={}", failure.kind, failure.code)
}
