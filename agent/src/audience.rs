//! Who waits for a piece of work, and so may be asked about it.
//!
//! Work can wait for other work (a role for its source session): then the whole audience of the first
//! takes a seat in the audience of the second.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use aws_vault_protocol::message::{Interaction, Progress, Reply};
use aws_vault_protocol::secret::{MfaCode, Passphrase};
use tokio::sync::Notify;

use crate::environment::Environment;
use crate::peer::Peer;

/// A client with a request, and what may be used to ask its person.
#[derive(Debug)]
pub struct Asker {
    /// The client.
    pub peer: Rc<Peer>,
    /// Its request.
    pub request_id: u32,
    /// Whether and how its person may be asked.
    pub interaction: Interaction,
    /// Its environment.
    pub environment: Rc<Environment>,
    /// `--mfa-token`; taken by the first call that needs a code.
    pub mfa_token: RefCell<Option<MfaCode>>,
    /// `AWS_VAULT_FILE_PASSPHRASE`; taken when the store must be opened.
    pub file_passphrase: RefCell<Option<Passphrase>>,
    /// The profile asked for, for error messages.
    pub profile: String,
}

/// Somebody, or something, that waits.
#[derive(Debug, Clone)]
pub enum Member {
    /// A client.
    Client(Rc<Asker>),
    /// Everybody who waits for other work.
    Group(Audience),
    /// The agent itself, refreshing ahead of expiration; cannot be asked.
    Refresher,
}

/// Who waits for a piece of work.
#[derive(Debug, Clone, Default)]
pub struct Audience(Rc<Seats>);

#[derive(Debug, Default)]
struct Seats {
    members: RefCell<Vec<(u64, Member)>>,
    next_seat: Cell<u64>,
    changed: Notify,
    /// Audiences that this one has a seat in: whoever comes here comes there too.
    seated_in: RefCell<Vec<Weak<Seats>>>,
}

/// A place in an audience, given up when dropped.
#[derive(Debug)]
pub struct Seat {
    audience: Audience,
    number: u64,
}

impl Asker {
    /// Shows the client a line about what is being waited for.
    pub fn tell_progress(&self, text: String, seconds: u32) {
        self.peer.tell(self.request_id, &Reply::from(Progress { text, seconds }));
    }
}

impl Member {
    /// Every client this stands for.
    pub fn clients(&self) -> Vec<Rc<Asker>> {
        match self {
            Self::Client(asker) => vec![Rc::clone(asker)],
            Self::Group(group) => group.clients(),
            Self::Refresher => Vec::new(),
        }
    }
}

impl Audience {
    /// Takes a seat.
    pub fn join(&self, member: Member) -> Seat {
        let number = self.0.next_seat.get();
        self.0.next_seat.set(number + 1);
        if let Member::Group(group) = &member {
            group.0.seated_in.borrow_mut().push(Rc::downgrade(&self.0));
        }
        self.0.members.borrow_mut().push((number, member));
        self.0.tell_of_change();
        Seat { audience: self.clone(), number }
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.0.members.borrow().is_empty()
    }

    /// Every client that waits, through groups too, in the order they came.
    pub fn clients(&self) -> Vec<Rc<Asker>> {
        let mut clients: Vec<Rc<Asker>> = Vec::new();
        for (_, member) in self.0.members.borrow().iter() {
            for asker in member.clients() {
                if !clients.iter().any(|known| Rc::ptr_eq(known, &asker)) {
                    clients.push(asker);
                }
            }
        }
        clients
    }

    /// Returns when a client does not wait any more: gone, or its request given up.
    pub async fn left_by(&self, asker: &Rc<Asker>) {
        loop {
            let changed = self.0.changed.notified();
            if !self.clients().iter().any(|waiting| Rc::ptr_eq(waiting, asker)) {
                return;
            }
            changed.await;
        }
    }

    /// A code some client brought with it, as soon as there is one.
    pub async fn brought_code(&self) -> MfaCode {
        loop {
            let changed = self.0.changed.notified();
            let brought = self.clients().iter().find_map(|asker| asker.mfa_token.borrow_mut().take());
            match brought {
                Some(code) => return code,
                None => changed.await,
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.audience.0.members.borrow_mut().retain(|(number, _)| *number != self.number);
        self.audience.0.tell_of_change();
    }
}

impl Seats {
    /// Wakes whoever watches this audience, or one that it sits in.
    fn tell_of_change(&self) {
        self.changed.notify_waiters();
        self.seated_in.borrow_mut().retain(|outer| outer.strong_count() > 0);
        for outer in self.seated_in.borrow().iter().filter_map(Weak::upgrade) {
            outer.tell_of_change();
        }
    }
}
