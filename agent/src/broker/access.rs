//! Opening the store, locking, unlocking and forgetting.

use std::rc::Rc;
use std::time::Duration;

use aws_vault_protocol::failure::{Failure, FailureCode};
use aws_vault_protocol::message::PromptKind;
use aws_vault_protocol::secret::Passphrase;

use super::{Broker, Visit};
use crate::audience::{Audience, Member};
use crate::failure;
use crate::peer::Question;
use crate::prompt::{self, PROMPT_TIMEOUT};
use crate::store::{PassphraseNeed, Store, StoreError};
use crate::stores::StoreHandle;
use crate::sys::clock::Now;

/// How often a person may mistype before the command fails.
const MAX_ATTEMPTS: u32 = 3;

impl Broker {
    /// Makes sure that the store can be read and written; asks for its passphrase if nobody has given it.
    pub(super) async fn open_store(
        self: &Rc<Self>,
        store: &StoreHandle,
        member: Member,
    ) -> Result<(), Failure> {
        let opened = self.open_even_if_locked(store, member).await;
        // A person may have locked meanwhile.
        if self.lock.borrow().is_locked() { Err(failure::locked()) } else { opened }
    }

    async fn open_even_if_locked(
        self: &Rc<Self>,
        store: &StoreHandle,
        member: Member,
    ) -> Result<(), Failure> {
        if need(store).await? == PassphraseNeed::Satisfied {
            return Ok(());
        }
        // A passphrase from a variable is tried for its own request only: a wrong one must not fail others.
        if let Some(passphrase) = brought_passphrase(&member) {
            return match self.try_passphrase(store, passphrase).await? {
                Ok(()) => Ok(()),
                Err(error) => {
                    self.penalty().await;
                    Err(failure::from_store(&error)
                        .with_hint("correct AWS_VAULT_FILE_PASSPHRASE, or unset it to be asked"))
                }
            };
        }
        if let Some(asker) = member.clients().iter().find(|asker| asker.interaction.never)
            && member.clients().iter().all(|asker| asker.interaction.never)
        {
            let message = format!("the passphrase of {:?} is needed", store.store().location());
            let hint = format!("run in a terminal: aws-vault exec {} -- true", asker.profile);
            return Err(Failure::new(FailureCode::InputNeeded, message).with_hint(hint));
        }
        let (broker, handle) = (Rc::clone(self), store.clone());
        let opening = |audience| async move { broker.ask_and_open(&handle, &audience).await.map(Rc::new) };
        self.openings.join(store.number(), member, opening).await.map(|_| ())
    }

    async fn ask_and_open(&self, store: &StoreHandle, audience: &Audience) -> Result<(), Failure> {
        let mut complaint = None;
        for attempt in 1..=MAX_ATTEMPTS {
            let kind = match need(store).await? {
                PassphraseNeed::Satisfied => return Ok(()),
                PassphraseNeed::Existing => PromptKind::Passphrase,
                PassphraseNeed::New => PromptKind::NewPassphrase,
            };
            let question = question(store.store(), kind, complaint.take());
            let answer = prompt::ask(audience, &question).await;
            let answer = answer.map_err(|error| failure::from_ask(&error, audience))?;
            match self.try_passphrase(store, Passphrase::copy_from(answer.expose())).await? {
                Ok(()) => return Ok(()),
                Err(error) if attempt == MAX_ATTEMPTS => {
                    self.penalty().await;
                    return Err(failure::from_store(&error));
                }
                Err(_) => {
                    self.penalty().await;
                    complaint = Some("that passphrase does not open the store".to_owned());
                }
            }
        }
        Err(failure::internal("a loop of passphrases ended"))
    }

    /// Tries a passphrase; the inner error is that it is wrong.
    async fn try_passphrase(
        &self,
        store: &StoreHandle,
        passphrase: Passphrase,
    ) -> Result<Result<(), StoreError>, Failure> {
        let generation = store.store().generation();
        match store.run(move |store| store.open(&passphrase, generation)).await? {
            Ok(()) => {
                self.lock.borrow_mut().right_passphrase();
                self.touch();
                Ok(Ok(()))
            }
            Err(error @ StoreError::WrongPassphrase { .. }) => Ok(Err(error)),
            Err(error) => Err(failure::from_store(&error)),
        }
    }

    /// Lets the asker of a wrong passphrase wait; a timer on this request, nobody else's.
    async fn penalty(&self) {
        let delay = self.lock.borrow_mut().wrong_passphrase();
        tokio::time::sleep(delay).await;
    }

