//! Renews sessions in use before they lapse, so that nobody waits for AWS. Only what needs no person: a
//! renewal never asks anybody.

use std::rc::Rc;
use std::time::Duration;

use super::Broker;
use super::prepare::Work;
use crate::audience::Member;
use crate::plan::{CacheKey, Source};
use crate::sys::clock::Now;

/// A session counts as in use for this long after it was last handed out. SDKs that refresh ask again about
/// every quarter of an hour before expiration, so a longer memory would renew what nobody wants.
const IN_USE_FOR: Duration = Duration::from_secs(20 * 60);

/// After a renewal failed, the next try comes after this long.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// What it takes to renew a session. No secret.
pub(super) struct Refreshable {
    work: Rc<Work>,
    steps: usize,
    not_before: Duration,
}

impl Broker {
    /// Remembers how a session was made.
    pub(super) fn remember_for_refresh(&self, key: CacheKey, work: &Rc<Work>, steps: usize) {
        let refreshable = Refreshable { work: Rc::clone(work), steps, not_before: Duration::ZERO };
        self.refreshes.borrow_mut().insert(key, refreshable);
        self.timers.notify_one();
    }

    /// Whether the last try to renew a session is long enough ago: while AWS cannot be reached, nobody who
    /// could be served from memory should wait for it.
    pub(super) fn may_renew_now(&self, key: CacheKey) -> bool {
        let now = Now::read().boot;
        self.refreshes.borrow().get(&key).is_none_or(|refreshable| refreshable.not_before <= now)
    }

    /// A renewal failed.
    pub(super) fn put_off_renewal(&self, key: CacheKey) {
        if let Some(refreshable) = self.refreshes.borrow_mut().get_mut(&key) {
            refreshable.not_before = Now::read().boot + RETRY_AFTER;
        }
    }

    /// Whether the result of the first `steps` steps can be made anew without a person.
    pub(super) fn is_renewable(&self, work: &Work, steps: usize) -> bool {
        if steps == 0 {
            return matches!(work.plan.source, Source::LongTermKey(_)) && work.store.store().is_open();
        }
        let step_needs_person = work.plan.steps[steps - 1].mfa().is_some();
        !step_needs_person && (self.is_fresh(work, steps - 1) || self.is_renewable(work, steps - 1))
    }

    fn is_fresh(&self, work: &Work, steps: usize) -> bool {
        steps > 0 && self.cache.borrow().is_fresh(work.keys[steps], Now::read(), work.plan.minimum_ttl)
    }

    /// Starts renewing what is due; gives the time until the next session becomes due.
    pub(crate) fn refresh_what_is_due(self: &Rc<Self>) -> Option<Duration> {
        let now = Now::read();
        let mut next: Option<Duration> = None;
        let mut due = Vec::new();
        {
            let cache = self.cache.borrow();
            let mut refreshes = self.refreshes.borrow_mut();
            refreshes.retain(|key, _| cache.contains(*key));
            for (key, entry) in cache.iter() {
                let Some(refreshable) = refreshes.get(key) else { continue };
                let until_due = entry.remaining(now).saturating_sub(entry.due_margin());
                let wait = until_due.max(refreshable.not_before.saturating_sub(now.boot));
                let in_use = now.boot.saturating_sub(entry.last_used) <= IN_USE_FOR;
                if !wait.is_zero() {
                    next = Some(next.map_or(wait, |next| next.min(wait)));
                } else if in_use {
                    due.push(*key);
                }
            }
        }
        for key in due {
            self.renew(key, now);
        }
        next
    }

    fn renew(self: &Rc<Self>, key: CacheKey, now: Now) {
        let (work, steps) = {
            let mut refreshes = self.refreshes.borrow_mut();
            let Some(refreshable) = refreshes.get_mut(&key) else { return };
            // Renewed or failed: not again at once, either way.
            refreshable.not_before = now.boot + RETRY_AFTER;
            (Rc::clone(&refreshable.work), refreshable.steps)
        };
        if !self.is_renewable(&work, steps) {
            return;
        }
        let last_used = self.cache.borrow().last_used(key);
        let broker = Rc::clone(self);
        tokio::task::spawn_local(async move {
            match broker.fly(work, steps, Member::Refresher).await {
                // Renewing is not using: otherwise a session nobody wants would be renewed for ever.
                Ok(_) => {
                    if let Some(last_used) = last_used {
                        broker.cache.borrow_mut().set_last_used(key, last_used);
                    }
                }
                Err(error) => tracing::warn!("renewing ahead of expiration: {error}"),
            }
            broker.timers.notify_one();
        });
    }
}
