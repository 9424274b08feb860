//! A subscriber, and a publisher that says anything.

use std::{collections::BTreeMap, time::Duration};

use bytes::{BufMut, Bytes};
use zpatterns_protocol::{
    Error, ErrorKind, Machine, Time,
    link::{CLOSE, FIRST, Header, OPEN, Session},
    liveness::Pace,
    machine::{Frames, Input, Output, Peer, Refusal, Role, SocketId, Token},
    pubsub::{
        Credential, Criterion, LostReason, Missed, Policy, Slow, Snail, Start, Subscriber, SubscriberCommand,
        SubscriberEvent, SubscriberOptions, SubscriptionOptions, Taken,
        wire::{MAGIC, Message, ViewStart, Welcome},
    },
};

use crate::{
    dice::Dice,
    pub_words::{self, publication, shared, told, written},
};

/// The streams of a publisher that is mostly one.
const STREAMS: [&[u8]; 2] = [b"news", b"rest"];
const PACE: Pace = Pace { interval: Duration::from_millis(200), limit: 3 };
const MAX_MESSAGES: u32 = 50;
const MAX_BYTES: u32 = 1 << 16;
/// As the machine has it: beyond four times what may wait, and this, nothing is taken in.
const SLACK: (u64, u64) = (10_000, 1 << 20);
/// In one message are at most so many publications, or notices, and so many bytes.
const AT_ONCE: (u64, u64) = (100, 100_000);
/// So long it lives, at most.
const LIFE: u64 = 2000;
/// One input makes it do less than this: it may have to send again what it has said.
const MAX_OUTPUTS: usize = 5000;

/// A subscriber with a publisher that says anything.
pub fn subscriber(data: &[u8]) -> u64 {
    let mut dice = Dice::new(data);
    let mut count = 0;
    while !dice.is_empty() {
        count += Liar::new(&mut dice).live(&mut dice);
    }
    count
}

/// What the program does with what it is given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Program {
    Takes,
    Looks,
    Sleeps,
}

struct Liar {
    subscriber: Subscriber,
    now: Time,
    program: Program,
    /// Mostly it says what a publisher says.
    fluent: bool,
    /// Its life, and whether the present session has heard of it.
    epoch: u64,
    welcomed: bool,
    dealer: SocketId,
    hears: Option<SocketId>,
    /// By which the publisher says which session a link of its own is for.
    key: u64,
    session: Session,
    /// What was said last on each link.
    said: BTreeMap<Session, u64>,
    tokens: Vec<(SocketId, Token)>,
    subscriptions: u32,
    restarts: u64,
    /// What of each view came last.
    last: BTreeMap<(u32, u16), u64>,
    taken: Vec<Taken>,
    notices: u64,
    messages: u64,
    over: bool,
}

impl Liar {
    fn new(dice: &mut Dice<'_>) -> Self {
        let options = SubscriberOptions {
            connect: "tcp://there:1".to_owned(),
            shared: None,
            endpoint: dice.once_in(2).then(|| "own".to_owned()),
            name: None,
            keep: Duration::ZERO,
            credential: Credential::None,
            pace: PACE,
            max_messages: MAX_MESSAGES,
            max_bytes: MAX_BYTES,
            snail: dice.once_in(8).then_some(Snail { max_lag: 1 << 62, max_age: Duration::from_secs(5) }),
            seed: dice.number(),
        };
        let mut liar = Self {
            subscriber: Subscriber::new(options),
            now: Time::ZERO,
            program: dice.choose(&[Program::Takes, Program::Looks, Program::Sleeps]),
            fluent: dice.once_in(2),
            epoch: 1,
            welcomed: false,
            dealer: SocketId(0),
            hears: None,
            key: 0,
            session: Session(0),
            said: BTreeMap::new(),
            tokens: Vec::new(),
            subscriptions: 0,
            restarts: 0,
            last: BTreeMap::new(),
            taken: Vec::new(),
            notices: 0,
            messages: 0,
            over: false,
        };
        liar.tell(Input::Room(if liar.program == Program::Sleeps { 0 } else { usize::MAX }));
        liar.subscribe(dice);
        liar.subscribe(dice);
        liar
    }

