//! Long-term credentials in and out of the store, and what is there.

use std::rc::Rc;

use aws_vault_protocol::failure::{Failure, FailureCode};
use aws_vault_protocol::message::{Add, AddPrepared, Added, Cleared, Listing, SessionRow};

use super::{Broker, Visit};
use crate::audience::Member;
use crate::config::{self, Key};
use crate::configs::{ConfigFileError, NewSection};
use crate::failure;
use crate::store::{Item, Store, is_credential_name};

impl Broker {
    /// Answers `List`. Reads no secret and asks nobody.
    pub(super) async fn list(&self, visit: &Visit) -> Result<Listing, Failure> {
        let keys = visit.store.run(|store: &dyn Store| store.keys()).await?;
        let keys = keys.map_err(|error| failure::from_store(&error))?;
        Ok(Listing {
            profiles: visit.config.profile_names().map(str::to_owned).collect(),
            credentials: keys.into_iter().filter(|key| is_credential_name(key)).collect(),
            sessions: self.session_rows(),
        })
    }

    /// The sessions in memory, soonest to expire first.
    pub(super) fn session_rows(&self) -> Vec<SessionRow> {
        let cache = self.cache.borrow();
        let mut rows: Vec<SessionRow> = cache
            .iter()
            .map(|(_, entry)| SessionRow {
                profile: entry.profile.clone(),
                kind: entry.kind.to_owned(),
                role_arn: entry.role_arn.clone(),
                expiration: entry.expiration,
            })
            .collect();
        rows.sort_by(|a, b| (a.expiration, &a.profile).cmp(&(b.expiration, &b.profile)));
        rows
    }

    /// Answers `Clear`.
    pub(super) fn clear(&self, profile: Option<&str>) -> Cleared {
        let mut cache = self.cache.borrow_mut();
        Cleared { sessions: count(cache.forget(|entry| profile.is_none_or(|name| entry.profile == name))) }
    }

    /// Answers `PrepareAdd`.
    pub(super) fn prepare_add(visit: &Visit, profile: &str) -> Result<AddPrepared, Failure> {
        config::check_new_profile_name(profile).map_err(|error| failure::from_name(&error))?;
        let section = visit.config.profile(profile);
        let source = section.as_ref().and_then(|section| section.get(Key::SourceProfile));
        if let Some(source) = source.filter(|source| !source.value.is_empty() && source.value != profile) {
            let place = visit.config.place(source.line);
            let message = format!(
                "profile {profile:?} takes its credentials from source_profile {:?}; its own would hide that",
                source.value
            );
            let hint = format!("aws-vault add {}, or remove source_profile at {place}", source.value);
            return Err(Failure::new(FailureCode::Config, message).with_hint(hint));
        }
        Ok(AddPrepared {
            section_exists: section.is_some(),
            replaces: visit.store.store().version(profile).is_some(),
        })
    }

    /// Answers `Add`.
    pub(super) async fn add(self: &Rc<Self>, visit: Visit, ask: Add) -> Result<Added, Failure> {
        let prepared = Self::prepare_add(&visit, &ask.profile)?;
        check_keys(&ask)?;
        let serial = ask.mfa_serial.clone().filter(|serial| !serial.is_empty());
        let section = if prepared.section_exists || !ask.add_config {
            None
        } else {
            let (path, profile, serial) = (visit.config_path.clone(), ask.profile.clone(), serial.clone());
            Some(blocking(move || NewSection::for_profile(&path, &profile, serial.as_deref())).await?)
        };
        self.open_store(&visit.store, Member::Client(Rc::clone(&visit.asker))).await?;
        let item = Item::for_credentials(&ask.profile, &ask.access_key_id, &ask.secret_access_key);
        let stored = visit.store.run(move |store| store.set(&item)).await?;
        stored.map_err(|error| failure::from_store(&error))?;
        tracing::info!(
            pid = visit.asker.peer.process_id(),
            profile = ask.profile,
            "stored long-term credentials"
        );

        let source = visit.store.item_id(&ask.profile);
        let sessions = self.cache.borrow_mut().forget(|entry| entry.source == source);
        let mut added = Added { sessions: count(sessions), section_added_to: None, remark: None };
        if prepared.section_exists {
            added.remark = serial.map(|serial| {
                format!("the config has a section for {:?}; add to it: mfa_serial = {serial}", ask.profile)
            });
        }
        if let Some(section) = section {
            // The credentials are stored; that the config could not be written must not read as if they were not.
            match blocking(move || section.append()).await {
                Ok(()) => added.section_added_to = Some(visit.config_path.to_string_lossy().into_owned()),
                Err(error) => {
                    added.remark =
                        Some(format!("the credentials are stored, but the config was not extended: {error}"));
                }
            }
        }
        Ok(added)
    }

    /// Answers `Remove`. The sessions of the removed credentials go with them.
    pub(super) async fn remove(&self, visit: &Visit, profile: &str) -> Result<(), Failure> {
        let key = profile.to_owned();
        let removed = visit.store.run(move |store| store.remove(&key)).await?;
        removed.map_err(|error| failure::from_store(&error))?;
        tracing::info!(pid = visit.asker.peer.process_id(), profile, "removed long-term credentials");
        let source = visit.store.item_id(profile);
        self.cache.borrow_mut().forget(|entry| entry.source == source);
        Ok(())
    }
}

/// Runs work on a config file on the blocking pool.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ConfigFileError> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|_| failure::internal("work on the config was lost"))?;
    done.map_err(|error| failure::from_config_file(&error))
}

/// Refuses what can only be a slip of the clipboard. What is a valid key is for AWS to say.
fn check_keys(ask: &Add) -> Result<(), Failure> {
    let wrong = |what: &str| {
        let message = format!("the {what} is empty or has spaces or control characters");
        Err(Failure::new(FailureCode::InvalidRequest, message)
            .with_hint("copy it again from the IAM console"))
    };
    let usable = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
    if !usable(&ask.access_key_id) {
        return wrong("access key ID");
    }
    if !usable(ask.secret_access_key.expose()) {
        return wrong("secret access key");
    }
    Ok(())
}

fn count(sessions: usize) -> u32 {
    u32::try_from(sessions).unwrap_or(u32::MAX)
}
