//! Publish-subscribe in the peer.
//!
//! With `--async` nothing waits in the library: what there is room for is published, and what is there taken, after a notice.

mod options;

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use zpatterns::{
    Cancel, Deadline, Interest, Result,
    pubsub::{
        Ask, Books, Content, Credential, Criterion, Entitlements, LostReason, Publisher, PublisherEvent, Subscriber,
        SubscriberEvent, Subscription, SubscriptionOptions,
    },
};

use crate::{
    Peer, Run, Words,
    bus::numbered,
    done, hex, invalid,
    reqrep::{list, noticed, wake_up},
    until,
};

pub(crate) const COMMANDS: &[(&str, Run)] = &[
    ("publisher", |peer, words| {
        let (name, endpoint) = (words.next()?, words.next()?);
        let options = options::publisher(words)?;
        let publisher = Publisher::bind(&peer.context, endpoint, options)?;
        let endpoint = publisher.endpoint().to_owned();
        peer.market.publishers.insert(name.to_owned(), publisher);
        Ok(endpoint)
    }),
    ("publish", |peer, words| {
        let (publisher, subject, end) = (peer.publisher(words)?, words.next()?, words.end()?);
        done(publish(peer, publisher, &[Content::new(subject.as_bytes(), &words.frames()?)?], end))
    }),
    ("publish-many", |peer, words| {
        let (publisher, subject) = (peer.publisher(words)?, words.next()?);
        let (first, last, end) = (words.number()?, words.number()?, words.end()?);
        let all = (first..=last).map(|number| Content::new(subject.as_bytes(), &numbered(number)));
        done(publish(peer, publisher, &all.collect::<Result<Vec<_>>>()?, end))
    }),
    ("publisher-event", |peer, words| {
        let (publisher, end) = (peer.publisher(words)?, words.end()?);
        if !peer.asynchronous {
            return publisher.next(&until(end)).map(happened);
        }
        publisher.set_hook(Some(wake_up()));
        noticed(|| publisher.next(&Deadline::now()), || publisher.arm(Interest::RECV).is_some(), end).map(happened)
    }),
    ("admit", |peer, words| {
        let (publisher, ask, user) = (peer.publisher(words)?, ask(words)?, words.bytes()?);
        done(publisher.admit(ask, &user, options::rules(words)?))
    }),
    ("refuse", |peer, words| {
        let (publisher, ask) = (peer.publisher(words)?, ask(words)?);
        done(publisher.refuse(ask, &words.text()?))
    }),
    ("entitle", |peer, words| {
        let publisher = peer.publisher(words)?;
        done(publisher.set_entitlements(Entitlements::read(&words.bytes()?)?))
    }),
    ("set-rules", |peer, words| {
        let (publisher, user) = (peer.publisher(words)?, words.bytes()?);
        done(publisher.set_rules(&user, options::rules(words)?))
    }),
    ("expel", |peer, words| {
        let (publisher, identity) = (peer.publisher(words)?, words.bytes()?);
        done(publisher.expel(&identity, &words.text()?))
    }),
    ("publisher-counters", publisher_counters),
    ("subscribers", |peer, words| {
        let all = peer.publisher(words)?.subscribers()?;
        let connected = all.iter().filter(|each| each.connected).count();
        let sum = |of: fn(&Books) -> u64| all.iter().map(|each| of(&each.books)).sum::<u64>();
        let (accepted, delivered) = (sum(|books| books.accepted), sum(|books| books.delivered));
        let (lost, held) = (sum(Books::all_lost), sum(|books| books.held));
        let number = all.len();
        Ok(format!(
            "number={number} connected={connected} accepted={accepted} delivered={delivered} lost={lost} held={held}"
        ))
    }),
    ("plain-endpoint", |peer, words| {
        let publisher = peer.publisher(words)?;
        publisher.plain_endpoint().map(str::to_owned).ok_or_else(|| invalid("it has no plain endpoint"))
    }),
    ("open-plain", |peer, words| {
        let (publisher, user) = (peer.publisher(words)?, words.bytes()?);
        publisher.open_plain(&user, words.next()?)
    }),
    ("close-plain", |peer, words| done(peer.publisher(words)?.close_plain(words.next()?))),
    ("publisher-close", |peer, words| {
        let publisher = peer.publisher(words)?;
        publisher.close(u64::try_from(words.number()?).map_or(Duration::from_secs(1), Duration::from_millis));
        done(Ok(()))
    }),
    ("subscriber", |peer, words| {
        let (name, endpoint) = (words.next()?, words.next()?);
        let subscriber = Subscriber::connect(&peer.context, endpoint, options::subscriber(words)?)?;
        let endpoint = subscriber.endpoint().unwrap_or("-").to_owned();
        peer.market.subscribers.insert(name.to_owned(), subscriber);
        Ok(endpoint)
    }),
    ("want", |peer, words| {
        let (subscriber, text) = (peer.subscriber(words)?, words.bytes()?);
        let (is_prefix, options) = options::subscription(words)?;
        let criterion = if is_prefix { Criterion::prefix(text) } else { Criterion::pattern(text) };
        subscriber.subscribe(criterion?, options).map(|Subscription(number)| number.to_string())
    }),
    ("want-many", |peer, words| {
        let (subscriber, number, end) = (peer.subscriber(words)?, words.number()?, words.end()?);
        for index in 0..number {
            subscriber.subscribe(Criterion::pattern(format!("many.{index}"))?, SubscriptionOptions::default())?;
        }
        let mut left = number;
        while left > 0 {
            match listen(peer, subscriber, end)? {
                SubscriberEvent::Subscribed { .. } => left -= 1,
                SubscriberEvent::Connected => {}
                _ => return Err(invalid("only subscriptions are expected")),
            }
        }
        done(Ok(()))
    }),
    ("want-no-more", |peer, words| {
        let subscriber = peer.subscriber(words)?;
        done(subscriber.unsubscribe(Subscription(u32::try_from(words.number()?).map_err(|_| invalid("a number"))?)))
    }),
    ("listen", |peer, words| {
        let (subscriber, end) = (peer.subscriber(words)?, words.end()?);
        listen(peer, subscriber, end).map(shown)
    }),
    ("listen-many", listen_many),
    ("cancel-listen", |peer, words| {
        let (subscriber, cancel) = (peer.subscriber(words)?, Cancel::new()?);
        thread::scope(|scope| {
            scope.spawn(|| cancel.cancel());
            subscriber.recv(&Deadline::never().or(&cancel)).map(shown)
        })
    }),
    ("subscriber-counters", |peer, words| {
        let it = peer.subscriber(words)?.counters()?;
        Ok(format!(
            "delivered={} missed={} repaired={} duplicates={} waiting={} waiting_bytes={} restarts={} malformed={}",
            it.delivered,
            it.missed,
            it.repaired,
            it.duplicates,
            it.waiting,
            it.waiting_bytes,
            it.restarts,
            it.malformed
        ))
    }),
    ("subscriber-close", |peer, words| {
        peer.subscriber(words)?.close();
        done(Ok(()))
    }),
];

