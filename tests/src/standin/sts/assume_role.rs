//! `AssumeRole`: the limits on what is asked, the trust policy of the role, and what passes on in a chain.
//!
//! Who may assume a role is decided by its [`RoleOptions`](crate::standin::RoleOptions) alone; there are no other
//! policies here.

use super::super::aws_error::AwsError;
use super::super::calls::Tag;
use super::super::constraints::{Constraints, DIGITS, EXTERNAL_ID, NAME, POLICY, PRINTABLE, SERIAL, TAG};
use super::super::request::Parameters;
use super::super::world::{Holder, Identity, Key, NewSession, Role, World};
use super::super::xml;
use super::{Asked, check_mfa, credentials, duration};

/// 12 hours: the longest `MaxSessionDuration` a role can have.
pub(super) const MAX_DURATION: i64 = 43_200;
/// One hour (API reference).
pub(super) const DEFAULT_DURATION: i64 = 3600;
/// One hour (IAM User Guide, "Role chaining").
const MAX_CHAINED_DURATION: i64 = 3600;
/// API reference, `Tags` and `TransitiveTagKeys`.
const MAX_TAGS: usize = 50;
/// What the service may need of the packed size of policy and tags, in characters, for `PackedPolicySize`.
const PACKED_LIMIT: usize = 2048;

/// The parameters, within their limits.
struct Wish {
    role_arn: String,
    session_name: String,
    lifetime: i64,
    tags: Vec<Tag>,
    transitive_keys: Vec<String>,
    source_identity: Option<String>,
    policy: Option<String>,
}

pub(super) fn assume_role(world: &mut World, asked: &Asked<'_>) -> Result<Vec<String>, AwsError> {
    let Asked { caller, parameters, now, spoil } = asked;
    let wish = Wish::read(parameters)?;
    let (serial, code) = (parameters.get("SerialNumber"), parameters.get("TokenCode"));
    let mfa = check_mfa(world, caller, serial, code, *now)?;
    let role = world.roles.get(&wish.role_arn);
    let trusted = role.filter(|role| trusts(role, caller, mfa, parameters.get("ExternalId")));
    let role = trusted
        .cloned()
        .ok_or_else(|| AwsError::not_authorized(&caller.identity.arn, "sts:AssumeRole", &wish.role_arn))?;
    if matches!(caller.identity.holder, Holder::Role(_)) && wish.lifetime > MAX_CHAINED_DURATION {
        return Err(AwsError::validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        ));
    }
    within_role_limit(&role, wish.lifetime)?;
    let identity = role_session(&role, &wish.session_name);
    let user = assumed_role_user(&identity);
    let session = NewSession {
        identity,
        lifetime: wish.lifetime,
        // A role's session does not carry MFA on, even if the call did.
        mfa: false,
        transitive_tags: transitive_tags(&wish, caller)?,
        source_identity: source_identity(&wish, caller)?,
    };
    let source_identity = session.source_identity.clone();
    let key = world.issue(session, *now);
    Ok(vec![
        credentials(world, &key, *spoil, *now),
        user,
        xml::optional("PackedPolicySize", wish.packed_size().as_deref()),
        xml::optional("SourceIdentity", source_identity.as_deref()),
    ])
}

/// Refuses a session longer than the role allows.
pub(super) fn within_role_limit(role: &Role, lifetime: i64) -> Result<(), AwsError> {
    if lifetime <= role.options.max_duration {
        return Ok(());
    }
    Err(AwsError::validation(
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    ))
}

/// Who one is after assuming `role` under `session_name`.
pub(super) fn role_session(role: &Role, session_name: &str) -> Identity {
    Identity {
        holder: Holder::Role(role.arn.clone()),
        arn: format!("arn:aws:sts::{}:assumed-role/{}/{session_name}", role.account, role.name),
        user_id: format!("{}:{session_name}", role.id),
        account: role.account.clone(),
    }
}

/// The `AssumedRoleUser` element.
pub(super) fn assumed_role_user(identity: &Identity) -> String {
    let members = [xml::text("AssumedRoleId", &identity.user_id), xml::text("Arn", &identity.arn)];
    xml::parent("AssumedRoleUser", &members)
}

