//! A plan in words, for `aws-vault explain PROFILE`. Shows names, ARNs and places; command lines of the
//! config, which may hold passwords, are not shown.

use super::note::shown;
use super::{AssumeRole, Endpoint, GetSessionToken, Mfa, Plan, Source, Step, StsMode, WebIdentityToken};

/// The lines to print, without line ends and without anything a terminal would obey.
pub fn lines(plan: &Plan) -> Vec<String> {
    let mut lines = vec![match &plan.region {
        Some(region) => format!("profile {:?}, region {region}", plan.profile),
        None => format!("profile {:?}, no region", plan.profile),
    }];
    lines.extend(plan.endpoint_url.iter().map(|url| format!("programs are told to use {url}")));
    lines.push(String::new());
    numbered(&mut lines, 1, source(&plan.source, plan.steps.is_empty()));
    for (index, step) in plan.steps.iter().enumerate() {
        let is_last = index + 1 == plan.steps.len();
        let texts = match step {
            Step::GetSessionToken(call) => get_session_token(call, is_last),
            Step::AssumeRole(call) => assume_role(call, is_last),
        };
        numbered(&mut lines, index + 2, texts);
    }
    if !plan.notes.is_empty() {
        lines.extend([String::new(), "notes:".to_owned()]);
        lines.extend(plan.notes.iter().map(|note| format!("  - {note}")));
    }
    lines.iter().map(|line| visible(line)).collect()
}

/// The first line behind its number, the others below its text.
fn numbered(lines: &mut Vec<String>, number: usize, texts: Vec<String>) {
    for (index, text) in texts.into_iter().enumerate() {
        lines.push(if index == 0 { format!("{number}. {text}") } else { format!("   {text}") });
    }
}

fn source(source: &Source, is_last: bool) -> Vec<String> {
    match source {
        Source::LongTermKey(key) => {
            let mut lines = vec![format!("long-term credentials {:?} from the key store", key.name)];
            lines.extend(is_last.then(|| "handed out as they are: they do not expire".to_owned()));
            lines
        }
        Source::Sso(access) => {
            let session =
                access.session.as_ref().map(|name| format!(", session {name:?}")).unwrap_or_default();
            vec![
                format!("sso:GetRoleCredentials for {:?}", access.profile),
                format!("account {}, permission set {}", access.account_id, access.role_name),
                format!("signed in at {}{session}", access.start_url),
                format!("endpoint: {}", endpoint(&access.endpoint, "SSO")),
                in_memory(is_last),
            ]
        }
        Source::WebIdentity(access) => vec![
            format!("sts:AssumeRoleWithWebIdentity for {:?}, {}", access.profile, shown(access.duration)),
            format!("role {}", access.role_arn),
            match &access.token {
                WebIdentityToken::File(path) => format!("token from the file {path:?}"),
                WebIdentityToken::Process(_) => "token from web_identity_token_process".to_owned(),
            },
            format!("endpoint: {}", endpoint(&access.endpoint, "STS")),
            in_memory(is_last),
        ],
        Source::CredentialProcess(process) => {
            vec![format!("credential_process of {:?}", process.profile), in_memory(is_last)]
        }
    }
}

fn get_session_token(call: &GetSessionToken, is_last: bool) -> Vec<String> {
    let mut lines = vec![format!("sts:GetSessionToken for {:?}, {}", call.profile, shown(call.duration))];
    lines.extend(call.mfa.as_ref().map(mfa));
    lines.push(format!("endpoint: {}", endpoint(&call.endpoint, "STS")));
    let shared = ", shared by profiles with the same key, MFA device and endpoint";
    lines.push(in_memory(is_last) + if call.duration_asked { "" } else { shared });
    lines
}

fn assume_role(call: &AssumeRole, is_last: bool) -> Vec<String> {
    let mut lines = vec![
        format!("sts:AssumeRole for {:?}, {}", call.profile, shown(call.duration)),
        format!("role {}", call.role_arn),
    ];
    lines.extend(call.role_session_name.iter().map(|name| format!("role session name {name}")));
    lines.extend(call.external_id.iter().map(|id| format!("external ID {id}")));
    lines.extend(call.tags.iter().map(|(key, value)| {
        let transitive = if call.transitive_tag_keys.contains(key) { ", transitive" } else { "" };
        format!("tag {key}={value}{transitive}")
    }));
    lines.extend(call.source_identity.iter().map(|identity| format!("source identity {identity}")));
    lines.extend(call.mfa.as_ref().map(mfa));
    lines.push(format!("endpoint: {}", endpoint(&call.endpoint, "STS")));
    lines.push(in_memory(is_last));
    lines
}

fn mfa(mfa: &Mfa) -> String {
    let origin = if mfa.process.is_some() { "from mfa_process" } else { "asked where you type" };
    format!("MFA code of {}, {origin}", mfa.serial)
}

fn in_memory(is_last: bool) -> String {
    let handed_out = if is_last { "handed out, and " } else { "" };
    format!("{handed_out}kept in the agent's memory until it expires")
}

fn endpoint(endpoint: &Endpoint, service: &str) -> String {
    if let Some(url) = &endpoint.url {
        return url.clone();
    }
    let mut text = match (&endpoint.region, endpoint.sts_mode) {
        (None, _) => return format!("{service}, no region set"),
        (Some(region), StsMode::Regional) => format!("{service} in {region}"),
        (Some(region), StsMode::Legacy) => {
            format!("{service} in {region}, legacy global host where there is one")
        }
    };
    for (wanted, word) in [(endpoint.fips, ", FIPS"), (endpoint.dual_stack, ", dual stack")] {
        if wanted {
            text.push_str(word);
        }
    }
    text
}

/// A config may be somebody else's: what would move the cursor is shown as `?`.
fn visible(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
