use super::*;

const EXPECTED: &str = "ask: hello\nworker: killed\nask: 2 asked\nbroker: none was lost\n";

fn played(who: &'static str, lines: &[&str], code: Option<i32>) -> Played {
    let stdout = lines.iter().map(|line| (*line).to_owned()).collect();
    let finished = Finished { stdout, stderr: Vec::new(), code };
    Played { killed: who == "worker", ..Played::ended(who, Language::C, finished) }
}

fn good() -> Vec<Played> {
    vec![
        played("broker", &["endpoint tcp://127.0.0.1:1", "none was lost"], Some(0)),
        played("worker", &["killed"], None),
        played("ask", &["hello", "2 asked"], Some(0)),
    ]
}

/// Who did something wrong, if the last part is played otherwise.
fn wrong_ones(otherwise: Played) -> Vec<String> {
    let mut played = good();
    played.retain(|it| it.who != otherwise.who);
    played.push(otherwise);
    let verdicts = judge(&by_printer(EXPECTED).unwrap(), &played);
    verdicts.into_iter().filter(|(_, wrong)| wrong.is_some()).map(|(who, _)| who).collect()
}

#[test]
fn reads_who_prints_what() {
    let expected = by_printer(EXPECTED).unwrap();
    assert_eq!(expected[0], ("ask".to_owned(), vec!["hello".to_owned(), "2 asked".to_owned()]));
    assert_eq!(expected.iter().map(|(who, _)| &**who).collect::<Vec<_>>(), ["ask", "worker", "broker"]);
    assert!(by_printer("hello\n").is_err(), "nobody prints it");
}

#[test]
fn passes_what_is_as_expected() {
    let rows = judge(&by_printer(EXPECTED).unwrap(), &good());
    assert_eq!(rows, ["ask", "worker", "broker"].map(|who| (who.to_owned(), None)));
}

#[test]
fn finds_who_printed_something_else_or_ended_badly() {
    assert_eq!(wrong_ones(played("ask", &["hello", "1 asked"], Some(0))), ["ask"]);
    assert_eq!(wrong_ones(played("ask", &["2 asked", "hello"], Some(0))), ["ask"], "in another order");
    assert_eq!(wrong_ones(played("ask", &["hello", "2 asked", "and more"], Some(0))), ["ask"]);
    assert_eq!(wrong_ones(played("broker", &["none was lost"], Some(1))), ["broker"]);
    assert_eq!(wrong_ones(played("broker", &["none was lost"], None)), ["broker"]);
    assert_eq!(wrong_ones(played("worker", &["killed"], Some(0))), ["worker"], "it was not killed");
    assert_eq!(wrong_ones(played("worker", &[], None)), ["worker"]);
}

#[test]
fn says_what_was_wrong_and_in_which_language() {
    let expected = by_printer(EXPECTED).unwrap();
    let verdicts = judge(&expected, &[played("ask", &[], Some(1))]);
    let notes: Vec<String> = verdicts.into_iter().filter_map(|(_, wrong)| wrong).collect();
    assert_eq!(notes[0], "C: printed nothing instead of 'hello', '2 asked'; exit code 1");
    assert_eq!(notes[1], "did not play");
}

#[test]
fn a_star_is_anything() {
    let fit = |expected: &str, printed: &str| assert!(fits(expected, printed), "{expected}: {printed}");
    fit("* files, * bytes", "12 files, 3 bytes");
    fit("*", "");
    fit("a*b*c", "abxbc");
    for (expected, printed) in [("* files", "12 file"), ("a*", "ba"), ("a*b*c", "ac"), ("a", "ab"), ("ab*b", "ab")] {
        assert!(!fits(expected, printed), "{expected}: {printed}");
    }
}
