//! Credentials for a profile: plan, look into the cache, run what is missing. The decisions are the plan's
//! and the cache's; this is the walk.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use aws_vault_protocol::failure::{Failure, FailureCode};
use aws_vault_protocol::message::{self, Explain, Explanation, GetCredentials};
use aws_vault_protocol::secret::{MfaCode, SecretAccessKey, SessionToken};

use super::prepare::{Wish, Work};
use super::{Broker, Visit};
use crate::audience::{Asker, Audience, Member};
use crate::aws::error::CallError;
use crate::aws::sts;
use crate::cache::{Entry, Found};
use crate::credentials::Credentials;
use crate::environment::Environment;
use crate::failure;
use crate::mfa::{self, Origin};
use crate::plan::{self, CacheKey, Source, Step};
use crate::sys::clock::Now;

/// How long a person's refusal stands for callers that come after it: long enough for a tool's retries and
/// its seventy siblings, short enough that a person who tries again by hand is asked.
const REFUSAL_STANDS: Duration = Duration::from_secs(3);

/// Longest wait for better than what is valid anyway: a person or an SDK is waiting, some for one second.
const RENEWAL_PATIENCE: Duration = Duration::from_secs(2);

/// Credentials, and whether AWS was spared.
pub(super) struct Obtained {
    credentials: Rc<Credentials>,
    from_memory: bool,
}

type Obtaining = Pin<Box<dyn Future<Output = Result<Obtained, Failure>>>>;

impl Broker {
    /// Answers `GetCredentials`.
    pub(super) async fn get_credentials(
        self: &Rc<Self>,
        visit: Visit,
        ask: &GetCredentials,
    ) -> Result<message::Credentials, Failure> {
        let wish = Wish {
            profile: ask.profile.clone(),
            region: ask.region.clone(),
            duration_seconds: ask.duration_seconds,
            no_session: ask.no_session,
        };
        let work = self.plans.prepare(&visit, &wish)?;
        self.refuse_if_nobody_may_be_asked(&work, &visit.asker)?;
        let steps = work.plan.steps.len();
        let obtained = self.obtain(Rc::clone(&work), steps, Member::Client(Rc::clone(&visit.asker))).await?;
        self.touch();
        let credentials = &obtained.credentials;
        tracing::info!(
            pid = visit.asker.peer.process_id(),
            profile = ask.profile,
            access_key_id = ending(&credentials.access_key_id),
            from_memory = obtained.from_memory,
            "issued"
        );
        Ok(message::Credentials {
            profile: ask.profile.clone(),
            access_key_id: credentials.access_key_id.to_string(),
            secret_access_key: SecretAccessKey::copy_from(credentials.secret_access_key.expose()),
            session_token: credentials
                .session_token
                .as_ref()
                .map(|token| SessionToken::copy_from(token.expose())),
            expiration: credentials.expiration,
            region: work.plan.region.clone(),
            endpoint_url: work.plan.endpoint_url.clone(),
            from_memory: obtained.from_memory,
        })
    }

    /// Answers `Explain`.
    pub(super) fn explain(&self, visit: &Visit, ask: &Explain) -> Result<Explanation, Failure> {
        let wish = Wish {
            profile: ask.profile.clone(),
            region: ask.region.clone(),
            duration_seconds: ask.duration_seconds,
            no_session: ask.no_session,
        };
        let work = self.plans.prepare(visit, &wish)?;
        Ok(Explanation { lines: plan::explain::lines(&work.plan) })
    }

    /// The result of the first `steps` steps: from the cache, from work under way, or from AWS.
    pub(super) fn obtain(self: &Rc<Self>, work: Rc<Work>, steps: usize, member: Member) -> Obtaining {
        let broker = Rc::clone(self);
        Box::pin(async move {
            // A person may have locked since the request came.
            if broker.lock.borrow().is_locked() {
                return Err(failure::locked());
            }
            if steps == 0 {
                return broker.source_credentials(&work, member).await;
            }
            match broker.find(&work, steps) {
                Some((credentials, Freshness::Fresh)) => Ok(from_memory(credentials)),
                Some((credentials, Freshness::Due)) => {
                    if !broker.may_renew_now(work.keys[steps]) || !broker.is_renewable(&work, steps) {
                        return Ok(from_memory(credentials));
                    }
                    broker.renew_or_keep(work, steps, member, credentials).await
                }
                None => broker.fly(work, steps, member).await,
            }
        })
    }

