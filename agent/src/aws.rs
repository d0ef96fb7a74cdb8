//! Calls to AWS, one file per service. Thin: what to call is decided by the plan, how to sign and retry by
//! the AWS SDK.

pub mod error;
pub mod http;
pub mod sts;
