//! What subscribers and a publisher say to each other, as bytes.
//!
//! A subscriber connects, and shares a link with the publisher; what it is to hear privately comes over that link, or over
//! another that the publisher opens where the subscriber wants it. What everybody may hear comes over a PUB. The specification is
//! `docs/protocols/pubsub.md`.

mod pack;

use std::{str::FromStr, time::Duration};

use bytes::{Buf, BufMut, Bytes};

pub(super) use self::pack::decode;
pub use self::pack::{Entry, Pack, Shared, entries, read_shared, topic};
use super::{Credential, Criterion, LostReason};
use crate::{
    Error, ErrorKind, Refusal, Result,
    fields::{get_bool, get_millis, get_name, millis, put_name},
    link::{FIRST, Magic},
    machine::Frames,
};

/// Version 1.
pub const MAGIC: Magic = *b"zps1";

/// A subscriber's number for a subscription, which it never uses again.
pub type Number = u32;

/// A publisher's number for a stream.
pub type StreamId = u16;

/// A message on a link.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// Subscriber to publisher: this is who I am.
    Hello(Hello),
    /// Subscriber to publisher: I want this.
    Subscribe(Subscribe),
    /// Subscriber to publisher: I do not want this any more.
    Unsubscribe {
        /// The subscription.
        number: Number,
    },
    /// Subscriber to publisher: the program has this.
    Taken(Vec<Taken>),
    /// Subscriber to publisher: of a public stream, I have not got these.
    Repair {
        /// The subscription.
        number: Number,
        /// The stream.
        stream: StreamId,
        /// The first that is missing.
        first: u64,
        /// The last.
        last: u64,
    },
    /// Publisher to subscriber: welcome.
    Welcome(Welcome),
    /// Publisher to subscriber: you are nobody to me.
    Refused(Refusal),
    /// Publisher to subscriber: you get this.
    Subscribed {
        /// The subscription.
        number: Number,
        /// Its views.
        views: Vec<ViewStart>,
    },
    /// Publisher to subscriber: you do not get this, or not any more.
    Rejected {
        /// The subscription.
        number: Number,
        /// Why.
        refusal: Refusal,
    },
    /// Publisher to subscriber: these were published; a [`Pack`].
    Publications(Bytes),
    /// Publisher to subscriber: this you will not get.
    Missed(Missed),
    /// Publisher to subscriber: that is the answer to [`Repair`](Self::Repair); what it lacks is asked for again.
    Repaired {
        /// The subscription.
        number: Number,
        /// The stream.
        stream: StreamId,
    },
    /// Publisher to subscriber: so far the public streams are.
    Heads(Vec<(StreamId, u64)>),
    /// Publisher to subscriber, first on a link that the publisher opened: whom this is for.
    Delivery {
        /// What the subscriber said in its hello.
        key: u64,
    },
}

/// Who a subscriber is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hello {
    /// By which it is known when it comes back: a name, or what nobody can guess.
    pub identity: Bytes,
    /// What is kept for it outlives its lease for so long.
    pub keep: Duration,
    /// Why that is to be believed.
    pub credential: Credential,
    /// How much it may be sent that its program has not taken: messages.
    pub window_messages: u32,
    /// And bytes.
    pub window_bytes: u32,
    /// Where it is to be sent what is for it alone, if not over this link, and the key by which it knows what comes there.
    pub endpoint: Option<(Bytes, u64)>,
}

/// What a subscriber wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Subscribe {
    /// Its own number for it.
    pub number: Number,
    /// These subjects.
    pub criterion: Criterion,
    /// From here on.
    pub start: WireStart,
    /// What is done when it is slow.
    pub policy: Policy,
    /// It takes public streams from the shared path.
    pub shared: bool,
}

/// Where a view begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WireStart {
    /// With what is published next.
    Now,
    /// With the last publication of each subject.
    LastValues,
    /// With the last so many.
    Last(u32),
    /// After these numbers of an epoch; of streams that are not named, from the beginning.
    After {
        /// The epoch.
        epoch: u64,
        /// The last number that is there, by the name of the stream.
        numbers: Vec<(Bytes, u64)>,
    },
}

