//! Sessions in memory, by everything that went into them. Pure: the moment is a parameter, and what is
//! sealed stays sealed.

use std::collections::HashMap;
use std::time::Duration;

use crate::plan::CacheKey;
use crate::seal::Sealed;
use crate::sys::clock::Now;

/// Most sessions kept; the least recently used goes first. Ten times what a large organisation's busiest
/// user was seen to hold, at about 2 KiB each.
pub const MAX_SESSIONS: usize = 512;

/// botocore, and the SDKs that follow it, treat credentials in their last 15 minutes as stale and ask again.
const STALE_BEFORE_EXPIRATION: Duration = Duration::from_secs(15 * 60);

/// A short session would be stale from birth under a fixed margin: never more than this part of its life.
const STALE_PART_OF_LIFE: u32 = 4;

/// A session at rest.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The sealed credentials.
    pub sealed: Sealed,
    /// The profile it was first issued for.
    pub profile: String,
    /// What issued it, as aws-vault names it: `sts.GetSessionToken`, `sts.AssumeRole`.
    pub kind: &'static str,
    /// The role, when one was assumed.
    pub role_arn: Option<String>,
    /// Which stored item it descends from, so that it goes when the item goes.
    pub source: String,
    /// When it was issued.
    pub issued: Now,
    /// When AWS ends it, in seconds since 1970 UTC.
    pub expiration: i64,
    /// How long it was asked to live. AWS gives no more, whatever a clock that is behind makes of it.
    pub asked_life: Duration,
    /// When it was last handed out, on the clock that never jumps.
    pub last_used: Duration,
}

/// What the cache has for a key.
#[derive(Debug)]
pub enum Found {
    /// Good for a while.
    Fresh(Sealed),
    /// Good, but about to lapse: better is to be had if no person must be asked.
    Due(Sealed),
}

/// The sessions.
#[derive(Debug, Default)]
pub struct Cache {
    entries: HashMap<CacheKey, Entry>,
}

impl Entry {
    /// What is left of its life: by the wall clock or by the clock that never jumps, whichever is less, so
    /// that neither a changed clock nor a suspended machine makes it look younger.
    pub fn remaining(&self, now: Now) -> Duration {
        let by_wall = Duration::from_secs(u64::try_from(self.expiration - now.wall).unwrap_or(0));
        let age = now.boot.saturating_sub(self.issued.boot);
        by_wall.min(self.life().saturating_sub(age))
    }

    /// The margin before expiration in which it counts as due.
    pub fn due_margin(&self) -> Duration {
        STALE_BEFORE_EXPIRATION.min(self.life() / STALE_PART_OF_LIFE)
    }

    fn life(&self) -> Duration {
        let by_wall = Duration::from_secs(u64::try_from(self.expiration - self.issued.wall).unwrap_or(0));
        by_wall.min(self.asked_life)
    }
}

impl Cache {
    /// The session under a key if more than `minimum` of its life is left, marked as used.
    pub fn find(&mut self, key: CacheKey, now: Now, minimum: Duration) -> Option<Found> {
        let entry = self.entries.get_mut(&key)?;
        let remaining = entry.remaining(now);
        if remaining.is_zero() || remaining < minimum {
            return None;
        }
        entry.last_used = now.boot;
        let sealed = entry.sealed.clone();
        Some(if remaining > entry.due_margin() { Found::Fresh(sealed) } else { Found::Due(sealed) })
    }

    /// Whether a key has a session that [`Cache::find`] would call fresh.
    pub fn is_fresh(&self, key: CacheKey, now: Now, minimum: Duration) -> bool {
        self.entries.get(&key).is_some_and(|entry| {
            let remaining = entry.remaining(now);
            remaining >= minimum && remaining > entry.due_margin()
        })
    }

    /// Whether there is a session under a key, of whatever age.
    pub fn contains(&self, key: CacheKey) -> bool {
        self.entries.contains_key(&key)
    }

    /// When the session under a key was last handed out.
    pub fn last_used(&self, key: CacheKey) -> Option<Duration> {
        self.entries.get(&key).map(|entry| entry.last_used)
    }

