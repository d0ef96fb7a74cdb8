//! Many clients that wait for the same thing.

use aws_vault_protocol::failure::Failure;
use aws_vault_protocol::message::{Credentials, Prompt, Request};

use crate::raw_client::RawClient;
use crate::wait::until;

/// A client with a request under way.
#[derive(Debug)]
pub struct Waiting {
    /// The client.
    pub client: RawClient,
    /// Its request.
    pub request: u32,
}

impl Waiting {
    /// Sends a request; when this returns the agent has begun to work on it.
    pub fn new(mut client: RawClient, request: impl Into<Request>) -> Self {
        let request = client.send(request);
        client.settle();
        Self { client, request }
    }

    /// The end of the request.
    pub fn credentials(&mut self) -> Result<Credentials, Failure> {
        self.client.credentials(self.request)
    }

    /// The prompt that the request leads to.
    pub fn prompt(&mut self) -> Prompt {
        self.client.prompt(self.request)
    }
}

/// Waits until one of them is asked; gives which one, and the prompt.
///
/// # Panics
/// If nobody is.
pub fn asked(waiting: &mut [Waiting]) -> (usize, Prompt) {
    let mut found = None;
    until("a client is asked", || {
        let mut clients = waiting.iter_mut().enumerate();
        found = clients.find_map(|(index, one)| Some((index, one.client.prompt_so_far(one.request)?)));
        found.is_some()
    });
    found.expect("the condition was met")
}
