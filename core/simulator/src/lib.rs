//! Machines on a seeded network and a virtual clock.
//!
//! A test adds machines, lets time pass, and does them harm: messages are lost, doubled, delayed and overtaken, links are
//! cut in one direction or both, nodes crash and come back. Everything that happens follows from a seed, so a failure is
//! a number: [`seeds`] prints it together with the command that runs it again. Nothing sleeps; an hour takes a moment.
//!
//! * [`World`] holds the nodes and the clock.
//! * [`Network`] decides about each message: [`Faults`] by chance, cuts on purpose.

#![forbid(unsafe_code)]

mod network;
mod seeds;
mod world;

pub use network::{Counts, Faults, Network};
pub use seeds::seeds;
pub use world::{Node, World};
