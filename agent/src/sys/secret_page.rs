//! A few bytes that neither swap, core dumps nor, where the kernel has `memfd_secret`, even root's view of
//! our memory can reach. Holds the one key under which everything else is sealed.

use std::ptr::{self, NonNull};

use zeroize::Zeroize;

/// Length of the key in bytes.
pub const KEY_LEN: usize = 32;

/// How well the page is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// `memfd_secret(2)`: removed from the kernel's own map, unreadable through `/proc/PID/mem` even for root.
    SecretMemory,
    /// An ordinary page, locked and left out of core dumps.
    Locked,
    /// An ordinary page: the locked-memory limit is used up.
    Plain,
}

impl Kept {
    /// For people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::SecretMemory => "memfd_secret",
            Self::Locked => "locked memory",
            Self::Plain => "plain memory",
        }
    }
}

/// A page of its own for one key.
#[derive(Debug)]
pub struct SecretPage {
    start: NonNull<u8>,
    length: usize,
    kept: Kept,
}

// SAFETY: the page is plain memory owned by this value alone; shared references only read it.
#[expect(unsafe_code, reason = "a mapping owned by one value may be used from any thread")]
unsafe impl Send for SecretPage {}
// SAFETY: as above; writing needs `&mut self`.
#[expect(unsafe_code, reason = "a mapping owned by one value may be used from any thread")]
unsafe impl Sync for SecretPage {}

impl SecretPage {
    /// Maps a zeroed page, as well kept as this system allows.
    pub fn new() -> std::io::Result<Self> {
        let length = rustix::param::page_size();
        if let Some(start) = map_secret(length) {
            return Ok(Self { start, length, kept: Kept::SecretMemory });
        }
        let start = map(length, -1)?;
        let kept = if protect(start, length) { Kept::Locked } else { Kept::Plain };
        Ok(Self { start, length, kept })
    }

    /// How well the page is kept.
    pub fn kept(&self) -> Kept {
        self.kept
    }

    /// The key.
    #[expect(unsafe_code, reason = "reads the mapping")]
    pub fn key(&self) -> &[u8; KEY_LEN] {
        // SAFETY: `start` is a live mapping of at least a page (≥ KEY_LEN), aligned for bytes, and no
        // mutable reference exists while `self` is borrowed.
        unsafe { &*self.start.as_ptr().cast::<[u8; KEY_LEN]>() }
    }

    /// The key, to be filled or wiped.
    #[expect(unsafe_code, reason = "writes the mapping")]
    pub fn key_mut(&mut self) -> &mut [u8; KEY_LEN] {
        // SAFETY: as for `key`, and `&mut self` makes the reference unique.
        unsafe { &mut *self.start.as_ptr().cast::<[u8; KEY_LEN]>() }
    }
}

impl Drop for SecretPage {
    fn drop(&mut self) {
        self.key_mut().zeroize();
        // SAFETY: the mapping was made in `new` with this start and length and is unmapped only here.
        #[expect(unsafe_code, reason = "gives the mapping back")]
        unsafe {
            libc::munmap(self.start.as_ptr().cast(), self.length);
        }
    }
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "memfd_secret has no safe wrapper")]
fn map_secret(length: usize) -> Option<NonNull<u8>> {
    if cfg!(feature = "unprotected") {
        return None;
    }
    // SAFETY: plain system calls on a descriptor that exists only here. The mapping keeps the memory alive
    // after the descriptor is closed.
    unsafe {
        let file = libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC);
        let file = libc::c_int::try_from(file).ok().filter(|file| *file >= 0)?;
        let sized = libc::off_t::try_from(length).is_ok_and(|size| libc::ftruncate(file, size) == 0);
        let start = if sized { map(length, file).ok() } else { None };
        libc::close(file);
        start
    }
}

#[cfg(not(target_os = "linux"))]
fn map_secret(_length: usize) -> Option<NonNull<u8>> {
    None
}

#[expect(unsafe_code, reason = "maps fresh memory")]
fn map(length: usize, file: libc::c_int) -> std::io::Result<NonNull<u8>> {
    let flags = if file < 0 { libc::MAP_PRIVATE | libc::MAP_ANONYMOUS } else { libc::MAP_SHARED };
    // SAFETY: the kernel picks an unused range; no existing memory is touched.
    let start =
        unsafe { libc::mmap(ptr::null_mut(), length, libc::PROT_READ | libc::PROT_WRITE, flags, file, 0) };
    if start == libc::MAP_FAILED {
        return Err(std::io::Error::last_os_error());
    }
    NonNull::new(start.cast()).ok_or_else(|| std::io::Error::other("mmap returned null"))
}

/// Locks a page and keeps it out of core dumps; whether the lock was granted.
#[expect(unsafe_code, reason = "advises the kernel about our own mapping")]
fn protect(start: NonNull<u8>, length: usize) -> bool {
    // SAFETY: both calls only change how the kernel treats a mapping that we own.
    unsafe {
        #[cfg(target_os = "linux")]
        libc::madvise(start.as_ptr().cast(), length, libc::MADV_DONTDUMP);
        libc::mlock(start.as_ptr().cast(), length) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_was_written() {
        let mut page = SecretPage::new().unwrap();
        assert_eq!(page.key(), &[0; KEY_LEN]);
        page.key_mut().fill(7);
        assert_eq!(page.key(), &[7; KEY_LEN]);
    }
}
