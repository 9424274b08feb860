//! What strangers may try.

use super::*;

#[test]
fn an_endpoint_that_cannot_be_read_is_refused() {
    let mut hall = Hall::new(options());
    hall.publisher_fails_to_dial = true;
    let lost = hall.add("", |options| options.endpoint = Some("nonsense".to_owned()));
    hall.tell_guest(lost, Input::Bound { socket: SocketId(0), endpoint: "nonsense".to_owned() });
    hall.settle();
    assert_eq!(hall.refused(lost).map(|refusal| refusal.kind), Some(ErrorKind::InvalidEndpoint));
    let counters = hall.publisher.counters();
    assert_eq!((counters.subscribers, counters.denied, counters.malformed), (0, 1, 0));
    hall.pass(Duration::from_secs(10));
    assert_eq!((hall.dialled, hall.publisher.subscribers()), (1, vec![]));
}

/// A link on which anything is said.
struct Mouth {
    session: u64,
    sequence: u64,
}

impl Mouth {
    fn open(hall: &mut Hall, session: u64) -> Self {
        let mut mouth = Self { session, sequence: 0 };
        mouth.put(hall, crate::link::OPEN, &[], vec![]);
        mouth
    }

    fn put(&mut self, hall: &mut Hall, kind: u8, fields: &[u8], body: Frames) {
        let (session, sequence) = (crate::link::Session(self.session), self.sequence);
        let frames = crate::link::Header { kind, session, sequence, received: 0 }.write(wire::MAGIC, fields, body);
        let (peer, user) = (Peer(vec![99].into()), Bytes::new());
        hall.publisher.handle(hall.now, Input::Message { socket: SocketId(0), peer, user, frames });
        self.sequence += 1;
    }

    fn say(&mut self, hall: &mut Hall, message: wire::Message) {
        self.sequence = self.sequence.max(1);
        let (kind, fields, body) = message.encode();
        self.put(hall, kind, &fields, body);
    }

    fn hello(identity: &'static str) -> wire::Message {
        wire::Message::Hello(wire::Hello {
            identity: identity.into(),
            keep: Duration::ZERO,
            credential: Credential::None,
            window_messages: 10,
            window_bytes: 1000,
            endpoint: None,
        })
    }
}

#[test]
fn who_was_refused_is_not_heard_again() {
    let mut hall = Hall::new(entitled(TRADERS));
    let mut mouth = Mouth::open(&mut hall, 7);
    (0..1000).for_each(|_| mouth.say(&mut hall, Mouth::hello("nobody")));
    let counters = hall.publisher.counters();
    assert_eq!((counters.denied, counters.malformed), (1, 999));
}

#[test]
fn questions_that_nobody_takes_have_a_bound() {
    let mut hall = Hall::new(PublisherOptions { access: Access::Ask(Duration::from_secs(1)), ..options() });
    hall.publisher.handle(hall.now, Input::Room(0));
    for session in 1..=20_000 {
        let mut mouth = Mouth::open(&mut hall, session);
        mouth.say(&mut hall, Mouth::hello("nobody"));
        mouth.put(&mut hall, crate::link::CLOSE, &[], vec![]);
    }
    assert_eq!(hall.publisher.counters().denied, 10_000);
}

#[test]
fn what_is_not_asked_for_again_makes_nobody_wait() {
    let mut hall = Hall::new(options());
    let narrow = Policy { max_messages: 1, ..HOLD };
    let forgetful = hall.add("", |_| {});
    hall.subscribe(forgetful, 1, "a", Start::Now, narrow);
    // Its connection is lost, and it comes back with other wishes.
    let Some(SubscriberInfo { identity, .. }) = hall.publisher.subscribers().pop() else { panic!("it is known") };
    hall.guests.clear();
    let mut mouth = Mouth::open(&mut hall, 7);
    let wire::Message::Hello(hello) = Mouth::hello("") else { panic!("it is one") };
    mouth.say(&mut hall, wire::Message::Hello(wire::Hello { identity, ..hello }));
    hall.publish("a", "1").unwrap();
    assert_eq!(hall.publish("a", "2").map_err(|error| error.kind()), Err(ErrorKind::Full));
    for _ in 0..20 {
        hall.pass(Duration::from_millis(100));
        mouth.sequence -= 1;
        mouth.put(&mut hall, crate::link::BEAT, &[], vec![]);
    }
    hall.publish("a", "2").unwrap();
}
