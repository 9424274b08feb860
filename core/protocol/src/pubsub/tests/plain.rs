//! Plain SUB sockets: what is handed over for them, and what is not any more.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{TRADERS, entitled, options};
use crate::{
    Error, ErrorKind, Machine, Result, Time,
    machine::{Frames, Input, Output, SocketId},
    pubsub::{
        Access, Content, Criterion, Entitlements, Publisher, PublisherCommand, PublisherEvent, PublisherOptions, Rules,
    },
};

/// A publisher, the sockets that it has, and what left by each.
struct Post {
    publisher: Publisher,
    open: BTreeSet<SocketId>,
    /// Those that ever were.
    known: BTreeSet<SocketId>,
    bound: BTreeMap<String, SocketId>,
    left: Vec<(SocketId, Frames)>,
    told: Vec<PublisherEvent>,
    /// No socket can be opened.
    without_sockets: bool,
}

impl Post {
    fn new(options: PublisherOptions) -> Self {
        let mut post = Self {
            publisher: Publisher::new(options),
            open: BTreeSet::new(),
            known: BTreeSet::new(),
            bound: BTreeMap::new(),
            left: Vec::new(),
            told: Vec::new(),
            without_sockets: false,
        };
        post.tell(Input::Room(usize::MAX));
        post.told.clear();
        post
    }

    fn tell(&mut self, input: Input<PublisherCommand>) {
        self.publisher.handle(Time::ZERO, input);
        while let Some(output) = self.publisher.poll() {
            let failed = |socket, kind| Input::Failed { socket, error: Error::new(kind, "it is not possible") };
            match output {
                Output::Open { socket, .. } if self.without_sockets => self.tell(failed(socket, ErrorKind::Full)),
                Output::Open { socket, .. } => {
                    assert!(self.known.insert(socket), "{socket:?} was used before");
                    self.open.insert(socket);
                }
                Output::Bind { socket, .. } if !self.open.contains(&socket) => {
                    self.tell(failed(socket, ErrorKind::WrongState));
                }
                Output::Bind { socket, endpoint } if self.bound.contains_key(&endpoint) => {
                    self.tell(Input::Failed {
                        socket,
                        error: Error::new(ErrorKind::AddressInUse, "it is taken").with("endpoint", endpoint),
                    });
                }
                Output::Bind { socket, endpoint } => {
                    self.bound.insert(endpoint.clone(), socket);
                    self.tell(Input::Bound { socket, endpoint });
                }
                Output::Close { socket } => {
                    self.open.remove(&socket);
                    self.bound.retain(|_, bound| *bound != socket);
                }
                Output::Send { socket, frames, .. } => {
                    assert!(self.open.contains(&socket), "{socket:?} is closed");
                    self.left.push((socket, frames));
                }
                Output::Deliver(event) => self.told.push(event),
                _ => {}
            }
        }
    }

    fn open(&mut self, user: &'static str, endpoint: &str) -> Result<String> {
        let (user, endpoint) = (user.into(), endpoint.to_owned());
        self.tell(Input::Command(PublisherCommand::OpenPlain { user, endpoint }));
        self.publisher.plain_outcome()
    }

    fn close(&mut self, endpoint: &str) -> Result<String> {
        self.tell(Input::Command(PublisherCommand::ClosePlain { endpoint: endpoint.to_owned() }));
        self.publisher.plain_outcome()
    }

