//! Rules against what they mean, subject by subject; and files.

use bytes::Bytes;
use proptest::prelude::*;

use super::{Credential, Entitlements, MAX_RULES, MAX_SECRET, Rules};
use crate::{
    ErrorKind, Result,
    pubsub::{Criterion, check_subject},
};

/// Public keys that libzmq's manual has for examples.
const KEY: &str = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
const OTHER_KEY: &str = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";

fn pattern(text: &str) -> Criterion {
    Criterion::pattern(text.to_owned()).expect("a pattern")
}

fn prefix(text: &str) -> Criterion {
    Criterion::prefix(text.to_owned()).expect("a prefix")
}

fn password(user: &'static str, password: &'static str) -> Credential {
    Credential::Password {
        user: Bytes::from_static(user.as_bytes()),
        password: Bytes::from_static(password.as_bytes()),
    }
}

fn token(token: &'static str) -> Credential {
    Credential::Token(Bytes::from_static(token.as_bytes()))
}

/// Whether a subject is meant, by the definition of a pattern: level by level, from the front.
fn means(criterion: &Criterion, subject: &str) -> bool {
    fn stands_for(pattern: &[&str], subject: &[&str]) -> bool {
        match (pattern, subject) {
            ([], []) => true,
            ([">"], [_, ..]) => true,
            (["*", pattern @ ..], [_, subject @ ..]) => stands_for(pattern, subject),
            ([wanted, pattern @ ..], [level, subject @ ..]) => wanted == level && stands_for(pattern, subject),
            _ => false,
        }
    }
    let text = str::from_utf8(criterion.text()).expect("text");
    match criterion {
        Criterion::Prefix(_) => subject.starts_with(text),
        Criterion::Pattern(_) => {
            stands_for(&text.split('.').collect::<Vec<_>>(), &subject.split('.').collect::<Vec<_>>())
        }
    }
}

/// Words of some of these, joined, with so many at most.
fn words(of: &[&str], between: &str, most: usize) -> Vec<String> {
    let mut all: Vec<String> = of.iter().map(|word| (*word).to_owned()).collect();
    let mut last = all.clone();
    for _ in 1..most {
        last = last.iter().flat_map(|text| of.iter().map(move |word| format!("{text}{between}{word}"))).collect();
        all.extend_from_slice(&last);
    }
    all
}

/// Every pattern of few levels, and every prefix of few bytes.
fn criteria() -> Vec<Criterion> {
    let patterns = words(&["a", "ab", "*", ">"], ".", 3);
    let patterns = patterns.into_iter().filter_map(|text| Criterion::pattern(text).ok());
    let prefixes = words(&["a", "b", "."], "", 4);
    patterns.chain([prefix("")]).chain(prefixes.iter().map(|text| prefix(text))).collect()
}

/// Every subject that could make a difference between those.
fn subjects() -> Vec<String> {
    words(&["a", "ab", "abb", "aba", "b", "c"], ".", 4)
}

#[test]
fn covering_and_overlapping_are_what_the_subjects_say() {
    let (criteria, subjects) = (criteria(), subjects());
    let asked = |criterion: &Criterion| -> Vec<bool> {
        subjects.iter().map(|subject| criterion.matches(subject.as_bytes())).collect()
    };
    let asked: Vec<_> = criteria.iter().map(asked).collect();
    let mut covered = 0;
    for (one, of_one) in criteria.iter().zip(&asked) {
        for (other, of_other) in criteria.iter().zip(&asked) {
            let (covers, overlaps) = (one.covers(other), one.overlaps(other));
            // Prefixes of no subject may overlap with each other, and are covered by what has the same bytes.
            let is_of_some = of_one.contains(&true) && of_other.contains(&true);
            let covers_all = of_one.iter().zip(of_other).all(|(one, other)| *one || !*other);
            let have_common = of_one.iter().zip(of_other).any(|(one, other)| *one && *other);
            assert!(covers_all || !covers, "{one:?} does not cover {other:?}");
            assert!(overlaps || !have_common, "{one:?} overlaps {other:?}");
            if is_of_some {
                assert_eq!((covers, overlaps), (covers_all, have_common), "{one:?}, {other:?}");
                covered += usize::from(covers);
            }
        }
    }
    assert!(covered > criteria.len(), "nothing covers but itself");
}

