//! The Rust side.

use anyhow::Result;

use super::Work;

pub(super) fn test(work: &mut Work<'_>) -> Result<()> {
    work.run(&work.cargo(&["test", "--locked"])).map(drop)
}

pub(super) fn tools(work: &mut Work<'_>) -> Result<()> {
    let tools = ["-p", "zpatterns-quickstart", "-p", "zpatterns-ci"];
    work.run(&work.cargo(&[&["test", "--release", "--locked"], &tools[..]].concat())).map(drop)
}

pub(super) fn docs(work: &mut Work<'_>) -> Result<()> {
    let call = work.cargo(&["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings");
    work.run(&call).map(drop)
}
