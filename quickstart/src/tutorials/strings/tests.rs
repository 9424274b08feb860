use super::*;

const EXPECTED: &str = "ascii 13 equal\nempty 0 equal\n2 strings, all equal\n";

fn finished(lines: &[&str], code: i32) -> Finished {
    Finished { stdout: lines.iter().map(|line| (*line).to_owned()).collect(), stderr: Vec::new(), code: Some(code) }
}

/// Each case, and whether it passed.
fn verdicts(received: &[&str], sent: &str, codes: (i32, i32)) -> Vec<(String, bool)> {
    let (receiver, sender) = (finished(received, codes.0), finished(&[sent], codes.1));
    let exchange = Exchange { received: receiver.stdout.clone(), receiver, sender };
    let verdicts = judge(&expected_lines(EXPECTED, &[]), &exchange);
    verdicts.into_iter().map(|(case, wrong)| (case, wrong.is_none())).collect()
}

fn row(case: &str, passed: bool) -> (String, bool) {
    (case.to_owned(), passed)
}

#[test]
fn expects_the_extras_after_the_strings_of_the_tutorial() {
    let extras = [Extra::Text("é".into()), Extra::File("/some/file".into(), 70)];
    let lines = expected_lines(EXPECTED, &extras);
    assert_eq!(lines, ["ascii 13 equal", "empty 0 equal", "text 2 equal", "file 70 equal", "4 strings, all equal"]);
    assert_eq!(cases(&lines), ["ascii", "empty", "text", "file", "end"]);
    assert_eq!(expected_lines(EXPECTED, &[]).join("\n") + "\n", EXPECTED);
}

#[test]
fn passes_what_is_as_expected() {
    let lines = ["ascii 13 equal", "empty 0 equal", "2 strings, all equal"];
    let rows = verdicts(&lines, "2 strings sent", (0, 0));
    assert_eq!(rows, [row("ascii", true), row("empty", true), row("end", true)]);
}

#[test]
fn finds_the_string_that_changed() {
    let lines = ["ascii 13 equal", "empty 1 DIFFERENT", "2 strings, 1 DIFFERENT"];
    let rows = verdicts(&lines, "2 strings sent", (1, 0));
    assert_eq!(rows, [row("ascii", true), row("empty", false), row("end", false)]);
}

#[test]
fn finds_what_is_missing_too_much_or_ended_badly() {
    let good = ["ascii 13 equal", "empty 0 equal", "2 strings, all equal"];
    let last = |received: &[&str], sent, codes| verdicts(received, sent, codes).pop().unwrap();
    assert_eq!(last(&good[..1], "2 strings sent", (0, 0)), row("end", false));
    assert_eq!(last(&good, "2 strings sent", (0, 1)), row("end", false));
    assert_eq!(last(&good, "3 strings sent", (0, 0)), row("end", false));
    let more: Vec<&str> = good.into_iter().chain(["and more"]).collect();
    assert_eq!(last(&more, "2 strings sent", (0, 0)), row("end", false));
}

#[test]
fn refuses_files_that_cannot_be_read() {
    assert!(Extra::read(&[], &["/there/is/no/such/file".into()]).is_err());
    assert!(Extra::read(&[], &[std::env::temp_dir()]).is_err(), "a folder is no file");
}
