//! The decisions: which profiles of a chain get a session, which roles are assumed, for how long, with which
//! MFA (reference §4.2). Everything it asks was collected by [`super::chain`]; everything it answers is data.

use std::collections::BTreeMap;
use std::time::Duration;

use super::chain::{self, Chain};
use super::settings::Settings;
use super::times::{CHAINING_LIMIT, Times};
use super::{
    AssumeRole, GetSessionToken, LongTermKey, NoSessionReason, Note, Plan, PlanError, Purpose, Request,
    Source, Step, near_names, source, tags,
};
use crate::config::{ConfigFile, Key};

/// Works out how to get credentials for the profile that `request` names.
///
/// `stored` says whether the key store has long-term credentials of exactly that name.
///
/// # Errors
/// A profile that nobody knows, a chain that does not end, or one that ends without credentials. Other
/// profiles of the same config are unaffected.
pub fn resolve(
    config: &ConfigFile,
    stored: &dyn Fn(&str) -> bool,
    request: &Request<'_>,
) -> Result<Plan, PlanError> {
    check_known(config, stored, request.profile)?;
    let mut notes = Vec::new();
    let times = Times::of(request, &mut notes);
    let chain = chain::load(config, stored, request)?;
    notes.extend(chain.links.iter().flat_map(|link| link.notes.iter().cloned()));

    let last = chain.links.len() - 1;
    let (source, first) = if chain.ends_in_stored_keys {
        (Source::LongTermKey(LongTermKey { name: chain.links[last].profile.clone() }), last + 1)
    } else {
        (source::of(&chain.links[last], &times, &mut notes)?, last)
    };
    let mut walk = Walk { request, times: &times, chain: &chain, source: &source, steps: Vec::new(), notes };
    walk.run(first)?;
    let Walk { steps, notes, .. } = walk;

    let target = &chain.links[0];
    Ok(Plan {
        profile: target.profile.clone(),
        source,
        steps,
        region: target.owned(Key::Region),
        endpoint_url: target.owned(Key::EndpointUrl),
        minimum_ttl: times.minimum(),
        federation_duration: times.federation(),
        notes: without_repeats(notes),
    })
}

fn check_known(config: &ConfigFile, stored: &dyn Fn(&str) -> bool, profile: &str) -> Result<(), PlanError> {
    if config.has_profile(profile) || (!profile.is_empty() && stored(profile)) {
        return Ok(());
    }
    if let Some(place) = config.misnamed_default().filter(|_| profile == "default") {
        return Err(PlanError::MisnamedDefault { place });
    }
    let near = near_names(profile, config.profile_names());
    Err(PlanError::UnknownProfile { profile: profile.to_owned(), path: config.path().to_owned(), near })
}

/// Whether a session that makes sense at some point of the chain is made.
enum SessionChoice {
    Get,
    /// Without any MFA there is nothing a session could save anybody.
    Skip,
    SkipAndSay(NoSessionReason),
}

/// The way from the source to the target, adding steps.
struct Walk<'a> {
    request: &'a Request<'a>,
    times: &'a Times,
    chain: &'a Chain,
    source: &'a Source,
    steps: Vec<Step>,
    notes: Vec<Note>,
}

