//! A network between senders and receivers that loses, repeats, delays and reorders.

use super::*;

/// How the network is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weather {
    pub(super) loss: f64,
    pub(super) duplicate: f64,
    /// Up to so long on the way, each datagram for itself.
    pub(super) delay: Duration,
    /// A byte of it is another one.
    pub(super) corruption: f64,
    /// What is meant for a source alone reaches another program of its machine, four times of five.
    pub(super) is_shared: bool,
    /// What receivers say is lost, whatever else is.
    pub(super) is_one_way: bool,
}

/// What a receiver was told, by source.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) messages: BTreeMap<SourceId, Vec<u64>>,
    pub(super) missed: u64,
    pub(super) broken: u64,
    pub(super) gone: u64,
    pub(super) dropped: u64,
    /// If the program does not take everything at once: for so many there is room, and so many were not taken.
    pub(super) inbox: Option<usize>,
    pub(super) unread: usize,
    /// It was killed.
    pub(super) is_dead: bool,
}

/// Some who send and some who listen. Everybody hears everything, and also himself.
pub(super) struct Ether {
    pub(super) now: Duration,
    pub(super) random: Rng,
    pub(super) weather: Weather,
    pub(super) senders: Vec<Sender>,
    pub(super) receivers: Vec<Receiver>,
    pub(super) heard: Vec<Heard>,
    /// By arrival: to whom, from whom.
    pub(super) flying: BTreeMap<(Duration, u64), (Node, SocketAddr, Bytes)>,
    pub(super) sent: u64,
    pub(super) pushed: Vec<u64>,
    pub(super) naks: u64,
}

#[derive(Clone, Copy)]
pub(super) enum Node {
    Sender(usize),
    Receiver(usize),
}

impl Ether {
    pub(super) fn new(seed: u64, senders: usize, receivers: usize, weather: Weather) -> Self {
        let first = Sqn(u32::MAX - 50);
        let senders = (0..senders).map(|node| sender_options(node, first)).collect();
        let receivers = (0..receivers).map(|node| receiver_options(seed ^ node as u64)).collect();
        Self::of(seed, senders, receivers, weather)
    }

    pub(super) fn of(
        seed: u64,
        senders: Vec<SenderOptions>,
        receivers: Vec<ReceiverOptions>,
        weather: Weather,
    ) -> Self {
        let mut ether = Self {
            now: Duration::ZERO,
            random: Rng::with_seed(seed),
            weather,
            pushed: vec![0; senders.len()],
            senders: senders.into_iter().map(|options| Sender::new(Duration::ZERO, options)).collect(),
            receivers: Vec::new(),
            heard: Vec::new(),
            flying: BTreeMap::new(),
            sent: 0,
            naks: 0,
        };
        receivers.into_iter().for_each(|options| ether.join(options));
        ether
    }

    /// Somebody begins to listen.
    pub(super) fn join(&mut self, options: ReceiverOptions) {
        let mut receiver = Receiver::new(options);
        receiver.subscribe(b"");
        self.receivers.push(receiver);
        self.heard.push(Heard::default());
    }

    /// A message says its number, and is as long as that demands.
    pub(super) fn push(&mut self, sender: usize) {
        let number = self.pushed[sender];
        let body = vec![number as u8; (number as usize * 37) % 700];
        assert!(self.senders[sender].push(&[&number.to_be_bytes()[..], &body]).is_ok(), "there is room");
        self.pushed[sender] += 1;
    }

    fn fly(&mut self, to: Node, from: SocketAddr, datagram: &Bytes) {
        let is_lost = self.random.f64() < self.weather.loss;
        let copies = u64::from(!is_lost) + u64::from(self.random.f64() < self.weather.duplicate);
        for _ in 0..copies {
            self.sent += 1;
            let datagram =
                if self.random.f64() < self.weather.corruption { self.corrupt(datagram) } else { datagram.clone() };
            let at = self.now + Duration::from_micros(50) + self.weather.delay.mul_f64(self.random.f64());
            self.flying.insert((at, self.sent), (to, from, datagram));
        }
    }