    /// Until the subscriber has ended, or nothing is left to decide by; then its program looks at what there is.
    fn live(mut self, dice: &mut Dice<'_>) -> u64 {
        let mut count = 0;
        while !dice.is_empty() && !self.over && count < LIFE {
            match dice.below(64) {
                0 => self.subscribe(dice),
                1 => {
                    let number = dice.below(self.subscriptions as usize + 1) as u32;
                    self.tell(Input::Command(SubscriberCommand::Unsubscribe { number }));
                }
                2..6 => {
                    self.now += Duration::from_millis(dice.below(300) as u64);
                    if self.subscriber.deadline().is_some_and(|at| at <= self.now) {
                        self.tell(Input::Deadline);
                    }
                }
                6 => {
                    if let Some((socket, token)) = self.tokens.pop() {
                        let why = dice.choose(&[Refusal::Full, Refusal::Gone]);
                        self.tell(Input::Refused { socket, token, why });
                        self.tell(Input::Writable { socket });
                    }
                }
                7..10 if self.program == Program::Takes => {
                    let (restarts, taken) = (self.restarts, std::mem::take(&mut self.taken));
                    self.tell(Input::Command(SubscriberCommand::Taken { restarts, taken }));
                }
                10 if self.program != Program::Sleeps => {
                    let taken = Taken { number: 1, stream: 0, up_to: pub_words::number(dice) };
                    self.tell(Input::Command(SubscriberCommand::Taken { restarts: self.restarts, taken: vec![taken] }));
                }
                _ => {
                    count += 1;
                    self.say(dice);
                }
            }
        }
        let before = (self.notices, self.messages);
        self.tell(Input::Room(usize::MAX));
        if self.program == Program::Sleeps {
            let (notices, messages) = (self.notices - before.0, self.messages - before.1);
            let most = u64::from(MAX_MESSAGES);
            assert!(notices <= most + 10_000 + AT_ONCE.0, "{notices} notices were kept");
            assert!(messages <= 4 * most + SLACK.0 + AT_ONCE.0, "{messages} publications were kept");
        }
        self.tell(Input::Command(SubscriberCommand::Close));
        count
    }

    fn subscribe(&mut self, dice: &mut Dice<'_>) {
        if self.subscriptions == 3 {
            return;
        }
        self.subscriptions += 1;
        let criterion = Criterion::pattern(dice.choose(&[">", "news.*"])).expect("sound");
        let policy = Policy { slow: Slow::Hold, max_messages: MAX_MESSAGES, max_bytes: MAX_BYTES.into() };
        let start = dice.choose(&[Start::Now, Start::LastValues, Start::Last(5)]);
        let options = SubscriptionOptions { criterion, start, policy, shared: true };
        self.tell(Input::Command(SubscriberCommand::Subscribe { number: self.subscriptions, options }));
    }

    /// Something of a publisher, on one of its ways.
    fn say(&mut self, dice: &mut Dice<'_>) {
        let (peer, user) = (Peer::default(), Bytes::new());
        let message = |socket, frames| Input::Message { socket, peer, user, frames };
        if self.fluent && !dice.once_in(32) {
            let said = self.sensible(dice).encode();
            let frames = self.numbered(self.session, said);
            return self.tell(message(self.dealer, frames));
        }
        match (dice.below(16), self.hears) {
            (0, _) => {
                let frames = (0..dice.below(4)).map(|_| dice.bytes(60)).collect();
                self.tell(message(self.dealer, frames));
            }
            (1..5, Some(hears)) => self.tell(message(hears, vec![shared(dice)])),
            (5 | 6, _) => {
                // A link that the publisher opens, or that it has.
                let session = Session(dice.below(4) as u64);
                let frames = match self.said.contains_key(&session) {
                    false => self.control(OPEN, session),
                    true if dice.once_in(4) => {
                        self.numbered(session, written(dice, Message::Delivery { key: self.key }))
                    }
                    true => {
                        let said = told(dice);
                        self.numbered(session, written(dice, said))
                    }
                };
                let peer = Peer(Bytes::from_static(b"dials"));
                self.tell(Input::Message { socket: SocketId(0), peer, user: Bytes::new(), frames });
            }
            (7, _) if dice.once_in(2) => {
                let kind = dice.choose(&[OPEN, 1, 2, 3, 1, 2, 3, 4, 5]);
                let frames = self.control(kind, self.session);
                self.tell(message(self.dealer, frames));
            }
            _ => {
                let said = told(dice);
                let frames = self.numbered(self.session, written(dice, said));
                self.tell(message(self.dealer, frames));
            }
        }
    }

