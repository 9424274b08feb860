use super::*;
use crate::shell::Finished;

fn played(who: &'static str, language: Language, line: &str) -> Played {
    Played::ended(who, language, Finished { stdout: vec![line.to_owned()], stderr: Vec::new(), code: Some(0) })
}

#[test]
fn a_language_is_judged_by_its_customers_and_the_publisher_by_its_own() {
    let expected = by_printer("publisher: said\ngold: all\nbasic: some\n").expect("each line says who");
    let all = [
        played("publisher", Language::Rust, "said"),
        played("gold", Language::Rust, "all"),
        played("basic", Language::Rust, "some"),
        played("gold", Language::C, "all"),
        played("basic", Language::C, "nothing"),
    ];
    let well = |who: &str| (who.to_owned(), None);
    let of = |language, is_publisher| verdicts(&expected, &all, is_publisher, language);
    assert_eq!(of(Language::Rust, true), ["publisher", "gold", "basic"].map(well));
    let [gold, (who, Some(why))] = &of(Language::C, false)[..] else { panic!("one of two heard nothing") };
    assert_eq!((gold, &**who), (&well("gold"), "basic"));
    assert!(why.starts_with("C: printed 'nothing' instead of 'some'"), "{why}");
}
