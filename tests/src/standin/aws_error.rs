//! The refusals AWS gives, with its codes, HTTP statuses and words.
//!
//! Codes and statuses are those of the STS API reference and its "Common Error Types"; the sentences are the ones the
//! service answers with, because programs and people search for them. Nothing here may decide; it only says.

/// An answer other than success.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct AwsError {
    /// The HTTP status.
    pub(super) status: u16,
    /// The code a client matches on, such as `AccessDenied`.
    pub(super) code: String,
    /// The sentence for a person.
    pub(super) message: String,
}

impl AwsError {
    /// Any error at all, as a test may ask for one.
    pub(super) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into() }
    }

    /// `AccessDenied` in the given words.
    pub(super) fn access_denied(message: impl Into<String>) -> Self {
        Self::new(403, "AccessDenied", message)
    }

    /// `AccessDenied` as policy evaluation words it.
    pub(super) fn not_authorized(user_arn: &str, action: &str, resource: &str) -> Self {
        let message =
            format!("User: {user_arn} is not authorized to perform: {action} on resource: {resource}");
        Self::access_denied(message)
    }

    /// A parameter is outside what the API allows.
    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationError", message)
    }

    /// A parameter is within the limits and still makes no sense.
    pub(super) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidParameterValue", message)
    }

    /// The signature, its scope or its time is wrong.
    pub(super) fn signature(message: impl Into<String>) -> Self {
        Self::new(403, "SignatureDoesNotMatch", message)
    }

    /// The key is unknown, or its session token is missing or not the one issued with it.
    pub(super) fn invalid_client_token() -> Self {
        Self::new(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    }

    /// The session is over.
    pub(super) fn expired_token() -> Self {
        Self::new(403, "ExpiredToken", "The security token included in the request is expired")
    }

    /// The caller is too fast.
    pub(super) fn throttling() -> Self {
        Self::new(400, "Throttling", "Rate exceeded")
    }

    /// The service failed by itself, with status 500 or 503.
    pub(super) fn server(status: u16) -> Self {
        if status == 503 {
            return Self::new(503, "ServiceUnavailable", "Service is unavailable");
        }
        Self::new(status, "InternalFailure", "We encountered an internal error. Please try again.")
    }

    /// Whose fault it is, as the answer's `Type` says it.
    pub(super) fn kind(&self) -> &'static str {
        if self.status >= 500 { "Receiver" } else { "Sender" }
    }
}