/// What is done with a subscription that does not take what it is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// What.
    pub slow: Slow,
    /// When it has not taken so many messages.
    pub max_messages: u32,
    /// Or so many bytes.
    pub max_bytes: u64,
}

/// What is done with a slow subscriber.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Slow {
    /// The publisher waits for it.
    Hold,
    /// It loses the oldest, and is told.
    Drop,
    /// It is sent away, and told.
    Disconnect,
    /// What it has not taken is kept on the publisher's disk; when that is full, the publisher waits for it.
    Spill,
}

impl FromStr for Slow {
    type Err = Error;

    /// `hold`, `drop`, `disconnect` or `spill`.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "hold" => Ok(Self::Hold),
            "drop" => Ok(Self::Drop),
            "disconnect" => Ok(Self::Disconnect),
            "spill" => Ok(Self::Spill),
            _ => Err(Error::new(ErrorKind::InvalidArgument, "who is slow is one of hold, drop, disconnect and spill")),
        }
    }
}

/// How far a program has come in a view.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Taken {
    /// The subscription.
    pub number: Number,
    /// The stream.
    pub stream: StreamId,
    /// The last that it took.
    pub up_to: u64,
}

/// What a subscriber must know of a publisher.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Welcome {
    /// Another number in every life of the publisher.
    pub epoch: u64,
    /// For how long it is remembered after its last sign of life.
    pub lease: Duration,
    /// Where public streams can be heard.
    pub shared: Option<Bytes>,
    /// The names of the streams.
    pub streams: Vec<Bytes>,
}

/// Where a view begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ViewStart {
    /// The stream.
    pub stream: StreamId,
    /// It comes over the shared path.
    pub shared: bool,
    /// It begins after this number.
    pub after: u64,
}

/// What a view lacks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Missed {
    /// The subscription.
    pub number: Number,
    /// The stream.
    pub stream: StreamId,
    /// The first number.
    pub first: u64,
    /// The last number.
    pub last: u64,
    /// How many publications of the view are among them; 0 if that is not known.
    pub count: u64,
    /// Why.
    pub reason: LostReason,
}

const HELLO: u8 = FIRST;
const SUBSCRIBE: u8 = FIRST + 1;
const UNSUBSCRIBE: u8 = FIRST + 2;
const TAKEN: u8 = FIRST + 3;
const REPAIR: u8 = FIRST + 4;
const WELCOME: u8 = FIRST + 5;
const REFUSED: u8 = FIRST + 6;
const SUBSCRIBED: u8 = FIRST + 7;
const REJECTED: u8 = FIRST + 8;
const PUBLICATIONS: u8 = FIRST + 9;
const MISSED: u8 = FIRST + 10;
const REPAIRED: u8 = FIRST + 11;
const HEADS: u8 = FIRST + 12;
const DELIVERY: u8 = FIRST + 13;

/// The most of what comes in lists that one message has.
pub(super) const MAX_LISTED: usize = 1024;

