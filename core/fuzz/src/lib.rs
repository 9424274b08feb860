//! Everything that a network may send.
//!
//! A port is open to anybody, so every byte that arrives may be any byte. Each target here takes bytes for decisions and
//! drives one wire format or one machine with them; it panics if a promise is broken. Two drivers share them:
//!
//! * `cargo test -p zpatterns-fuzz` draws the bytes by chance, on any compiler. `ZPATTERNS_FRAMES=1000000` says how many
//!   frames of strangers each target meets, in a release build within minutes.
//! * `cargo +nightly fuzz run --fuzz-dir core/fuzz --features libfuzzer broker` lets libFuzzer search for them. It needs
//!   `cargo install cargo-fuzz` and is no part of `cargo verify`.
//!
//! | target | what is driven |
//! |---|---|
//! | [`link`] | header of a link, read and written; a table of links |
//! | [`message`] | messages of request-reply, read and written |
//! | [`majordomo`] | a broker, by Majordomo of both versions and what is nearly so |
//! | [`client`] | a client with an honest broker, and another endpoint where a stranger answers |
//! | [`worker`] | a worker with an honest broker, and a port where strangers ask |
//! | [`broker`] | a broker between an honest client and an honest worker, among strangers |
//! | [`jobs`] | messages of the job queue, and the blocks in its answers, read and written |
//! | [`queue`] | a queue with an honest producer and an honest worker, among strangers |
//! | [`publications`] | messages of pubsub, packs, and the shared path, read and written |
//! | [`publisher`] | a publisher with an honest subscriber, among strangers |
//! | [`subscriber`] | a subscriber with a publisher that says anything |
//! | [`packets`] | packets of the bus, read and written |
//! | [`payloads`] | messages of the bus, packed and unpacked |
//! | [`bus`] | an honest sender and an honest listener, among strangers |
//! | [`forwarder`] | a forwarder of a bus and two honest members, among strangers |
//!
//! What is asserted, for machines after every input: the books balance, what is held keeps to the options, and an input
//! causes no more output than what is kept. Every honest request ends once. Where strangers have no part in it (a broker or a
//! worker among them) it ends with its own answer. Who counts what is allocated can assert that memory is bounded too.

#![forbid(unsafe_code)]

mod datagram;
mod dice;
mod job_words;
mod liar;
mod market;
mod party;
mod pub_words;
mod relay;
mod stranger;
mod town;
mod wire;
mod yard;

pub use self::{
    datagram::{bus, packets, payloads},
    liar::subscriber,
    market::{publications, publisher},
    relay::forwarder,
    town::{broker, client, majordomo, worker},
    wire::{link, message},
    yard::{jobs, queue},
};

/// A target: takes bytes for decisions, and says how many frames a stranger sent.
pub type Target = fn(&[u8]) -> u64;

/// Every target by its name.
pub const TARGETS: &[(&str, Target)] = &[
    ("link", link),
    ("message", message),
    ("majordomo", majordomo),
    ("client", client),
    ("worker", worker),
    ("broker", broker),
    ("jobs", jobs),
    ("queue", queue),
    ("publications", publications),
    ("publisher", publisher),
    ("subscriber", subscriber),
    ("packets", packets),
    ("payloads", payloads),
    ("bus", bus),
    ("forwarder", forwarder),
];
