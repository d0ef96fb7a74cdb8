//! The Security Token Service: which action a request is, and the actions that are short.
//!
//! Parameters, limits and words are those of the STS API reference (version 2011-06-15). It answers in XML without the
//! envelope, and never looks at HTTP.

mod assume_role;
mod session;
mod web_identity;

use super::authentication::authenticate;
use super::aws_error::AwsError;
use super::constraints::Constraints;
use super::request::{Parameters, Request};
use super::world::{Holder, Key, World};
use super::{clock, xml};

pub(super) use web_identity::unsigned_token;

/// The namespace of every answer.
pub(super) const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

const VERSION: &str = "2011-06-15";
/// The shortest session AWS gives, in seconds.
const MIN_DURATION: i64 = 900;

/// How the credentials of an answer are spoiled on purpose.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spoil {
    /// The session token is left empty.
    pub(super) empty_token: bool,
    /// The expiration is a minute ago.
    pub(super) expired: bool,
}

/// A request that is known to come from its caller.
struct Asked<'a> {
    caller: Key,
    parameters: &'a Parameters,
    now: i64,
    spoil: Spoil,
}

/// Carries out `request` and returns the members of the action's result.
pub(super) fn answer(
    world: &mut World,
    request: &Request,
    parameters: &Parameters,
    spoil: Spoil,
) -> Result<Vec<String>, AwsError> {
    let now = world.now();
    let action = parameters.get("Action").unwrap_or_default();
    let run: fn(&mut World, &Asked<'_>) -> Result<Vec<String>, AwsError> = match action {
        // The only one that is not signed: the token is the proof.
        "AssumeRoleWithWebIdentity" if version_is_known(parameters) => {
            return web_identity::assume(world, parameters, spoil, now);
        }
        "GetCallerIdentity" => |_, asked| Ok(caller_identity(&asked.caller)),
        "GetSessionToken" => session::get_session_token,
        "GetFederationToken" => session::get_federation_token,
        "AssumeRole" => assume_role::assume_role,
        _ => return Err(unknown_action(action, parameters)),
    };
    if !version_is_known(parameters) {
        return Err(unknown_action(action, parameters));
    }
    let caller = authenticate(world, request, "sts", now)?.clone();
    run(world, &Asked { caller, parameters, now, spoil })
}

/// The `Credentials` element of `key`. A token that is left out is kept in the world; an expiration that is spoiled is
/// true, and the key is refused from now on.
fn credentials(world: &mut World, key: &Key, spoil: Spoil, now: i64) -> String {
    let mut expiration = key.issued.expiration.expect("every key that is issued here is a session's");
    if spoil.expired {
        expiration = now - 60;
        let kept = world.keys.iter_mut().find(|kept| kept.issued.access_key_id == key.issued.access_key_id);
        kept.expect("a key just issued is in the world").issued.expiration = Some(expiration);
    }
    let token = key.issued.session_token.as_deref().filter(|_| !spoil.empty_token).unwrap_or_default();
    let members = [
        xml::text("AccessKeyId", &key.issued.access_key_id),
        xml::text("SecretAccessKey", &key.issued.secret_access_key),
        xml::text("SessionToken", token),
        xml::text("Expiration", &clock::extended(expiration)),
    ];
    xml::parent("Credentials", &members)
}

/// `DurationSeconds` within 900 and `max`, or the default.
fn duration(constraints: &mut Constraints, parameters: &Parameters, max: i64, default: i64) -> i64 {
    let asked = parameters.get("DurationSeconds");
    constraints.number("durationSeconds", asked, (MIN_DURATION, max)).unwrap_or(default)
}

/// Spends a one-time code for `caller`. `Ok(false)` if the call carries none.
fn check_mfa(
    world: &mut World,
    caller: &Key,
    serial: Option<&str>,
    code: Option<&str>,
    now: i64,
) -> Result<bool, AwsError> {
    let failed = |why| AwsError::access_denied(format!("MultiFactorAuthentication failed{why}"));
    let (serial, code) = match (serial, code) {
        (None, None) => return Ok(false),
        (Some(serial), Some(code)) => (serial, code),
        _ => return Err(failed(", must provide both MFA serial number and one time pass code.")),
    };
    let device = world.devices.get_mut(serial);
    let device = device.filter(|device| caller.identity.holder == Holder::User(device.user.clone()));
    let device = device.ok_or_else(|| {
        failed(
            ", unable to validate MFA code.  Please verify your MFA serial number is valid and \
             associated with this user.",
        )
    })?;
    let accepted = device.accept(code, now);
    accepted.then_some(true).ok_or_else(|| failed(" with invalid MFA one time pass code."))
}

fn caller_identity(caller: &Key) -> Vec<String> {
    let identity = &caller.identity;
    vec![
        xml::text("Arn", &identity.arn),
        xml::text("UserId", &identity.user_id),
        xml::text("Account", &identity.account),
    ]
}

fn version_is_known(parameters: &Parameters) -> bool {
    parameters.get("Version") == Some(VERSION)
}

fn unknown_action(action: &str, parameters: &Parameters) -> AwsError {
    let version = parameters.get("Version").unwrap_or("NO_VERSION_SPECIFIED");
    AwsError::new(400, "InvalidAction", format!("Could not find operation {action} for version {version}"))
}
