//! A small world and a signer, for the unit tests of the stand-in itself.
//!
//! The signer uses the verifier's arithmetic, so it proves nothing about that; AWS's own vectors in `sigv4.rs` and
//! botocore do.

use super::aws_error::AwsError;
use super::clock;
use super::request::Request;
use super::sigv4::Authorization;
use super::sts::{self, Spoil};
use super::world::{Key, NewSession, RoleOptions, World};

/// Alice, her device and a role that everyone may assume.
pub(super) struct Fixture {
    pub(super) world: World,
    pub(super) user: Key,
    pub(super) serial: String,
    pub(super) role: String,
    pub(super) now: i64,
}

impl Fixture {
    pub(super) fn new() -> Self {
        let mut world = World::new("111122223333".to_owned(), vec!["us-east-1".to_owned()]);
        world.add_user("alice");
        let user = world.keys[0].clone();
        let serial = world.add_mfa_device("alice");
        let role = world.add_role("reader", RoleOptions::default());
        let now = world.now();
        Self { world, user, serial, role, now }
    }

    /// A session of the first user.
    pub(super) fn open_session(world: &mut World, lifetime: i64, now: i64) -> Key {
        let identity = world.keys[0].identity.clone();
        let session =
            NewSession { identity, lifetime, mfa: false, transitive_tags: Vec::new(), source_identity: None };
        world.issue(session, now)
    }
}

/// Carries out a call that `caller` signed now.
pub(super) fn call(world: &mut World, caller: &Key, form: &str) -> Result<Vec<String>, AwsError> {
    let request = sign(caller, &format!("{form}&Version=2011-06-15"), world.now());
    sts::answer(world, &request, &request.parameters(), Spoil::default())
}

/// A request of `caller` to STS in `us-east-1`, signed at `now`.
pub(super) fn sign(caller: &Key, form: &str, now: i64) -> Request {
    let timestamp = clock::basic(now);
    let mut headers =
        vec![("host".to_owned(), "127.0.0.1".to_owned()), ("x-amz-date".to_owned(), timestamp.clone())];
    if let Some(token) = &caller.issued.session_token {
        headers.push(("x-amz-security-token".to_owned(), token.clone()));
    }
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let header = |signature: &str| {
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{}/us-east-1/sts/aws4_request, SignedHeaders={}, Signature={signature}",
            caller.issued.access_key_id,
            &timestamp[..8],
            names.join(";")
        )
    };
    let authorization = Authorization::parse(&header("none")).unwrap();
    let mut request = Request {
        method: "POST".to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        headers: headers.clone(),
        body: form.to_owned().into(),
    };
    let signature = authorization.expected_signature(&request, &timestamp, &caller.issued.secret_access_key);
    request.headers.push(("authorization".to_owned(), header(&signature)));
    request
}
