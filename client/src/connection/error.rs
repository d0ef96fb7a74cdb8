//! Why there is no connection to an agent.

use std::io;
use std::path::PathBuf;

use aws_vault_protocol::address::AddressError;
use aws_vault_protocol::frame::FrameError;
use aws_vault_protocol::message::MessageError;
use aws_vault_protocol::preamble::{PROTOCOL_MAX, PROTOCOL_MIN, Preamble};

use crate::autostart::StartError;

/// Why the agent cannot be reached or understood.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// There is no place for a socket.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Somebody listens, but does not answer.
    #[error("the agent at {socket:?} does not answer (busy or stopped)")]
    Busy {
        /// Where.
        socket: PathBuf,
    },
    /// Nobody listens, and no agent may be started.
    #[error("no agent is running at {socket:?}, and AWS_VAULT_AGENT_AUTOSTART=0 forbids starting one")]
    NotRunning {
        /// Where.
        socket: PathBuf,
    },
    /// What has the socket's name is something else.
    #[error("{path:?} is {what}; it was left alone")]
    Occupied {
        /// Where.
        path: PathBuf,
        /// What is there.
        what: &'static str,
    },
    /// Another user listens. Nothing was sent.
    #[error("the socket {socket:?} belongs to user {owner}, not to you; nothing was sent to it")]
    Foreign {
        /// Where.
        socket: PathBuf,
        /// The other user's id.
        owner: u32,
    },
    /// The system does not say who listens. Nothing was sent.
    #[error("cannot tell whose socket {socket:?} is, nothing was sent to it: {source}")]
    UnknownOwner {
        /// Where.
        socket: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An agent could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Something else listens there.
    #[error("what listens at {socket:?} is not an aws-vault-agent")]
    NotAnAgent {
        /// Where.
        socket: PathBuf,
    },
    /// No protocol version in common.
    #[error(
        "aws-vault {version} speaks protocol {PROTOCOL_MIN} to {PROTOCOL_MAX}, the running agent {min} to {max}",
        version = env!("CARGO_PKG_VERSION"),
        min = agent.min,
        max = agent.max
    )]
    OtherVersion {
        /// What the agent speaks.
        agent: Preamble,
    },
    /// The agent ended the connection and said why.
    #[error("{0}")]
    Goodbye(String),
    /// The agent ended the connection without a word.
    #[error("the agent ended before it answered")]
    Ended,
    /// A frame that must not be read.
    #[error("the agent's answer cannot be read: {0}")]
    Frame(#[source] FrameError),
    /// A message that is not known on this side.
    #[error("the agent's answer is not understood: {0}")]
    NotUnderstood(#[source] MessageError),
    /// The agent answered another question.
    #[error("the agent's answer does not belong to what was asked")]
    OutOfPlace,
    /// The operating system refused.
    #[error("connection to the agent: {0}")]
    Io(#[source] io::Error),
}

impl ConnectionError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Address(error) => error.hint().to_owned(),
            Self::Busy { .. } => {
                "try again; if it was stopped, continue it: pkill -CONT -u \"$USER\" aws-vault-agent"
                    .to_owned()
            }
            Self::NotRunning { .. } => "eval \"$(aws-vault-agent)\"".to_owned(),
            Self::Occupied { .. } => {
                "move it elsewhere, or choose another place with AWS_VAULT_AGENT_SOCK".to_owned()
            }
            Self::Foreign { socket, .. } | Self::UnknownOwner { socket, .. } => {
                format!("ls -l {}; choose another place with AWS_VAULT_AGENT_SOCK", socket.display())
            }
            Self::Start(error) => return error.hint(),
            Self::NotAnAgent { .. } => "check AWS_VAULT_AGENT_SOCK".to_owned(),
            Self::OtherVersion { agent } if agent.max < PROTOCOL_MIN => {
                "the agent is older; end it and run the command again: aws-vault-agent -k".to_owned()
            }
            Self::OtherVersion { .. } => "the agent is newer; upgrade aws-vault".to_owned(),
            Self::Ended => "run the command again".to_owned(),
            Self::Frame(_) | Self::NotUnderstood(_) | Self::OutOfPlace => {
                "upgrade aws-vault, or end the agent and run the command again: aws-vault-agent -k".to_owned()
            }
            Self::Goodbye(_) | Self::Io(_) => return None,
        })
    }
}
