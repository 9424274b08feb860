use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use proptest::{collection::vec, prelude::*};

use super::*;

fn pattern(text: &str) -> Criterion {
    Criterion::pattern(text.to_owned()).expect("a pattern")
}

fn prefix(text: &str) -> Criterion {
    Criterion::prefix(text.to_owned()).expect("a prefix")
}

impl Routes {
    fn found(&self, subject: &str) -> Vec<RouteId> {
        let mut found = Vec::new();
        self.matching(subject.as_bytes(), &mut |id| found.push(id));
        found
    }

    /// How many places a search asks for.
    fn asked(&self, subject: &str) -> usize {
        Search::new(self, subject.as_bytes(), &mut |_| {}).run()
    }

    fn places(&self) -> usize {
        self.places.size().0
    }

    /// Fails if anything is left of what was there.
    fn assert_empty(&self) {
        assert_eq!((self.len(), self.places.size(), self.crowds.len()), (0, (0, 0), 0));
        assert!(self.is_empty());
    }
}

#[test]
fn each_route_is_found_once_for_each_of_its_criteria() {
    let mut routes = Routes::new(1);
    let criteria = [
        pattern("ticks.eur.usd"),
        pattern("ticks.*.usd"),
        pattern("ticks.>"),
        prefix("ticks.e"),
        prefix("ticks."),
        prefix(""),
    ];
    for (id, criterion) in criteria.iter().enumerate() {
        assert!(routes.insert(criterion, id as RouteId));
        assert!(!routes.insert(criterion, id as RouteId));
        assert!(routes.insert(criterion, 9));
    }
    assert_eq!(routes.len(), 12);
    let sorted = |subject| {
        let mut found = routes.found(subject);
        found.sort();
        found
    };
    assert_eq!(sorted("ticks.eur.usd"), [0, 1, 2, 3, 4, 5, 9, 9, 9, 9, 9, 9]);
    assert_eq!(sorted("ticks.gbp.usd"), [1, 2, 4, 5, 9, 9, 9, 9]);
    assert_eq!(sorted("ticks"), [5, 9]);
    assert_eq!(sorted(""), [5, 9]);
    assert!(
        !routes.remove(&criteria[0], 1)
            && !routes.remove(&pattern("ticks.*"), 1)
            && !routes.remove(&prefix("ticks.>"), 2)
    );
    for (id, criterion) in criteria.iter().enumerate() {
        assert!(routes.remove(criterion, id as RouteId) && routes.remove(criterion, 9));
        assert!(!routes.remove(criterion, 9));
    }
    routes.assert_empty();
}

#[test]
fn a_crowd_asks_for_the_same() {
    const CROWD: RouteId = 100_000;
    let mut routes = Routes::new(1);
    let (all, mut random) = (prefix("news."), Rng::with_seed(1));
    let mut ids = (0..CROWD).collect::<Vec<_>>();
    random.shuffle(&mut ids);
    assert!(ids.iter().all(|id| routes.insert(&all, *id)));
    assert!(!routes.insert(&all, 7) && !routes.remove(&all, CROWD));
    assert_eq!(routes.found("news.at.noon"), (0..CROWD).collect::<Vec<_>>());
    random.shuffle(&mut ids);
    let stay = ids.split_off(CROWD as usize - 10);
    assert!(ids.iter().all(|id| routes.remove(&all, *id)));
    assert_eq!(routes.found("news.at.noon"), BTreeSet::from_iter(stay.clone()).into_iter().collect::<Vec<_>>());
    assert!(stay.iter().all(|id| routes.remove(&all, *id)));
    routes.assert_empty();
}

#[test]
fn a_million_come_and_go_and_nothing_is_left() {
    let mut routes = Routes::new(1);
    let criterion = |number: u32| match number % 4 {
        0 => pattern(&format!("plant.{}.sensor.{}", number / 1000, number)),
        1 => pattern(&format!("plant.*.sensor.{number}")),
        2 => pattern(&format!("plant.{}.>", number / 100)),
        _ => prefix(&format!("plant.{}.sensor.{:x}", number / 1000, u64::from(number) * 0x9e37_79b9)),
    };
    for number in 0..1_000_000 {
        assert!(routes.insert(&criterion(number), number));
        // A thousand are there at a time.
        assert!(number < 1000 || routes.remove(&criterion(number - 1000), number - 1000));
    }
    let (places, room) = routes.places.size();
    assert!(places < 4000 && room < 3 * places + 4096, "{places} places with room for {room}");
    assert!((999_000..1_000_000).all(|number| routes.remove(&criterion(number), number)));
    routes.assert_empty();
}

