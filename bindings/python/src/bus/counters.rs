//! Counters by name.

use pyo3::{prelude::*, types::PyDict};
use zpatterns::{BusCounters, PeerId, bus::ReceivedCounters};

use super::event::Peer;

macro_rules! named {
    ($table:ident, $prefix:literal, $counters:expr, $($name:ident)*) => {
        $($table.set_item(concat!($prefix, stringify!($name)), $counters.$name)?;)*
    };
}

/// What a bus did. What it sent and what it received are told apart by the beginning of the name.
pub(super) fn of_bus<'py>(py: Python<'py>, counters: &BusCounters) -> PyResult<Bound<'py, PyDict>> {
    let table = PyDict::new(py);
    named!(table, "sent_", counters.sent, messages datagrams repairs parity asked gone ignored malformed foreign
        forged silent listeners);
    named!(table, "received_", counters.received, delivered datagrams duplicates repaired computed asked missed broken);
    named!(table, "", counters, malformed foreign forged refused dropped full unsendable injected);
    Ok(table)
}

/// What became of what a peer sent.
pub(super) fn of_peer<'py>(py: Python<'py>, peer: PeerId, counters: &ReceivedCounters) -> PyResult<Bound<'py, PyDict>> {
    let table = PyDict::new(py);
    table.set_item("peer", Peer(peer.0))?;
    named!(table, "", counters, delivered datagrams duplicates repaired computed asked missed broken);
    Ok(table)
}
