//! What AWS, or the way to it, answered instead of success.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::http::HttpSetupError;

/// Clocks may differ by this many seconds before AWS refuses a signature.
const TOLERATED_SKEW: i64 = 5 * 60;

/// AWS's answer in its own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct AwsError {
    /// The service, such as `sts`.
    pub service: &'static str,
    /// The operation, such as `AssumeRole`.
    pub operation: &'static str,
    /// AWS's code, such as `AccessDenied`.
    pub code: String,
    /// AWS's message.
    pub message: String,
    /// AWS's request id.
    pub request_id: Option<String>,
}

/// Why a call gave no credentials.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// AWS refused.
    #[error(transparent)]
    Refused(AwsError),
    /// AWS refused the one-time code.
    #[error(transparent)]
    WrongMfaCode(AwsError),
    /// AWS refused the signature because the clocks differ.
    #[error("this machine's clock differs from AWS's by {seconds} seconds")]
    ClockSkew {
        /// Ours minus theirs, in seconds.
        seconds: i64,
        /// What AWS said.
        source: AwsError,
    },
    /// No answer: no route, no TLS, a proxy that refuses, a time-out.
    #[error("{operation}: no answer from {endpoint}: {causes}")]
    NoAnswer {
        /// The operation, such as `AssumeRole`.
        operation: &'static str,
        /// Where we tried.
        endpoint: String,
        /// All causes, outermost first.
        causes: String,
    },
    /// An answer that is not what AWS documents.
    #[error("{operation}: the answer is not what AWS documents: {causes}")]
    StrangeAnswer {
        /// The operation.
        operation: &'static str,
        /// What is strange.
        causes: String,
    },
    /// The profile says nothing about where to call.
    #[error("no region and no endpoint URL is set")]
    NoRegion,
    /// The client's proxy or certificate settings cannot be used.
    #[error(transparent)]
    Setup(#[from] HttpSetupError),
}

/// Where and what was called, for errors.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) service: &'static str,
    pub(super) operation: &'static str,
    pub(super) endpoint: String,
    /// Wall clock when the answer came, in seconds since 1970 UTC.
    pub(super) now: i64,
}

/// Sorts an SDK error into what a person can act on.
pub(super) fn classify<E>(call: Call, error: SdkError<E, HttpResponse>) -> CallError
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let skew = error.raw_response().and_then(|response| skew(response, call.now));
    let request_id = error
        .raw_response()
        .and_then(|response| response.headers().get("x-amzn-requestid"))
        .map(str::to_owned);
    match error {
        SdkError::ServiceError(service_error) => {
            let error = service_error.err();
            let (Some(code), message) = (error.code(), error.message()) else {
                return CallError::StrangeAnswer { operation: call.operation, causes: causes(error) };
            };
            let aws = AwsError {
                service: call.service,
                operation: call.operation,
                code: code.to_owned(),
                message: message.unwrap_or("(no message)").to_owned(),
                request_id,
            };
            sort_refusal(aws, skew)
        }
        SdkError::ResponseError(error) => CallError::StrangeAnswer {
            operation: call.operation,
            causes: causes(&SdkError::<E, HttpResponse>::ResponseError(error)),
        },
        other => {
            CallError::NoAnswer { operation: call.operation, endpoint: call.endpoint, causes: causes(&other) }
        }
    }
}

fn sort_refusal(aws: AwsError, skew: Option<i64>) -> CallError {
    let about_time = matches!(
        aws.code.as_str(),
        "SignatureDoesNotMatch" | "RequestExpired" | "InvalidSignatureException" | "RequestTimeTooSkewed"
    );
    if let Some(seconds) = skew.filter(|seconds| about_time && seconds.abs() > TOLERATED_SKEW) {
        return CallError::ClockSkew { seconds, source: aws };
    }
    // AWS has no code of its own for this; the wording has been stable for a decade and aws-cli users know it.
    if aws.code == "AccessDenied" && aws.message.contains("MultiFactorAuthentication failed") {
        return CallError::WrongMfaCode(aws);
    }
    CallError::Refused(aws)
}

fn skew(response: &HttpResponse, now: i64) -> Option<i64> {
    use aws_smithy_types::date_time::{DateTime, Format};
    let theirs = DateTime::from_str(response.headers().get("date")?, Format::HttpDate).ok()?;
    Some(now - theirs.secs())
}

/// An error and its sources on one line. The SDK's errors name hosts and reasons, never credentials.
fn causes(error: &dyn Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        // Wrappers often repeat what they wrap.
        if texts.last().is_none_or(|last| !last.contains(&text)) {
            texts.push(text);
        }
        next = cause.source();
    }
    texts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, message: &str) -> AwsError {
        AwsError {
            service: "sts",
            operation: "GetSessionToken",
            code: code.into(),
            message: message.into(),
            request_id: None,
        }
    }

    #[test]
    fn a_wrong_code_is_told_from_other_refusals() {
        let wrong =
            refused("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.");
        assert!(matches!(sort_refusal(wrong, None), CallError::WrongMfaCode(_)));
        let denied = refused("AccessDenied", "User is not authorized to perform: sts:AssumeRole");
        assert!(matches!(sort_refusal(denied, None), CallError::Refused(_)));
    }

    #[test]
    fn skew_is_blamed_only_when_it_can_be_the_reason() {
        let expired = || refused("SignatureDoesNotMatch", "Signature expired: …");
        assert!(matches!(sort_refusal(expired(), Some(-7200)), CallError::ClockSkew { seconds: -7200, .. }));
        assert!(matches!(sort_refusal(expired(), Some(10)), CallError::Refused(_)));
        assert!(matches!(sort_refusal(refused("AccessDenied", "x"), Some(-7200)), CallError::Refused(_)));
    }
}
