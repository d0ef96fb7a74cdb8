//! Keeps secrets sealed while nobody asks for them: XChaCha20-Poly1305 under a key that lives in memory of
//! its own (see [`crate::sys::secret_page`]). What is sealed can be read by nobody who reads our heap.

use std::sync::{PoisonError, RwLock};

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::sys::secret_page::{Kept, SecretPage};

const NONCE_LEN: usize = 24;

/// Something sealed. Worthless without the sealer that made it.
#[derive(Debug, Clone)]
pub struct Sealed {
    nonce: [u8; NONCE_LEN],
    bytes: Vec<u8>,
}

/// What was sealed cannot be opened: it was sealed before [`Sealer::renew`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sealed before the key was renewed")]
pub struct Unopenable;

/// Seals and opens.
#[derive(Debug)]
pub struct Sealer {
    page: RwLock<SecretPage>,
}

impl Sealer {
    /// A sealer with a fresh random key.
    pub fn new() -> std::io::Result<Self> {
        let mut page = SecretPage::new()?;
        fill_random(page.key_mut())?;
        Ok(Self { page: RwLock::new(page) })
    }

    /// How well the key is kept.
    pub fn kept(&self) -> Kept {
        self.page.read().unwrap_or_else(PoisonError::into_inner).kept()
    }

    /// Makes everything sealed so far worthless.
    pub fn renew(&self) -> std::io::Result<()> {
        let mut page = self.page.write().unwrap_or_else(PoisonError::into_inner);
        fill_random(page.key_mut())
    }

    /// Seals bytes, bound to a purpose so that one sealed thing cannot stand in for another.
    pub fn seal(&self, plain: &[u8], purpose: &[u8]) -> std::io::Result<Sealed> {
        let mut nonce = [0; NONCE_LEN];
        fill_random(&mut nonce)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(plain.len() + 16));
        bytes.extend_from_slice(plain);
        if !cfg!(feature = "unprotected") {
            self.cipher(|cipher| cipher.encrypt_in_place(&XNonce::from(nonce), purpose, &mut *bytes))
                .map_err(|_| std::io::Error::other("too long to seal"))?;
        }
        Ok(Sealed { nonce, bytes: std::mem::take(&mut *bytes) })
    }

    /// Opens what was sealed for the same purpose.
    pub fn open(&self, sealed: &Sealed, purpose: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unopenable> {
        let mut bytes = Zeroizing::new(sealed.bytes.clone());
        if !cfg!(feature = "unprotected") {
            self.cipher(|cipher| cipher.decrypt_in_place(&XNonce::from(sealed.nonce), purpose, &mut *bytes))
                .map_err(|_| Unopenable)?;
        }
        Ok(bytes)
    }

    fn cipher<T>(&self, work: impl FnOnce(&XChaCha20Poly1305) -> T) -> T {
        let page = self.page.read().unwrap_or_else(PoisonError::into_inner);
        let result = work(&XChaCha20Poly1305::new(page.key().into()));
        crate::sys::scrub_stack();
        result
    }
}

fn fill_random(bytes: &mut [u8]) -> std::io::Result<()> {
    getrandom::fill(bytes).map_err(std::io::Error::from)
}

#[cfg(all(test, not(feature = "unprotected")))]
mod tests {
    use super::*;

    #[test]
    fn opens_what_it_sealed_for_the_same_purpose() {
        let sealer = Sealer::new().unwrap();
        let sealed = sealer.seal(b"secret", b"session").unwrap();
        assert!(!sealed.bytes.windows(6).any(|window| window == b"secret"));
        assert_eq!(&**sealer.open(&sealed, b"session").unwrap(), b"secret");
        assert_eq!(sealer.open(&sealed, b"passphrase").unwrap_err(), Unopenable);
    }

    #[test]
    fn renewing_makes_everything_worthless() {
        let sealer = Sealer::new().unwrap();
        let sealed = sealer.seal(b"secret", b"x").unwrap();
        sealer.renew().unwrap();
        assert_eq!(sealer.open(&sealed, b"x").unwrap_err(), Unopenable);
    }
}
