use super::*;
use crate::shell::{Call, Finished};

fn played(who: &'static str, language: Language, line: &str) -> Played {
    Played::ended(who, language, Finished { stdout: vec![line.to_owned()], stderr: Vec::new(), code: Some(0) })
}

fn expected() -> Vec<Script> {
    by_printer("sender: said\nlistener: heard\n").expect("each line says who")
}

#[test]
fn everybody_listens_to_everybody_else() {
    let call = Call::new("x");
    let players = |languages: &[Language]| -> Vec<Player<'_>> {
        languages.iter().map(|&language| Player { language, program: &call }).collect()
    };
    let heard = |languages: &[Language], sender| -> Vec<Language> {
        listeners(&players(languages), sender).iter().map(|player| player.language).collect()
    };
    for sender in Language::ALL {
        let others: Vec<Language> = Language::ALL.into_iter().filter(|&language| language != sender).collect();
        assert_eq!(heard(&Language::ALL, sender), others);
    }
    assert_eq!(heard(&[Language::C], Language::C), [Language::C], "who is alone listens to itself");
}

#[test]
fn a_language_is_judged_by_its_part() {
    let all = [
        played("sender", Language::Rust, "said"),
        played("listener", Language::C, "heard"),
        played("listener", Language::Node, "nothing"),
    ];
    let of = |language| verdicts(&expected(), &all, language);
    assert_eq!(of(Language::Rust), [("sender".to_owned(), None)]);
    assert_eq!(of(Language::C), [("listener".to_owned(), None)]);
    let [(who, Some(why))] = &of(Language::Node)[..] else { panic!("it heard nothing") };
    assert_eq!((&**who, why.starts_with("Node: printed 'nothing' instead of 'heard'")), ("listener", true), "{why}");
}

#[test]
fn who_is_alone_is_judged_twice() {
    let all = [played("sender", Language::C, "said"), played("listener", Language::C, "heard")];
    let verdicts = verdicts(&expected(), &all, Language::C);
    assert_eq!(verdicts, ["sender", "listener"].map(|who| (who.to_owned(), None)));
}
