//! What only the operating system can do. The one place (with its submodules) that may hold `unsafe`;
//! nothing here knows about AWS, stores or the protocol.

pub mod clock;
pub mod files;
pub mod harden;
pub mod secret_page;

/// Numeric id of the user this process acts as.
pub fn user_id() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Host name, or an empty text.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Whether the executable of this process was replaced or removed since it started.
pub fn executable_replaced() -> bool {
    std::fs::read_link("/proc/self/exe").is_ok_and(|path| path.to_string_lossy().ends_with(" (deleted)"))
}

/// Overwrites the dead part of this thread's stack, where library code may have left pieces of a secret.
///
/// 24 KiB is more than the deepest call from a request to a cipher uses, and little enough to be done for
/// every request.
#[inline(never)]
#[expect(clippy::large_stack_arrays, reason = "the stack is what is to be overwritten")]
pub fn scrub_stack() {
    if cfg!(feature = "unprotected") {
        return;
    }
    // Filled by one memset; the black box keeps it from being optimised away.
    let mut scratch = [0_u8; 24 * 1024];
    std::hint::black_box(&mut scratch);
}