impl Walk<'_> {
    /// Visits the last `count` links backwards, the target last.
    fn run(&mut self, count: usize) -> Result<(), PlanError> {
        for index in (0..count).rev() {
            if self.wants_session(index) {
                match self.session_choice(index) {
                    SessionChoice::Get => self.get_session(index),
                    SessionChoice::Skip => {}
                    SessionChoice::SkipAndSay(reason) => {
                        let profile = self.chain.links[index].profile.clone();
                        self.notes.push(Note::NoSession { profile, reason });
                    }
                }
            }
            self.assume_role(index)?;
        }
        // Only whoever is handed the session itself can be said to have asked for its duration.
        if let Some(Step::GetSessionToken(call)) = self.steps.last_mut() {
            call.duration_asked = self.times.session_is_asked();
        }
        Ok(())
    }

    /// A session is for long-term credentials, either to be handed out or to assume the role of the next
    /// profile.
    fn wants_session(&self, index: usize) -> bool {
        let long_term = self.steps.is_empty() && matches!(self.source, Source::LongTermKey(_));
        let feeds_a_role = index > 0 && has_role(&self.chain.links[index - 1]);
        long_term && (!has_role(&self.chain.links[index]) || feeds_a_role)
    }

    fn session_choice(&self, index: usize) -> SessionChoice {
        let ahead = &self.chain.links[..=index];
        let mut roles = ahead.iter().filter(|link| has_role(link));
        let only_role = roles.next().filter(|_| roles.next().is_none());
        let duration = only_role.map(|link| self.times.role(link.role_duration));
        if let Some(duration) = duration.filter(|duration| *duration > CHAINING_LIMIT) {
            return SessionChoice::SkipAndSay(NoSessionReason::FullDuration(duration));
        }
        if self.request.no_session {
            return SessionChoice::SkipAndSay(NoSessionReason::Refused);
        }
        if self.request.purpose == Purpose::Login && !ahead.iter().any(has_role) {
            return SessionChoice::SkipAndSay(NoSessionReason::Login);
        }
        if index == 0 {
            return SessionChoice::Get;
        }
        match (self.chain.links[index - 1].get(Key::MfaSerial), self.chain.links[index].get(Key::MfaSerial)) {
            (Some(user), Some(own)) if user == own => SessionChoice::Get,
            (None, None) => SessionChoice::Skip,
            _ => SessionChoice::SkipAndSay(NoSessionReason::SerialsDiffer),
        }
    }

    fn get_session(&mut self, index: usize) {
        let settings = &self.chain.links[index];
        let chained = index > 0;
        self.steps.push(Step::GetSessionToken(GetSessionToken {
            profile: settings.profile.clone(),
            duration: self.times.session(chained),
            chained,
            duration_asked: false,
            mfa: settings.mfa(),
            endpoint: settings.sts_endpoint(),
        }));
    }

    fn assume_role(&mut self, index: usize) -> Result<(), PlanError> {
        let settings = &self.chain.links[index];
        let Some(role_arn) = settings.owned(Key::RoleArn) else { return Ok(()) };
        let profile = settings.profile.clone();
        let tags = match settings.setting(Key::SessionTags) {
            None => BTreeMap::new(),
            Some(text) => tags::session_tags(&text.value).ok_or_else(|| PlanError::InvalidSessionTags {
                profile: profile.clone(),
                origin: text.origin.clone(),
            })?,
        };
        let duration = self.role_duration(settings);
        self.steps.push(Step::AssumeRole(AssumeRole {
            profile,
            role_arn,
            role_session_name: settings.owned(Key::RoleSessionName),
            external_id: settings.owned(Key::ExternalId),
            tags,
            transitive_tag_keys: settings
                .get(Key::TransitiveSessionTags)
                .map(tags::transitive_keys)
                .unwrap_or_default(),
            source_identity: settings.owned(Key::SourceIdentity),
            duration,
            mfa: settings.mfa().filter(|mfa| !self.session_vouches_for(&mfa.serial)),
            endpoint: settings.sts_endpoint(),
        }));
        Ok(())
    }

    /// What the role may live, given what assumes it.
    fn role_duration(&mut self, settings: &Settings) -> Duration {
        let asked = self.times.role(settings.role_duration);
        let profile = settings.profile.clone();
        if asked <= CHAINING_LIMIT {
            asked
        } else if !self.steps.is_empty() {
            self.notes.push(Note::DurationCapped { profile, asked });
            CHAINING_LIMIT
        } else {
            if !matches!(self.source, Source::LongTermKey(_)) {
                self.notes.push(Note::DurationMayBeRefused { profile, asked });
            }
            asked
        }
    }

    /// Whether a session at the start of the chain was made with a code of this device.
    fn session_vouches_for(&self, serial: &str) -> bool {
        matches!(self.steps.first(), Some(Step::GetSessionToken(call))
            if call.mfa.as_ref().is_some_and(|mfa| mfa.serial == serial))
    }
}

fn has_role(settings: &Settings) -> bool {
    settings.get(Key::RoleArn).is_some()
}

/// Two profiles that inherit the same thing say so once.
fn without_repeats(notes: Vec<Note>) -> Vec<Note> {
    let mut kept: Vec<Note> = Vec::new();
    for note in notes {
        if !kept.contains(&note) {
            kept.push(note);
        }
    }
    kept
}
