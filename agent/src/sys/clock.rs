//! Two clocks: AWS counts in wall time, our own deadlines count on a clock that runs through suspend.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// One moment on both clocks. Pure code takes it as a parameter and never asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Seconds since 1970 UTC by this machine's clock; can jump.
    pub wall: i64,
    /// Time since boot, suspend included; never jumps.
    pub boot: Duration,
}

impl Now {
    /// Reads both clocks.
    pub fn read() -> Self {
        Self { wall: wall_seconds(), boot: since_boot() }
    }
}

fn wall_seconds() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn since_boot() -> Duration {
    from_timespec(rustix::time::clock_gettime(rustix::time::ClockId::Boottime))
}

/// macOS's monotonic clock counts suspend, other than the one behind Rust's `Instant`.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn since_boot() -> Duration {
    from_timespec(rustix::time::clock_gettime(rustix::time::ClockId::Monotonic))
}

fn from_timespec(time: rustix::time::Timespec) -> Duration {
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}