/// What is open.
#[derive(Default)]
pub(crate) struct Market {
    publishers: BTreeMap<String, Publisher>,
    subscribers: BTreeMap<String, Subscriber>,
}

impl Market {
    pub(crate) fn reset(&mut self) {
        std::mem::take(&mut self.publishers).values().for_each(|publisher| publisher.close(Duration::ZERO));
        std::mem::take(&mut self.subscribers).values().for_each(Subscriber::close);
    }
}

impl Peer {
    fn publisher(&self, words: &mut Words<'_>) -> Result<&Publisher> {
        self.market.publishers.get(words.next()?).ok_or_else(|| invalid("no publisher has this name"))
    }

    fn subscriber(&self, words: &mut Words<'_>) -> Result<&Subscriber> {
        self.market.subscribers.get(words.next()?).ok_or_else(|| invalid("no subscriber has this name"))
    }
}

fn ask(words: &mut Words<'_>) -> Result<Ask> {
    u64::try_from(words.number()?).map(Ask).map_err(|_| invalid("a question has a number"))
}

fn publish(peer: &Peer, publisher: &Publisher, mut rest: &[Content], end: Instant) -> Result<()> {
    while !rest.is_empty() {
        let taken = if peer.asynchronous {
            publisher.set_hook(Some(wake_up()));
            let publish = || publisher.publish_many(rest, &Deadline::now());
            noticed(publish, || publisher.arm(Interest::SEND).is_some(), end)?
        } else {
            publisher.publish_many(rest, &until(end))?
        };
        rest = &rest[taken..];
    }
    Ok(())
}

fn listen(peer: &Peer, subscriber: &Subscriber, end: Instant) -> Result<SubscriberEvent> {
    if !peer.asynchronous {
        return subscriber.recv(&until(end));
    }
    subscriber.set_hook(Some(wake_up()));
    noticed(|| subscriber.recv(&Deadline::now()), || subscriber.arm(), end)
}

fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

