//! Counters by name.

use pyo3::{prelude::*, types::PyDict};
use zpatterns::reqrep::{Counters, Reason, WorkerCounters};

macro_rules! named {
    ($py:expr, $($name:ident)*) => {{
        let table = PyDict::new($py);
        $(table.set_item(stringify!($name), $name)?;)*
        table
    }};
}

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

/// What a worker did.
pub(super) fn of_worker<'py>(py: Python<'py>, counters: &WorkerCounters) -> PyResult<Bound<'py, PyDict>> {
    let WorkerCounters { accepted, answered, held, cancelled, lost_asker_gone, refused, malformed } = *counters;
    Ok(named!(py, accepted answered held cancelled lost_asker_gone refused malformed))
}