    /// Says when the session under a key was last handed out.
    pub fn set_last_used(&mut self, key: CacheKey, last_used: Duration) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.last_used = last_used;
        }
    }

    /// Keeps a session. An older one under the same key is replaced.
    pub fn insert(&mut self, key: CacheKey, entry: Entry) {
        if self.entries.len() >= MAX_SESSIONS && !self.entries.contains_key(&key) {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.last_used).map(|(key, _)| *key);
            oldest.and_then(|key| self.entries.remove(&key));
        }
        self.entries.insert(key, entry);
    }

    /// Drops one session.
    pub fn remove(&mut self, key: CacheKey) {
        self.entries.remove(&key);
    }

    /// Drops what has expired.
    pub fn expire(&mut self, now: Now) {
        self.entries.retain(|_, entry| !entry.remaining(now).is_zero());
    }

    /// Drops what `unwanted` says; gives how many.
    pub fn forget(&mut self, unwanted: impl Fn(&Entry) -> bool) -> usize {
        let before = self.entries.len();
        self.entries.retain(|_, entry| !unwanted(entry));
        before - self.entries.len()
    }

    /// All sessions.
    pub fn iter(&self) -> impl Iterator<Item = (&CacheKey, &Entry)> {
        self.entries.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::Sealer;

    const HOUR: i64 = 3600;

    fn at(seconds: i64) -> Now {
        Now { wall: 1_000_000 + seconds, boot: Duration::from_secs(500 + seconds.unsigned_abs()) }
    }

    fn entry(life: i64) -> Entry {
        Entry {
            sealed: Sealer::new().unwrap().seal(b"x", b"").unwrap(),
            profile: "p".into(),
            kind: "sts.AssumeRole",
            role_arn: None,
            source: "file:p".into(),
            issued: at(0),
            expiration: at(life).wall,
            asked_life: Duration::from_secs(life.unsigned_abs()),
            last_used: at(0).boot,
        }
    }

    fn cache(life: i64) -> Cache {
        let mut cache = Cache::default();
        cache.insert(CacheKey::from_bytes([1; 32]), entry(life));
        cache
    }

    fn state(cache: &mut Cache, now: Now, minimum: u64) -> &'static str {
        match cache.find(CacheKey::from_bytes([1; 32]), now, Duration::from_secs(minimum)) {
            None => "missing",
            Some(Found::Fresh(_)) => "fresh",
            Some(Found::Due(_)) => "due",
        }
    }

    #[test]
    fn the_last_quarter_hour_is_due() {
        let mut cache = cache(HOUR);
        for (second, expected) in
            [(0, "fresh"), (2699, "fresh"), (2700, "due"), (3299, "due"), (3301, "missing")]
        {
            assert_eq!(state(&mut cache, at(second), 300), expected, "at {second} s");
        }
        assert_eq!(state(&mut cache, at(3600), 0), "missing");
    }

    #[test]
    fn a_short_session_is_not_due_from_birth() {
        let mut cache = cache(900);
        assert_eq!(state(&mut cache, at(0), 300), "fresh");
        assert_eq!(state(&mut cache, at(676), 0), "due");
    }

    #[test]
    fn neither_clock_alone_keeps_a_session_alive() {
        let mut cache = cache(HOUR);
        let wall_set_back = Now { wall: at(-HOUR).wall, boot: at(HOUR).boot };
        assert_eq!(state(&mut cache, wall_set_back, 0), "missing");
        let wall_set_forward = Now { wall: at(HOUR).wall, boot: at(1).boot };
        assert_eq!(state(&mut cache, wall_set_forward, 0), "missing");
    }

    #[test]
    fn a_clock_behind_aws_does_not_lengthen_a_life() {
        let mut entry = entry(HOUR);
        entry.expiration += 1800;
        let mut cache = Cache::default();
        cache.insert(CacheKey::from_bytes([1; 32]), entry);
        assert_eq!(state(&mut cache, at(HOUR - 1), 0), "due");
        assert_eq!(state(&mut cache, at(HOUR), 0), "missing");
    }

    #[test]
    fn a_long_minimum_is_obeyed() {
        assert_eq!(state(&mut cache(HOUR), at(0), 7200), "missing");
    }

    #[test]
    fn the_least_recently_used_makes_room() {
        let mut cache = Cache::default();
        for number in 0..=MAX_SESSIONS {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_le_bytes());
            let mut entry = entry(HOUR);
            entry.last_used = Duration::from_secs(number as u64);
            cache.insert(CacheKey::from_bytes(key), entry);
        }
        assert_eq!(cache.iter().count(), MAX_SESSIONS);
        assert!(!cache.is_fresh(CacheKey::from_bytes([0; 32]), at(0), Duration::ZERO));
    }

    #[test]
    fn forgets_and_expires() {
        let mut cache = cache(HOUR);
        assert_eq!(cache.forget(|entry| entry.profile == "other"), 0);
        assert_eq!(cache.forget(|entry| entry.source == "file:p"), 1);
        let mut cache = super::tests::cache(HOUR);
        cache.expire(at(HOUR));
        assert_eq!(cache.iter().count(), 0);
    }
}
