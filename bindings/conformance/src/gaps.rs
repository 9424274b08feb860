//! What a language lacks, with the reason: `gaps.toml` beside the scenarios.
//!
//! A gap without a reason fails, and so does a reason for what is no gap any more. A variant such as `c-async` has the
//! gaps of its language besides its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result};

/// Reasons by peer and by what it lacks, and which of them applied.
#[derive(Default)]
pub(crate) struct Gaps {
    pub(crate) reasons: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) met: BTreeSet<String>,
}

/// The language that a peer is a face of: `c` for `c-async`.
pub(crate) fn language(peer: &str) -> &str {
    peer.strip_suffix("-async").unwrap_or(peer)
}

impl Gaps {
    pub(crate) fn load(scenarios: &Path) -> Result<Self> {
        let file = scenarios.join("gaps.toml");
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        Ok(Self { reasons: toml::from_str(&text).with_context(|| file.display().to_string())?, ..Self::default() })
    }

    /// Whether it is stated why this peer lacks `what`; notes that it mattered.
    pub(crate) fn explain(&mut self, peer: &str, what: &str) -> bool {
        let reason = [peer, language(peer)].into_iter().find_map(|name| self.reasons.get(name)?.get(what));
        if let Some(reason) = reason {
            self.met.insert(format!("{peer} {what}: {reason}"));
        }
        reason.is_some()
    }

    /// Gaps of this peer that it does not have.
    pub(crate) fn outdated<'a>(
        &'a self,
        peer: &str,
        can: &'a BTreeSet<String>,
    ) -> impl Iterator<Item = &'a str> + use<'a> {
        let stated = self.reasons.get(peer).into_iter().flat_map(BTreeMap::keys);
        stated.map(String::as_str).filter(|what| can.contains(*what))
    }
}