#[test]
fn the_order_does_not_depend_on_the_seed() {
    let found = |seed| {
        let (mut routes, mut random) = (Routes::new(seed), Rng::with_seed(1));
        for id in 0..2000 {
            let mut level = || ["a", "b", "c", "*"][random.usize(..4)];
            let text = format!("{}.{}.{}", level(), level(), level());
            let criterion = if text.contains('*') { pattern(&text) } else { prefix(&text[..id as usize % text.len()]) };
            routes.insert(&criterion, id);
        }
        ["a.a.a", "a.b.c", "c.b.a"].map(|subject| routes.found(subject))
    };
    assert_eq!(found(1), found(2));
}

/// Whoever knows a subject of many levels asks for it with every choice of `*`, but for the end.
#[test]
fn patterns_of_a_stranger_cost_no_more_than_a_look_at_each() {
    const LEVELS: usize = 31;
    let (mut routes, mut random) = (Routes::new(1), Rng::with_seed(1));
    let mut patterns = BTreeSet::new();
    for id in 0..5000 {
        let levels = (0..LEVELS).map(|_| if random.bool() { "*" } else { "a" });
        let text = levels.chain(["b"]).collect::<Vec<_>>().join(".");
        routes.insert(&pattern(&text), id);
        patterns.insert(text);
    }
    assert!(routes.places() <= patterns.len());
    let subject = ["a"; LEVELS + 1].join(".");
    let asked = routes.asked(&subject);
    assert!(asked <= 2 * patterns.len() + 1, "{asked} places asked for");
    assert!(routes.found(&subject).is_empty());
    // Fewer levels, and the bound is that of the subject.
    assert!(routes.asked("a.a.a.a") < 1 << 5);
}

/// Those who take away what was there before leave others with more places, one for each level.
#[test]
fn who_goes_leaves_no_more_places_than_the_levels_of_those_who_stay() {
    const LEVELS: usize = 32;
    let mut routes = Routes::new(1);
    let criteria = (1..=LEVELS).map(|count| pattern(&vec!["*"; count].join("."))).collect::<Vec<_>>();
    for (id, criterion) in criteria.iter().enumerate() {
        routes.insert(criterion, id as RouteId);
    }
    let subject = ["a"; LEVELS].join(".");
    assert_eq!(routes.found(&subject), [LEVELS as RouteId - 1]);
    for (id, criterion) in criteria[..LEVELS - 1].iter().enumerate() {
        assert!(routes.remove(criterion, id as RouteId));
    }
    assert!(routes.places() <= LEVELS && routes.asked(&subject) <= 2 * LEVELS);
    assert_eq!(routes.found(&subject), [LEVELS as RouteId - 1]);
    assert!(routes.remove(&criteria[LEVELS - 1], LEVELS as RouteId - 1));
    routes.assert_empty();
}

#[test]
fn prefixes_of_all_lengths_cost_a_question_per_byte() {
    let mut routes = Routes::new(1);
    let (ours, theirs) = ("a".repeat(255), "b".repeat(255));
    for length in 0..=255 {
        routes.insert(&prefix(&ours[..length]), length as RouteId);
        routes.insert(&prefix(&theirs[..length]), 1000 + length as RouteId);
    }
    assert!(routes.asked(&ours) <= 256 && routes.asked("c") <= 2);
    assert_eq!(routes.found(&ours).len(), 257);
    let dots = ".".repeat(255);
    for length in 0..=255 {
        routes.insert(&prefix(&dots[..length]), 2000 + length as RouteId);
    }
    assert!(routes.asked(&dots) <= 512);
    // The empty one is there three times.
    assert_eq!(routes.found(&dots).len(), 258);
}

