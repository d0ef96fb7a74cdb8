//! `AssumeRoleWithWebIdentity`, as far as a client can tell.
//!
//! The token must be a JWT that is not over. Its signature is not checked: there is no identity provider here, and no
//! test may take an accepted token for a proof.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::super::aws_error::AwsError;
use super::super::constraints::{Constraints, NAME, PRINTABLE};
use super::super::request::Parameters;
use super::super::world::World;
use super::super::xml;
use super::assume_role::{self, DEFAULT_DURATION, MAX_DURATION};
use super::{Spoil, credentials, duration};

pub(super) fn assume(
    world: &mut World,
    parameters: &Parameters,
    spoil: Spoil,
    now: i64,
) -> Result<Vec<String>, AwsError> {
    let mut constraints = Constraints::default();
    let arn = constraints.required("roleArn", parameters.get("RoleArn"), (20, 2048), PRINTABLE);
    let name = constraints.required("roleSessionName", parameters.get("RoleSessionName"), (2, 64), NAME);
    let token = parameters.get("WebIdentityToken");
    let token = constraints.required("webIdentityToken", token, (4, 20_000), PRINTABLE);
    let lifetime = duration(&mut constraints, parameters, MAX_DURATION, DEFAULT_DURATION);
    constraints.check()?;
    let claims = claims(&token)?;
    if claims["exp"].as_i64().is_some_and(|expiration| expiration <= now) {
        let message =
            format!("Token expired: current date/time {now} must be before the expiration date/time");
        return Err(AwsError::new(400, "ExpiredTokenException", message));
    }
    let role = world.roles.get(&arn).cloned();
    let role = role
        .ok_or_else(|| AwsError::access_denied("Not authorized to perform sts:AssumeRoleWithWebIdentity"))?;
    assume_role::within_role_limit(&role, lifetime)?;
    let identity = assume_role::role_session(&role, &name);
    let user = assume_role::assumed_role_user(&identity);
    let session = super::super::world::NewSession {
        identity,
        lifetime,
        mfa: false,
        transitive_tags: Vec::new(),
        source_identity: None,
    };
    let key = world.issue(session, now);
    let claim = |name: &str| claims[name].as_str();
    Ok(vec![
        credentials(world, &key, spoil, now),
        xml::optional("SubjectFromWebIdentityToken", claim("sub")),
        user,
        xml::optional("Provider", claim("iss")),
        xml::optional("Audience", claim("aud")),
    ])
}

/// An unsigned JWT for `subject` that is good until `expiration`, in Unix seconds.
pub(in super::super) fn unsigned_token(subject: &str, expiration: i64) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(json!({"alg": "none", "typ": "JWT"}));
    let claims =
        json!({"iss": "https://idp.example", "aud": "sts.amazonaws.com", "sub": subject, "exp": expiration});
    format!("{header}.{}.", part(claims))
}

fn claims(token: &str) -> Result<Value, AwsError> {
    let mut parts = token.split('.');
    let claims = parts.nth(1).filter(|_| parts.clone().count() == 1);
    let claims = claims.and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
    claims.and_then(|claims| serde_json::from_slice(&claims).ok()).ok_or_else(|| {
        let message =
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)";
        AwsError::new(400, "InvalidIdentityToken", message)
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::Fixture;
    use super::*;

    fn assume_with(world: &mut World, role: &str, token: &str) -> Result<Vec<String>, AwsError> {
        let form = format!(
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={role}&RoleSessionName=web\
             &WebIdentityToken={token}"
        );
        let now = world.now();
        assume(world, &Parameters::parse(&form), Spoil::default(), now)
    }

    #[test]
    fn a_jwt_is_accepted_until_it_is_over() {
        let Fixture { mut world, role, .. } = Fixture::new();
        let now = world.now();
        let answer = assume_with(&mut world, &role, &unsigned_token("build-7", now + 60)).unwrap().concat();
        assert!(answer.contains("<SubjectFromWebIdentityToken>build-7<"), "{answer}");
        let over = assume_with(&mut world, &role, &unsigned_token("build-7", now)).unwrap_err();
        assert_eq!(over.code, "ExpiredTokenException");
        assert_eq!(assume_with(&mut world, &role, "opaque").unwrap_err().code, "InvalidIdentityToken");
    }
}
