//! What every command is given: the flags that belong to none of them, and the way to the agent.

use aws_vault_protocol::message::{Caller, Reply, Request};

use crate::address;
use crate::args::{Options, UsageError};
use crate::caller;
use crate::connection::{Autostart, Connection, ConnectionError};
use crate::conversation;
use crate::environment::Environment;
use crate::failure::CommandError;
use crate::output::Trace;

/// How this process was called.
#[derive(Debug)]
pub struct Invocation {
    /// Flags of every command.
    pub options: Options,
    /// The environment it was given.
    pub environment: Environment,
    /// What `--debug` says.
    pub trace: Trace,
}

impl Invocation {
    /// Takes flags and environment.
    pub fn new(options: Options, environment: Environment) -> Self {
        let trace = Trace::new(options.debug);
        Self { options, environment, trace }
    }

    /// Who asks.
    pub fn caller(&self) -> Caller {
        caller::caller(&self.options, &self.environment)
    }

    /// Connects to the agent, and starts one if none runs.
    pub fn connect(&self) -> Result<Connection, CommandError> {
        let wanted = self.environment.get_bool("AWS_VAULT_AGENT_AUTOSTART").map_err(UsageError::from)?;
        let autostart = if wanted == Some(false) { Autostart::Forbidden } else { Autostart::Yes };
        let socket = address::socket(&self.environment).map_err(ConnectionError::from)?;
        let connection = Connection::open(&socket, autostart)?;
        self.trace.note(format_args!("connected to {}", socket.display()));
        connection.ok_or(CommandError::NoAgent)
    }

    /// Connects to the agent if one runs.
    pub fn connect_if_running(&self) -> Result<Option<Connection>, CommandError> {
        let socket = address::socket(&self.environment).map_err(ConnectionError::from)?;
        Ok(Connection::open(&socket, Autostart::No)?)
    }

    /// Asks something and waits for the answer, passing prompts on to the person.
    pub fn ask(
        &self,
        connection: &mut Connection,
        request: impl Into<Request>,
    ) -> Result<Reply, CommandError> {
        conversation::ask(connection, &request.into(), self.trace)
    }
}

/// The answer that belongs to a request; any other one is a defect of the agent.
macro_rules! expected {
    ($variant:ident, $reply:expr) => {
        match $reply {
            aws_vault_protocol::message::Reply::$variant(body) => Ok(*body),
            _ => Err(crate::connection::ConnectionError::OutOfPlace),
        }
    };
}
pub(crate) use expected;