    fn set_rules(&mut self, user: &'static str, allow: &[&'static str], deny: &[&'static str]) {
        let all = |patterns: &[&'static str]| patterns.iter().map(|one| Criterion::pattern(*one).unwrap()).collect();
        let rules = Rules { allow: all(allow), deny: all(deny) };
        self.tell(Input::Command(PublisherCommand::SetRules { user: user.into(), rules }));
    }

    fn publish(&mut self, subjects: &[&str]) {
        let all: Vec<Content> = subjects.iter().map(|one| Content::new(one.as_bytes(), &["body"]).unwrap()).collect();
        self.tell(Input::Command(PublisherCommand::Publish(all.into())));
        assert_eq!(self.publisher.published().0, subjects.len());
    }

    /// The subjects that left at an endpoint since somebody asked.
    fn left_at(&mut self, endpoint: &str) -> Vec<Bytes> {
        let socket = self.bound[endpoint];
        let (left, others) = std::mem::take(&mut self.left).into_iter().partition(|(by, _)| *by == socket);
        self.left = others;
        left.into_iter().map(|(_, frames): (_, Frames)| frames[0].clone()).collect()
    }
}

#[test]
fn what_leaves_at_the_endpoint_of_a_user_is_what_its_rules_allow() {
    let mut post = Post::new(PublisherOptions { plain: Some("all".to_owned()), ..entitled(TRADERS) });
    assert_eq!(post.open("alice", "alice").unwrap(), "alice");
    post.open("bob", "bob").unwrap();
    post.publish(&["ticks.eur", "ticks.usd", "ticks.secret.eur", "news.x"]);
    assert_eq!(post.left[0].1, [&b"ticks.eur"[..], b"body"]);
    assert_eq!(post.left_at("alice"), ["ticks.eur", "ticks.usd"]);
    assert_eq!(post.left_at("bob"), ["ticks.eur"]);
    assert_eq!(post.left_at("all"), ["news.x"], "the same as ever");
    let counters = post.publisher.counters();
    assert_eq!((counters.plain_endpoints, counters.handed_over), (2, 4));
}

#[test]
fn of_public_streams_rules_decide_there_as_well() {
    let mut post = Post::new(entitled(TRADERS));
    post.open("alice", "alice").unwrap();
    post.set_rules("alice", &[">"], &["news.secret"]);
    post.publish(&["news.secret", "news.x", "y"]);
    assert_eq!(post.left_at("alice"), ["news.x", "y"]);
}

#[test]
fn what_is_taken_back_is_not_handed_over_any_more() {
    let mut post = Post::new(entitled(TRADERS));
    post.open("alice", "alice").unwrap();
    post.publish(&["ticks.eur"]);
    post.set_rules("alice", &["ticks.>"], &["ticks.eur"]);
    post.publish(&["ticks.eur", "ticks.usd"]);
    assert_eq!(post.left_at("alice"), ["ticks.eur", "ticks.usd"]);
    // Written anew, it counts instead of what was set, and is as good for who was not there before.
    let written = Entitlements::read(b"user\n    carol\n        allow = x\n").unwrap();
    post.tell(Input::Command(PublisherCommand::SetEntitlements(Box::new(written))));
    post.publish(&["ticks.eur", "ticks.usd", "x"]);
    assert!(post.left_at("alice").is_empty(), "nobody knows her any more");
    post.set_rules("alice", &["x"], &[]);
    post.open("carol", "carol").unwrap();
    post.publish(&["ticks.usd", "x"]);
    assert_eq!((post.left_at("alice"), post.left_at("carol")), (vec!["x".into()], vec!["x".into()]));
}

#[test]
fn whom_nothing_is_allowed_has_no_endpoint() {
    let mut post = Post::new(entitled(TRADERS));
    assert_eq!(post.open("mallory", "m").unwrap_err().kind(), ErrorKind::PermissionDenied);
    let patience = std::time::Duration::from_secs(1);
    let mut asked = Post::new(PublisherOptions { access: Access::Ask(patience), ..options() });
    assert_eq!(asked.open("alice", "a").unwrap_err().kind(), ErrorKind::PermissionDenied);
    asked.set_rules("alice", &["x"], &[]);
    asked.open("alice", "a").unwrap();
    let mut open = Post::new(options());
    open.open("", "o").unwrap();
    open.publish(&["y", "news.x"]);
    assert_eq!(open.left_at("o"), ["y", "news.x"]);
}

#[test]
fn endpoints_are_few_and_closing_one_makes_room() {
    let mut post = Post::new(options());
    assert_eq!(post.publisher.plain_outcome().unwrap_err().kind(), ErrorKind::WrongState);
    post.open("a", "a").unwrap();
    post.open("b", "b").unwrap();
    let error = post.open("c", "c").unwrap_err();
    assert_eq!((error.kind(), post.open.contains(&SocketId(6))), (ErrorKind::Full, false));
    assert_eq!(post.close("c").unwrap_err().kind(), ErrorKind::NotFound);
    post.close("a").unwrap();
    post.publish(&["x"]);
    assert_eq!(post.left.len(), 1);
    assert_eq!(post.close("a").unwrap_err().kind(), ErrorKind::NotFound);
    // Another socket: what is still said of the one before is nobody's.
    post.open("c", "a").unwrap();
    post.tell(Input::Failed { socket: SocketId(4), error: Error::new(ErrorKind::System, "late") });
    post.tell(Input::Bound { socket: SocketId(4), endpoint: "late".to_owned() });
    post.publish(&["x"]);
    assert_eq!((post.left_at("a").len(), post.publisher.counters().plain_endpoints), (1, 2));
}

#[test]
fn who_cannot_be_bound_is_told_and_takes_no_place() {
    let mut post = Post::new(options());
    post.open("a", "a").unwrap();
    for _ in 0..10 {
        let error = post.open("b", "a").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddressInUse);
    }
    post.without_sockets = true;
    assert_eq!(post.open("b", "b").unwrap_err().kind(), ErrorKind::Full, "the first of its errors");
    post.without_sockets = false;
    post.open("b", "b").unwrap();
    assert!(post.told.is_empty(), "{:?}", post.told);
}

#[test]
fn one_that_fails_later_is_told_of() {
    let mut post = Post::new(options());
    post.open("a", "a").unwrap();
    post.tell(Input::Failed { socket: SocketId(4), error: Error::new(ErrorKind::System, "broken") });
    let [PublisherEvent::Failed(error)] = &post.told[..] else { panic!("{:?}", post.told) };
    assert_eq!(error.context().first().map(|(name, value)| (*name, &value[..])), Some(("endpoint", "a")));
    assert_eq!((post.publisher.counters().plain_endpoints, post.open.contains(&SocketId(4))), (0, false));
}

#[test]
fn a_publisher_that_closes_opens_nothing() {
    let mut post = Post::new(options());
    post.tell(Input::Command(PublisherCommand::Drain));
    assert_eq!(post.open("a", "a").unwrap_err().kind(), ErrorKind::Closed);
}
