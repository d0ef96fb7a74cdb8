//! The listening socket, the clients on it, signals and timers. Ends when the broker says so.

use std::cell::Cell;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use interprocess::local_socket::tokio::{Listener, Stream, prelude::*};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Semaphore;

use crate::broker::Broker;
use crate::connection;
use crate::{sys, telemetry};

/// Clients at once. A hundred `terraform` workers and every editor window fit; a runaway loop does not.
const MAX_CONNECTIONS: usize = 512;

/// Clients at once of one process, so that one of them cannot take every place.
const MAX_CONNECTIONS_PER_PROCESS: usize = 128;

/// Waits after an accept error (no descriptors left), first and longest. Such an error never ends the agent.
const FIRST_ACCEPT_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// What is under way when the agent is told to end may take this long.
const DRAIN: Duration = Duration::from_secs(2);

/// Timers look at the suspend-proof clock at least this often: tokio's own clock stops in suspend.
const LONGEST_TIMER: Duration = Duration::from_secs(60);

/// What Ctrl-C on the terminal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    /// End the agent.
    Ends,
    /// It is meant for the command that the agent was started for.
    IsForTheCommand,
}

/// Serves until the broker ends. Returns after work under way has had its time.
pub async fn run(
    broker: Rc<Broker>,
    listener: Listener,
    interrupt: Interrupt,
    republish: impl Fn(),
) -> std::io::Result<()> {
    let signals = Signals::install()?;
    let clients = Rc::new(Clients::default());
    tokio::select! {
        () = accept_clients(&broker, &listener, &clients) => {}
        () = watch_signals(&broker, signals, interrupt) => {}
        () = watch_timers(&broker, republish) => {}
        () = broker.ended() => {}
        () = telemetry::write_in_background() => {}
    }
    broker.end();
    drop(listener);
    // A second signal during the drain ends at once.
    let mut again = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = tokio::time::timeout(DRAIN, clients.all_left()) => {}
        _ = again.recv() => {}
    }
    if let Err(error) = broker.wipe() {
        tracing::error!("{error}");
    }
    Ok(())
}

struct Clients {
    places: Semaphore,
    by_process: RefCell<HashMap<u32, usize>>,
    left: tokio::sync::Notify,
    count: Cell<usize>,
}

impl Default for Clients {
    fn default() -> Self {
        Self {
            places: Semaphore::new(MAX_CONNECTIONS),
            by_process: RefCell::default(),
            left: tokio::sync::Notify::new(),
            count: Cell::new(0),
        }
    }
}

/// A client's place, given up when dropped.
struct Place {
    clients: Rc<Clients>,
    process_id: Option<u32>,
}

impl Clients {
    fn enter(self: &Rc<Self>, process_id: Option<u32>) -> Option<Place> {
        if let Some(process_id) = process_id {
            let mut by_process = self.by_process.borrow_mut();
            let count = by_process.entry(process_id).or_default();
            if *count >= MAX_CONNECTIONS_PER_PROCESS {
                return None;
            }
            *count += 1;
        }
        self.count.set(self.count.get() + 1);
        Some(Place { clients: Rc::clone(self), process_id })
    }

    /// Returns when no client is left.
    async fn all_left(&self) {
        while self.count.get() > 0 {
            self.left.notified().await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let clients = &self.clients;
        clients.count.set(clients.count.get() - 1);
        clients.places.add_permits(1);
        if let Some(process_id) = self.process_id {
            let mut by_process = clients.by_process.borrow_mut();
            if let Some(count) = by_process.get_mut(&process_id) {
                *count -= 1;
                if *count == 0 {
                    by_process.remove(&process_id);
                }
            }
        }
        clients.left.notify_one();
    }
}

async fn accept_clients(broker: &Rc<Broker>, listener: &Listener, clients: &Rc<Clients>) {
    let mut pause = FIRST_ACCEPT_PAUSE;
    loop {
        // No place: nobody is accepted, and the kernel's queue makes new clients wait.
        let Ok(place) = clients.places.acquire().await else { return };
        match listener.accept().await {
            Ok(stream) => {
                pause = FIRST_ACCEPT_PAUSE;
                place.forget();
                admit(broker, clients, stream);
            }
            Err(error) => {
                drop(place);
                tracing::warn!("accepting a client: {error}");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_ACCEPT_PAUSE);
            }
        }
    }
}

/// Serves a client if it is the user's own; anybody else is dropped without a byte.
fn admit(broker: &Rc<Broker>, clients: &Rc<Clients>, stream: Stream) {
    let (user, process_id) = match stream.peer_creds() {
        Ok(creds) => (creds.euid(), creds.pid().and_then(|pid| u32::try_from(pid).ok())),
        Err(error) => {
            tracing::warn!("refused a client whose identity cannot be read: {error}");
            (None, None)
        }
    };
    if user != Some(sys::user_id()) {
        tracing::warn!(?user, pid = process_id, "refused a client of another user");
        clients.places.add_permits(1);
        return;
    }
    let Some(place) = clients.enter(process_id) else {
        tracing::warn!(pid = process_id, "refused one more connection of this process");
        clients.places.add_permits(1);
        return;
    };
    let broker = Rc::clone(broker);
    tokio::task::spawn_local(async move {
        connection::serve(broker, &stream, &stream, process_id).await;
        drop(place);
    });
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    user1: Signal,
}

impl Signals {
    fn install() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            user1: signal(SignalKind::user_defined1())?,
        })
    }
}

/// SIGTERM and SIGINT end, SIGHUP reads configs again, SIGUSR1 forgets sessions and passphrases.
async fn watch_signals(broker: &Rc<Broker>, mut signals: Signals, interrupt: Interrupt) {
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => return,
            _ = signals.interrupt.recv() => {
                if interrupt == Interrupt::Ends {
                    return;
                }
            }
            _ = signals.hang_up.recv() => broker.reload(),
            _ = signals.user1.recv() => {
                tracing::info!("forgot everything: SIGUSR1");
                if let Err(error) = broker.wipe() {
                    tracing::error!("{error}");
                }
            }
        }
    }
}

/// Forgets what has lapsed and renews what is due. Only a hint: every request looks for itself.
async fn watch_timers(broker: &Rc<Broker>, republish: impl Fn()) {
    loop {
        broker.forget_what_lapsed();
        republish();
        let due = broker.refresh_what_is_due();
        let next = [due, broker.next_lapse()].into_iter().flatten().min();
        let wait = next.map_or(LONGEST_TIMER, |next| next.clamp(Duration::from_millis(20), LONGEST_TIMER));
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = broker.timers.notified() => {
                // A burst of requests is one reason to look, not a hundred.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}
