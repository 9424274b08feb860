use super::*;
use crate::{language::Language, shell::Finished};

fn worker(language: Language, line: &str, code: Option<i32>) -> Played {
    let finished = Finished { stdout: vec![line.to_owned()], stderr: Vec::new(), code };
    let mut played = Played::ended(WORKER, language, finished);
    played.killed = true;
    played
}

#[test]
fn all_workers_are_judged_as_one() {
    let expected = by_printer("worker: works\nqueue: none was lost\n").expect("each line says who");
    let queue = || {
        let stdout = vec!["endpoint x".to_owned(), "none was lost".to_owned()];
        Played::ended("queue", Language::C, Finished { stdout, stderr: Vec::new(), code: Some(0) })
    };
    let good = worker(Language::C, "works", None);
    let verdicts = |second: Played| verdicts(&expected, &[queue()], &[worker(Language::Rust, "works", None), second]);
    assert!(verdicts(good).iter().all(|(_, wrong)| wrong.is_none()));
    for bad in [worker(Language::Node, "breaks", None), worker(Language::Node, "works", Some(1))] {
        let verdicts = verdicts(bad);
        assert_eq!(verdicts[0], ("queue".to_owned(), None));
        assert!(verdicts[1].1.as_ref().is_some_and(|wrong| wrong.starts_with("Node")), "{verdicts:?}");
    }
}
