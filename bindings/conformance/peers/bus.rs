//! The multicast bus in the peer.
//!
//! With `--async` nothing waits in the library: what there is room for is sent, and what is there taken, after a notice.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use zpatterns::{Bus, BusEvent, BusKey, BusOptions, Cancel, Deadline, Interest, OptionValue, Result};

use crate::{
    Peer, Run, Words, done, invalid,
    reqrep::{
        list, noticed,
        options::{millis, number},
        wake_up,
    },
    until,
};

pub(crate) const COMMANDS: &[(&str, Run)] = &[
    ("bus", |peer, words| {
        let (name, endpoint) = (words.next()?, words.next()?);
        let bus = Bus::open(&peer.context, endpoint, options(words)?)?;
        let interface = bus.interface().to_string();
        peer.buses.insert(name.to_owned(), bus);
        Ok(interface)
    }),
    ("bus-subscribe", |peer, words| done(peer.bus(words)?.subscribe(&words.bytes()?))),
    ("bus-unsubscribe", |peer, words| done(peer.bus(words)?.unsubscribe(&words.bytes()?))),
    ("say", |peer, words| {
        let (bus, end) = (peer.bus(words)?, words.end()?);
        done(say(peer, bus, &words.frames()?, end))
    }),
    ("say-many", |peer, words| {
        let (bus, first, last, end) = (peer.bus(words)?, words.number()?, words.number()?, words.end()?);
        done((first..=last).try_for_each(|number| say(peer, bus, &numbered(number), end)))
    }),
    ("hear", |peer, words| {
        let (bus, end) = (peer.bus(words)?, words.end()?);
        hear(peer, bus, end).map(shown)
    }),
    ("hear-many", hear_many),
    ("cancel-hear", |peer, words| {
        let (bus, cancel) = (peer.bus(words)?, Cancel::new()?);
        thread::scope(|scope| {
            scope.spawn(|| cancel.cancel());
            bus.recv(&Deadline::never().or(&cancel)).map(shown)
        })
    }),
    ("lose", |peer, words| {
        let (bus, fraction) = (peer.bus(words)?, words.next()?);
        done(bus.inject_loss(fraction.parse().map_err(|_| invalid("a fraction is a number"))?))
    }),
    ("bus-peers", |peer, words| {
        let peers = peer.bus(words)?.peers()?;
        let delivered: u64 = peers.iter().map(|(_, counters)| counters.delivered).sum();
        Ok(format!("number={} delivered={delivered}", peers.len()))
    }),
    ("bus-counters", counters),
    ("bus-close", |peer, words| {
        let bus = peer.bus(words)?;
        bus.close(u64::try_from(words.number()?).map_or(BusOptions::default().linger, Duration::from_millis));
        done(Ok(()))
    }),
];

pub(crate) type Buses = BTreeMap<String, Bus>;

impl Peer {
    fn bus(&self, words: &mut Words<'_>) -> Result<&Bus> {
        self.buses.get(words.next()?).ok_or_else(|| invalid("no bus has this name"))
    }
}

fn options(words: &mut Words<'_>) -> Result<BusOptions> {
    let mut options = BusOptions::default();
    for (option, value) in words.options()? {
        match option {
            "rate" => options.rate = number(&value)?,
            "window" => options.window = number(&value)?,
            "max_age" => options.max_age = millis(&value)?,
            "history" => options.history = number(&value)?,
            "max_unsent" => options.max_unsent = number(&value)?,
            "hops" => options.hops = number(&value)?,
            "looped" => options.looped = flag(&value)?,
            "flow_control" => options.flow_control = text(&value)?.parse()?,
            "at_least" => options.at_least = number(&value)?,
            "tag" => options.tag = number(&value)?,
            "parity_group" => options.parity_group = number(&value)?,
            "parity" => options.parity = number(&value)?,
            "key" => options.key = Some(BusKey::new(bytes(&value)?)?),
            "max_peers" => options.max_peers = number(&value)?,
            "max_behind" => options.max_behind = number(&value)?,
            "max_message" => options.max_message = number(&value)?,
            "max_events" => options.max_events = number(&value)?,
            "max_bytes" => options.max_bytes = number(&value)?,
            "forget" => options.forget = millis(&value)?,
            "linger" => options.linger = millis(&value)?,
            _ => return Err(invalid("a bus has no such option")),
        }
    }
    Ok(options)
}

pub(crate) fn bytes(value: &OptionValue) -> Result<&[u8]> {
    let OptionValue::Bytes(bytes) = value else { return Err(invalid("bytes are needed")) };
    Ok(bytes)
}