/// Keys close together and far apart, beside a map that everybody knows.
#[test]
fn a_table_has_what_a_map_has() {
    let (mut table, mut random) = (Table::new(), Rng::with_seed(1));
    let mut map = BTreeMap::new();
    for round in 0..200_000_u32 {
        let key = match random.u8(..4) {
            0 => random.u64(1..200),
            1 => u64::MAX - random.u64(..200),
            2 => 7 << 56 | random.u64(..100) << 40,
            _ => random.u64(1..=1000).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        };
        assert_eq!(table.get(key).map(|place| place.levels), map.get(&key).copied());
        let grows = round / 20_000 % 2 == 0;
        if map.contains_key(&key) && (!grows || random.bool()) {
            map.remove(&key);
            table.remove(key);
        } else if !map.contains_key(&key) && (grows || random.u8(..4) == 0) {
            map.insert(key, round);
            table.insert(Place { levels: round, ..Place::new(key) });
        }
        assert_eq!(table.size().0, map.len());
    }
    assert!(map.iter().all(|(key, round)| table.known(*key).levels == *round));
    map.keys().for_each(|key| table.remove(*key));
    assert_eq!(table.size(), (0, 0));
}

/// Few words, so that much is shared; and prefixes that no subject begins with.
fn criterion() -> impl Strategy<Value = Criterion> {
    let pattern = "(a|b|ab|\\*)(\\.(a|b|abcdefghi|\\*)){0,3}(\\.>)?".prop_map(|text| pattern(&text));
    let prefix = prop_oneof!["[ab.]{0,5}", "(a|b)\\.abcdef[gx][hx]?[ix]?"].prop_map(|text| prefix(&text));
    prop_oneof![pattern, prefix]
}

#[derive(Clone, Debug)]
enum Step {
    Insert(Criterion, RouteId),
    Remove(Criterion, RouteId),
    /// One of those that are there.
    RemoveOne(usize),
    Match(String),
}

fn step() -> impl Strategy<Value = Step> {
    let id = 0..200_u32;
    prop_oneof![
        4 => (criterion(), id.clone()).prop_map(|(criterion, id)| Step::Insert(criterion, id)),
        1 => (criterion(), id).prop_map(|(criterion, id)| Step::Remove(criterion, id)),
        2 => any::<usize>().prop_map(Step::RemoveOne),
        2 => "(a|b|ab)(\\.(a|b|abcdefghi)){0,4}".prop_map(Step::Match),
        1 => "[ab.*>]{0,6}".prop_map(Step::Match),
    ]
}

proptest! {
    #[test]
    fn what_is_found_is_what_a_look_at_each_finds(steps in vec(step(), 0..200), seed in any::<u64>()) {
        let mut routes = Routes::new(seed);
        let mut all = BTreeSet::new();
        for step in steps {
            match step {
                Step::Insert(criterion, id) => {
                    prop_assert_eq!(routes.insert(&criterion, id), all.insert((criterion, id)));
                }
                Step::Remove(criterion, id) => {
                    prop_assert_eq!(routes.remove(&criterion, id), all.remove(&(criterion, id)));
                }
                Step::RemoveOne(index) => {
                    if let Some((criterion, id)) = all.iter().nth(index % all.len().max(1)).cloned() {
                        prop_assert!(routes.remove(&criterion, id));
                        all.remove(&(criterion, id));
                    }
                }
                Step::Match(subject) => {
                    let mut found = routes.found(&subject);
                    found.sort();
                    let wanted = all.iter().filter(|(criterion, _)| criterion.matches(subject.as_bytes()));
                    let mut wanted = wanted.map(|(_, id)| *id).collect::<Vec<_>>();
                    wanted.sort();
                    prop_assert_eq!(found, wanted, "{}", subject);
                }
            }
            prop_assert_eq!(routes.len(), all.len());
        }
        for (criterion, id) in all {
            prop_assert!(routes.remove(&criterion, id));
        }
        routes.assert_empty();
    }

    /// The same with more routes per criterion than lie in a row, to and fro.
    #[test]
    fn a_crowd_is_as_good_as_a_set(ids in vec((0..150_u32, any::<bool>()), 0..600)) {
        let (mut routes, mut set, all) = (Routes::new(1), BTreeSet::new(), pattern("a.*"));
        routes.insert(&pattern("*.b"), 1000);
        for (id, is_there) in ids {
            if is_there {
                prop_assert_eq!(routes.insert(&all, id), set.insert(id));
            } else {
                prop_assert_eq!(routes.remove(&all, id), set.remove(&id));
            }
            prop_assert!(routes.found("a.c").into_iter().eq(set.iter().copied()));
            prop_assert_eq!(routes.found("a.b").len(), set.len() + 1);
        }
    }
}
