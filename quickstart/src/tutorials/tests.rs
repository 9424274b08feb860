use super::*;

fn cases() -> Vec<String> {
    vec!["first".into(), "second".into()]
}

#[test]
fn tells_what_passed_and_what_did_not() {
    let rows = verdicts(&cases(), Ok(Ok(vec![("first".into(), None), ("second".into(), Some("late".into()))])));
    assert_eq!(rows, [("first".into(), "ok", None), ("second".into(), "failed", Some("late".into()))]);
}

#[test]
fn absent_languages_have_their_rows() {
    let rows = verdicts(&cases(), Err(Absent::Missing("node".into())));
    assert_eq!(rows, cases().into_iter().map(|case| (case, "missing", Some("node".into()))).collect::<Vec<_>>());
    let rows = verdicts(&cases(), Ok(Err("cannot start".into())));
    assert!(rows.iter().all(|(_, status, note)| *status == "failed" && note.as_deref() == Some("cannot start")));
}

#[test]
fn every_tutorial_has_its_programs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the repository");
    for tutorial in &Tutorial::ALL {
        for extension in ["rs", "c", "py", "mjs"] {
            let source = root.join(tutorial.source(extension));
            assert!(source.is_file(), "{} is not there", source.display());
        }
    }
}
