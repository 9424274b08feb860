//! What the RFC says, line by line; and any bytes at all.

use proptest::prelude::*;

use super::{MAX_DEPTH, Section, parse};
use crate::ErrorKind;

/// What a text is read as, with a name, its value and its children in parentheses.
fn read(text: &str) -> String {
    show(&parse(text.as_bytes()).expect("ZPL"))
}

fn show(section: &Section) -> String {
    let mut text = section.name.clone();
    if let Some(value) = &section.value {
        text += &format!("={value}");
    }
    if !section.children.is_empty() {
        text += &format!("({})", section.children.iter().map(show).collect::<Vec<_>>().join(" "));
    }
    text
}

/// The kind of an error and the line that it names.
fn wrong(text: impl AsRef<[u8]>) -> (ErrorKind, usize) {
    let error = parse(text.as_ref()).expect_err("not ZPL");
    let [("line", line)] = error.context() else { panic!("no line: {error}") };
    (error.kind(), line.parse().expect("a number"))
}

#[test]
fn indentation_makes_the_hierarchy() {
    assert_eq!(read("a\n    b = 1\n        c\n    d = 2\ne = 3"), "(a(b=1(c) d=2) e=3)");
    assert_eq!(read("a\n    b\n        c\n            d\ne"), "(a(b(c(d))) e)");
    assert_eq!(read("a\n\n  # where a comment stands does not matter\n \t \n    b"), "(a(b))");
    assert_eq!(read(""), "");
    assert_eq!(read("\n#\n"), "");
}

#[test]
fn lines_end_in_three_ways_and_have_numbers() {
    let root = parse(b"a\r\n    b\r    c\n\r\n\rd").expect("ZPL");
    assert_eq!(show(&root), "(a(b c) d)");
    let at = |path: &[&str]| root.get(path).expect("it is there").line;
    assert_eq!([at(&["a"]), at(&["a", "b"]), at(&["a", "c"]), at(&["d"]), root.line], [1, 2, 3, 6, 0]);
}

#[test]
fn values_are_quoted_or_not() {
    for (text, value, is_doubtful) in [
        ("a", None, false),
        ("a # b", None, false),
        ("a#b", None, false),
        ("a =", None, false),
        ("a = # b", None, false),
        ("a = \"\"", Some(""), false),
        ("a=b", Some("b"), false),
        ("a \t=\t b c \t", Some("b c"), false),
        ("a = b = c", Some("b = c"), false),
        ("a = b # c", Some("b"), false),
        ("a = 'b # c' # d 'e'", Some("b # c"), false),
        ("a = \" b' \"# c", Some(" b' "), false),
        ("a = ' b\t'", Some(" b\t"), false),
        ("a = tcp://*:5555", Some("tcp://*:5555"), false),
        ("a = käse", Some("käse"), false),
        ("a = it's", Some("it's"), false),
        // As it stands.
        ("a = \"b", Some("\"b"), true),
        ("a = b'", Some("b'"), true),
        ("a = 'b\"", Some("'b\""), true),
        ("a = 'b' c", Some("'b' c"), true),
        ("a = 'b'c'", Some("'b'c'"), true),
        ("a = '#2", Some("'"), true),
        ("a = '", Some("'"), true),
        ("a = b#c", Some("b"), true),
    ] {
        let root = parse(text.as_bytes()).expect(text);
        let section = &root.children[0];
        assert_eq!((section.value.as_deref(), section.is_doubtful), (value, is_doubtful), "{text}");
    }
}

#[test]
fn names_are_of_certain_characters() {
    assert_eq!(read("aZ09$-_@.&+/ = 1"), "(aZ09$-_@.&+/=1)");
    for text in ["= 1", "ä = 1", "a b = 1", "a b", "a: 1", "\"a\" = 1", "a*", "\u{feff}a", "a\u{a0}= 1"] {
        assert_eq!(wrong(text), (ErrorKind::InvalidArgument, 1), "{text}");
    }
}