    /// What a publisher says that takes no notice of what it is told.
    fn sensible(&mut self, dice: &mut Dice<'_>) -> Message {
        if !std::mem::replace(&mut self.welcomed, true) {
            self.epoch += u64::from(dice.once_in(16));
            let streams = STREAMS.map(Bytes::from_static).to_vec();
            let (epoch, shared) = (self.epoch, Some(Bytes::from_static(b"over there")));
            return Message::Welcome(Welcome { epoch, lease: Duration::ZERO, shared, streams });
        }
        let views = self.subscriber.views();
        if views.is_empty() || dice.once_in(16) {
            let number = dice.below(self.subscriptions as usize) as u32 + 1;
            let view = |stream| ViewStart { stream, shared: dice.once_in(2), after: 0 };
            return Message::Subscribed { number, views: (0..STREAMS.len() as u16).map(view).collect() };
        }
        let view = &views[dice.below(views.len())];
        let (number, last) = (view.subscription, view.last.min(1 << 40));
        let stream = STREAMS.iter().position(|name| *name == view.stream).unwrap_or(0) as u16;
        if dice.once_in(4) {
            let (first, last, reason) = (last + 1, last + 1 + dice.below(3) as u64, LostReason::History);
            return Message::Missed(Missed { number, stream, first, last, count: 0, reason });
        }
        let mut pack = Vec::new();
        for at in last + 1..last + 1 + dice.below(60) as u64 {
            pack.put_u32(number);
            pack.put_u16(stream);
            pack.put_u64(at);
            pack.put_u64(at - 1);
            publication(&mut pack, b"news.x", &[Bytes::from_static(&[7; 100])]);
        }
        Message::Publications(pack.into())
    }

    fn control(&mut self, kind: u8, session: Session) -> Frames {
        let sequence = *self.said.entry(session).or_default();
        Header { kind, session, sequence, received: u64::MAX }.write(MAGIC, &[], vec![])
    }

    /// The next message on a link.
    fn numbered(&mut self, session: Session, (kind, fields, body): (u8, Vec<u8>, Frames)) -> Frames {
        let said = self.said.entry(session).or_default();
        *said += u64::from(kind >= FIRST);
        Header { kind, session, sequence: *said, received: u64::MAX }.write(MAGIC, &fields, body)
    }

    /// Something happens to the subscriber, and it is looked at.
    fn tell(&mut self, input: Input<SubscriberCommand>) {
        self.subscriber.handle(self.now, input);
        let mut outputs = 0;
        while let Some(output) = self.subscriber.poll() {
            outputs += 1;
            assert!(outputs < MAX_OUTPUTS, "one input makes it send without end");
            match output {
                Output::Open { socket, role: Role::Dealer } => self.dealer = socket,
                Output::Open { socket, role: Role::Sub } => self.hears = Some(socket),
                Output::Close { socket } if self.hears == Some(socket) => self.hears = None,
                Output::Bind { socket, endpoint } => {
                    self.subscriber.handle(self.now, Input::Bound { socket, endpoint });
                }
                Output::Connect { socket, endpoint } if endpoint == "elsewhere" => {
                    let error = Error::new(ErrorKind::InvalidEndpoint, "nobody is there");
                    self.subscriber.handle(self.now, Input::Failed { socket, error });
                }
                Output::Send { socket, token, frames, .. } => {
                    self.tokens = vec![(socket, token)];
                    self.hear(frames);
                }
                Output::Deliver(event) => self.told(event),
                _ => {}
            }
        }
        let (counters, most) = (self.subscriber.counters(), (u64::from(MAX_MESSAGES), u64::from(MAX_BYTES)));
        assert!(counters.waiting <= 4 * most.0 + SLACK.0 + AT_ONCE.0, "{counters:?}");
        assert!(counters.waiting_bytes <= 4 * most.1 + SLACK.1 + AT_ONCE.1, "{counters:?}");
    }

    /// What the subscriber says.
    fn hear(&mut self, frames: Frames) {
        let Some((header, fields, body)) = Header::read(MAGIC, frames) else { panic!("it speaks its protocol") };
        if header.kind == OPEN {
            (self.session, self.welcomed) = (header.session, false);
            self.said.retain(|session, _| session.0 < 4);
        }
        self.over |= header.kind == CLOSE && header.session == self.session;
        if let Some(Message::Hello(hello)) = Message::decode(header.kind, fields, body) {
            self.key = hello.endpoint.map_or(0, |(_, key)| key);
        }
    }

    /// What the program is told: every view goes forward.
    fn told(&mut self, event: SubscriberEvent) {
        let mut forward = |view: (u32, u16), first: u64, last: u64| {
            let before = self.last.insert(view, last);
            assert!(first <= last && before.is_none_or(|before| before < first), "{first} to {last} after {before:?}");
            self.taken.retain(|taken| (taken.number, taken.stream) != view);
            self.taken.push(Taken { number: view.0, stream: view.1, up_to: last });
        };
        self.notices += u64::from(!matches!(event, SubscriberEvent::Messages(_)));
        match event {
            SubscriberEvent::Messages(run) => {
                self.messages += run.len() as u64;
                run.iter().for_each(|each| forward((each.subscription, each.stream), each.number, each.number));
            }
            SubscriberEvent::Missed(missed) => forward((missed.number, missed.stream), missed.first, missed.last),
            SubscriberEvent::Restarted => {
                self.restarts += 1;
                self.last.clear();
                self.taken.clear();
            }
            SubscriberEvent::Refused(_) | SubscriberEvent::Died { .. } => self.over = true,
            _ => {}
        }
    }
}
