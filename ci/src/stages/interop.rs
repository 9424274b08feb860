//! Beside implementations of others, on protocols that are theirs.

use anyhow::Result;

use super::Work;

/// The bus among peers of the system's libzmq, which has pgm.
pub(super) fn bus(work: &mut Work<'_>) -> Result<()> {
    let peer = work.layout.source("core/zpatterns/tests/epgm/libzmq.py");
    let has_pgm = format!("python3 {} has", peer.display());
    let is_there =
        work.have_what_shows(&has_pgm, "libzmq5")? && work.have("nft", "nftables")? && work.have("ip", "iproute2")?;
    if !is_there {
        return Ok(());
    }
    let tests = ["test", "--locked", "-p", "zpatterns", "--test", "epgm"];
    work.run(&work.cargo(&tests).env("ZPATTERNS_INTEROP", "required")).map(drop)
}