fn happened(event: PublisherEvent) -> String {
    match event {
        PublisherEvent::Asked { ask: Ask(ask), identity, user, credential } => {
            let (kind, named, secret) = match &credential {
                Credential::None => ("none", &[][..], &[][..]),
                Credential::Password { user, password } => ("password", &user[..], &password[..]),
                Credential::Token(token) => ("token", &[][..], &token[..]),
            };
            let (identity, user, named, secret) = (hex(&identity), hex(&user), hex(named), hex(secret));
            format!(
                "kind=asked ask={ask} identity={identity} user={user} credential={kind} credential_user={named} \
                 secret={secret}"
            )
        }
        PublisherEvent::Joined { identity, user } => {
            format!("kind=joined identity={} user={}", hex(&identity), hex(&user))
        }
        PublisherEvent::Left { identity, user } => format!("kind=left identity={} user={}", hex(&identity), hex(&user)),
        other => format!("kind={other:?}"),
    }
}

fn shown(event: SubscriberEvent) -> String {
    match event {
        SubscriberEvent::Connected => "kind=connected".to_owned(),
        SubscriberEvent::Subscribed { subscription } => format!("kind=subscribed subscription={}", subscription.0),
        SubscriberEvent::Message { subscription, stream, number, subject, frames } => format!(
            "kind=message subscription={} stream={} number={number} subject={} frames={}",
            subscription.0,
            text(&stream),
            text(&subject),
            list(&frames)
        ),
        SubscriberEvent::Missed { subscription, stream, first, last, count, reason } => format!(
            "kind=missed subscription={} stream={} first={first} last={last} count={count} reason={}",
            subscription.0,
            text(&stream),
            reason.name()
        ),
        SubscriberEvent::Rejected { subscription, error } => format!(
            "kind=rejected subscription={} error={} text={}",
            subscription.0,
            error.kind(),
            hex(error.message().as_bytes())
        ),
        SubscriberEvent::Restarted => "kind=restarted".to_owned(),
        other => format!("kind={other:?}"),
    }
}

/// Whether the stream goes on as it should, up to the last message or a gap that reaches it.
fn listen_many(peer: &mut Peer, words: &mut Words<'_>) -> Result<String> {
    let (subscriber, first, last) = (peer.subscriber(words)?, words.number()?, words.number()?);
    let end = words.end()?;
    let (mut messages, mut wrong, mut missed, mut unexplained) = (0, 0, 0, 0);
    let (mut restarted, mut subscribed, mut rejected) = (0, 0, 0);
    // The next number of the stream, once one came.
    let (mut due, mut next) = (None, first);
    while next <= last {
        match listen(peer, subscriber, end)? {
            SubscriberEvent::Message { number, frames, .. } => {
                unexplained += u64::from(due.is_some_and(|due| due != number));
                due = Some(number + 1);
                let said = frames.first().and_then(|said| std::str::from_utf8(said).ok()?.parse::<i64>().ok());
                match said.filter(|said| frames[..] == numbered(*said)) {
                    Some(said) => (messages, next) = (messages + 1, said + 1),
                    None => wrong += 1,
                }
            }
            SubscriberEvent::Missed { first: from, last: to, count, .. } => {
                unexplained += u64::from(due.is_some_and(|due| due != from));
                (due, missed) = (Some(to + 1), missed + count);
                next = next.max(to as i64 + 1);
            }
            SubscriberEvent::Restarted => (due, restarted) = (None, restarted + 1),
            SubscriberEvent::Subscribed { .. } => subscribed += 1,
            SubscriberEvent::Rejected { .. } => rejected += 1,
            _ => {}
        }
    }
    Ok(format!(
        "messages={messages} wrong={wrong} missed={missed} unexplained={unexplained} restarted={restarted} \
         subscribed={subscribed} rejected={rejected}"
    ))
}

fn publisher_counters(peer: &mut Peer, words: &mut Words<'_>) -> Result<String> {
    let it = peer.publisher(words)?.counters()?;
    let Books { accepted, delivered, redelivered, held, lost } = it.books;
    let lost: Vec<String> =
        LostReason::ALL.iter().zip(lost).map(|(reason, count)| format!("lost_{}={count}", reason.name())).collect();
    Ok(format!(
        "published={} refused_full={} accepted={accepted} delivered={delivered} redelivered={redelivered} held={held} {} \
         repaired={} subscribers={} subscriptions={} denied={} forged={} malformed={} bytes={} disk_bytes={} \
         disk_errors={} dropped_news={} plain_endpoints={} handed_over={}",
        it.published,
        it.refused_full,
        lost.join(" "),
        it.repaired,
        it.subscribers,
        it.subscriptions,
        it.denied,
        it.forged,
        it.malformed,
        it.bytes,
        it.disk_bytes,
        it.disk_errors,
        it.dropped_news,
        it.plain_endpoints,
        it.handed_over
    ))
}
