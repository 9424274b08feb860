use std::collections::BTreeMap;

use super::*;

#[test]
fn everybody_takes_over_and_is_the_broker_equally_often() {
    let languages = Language::ALL;
    let (mut successors, mut brokers) = (BTreeMap::new(), BTreeMap::new());
    for asker in languages {
        for worker in languages {
            let (successor, broker) = others(&languages, asker, worker);
            assert_ne!(languages[successor], worker);
            *successors.entry(successor).or_insert(0) += 1;
            *brokers.entry(broker).or_insert(0) += 1;
        }
    }
    assert!(successors.values().chain(brokers.values()).all(|&times| times == languages.len()));
}

#[test]
fn few_languages_are_enough() {
    assert_eq!(others(&[Language::C], Language::C, Language::C), (0, 0));
    let two = [Language::Rust, Language::Node];
    for asker in two {
        assert_eq!(others(&two, asker, Language::Rust).0, 1);
        assert_eq!(others(&two, asker, Language::Node).0, 0);
    }
}
