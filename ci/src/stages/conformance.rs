//! The same behaviour in every language, over every ordered pair of them.

use anyhow::Result;
use zpatterns_quickstart::{language::Language, shell::Call};

use super::{Work, bindings};

/// Tests the runner, starts a peer of each language on its installed package, and plays every scenario.
pub(super) fn play(work: &mut Work<'_>) -> Result<()> {
    let package = ["--release", "-p", "zpatterns-conformance"];
    work.run(&work.builder().cargo().arg("test").args(package).arg("--lib"))?;
    work.run(&work.builder().cargo().arg("build").args(package).arg("--bins"))?;
    let mut runner = Call::new(work.builder().built().join("zpatterns-conformance"));
    for language in Language::ALL {
        let (name, peer) = (language.name(), bindings::program(work, language, "bindings/conformance/peers", "peer")?);
        runner = runner.arg("--peer").arg(format!("{name}={peer}"));
        // In Node every call is asynchronous.
        if language != Language::Node {
            runner = runner.arg("--peer").arg(format!("{name}-async={peer} --async"));
        }
    }
    for line in &work.run(&runner)?.stdout {
        work.say(line);
    }
    Ok(())
}
