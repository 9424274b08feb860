//! The same behaviour in every language, over every ordered pair of them.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use zpatterns_quickstart::{language::Language, shell::Call};

use super::{Work, bindings};

const PEERS: &str = "bindings/conformance/peers";

/// Starts a peer of each language on its installed package, and plays every scenario.
pub(super) fn play(work: &mut Work<'_>) -> Result<()> {
    for language in Language::ALL {
        bindings::install(work, language)?;
    }
    let folder = work.layout.source(PEERS);
    work.run(&work.builder().cargo().args([
        "build",
        "--release",
        "-p",
        "zpatterns-conformance",
        "--bins",
        "--examples",
    ]))?;
    let built = work.builder().built();
    let c = compile_c(work, &folder)?;
    let node = work.layout.made("node").join("peer.mjs");
    fs::copy(folder.join("peer.mjs"), &node).context("cannot copy the Node peer to where its package is")?;

    let rust = built.join("examples").join("peer").display().to_string();
    let python = work.layout.made("python").join("bin").join("python").display().to_string();
    let python = format!("{python} {}", folder.join("peer.py").display());
    let peers = [
        format!("rust={rust}"),
        format!("rust-async={rust} --async"),
        format!("c={c}"),
        format!("c-async={c} --async"),
        format!("python={python}"),
        format!("python-async={python} --async"),
        format!("node=node {}", node.display()),
    ];
    let runner = Call::new(built.join("zpatterns-conformance"));
    let played = work.run(&runner.args(peers.iter().flat_map(|peer| ["--peer", peer])))?;
    for line in &played.stdout {
        work.say(line);
    }
    Ok(())
}

fn compile_c(work: &mut Work<'_>, folder: &Path) -> Result<String> {
    let prefix = work.layout.made("c");
    let (lib, program) = (prefix.join("lib"), prefix.join("bin").join("peer"));
    let call = work
        .cc()
        .args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-pthread"])
        .arg(folder.join("peer.c"))
        .arg(format!("-I{}", prefix.join("include").display()))
        .arg(format!("-L{}", lib.display()))
        .arg("-lzpatterns")
        .arg(format!("-Wl,-rpath,{}", lib.display()))
        .arg("-o")
        .arg(&program);
    work.run(&call)?;
    Ok(program.display().to_string())
}
