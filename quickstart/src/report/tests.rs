use super::*;

fn report() -> Report {
    Report {
        tutorial: vec![
            TutorialRow {
                name: "01-strings".into(),
                sender: Language::Rust,
                receiver: Language::Node,
                transport: "tcp".into(),
                case: "utf8".into(),
                passed: true,
                status: "ok".into(),
                note: None,
            },
            TutorialRow {
                name: "01-strings".into(),
                sender: Language::C,
                receiver: Language::Python,
                transport: "ws".into(),
                case: "nul".into(),
                passed: false,
                status: "failed".into(),
                note: Some("printed '<nul> 6' instead of 'nul 12 equal'".into()),
            },
        ],
        bench: vec![BenchRow {
            language: Language::Python,
            workload: "send-each".into(),
            size: 100,
            metric: "messages per second".into(),
            ours: Some(900_000.5),
            peer: Some(450_000.0),
            peer_name: "pyzmq".into(),
            ratio: Some(2.0),
            runs: 3,
            implementation: "zpatterns".into(),
            limit: Some(1_500_000.0),
            limit_name: "libzmq in C".into(),
            spread: Some([1.5, 2.5]),
            must: Some(1.5),
            aim: Some(2.0),
            at_least: None,
            at_most: None,
            verdict: Some(Verdict::Met),
            status: "ok".into(),
            note: None,
        }],
        toolchains: vec![ToolRow {
            name: "rustc".into(),
            version: "1.95.0".into(),
            status: "ok".into(),
            oldest: "1.90".into(),
            install: "https://rustup.rs".into(),
        }],
    }
}

#[test]
fn the_json_has_the_promised_shape() {
    let golden = include_str!("golden.json");
    assert_eq!(serde_json::to_string_pretty(&report()).unwrap() + "\n", golden);
    assert_eq!(serde_json::from_str::<Report>(golden).unwrap(), report());
}

#[test]
fn the_page_stands_alone_and_escapes_what_others_printed() {
    let page = html::page(&report()).unwrap();
    assert!(page.contains("&lt;nul&gt;") && !page.contains("<nul>"), "a program's output is no markup");
    assert!(!page.contains("src=") && !page.contains("href="), "nothing is fetched");
    assert!(page.contains("900 001") && page.contains("2.00x (1.50-2.50)"));
    assert!(html::page(&Report::default()).unwrap().contains("</html>"));
}

#[test]
fn latencies_are_drawn_on_the_page_and_shortened_on_the_terminal() {
    let mut report = report();
    let latency = BenchRow { workload: "latency".into(), must: None, verdict: None, ..report.bench[0].clone() };
    let row = |metric: &str, ours| BenchRow { metric: metric.into(), ours: Some(ours), ..latency.clone() };
    report.bench.extend([row("p50_us", 80.0), row("p90_us", 100.0), row("p99.9_us", 900.0)]);
    let page = html::page(&report).unwrap();
    assert_eq!(page.matches("<polyline").count(), 3, "ours, the peer and plain libzmq");
    assert!(page.contains("latency 100 B p50, less is better") && page.contains("zpatterns p90: 100.0 us"));
    let table = tables::bench(Language::Python, &report.bench);
    assert!(table.contains("p50_us") && table.contains("p99.9_us") && !table.contains("p90_us"), "{table}");
}

#[test]
fn what_failed_is_listed() {
    let lines = report().failed_pairs();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with("tutorial 01-strings, C to Python over ws: nul"), "{lines:?}");
    assert!(report().failed_measurements().is_empty());

    let mut report = report();
    report.tutorial.push(TutorialRow { case: "end".into(), ..report.tutorial[1].clone() });
    let lines = report.failed_pairs();
    assert_eq!(lines.len(), 1, "one reason, one line");
    assert!(lines[0].contains("nul, and 1 rows more: printed"), "{lines:?}");
}

#[test]
fn an_earlier_report_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(Some(folder.path().join("made"))).unwrap();
    assert_eq!(Report::load(&layout), None);
    let paths = report().write(&layout).unwrap();
    assert!(paths.html.exists());
    assert_eq!(Report::load(&layout), Some(report()));
}
