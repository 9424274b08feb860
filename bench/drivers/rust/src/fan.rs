//! Fan-out: who publishes, and those who subscribe, all of them in one process.
//!
//! A publisher greets until a line comes, with what is shorter than a message that counts, and ends with its input. Who subscribes
//! prints `ready` when all have heard a greeting. The publisher waits for who is slow: nothing is dropped.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, channel},
    },
    time::Duration,
};

use zpatterns::{
    Context, Deadline, ErrorKind, Result,
    pubsub::{
        Content, Criterion, Policy, Publisher, PublisherOptions, Slow, Subscriber, SubscriberEvent, SubscriberOptions,
        SubscriptionOptions,
    },
};

use crate::{BATCH, Clock, bus::lines, say};

const SUBJECT: &[u8] = b"bench";
/// Subscribers wait so long for more; repairs take less.
const SILENCE: Duration = Duration::from_secs(1);

/// What a publisher or its subscribers are told.
pub(crate) struct Plan {
    pub(crate) size: usize,
    pub(crate) count: usize,
    pub(crate) subscribers: usize,
    /// Whether what is published leaves once for all, or for each by himself.
    pub(crate) shared: bool,
}

/// Publishes as fast as all who subscribe can follow.
pub(crate) fn publish(endpoint: &str, plan: &Plan) -> Result<String> {
    let mut options = PublisherOptions::default();
    if plan.shared {
        options.streams[0].public = true;
        options.shared = Some("tcp://127.0.0.1:0".to_owned());
    }
    let publisher = Publisher::bind(&Context::new()?, endpoint, options)?;
    say(&format!("endpoint {}", publisher.endpoint()));
    let input = lines();
    // Many who just come must not be greeted more often than they can hear it.
    let pause = Duration::from_millis(plan.subscribers.div_ceil(10) as u64);
    loop {
        publisher.publish(SUBJECT, &["x"], &Deadline::never())?;
        if input.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
            break;
        }
    }
    let clock = Clock::start();
    let data = vec![b'x'; plan.size];
    let mut left = plan.count;
    while left > 0 {
        let batch = (0..left.min(BATCH)).map(|_| Content::new(SUBJECT, &[&data])).collect::<Result<Arc<[_]>>>()?;
        left -= batch.len();
        let mut taken = publisher.publish_many(Arc::clone(&batch), &Deadline::never())?;
        while taken < batch.len() {
            taken += publisher.publish_many(&batch[taken..], &Deadline::never())?;
        }
    }
    while input.recv().is_ok() {}
    Ok(clock.line(plan.count))
}

/// Receives all that is published, once for each of the subscribers.
pub(crate) fn subscribe(endpoint: &str, plan: &Plan) -> Result<String> {
    let context = Context::new()?;
    let subscribers = (0..plan.subscribers).map(|_| {
        let subscriber = Subscriber::connect(&context, endpoint, SubscriberOptions::default())?;
        let SubscriptionOptions { policy, .. } = SubscriptionOptions::default();
        let policy = Policy { slow: Slow::Hold, ..policy };
        let options = SubscriptionOptions { policy, shared: plan.shared, ..SubscriptionOptions::default() };
        subscriber.subscribe(Criterion::pattern(">")?, options)?;
        Ok(subscriber)
    });
    let subscribers = subscribers.collect::<Result<Vec<_>>>()?;
    let mut tally = Tally {
        size: plan.size,
        wanted: plan.count * plan.subscribers,
        received: 0,
        greeted: vec![false; plan.subscribers],
        clock: Clock::start(),
    };
    match &subscribers[..] {
        [alone] => listen(alone, &mut tally)?,
        all => listen_to_all(all, &mut tally)?,
    }
    Ok(tally.clock.line(tally.received))
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
    clock: Clock,
}

impl Tally {
    fn hear(&mut self, at: usize, events: &[SubscriberEvent]) {
        for event in events {
            let SubscriberEvent::Message { frames, .. } = event else { continue };
            if frames[0].len() == self.size {
                if self.received == 0 {
                    self.clock = Clock::start();
                }
                self.received += 1;
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