    fn corrupt(&mut self, datagram: &Bytes) -> Bytes {
        let mut bytes = datagram.to_vec();
        bytes[self.random.usize(..datagram.len())] ^= self.random.u8(1..);
        bytes.into()
    }

    fn broadcast(&mut self, from: SocketAddr, datagram: &Bytes) {
        for sender in 0..self.senders.len() {
            self.fly(Node::Sender(sender), from, datagram);
        }
        for receiver in 0..self.receivers.len() {
            self.fly(Node::Receiver(receiver), from, datagram);
        }
    }

    pub(super) fn work(&mut self) {
        for sender in 0..self.senders.len() {
            while let Some(datagram) = self.senders[sender].poll(self.now) {
                self.broadcast(place(sender), &datagram);
            }
        }
        for receiver in 0..self.receivers.len() {
            let own = place(100 + receiver);
            while let Some((to, datagram)) = self.receivers[receiver].poll() {
                self.naks +=
                    u64::from(Packet::read(&datagram).is_ok_and(|packet| matches!(packet.body, Body::Nak { .. })));
                if self.weather.is_one_way || self.heard[receiver].is_dead {
                    continue;
                }
                match to {
                    To::Group(_) => self.broadcast(own, &datagram),
                    To::Source(to) => {
                        if let Some(sender) = (0..self.senders.len()).find(|sender| place(*sender) == to)
                            && (!self.weather.is_shared || self.random.u8(0..5) == 0)
                        {
                            self.fly(Node::Sender(sender), own, &datagram);
                        }
                    }
                }
            }
            self.make_room(receiver);
            for (event, message) in taken(&mut self.receivers[receiver]) {
                let heard = &mut self.heard[receiver];
                heard.unread += 1;
                match event {
                    Event::Joined(_) => {}
                    Event::Message(id) => {
                        let number = u64::from_be_bytes(message[0][..].try_into().expect("a number"));
                        assert_eq!(message[1], vec![number as u8; (number as usize * 37) % 700], "garbled");
                        heard.messages.entry(id).or_default().push(number);
                    }
                    Event::Missed(..) => heard.missed += 1,
                    Event::Broken(..) => heard.broken += 1,
                    Event::Gone(_) => heard.gone += 1,
                    Event::Dropped(count) => heard.dropped += count,
                }
            }
        }
    }

    fn make_room(&mut self, receiver: usize) {
        if let Some(room) = self.heard[receiver].inbox {
            let room = Room { events: room.saturating_sub(self.heard[receiver].unread), bytes: usize::MAX };
            self.receivers[receiver].set_room(self.now, room);
        }
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            self.work();
            let deadlines = self.senders.iter().map(Sender::deadline);
            let living = self.receivers.iter().zip(&self.heard).filter(|(_, heard)| !heard.is_dead);
            let deadlines = deadlines.chain(living.filter_map(|(receiver, _)| receiver.deadline()));
            let next = deadlines.chain(self.flying.keys().next().map(|(at, _)| *at)).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            while let Some(first) = self.flying.first_entry()
                && first.key().0 <= self.now
            {
                match first.remove() {
                    (Node::Sender(sender), _, datagram) => self.senders[sender].handle(self.now, &datagram),
                    (Node::Receiver(receiver), ..) if self.heard[receiver].is_dead => {}
                    (Node::Receiver(receiver), from, datagram) => {
                        self.make_room(receiver);
                        self.receivers[receiver].handle(self.now, from, &datagram);
                    }
                }
            }
            for (receiver, heard) in self.receivers.iter_mut().zip(&self.heard) {
                if !heard.is_dead {
                    receiver.advance(self.now);
                }
            }
        }
    }

    /// Each source's messages in order, without gaps from the first that was heard.
    pub(super) fn assert_complete(&self) {
        for heard in &self.heard {
            assert_eq!((heard.missed, heard.broken, heard.dropped), (0, 0, 0));
            assert_eq!(heard.messages.len(), self.senders.len());
            for (id, messages) in &heard.messages {
                let all = messages[0]..self.pushed[usize::from(id.gsi.0[5])];
                assert_eq!(messages, &all.collect::<Vec<_>>());
            }
        }
    }
}
