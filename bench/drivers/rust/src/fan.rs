//! Fan-out: those who subscribe, all of them in one process. Who publishes is in [`mod@publish`].
//!
//! They print `ready` when all have heard a greeting, which is shorter than a message that counts. The publisher waits for who is
//! slow: nothing is dropped.

mod path;
mod publish;

use std::{collections::VecDeque, sync::mpsc::channel, time::Duration};

use zpatterns::{
    Context, Deadline, ErrorKind, Result,
    pubsub::{Criterion, Policy, Slow, Subscriber, SubscriberEvent, SubscriberOptions, SubscriptionOptions},
};

use self::publish::{Schedule, publish, publish_on_schedule};
use crate::{Clock, latencies_json, say, since_due};

/// Subscribers wait so long for more; repairs take less.
const SILENCE: Duration = Duration::from_secs(1);

/// What a publisher or its subscribers are told.
pub(crate) struct Plan {
    pub(crate) size: usize,
    pub(crate) count: usize,
    /// Whether what is published leaves once for all, or for each by himself.
    pub(crate) shared: bool,
    pub(crate) subscribers: usize,
    /// Each subscriber asks for so many, each by itself, or else for all that there is.
    pub(crate) subjects: Option<usize>,
}

/// Plays a part, of which `more` says the rest; `None` if there is none of that kind.
pub(crate) fn play(work: &str, endpoint: &str, plan: Plan, more: &[String]) -> Option<Result<String>> {
    let number = |text: &String| text.parse().ok().filter(|number| *number > 0);
    let subjects = match (work, more) {
        ("publish" | "subscribe", [subjects]) => Some(number(subjects)?),
        _ => None,
    };
    let plan = Plan { subjects, ..plan };
    Some(match (work, more) {
        ("publish", [] | [_]) => publish(endpoint, &plan),
        ("subscribe", [] | [_]) => subscribe(endpoint, &plan),
        ("pace", [pace, lost]) => {
            let schedule = Schedule { pace: number(pace)? as u64, lost: lost.parse().ok()? };
            publish_on_schedule(endpoint, &plan, &schedule)
        }
        ("latency", [] | [_]) => latency(endpoint, &plan, more.first().cloned()),
        _ => return None,
    })
}

impl Plan {
    /// The subjects; neighbours by number are none by name.
    fn subjects(&self) -> Vec<String> {
        let name = |at: usize| format!("ticks.x{:04}.i{:06}", at / 100, at * 7919 % 1_000_000);
        self.subjects.map_or_else(|| vec!["bench".to_owned()], |subjects| (0..subjects).map(name).collect())
    }

    /// What each subscriber asks for, in this order.
    fn criteria(&self) -> Vec<String> {
        if self.subjects.is_some() { self.subjects() } else { vec![">".to_owned()] }
    }
}

/// Receives all that is published, once for each of the subscribers.
pub(crate) fn subscribe(endpoint: &str, plan: &Plan) -> Result<String> {
    let mut tally = Tally::new(plan);
    let subscribers = open(endpoint, plan, &SubscriberOptions::default())?;
    match &subscribers[..] {
        [alone] => listen(alone, &mut tally)?,
        all => listen_to_all(all, &mut tally)?,
    }
    Ok(tally.clock.line(tally.received))
}

/// The same for one of them, noting how late each publication is; the shared path may be at another place than the publisher says.
pub(crate) fn latency(endpoint: &str, plan: &Plan, shared: Option<String>) -> Result<String> {
    let mut tally = Tally { micros: Some(Vec::with_capacity(plan.count)), ..Tally::new(plan) };
    let subscribers = open(endpoint, plan, &SubscriberOptions { shared, ..SubscriberOptions::default() })?;
    listen(&subscribers[0], &mut tally)?;
    let latencies = latencies_json(tally.micros.as_deref().unwrap_or_default());
    Ok(format!("{{{}, {latencies}}}", tally.clock.figures(tally.received)))
}

