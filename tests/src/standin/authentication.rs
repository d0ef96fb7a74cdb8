//! Who a request comes from, and whether that is true.
//!
//! Checks in AWS's order: is it signed, is the key known and its token the right one, is the scope for this service,
//! is the time close, does the signature match, is the session over. It never decides what the caller may do.

use super::aws_error::AwsError;
use super::clock;
use super::request::Request;
use super::sigv4::Authorization;
use super::world::{Key, World};

/// How far a signature's time may be from the service's, in seconds (IAM User Guide, "Troubleshoot signed requests").
const SKEW_SECONDS: i64 = 15 * 60;
const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
                        Secret Access Key and signing method. Consult the service documentation for details.";

/// The key that signed `request` for `service`, or why it is not accepted.
pub(super) fn authenticate<'a>(
    world: &'a World,
    request: &Request,
    service: &str,
    now: i64,
) -> Result<&'a Key, AwsError> {
    let header = request.header("authorization").ok_or_else(|| {
        AwsError::new(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
    })?;
    let authorization = Authorization::parse(header)?;
    let timestamp = request.header("x-amz-date").unwrap_or_default();
    let signed_at = clock::parse_basic(timestamp).ok_or_else(|| {
        let message = format!("Date must be in ISO-8601 'basic format'. Got '{timestamp}'.");
        AwsError::new(400, "IncompleteSignature", message)
    })?;
    let key = known_key(world, request, &authorization)?;
    check_scope(world, &authorization, service, timestamp)?;
    check_signed_headers(request, &authorization)?;
    check_time(signed_at, now)?;
    if authorization.expected_signature(request, timestamp, &key.issued.secret_access_key)
        != authorization.signature
    {
        return Err(AwsError::signature(MISMATCH));
    }
    if key.issued.expiration.is_some_and(|expiration| expiration <= now) {
        return Err(AwsError::expired_token());
    }
    Ok(key)
}

fn known_key<'a>(
    world: &'a World,
    request: &Request,
    authorization: &Authorization,
) -> Result<&'a Key, AwsError> {
    let key = world.key(&authorization.access_key_id).ok_or_else(AwsError::invalid_client_token)?;
    if key.issued.session_token.as_deref() != request.header("x-amz-security-token") {
        return Err(AwsError::invalid_client_token());
    }
    Ok(key)
}

fn check_scope(
    world: &World,
    authorization: &Authorization,
    service: &str,
    timestamp: &str,
) -> Result<(), AwsError> {
    let Authorization { date, region, .. } = authorization;
    let fault = if authorization.terminator != "aws4_request" {
        "Credential should be scoped with a valid terminator: 'aws4_request'.".to_owned()
    } else if authorization.service != service {
        format!("Credential should be scoped to correct service: '{service}'.")
    } else if !world.regions.contains(region) {
        format!("Credential should be scoped to a valid region, not '{region}'.")
    } else if timestamp.get(..8) != Some(date) {
        let of_header = timestamp.get(..8).unwrap_or_default();
        format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
             '{date}' != '{of_header}', from '{timestamp}'."
        )
    } else {
        return Ok(());
    };
    Err(AwsError::signature(fault))
}

/// `Host` and every `X-Amz-*` header must be signed, or a stranger on the way could change them.
fn check_signed_headers(request: &Request, authorization: &Authorization) -> Result<(), AwsError> {
    let names = request.headers.iter().map(|(name, _)| name.as_str());
    let must = names.filter(|name| *name == "host" || name.starts_with("x-amz-"));
    for name in must {
        if !authorization.signed_headers.iter().any(|signed| signed == name) {
            let message = format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.");
            return Err(AwsError::signature(message));
        }
    }
    Ok(())
}

