//! What `aws-vault` and `aws-vault-agent` must agree on: messages, frames, versions, names, and where the
//! socket is. `docs/protocol.md` describes the same contract in words and is enough to write another client.
//!
//! | module | is |
//! |---|---|
//! | [`address`] | where the agent's socket is, as a function of an environment |
//! | [`preamble`] | the first 16 bytes each side sends: magic, version range, capabilities |
//! | [`frame`] | header and body of a message; reading in any chunking |
//! | [`message`] | every request and reply, with its number |
//! | [`failure`] | the closed set of errors |
//! | [`secret`] | texts that must not be shown, copied or kept |
//! | [`codec`] | bodies to bytes and back; the only place that knows the encoding |
//! | [`duration`] | durations as people type them |
//! | [`timestamp`] | moments as AWS writes them |
//!
//! Nothing here touches a file, a socket, a clock, the environment or a runtime.
#![forbid(unsafe_code)]

pub mod address;
pub mod codec;
pub mod duration;
pub mod failure;
pub mod frame;
pub mod message;
pub mod preamble;
pub mod secret;
pub mod timestamp;
mod wire;