#[test]
fn errors_name_the_line() {
    for text in ["a\n  b", "a\n     b", "a\n        b", "a\n\tb", "a\n    \tb", "a\n    b = \u{7}", "a\r\nb\0"] {
        assert_eq!(wrong(text), (ErrorKind::InvalidArgument, 2), "{text:?}");
    }
    assert_eq!(wrong("    a"), (ErrorKind::InvalidArgument, 1));
    assert_eq!(wrong("a\n    b\nc\n        d"), (ErrorKind::InvalidArgument, 4));
    assert_eq!(wrong(b"a\nb = \xff\nc"), (ErrorKind::InvalidText, 2));
    assert_eq!(wrong(b"\xff"), (ErrorKind::InvalidText, 1));
}

#[test]
fn an_error_does_not_tell_a_value() {
    let error = parse(b"pass word = secret").expect_err("not a name");
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[test]
fn depth_is_bounded() {
    let deep =
        |levels: usize| (0..levels).map(|level| format!("{}a\n", " ".repeat(4 * level))).collect::<Vec<_>>().concat();
    assert_eq!(read(&deep(MAX_DEPTH)).matches('a').count(), MAX_DEPTH);
    assert_eq!(wrong(deep(MAX_DEPTH + 1)), (ErrorKind::InvalidArgument, MAX_DEPTH + 1));
}

#[test]
fn paths_lead_through_repeated_names() {
    let root = parse(b"a\n    b = 1\na\n    b = 2\n    c = 3\na = 4").expect("ZPL");
    assert_eq!([root.value(&["a", "b"]), root.value(&["a", "c"])], [Some("1"), Some("3")]);
    assert_eq!([root.value(&["a"]), root.value(&["c"]), root.value(&[])], [None; 3]);
    assert_eq!(root.named("a").map(|section| section.line).collect::<Vec<_>>(), [1, 3, 6]);
}

/// A tree that the language can say, and its text.
fn write(section: &Section, depth: usize, text: &mut String) {
    for child in &section.children {
        text.push_str(&" ".repeat(4 * depth));
        text.push_str(&child.name);
        if let Some(value) = &child.value {
            let quote = if value.contains('"') { '\'' } else { '"' };
            text.push_str(&format!(" = {quote}{value}{quote}"));
        }
        text.push('\n');
        write(child, depth + 1, text);
    }
}

fn without_lines(mut section: Section) -> Section {
    section.line = 0;
    section.children = section.children.into_iter().map(without_lines).collect();
    section
}

fn tree() -> impl Strategy<Value = Section> {
    let value = proptest::option::of(prop_oneof!["[ -!#-~ä]{0,8}", "[ -&(-~]{0,8}"]);
    let node = ("[a-cA-C0-9$_@.&+/-]{1,4}", value);
    let node = node.prop_map(|(name, value)| Section { name, value, ..Section::default() });
    let tree = node.clone().prop_recursive(6, 40, 5, move |inner| {
        (node.clone(), proptest::collection::vec(inner, 0..5)).prop_map(|(node, children)| Section { children, ..node })
    });
    proptest::collection::vec(tree, 0..5).prop_map(|children| Section { children, ..Section::default() })
}

/// Some lines.
const NEARLY: &str = "(( {0,9}| {4}| {8}|\t)[ab/]{0,2} ?(=|) ?['\"]?[ab#ä\t]{0,3}['\"]?(#|)(\n|\r|\r\n)){0,12}";

proptest! {
    #[test]
    fn what_is_written_is_read(tree in tree()) {
        let mut text = String::new();
        write(&tree, 0, &mut text);
        prop_assert_eq!(without_lines(parse(text.as_bytes()).expect("ZPL")), tree);
    }

    #[test]
    fn any_bytes_are_read_or_refused(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&text);
    }

    #[test]
    fn what_is_nearly_zpl_is_read_or_refused(text in NEARLY) {
        let lines = text.len();
        match parse(text.as_bytes()) {
            Ok(root) => prop_assert!(root.children.iter().all(|child| child.line >= 1 && child.line <= lines)),
            Err(error) => prop_assert_eq!(error.context().len(), 1),
        }
    }
}
