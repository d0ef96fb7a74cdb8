//! Owns everything the agent knows and decides what each request gets. One method per request; the parts are
//! in the files below. Single-threaded: state is borrowed only between two awaits.

mod access;
mod issue;
mod keep;
mod prepare;
mod refresh;
mod status;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use aws_vault_protocol::failure::{Failure, FailureCode};
use aws_vault_protocol::message::{
    Caller, Done, Pong, Reply, Request, Shutdown, ShutdownReason, environment_may_travel,
};
use aws_vault_protocol::secret::MfaCode;
use tokio::sync::Notify;

use crate::audience::Asker;
use crate::cache::Cache;
use crate::config::ConfigFile;
use crate::configs::{self, Configs};
use crate::credentials::Credentials;
use crate::environment::Environment;
use crate::failure;
use crate::flight::Flights;
use crate::lock::{Lifetimes, Lock};
use crate::mfa::MfaCodes;
use crate::peer::Peer;
use crate::plan::CacheKey;
use crate::seal::Sealer;
use crate::stores::{StoreHandle, Stores};
use crate::sys::clock::Now;
use crate::sys::harden::Hardening;

/// Who this agent is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Random; another run of the agent has another.
    pub instance: String,
    /// Where it listens.
    pub socket: PathBuf,
    /// What protects its memory.
    pub hardening: Hardening,
    /// When it started.
    pub started: Now,
}

/// The agent's state.
pub struct Broker {
    identity: Identity,
    sealer: Arc<Sealer>,
    cache: RefCell<Cache>,
    lock: RefCell<Lock>,
    configs: Configs,
    stores: Stores,
    mfa_codes: MfaCodes,
    plans: prepare::Plans,
    sessions: Rc<Flights<CacheKey, Credentials>>,
    openings: Rc<Flights<usize, ()>>,
    refusals: RefCell<HashMap<CacheKey, (Duration, Failure)>>,
    /// Stores whose passphrase opens the lock.
    open_when_locked: RefCell<Vec<usize>>,
    refreshes: RefCell<HashMap<CacheKey, refresh::Refreshable>>,
    peers: RefCell<Vec<std::rc::Weak<Peer>>>,
    /// Something changed that the timers must look at.
    pub(crate) timers: Notify,
    /// The agent is to end.
    ending: Notify,
    is_ending: Cell<bool>,
}

/// A client's request with what it brought along, unpacked.
struct Visit {
    asker: Rc<Asker>,
    store: StoreHandle,
    config: Rc<ConfigFile>,
    config_path: PathBuf,
}

impl Broker {
    /// An agent that knows nothing yet.
    pub fn new(identity: Identity, lifetimes: Lifetimes) -> std::io::Result<Rc<Self>> {
        let sealer = Arc::new(Sealer::new()?);
        Ok(Rc::new(Self {
            identity,
            cache: RefCell::default(),
            lock: RefCell::new(Lock::new(lifetimes)),
            configs: Configs::default(),
            stores: Stores::new(Arc::clone(&sealer)),
            sealer,
            mfa_codes: MfaCodes::default(),
            plans: prepare::Plans::default(),
            sessions: Rc::default(),
            openings: Rc::default(),
            refusals: RefCell::default(),
            open_when_locked: RefCell::default(),
            refreshes: RefCell::default(),
            peers: RefCell::default(),
            timers: Notify::new(),
            ending: Notify::new(),
            is_ending: Cell::new(false),
        }))
    }

    /// Who this agent is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// A client has connected.
    pub fn welcome(&self, peer: &Rc<Peer>) {
        let mut peers = self.peers.borrow_mut();
        peers.retain(|known| known.strong_count() > 0);
        peers.push(Rc::downgrade(peer));
    }

    /// Answers a request. Dropping the future gives the request up.
    pub async fn answer(
        self: Rc<Self>,
        peer: Rc<Peer>,
        request_id: u32,
        request: Request,
    ) -> Result<Reply, Failure> {
        self.forget_what_lapsed();
        let needs_nothing_secret = matches!(
            request,
            Request::Ping(_)
                | Request::Status(_)
                | Request::Lock(_)
                | Request::Unlock(_)
                | Request::Shutdown(_)
        );
        if !needs_nothing_secret && self.lock.borrow().is_locked() {
            return Err(failure::locked());
        }
        let reply = self.dispatch(&peer, request_id, request).await;
        // Locking stops work under way; its callers should hear why.
        match reply {
            Err(error) if error.code == FailureCode::Cancelled && self.lock.borrow().is_locked() => {
                Err(failure::locked())
            }
            reply => reply,
        }
    }