#[test]
fn deny_wins_and_nothing_is_allowed_by_itself() {
    assert!(!Rules::default().may(b"a") && !Rules::default().may_some(&prefix("")));
    assert!(Rules::everything().may(b"") && Rules::everything().may(b"\0\xff") && Rules::everything().may(b"a.b"));
    assert!(Rules::everything().may_some(&pattern("a.*")) && Rules::everything().may_some(&prefix("")));
    let rules = Rules { allow: vec![pattern("a.>"), prefix("b")], deny: vec![pattern("a.*.c"), pattern("a.d.>")] };
    assert_eq!(["a.b", "bb", "a.b.d"].map(|subject| rules.may(subject.as_bytes())), [true; 3]);
    assert_eq!(["a", "c", "a.b.c", "a.d.e"].map(|subject| rules.may(subject.as_bytes())), [false; 4]);
    for (criterion, may) in [
        (pattern(">"), true),
        (pattern("*"), true),
        (prefix(""), true),
        (pattern("a.*"), true),
        (pattern("a.*.>"), true),
        (pattern("c.>"), false),
        (prefix("c"), false),
        (pattern("a.d.e"), false),
        (pattern("a.d.>"), false),
        (prefix("a.d."), false),
        // `a.d` may be heard, and `a.de`.
        (prefix("a.d"), true),
        (pattern("a.b.c"), false),
    ] {
        assert_eq!(rules.may_some(&criterion), may, "{criterion:?}");
    }
    // Two rules together deny what each denies in part.
    let rules = Rules { allow: vec![pattern(">")], deny: vec![pattern("*"), pattern("*.>")] };
    assert!(rules.may_some(&pattern(">")) && !rules.may(b"a") && !rules.may(b"a.b"));
    let rules = Rules { allow: vec![pattern("*")], deny: vec![prefix("a"), prefix("b")] };
    assert!(!rules.may_some(&prefix("a")) && rules.may_some(&pattern(">")));
}

fn any_criterion() -> impl Strategy<Value = Criterion> {
    prop_oneof![
        "(a|b|ab|\\*)(\\.(a|b|ab|\\*)){0,3}(\\.>)?".prop_map(|text| pattern(&text)),
        "[ab.]{0,4}".prop_map(|text| prefix(&text)),
    ]
}

fn any_rules() -> impl Strategy<Value = Rules> {
    let some = || proptest::collection::vec(any_criterion(), 0..5);
    (some(), some()).prop_map(|(allow, deny)| Rules { allow, deny })
}

proptest! {
    #[test]
    fn may_is_what_the_rules_mean(rules in any_rules(), subject in "(a|b|ab|c)(\\.(a|b|ab|c)){0,4}") {
        let some = |rules: &[Criterion]| rules.iter().any(|rule| means(rule, &subject));
        prop_assert_eq!(rules.may(subject.as_bytes()), some(&rules.allow) && !some(&rules.deny));
    }

    #[test]
    fn a_subscription_to_what_may_be_heard_is_admitted(
        rules in any_rules(), criterion in any_criterion(), subject in "(a|b|ab)(\\.(a|b|ab)){0,4}",
    ) {
        if criterion.matches(subject.as_bytes()) && rules.may(subject.as_bytes()) {
            prop_assert!(rules.may_some(&criterion));
        }
    }

    #[test]
    fn what_covers_matches_any_bytes(one in any_criterion(), other in any_criterion(), bytes in "[ab.*>\0]{0,8}") {
        if one.covers(&other) && other.matches(bytes.as_bytes()) {
            prop_assert!(one.matches(bytes.as_bytes()));
        }
    }

    #[test]
    fn rules_of_many_are_the_rules_together(
        own in any_rules(), group in any_rules(), everyone in any_rules(), subject in "(a|b|ab)(\\.(a|b|ab)){0,3}",
    ) {
        let mut all = Entitlements::default();
        all.set_everyone(everyone.clone())?;
        all.add_group("group", group.clone())?;
        all.add_user("user", own.clone())?;
        all.join(b"user", b"group")?;
        let some = |of: fn(&Rules) -> &Vec<Criterion>| {
            [&own, &group, &everyone].iter().any(|rules| of(rules).iter().any(|rule| means(rule, &subject)))
        };
        let may = some(|rules| &rules.allow) && !some(|rules| &rules.deny);
        prop_assert_eq!(all.rules(b"user").may(subject.as_bytes()), may);
        prop_assert_eq!(all.rules(b"another"), Rules::default());
    }

    #[test]
    fn any_text_is_read_or_refused(text in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = Entitlements::read(&text);
    }

    #[test]
    fn what_is_nearly_a_file_is_read_or_refused(lines in proptest::collection::vec((0..3usize, WORDS, VALUES), 0..12)) {
        let line = |(depth, name, value)| format!("{}{name}{value}\n", " ".repeat(4 * depth));
        let text: String = lines.into_iter().map(line).collect();
        if let Err(error) = Entitlements::read(text.as_bytes()) {
            prop_assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            prop_assert!(error.context().iter().any(|(name, _)| *name == "line"), "{}", error);
        }
    }
}

