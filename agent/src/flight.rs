//! One piece of work for any number of callers. Callers with the same key share one run; the run belongs to
//! the agent and not to any caller, so it survives the death of the caller that started it, and it stops when
//! the last caller leaves.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::rc::Rc;

use aws_vault_protocol::failure::{Failure, FailureCode};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::audience::{Audience, Member, Seat};

type Outcome<T> = Result<Rc<T>, Failure>;

/// The pieces of work under way.
#[derive(Debug)]
pub struct Flights<K, T> {
    under_way: RefCell<HashMap<K, Flight<T>>>,
    next_number: Cell<u64>,
}

#[derive(Debug)]
struct Flight<T> {
    number: u64,
    audience: Audience,
    outcome: watch::Receiver<Option<Outcome<T>>>,
    run: AbortHandle,
}

/// A caller's part in a flight. Dropping the last one ends the flight.
struct Ticket<K: Eq + Hash + Copy, T> {
    flights: Rc<Flights<K, T>>,
    key: K,
    number: u64,
    seat: Option<Seat>,
}

impl<K, T> Default for Flights<K, T> {
    fn default() -> Self {
        Self { under_way: RefCell::default(), next_number: Cell::new(0) }
    }
}

impl<K: Eq + Hash + Copy + 'static, T: 'static> Flights<K, T> {
    /// Joins the work under `key`, starting it if nobody has. `start` gets the audience to ask.
    pub async fn join<F>(
        self: &Rc<Self>,
        key: K,
        member: Member,
        start: impl FnOnce(Audience) -> F,
    ) -> Outcome<T>
    where
        F: Future<Output = Outcome<T>> + 'static,
    {
        let (ticket, mut outcome) = self.board(key, member, start);
        let landed = match outcome.wait_for(Option::is_some).await {
            Ok(landed) => landed.clone(),
            Err(_aborted) => None,
        };
        drop(ticket);
        landed.unwrap_or_else(|| {
            Err(Failure::new(
                FailureCode::Cancelled,
                "the work was stopped: the agent was told to forget everything, or is ending",
            ))
        })
    }

    /// Whether work under `key` is under way.
    pub fn is_under_way(&self, key: K) -> bool {
        self.under_way.borrow().contains_key(&key)
    }

    /// Stops all work; its callers get an error.
    pub fn stop_all(&self) {
        for (_, flight) in self.under_way.borrow_mut().drain() {
            flight.run.abort();
        }
    }

    fn board<F>(
        self: &Rc<Self>,
        key: K,
        member: Member,
        start: impl FnOnce(Audience) -> F,
    ) -> (Ticket<K, T>, watch::Receiver<Option<Outcome<T>>>)
    where
        F: Future<Output = Outcome<T>> + 'static,
    {
        let mut under_way = self.under_way.borrow_mut();
        let flight = under_way.entry(key).or_insert_with(|| {
            let number = self.next_number.get();
            self.next_number.set(number + 1);
            let audience = Audience::default();
            let (sender, outcome) = watch::channel(None);
            let work = start(audience.clone());
            let flights = Rc::clone(self);
            let run = tokio::task::spawn_local(async move {
                let result = work.await;
                flights.remove(key, number);
                // All callers may have left in this very moment.
                let _ = sender.send(Some(result));
            });
            Flight { number, audience, outcome, run: run.abort_handle() }
        });
        let seat = Some(flight.audience.join(member));
        (Ticket { flights: Rc::clone(self), key, number: flight.number, seat }, flight.outcome.clone())
    }

    fn remove(&self, key: K, number: u64) -> Option<Flight<T>> {
        let mut under_way = self.under_way.borrow_mut();
        let is_ours = under_way.get(&key).is_some_and(|flight| flight.number == number);
        if is_ours { under_way.remove(&key) } else { None }
    }
}

impl<K: Eq + Hash + Copy, T> Drop for Ticket<K, T> {
    fn drop(&mut self) {
        self.seat = None;
        let deserted = {
            let under_way = self.flights.under_way.borrow();
            under_way
                .get(&self.key)
                .is_some_and(|flight| flight.number == self.number && flight.audience.is_empty())
        };
        if deserted && let Some(flight) = self.flights.under_way.borrow_mut().remove(&self.key) {
            flight.run.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;
    use tokio::task::{LocalSet, spawn_local};

    use super::*;

    fn run(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, test);
    }

    #[test]
    fn callers_share_one_run() {
        run(async {
            let flights: Rc<Flights<u8, u32>> = Rc::default();
            let (runs, gate) = (Rc::new(Cell::new(0)), Rc::new(Notify::new()));
            let callers: Vec<_> = (0..100)
                .map(|_| {
                    let (flights, runs, gate) = (Rc::clone(&flights), Rc::clone(&runs), Rc::clone(&gate));
                    spawn_local(async move {
                        let work = |_| async move {
                            runs.set(runs.get() + 1);
                            gate.notified().await;
                            Ok(Rc::new(7))
                        };
                        flights.join(1, Member::Refresher, work).await
                    })
                })
                .collect();
            tokio::task::yield_now().await;
            gate.notify_one();
            for caller in callers {
                assert_eq!(*caller.await.unwrap().unwrap(), 7);
            }
            assert_eq!(runs.get(), 1);
            assert!(!flights.is_under_way(1));
        });
    }

    #[test]
    fn the_starter_may_leave_and_the_last_one_stops_it() {
        run(async {
            let flights: Rc<Flights<u8, u32>> = Rc::default();
            let gate = Rc::new(Notify::new());
            let join = || {
                let (flights, gate) = (Rc::clone(&flights), Rc::clone(&gate));
                spawn_local(async move {
                    let work = |_| async move {
                        gate.notified().await;
                        Ok(Rc::new(7))
                    };
                    flights.join(1, Member::Refresher, work).await
                })
            };
            let (first, second) = (join(), join());
            tokio::task::yield_now().await;
            first.abort();
            assert!(first.await.is_err());
            assert!(flights.is_under_way(1), "the second still waits");
            second.abort();
            assert!(second.await.is_err());
            assert!(!flights.is_under_way(1), "nobody waits any more");
        });
    }

    #[test]
    fn stopping_answers_everybody() {
        run(async {
            let flights: Rc<Flights<u8, u32>> = Rc::default();
            let other = Rc::clone(&flights);
            let caller =
                spawn_local(
                    async move { other.join(1, Member::Refresher, |_| std::future::pending()).await },
                );
            tokio::task::yield_now().await;
            flights.stop_all();
            assert_eq!(caller.await.unwrap().unwrap_err().code, FailureCode::Cancelled);
        });
    }
}