fn check_time(signed_at: i64, now: i64) -> Result<(), AwsError> {
    let (signed, current) = (clock::basic(signed_at), clock::basic(now));
    if signed_at < now - SKEW_SECONDS {
        let limit = clock::basic(now - SKEW_SECONDS);
        return Err(AwsError::signature(format!(
            "Signature expired: {signed} is now earlier than {limit} ({current} - 15 min.)"
        )));
    }
    if signed_at > now + SKEW_SECONDS {
        let limit = clock::basic(now + SKEW_SECONDS);
        return Err(AwsError::signature(format!(
            "Signature not yet current: {signed} is still later than {limit} ({current} + 15 min.)"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Fixture, sign};
    use super::*;

    fn refused(world: &World, request: &Request, now: i64) -> (u16, String, String) {
        let error = authenticate(world, request, "sts", now).unwrap_err();
        (error.status, error.code, error.message)
    }

    #[test]
    fn a_signed_request_is_accepted_and_a_changed_one_is_not() {
        let Fixture { world, user, now, .. } = Fixture::new();
        let mut request = sign(&user, "Action=GetCallerIdentity&Version=2011-06-15", now);
        let key = authenticate(&world, &request, "sts", now).unwrap();
        assert_eq!(key.identity.arn, "arn:aws:iam::111122223333:user/alice");
        request.body = "Action=GetSessionToken&Version=2011-06-15".into();
        assert_eq!(refused(&world, &request, now), (403, "SignatureDoesNotMatch".into(), MISMATCH.into()));
    }

    #[test]
    fn a_wrong_secret_an_unknown_key_and_no_signature_are_told_apart() {
        let Fixture { world, user, now, .. } = Fixture::new();
        let mut wrong = user.clone();
        wrong.issued.secret_access_key = "x".repeat(40);
        assert_eq!(refused(&world, &sign(&wrong, "", now), now).1, "SignatureDoesNotMatch");
        wrong.issued.access_key_id = "AKIAIOSFODNN7EXAMPLE".into();
        assert_eq!(refused(&world, &sign(&wrong, "", now), now).1, "InvalidClientTokenId");
        let mut unsigned = sign(&user, "", now);
        unsigned.headers.retain(|(name, _)| name != "authorization");
        let (status, code, _) = refused(&world, &unsigned, now);
        assert_eq!((status, code.as_str()), (403, "MissingAuthenticationToken"));
    }

    #[test]
    fn a_clock_15_minutes_off_is_told_so() {
        let Fixture { world, user, .. } = Fixture::new();
        let now = clock::parse_basic("20150830T123600Z").unwrap();
        assert!(authenticate(&world, &sign(&user, "", now - 900), "sts", now).is_ok());
        assert_eq!(
            refused(&world, &sign(&user, "", now - 901), now).2,
            "Signature expired: 20150830T122059Z is now earlier than 20150830T122100Z (20150830T123600Z - 15 min.)"
        );
        assert!(
            refused(&world, &sign(&user, "", now + 901), now).2.starts_with("Signature not yet current: ")
        );
    }

    #[test]
    fn a_session_ends_and_needs_its_token() {
        let Fixture { mut world, now, .. } = Fixture::new();
        let session = Fixture::open_session(&mut world, 60, now);
        let request = sign(&session, "", now);
        assert!(authenticate(&world, &request, "sts", now).is_ok());
        let (status, code, _) = refused(&world, &request, now + 60);
        assert_eq!((status, code.as_str()), (403, "ExpiredToken"));
        let mut bare = session;
        bare.issued.session_token = None;
        assert_eq!(refused(&world, &sign(&bare, "", now), now).1, "InvalidClientTokenId");
    }

    #[test]
    fn the_scope_must_be_this_service_and_a_known_region() {
        let Fixture { mut world, user, now, .. } = Fixture::new();
        world.regions = vec!["eu-west-1".into()];
        assert!(refused(&world, &sign(&user, "", now), now).2.contains("valid region, not 'us-east-1'"));
        let error = authenticate(&world, &sign(&user, "", now), "iam", now).unwrap_err();
        assert!(error.message.contains("correct service: 'iam'"), "{}", error.message);
    }
}
