//! Where a profile without stored keys and without a source profile gets credentials (reference §4.1, rows 2
//! to 5).

use super::settings::Settings;
use super::times::Times;
use super::{
    CommandLine, CredentialProcess, Note, PlanError, Source, SsoAccess, WebIdentity, WebIdentityToken,
};
use crate::config::Key;

/// The first of SSO, web identity and credential process that the profile has.
pub(super) fn of(settings: &Settings, times: &Times, notes: &mut Vec<Note>) -> Result<Source, PlanError> {
    if settings.get(Key::SsoStartUrl).is_some() {
        note_ignored_role(settings, "SSO", notes);
        return sso(settings).map(Source::Sso);
    }
    if let Some((key, token)) = token(settings) {
        return web_identity(settings, times, key, token).map(Source::WebIdentity);
    }
    if let Some(command) = settings.owned(Key::CredentialProcess) {
        note_ignored_role(settings, "credential_process", notes);
        let command = CommandLine(command);
        return Ok(Source::CredentialProcess(CredentialProcess {
            profile: settings.profile.clone(),
            command,
        }));
    }
    let profile = settings.profile.clone();
    // That the session named did not exist was only worth a note while something else could serve.
    Err(match settings.setting(Key::SsoSession).cloned() {
        Some(session) => {
            PlanError::UnknownSsoSession { profile, session: session.value, origin: session.origin }
        }
        None => PlanError::NoCredentials { profile },
    })
}

fn sso(settings: &Settings) -> Result<SsoAccess, PlanError> {
    let needed = |key| needed(settings, key, Key::SsoStartUrl, "SSO");
    Ok(SsoAccess {
        profile: settings.profile.clone(),
        session: settings.owned(Key::SsoSession),
        start_url: needed(Key::SsoStartUrl)?,
        scopes: settings.sso_scopes.clone(),
        account_id: needed(Key::SsoAccountId)?,
        role_name: needed(Key::SsoRoleName)?,
        endpoint: settings.endpoint_in(Some(needed(Key::SsoRegion)?)),
    })
}

/// The token and the key that names it. A file wins over a process.
fn token(settings: &Settings) -> Option<(Key, WebIdentityToken)> {
    let file = settings.owned(Key::WebIdentityTokenFile).map(WebIdentityToken::File);
    let process =
        || settings.owned(Key::WebIdentityTokenProcess).map(CommandLine).map(WebIdentityToken::Process);
    file.map(|token| (Key::WebIdentityTokenFile, token))
        .or_else(|| process().map(|token| (Key::WebIdentityTokenProcess, token)))
}

fn web_identity(
    settings: &Settings,
    times: &Times,
    key: Key,
    token: WebIdentityToken,
) -> Result<WebIdentity, PlanError> {
    Ok(WebIdentity {
        profile: settings.profile.clone(),
        token,
        role_arn: needed(settings, Key::RoleArn, key, "a web identity")?,
        role_session_name: settings.owned(Key::RoleSessionName),
        duration: times.role(settings.role_duration),
        endpoint: settings.sts_endpoint(),
    })
}

/// The value of `key`, or the error that says what chose the kind of access it belongs to.
fn needed(
    settings: &Settings,
    key: Key,
    chosen_by: Key,
    needed_by: &'static str,
) -> Result<String, PlanError> {
    let profile = settings.profile.clone();
    match (settings.owned(key), settings.setting(chosen_by)) {
        (Some(value), _) => Ok(value),
        (None, Some(chooser)) => {
            Err(PlanError::MissingSetting { profile, key, needed_by, origin: chooser.origin.clone() })
        }
        (None, None) => Err(PlanError::NoCredentials { profile }),
    }
}

fn note_ignored_role(settings: &Settings, winner: &'static str, notes: &mut Vec<Note>) {
    if let Some(role) = settings.setting(Key::RoleArn) {
        let origin = role.origin.clone();
        notes.push(Note::RoleIgnored { profile: settings.profile.clone(), winner, origin });
    }
}
