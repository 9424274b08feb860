use super::*;

fn sh(script: &str) -> Call {
    Call::new("sh").arg("-c").arg(script)
}

#[test]
fn keeps_both_outputs_and_the_code() {
    let finished = ask(&sh("echo one; echo two >&2; exit 3"), Duration::from_secs(60)).unwrap();
    assert_eq!((finished.stdout, finished.stderr), (vec!["one".into()], vec!["two".into()]));
    assert_eq!(finished.code, Some(3));
}

#[test]
fn kills_what_does_not_end() {
    let error = ask(&sh("echo begun; exec sleep 600"), Duration::from_millis(200)).unwrap_err();
    assert!(error.to_string().contains("was killed"), "{error}");
}

#[test]
fn finds_the_announcement_or_says_why_not() {
    let mut running = Running::start(&sh("echo noise; echo endpoint tcp://x; cat"), Duration::from_secs(60)).unwrap();
    assert_eq!(running.announced("endpoint ").unwrap(), "tcp://x");
    let mut running = Running::start(&sh("echo no luck >&2"), Duration::from_secs(60)).unwrap();
    assert!(running.announced("endpoint ").unwrap_err().to_string().ends_with("no luck"));
}

#[test]
fn tells_a_program_something_until_it_ends() {
    let mut running = Running::start_to_tell(&sh("cat; echo end"), Duration::from_secs(60)).unwrap();
    running.tell("go").unwrap();
    assert_eq!(running.announced("g").unwrap(), "o");
    assert_eq!(running.finish().unwrap().stdout, ["go", "end"]);
}

#[test]
fn starts_a_program_through_another() {
    let finished = ask(&sh("echo \"$0 $1\"").arg("x").through(Call::new("env").arg("A=b")), Duration::from_secs(60));
    assert_eq!(finished.unwrap().stdout, ["x "]);
}

#[test]
fn a_failed_step_shows_the_end_of_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::create(folder.path().join("x.log")).unwrap();
    let step = crate::progress::Progress::silent().step("x");
    let error = log.run(&sh("seq 1 100; exit 1"), &step).unwrap_err().to_string();
    assert!(error.contains("  | 100\n") && error.contains("  | 41\n") && !error.contains("  | 40\n"), "{error}");
    assert!(error.contains("x.log"));
}

#[test]
fn prints_a_call_as_a_person_types_it() {
    assert_eq!(Call::new("cc").args(["-o", "a b", "it's"]).to_string(), "cc -o 'a b' 'it'\\''s'");
}
