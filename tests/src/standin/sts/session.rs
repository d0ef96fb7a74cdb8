//! `GetSessionToken` and `GetFederationToken`: sessions of a user, opened with the user's long-term key.
//!
//! Both refuse a caller that is itself a session.

use super::super::aws_error::AwsError;
use super::super::constraints::{Constraints, DIGITS, NAME, POLICY, SERIAL};
use super::super::world::{Holder, Identity, NewSession, World};
use super::super::xml;
use super::{Asked, check_mfa, credentials, duration};

/// 36 hours (API reference of both actions).
const MAX_DURATION: i64 = 129_600;
/// 12 hours, likewise.
const DEFAULT_DURATION: i64 = 43_200;

pub(super) fn get_session_token(world: &mut World, asked: &Asked<'_>) -> Result<Vec<String>, AwsError> {
    let Asked { caller, parameters, now, spoil } = asked;
    let (serial, code) = (parameters.get("SerialNumber"), parameters.get("TokenCode"));
    let mut constraints = Constraints::default();
    let lifetime = duration(&mut constraints, parameters, MAX_DURATION, DEFAULT_DURATION);
    constraints.text("serialNumber", serial, (9, 256), SERIAL);
    constraints.text("tokenCode", code, (6, 6), DIGITS);
    constraints.check()?;
    if caller.issued.session_token.is_some() {
        return Err(AwsError::access_denied("Cannot call GetSessionToken with session credentials"));
    }
    let mfa = check_mfa(world, caller, serial, code, *now)?;
    let identity = caller.identity.clone();
    let session = NewSession { identity, lifetime, mfa, transitive_tags: Vec::new(), source_identity: None };
    let key = world.issue(session, *now);
    Ok(vec![credentials(world, &key, *spoil, *now)])
}

pub(super) fn get_federation_token(world: &mut World, asked: &Asked<'_>) -> Result<Vec<String>, AwsError> {
    let Asked { caller, parameters, now, spoil } = asked;
    let mut constraints = Constraints::default();
    let name = constraints.required("name", parameters.get("Name"), (2, 32), NAME);
    constraints.text("policy", parameters.get("Policy"), (1, 2048), POLICY);
    let lifetime = duration(&mut constraints, parameters, MAX_DURATION, DEFAULT_DURATION);
    constraints.check()?;
    if caller.issued.session_token.is_some() {
        return Err(AwsError::access_denied("Cannot call GetFederationToken with session credentials"));
    }
    let account = caller.identity.account.clone();
    let arn = format!("arn:aws:sts::{account}:federated-user/{name}");
    let user_id = format!("{account}:{name}");
    let federated_user =
        xml::parent("FederatedUser", &[xml::text("FederatedUserId", &user_id), xml::text("Arn", &arn)]);
    let identity = Identity { holder: Holder::Federated, arn, user_id, account };
    let session =
        NewSession { identity, lifetime, mfa: false, transitive_tags: Vec::new(), source_identity: None };
    let key = world.issue(session, *now);
    Ok(vec![credentials(world, &key, *spoil, *now), federated_user])
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{Fixture, call, sign};
    use super::super::Spoil;

    #[test]
    fn a_code_opens_one_session() {
        let Fixture { mut world, user, serial, .. } = Fixture::new();
        let code = world.devices.get(&serial).unwrap().current_code(world.now());
        let form = format!("Action=GetSessionToken&SerialNumber={serial}&TokenCode={code}");
        call(&mut world, &user, &form).unwrap();
        assert!(world.keys.last().unwrap().mfa);
        let error = call(&mut world, &user, &form).unwrap_err();
        assert_eq!((error.status, error.code.as_str()), (403, "AccessDenied"));
        assert_eq!(error.message, "MultiFactorAuthentication failed with invalid MFA one time pass code.");
    }

    #[test]
    fn the_device_must_be_the_callers() {
        let Fixture { mut world, serial, .. } = Fixture::new();
        world.add_user("bob");
        let bob = world.keys.last().unwrap().clone();
        let code = world.devices.get(&serial).unwrap().current_code(world.now());
        let form = format!("Action=GetSessionToken&SerialNumber={serial}&TokenCode={code}");
        let error = call(&mut world, &bob, &form).unwrap_err();
        assert!(error.message.contains("unable to validate MFA code"), "{}", error.message);
    }

    #[test]
    fn a_session_cannot_open_a_session() {
        let Fixture { mut world, .. } = Fixture::new();
        let now = world.now();
        let session = Fixture::open_session(&mut world, 3600, now);
        for (form, action) in [
            ("Action=GetSessionToken", "GetSessionToken"),
            ("Action=GetFederationToken&Name=alice", "GetFederationToken"),
        ] {
            let error = call(&mut world, &session, form).unwrap_err();
            assert_eq!(error.message, format!("Cannot call {action} with session credentials"));
        }
    }

    #[test]
    fn durations_have_limits_and_a_test_may_overrule_them() {
        let Fixture { mut world, user, .. } = Fixture::new();
        for (seconds, accepted) in [(899, false), (900, true), (129_600, true), (129_601, false)] {
            let form = format!("Action=GetSessionToken&DurationSeconds={seconds}");
            assert_eq!(call(&mut world, &user, &form).is_ok(), accepted, "{seconds}");
        }
        world.lifetime = Some(2);
        let before = world.now();
        call(&mut world, &user, "Action=GetSessionToken").unwrap();
        let expiration = world.keys.last().unwrap().issued.expiration.unwrap();
        assert!((before + 2..=before + 4).contains(&expiration));
    }

    #[test]
    fn spoiled_credentials_are_empty_or_over() {
        let Fixture { mut world, user, .. } = Fixture::new();
        let form = "Action=GetSessionToken&Version=2011-06-15";
        let request = sign(&user, form, world.now());
        let spoil = Spoil { empty_token: true, expired: true };
        let answer = super::super::answer(&mut world, &request, &request.parameters(), spoil).unwrap();
        assert!(answer[0].contains("<SessionToken></SessionToken>"), "{}", answer[0]);
        assert!(world.keys.last().unwrap().issued.expiration.unwrap() < world.now());
    }
}