    /// Renews what lapses soon if AWS answers soon; else what is there serves as long as it is valid.
    async fn renew_or_keep(
        self: &Rc<Self>,
        work: Rc<Work>,
        steps: usize,
        member: Member,
        due: Credentials,
    ) -> Result<Obtained, Failure> {
        let key = work.keys[steps];
        let renewal = self.fly(Rc::clone(&work), steps, member);
        let error = match tokio::time::timeout(RENEWAL_PATIENCE, renewal).await {
            Ok(Ok(obtained)) => return Ok(obtained),
            Ok(Err(error)) => error,
            Err(_) => Failure::new(FailureCode::Network, "AWS does not answer"),
        };
        self.put_off_renewal(key);
        let is_valid = self.cache.borrow_mut().find(key, Now::read(), Duration::ZERO).is_some();
        if !is_valid {
            return Err(error);
        }
        tracing::warn!("keeping what lapses soon: {error}");
        Ok(from_memory(due))
    }

    /// Runs the last of the first `steps` steps, once for everybody who wants its result.
    pub(super) async fn fly(
        self: &Rc<Self>,
        work: Rc<Work>,
        steps: usize,
        member: Member,
    ) -> Result<Obtained, Failure> {
        let key = work.keys[steps];
        let brings_code = member.clients().iter().any(|asker| asker.mfa_token.borrow().is_some());
        if !brings_code {
            self.check_refusals(key)?;
        }
        let broker = Rc::clone(self);
        let run = |audience| async move {
            let result = broker.perform(work, steps, audience).await;
            if let Err(error) = &result
                && error.code == FailureCode::Cancelled
            {
                broker.remember_refusal(key, error);
            }
            result.map(Rc::new)
        };
        let credentials = self.sessions.join(key, member, run).await?;
        Ok(Obtained { credentials, from_memory: false })
    }

    async fn perform(
        self: &Rc<Self>,
        work: Rc<Work>,
        steps: usize,
        audience: Audience,
    ) -> Result<Credentials, Failure> {
        let source = self.obtain(Rc::clone(&work), steps - 1, Member::Group(audience.clone())).await?;
        let step = &work.plan.steps[steps - 1];
        let mut result = self.call(&work, step, &source.credentials, &audience).await;
        if source.from_memory && result.as_ref().is_err_and(blames_the_source) {
            // Revoked, or its key deleted: what it was made from may give another.
            drop(source);
            self.cache.borrow_mut().remove(work.keys[steps - 1]);
            let fresh = self.obtain(Rc::clone(&work), steps - 1, Member::Group(audience.clone())).await?;
            result = self.call(&work, step, &fresh.credentials, &audience).await;
        }
        let credentials = result?;
        crate::sys::scrub_stack();
        self.keep(&work, steps, &credentials)?;
        Ok(credentials)
    }

    /// One call to STS; with a person's code, up to three.
    async fn call(
        &self,
        work: &Work,
        step: &Step,
        source: &Credentials,
        audience: &Audience,
    ) -> Result<Credentials, Failure> {
        let environment = &work.environment;
        let mut complaint = None;
        let mut attempt = 1;
        loop {
            let code = match step.mfa() {
                None => None,
                Some(mfa) => Some(self.mfa_codes.obtain(mfa, audience, complaint.take()).await?),
            };
            let result = call_once(environment, step, source, code.as_ref().map(|(code, _)| code)).await;
            if let (Some(mfa), Some((code, _))) = (step.mfa(), &code)
                && !matches!(result, Err(CallError::WrongMfaCode(_) | CallError::NoAnswer { .. }))
            {
                self.mfa_codes.spend(&mfa.serial, code);
            }
            match (result, code) {
                (Ok(credentials), _) => return Ok(credentials),
                (Err(CallError::WrongMfaCode(_)), Some((_, Origin::Person)))
                    if attempt < mfa::MAX_ATTEMPTS =>
                {
                    complaint = Some("AWS refused that code".to_owned());
                    attempt += 1;
                }
                (Err(error), _) => return Err(failure::from_call(error, step, work.key_name())),
            }
        }
    }

    /// Long-term credentials, read from the store for this one use.
    async fn source_credentials(self: &Rc<Self>, work: &Work, member: Member) -> Result<Obtained, Failure> {
        let key = match &work.plan.source {
            Source::LongTermKey(key) => key.name.clone(),
            Source::Sso(_) => return Err(not_yet("IAM Identity Center (SSO)")),
            Source::WebIdentity(_) => return Err(not_yet("web identity")),
            Source::CredentialProcess(_) => return Err(not_yet("credential_process")),
        };
        self.open_store(&work.store, member).await?;
        let read = work.store.run(move |store| {
            let item = store.get(&key)?;
            item.credentials()
                .map_err(|source| crate::store::StoreError::MalformedItem { item: key.clone(), source })
        });
        let credentials = read.await?.map_err(|error| failure::from_store(&error))?;
        Ok(Obtained { credentials: Rc::new(credentials), from_memory: false })
    }

