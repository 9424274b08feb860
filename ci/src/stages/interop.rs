//! Beside implementations of others, on protocols that are theirs.

use anyhow::Result;

use super::Work;

/// Whether there is a libzmq with pgm, and what makes networks that lose.
pub(super) fn have_epgm(work: &mut Work<'_>) -> Result<bool> {
    let peer = work.layout.source("core/zpatterns/tests/epgm/libzmq.py");
    let has_pgm = format!("python3 {} has", peer.display());
    Ok(work.have_what_shows(&has_pgm, "libzmq5")? && work.have("nft", "nftables")? && work.have("ip", "iproute2")?)
}

/// The bus among peers of the system's libzmq.
pub(super) fn bus(work: &mut Work<'_>) -> Result<()> {
    if !have_epgm(work)? {
        return Ok(());
    }
    let tests = ["test", "--locked", "-p", "zpatterns", "--test", "epgm"];
    work.run(&work.cargo(&tests).env("ZPATTERNS_INTEROP", "required")).map(drop)
}
