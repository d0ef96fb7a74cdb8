//! AWS Security Token Service, through the AWS SDK: signing, endpoints, retries and XML are its work.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials as SdkCredentials;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{BehaviorVersion, Region};
use aws_sdk_sts::types::{Credentials as StsCredentials, Tag};
use aws_sdk_sts::{Client, Config};
use aws_vault_protocol::secret::{MfaCode, SecretAccessKey, SessionToken};
use zeroize::Zeroizing;

use super::error::{Call, CallError, classify};
use super::http;
use crate::credentials::Credentials;
use crate::environment::Environment;
use crate::plan::{AssumeRole, Endpoint, GetSessionToken};
use crate::sys::clock::Now;

/// Tries of one call, the first included: the SDKs' own standard is 3; one more rides out a throttled burst.
const MAX_ATTEMPTS: u32 = 4;

/// Longest wait between two tries.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// A route that does not answer is given up after this long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// One try, from the request to the last byte of the answer.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);

/// One call with all its tries. A person is waiting.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// `GetSessionToken` and the code it needs, if any.
pub async fn get_session_token(
    environment: &Environment,
    source: &Credentials,
    step: &GetSessionToken,
    code: Option<&MfaCode>,
) -> Result<Credentials, CallError> {
    let sts = Sts::new(environment, &step.endpoint, source).await?;
    let answer = sts
        .client
        .get_session_token()
        .duration_seconds(whole_seconds(step.duration))
        .set_serial_number(step.mfa.as_ref().map(|mfa| mfa.serial.clone()))
        .set_token_code(code.map(|code| code.expose().to_owned()))
        .send()
        .await;
    let answer = answer.map_err(|error| classify(sts.call("GetSessionToken"), error))?;
    taken_over("GetSessionToken", answer.credentials)
}

/// `AssumeRole` and the code it needs, if any.
pub async fn assume_role(
    environment: &Environment,
    source: &Credentials,
    step: &AssumeRole,
    code: Option<&MfaCode>,
) -> Result<Credentials, CallError> {
    let sts = Sts::new(environment, &step.endpoint, source).await?;
    let tags = step.tags.iter().map(|(key, value)| {
        Tag::builder()
            .key(key)
            .value(value)
            .build()
            .map_err(|error| CallError::StrangeAnswer { operation: "AssumeRole", causes: error.to_string() })
    });
    let tags: Vec<Tag> = tags.collect::<Result<_, _>>()?;
    let transitive: Vec<String> = step.transitive_tag_keys.iter().cloned().collect();
    let answer = sts
        .client
        .assume_role()
        .role_arn(&step.role_arn)
        .role_session_name(step.role_session_name.clone().unwrap_or_else(default_session_name))
        .duration_seconds(whole_seconds(step.duration))
        .set_external_id(step.external_id.clone())
        .set_serial_number(step.mfa.as_ref().map(|mfa| mfa.serial.clone()))
        .set_token_code(code.map(|code| code.expose().to_owned()))
        .set_tags(Some(tags).filter(|tags| !tags.is_empty()))
        .set_transitive_tag_keys(Some(transitive).filter(|keys| !keys.is_empty()))
        .set_source_identity(step.source_identity.clone())
        .send()
        .await;
    let answer = answer.map_err(|error| classify(sts.call("AssumeRole"), error))?;
    taken_over("AssumeRole", answer.credentials)
}

struct Sts {
    client: Client,
    endpoint: String,
}

impl Sts {
    async fn new(
        environment: &Environment,
        endpoint: &Endpoint,
        source: &Credentials,
    ) -> Result<Self, CallError> {
        let url = endpoint.sts_url();
        let region = endpoint.signing_region().ok_or(CallError::NoRegion)?;
        let is_https = url.as_deref().is_none_or(|url| url.starts_with("https:"));
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .credentials_provider(SdkCredentials::new(
                source.access_key_id.as_str(),
                source.secret_access_key.expose(),
                source.session_token.as_ref().map(|token| token.expose().to_owned()),
                None,
                "aws-vault",
            ))
            .http_client(http::client(environment, is_https).await?)
            .retry_config(
                RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS).with_max_backoff(MAX_BACKOFF),
            )
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .operation_timeout(CALL_TIMEOUT)
                    .build(),
            )
            .use_fips(endpoint.fips)
            .use_dual_stack(endpoint.dual_stack);
        let config = match &url {
            Some(url) => config.endpoint_url(url),
            None => config,
        };
        let endpoint = url.unwrap_or_else(|| format!("STS in {region}"));
        Ok(Self { client: Client::from_conf(config.build()), endpoint })
    }

    fn call(&self, operation: &'static str) -> Call {
        Call { service: "sts", operation, endpoint: self.endpoint.clone(), now: Now::read().wall }
    }
}

/// Moves an answer into memory that is wiped.
fn taken_over(operation: &'static str, answer: Option<StsCredentials>) -> Result<Credentials, CallError> {
    let strange = |causes: &str| CallError::StrangeAnswer { operation, causes: causes.to_owned() };
    let answer = answer.ok_or_else(|| strange("it holds no credentials"))?;
    if answer.access_key_id.is_empty()
        || answer.secret_access_key.is_empty()
        || answer.session_token.is_empty()
    {
        return Err(strange("part of the credentials is empty"));
    }
    let expiration = answer.expiration.secs();
    if expiration <= Now::read().wall {
        return Err(strange("the credentials have expired already; is this machine's clock right?"));
    }
    Ok(Credentials {
        access_key_id: Zeroizing::new(answer.access_key_id),
        secret_access_key: SecretAccessKey::new(answer.secret_access_key),
        session_token: Some(SessionToken::new(answer.session_token)),
        expiration: Some(expiration),
    })
}

/// As aws-vault: the moment in nanoseconds, which needs no look-up of the user (compat §5.2).
fn default_session_name() -> String {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}

fn whole_seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}