pub(crate) fn text(value: &OptionValue) -> Result<&str> {
    str::from_utf8(bytes(value)?).map_err(|_| invalid("text is needed"))
}

pub(crate) fn flag(value: &OptionValue) -> Result<bool> {
    let OptionValue::Bool(flag) = value else { return Err(invalid("true or false is needed")) };
    Ok(*flag)
}

fn say<F: AsRef<[u8]>>(peer: &Peer, bus: &Bus, frames: &[F], end: Instant) -> Result<()> {
    if !peer.asynchronous {
        return bus.send(frames, &until(end));
    }
    bus.set_hook(Some(wake_up()));
    noticed(|| bus.send(frames, &Deadline::now()), || bus.arm(Interest::SEND).is_some(), end)
}

fn hear(peer: &Peer, bus: &Bus, end: Instant) -> Result<BusEvent> {
    if !peer.asynchronous {
        return bus.recv(&until(end));
    }
    bus.set_hook(Some(wake_up()));
    noticed(|| bus.recv(&Deadline::now()), || bus.arm(Interest::RECV).is_some(), end)
}

/// The frames of a message: its number, and bytes of a size that follows from it.
pub(crate) fn numbered(number: i64) -> [Vec<u8>; 2] {
    [number.to_string().into_bytes(), vec![number as u8; (number * 7919 % 4000) as usize]]
}

/// Whether the stream goes on as it should, up to the last message.
fn hear_many(peer: &mut Peer, words: &mut Words<'_>) -> Result<String> {
    let (bus, mut next, last, end) = (peer.bus(words)?, words.number()?, words.number()?, words.end()?);
    let (mut messages, mut wrong, mut missed, mut dropped, mut unexplained) = (0, 0, 0, 0, 0);
    // What was said since the last message about those that do not come.
    let (mut holes, mut gap) = (0, 0);
    while next <= last {
        match hear(peer, bus, end)? {
            BusEvent::Message { frames, .. } => {
                let number = frames.first().and_then(|number| std::str::from_utf8(number).ok()?.parse().ok());
                let Some(number) = number.filter(|number| frames[..] == numbered(*number)) else {
                    wrong += 1;
                    continue;
                };
                messages += 1;
                unexplained += i64::from(holes == 0) * (number - next - gap).abs();
                (next, holes, gap) = (number + 1, 0, 0);
            }
            BusEvent::Missed { .. } | BusEvent::Broken { .. } => (missed, holes) = (missed + 1, holes + 1),
            BusEvent::Dropped { count } => (dropped, gap) = (dropped + count, gap + count as i64),
            _ => {}
        }
    }
    Ok(format!("messages={messages} wrong={wrong} missed={missed} dropped={dropped} unexplained={unexplained}"))
}

fn shown(event: BusEvent) -> String {
    match event {
        BusEvent::Message { peer, frames } => format!("kind=message peer={peer} frames={}", list(&frames)),
        BusEvent::Joined { peer } => format!("kind=joined peer={peer}"),
        BusEvent::Gone { peer } => format!("kind=gone peer={peer}"),
        BusEvent::Missed { peer, first, last } => format!("kind=missed peer={peer} first={first} last={last}"),
        BusEvent::Broken { peer } => format!("kind=broken peer={peer}"),
        BusEvent::Dropped { count } => format!("kind=dropped count={count}"),
        other => format!("kind={other:?}"),
    }
}

fn counters(peer: &mut Peer, words: &mut Words<'_>) -> Result<String> {
    let it = peer.bus(words)?.counters()?;
    let (sent, received) = (it.sent, it.received);
    Ok(format!(
        "sent_messages={} sent_datagrams={} sent_repairs={} sent_asked={} sent_gone={} sent_ignored={} \
         sent_malformed={} sent_foreign={} sent_parity={} sent_forged={} sent_silent={} sent_listeners={} \
         received_delivered={} received_datagrams={} received_duplicates={} received_repaired={} \
         received_computed={} received_asked={} received_missed={} received_broken={} malformed={} foreign={} \
         forged={} refused={} dropped={} full={} unsendable={} injected={}",
        sent.messages,
        sent.datagrams,
        sent.repairs,
        sent.asked,
        sent.gone,
        sent.ignored,
        sent.malformed,
        sent.foreign,
        sent.parity,
        sent.forged,
        sent.silent,
        sent.listeners,
        received.delivered,
        received.datagrams,
        received.duplicates,
        received.repaired,
        received.computed,
        received.asked,
        received.missed,
        received.broken,
        it.malformed,
        it.foreign,
        it.forged,
        it.refused,
        it.dropped,
        it.full,
        it.unsendable,
        it.injected
    ))
}
