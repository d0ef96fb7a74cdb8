//! Waiting for something to become true. The only place that sleeps, and never for longer than it takes to look again.

use std::time::{Duration, Instant};

/// Far longer than anything takes; reached only if the test fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(2);

/// Returns as soon as `condition` is true.
///
/// # Panics
/// If that takes longer than [`PATIENCE`].
pub fn until(what: &str, condition: impl FnMut() -> bool) {
    until_within(PATIENCE, what, condition);
}

/// [`until`] with another limit; gives the time it took.
///
/// # Panics
/// If it takes longer than `limit`.
pub fn until_within(limit: Duration, what: &str, mut condition: impl FnMut() -> bool) -> Duration {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < limit, "within {limit:?} this did not happen: {what}");
        std::thread::sleep(PAUSE);
    }
    started.elapsed()
}
