//! How the agent is. Reads no secret, asks nobody, touches no store.

use aws_vault_protocol::message::{MemoryStatus, StatusReport, StoreStatus};

use super::Broker;
use crate::sys::clock::Now;

impl Broker {
    /// Answers `Status`.
    pub(super) fn status(&self) -> StatusReport {
        let peers: Vec<_> = self.peers.borrow().iter().filter_map(std::rc::Weak::upgrade).collect();
        let prompts: usize = peers.iter().map(|peer| peer.open_prompts()).sum();
        let hardening = self.identity.hardening;
        let uptime = Now::read().boot.saturating_sub(self.identity.started.boot);
        StatusReport {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            instance: self.identity.instance.clone(),
            pid: std::process::id(),
            socket: self.identity.socket.to_string_lossy().into_owned(),
            uptime_seconds: uptime.as_secs(),
            locked: self.lock.borrow().is_locked(),
            forgets_in_seconds: self.next_lapse().map(|left| left.as_secs()),
            stores: self.stores.all().iter().map(store_status).collect(),
            sessions: self.session_rows(),
            connections: u32::try_from(peers.len()).unwrap_or(u32::MAX),
            prompts: u32::try_from(prompts).unwrap_or(u32::MAX),
            memory: MemoryStatus {
                sealing_key: self.sealer.kept().describe().to_owned(),
                untraceable: hardening.untraceable,
                no_core: hardening.no_core,
                locked: hardening.locked,
            },
            executable_replaced: crate::sys::executable_replaced(),
        }
    }
}

fn store_status(handle: &crate::stores::StoreHandle) -> StoreStatus {
    let store = handle.store();
    StoreStatus { backend: store.backend().to_owned(), location: store.location(), open: store.is_open() }
}
