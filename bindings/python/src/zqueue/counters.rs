//! Counters by name.

use pyo3::{prelude::*, types::PyDict};
use zpatterns::zqueue::{Counters, QueueCounters, Reason, WorkerCounters};

use crate::table::named;

/// What became of jobs. Those that were lost have their reason in the name: `lost_cancelled`.
pub(super) fn of_jobs<'py>(py: Python<'py>, counters: &Counters) -> PyResult<Bound<'py, PyDict>> {
    // One more counter in core does not compile here.
    let Counters {
        accepted,
        delivered,
        redelivered,
        lost,
        held,
        waiting,
        delayed,
        running,
        suspended,
        refused_full,
        refused_other,
        duplicates,
        late_dropped,
        kept,
        dead,
        bytes,
        malformed,
    } = *counters;
    let table = named!(py, accepted delivered redelivered held waiting delayed running suspended refused_full refused_other
        duplicates late_dropped kept dead bytes malformed);
    for (reason, count) in Reason::ALL.iter().zip(lost) {
        table.set_item(format!("lost_{}", reason.name()), count)?;
    }
    Ok(table)
}

/// One of the queues.
pub(super) fn of_queue<'py>(py: Python<'py>, queue: &QueueCounters) -> PyResult<Bound<'py, PyDict>> {
    let QueueCounters { ref name, waiting, bytes, running, delivered, lost, workers, oldest } = *queue;
    let (name, oldest) = (String::from_utf8_lossy(name), oldest as f64 / 1000.0);
    Ok(named!(py, name waiting bytes running delivered lost workers oldest))
}

/// Several.
pub(super) fn of_queues<'py>(py: Python<'py>, queues: &[QueueCounters]) -> PyResult<Vec<Bound<'py, PyDict>>> {
    queues.iter().map(|queue| of_queue(py, queue)).collect()
}

/// What a worker did.
pub(super) fn of_worker<'py>(py: Python<'py>, counters: &WorkerCounters) -> PyResult<Bound<'py, PyDict>> {
    let WorkerCounters { accepted, completed, failed, spawned, held, withdrawn, rejected, malformed } = *counters;
    Ok(named!(py, accepted completed failed spawned held withdrawn rejected malformed))
}
