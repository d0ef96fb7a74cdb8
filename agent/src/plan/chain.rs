//! Follows `source_profile` from the profile asked for to the one that has credentials (reference §3.7).
//!
//! Iterates, never recurses: a config may be hostile. The chain ends at the first profile with stored keys.

use super::settings::{Setting, Settings};
use super::{Note, PlanError, Request, near_names};
use crate::config::{ConfigFile, Key};

/// Source profiles that are followed. Real chains have two or three, and AWS would throttle a hundred roles.
const MAX_SOURCES: usize = 100;

/// The profiles a plan runs through.
pub(super) struct Chain {
    /// The profile asked for first, its source next, and so on. Never empty.
    pub(super) links: Vec<Settings>,
    /// Whether the last of them has stored keys.
    pub(super) ends_in_stored_keys: bool,
}

/// Loads the chain of the profile that `request` asks for.
pub(super) fn load(
    config: &ConfigFile,
    stored: &dyn Fn(&str) -> bool,
    request: &Request<'_>,
) -> Result<Chain, PlanError> {
    let mut links: Vec<Settings> = Vec::new();
    let mut name = request.profile.to_owned();
    loop {
        let mut settings = Settings::of(config, request, &name, links.is_empty())?;
        let source = settings.setting(Key::SourceProfile).cloned();
        if stored(&name) {
            if let Some(Setting { value: source, origin, .. }) = source {
                if let Some(process) = process_behind(config, request, &name, &source) {
                    settings.fill(Key::MfaProcess, process);
                }
                settings.notes.push(Note::OwnKeysFirst { profile: name, source, origin });
            }
            links.push(settings);
            return Ok(finished(links, true));
        }
        links.push(settings);
        let Some(source) = source else {
            return Ok(finished(links, false));
        };
        check_source(config, stored, &links, &source)?;
        name = source.value;
    }
}

/// Refuses a source that closes a circle, exceeds the limit or does not exist.
fn check_source(
    config: &ConfigFile,
    stored: &dyn Fn(&str) -> bool,
    links: &[Settings],
    source: &Setting,
) -> Result<(), PlanError> {
    let Setting { value: name, origin, .. } = source.clone();
    let names = || links.iter().map(|link| link.profile.clone());
    if let Some(start) = links.iter().position(|link| link.profile == name) {
        return Err(PlanError::SourceCycle { cycle: names().skip(start).chain([name]).collect(), origin });
    }
    if links.len() > MAX_SOURCES {
        return Err(PlanError::TooManySources {
            profile: links[0].profile.clone(),
            limit: MAX_SOURCES,
            origin,
        });
    }
    if !config.has_profile(&name) && !stored(&name) {
        let near = near_names(&name, config.profile_names());
        let profile = links[links.len() - 1].profile.clone();
        return Err(PlanError::UnknownSourceProfile { profile, source_profile: name, origin, near });
    }
    Ok(())
}

/// Hands `mfa_process`, the one inherited setting, from each source to the profile that uses it.
fn finished(mut links: Vec<Settings>, ends_in_stored_keys: bool) -> Chain {
    for user in (1..links.len()).rev().map(|source| source - 1) {
        if let Some(process) = links[user + 1].setting(Key::MfaProcess).cloned() {
            links[user].fill(Key::MfaProcess, process);
        }
    }
    Chain { links, ends_in_stored_keys }
}

/// The `mfa_process` behind a `source_profile` that is not used: aws-vault takes it from there all the same.
/// Whatever is wrong back there does not matter.
fn process_behind(
    config: &ConfigFile,
    request: &Request<'_>,
    profile: &str,
    source: &str,
) -> Option<Setting> {
    let mut visited = vec![profile.to_owned()];
    let mut name = source.to_owned();
    while !visited.contains(&name) && visited.len() <= MAX_SOURCES {
        let settings = Settings::of(config, request, &name, false).ok()?;
        if let Some(process) = settings.setting(Key::MfaProcess) {
            return Some(process.clone());
        }
        let next = settings.owned(Key::SourceProfile)?;
        visited.push(std::mem::replace(&mut name, next));
    }
    None
}
