//! Every target, with bytes by chance.
//!
//! `ZPATTERNS_FRAMES=1000000 cargo test --release -p zpatterns-fuzz -- --nocapture` lets a million frames of strangers into
//! each, and tells how much memory was in use at most. `ZPATTERNS_SECONDS=60` goes on for so long, besides. `ZPATTERNS_SEED`
//! begins with another seed than 0, and `ZPATTERNS_TARGETS=bus,packets` chooses.

mod memory;

use std::{
    env,
    time::{Duration, Instant},
};

use memory::{Counting, in_use, most_in_use};
use zpatterns_fuzz::{TARGETS, Target};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Decisions of one life of a machine.
const LIFE: usize = 4 << 20;
/// More memory than this no life needs, however long it is: what the options of its machines allow, and room to work.
const MOST: isize = 64 << 20;

fn number(name: &str, usual: u64) -> u64 {
    env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Runs lives of a target until it has met so many frames of strangers.
fn run(name: &str, target: Target) {
    let (wanted, mut seed) = (number("ZPATTERNS_FRAMES", 20_000), number("ZPATTERNS_SEED", 0));
    let span = Duration::from_secs(number("ZPATTERNS_SECONDS", 0));
    let (started, mut met, mut most) = (Instant::now(), 0, 0);
    // A frame is decided by about 40 bytes.
    let mut data = vec![0; LIFE.min(wanted as usize * 40)];
    while met < wanted || started.elapsed() < span {
        fastrand::Rng::with_seed(seed).fill(&mut data);
        println!("{name}: ZPATTERNS_SEED={seed}");
        let before = in_use();
        met += target(&data);
        most = most.max(most_in_use() - before);
        assert!(most < MOST, "{name} needed {most} bytes");
        assert_eq!(in_use(), before, "{name} leaves something behind");
        seed += 1;
    }
    println!("{name}: {met} frames in {:?}, at most {} KiB in use", started.elapsed(), most >> 10);
}

/// The tables of parity, which a process makes once, are nothing that a life leaves behind.
fn make_tables() {
    let parity = reed_solomon_simd::encode(2, 2, [[1_u8; 2], [2; 2]]).expect("two shards of two bytes");
    reed_solomon_simd::decode(2, 2, [(0, [1_u8; 2])], [(0, &parity[0])]).expect("one of each is enough");
}

/// One target after the other, because what a thread has in use is counted.
#[test]
fn whatever_strangers_send_promises_are_kept() {
    make_tables();
    let chosen = env::var("ZPATTERNS_TARGETS").ok();
    let is_chosen = |name: &str| chosen.as_ref().is_none_or(|chosen| chosen.split(',').any(|one| one == name));
    for (name, target) in TARGETS.iter().filter(|(name, _)| is_chosen(name)) {
        run(name, *target);
    }
}
