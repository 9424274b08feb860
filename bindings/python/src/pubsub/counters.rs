//! Counters by name.

use pyo3::{
    prelude::*,
    types::{PyBytes, PyDict},
};
use zpatterns::pubsub::{Books, Counters, LostReason, SubscriberCounters, SubscriberInfo, ViewInfo};

use crate::table::named;

fn add_books(table: &Bound<'_, PyDict>, books: &Books) -> PyResult<()> {
    table.set_item("accepted", books.accepted)?;
    table.set_item("delivered", books.delivered)?;
    table.set_item("redelivered", books.redelivered)?;
    for (reason, count) in LostReason::ALL.iter().zip(books.lost) {
        table.set_item(format!("lost_{}", reason.name()), count)?;
    }
    table.set_item("held", books.held)
}

/// What a publisher did.
pub(super) fn of_publisher<'py>(py: Python<'py>, counters: &Counters) -> PyResult<Bound<'py, PyDict>> {
    let Counters { published, refused_full, books, repaired, subscribers, subscriptions, .. } = *counters;
    let Counters { denied, forged, malformed, bytes, disk_bytes, disk_errors, .. } = *counters;
    let Counters { dropped_news, plain_endpoints, handed_over, .. } = *counters;
    let table = named!(py, published refused_full);
    add_books(&table, &books)?;
    table.update(named!(py, repaired subscribers subscriptions denied forged malformed bytes).as_mapping())?;
    let rest = named!(py, disk_bytes disk_errors dropped_news plain_endpoints handed_over);
    table.update(rest.as_mapping())?;
    Ok(table)
}

/// A subscriber that is known to a publisher.
pub(super) fn of_known<'py>(py: Python<'py>, known: &SubscriberInfo) -> PyResult<Bound<'py, PyDict>> {
    let SubscriberInfo { identity, user, connected, subscriptions, books } = known;
    let (identity, user) = (PyBytes::new(py, identity), PyBytes::new(py, user));
    let table = named!(py, identity user connected subscriptions);
    add_books(&table, books)?;
    Ok(table)
}

/// What a subscriber got.
pub(super) fn of_subscriber<'py>(py: Python<'py>, counters: &SubscriberCounters) -> PyResult<Bound<'py, PyDict>> {
    let SubscriberCounters { delivered, missed, repaired, duplicates, waiting, waiting_bytes, restarts, malformed } =
        *counters;
    Ok(named!(py, delivered missed repaired duplicates waiting waiting_bytes restarts malformed))
}

/// A subscription's part of a stream.
pub(super) fn of_view<'py>(py: Python<'py>, view: &ViewInfo) -> PyResult<Bound<'py, PyDict>> {
    let ViewInfo { subscription, stream, shared, last } = view;
    let stream = String::from_utf8_lossy(stream);
    Ok(named!(py, subscription stream shared last))
}
