//! Running a test for many seeds, and one again.

use std::{
    env,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

/// Runs `test` for each seed. If one fails, prints it and how to run it alone, and fails with it.
///
/// `ZPATTERNS_SEED=n` runs that seed only; `ZPATTERNS_SEEDS=n` runs n seeds from the start of the range.
#[allow(clippy::disallowed_methods)] // The environment names seeds for people; no machine sees it.
pub fn seeds(range: Range<u64>, test: impl Fn(u64)) {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().expect("a seed is a number"));
    let range = match (number("ZPATTERNS_SEED"), number("ZPATTERNS_SEEDS")) {
        (Some(one), _) => one..one + 1,
        (None, Some(count)) => range.start..range.start + count,
        (None, None) => range,
    };
    for seed in range {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| test(seed))) {
            let name = std::thread::current().name().unwrap_or("TEST").to_owned();
            eprintln!("seed {seed} failed; run it again with: ZPATTERNS_SEED={seed} cargo test {name}");
            resume_unwind(panic);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn a_failing_seed_stops_the_run_and_fails() {
        let last = AtomicU64::new(0);
        let failed = catch_unwind(AssertUnwindSafe(|| {
            seeds(0..10, |seed| {
                last.store(seed, Ordering::Relaxed);
                assert!(seed < 3, "as it should");
            });
        }));
        assert!(failed.is_err());
        assert_eq!(last.load(Ordering::Relaxed), 3);
    }
}