fn open(endpoint: &str, plan: &Plan, options: &SubscriberOptions) -> Result<Vec<Subscriber>> {
    let (context, criteria) = (Context::new()?, plan.criteria());
    let subscribers = (0..plan.subscribers).map(|_| {
        let subscriber = Subscriber::connect(&context, endpoint, options.clone())?;
        let SubscriptionOptions { policy, .. } = SubscriptionOptions::default();
        let policy = Policy { slow: Slow::Hold, ..policy };
        let options = SubscriptionOptions { policy, shared: plan.shared, ..SubscriptionOptions::default() };
        for criterion in &criteria {
            subscriber.subscribe(Criterion::pattern(criterion.clone())?, options)?;
        }
        Ok(subscriber)
    });
    subscribers.collect()
}

/// Waits where something comes.
fn listen(subscriber: &Subscriber, tally: &mut Tally) -> Result<()> {
    while tally.waits() {
        match subscriber.recv_many(1024, 1 << 20, &Deadline::after(SILENCE)) {
            Ok(events) => tally.hear(0, &events),
            Err(error) if error.kind() == ErrorKind::Timeout => {
                if tally.is_over() {
                    break;
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// One thread for all, as an event loop would: who has something is taken from, and then the next.
fn listen_to_all(subscribers: &[Subscriber], tally: &mut Tally) -> Result<()> {
    let (noticed, notices) = channel();
    for (at, subscriber) in subscribers.iter().enumerate() {
        let noticed = noticed.clone();
        let hook = move || {
            // Nobody listens any more when the last has come.
            let _ = noticed.send(at);
        };
        subscriber.set_hook(Some(Box::new(hook)));
    }
    let mut waiting: VecDeque<usize> = (0..subscribers.len()).collect();
    while tally.waits() {
        waiting.extend(notices.try_iter());
        let Some(at) = waiting.pop_front() else {
            match notices.recv_timeout(SILENCE) {
                Ok(at) => waiting.push_back(at),
                Err(_) if tally.is_over() => break,
                Err(_) => {}
            }
            continue;
        };
        match subscribers[at].recv_many(1024, 1 << 20, &Deadline::now()) {
            Ok(events) => {
                tally.hear(at, &events);
                waiting.push_back(at);
            }
            Err(error) if error.kind() == ErrorKind::Timeout => {
                if subscribers[at].arm() {
                    waiting.push_back(at);
                }
            }
            Err(error) => return Err(error),
        }
    }
    subscribers.iter().for_each(|subscriber| subscriber.set_hook(None));
    Ok(())
}

/// What all of them heard.
struct Tally {
    size: usize,
    wanted: usize,
    received: usize,
    greeted: Vec<bool>,
    /// How late each is, if that is asked for.
    micros: Option<Vec<f64>>,
    clock: Clock,
}

impl Tally {
    fn new(plan: &Plan) -> Self {
        Self {
            size: plan.size,
            wanted: plan.count * plan.subscribers,
            received: 0,
            greeted: vec![false; plan.subscribers],
            micros: None,
            clock: Clock::start(),
        }
    }

    fn hear(&mut self, at: usize, events: &[SubscriberEvent]) {
        for event in events {
            let SubscriberEvent::Message { frames, .. } = event else { continue };
            if frames[0].len() == self.size {
                if self.received == 0 {
                    self.clock = Clock::start();
                }
                self.received += 1;
                if let Some(micros) = &mut self.micros {
                    micros.push(since_due(&frames[0]));
                }
            } else if !std::mem::replace(&mut self.greeted[at], true) && self.greeted.iter().all(|greeted| *greeted) {
                say("ready");
            }
        }
    }

    fn waits(&self) -> bool {
        self.received < self.wanted
    }

    /// Whether nothing more comes, once nothing came for a while.
    fn is_over(&mut self) -> bool {
        let is_over = self.received > 0;
        if is_over {
            self.clock.wall += SILENCE;
        }
        is_over
    }
}
