//! What happens between a request and its answer: prompts that this terminal's person answers, and news
//! about what is being waited for. Watches terminal and connection at once, so that a prompt nobody needs
//! any more, or an agent that dies, never leaves a person typing into nothing.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use aws_vault_protocol::message::{Prompt, PromptKind, PromptOutcome, PromptReply, Reply, Request};
use aws_vault_protocol::secret::Answer;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use zeroize::Zeroizing;

use crate::connection::Connection;
use crate::failure::{CommandError, visible};
use crate::output::Trace;
use crate::progress::{ProgressLine, TICK};
use crate::terminal::{Asking, Echo, Event, Terminal};

/// The agent ends a prompt by itself; this is for one that does not.
const GRACE: Duration = Duration::from_secs(2);

/// Asks something and waits for the answer. A refusal is an error.
pub fn ask(connection: &mut Connection, request: &Request, trace: Trace) -> Result<Reply, CommandError> {
    trace.note(format_args!("asked {}", name_of(Request::KINDS, request.kind())));
    let request_id = connection.send(request)?;
    if let Some(agent) = connection.agent() {
        trace.note(format_args!("agent {}, process {}", agent.version, agent.pid));
    }
    let mut conversation = Conversation { connection, request_id, progress: None, trace };
    let reply = conversation.answer()?;
    trace.note(format_args!("answered {}", name_of(Reply::KINDS, reply.kind())));
    match reply {
        Reply::Failure(failure) => Err((*failure).into()),
        reply => Ok(reply),
    }
}

/// A request under way.
struct Conversation<'a> {
    connection: &'a mut Connection,
    request_id: u32,
    progress: Option<ProgressLine>,
    trace: Trace,
}

/// How asking the person ended.
enum Asked {
    Answered(Zeroizing<String>),
    Cancelled,
    Interrupted,
    /// There is no terminal after all.
    Unavailable,
    /// Nobody needs the answer any more.
    Withdrawn,
    /// The request itself has ended.
    Ended(Reply),
}

impl Conversation<'_> {
    /// The answer to the request.
    fn answer(&mut self) -> Result<Reply, CommandError> {
        loop {
            self.wait_counting_down()?;
            let (reply, is_final) = self.receive()?;
            match reply {
                reply if is_final => return Ok(reply),
                Reply::Progress(progress) => {
                    self.trace.note(format_args!("waiting: {}", visible(&progress.text)));
                    self.progress = None;
                    self.progress = ProgressLine::show(&progress);
                }
                Reply::Prompt(prompt) => {
                    self.progress = None;
                    if let Some(reply) = self.pass_on(&prompt)? {
                        return Ok(reply);
                    }
                }
                _ => {}
            }
        }
    }

    /// The next frame of this request.
    fn receive(&mut self) -> Result<(Reply, bool), CommandError> {
        loop {
            let (reply, request_id, is_final) = self.connection.receive()?;
            if request_id == self.request_id {
                return Ok((reply, is_final));
            }
        }
    }

    /// Returns when there is something to read.
    fn wait_counting_down(&mut self) -> Result<(), CommandError> {
        while let Some(line) = self.progress.as_ref().filter(|line| line.is_countdown()) {
            let mut watched = [PollFd::new(&*self.connection, PollFlags::IN)];
            let tick = Timespec::try_from(TICK).ok();
            match poll(&mut watched, tick.as_ref()) {
                Ok(0) | Err(rustix::io::Errno::INTR) => line.redraw(),
                Ok(_) => return Ok(()),
                Err(error) => return Err(CommandError::Terminal(error.into())),
            }
        }
        Ok(())
    }

    /// Shows a prompt and sends what came of it; the request's answer, if that came meanwhile.
    fn pass_on(&mut self, prompt: &Prompt) -> Result<Option<Reply>, CommandError> {
        self.trace.note(format_args!("prompt: {}", visible(&prompt.text)));
        let asked = match Terminal::open() {
            Ok(terminal) => self.ask_person(&terminal, prompt)?,
            Err(_) => Asked::Unavailable,
        };
        let nothing = Zeroizing::new(String::new());
        let (outcome, answer, interrupted) = match asked {
            Asked::Answered(answer) => (PromptOutcome::Answered, answer, false),
            Asked::Cancelled => (PromptOutcome::Cancelled, nothing, false),
            Asked::Interrupted => (PromptOutcome::Cancelled, nothing, true),
            Asked::Unavailable => (PromptOutcome::Unavailable, nothing, false),
            Asked::Withdrawn => return Ok(None),
            Asked::Ended(reply) => return Ok(Some(reply)),
        };
        let reply = PromptReply { prompt_id: prompt.prompt_id, outcome, answer: Answer::from(answer) };
        self.connection.send_reply(&Request::from(reply))?;
        if interrupted { Err(CommandError::Interrupted) } else { Ok(None) }
    }

    fn ask_person(&mut self, terminal: &Terminal, prompt: &Prompt) -> Result<Asked, CommandError> {
        let until = Instant::now() + Duration::from_secs(prompt.timeout_seconds.into()) + GRACE;
        if let Some(complaint) = &prompt.complaint {
            terminal.say(&format!("{}\n", visible(complaint)));
        }
        let question = format!("{}: ", visible(&prompt.text));
        let echo = if prompt.kind == PromptKind::MfaCode { Echo::Typed } else { Echo::Nothing };
        loop {
            let first = self.ask_once(terminal, &question, echo, prompt, until)?;
            let Asked::Answered(first) = first else { return Ok(first) };
            if prompt.kind != PromptKind::NewPassphrase {
                return Ok(Asked::Answered(first));
            }
            match self.ask_once(terminal, "The same again: ", echo, prompt, until)? {
                Asked::Answered(second) if second == first => return Ok(Asked::Answered(first)),
                Asked::Answered(_) => terminal.say("the two are different\n"),
                other => return Ok(other),
            }
        }
    }

    fn ask_once(
        &mut self,
        terminal: &Terminal,
        question: &str,
        echo: Echo,
        prompt: &Prompt,
        until: Instant,
    ) -> Result<Asked, CommandError> {
        let mut asking = Asking::begin(terminal, question, echo).map_err(CommandError::Terminal)?;
        loop {
            let event =
                asking.wait(Some(self.connection.as_fd()), Some(until)).map_err(CommandError::Terminal)?;
            match event {
                Event::Answered(answer) => return Ok(Asked::Answered(answer)),
                Event::Cancelled | Event::TimedOut => return Ok(Asked::Cancelled),
                Event::Interrupted => return Ok(Asked::Interrupted),
                Event::Watched => {}
            }
            match self.receive()? {
                (reply, true) => return Ok(Asked::Ended(reply)),
                (Reply::PromptWithdrawn(gone), false) if gone.prompt_id == prompt.prompt_id => {
                    return Ok(Asked::Withdrawn);
                }
                _ => {}
            }
        }
    }
}

fn name_of(kinds: &[(u16, &'static str)], kind: u16) -> &'static str {
    kinds.iter().find(|(number, _)| *number == kind).map_or("something", |(_, name)| name)
}