const WORDS: &str = "everyone|anonymous|user|group|alice|bob|allow|deny|allow-prefix|password|token|key|x";
const VALUES: &str = "()|()|( = a)|( = a\\.>)|( = \"\")|( = alice)|( = \">.>\")|( = 'a)";

/// All that a file may have.
const FILE: &str = r#"
#   who may hear what
everyone
    allow = news.>
    deny = news.internal.>
user
    alice
        password = "secret"
        key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"   # the laptop
        key = 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7'
        group = traders
        group = staff
    bob
        token = "abc"
        token = abd
        allow = ticks.eur.*
        allow-prefix = legacy
        deny = ticks.eur.chf
group
    traders
        allow = ticks.>
group
    staff
        deny-prefix = "ticks.#"
user
    carol
"#;

fn file() -> Entitlements {
    Entitlements::read(FILE.as_bytes()).expect("a file")
}

fn who(entitlements: &Entitlements, connection: &str, credential: &Credential) -> Option<String> {
    match entitlements.identify(connection.as_bytes(), credential) {
        Ok(user) => Some(String::from_utf8(user.to_vec()).expect("text")),
        Err(error) => {
            let text = "PermissionDenied: there is no such user, or its credential is another";
            assert_eq!(error.to_string(), text);
            None
        }
    }
}

#[test]
fn a_file_says_what_calls_say() -> Result<()> {
    let mut all = Entitlements::default();
    all.set_everyone(Rules { allow: vec![pattern("news.>")], deny: vec![pattern("news.internal.>")] })?;
    all.add_group("traders", Rules { allow: vec![pattern("ticks.>")], deny: vec![] })?;
    all.add_group("staff", Rules { allow: vec![], deny: vec![prefix("ticks.#")] })?;
    all.add_user("alice", Rules::default())?;
    all.set_password(b"alice", "wrong")?;
    all.set_password(b"alice", "secret")?;
    all.add_key(b"alice", KEY)?;
    all.add_key(b"alice", OTHER_KEY)?;
    all.join(b"alice", b"traders")?;
    all.join(b"alice", b"staff")?;
    let allow = vec![pattern("ticks.eur.*"), prefix("legacy")];
    all.add_user("bob", Rules { allow, deny: vec![pattern("ticks.eur.chf")] })?;
    all.add_token(b"bob", "abc")?;
    all.add_token(b"bob", "abd")?;
    all.add_user("carol", Rules::default())?;
    assert!(all == file());
    assert_eq!(Entitlements::read(b"")?, Entitlements::default());
    Ok(())
}