    /// Wipes everything and refuses until a person unlocks.
    pub(super) fn lock_now(&self) -> Result<(), Failure> {
        if !self.lock.borrow().is_locked() {
            let open = |handle: &StoreHandle| handle.store().is_open().then(|| handle.number());
            *self.open_when_locked.borrow_mut() = self.stores.all().iter().filter_map(open).collect();
        }
        self.lock.borrow_mut().lock();
        tracing::info!("locked");
        self.wipe()
    }

    /// Opens the store with a passphrase, which is what unlocking means. An empty store has none to check.
    pub(super) async fn unlock(self: &Rc<Self>, visit: Visit) -> Result<(), Failure> {
        if self.lock.borrow().is_locked() {
            self.check_key_of_the_lock(&visit.store)?;
            // Whatever is open now was opened while a person locked.
            visit.store.store().close();
        }
        if need(&visit.store).await? != PassphraseNeed::New {
            self.open_even_if_locked(&visit.store, Member::Client(visit.asker)).await?;
        }
        self.lock.borrow_mut().unlock();
        self.touch();
        tracing::info!("unlocked");
        Ok(())
    }

    /// The passphrase of a store opens the lock only if that store was open when it was locked: anybody can
    /// make another store with another passphrase.
    fn check_key_of_the_lock(&self, store: &StoreHandle) -> Result<(), Failure> {
        let keys = self.open_when_locked.borrow();
        if keys.is_empty() || keys.contains(&store.number()) {
            return Ok(());
        }
        let stores = self.stores.all();
        let places = stores.iter().filter(|handle| keys.contains(&handle.number()));
        let places: Vec<String> = places.map(|handle| handle.store().location()).collect();
        let message = "this store was not open when the agent was locked";
        Err(Failure::new(FailureCode::Forbidden, message)
            .with_hint(format!("aws-vault unlock --file-dir={}", places.join(" or "))))
    }

    /// Forgets sessions and passphrases, and makes what was sealed worthless.
    pub(crate) fn wipe(&self) -> Result<(), Failure> {
        self.sessions.stop_all();
        self.openings.stop_all();
        self.cache.borrow_mut().forget(|_| true);
        self.refreshes.borrow_mut().clear();
        self.plans.clear();
        self.refusals.borrow_mut().clear();
        self.mfa_codes.clear();
        self.stores.close_all();
        self.lock.borrow_mut().forgotten();
        self.sealer.renew().map_err(|error| failure::internal(&error.to_string()))?;
        crate::sys::scrub_stack();
        Ok(())
    }

    /// A secret came in or was used.
    pub(super) fn touch(&self) {
        if self.lock.borrow_mut().touch(Now::read().boot) {
            self.timers.notify_one();
        }
    }

    /// Forgets everything if a lifetime has passed. Called before each request and by a timer: after a
    /// suspend the timer may be late, the request is not.
    pub(crate) fn forget_what_lapsed(&self) {
        let now = Now::read();
        if self.lock.borrow_mut().lapse(now.boot) {
            tracing::info!("forgot everything: its lifetime has passed");
            if let Err(error) = self.wipe() {
                tracing::error!("{error}");
            }
        }
        self.cache.borrow_mut().expire(now);
    }

    /// Time until something lapses.
    pub(crate) fn next_lapse(&self) -> Option<Duration> {
        let deadline = self.lock.borrow().deadline()?;
        Some(deadline.saturating_sub(Now::read().boot))
    }
}

async fn need(store: &StoreHandle) -> Result<PassphraseNeed, Failure> {
    store.run(|store: &dyn Store| store.passphrase()).await?.map_err(|error| failure::from_store(&error))
}

fn brought_passphrase(member: &Member) -> Option<Passphrase> {
    member.clients().iter().find_map(|asker| asker.file_passphrase.borrow_mut().take())
}

fn question(store: &dyn Store, kind: PromptKind, complaint: Option<String>) -> Question {
    let location = store.location();
    let text = if kind == PromptKind::NewPassphrase {
        format!("Choose a passphrase for the new store in {location:?}")
    } else {
        format!("Enter passphrase to unlock {location:?}")
    };
    let timeout_seconds = u32::try_from(PROMPT_TIMEOUT.as_secs()).unwrap_or(u32::MAX);
    Question { kind, text, mfa_serial: None, complaint, timeout_seconds }
}