    fn find(&self, work: &Work, steps: usize) -> Option<(Credentials, Freshness)> {
        let key = work.keys[steps];
        let found = self.cache.borrow_mut().find(key, Now::read(), work.plan.minimum_ttl)?;
        let (sealed, freshness) = match found {
            Found::Fresh(sealed) => (sealed, Freshness::Fresh),
            Found::Due(sealed) => (sealed, Freshness::Due),
        };
        let opened = Credentials::open(&sealed, &self.sealer, key.as_bytes()).ok()?;
        Some((opened, freshness))
    }

    fn keep(&self, work: &Rc<Work>, steps: usize, credentials: &Credentials) -> Result<(), Failure> {
        let key = work.keys[steps];
        let (Some(expiration), step) = (credentials.expiration, &work.plan.steps[steps - 1]) else {
            return Ok(());
        };
        let sealed = credentials
            .seal(&self.sealer, key.as_bytes())
            .map_err(|error| failure::internal(&error.to_string()))?;
        let now = Now::read();
        let (kind, role_arn) = match step {
            Step::GetSessionToken(_) => ("sts.GetSessionToken", None),
            Step::AssumeRole(call) => ("sts.AssumeRole", Some(call.role_arn.clone())),
        };
        let entry = Entry {
            sealed,
            profile: step.profile().to_owned(),
            kind,
            role_arn,
            source: work.source_id(),
            issued: now,
            expiration,
            asked_life: step.duration(),
            last_used: now.boot,
        };
        self.cache.borrow_mut().insert(key, entry);
        self.remember_for_refresh(key, work, steps);
        Ok(())
    }

    fn remember_refusal(&self, key: CacheKey, error: &Failure) {
        self.refusals.borrow_mut().insert(key, (Now::read().boot, error.clone()));
    }

    fn check_refusals(&self, key: CacheKey) -> Result<(), Failure> {
        let now = Now::read().boot;
        let mut refusals = self.refusals.borrow_mut();
        refusals.retain(|_, (since, _)| now.saturating_sub(*since) < REFUSAL_STANDS);
        let Some((since, refused)) = refusals.get(&key) else { return Ok(()) };
        let left = REFUSAL_STANDS.saturating_sub(now.saturating_sub(*since));
        let mut error = refused.clone().with_hint(format!("try again in {} seconds", left.as_secs() + 1));
        error.retry_after_ms = u32::try_from(left.as_millis()).unwrap_or(0);
        Err(error)
    }

    /// `--no-prompt` fails at once, also when somebody else is being asked for the same code.
    fn refuse_if_nobody_may_be_asked(&self, work: &Work, asker: &Asker) -> Result<(), Failure> {
        if !asker.interaction.never || asker.mfa_token.borrow().is_some() {
            return Ok(());
        }
        let now = Now::read();
        let usable = |steps: &usize| {
            self.cache.borrow_mut().find(work.keys[*steps], now, work.plan.minimum_ttl).is_some()
        };
        let done = (1..=work.plan.steps.len()).rev().find(usable).unwrap_or(0);
        let missing = &work.plan.steps[done..];
        match missing.iter().find_map(|step| step.mfa().filter(|mfa| mfa.process.is_none())) {
            None => Ok(()),
            Some(mfa) => {
                let message = format!("profile {:?} needs an MFA code of {:?}", asker.profile, mfa.serial);
                let hint = format!("run in a terminal: aws-vault exec {} -- true", asker.profile);
                Err(Failure::new(FailureCode::InputNeeded, message).with_hint(hint))
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Freshness {
    Fresh,
    Due,
}

/// Whether AWS refused the credentials that signed a call, and not the call.
fn blames_the_source(error: &Failure) -> bool {
    let code = error.aws.as_ref().map(|aws| aws.code.as_str());
    matches!(code, Some("ExpiredToken" | "ExpiredTokenException" | "InvalidClientTokenId"))
}

async fn call_once(
    environment: &Environment,
    step: &Step,
    source: &Credentials,
    code: Option<&MfaCode>,
) -> Result<Credentials, CallError> {
    match step {
        Step::GetSessionToken(call) => sts::get_session_token(environment, source, call, code).await,
        Step::AssumeRole(call) => sts::assume_role(environment, source, call, code).await,
    }
}

/// Enough of an access key ID to find it in CloudTrail; the whole would stay in the log's buffers after a
/// lock.
fn ending(access_key_id: &str) -> String {
    let start = access_key_id.len().saturating_sub(4);
    format!("…{}", access_key_id.get(start..).unwrap_or_default())
}

fn from_memory(credentials: Credentials) -> Obtained {
    Obtained { credentials: Rc::new(credentials), from_memory: true }
}

fn not_yet(source: &str) -> Failure {
    Failure::new(
        FailureCode::Unsupported,
        format!("{source} profiles are planned but not run by this version"),
    )
    .with_hint("use Go aws-vault or the AWS CLI for this profile; `aws-vault explain` shows its plan")
}
