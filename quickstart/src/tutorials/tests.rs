use super::*;

const EXPECTED: &str = "ascii 13 equal\nempty 0 equal\n2 strings, all equal\n";

fn finished(lines: &[&str], code: i32) -> Finished {
    Finished { stdout: lines.iter().map(|line| (*line).to_owned()).collect(), stderr: Vec::new(), code: Some(code) }
}

fn exchange(received: &[&str], sent: &str, codes: (i32, i32)) -> Result<Result<Exchange, String>, Absent> {
    let receiver = finished(received, codes.0);
    Ok(Ok(Exchange { received: receiver.stdout.clone(), receiver, sender: finished(&[sent], codes.1) }))
}

fn verdicts(outcome: Result<Result<Exchange, String>, Absent>) -> Vec<(String, String)> {
    let verdicts = judge(&expected_lines(EXPECTED, &[]), outcome);
    verdicts.into_iter().map(|(case, status, _)| (case, status)).collect()
}

fn row(case: &str, status: &str) -> (String, String) {
    (case.to_owned(), status.to_owned())
}

#[test]
fn expects_the_extras_after_the_strings_of_the_tutorial() {
    let extras = [Extra::Text("é".into()), Extra::File("/some/file".into(), 70)];
    let lines = expected_lines(EXPECTED, &extras);
    assert_eq!(lines, ["ascii 13 equal", "empty 0 equal", "text 2 equal", "file 70 equal", "4 strings, all equal"]);
    assert_eq!(expected_lines(EXPECTED, &[]).join("\n") + "\n", EXPECTED);
}

#[test]
fn passes_what_is_as_expected() {
    let lines = ["ascii 13 equal", "empty 0 equal", "2 strings, all equal"];
    let rows = verdicts(exchange(&lines, "2 strings sent", (0, 0)));
    assert_eq!(rows, [row("ascii", "ok"), row("empty", "ok"), row("end", "ok")]);
}

#[test]
fn finds_the_string_that_changed() {
    let lines = ["ascii 13 equal", "empty 1 DIFFERENT", "2 strings, 1 DIFFERENT"];
    let rows = verdicts(exchange(&lines, "2 strings sent", (1, 0)));
    assert_eq!(rows, [row("ascii", "ok"), row("empty", "failed"), row("end", "failed")]);
}

#[test]
fn finds_what_is_missing_too_much_or_ended_badly() {
    let good = ["ascii 13 equal", "empty 0 equal", "2 strings, all equal"];
    let last = |outcome| verdicts(outcome).pop().unwrap();
    assert_eq!(last(exchange(&good[..1], "2 strings sent", (0, 0))), row("end", "failed"));
    assert_eq!(last(exchange(&good, "2 strings sent", (0, 1))), row("end", "failed"));
    assert_eq!(last(exchange(&good, "3 strings sent", (0, 0))), row("end", "failed"));
    let more: Vec<&str> = good.into_iter().chain(["and more"]).collect();
    assert_eq!(last(exchange(&more, "2 strings sent", (0, 0))), row("end", "failed"));
}

#[test]
fn absent_languages_have_their_rows() {
    let rows = verdicts(Err(Absent::Missing("node".into())));
    assert_eq!(rows, [row("ascii", "missing"), row("empty", "missing"), row("end", "missing")]);
    let rows = verdicts(Ok(Err("cannot start".into())));
    assert!(rows.iter().all(|(_, status)| status == "failed"));
}

#[test]
fn refuses_files_that_cannot_be_read() {
    assert!(Extra::read(&[], &["/there/is/no/such/file".into()]).is_err());
    assert!(Extra::read(&[], &[std::env::temp_dir()]).is_err(), "a folder is no file");
}
