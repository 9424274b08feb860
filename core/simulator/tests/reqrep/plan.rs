//! What a town is like, and what happens to it.

use std::time::Duration;

use zpatterns_simulator::Faults;

/// How many there are, and what they do.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) clients: usize,
    pub(crate) workers: usize,
    /// Without a broker: clients know the workers.
    pub(crate) direct: bool,
    pub(crate) attempts: u8,
    pub(crate) credit: u32,
    pub(crate) faults: Faults,
    /// How many partial answers go before each reply, at most.
    pub(crate) partials: u32,
    /// Whether requests are taken back now and then.
    pub(crate) cancels: bool,
    /// Whether requests are stored, and how.
    pub(crate) stored: Stored,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stored {
    No,
    /// Each client waits for its answer.
    Asked,
    /// It leaves the request, comes back for the answer, and has it forgotten.
    Left,
}

impl Default for Plan {
    fn default() -> Self {
        let faults = Faults::default();
        let (partials, cancels, stored) = (0, false, Stored::No);
        Self { clients: 1, workers: 2, direct: false, attempts: 5, credit: 4, faults, partials, cancels, stored }
    }
}

impl Plan {
    pub(crate) fn random(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed ^ 0x7a70);
        let most = Duration::from_millis(random.u64(0..100));
        Self {
            clients: random.usize(1..4),
            workers: random.usize(1..5),
            direct: false,
            attempts: random.u8(1..6),
            credit: random.u32(1..8),
            faults: Faults {
                loss: random.f64() * 0.2,
                duplicate: random.f64() * 0.2,
                delay: (Duration::ZERO, most),
                reorder: random.bool(),
            },
            partials: random.u32(0..3),
            cancels: random.bool(),
            stored: Stored::No,
        }
    }
}