#[test]
fn users_have_the_rules_of_their_groups_and_of_everyone() {
    let all = file();
    for (user, subject, may) in [
        ("alice", "news.today", true),
        ("alice", "news.internal.today", false),
        ("alice", "ticks.usd.jpy", true),
        ("alice", "ticks.#1", false),
        ("alice", "legacy1", false),
        ("bob", "news.today", true),
        ("bob", "ticks.eur.usd", true),
        ("bob", "ticks.eur.chf", false),
        ("bob", "ticks.usd.jpy", false),
        ("bob", "legacy1", true),
        ("carol", "news.today", true),
        ("carol", "ticks.eur.usd", false),
        ("dave", "news.today", false),
        ("", "news.today", false),
    ] {
        check_subject(subject.as_bytes()).expect("a subject");
        assert_eq!(all.rules(user.as_bytes()).may(subject.as_bytes()), may, "{user} {subject}");
    }
}

#[test]
fn what_the_connection_says_comes_first() {
    let all = file();
    for (connection, credential, user) in [
        ("", password("alice", "secret"), Some("alice")),
        ("", password("alice", "secreT"), None),
        ("", password("alice", "secret!"), None),
        ("", password("alice", ""), None),
        ("", password("bob", "abc"), None),
        ("", password("bob", ""), None),
        ("", password("bob", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), None),
        ("", password("dave", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), None),
        ("", password("", ""), None),
        ("", token("abc"), Some("bob")),
        ("", token("abd"), Some("bob")),
        ("", token("ab"), None),
        ("", token("abcd"), None),
        ("", token(""), None),
        ("", token("secret"), None),
        ("", Credential::None, None),
        (KEY, Credential::None, Some("alice")),
        (OTHER_KEY, token("abc"), Some("alice")),
        ("carol", Credential::None, Some("carol")),
        ("carol", password("alice", "wrong"), Some("carol")),
        ("dave", Credential::None, None),
        ("dave", token("abc"), Some("bob")),
    ] {
        assert_eq!(who(&all, connection, &credential).as_deref(), user, "{connection} {credential:?}");
    }
    assert_eq!(who(&all, "", &Credential::Token(vec![b'a'; 1_000_000].into())), None);
}

#[test]
fn who_presents_nothing_is_anonymous_where_a_file_says_so() {
    let all = Entitlements::read(
        b"group\n    a\n        allow = a\nanonymous\n    allow = b\n    group = a\neveryone\n    allow = c",
    );
    let all = all.expect("a file");
    assert_eq!(who(&all, "", &Credential::None).as_deref(), Some(""));
    assert_eq!(who(&all, "dave", &Credential::None).as_deref(), Some(""));
    let nobody = [password("", ""), password("anonymous", ""), token(""), token("x"), password("dave", "x")];
    assert_eq!(nobody.map(|credential| who(&all, "", &credential)), [None, None, None, None, None]);
    assert_eq!(["a", "b", "c", "d"].map(|subject| all.rules(b"").may(subject.as_bytes())), [true, true, true, false]);
    assert!(Entitlements::read(b"anonymous").is_ok_and(|all| all.identify(b"", &Credential::None).is_ok()));
}

