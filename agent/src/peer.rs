//! A connected client as the rest of the agent sees it: somewhere to send replies, and a person who may be
//! asked. Knows nothing of sockets; [`crate::connection`] moves the frames.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use aws_vault_protocol::failure::{Failure, FailureCode};
use aws_vault_protocol::frame::{FLAG_FINAL, Frame, MAX_REPLY_LEN};
use aws_vault_protocol::message::{Prompt, PromptKind, PromptReply, PromptWithdrawn, Reply};
use aws_vault_protocol::preamble::Preamble;
use tokio::sync::{Notify, oneshot};

/// A connected client.
#[derive(Debug)]
pub struct Peer {
    process_id: Option<u32>,
    /// Longest reply body the client takes, in bytes.
    max_reply: Cell<u32>,
    /// Goes out before the first frame.
    preamble: Cell<Option<Preamble>>,
    outbox: RefCell<Outbox>,
    /// Something was put into the outbox, or it was closed.
    outgoing: Notify,
    /// The outbox shrank.
    drained: Notify,
    /// The connection has ended.
    hung_up: Notify,
    prompts: RefCell<HashMap<u32, oneshot::Sender<PromptReply>>>,
    next_prompt: Cell<u32>,
}

#[derive(Debug, Default)]
struct Outbox {
    frames: VecDeque<Frame>,
    bytes: usize,
    closed: bool,
}

/// A question for a person.
#[derive(Debug, Clone)]
pub struct Question {
    /// What it asks for.
    pub kind: PromptKind,
    /// The question, without a trailing colon.
    pub text: String,
    /// The MFA device, for a program that knows its codes.
    pub mfa_serial: Option<String>,
    /// Why the last answer was not good.
    pub complaint: Option<String>,
    /// How long to wait, in seconds.
    pub timeout_seconds: u32,
}

impl Peer {
    /// A client of the given process.
    pub fn new(process_id: Option<u32>) -> Rc<Self> {
        Rc::new(Self {
            process_id,
            max_reply: Cell::new(MAX_REPLY_LEN),
            preamble: Cell::new(None),
            outbox: RefCell::default(),
            outgoing: Notify::new(),
            drained: Notify::new(),
            hung_up: Notify::new(),
            prompts: RefCell::default(),
            next_prompt: Cell::new(1),
        })
    }

    /// The client's process id, for people and the audit log only.
    pub fn process_id(&self) -> Option<u32> {
        self.process_id
    }

    /// The client takes no reply body longer than this many bytes.
    pub fn limit_replies(&self, max_reply: u32) {
        self.max_reply.set(max_reply.min(MAX_REPLY_LEN));
    }

    /// Puts our preamble before the first frame.
    pub fn send_preamble(&self, preamble: Preamble) {
        self.preamble.set(Some(preamble));
    }

    /// The preamble, once.
    pub fn take_preamble(&self) -> Option<Preamble> {
        self.preamble.take()
    }

    /// Ends a request.
    pub fn answer(&self, request_id: u32, reply: &Reply) {
        let frame = reply.to_frame(FLAG_FINAL, request_id);
        if frame.body.len() <= self.max_reply.get() as usize {
            return self.send(frame);
        }
        let message = format!("the answer has {} bytes, more than this client takes", frame.body.len());
        self.send(
            Reply::from(Failure::new(FailureCode::Unsupported, message)).to_frame(FLAG_FINAL, request_id),
        );
    }

    /// Says something about a request that goes on.
    pub fn tell(&self, request_id: u32, reply: &Reply) {
        self.send(reply.to_frame(0, request_id));
    }

    /// Puts a frame into the outbox; dropped when the connection has ended.
    pub fn send(&self, frame: Frame) {
        let mut outbox = self.outbox.borrow_mut();
        if !outbox.closed {
            outbox.bytes += frame.body.len();
            outbox.frames.push_back(frame);
            self.outgoing.notify_one();
        }
    }

    /// Everything to be sent, waiting until there is something; `None` when the connection has ended.
    pub async fn outgoing(&self) -> Option<VecDeque<Frame>> {
        loop {
            {
                let mut outbox = self.outbox.borrow_mut();
                if !outbox.frames.is_empty() {
                    outbox.bytes = 0;
                    self.drained.notify_one();
                    return Some(std::mem::take(&mut outbox.frames));
                }
                if outbox.closed {
                    return None;
                }
            }
            self.outgoing.notified().await;
        }
    }

    /// Waits until fewer than `limit` bytes wait to be sent.
    pub async fn backlog_below(&self, limit: usize) {
        while self.outbox.borrow().bytes >= limit {
            self.drained.notified().await;
        }
    }

    /// The connection has ended: nothing more is sent, and no prompt will be answered.
    pub fn hang_up(&self) {
        let mut outbox = self.outbox.borrow_mut();
        outbox.closed = true;
        self.prompts.borrow_mut().clear();
        self.outgoing.notify_one();
        self.hung_up.notify_waiters();
    }

    /// Stops accepting replies, lets what is queued go out.
    pub fn close_after_sending(&self) {
        self.outbox.borrow_mut().closed = true;
        self.outgoing.notify_one();
    }

    /// Returns when the connection has ended.
    pub async fn gone(&self) {
        let ended = self.hung_up.notified();
        if !self.outbox.borrow().closed {
            ended.await;
        }
    }

    /// Asks the person at this client; `None` when the client went away. Dropping the future withdraws
    /// the prompt.
    pub async fn prompt(&self, request_id: u32, question: &Question) -> Option<PromptReply> {
        let prompt_id = self.next_prompt.get();
        self.next_prompt.set(prompt_id.wrapping_add(1));
        let (sender, receiver) = oneshot::channel();
        if self.outbox.borrow().closed {
            return None;
        }
        self.prompts.borrow_mut().insert(prompt_id, sender);
        let shown = Shown { peer: self, request_id, prompt_id };
        self.tell(
            request_id,
            &Reply::from(Prompt {
                prompt_id,
                kind: question.kind,
                text: question.text.clone(),
                complaint: question.complaint.clone(),
                timeout_seconds: question.timeout_seconds,
            }),
        );
        let reply = receiver.await.ok();
        drop(shown);
        reply
    }

    /// The client's reply to a prompt; replies to prompts that are no longer open are dropped.
    pub fn prompt_answered(&self, reply: PromptReply) {
        if let Some(waiting) = self.prompts.borrow_mut().remove(&reply.prompt_id) {
            // Nobody waits any more: the prompt is being withdrawn at this moment.
            let _ = waiting.send(reply);
        }
    }

    /// How many prompts are open.
    pub fn open_prompts(&self) -> usize {
        self.prompts.borrow().len()
    }
}

/// A prompt on somebody's screen; withdrawn when dropped unanswered.
struct Shown<'a> {
    peer: &'a Peer,
    request_id: u32,
    prompt_id: u32,
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        let unanswered = self.peer.prompts.borrow_mut().remove(&self.prompt_id).is_some();
        if unanswered {
            let reason = "no longer needed".to_owned();
            self.peer
                .tell(self.request_id, &Reply::from(PromptWithdrawn { prompt_id: self.prompt_id, reason }));
        }
    }
}
