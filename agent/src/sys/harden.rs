//! Keeps other processes and the disk away from this process's memory. Called before anything secret exists.

use rustix::process::{DumpableBehavior, Resource, Rlimit};

/// What could be achieved; shown by `aws-vault status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hardening {
    /// Other processes of the user cannot trace this one or read its memory.
    pub untraceable: bool,
    /// No core file, neither by limit nor through a core pattern that pipes.
    pub no_core: bool,
    /// All pages are locked, so that none is swapped.
    pub locked: bool,
}

/// For whom core files are switched off. Children inherit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoreLimit {
    /// This process and all it starts, whatever they do.
    ForGood,
    /// This process; a command it runs may raise the limit again.
    OfThisProcess,
}

/// Makes the process untraceable and leaves no core. First step of every run of the agent: it must come
/// before the first secret, and again after every `exec`, which resets it.
pub fn refuse_inspection(limit: CoreLimit) -> Hardening {
    if cfg!(feature = "unprotected") {
        return Hardening { untraceable: false, no_core: false, locked: false };
    }
    let maximum = match limit {
        CoreLimit::ForGood => Some(0),
        CoreLimit::OfThisProcess => rustix::process::getrlimit(Resource::Core).maximum,
    };
    let no_core = rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum }).is_ok();
    Hardening { untraceable: refuse_tracing(), no_core, locked: false }
}

/// Locks all memory, present and future, if the limit surely allows it: with a finite limit a later
/// allocation would fail, and an agent that dies under load keeps no secret better than one that swaps.
/// The sealing key is locked on its own in any case. Must come after the last fork, which undoes it.
pub fn lock_memory(hardening: &mut Hardening) {
    use rustix::mm::MlockAllFlags;
    let unlimited = rustix::process::getrlimit(Resource::Memlock).current.is_none();
    if unlimited && !cfg!(feature = "unprotected") {
        let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
        hardening.locked = rustix::mm::mlockall(flags).is_ok();
    }
}

#[cfg(target_os = "linux")]
fn refuse_tracing() -> bool {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok()
}

/// Closes every descriptor above the standard three, so that nothing a caller left open (such as the pipe
/// of a command substitution) lives as long as the agent.
pub fn close_inherited_files() {
    #[cfg(target_os = "linux")]
    // SAFETY: called when every file this process has opened is closed again; nothing in it refers to a
    // number above 2, and closing a number that is not open does no harm.
    #[expect(unsafe_code, reason = "close_range has no safe wrapper")]
    unsafe {
        libc::close_range(3, libc::c_uint::MAX, 0);
    }
}
