//! Counters by name.

use pyo3::{prelude::*, types::PyDict};
use zpatterns::reqrep::{Counters, PeerCounters, Reason, ServiceCounters, WorkerCounters};

use crate::table::named;

/// What became of requests. Those that were lost have their reason in the name: `lost_deadline`.
pub(super) fn of_requests<'py>(py: Python<'py>, counters: &Counters) -> PyResult<Bound<'py, PyDict>> {
    // One more counter in core does not compile here.
    let Counters {
        accepted,
        delivered,
        redelivered,
        lost,
        held,
        waiting,
        refused_full,
        refused_other,
        late_used,
        late_dropped,
        from_cache,
        joined,
        stored,
        malformed,
    } = *counters;
    let table = named!(py, accepted delivered redelivered held waiting refused_full refused_other late_used late_dropped
        from_cache joined stored malformed);
    for (reason, count) in Reason::ALL.iter().zip(lost) {
        table.set_item(format!("lost_{}", reason.name()), count)?;
    }
    Ok(table)
}

/// What became of the requests for one service, with its name and how many offer it now.
pub(super) fn of_service<'py>(py: Python<'py>, service: &ServiceCounters) -> PyResult<Bound<'py, PyDict>> {
    let ServiceCounters { name, workers, counters } = service;
    let name = String::from_utf8_lossy(name);
    let table = named!(py, name workers);
    table.update(of_requests(py, counters)?.as_mapping())?;
    Ok(table)
}

/// What a client asked, or a worker was given.
pub(super) fn of_peer<'py>(py: Python<'py>, peer: &PeerCounters) -> PyResult<Bound<'py, PyDict>> {
    let PeerCounters { number, ref service, requests, answered, failed, held, unfetched } = *peer;
    let service = service.as_deref().map(String::from_utf8_lossy);
    Ok(named!(py, number service requests answered failed held unfetched))
}

/// What a worker did.
pub(super) fn of_worker<'py>(py: Python<'py>, counters: &WorkerCounters) -> PyResult<Bound<'py, PyDict>> {
    let WorkerCounters { accepted, answered, held, cancelled, lost_asker_gone, refused, malformed } = *counters;
    Ok(named!(py, accepted answered held cancelled lost_asker_gone refused malformed))
}