impl Wish {
    fn read(parameters: &Parameters) -> Result<Self, AwsError> {
        let text = |name| parameters.get(name);
        let mut limits = Constraints::default();
        let wish = Self {
            role_arn: limits.required("roleArn", text("RoleArn"), (20, 2048), PRINTABLE),
            session_name: limits.required("roleSessionName", text("RoleSessionName"), (2, 64), NAME),
            lifetime: duration(&mut limits, parameters, MAX_DURATION, DEFAULT_DURATION),
            tags: parameters.tags("Tags"),
            transitive_keys: parameters.list("TransitiveTagKeys"),
            source_identity: text("SourceIdentity").map(str::to_owned),
            policy: text("Policy").map(str::to_owned),
        };
        limits.text("externalId", text("ExternalId"), (2, 1224), EXTERNAL_ID);
        limits.text("serialNumber", text("SerialNumber"), (9, 256), SERIAL);
        limits.text("tokenCode", text("TokenCode"), (6, 6), DIGITS);
        limits.text("sourceIdentity", text("SourceIdentity"), (2, 64), NAME);
        limits.text("policy", text("Policy"), (1, 2048), POLICY);
        limits.at_most("tags", wish.tags.len(), MAX_TAGS);
        limits.at_most("transitiveTagKeys", wish.transitive_keys.len(), MAX_TAGS);
        for (index, tag) in (1..).zip(&wish.tags) {
            limits.text(&format!("tags.{index}.member.key"), Some(&tag.key), (1, 128), TAG);
            limits.text(&format!("tags.{index}.member.value"), Some(&tag.value), (0, 256), TAG);
        }
        limits.check()?;
        wish.check_tags()?;
        wish.check_policy()?;
        Ok(wish)
    }

    fn check_tags(&self) -> Result<(), AwsError> {
        let has = |tags: &[Tag], key: &str| tags.iter().any(|tag| tag.key.eq_ignore_ascii_case(key));
        let repeated = |(index, tag): (usize, &Tag)| has(&self.tags[..index], &tag.key);
        if self.tags.iter().enumerate().any(repeated) {
            return Err(AwsError::invalid_parameter(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
        if !self.transitive_keys.iter().all(|key| has(&self.tags, key)) {
            return Err(AwsError::invalid_parameter(
                "The specified transitive tag key must be included in the requested tags.",
            ));
        }
        Ok(())
    }

    fn check_policy(&self) -> Result<(), AwsError> {
        let is_json = |policy: &String| serde_json::from_str::<serde_json::Value>(policy).is_ok();
        if self.policy.as_ref().is_none_or(is_json) {
            return Ok(());
        }
        Err(AwsError::new(400, "MalformedPolicyDocument", "Syntax errors in policy."))
    }

    /// Per cent of the limit that policy and tags take; AWS says it only if there is one of them.
    fn packed_size(&self) -> Option<String> {
        let tags: usize = self.tags.iter().map(|tag| tag.key.len() + tag.value.len()).sum();
        let size = tags + self.policy.as_ref().map_or(0, String::len);
        (size > 0).then(|| (size * 100).div_ceil(PACKED_LIMIT).to_string())
    }
}

/// The trust policy of `role`. AWS does not say which part of it a caller failed, and a role that does not exist
/// looks the same.
fn trusts(role: &Role, caller: &Key, mfa: bool, external_id: Option<&str>) -> bool {
    let options = &role.options;
    let caller_arn = match &caller.identity.holder {
        Holder::User(_) => &caller.identity.arn,
        Holder::Role(role_arn) => role_arn,
        Holder::Federated => return false,
    };
    let named = options.trusted.is_empty() || options.trusted.contains(caller_arn);
    let with_mfa = !options.requires_mfa || mfa || caller.mfa;
    let with_id = options.external_id.is_none() || options.external_id.as_deref() == external_id;
    named && with_mfa && with_id
}

/// The tags that the new session passes on: the caller's, and those of its own it marks so.
fn transitive_tags(wish: &Wish, caller: &Key) -> Result<Vec<Tag>, AwsError> {
    let mut passed = caller.transitive_tags.clone();
    let inherited =
        |tag: &Tag| caller.transitive_tags.iter().any(|old| old.key.eq_ignore_ascii_case(&tag.key));
    if wish.tags.iter().any(inherited) {
        return Err(AwsError::invalid_parameter(
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key \
             from the calling session.",
        ));
    }
    let marked = |tag: &&Tag| wish.transitive_keys.iter().any(|key| key.eq_ignore_ascii_case(&tag.key));
    passed.extend(wish.tags.iter().filter(marked).cloned());
    Ok(passed)
}

/// A source identity is set once; a session opened from it keeps it and may not say another.
fn source_identity(wish: &Wish, caller: &Key) -> Result<Option<String>, AwsError> {
    match (&caller.source_identity, &wish.source_identity) {
        (Some(old), Some(new)) if old != new => {
            Err(AwsError::not_authorized(&caller.identity.arn, "sts:SetSourceIdentity", &wish.role_arn))
        }
        (old, new) => Ok(old.clone().or_else(|| new.clone())),
    }
}

#[cfg(test)]
#[path = "assume_role_tests.rs"]
mod tests;
