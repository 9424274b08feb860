//! Counters as JavaScript sees them: an object, with the names of core in camel case. A new counter of core is a new
//! property here without a line of code.

use std::collections::BTreeMap;

use crate::options::camel;

/// Counters as core lists them. Numbers beyond 2^53 are rounded.
pub(crate) fn counters(fields: impl IntoIterator<Item = (&'static str, u64)>) -> BTreeMap<String, f64> {
    fields.into_iter().map(|(name, count)| (camel(name), count as f64)).collect()
}