    async fn dispatch(
        self: &Rc<Self>,
        peer: &Rc<Peer>,
        request_id: u32,
        request: Request,
    ) -> Result<Reply, Failure> {
        let visit = async |caller: Caller, profile: &str, code: Option<MfaCode>| {
            self.visit(peer, request_id, caller, profile, code).await
        };
        match request {
            Request::GetCredentials(mut ask) => {
                let visit =
                    visit(std::mem::take(&mut ask.caller), &ask.profile, ask.mfa_token.take()).await?;
                self.get_credentials(visit, &ask).await.map(Reply::from)
            }
            Request::Explain(mut ask) => {
                let visit = visit(std::mem::take(&mut ask.caller), &ask.profile, None).await?;
                self.explain(&visit, &ask).map(Reply::from)
            }
            Request::List(ask) => {
                let visit = visit(ask.caller, "", None).await?;
                self.list(&visit).await.map(Reply::from)
            }
            Request::Clear(ask) => Ok(self.clear(ask.profile.as_deref()).into()),
            Request::PrepareAdd(mut ask) => {
                let visit = visit(std::mem::take(&mut ask.caller), &ask.profile, None).await?;
                Self::prepare_add(&visit, &ask.profile).map(Reply::from)
            }
            Request::Add(mut ask) => {
                let visit = visit(std::mem::take(&mut ask.caller), &ask.profile, None).await?;
                self.add(visit, *ask).await.map(Reply::from)
            }
            Request::Remove(mut ask) => {
                let visit = visit(std::mem::take(&mut ask.caller), &ask.profile, None).await?;
                self.remove(&visit, &ask.profile).await.map(|()| done())
            }
            Request::Lock(_) => self.lock_now().map(|()| done()),
            Request::Unlock(ask) => {
                let visit = visit(ask.caller, "PROFILE", None).await?;
                self.unlock(visit).await.map(|()| done())
            }
            Request::Status(_) => Ok(self.status().into()),
            Request::Shutdown(ask) => self.shut_down(&ask).map(|()| done()),
            Request::Ping(ask) => Ok(Pong { payload: ask.payload }.into()),
            Request::Hello(_) | Request::Cancel(_) | Request::PromptReply(_) => {
                Err(Failure::new(FailureCode::InvalidRequest, "this message is not a request"))
            }
        }
    }

    /// Unpacks what a client brought along.
    async fn visit(
        &self,
        peer: &Rc<Peer>,
        request_id: u32,
        caller: Caller,
        profile: &str,
        mfa_token: Option<MfaCode>,
    ) -> Result<Visit, Failure> {
        // Filtered again: what a client must not send is not kept either.
        let travels = |(name, _): &(String, String)| environment_may_travel(name);
        let environment = Environment::new(caller.environment.into_iter().filter(travels));
        let home = caller.home.as_deref();
        let store =
            self.stores.choose(&caller.store, home).map_err(|error| failure::from_store_choice(&error))?;
        let config_path =
            configs::path(&environment, home).map_err(|error| failure::from_config_file(&error))?;
        let config =
            self.configs.load(&config_path).await.map_err(|error| failure::from_config_file(&error))?;
        let asker = Rc::new(Asker {
            peer: Rc::clone(peer),
            request_id,
            interaction: caller.interaction,
            environment: Rc::new(environment),
            mfa_token: RefCell::new(mfa_token),
            file_passphrase: RefCell::new(caller.store.file_passphrase),
            profile: profile.to_owned(),
        });
        Ok(Visit { asker, store, config, config_path })
    }

    fn shut_down(&self, ask: &Shutdown) -> Result<(), Failure> {
        if ask.only_if_instance.as_ref().is_some_and(|instance| *instance != self.identity.instance) {
            let message = "another agent answers here than the one meant";
            return Err(Failure::new(FailureCode::OtherInstance, message).with_hint("aws-vault status"));
        }
        // Whatever wants to replace us would have to show that it is newer; nothing does yet.
        if ask.reason != ShutdownReason::Asked {
            let message = "this agent does not make place for another";
            return Err(Failure::new(FailureCode::Forbidden, message).with_hint("aws-vault-agent -k"));
        }
        self.end();
        Ok(())
    }

    /// Begins to end.
    pub fn end(&self) {
        self.is_ending.set(true);
        self.ending.notify_waiters();
    }

    /// Whether the agent is about to end.
    pub fn is_ending(&self) -> bool {
        self.is_ending.get()
    }

    /// Returns when the agent is to end.
    pub async fn ended(&self) {
        let ending = self.ending.notified();
        if !self.is_ending.get() {
            ending.await;
        }
    }

    /// Reads configs again at their next use.
    pub fn reload(&self) {
        self.configs.forget();
    }
}

fn done() -> Reply {
    Done::default().into()
}