impl Message {
    /// Kind, fields and body.
    pub fn encode(self) -> (u8, Vec<u8>, Frames) {
        let mut to = Vec::with_capacity(64);
        let mut body = Frames::new();
        let kind = match self {
            Self::Hello(hello) => {
                put_hello(&mut to, &hello);
                HELLO
            }
            Self::Subscribe(subscribe) => {
                // Streams may be many, so they do not go where fields are short.
                let mut more = Vec::new();
                put_subscribe(&mut to, &mut more, &subscribe);
                body.push(more.into());
                SUBSCRIBE
            }
            Self::Unsubscribe { number } => {
                to.put_u32(number);
                UNSUBSCRIBE
            }
            Self::Taken(taken) => {
                for Taken { number, stream, up_to } in taken {
                    to.put_u32(number);
                    to.put_u16(stream);
                    to.put_u64(up_to);
                }
                TAKEN
            }
            Self::Repair { number, stream, first, last } => {
                to.put_u32(number);
                to.put_u16(stream);
                to.put_u64(first);
                to.put_u64(last);
                REPAIR
            }
            Self::Welcome(Welcome { epoch, lease, shared, streams }) => {
                to.put_u64(epoch);
                to.put_u32(millis(lease));
                put_name(&mut to, &shared.unwrap_or_default());
                let mut more = Vec::new();
                streams.iter().for_each(|name| put_name(&mut more, name));
                body.push(more.into());
                WELCOME
            }
            Self::Refused(refusal) => {
                refusal.put(&mut to);
                REFUSED
            }
            Self::Subscribed { number, views } => {
                to.put_u32(number);
                let mut more = Vec::new();
                for ViewStart { stream, shared, after } in views {
                    more.put_u16(stream);
                    more.put_u8(shared.into());
                    more.put_u64(after);
                }
                body.push(more.into());
                SUBSCRIBED
            }
            Self::Rejected { number, refusal } => {
                to.put_u32(number);
                refusal.put(&mut to);
                REJECTED
            }
            Self::Publications(pack) => {
                body.push(pack);
                PUBLICATIONS
            }
            Self::Missed(missed) => {
                to.put_u32(missed.number);
                to.put_u16(missed.stream);
                to.put_u64(missed.first);
                to.put_u64(missed.last);
                to.put_u64(missed.count);
                to.put_u8(missed.reason as u8);
                MISSED
            }
            Self::Repaired { number, stream } => {
                to.put_u32(number);
                to.put_u16(stream);
                REPAIRED
            }
            Self::Heads(heads) => {
                for (stream, head) in heads {
                    to.put_u16(stream);
                    to.put_u64(head);
                }
                HEADS
            }
            Self::Delivery { key } => {
                to.put_u64(key);
                DELIVERY
            }
        };
        (kind, to, body)
    }

    /// `None` if it is none.
    pub fn decode(kind: u8, mut from: Bytes, mut body: Frames) -> Option<Self> {
        let wants_body = matches!(kind, SUBSCRIBE | WELCOME | SUBSCRIBED | PUBLICATIONS);
        let more = match body.pop() {
            Some(more) if wants_body && body.is_empty() => more,
            None if !wants_body => Bytes::new(),
            _ => return None,
        };
        let from = &mut from;
        let message = match kind {
            HELLO => Self::Hello(get_hello(from)?),
            SUBSCRIBE => Self::Subscribe(get_subscribe(from, more)?),
            UNSUBSCRIBE => Self::Unsubscribe { number: from.try_get_u32().ok()? },
            TAKEN => Self::Taken(list(from, |from| {
                let (number, stream) = (from.try_get_u32().ok()?, from.try_get_u16().ok()?);
                Some(Taken { number, stream, up_to: from.try_get_u64().ok()? })
            })?),
            REPAIR => Self::Repair {
                number: from.try_get_u32().ok()?,
                stream: from.try_get_u16().ok()?,
                first: from.try_get_u64().ok()?,
                last: from.try_get_u64().ok()?,
            },
            WELCOME => {
                let (epoch, lease) = (from.try_get_u64().ok()?, get_millis(from)?);
                let shared = Some(get_name(from)?).filter(|endpoint| !endpoint.is_empty());
                let mut more = more;
                Self::Welcome(Welcome { epoch, lease, shared, streams: list(&mut more, get_name)? })
            }
            REFUSED => Self::Refused(Refusal::get(from)?),
            SUBSCRIBED => {
                let (number, mut more) = (from.try_get_u32().ok()?, more);
                let views = list(&mut more, |from| {
                    let (stream, shared) = (from.try_get_u16().ok()?, get_bool(from)?);
                    Some(ViewStart { stream, shared, after: from.try_get_u64().ok()? })
                })?;
                Self::Subscribed { number, views }
            }
            REJECTED => Self::Rejected { number: from.try_get_u32().ok()?, refusal: Refusal::get(from)? },
            PUBLICATIONS => Self::Publications(more),
            MISSED => Self::Missed(Missed {
                number: from.try_get_u32().ok()?,
                stream: from.try_get_u16().ok()?,
                first: from.try_get_u64().ok()?,
                last: from.try_get_u64().ok()?,
                count: from.try_get_u64().ok()?,
                reason: LostReason::ALL.get(usize::from(from.try_get_u8().ok()?)).copied()?,
            }),
            REPAIRED => Self::Repaired { number: from.try_get_u32().ok()?, stream: from.try_get_u16().ok()? },
            HEADS => Self::Heads(list(from, |from| Some((from.try_get_u16().ok()?, from.try_get_u64().ok()?)))?),
            DELIVERY => Self::Delivery { key: from.try_get_u64().ok()? },
            _ => return None,
        };
        from.is_empty().then_some(message)
    }
}

