//! Everything together, as a person meets it.

use anyhow::{Context as _, Result, ensure};
use zpatterns_quickstart::language::Language;

use super::{Work, bindings, interop};

const HELLO: &str = "quickstart/tutorials/00-hello";

/// The programs whose regions the README shows.
pub(super) fn readme(work: &mut Work<'_>) -> Result<()> {
    let expected = work.layout.source(HELLO).join("expected.txt");
    let expected = std::fs::read_to_string(&expected).with_context(|| format!("no {}", expected.display()))?;
    for language in Language::ALL {
        let program = bindings::program(work, language, HELLO, "hello")?;
        let printed = work.run(&program)?.stdout.join("\n") + "\n";
        ensure!(printed == expected, "{language}: `{program}` printed {printed:?} instead of {expected:?}");
    }
    Ok(())
}

/// The quickstart, and whether its report has the form that it promises.
pub(super) fn quickstart(work: &mut Work<'_>) -> Result<()> {
    // Without them the comparisons with NATS, with BullMQ and arq, and with libzmq on a bus are missing, which is no failure.
    work.have("nats-server", "nats-server")?;
    work.have("redis-server", "redis-server")?;
    interop::have_epgm(work)?;
    work.run(&work.cargo(&["quickstart"]))?;
    let path = work.layout.made("report.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("no {}", path.display()))?;
    let report: serde_json::Value = serde_json::from_str(&text).context("the report is no JSON")?;
    for (table, fields) in [
        ("tutorial", &["name", "sender", "receiver", "transport", "case", "passed"][..]),
        ("bench", &["language", "workload", "size", "metric", "ours", "peer", "peer_name", "ratio", "runs"]),
        ("toolchains", &["name", "version", "status"]),
    ] {
        let rows = report[table].as_array().with_context(|| format!("the report has no table `{table}`"))?;
        ensure!(!rows.is_empty(), "the table `{table}` of the report is empty");
        for row in rows {
            for field in fields {
                ensure!(row.get(field).is_some(), "a row of `{table}` has no `{field}`: {row}");
            }
        }
    }
    Ok(())
}
