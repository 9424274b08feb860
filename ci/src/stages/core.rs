//! The Rust side.

use anyhow::Result;

use super::Work;

pub(super) fn test(work: &mut Work<'_>) -> Result<()> {
    work.run(&work.cargo(&["test", "--locked"])).map(drop)
}

/// A minute of the formats and machines that any datagram of a network reaches; the others are met in `core`, and for as long
/// as one likes by `core/fuzz/tests/million.rs`.
pub(super) fn fuzz(work: &mut Work<'_>) -> Result<()> {
    let call = work.cargo(&["test", "--release", "--locked", "-p", "zpatterns-fuzz", "--test", "million"]);
    let call = call.env("ZPATTERNS_SECONDS", "60").env("ZPATTERNS_TARGETS", "packets,payloads,bus,forwarder");
    work.run(&call).map(drop)
}

pub(super) fn tools(work: &mut Work<'_>) -> Result<()> {
    let tools = ["-p", "zpatterns-quickstart", "-p", "zpatterns-ci"];
    work.run(&work.cargo(&[&["test", "--release", "--locked"], &tools[..]].concat())).map(drop)
}

pub(super) fn docs(work: &mut Work<'_>) -> Result<()> {
    let call = work.cargo(&["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings");
    work.run(&call).map(drop)
}
