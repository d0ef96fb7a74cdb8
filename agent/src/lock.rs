//! Whether the agent may serve, and for how long it may remember. Pure: time since boot is a parameter.

use std::time::Duration;

/// First delay after a wrong passphrase; doubles with each further one.
const FIRST_PENALTY: Duration = Duration::from_millis(250);

/// Longest delay after a wrong passphrase: as OpenSSH's agent, long enough to make guessing pointless and
/// short enough for a person who forgot which passphrase it was.
const LONGEST_PENALTY: Duration = Duration::from_secs(10);

/// How long things may be remembered; `None` means for the agent's life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lifetimes {
    /// Since the first secret came in (`-t`).
    pub total: Option<Duration>,
    /// Since a secret was last used (`--idle`).
    pub idle: Option<Duration>,
}

/// Whether the agent may serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing secret is held. The next use opens the store.
    Empty,
    /// Something secret is held.
    Holding { since: Duration, last_used: Duration },
    /// A person locked it; only a person opens it.
    Locked,
}

/// The lock with its clock.
#[derive(Debug)]
pub struct Lock {
    state: State,
    lifetimes: Lifetimes,
    wrong_passphrases: u32,
}

impl Lock {
    /// Unlocked, holding nothing.
    pub fn new(lifetimes: Lifetimes) -> Self {
        Self { state: State::Empty, lifetimes, wrong_passphrases: 0 }
    }

    /// Whether a person locked it.
    pub fn is_locked(&self) -> bool {
        self.state == State::Locked
    }

    /// A person locks it.
    pub fn lock(&mut self) {
        self.state = State::Locked;
    }

    /// A person opened it.
    pub fn unlock(&mut self) {
        if self.is_locked() {
            self.state = State::Empty;
        }
    }

    /// A secret came in or was used. Whether it is the first since nothing was held: then there may be a
    /// deadline where there was none.
    pub fn touch(&mut self, boot: Duration) -> bool {
        let was_empty = self.state == State::Empty;
        self.state = match self.state {
            State::Locked => State::Locked,
            State::Empty => State::Holding { since: boot, last_used: boot },
            State::Holding { since, .. } => State::Holding { since, last_used: boot },
        };
        was_empty
    }

    /// When everything must be forgotten; `None` when there is no such moment.
    pub fn deadline(&self) -> Option<Duration> {
        let State::Holding { since, last_used } = self.state else { return None };
        let total = self.lifetimes.total.map(|life| since.saturating_add(life));
        let idle = self.lifetimes.idle.map(|life| last_used.saturating_add(life));
        match (total, idle) {
            (Some(total), Some(idle)) => Some(total.min(idle)),
            (either, None) | (None, either) => either,
        }
    }

    /// Whether the deadline has passed. If so the caller must forget everything; the lock is empty now.
    pub fn lapse(&mut self, boot: Duration) -> bool {
        let lapsed = self.deadline().is_some_and(|deadline| boot >= deadline);
        if lapsed {
            self.state = State::Empty;
        }
        lapsed
    }

    /// Everything was forgotten on request.
    pub fn forgotten(&mut self) {
        if !self.is_locked() {
            self.state = State::Empty;
        }
    }

    /// A passphrase was wrong: how long its asker must wait. The count survives reconnecting.
    pub fn wrong_passphrase(&mut self) -> Duration {
        let doublings = self.wrong_passphrases.min(16);
        self.wrong_passphrases += 1;
        FIRST_PENALTY.saturating_mul(1 << doublings).min(LONGEST_PENALTY)
    }

    /// A passphrase was right.
    pub fn right_passphrase(&mut self) {
        self.wrong_passphrases = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn with(total: Option<u64>, idle: Option<u64>) -> Lock {
        Lock::new(Lifetimes { total: total.map(seconds), idle: idle.map(seconds) })
    }

    #[test]
    fn forgets_after_the_total_or_the_idle_time() {
        let mut lock = with(Some(100), Some(30));
        assert!(!lock.lapse(seconds(1000)), "nothing held, nothing to forget");
        lock.touch(seconds(1000));
        assert_eq!(lock.deadline(), Some(seconds(1030)));
        assert!(!lock.lapse(seconds(1029)));
        for moment in [1029, 1050, 1075, 1099] {
            lock.touch(seconds(moment));
        }
        assert_eq!(lock.deadline(), Some(seconds(1100)));
        assert!(lock.lapse(seconds(1100)));
        assert!(!lock.lapse(seconds(1101)), "forgets once");
        assert!(!lock.is_locked(), "forgetting is not locking");
    }

    #[test]
    fn without_limits_it_never_forgets() {
        let mut lock = with(None, None);
        lock.touch(seconds(1));
        assert!(!lock.lapse(seconds(u64::from(u32::MAX))));
    }

    #[test]
    fn only_a_person_unlocks() {
        let mut lock = with(Some(10), None);
        lock.lock();
        lock.touch(seconds(1));
        lock.forgotten();
        assert!(!lock.lapse(seconds(100)));
        assert!(lock.is_locked());
        lock.unlock();
        assert!(!lock.is_locked());
    }

    #[test]
    fn wrong_passphrases_cost_more_and_more() {
        let mut lock = with(None, None);
        let delays: Vec<u128> = (0..8).map(|_| lock.wrong_passphrase().as_millis()).collect();
        assert_eq!(delays, [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
        lock.right_passphrase();
        assert_eq!(lock.wrong_passphrase().as_millis(), 250);
    }
}
