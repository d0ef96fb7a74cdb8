//! Every message, with its number. Numbers are never reused; structs only grow at the end.
//!
//! | range | about |
//! |---|---|
//! | `0x00xx` | the connection |
//! | `0x01xx` | credentials and profiles |
//! | `0x02xx` | locking |
//! | `0x03xx` | prompts |
//! | `0x05xx` | the agent itself |

mod answers;
mod requests;

pub use answers::*;
pub use requests::*;

use crate::codec::{self, MalformedBody};
use crate::failure::Failure;
use crate::frame::{FLAG_FINAL, Frame};

/// A frame that is no message of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The type number is not known on this side.
    #[error("message type {0:#06x} is not known")]
    UnknownKind(u16),
    /// The type is known, the body is not what it promises.
    #[error("the body of message type {0:#06x} is malformed")]
    Malformed(u16),
}

/// Declares a direction's messages: an enum with one variant per struct of the same name.
macro_rules! messages {
    (
        $(#[$doc:meta])*
        pub enum $name:ident { $( $(#[$variant_doc:meta])* $variant:ident($body:ty) = $kind:literal, )* }
    ) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {
            $( $(#[$variant_doc])* $variant(Box<$body>), )*
        }

        impl $name {
            /// Every type number of this direction, with its name.
            pub const KINDS: &'static [(u16, &'static str)] = &[$( ($kind, stringify!($variant)) ),*];

            /// The type number.
            pub fn kind(&self) -> u16 {
                match self {
                    $( Self::$variant(_) => $kind, )*
                }
            }

            /// Reads a frame's body as what its type number promises.
            pub fn from_frame(frame: &Frame) -> Result<Self, MessageError> {
                let malformed = |MalformedBody| MessageError::Malformed(frame.kind);
                match frame.kind {
                    $( $kind => codec::decode(&frame.body).map(|body| Self::$variant(Box::new(body))).map_err(malformed), )*
                    other => Err(MessageError::UnknownKind(other)),
                }
            }

            /// Puts the message into a frame.
            pub fn to_frame(&self, flags: u16, request_id: u32) -> Frame {
                match self {
                    $( Self::$variant(body) => Frame::new($kind, flags, request_id, body), )*
                }
            }
        }

        $(
            impl From<$body> for $name {
                fn from(body: $body) -> Self {
                    Self::$variant(Box::new(body))
                }
            }
        )*
    };
}

messages! {
    /// What a client sends.
    pub enum Request {
        /// Who the client is; the first frame of a connection.
        Hello(Hello) = 0x0001,
        /// Is anybody there?
        Ping(Ping) = 0x0003,
        /// Stop working on an earlier request.
        Cancel(Cancel) = 0x0005,
        /// Credentials for a profile.
        GetCredentials(GetCredentials) = 0x0101,
        /// Names and expirations; reads no secret and asks nobody.
        List(List) = 0x0103,
        /// Forget sessions.
        Clear(Clear) = 0x0105,
        /// May long-term credentials be stored under this name?
        PrepareAdd(PrepareAdd) = 0x0107,
        /// Store long-term credentials.
        Add(Add) = 0x0109,
        /// Delete long-term credentials from the store.
        Remove(Remove) = 0x010B,
        /// What would be done for a profile.
        Explain(Explain) = 0x010D,
        /// Wipe everything and refuse until unlocked.
        Lock(Lock) = 0x0201,
        /// Open the store again.
        Unlock(Unlock) = 0x0203,
        /// What a person answered to a prompt.
        PromptReply(PromptReply) = 0x0302,
        /// How the agent is.
        Status(Status) = 0x0501,
        /// End the agent.
        Shutdown(Shutdown) = 0x0503,
    }
}

messages! {
    /// What an agent sends.
    pub enum Reply {
        /// Who the agent is; answers `Hello`.
        HelloAck(HelloAck) = 0x0002,
        /// Answers `Ping`.
        Pong(Pong) = 0x0004,
        /// Ends a request that did not succeed.
        Failure(Failure) = 0x0007,
        /// Ends a request that has nothing to say but that it succeeded.
        Done(Done) = 0x0008,
        /// Answers `GetCredentials`.
        Credentials(Credentials) = 0x0102,
        /// Answers `List`.
        Listing(Listing) = 0x0104,
        /// Answers `Clear`.
        Cleared(Cleared) = 0x0106,
        /// Answers `PrepareAdd`.
        AddPrepared(AddPrepared) = 0x0108,
        /// Answers `Add`.
        Added(Added) = 0x010A,
        /// Answers `Explain`.
        Explanation(Explanation) = 0x010E,
        /// Asks the person at the client; more frames follow.
        Prompt(Prompt) = 0x0301,
        /// The prompt is no longer needed; more frames follow.
        PromptWithdrawn(PromptWithdrawn) = 0x0303,
        /// Something takes time; more frames follow.
        Progress(Progress) = 0x0304,
        /// Answers `Status`.
        StatusReport(StatusReport) = 0x0502,
    }
}

/// Type number of the frame that ends a connection before it began. Its body is plain UTF-8, outside the
/// codec, so that versions without a common protocol can still tell a person what to do.
pub const GOODBYE: u16 = 0x0006;

/// The frame that ends a connection with one line for a person.
pub fn goodbye(line: &str) -> Frame {
    Frame {
        kind: GOODBYE,
        flags: FLAG_FINAL,
        request_id: 0,
        body: zeroize::Zeroizing::new(line.as_bytes().to_vec()),
    }
}

/// A message that holds nothing but its type number. It is one byte long so that it can grow.
macro_rules! empty_message {
    ($( $(#[$doc:meta])* $name:ident ),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            /// Always 0; keeps the body non-empty.
            pub reserved: u8,
        }
    )*};
}
pub(crate) use empty_message;
