use bytes::Bytes;
use proptest::prelude::*;

use super::*;

fn pattern(text: &str) -> Criterion {
    Criterion::pattern(text.to_owned()).expect("a pattern")
}

fn prefix(text: &str) -> Criterion {
    Criterion::prefix(text.to_owned()).expect("a prefix")
}

/// As many levels of one byte.
fn deep(count: usize, level: &str) -> String {
    vec![level; count].join(".")
}

/// All texts of at most so many of these bytes.
fn texts(alphabet: &[u8], longest: usize) -> Vec<Vec<u8>> {
    let (mut all, mut last) = (vec![Vec::new()], vec![Vec::new()]);
    for _ in 0..longest {
        let longer = |text: &Vec<u8>| alphabet.iter().map(|byte| [&text[..], &[*byte]].concat()).collect::<Vec<_>>();
        last = last.iter().flat_map(longer).collect();
        all.extend(last.clone());
    }
    all
}

#[test]
fn a_subject_has_1_to_32_levels_of_visible_bytes() {
    let longest = "x".repeat(MAX_SUBJECT);
    for subject in ["a", "ticks.eur.usd", "größe.日本", "a-b_c:/?#", &deep(32, "a"), &longest] {
        check_subject(subject.as_bytes()).expect(subject);
    }
    let too_long = "x".repeat(MAX_SUBJECT + 1);
    let wrong = ["", ".", ".a", "a.", "a..b", "a b", "a\n", "a\0", "a\x7f", "*", "a.*", "a*", ">", "a.>", "a>b"];
    for subject in wrong.into_iter().chain([&deep(33, "a")[..], &too_long]) {
        let error = check_subject(subject.as_bytes()).expect_err(subject);
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}

#[test]
fn a_pattern_has_whole_levels_that_stand_for_others() {
    let longest = "x".repeat(MAX_SUBJECT);
    for text in ["a", "*", ">", "*.*", "a.>", "*.>", "a.*.c", &deep(32, "*"), &longest] {
        assert_eq!(pattern(text).text(), text);
    }
    let too_long = "x".repeat(MAX_SUBJECT + 1);
    let wrong = ["", ".", "a.", "a..b", "a b", "a\t", "a*", "*a", "**", ">>", "a>", ">.a", ">.>", "a.>.*", "*>"];
    for text in wrong.into_iter().chain([&deep(33, "*")[..], &too_long]) {
        let error = Criterion::pattern(text.to_owned()).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}

#[test]
fn a_prefix_is_any_255_bytes() {
    for text in [&b""[..], b"\0\xff", b"a..", b"*.>", &[b'.'; MAX_SUBJECT]] {
        assert_eq!(Criterion::prefix(text.to_owned()).expect("a prefix").text(), text);
    }
    let error = Criterion::prefix(vec![0; MAX_SUBJECT + 1]).expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn what_stands_for_what() {
    let cases: [(&str, &[&str], &[&str]); 6] = [
        ("a.b", &["a.b"], &["a", "a.bb", "a.b.c", "b.a"]),
        ("*", &["a", "b"], &["a.b"]),
        ("a.*.c", &["a.b.c", "a.c.c"], &["a.c", "a.b.b.c", "a.b.d"]),
        (">", &["a", "a.b.c"], &[]),
        ("a.>", &["a.b", "a.b.c"], &["a", "ab.c", "b.a"]),
        ("*.>", &["a.b", "a.b.c"], &["a"]),
    ];
    for (text, yes, no) in cases {
        for subject in yes {
            assert!(pattern(text).matches(subject.as_bytes()), "{text} stands for {subject}");
        }
        for subject in no {
            assert!(!pattern(text).matches(subject.as_bytes()), "{text} does not stand for {subject}");
        }
    }
    assert!(prefix("").matches(b"a") && prefix("a.b").matches(b"a.bc.d") && prefix("\0").matches(b"\0x"));
    assert!(!prefix("a.").matches(b"a") && !prefix("*").matches(b"a"));
}

/// With so few letters all there is can be looked at. Two criteria of four bytes are both met by a subject of eight, if
/// by any.
#[test]
fn two_overlap_exactly_when_some_subject_is_asked_for_by_both() {
    let mut subjects = texts(b"ab.", 8);
    subjects.retain(|subject| check_subject(subject).is_ok());
    let patterns = texts(b"ab.*>", 4).into_iter().filter_map(|text| Criterion::pattern(text).ok());
    let prefixes = texts(b"ab.", 4).into_iter().chain(texts(b"a.* ", 3));
    let criteria = patterns.chain(prefixes.map(|text| Criterion::prefix(text).expect("a prefix"))).collect::<Vec<_>>();
    let asked = |criterion: &Criterion| {
        let asked = |subjects: &[Vec<u8>]| {
            subjects.iter().fold(0_u64, |set, subject| set << 1 | u64::from(criterion.matches(subject)))
        };
        subjects.chunks(64).map(asked).collect::<Vec<_>>()
    };
    let sets = criteria.iter().map(asked).collect::<Vec<_>>();
    for (one, ones) in criteria.iter().zip(&sets) {
        for (other, others) in criteria.iter().zip(&sets) {
            let both = ones.iter().zip(others).any(|(one, other)| one & other != 0);
            assert_eq!(one.overlaps(other), both, "{one:?} and {other:?}");
        }
    }
}

#[test]
fn what_is_too_long_for_a_subject_overlaps_with_nothing() {
    let (long, stars) = ("x".repeat(253), deep(32, "*"));
    assert!(pattern("*.b").overlaps(&pattern(&format!("{long}.*"))));
    assert!(!pattern("*.bb").overlaps(&pattern(&format!("{long}.*"))));
    assert!(prefix(&format!("{long}.")).overlaps(&pattern("*.>")));
    assert!(!prefix(&format!("{long}x.")).overlaps(&pattern(">")));
    assert!(pattern(&stars).overlaps(&prefix(&deep(32, "a"))));
    assert!(!prefix(&deep(33, "a")).overlaps(&prefix("")));
    assert!(prefix("x").overlaps(&pattern(&stars)));
    assert!(!prefix(&"x".repeat(194)).overlaps(&pattern(&stars)));
    assert!(prefix(&"x".repeat(193)).overlaps(&pattern(&stars)));
}

const SUBJECT: &str = "(a|b|ab)(\\.(a|b|ab)){0,5}";

fn criterion() -> impl Strategy<Value = Criterion> {
    let pattern = "(a|b|ab|\\*)(\\.(a|b|ab|\\*)){0,4}(\\.>)?".prop_map(|text| pattern(&text));
    let prefix = "[ab.]{0,6}".prop_map(|text| prefix(&text));
    prop_oneof![pattern, prefix]
}

/// What the documentation says of a pattern, word by word.
fn is_asked_for(wanted: &[&[u8]], levels: &[&[u8]]) -> bool {
    match (wanted, levels) {
        ([REST], [_, ..]) => true,
        ([ONE, wanted @ ..], [_, levels @ ..]) => is_asked_for(wanted, levels),
        ([wanted, others @ ..], [level, levels @ ..]) => wanted == level && is_asked_for(others, levels),
        (wanted, levels) => wanted.is_empty() && levels.is_empty(),
    }
}

proptest! {
    #[test]
    fn a_pattern_stands_for_what_the_documentation_says(criterion in criterion(), subject in SUBJECT) {
        let subject = Bytes::from(subject);
        let expected = match &criterion {
            Criterion::Prefix(prefix) => subject.len() >= prefix.len() && subject[..prefix.len()] == prefix[..],
            Criterion::Pattern(pattern) => {
                is_asked_for(&levels(pattern).collect::<Vec<_>>(), &levels(&subject).collect::<Vec<_>>())
            }
        };
        prop_assert_eq!(criterion.matches(&subject), expected);
    }

    #[test]
    fn what_overlaps_with_a_subject_asks_for_it(one in criterion(), other in criterion(), subject in SUBJECT) {
        let name = pattern(&subject);
        prop_assert_eq!(one.overlaps(&name), one.matches(subject.as_bytes()));
        prop_assert_eq!(one.overlaps(&other), other.overlaps(&one));
        if one.matches(subject.as_bytes()) && other.matches(subject.as_bytes()) {
            prop_assert!(one.overlaps(&other));
        }
    }

    #[test]
    fn bytes_are_a_subject_when_the_documentation_says_so(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let levels = bytes.split(|byte| *byte == b'.');
        let is_plain = |byte: &u8| *byte > b' ' && !b"\x7f*>".contains(byte);
        let sound = levels.clone().all(|level| !level.is_empty() && level.iter().all(is_plain));
        let expected = sound && bytes.len() <= MAX_SUBJECT && levels.count() <= MAX_LEVELS;
        prop_assert_eq!(check_subject(&bytes).is_ok(), expected);
        if let Ok(criterion) = Criterion::prefix(bytes.clone()) {
            prop_assert!(criterion.matches(&bytes));
            prop_assert_eq!(criterion.overlaps(&pattern(">")), criterion.overlaps(&criterion));
        }
    }
}