#[test]
fn a_mistake_is_named_with_its_line() {
    for (text, line) in [
        ("x", 1),
        ("everyone\n    x = 1", 2),
        ("everyone\n    password = x", 2),
        ("everyone\n    group = x", 2),
        ("everyone = yes", 1),
        ("everyone\neveryone", 2),
        ("anonymous\n\nanonymous", 3),
        ("anonymous\n    password = x", 2),
        ("anonymous\n    token = x", 2),
        ("anonymous\n    key = \"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\"", 2),
        ("anonymous = yes", 1),
        ("user = alice", 1),
        ("user\n    alice = x", 2),
        ("user\n    alice\n    bob\nuser\n    alice", 5),
        ("user\n    alice\n        x = y", 3),
        ("user\n    alice\n        everyone", 3),
        ("user\n    alice\n        group = traders", 3),
        ("user\n    alice\n        password", 3),
        ("user\n    alice\n        password =", 3),
        ("user\n    alice\n        password = \"\"", 3),
        ("user\n    alice\n        password = \"x", 3),
        ("user\n    alice\n        password = x#y", 3),
        ("user\n    alice\n        password = x\n        password = y", 4),
        ("user\n    alice\n        password = x\n            y = z", 3),
        ("user\n    alice\n        token = x\n        token = x", 4),
        ("user\n    alice\n        token = x\n    bob\n        token = x", 5),
        ("user\n    alice\n        key = x", 3),
        ("user\n    alice\n        key = \"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hI'\"", 3),
        ("user\n    alice\n        key = \"#####rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H\"", 3),
        ("user\n    rq\n        allow = a..b", 3),
        ("user\n    rq\n        allow =", 3),
        ("user\n    rq\n        allow-prefix =", 3),
        ("user\n    rq\n        allow = a.\"b\"", 3),
        ("user\n    rq\n        deny = \"a.b", 3),
        ("user\n    rq\n        deny = a#1", 3),
        ("user\n    rq\n        deny = >.a", 3),
        ("group = x", 1),
        ("group\n    x\n        group = x", 3),
        ("group\n    x\n        password = x", 3),
        ("group\n    x\n    x", 3),
        ("group\n   x", 2),
    ] {
        let error = Entitlements::read(text.as_bytes()).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{text}");
        assert!(error.context().contains(&("line", line.to_string())), "{text}: {error}");
    }
    let long = format!("user\n    a\n        allow-prefix = {}", "a".repeat(256));
    assert!(Entitlements::read(long.as_bytes()).is_err_and(|error| error.to_string().contains("line 3")));
    let many = format!("everyone\n{}", "    allow = a\n".repeat(MAX_RULES));
    assert!(Entitlements::read(many.as_bytes()).is_ok());
    let more = Entitlements::read(format!("{many}    allow = a\n").as_bytes());
    assert!(more.is_err_and(|error| error.to_string().contains("line 1")));
}

#[test]
fn nobody_is_somebody_else() -> Result<()> {
    let mut all = file();
    let before = all.clone();
    let name = |length| Bytes::from(vec![b'x'; length]);
    let wrong = [
        all.add_user("alice", Rules::default()),
        all.add_user("", Rules::default()),
        all.add_user(name(256), Rules::default()),
        // What a connection with Alice's key says.
        all.add_user(KEY, Rules::default()),
        all.add_group("staff", Rules::default()),
        all.add_group("", Rules::default()),
        all.set_password(b"dave", "x"),
        all.set_password(b"alice", name(MAX_SECRET + 1)),
        all.set_password(b"", "x"),
        all.add_token(b"carol", "abc"),
        all.add_token(b"dave", "x"),
        all.add_token(b"carol", ""),
        all.add_key(b"carol", KEY),
        all.add_key(b"carol", &KEY.as_bytes()[1..]),
        all.join(b"carol", b"nobody"),
        all.join(b"dave", b"staff"),
    ];
    for (index, result) in wrong.into_iter().enumerate() {
        assert_eq!(result.expect_err("refused").kind(), ErrorKind::InvalidArgument, "{index}");
    }
    assert!(all == before);
    // Letters make a key as well.
    let letters = "a".repeat(40);
    all.add_user(letters.clone(), Rules::default())?;
    assert!(all.add_key(b"carol", letters).is_err());
    all.add_user(name(255), Rules::default())
}

#[test]
fn secrets_are_not_printed() {
    let (all, user) = (file(), password("alice", "secret"));
    assert_eq!(format!("{all:?}"), "Entitlements { users: 3, tokens: 2, keys: 2, groups: 2, .. }");
    assert_eq!(format!("{user:?}"), "Password { user: b\"alice\", .. }");
    assert_eq!([format!("{:?}", token("abc")), format!("{:?}", Credential::None)], ["Token(..)", "None"]);
    for text in [
        "user\n    a\n        token = secret\n    b\n        token = secret",
        "user\n    a\n        key = secret",
        "user\n    a\n        password = \"secret",
        "user\n    a\n        password = secret\n        password = secret",
        "user\n    a\n        passwort = secret",
    ] {
        let error = Entitlements::read(text.as_bytes()).expect_err(text).to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}
