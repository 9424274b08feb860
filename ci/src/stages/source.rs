//! Checks of the text alone.

use anyhow::{Result, bail};

use super::Work;
use crate::guards;

pub(super) fn format(work: &mut Work<'_>) -> Result<()> {
    work.run(&work.cargo(&["fmt", "--all", "--check"])).map(drop)
}

pub(super) fn lint(work: &mut Work<'_>) -> Result<()> {
    work.run(&work.cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])).map(drop)
}

pub(super) fn guards(work: &mut Work<'_>) -> Result<()> {
    let files = guards::tracked(work)?;
    let mut found = guards::dependencies(work)?;
    found.extend(guards::long_files(&files));
    found.extend(guards::lock_files(&files));
    found.extend(guards::links(&files));
    found.extend(guards::regions(&files));
    found.extend(guards::shown(&files));
    if found.is_empty() {
        return Ok(());
    }
    bail!("{}", found.join("\n"))
}
