//! Who publishes.
//!
//! It greets until a line comes, with what is shorter than a message that counts, and ends with its input.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use zpatterns::{
    Context, Deadline, Result,
    pubsub::{Content, Publisher, PublisherOptions},
};

use super::{Plan, path::LossyPath};
use crate::{
    BATCH, Clock,
    bus::{lines, on_schedule},
    say,
};

const ANYWHERE: &str = "tcp://127.0.0.1:0";

/// When what is published is due, and what becomes of it.
pub(crate) struct Schedule {
    /// Publications per second.
    pub(crate) pace: u64,
    /// Of a thousand messages of the shared path so many are lost.
    pub(crate) lost: u32,
}

/// Publishes as fast as all who subscribe can follow.
pub(crate) fn publish(endpoint: &str, plan: &Plan) -> Result<String> {
    let publisher = open(&Context::new()?, endpoint, plan)?;
    say(&format!("endpoint {}", publisher.endpoint()));
    let (input, subjects) = (lines(), plan.subjects());
    greet(&publisher, plan, &subjects, &input)?;
    let clock = Clock::start();
    let data = vec![b'x'; plan.size];
    // From one to the next is far, so that all take turns and no cache has what is looked for.
    let mut drawn = (0..plan.count).map(|n| subjects[n * 7919 % subjects.len()].as_bytes());
    loop {
        let batch = drawn.by_ref().take(BATCH).map(|subject| Content::new(subject, &[&data]));
        let batch = batch.collect::<Result<Arc<[_]>>>()?;
        if batch.is_empty() {
            break;
        }
        let mut taken = publisher.publish_many(Arc::clone(&batch), &Deadline::never())?;
        while taken < batch.len() {
            taken += publisher.publish_many(&batch[taken..], &Deadline::never())?;
        }
    }
    while input.recv().is_ok() {}
    Ok(clock.line(plan.count))
}

/// Publishes on a schedule, whether or not anybody follows, and says what the shared path has lost. That passes through this
/// process if it is to lose something.
pub(crate) fn publish_on_schedule(endpoint: &str, plan: &Plan, schedule: &Schedule) -> Result<String> {
    let context = Context::new()?;
    let publisher = open(&context, endpoint, plan)?;
    let shared = publisher.shared_endpoint().filter(|_| schedule.lost > 0);
    let path = shared.map(|from| LossyPath::open(&context, from, schedule.lost)).transpose()?;
    let place = path.as_ref().map_or_else(String::new, |path| format!(" {}", path.endpoint()));
    say(&format!("endpoint {}{place}", publisher.endpoint()));
    let (input, subjects) = (lines(), plan.subjects());
    let greetings = greet(&publisher, plan, &subjects, &input)?;
    let clock = Clock::start();
    on_schedule(plan.size, plan.count, schedule.pace, |data| {
        publisher.publish(subjects[0].as_bytes(), &[data], &Deadline::never())
    })?;
    // That the last was lost is noticed at the next.
    greet(&publisher, plan, &subjects, &input)?;
    let lost = path.map_or_else(Vec::new, LossyPath::close);
    let counted =
        lost.iter().filter_map(|number| number.checked_sub(greetings + 1)).filter(|at| *at < plan.count as u64);
    let lost: Vec<_> = counted.map(|at| at.to_string()).collect();
    Ok(format!("{{{}, \"lost\": [{}]}}", clock.figures(plan.count), lost.join(", ")))
}

fn open(context: &Context, endpoint: &str, plan: &Plan) -> Result<Publisher> {
    let mut options = PublisherOptions::default();
    options.max_subscriptions = options.max_subscriptions.max(plan.subjects.unwrap_or(1));
    if plan.shared {
        options.streams[0].public = true;
        options.shared = Some(ANYWHERE.to_owned());
    }
    Publisher::bind(context, endpoint, options)
}

/// Greets who has asked for the last subject until a line comes, or no more does; says how often.
fn greet(publisher: &Publisher, plan: &Plan, subjects: &[String], input: &Receiver<()>) -> Result<u64> {
    let subject = subjects.last().expect("there is at least one");
    // Many who just come must not be greeted more often than they can hear it.
    let pause = Duration::from_millis(plan.subscribers.div_ceil(10) as u64);
    let mut greetings = 0;
    loop {
        publisher.publish(subject.as_bytes(), &["x"], &Deadline::never())?;
        greetings += 1;
        if input.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
            return Ok(greetings);
        }
    }
}
