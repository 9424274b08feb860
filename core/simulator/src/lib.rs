//! Machines on a seeded network and a virtual clock.
//!
//! A test adds machines, lets time pass, and does them harm: messages are lost, doubled, delayed and overtaken, links are
//! cut in one direction or both, nodes crash and come back. Everything that happens follows from a seed, so a failure is
//! a number: [`seeds`] prints it together with the command that runs it again. Nothing sleeps; an hour takes a moment.
//!
//! * [`World`] holds the nodes and the clock; [`parties!`] makes one type of several roles.
//! * [`Network`] decides about each message: [`Faults`] by chance, cuts on purpose.
//! * [`Table`] is what a node stores: it outlives a crash, except for what was not yet on the disk.
//! * [`Disk`] is a file below a store: it tears what was not flushed, fills up, and flips bits.

#![forbid(unsafe_code)]

mod disk;
mod network;
mod parties;
mod seeds;
mod table;
mod world;

pub use disk::{Disk, DiskFull};
pub use network::{Counts, Faults, Network};
pub use seeds::seeds;
pub use table::Table;
pub use world::{Node, World};