/// As many as there are.
fn list<T>(from: &mut Bytes, mut get: impl FnMut(&mut Bytes) -> Option<T>) -> Option<Vec<T>> {
    let mut all = Vec::new();
    while !from.is_empty() {
        all.push(get(from)?);
    }
    Some(all)
}

fn put_hello(to: &mut Vec<u8>, hello: &Hello) {
    put_name(to, &hello.identity);
    to.put_u32(millis(hello.keep));
    match &hello.credential {
        Credential::None => to.put_u8(0),
        Credential::Password { user, password } => {
            to.put_u8(1);
            put_name(to, user);
            put_name(to, password);
        }
        Credential::Token(token) => {
            to.put_u8(2);
            to.put_u16(u16::try_from(token.len()).unwrap_or(0));
            to.put_slice(token);
        }
    }
    to.put_u32(hello.window_messages);
    to.put_u32(hello.window_bytes);
    if let Some((endpoint, key)) = &hello.endpoint {
        put_name(to, endpoint);
        to.put_u64(*key);
    }
}

fn get_hello(from: &mut Bytes) -> Option<Hello> {
    let (identity, keep) = (get_name(from)?, get_millis(from)?);
    let credential = match from.try_get_u8().ok()? {
        0 => Credential::None,
        1 => Credential::Password { user: get_name(from)?, password: get_name(from)? },
        2 => {
            let length = from.try_get_u16().ok()?.into();
            Credential::Token((from.len() >= length).then(|| from.split_to(length))?)
        }
        _ => return None,
    };
    let (window_messages, window_bytes) = (from.try_get_u32().ok()?, from.try_get_u32().ok()?);
    let endpoint = if from.is_empty() { None } else { Some((get_name(from)?, from.try_get_u64().ok()?)) };
    Some(Hello { identity, keep, credential, window_messages, window_bytes, endpoint })
}

fn put_subscribe(to: &mut Vec<u8>, more: &mut Vec<u8>, subscribe: &Subscribe) {
    to.put_u32(subscribe.number);
    to.put_u8(u8::from(matches!(subscribe.criterion, Criterion::Pattern(_))));
    put_name(to, subscribe.criterion.text());
    to.put_u8(subscribe.policy.slow as u8);
    to.put_u32(subscribe.policy.max_messages);
    to.put_u64(subscribe.policy.max_bytes);
    to.put_u8(subscribe.shared.into());
    match &subscribe.start {
        WireStart::Now => to.put_u8(0),
        WireStart::LastValues => to.put_u8(1),
        WireStart::Last(count) => {
            to.put_u8(2);
            to.put_u32(*count);
        }
        WireStart::After { epoch, numbers } => {
            to.put_u8(3);
            to.put_u64(*epoch);
            for (name, number) in numbers {
                put_name(more, name);
                more.put_u64(*number);
            }
        }
    }
}

fn get_subscribe(from: &mut Bytes, mut more: Bytes) -> Option<Subscribe> {
    let (number, is_pattern, text) = (from.try_get_u32().ok()?, get_bool(from)?, get_name(from)?);
    let criterion = if is_pattern { Criterion::pattern(text) } else { Criterion::prefix(text) }.ok()?;
    let slow = match from.try_get_u8().ok()? {
        0 => Slow::Hold,
        1 => Slow::Drop,
        2 => Slow::Disconnect,
        3 => Slow::Spill,
        _ => return None,
    };
    let policy = Policy { slow, max_messages: from.try_get_u32().ok()?, max_bytes: from.try_get_u64().ok()? };
    let shared = get_bool(from)?;
    let start = match from.try_get_u8().ok()? {
        0 => WireStart::Now,
        1 => WireStart::LastValues,
        2 => WireStart::Last(from.try_get_u32().ok()?),
        3 => {
            let epoch = from.try_get_u64().ok()?;
            let numbers = list(&mut more, |more| Some((get_name(more)?, more.try_get_u64().ok()?)))?;
            WireStart::After { epoch, numbers }
        }
        _ => return None,
    };
    more.is_empty().then_some(Subscribe { number, criterion, start, policy, shared })
}
