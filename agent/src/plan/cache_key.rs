//! Names the result of the first steps of a plan: everything that changes the answer, and nothing else.
//!
//! Two profiles whose plans begin alike share their first results, and with them the MFA code. Two plans that
//! differ in anything AWS would notice never share one. Names of profiles are not part of it; the name of the
//! stored key is. Holds a digest, so it can be logged.

use std::fmt;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{
    AssumeRole, Endpoint, GetSessionToken, Mfa, Plan, Source, SsoAccess, Step, StsMode, WebIdentity,
    WebIdentityToken,
};

/// Changes whenever the encoding does, so that no two encodings can meet.
const VERSION: &[u8] = b"aws-vault cache key 1";

/// Names the credentials that a prefix of a plan yields.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CacheKey([u8; 32]);

impl CacheKey {
    /// Takes a digest that [`CacheKey::as_bytes`] gave.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CacheKey(")?;
        self.0.iter().take(6).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("..)")
    }
}

impl Plan {
    /// The name of what the source and the first `steps` steps yield; `steps` beyond the end means all of
    /// them.
    ///
    /// `source_version` is whatever tells this content of the source from another of the same name: the
    /// identity of the stored item, the version of the environment a credential process would see.
    pub fn cache_key(&self, steps: usize, source_version: &[u8]) -> CacheKey {
        let mut encoder = Encoder::new();
        encoder.source(&self.source);
        encoder.bytes(source_version);
        for step in self.steps.iter().take(steps) {
            match step {
                Step::GetSessionToken(call) => encoder.get_session_token(call),
                Step::AssumeRole(call) => encoder.assume_role(call),
            }
        }
        CacheKey(encoder.0.finalize().into())
    }
}

/// Every field goes in behind its length and every optional or repeated one behind its count, so no two
/// different plans can be written alike.
struct Encoder(Sha256);

impl Encoder {
    fn new() -> Self {
        let mut encoder = Self(Sha256::new());
        encoder.bytes(VERSION);
        encoder
    }

    fn source(&mut self, source: &Source) {
        match source {
            Source::LongTermKey(key) => {
                self.text("long-term key");
                self.text(&key.name);
            }
            Source::Sso(access) => self.sso(access),
            Source::WebIdentity(access) => self.web_identity(access),
            Source::CredentialProcess(process) => {
                self.text("credential process");
                self.text(process.command.as_str());
            }
        }
    }

    fn sso(&mut self, access: &SsoAccess) {
        let SsoAccess { profile: _, session, start_url, scopes, account_id, role_name, endpoint } = access;
        self.text("sso");
        self.optional(session.as_deref());
        self.text(start_url);
        self.optional(scopes.as_deref());
        self.text(account_id);
        self.text(role_name);
        self.endpoint(endpoint);
    }

    fn web_identity(&mut self, access: &WebIdentity) {
        let WebIdentity { profile: _, token, role_arn, role_session_name, duration, endpoint } = access;
        self.text("web identity");
        match token {
            WebIdentityToken::File(path) => {
                self.text("file");
                self.text(path);
            }
            WebIdentityToken::Process(command) => {
                self.text("process");
                self.text(command.as_str());
            }
        }
        self.text(role_arn);
        self.optional(role_session_name.as_deref());
        self.duration(*duration);
        self.endpoint(endpoint);
    }

    /// The duration counts only for somebody who asked for one and gets this session. Otherwise a session of
    /// one hour and one of eight are the same session, whichever came first (reference Q4): a second MFA code
    /// would buy nothing but a later expiry. Whether others use the profile as a source does not change the
    /// answer.
    fn get_session_token(&mut self, call: &GetSessionToken) {
        let GetSessionToken { profile: _, duration, chained: _, duration_asked, mfa, endpoint } = call;
        self.text("GetSessionToken");
        self.flag(*duration_asked);
        if *duration_asked {
            self.duration(*duration);
        }
        self.mfa(mfa.as_ref());
        self.endpoint(endpoint);
    }

    fn assume_role(&mut self, call: &AssumeRole) {
        let AssumeRole {
            profile: _,
            role_arn,
            role_session_name,
            external_id,
            tags,
            transitive_tag_keys,
            source_identity,
            duration,
            mfa,
            endpoint,
        } = call;
        self.text("AssumeRole");
        self.text(role_arn);
        self.optional(role_session_name.as_deref());
        self.optional(external_id.as_deref());
        self.count(tags.len());
        for (key, value) in tags {
            self.text(key);
            self.text(value);
        }
        self.count(transitive_tag_keys.len());
        for key in transitive_tag_keys {
            self.text(key);
        }
        self.optional(source_identity.as_deref());
        self.duration(*duration);
        self.mfa(mfa.as_ref());
        self.endpoint(endpoint);
    }

    /// Where the code comes from does not change what it proves.
    fn mfa(&mut self, mfa: Option<&Mfa>) {
        self.optional(mfa.map(|mfa| mfa.serial.as_str()));
    }

    fn endpoint(&mut self, endpoint: &Endpoint) {
        let Endpoint { region, url, sts_mode, fips, dual_stack } = endpoint;
        self.optional(region.as_deref());
        self.optional(url.as_deref());
        self.flag(*sts_mode == StsMode::Legacy);
        self.flag(*fips);
        self.flag(*dual_stack);
    }

    /// Whole seconds: that is all STS is told.
    fn duration(&mut self, duration: Duration) {
        self.0.update(duration.as_secs().to_be_bytes());
    }

    fn optional(&mut self, text: Option<&str>) {
        self.flag(text.is_some());
        if let Some(text) = text {
            self.text(text);
        }
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.update(bytes);
    }

    fn count(&mut self, count: usize) {
        self.0.update((count as u64).to_be_bytes());
    }

    fn flag(&mut self, flag: bool) {
        self.0.update([u8::from(flag)]);
    }
}
