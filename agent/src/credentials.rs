//! Credentials while they are in use. At rest they are [`crate::seal::Sealed`].

use aws_vault_protocol::secret::{SecretAccessKey, SessionToken};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::seal::{Sealed, Sealer, Unopenable};

/// Long-term credentials (no token, no expiration) or temporary ones (both).
#[derive(Debug)]
pub struct Credentials {
    /// Access key ID.
    pub access_key_id: Zeroizing<String>,
    /// Secret access key.
    pub secret_access_key: SecretAccessKey,
    /// Session token.
    pub session_token: Option<SessionToken>,
    /// Expiration in seconds since 1970 UTC.
    pub expiration: Option<i64>,
}

/// How sealed credentials look inside; borrowed, so that opening copies each text once.
#[derive(Serialize, Deserialize)]
struct Plain<'a> {
    id: &'a str,
    secret: &'a str,
    token: Option<&'a str>,
    expiration: Option<i64>,
}

impl Credentials {
    /// Seals a copy for the cache, bound to its cache key.
    pub fn seal(&self, sealer: &Sealer, key: &[u8]) -> std::io::Result<Sealed> {
        let plain = aws_vault_protocol::codec::encode(&Plain {
            id: &self.access_key_id,
            secret: self.secret_access_key.expose(),
            token: self.session_token.as_ref().map(SessionToken::expose),
            expiration: self.expiration,
        });
        sealer.seal(&plain, key)
    }

    /// Opens what was sealed under the same key.
    pub fn open(sealed: &Sealed, sealer: &Sealer, key: &[u8]) -> Result<Self, Unopenable> {
        let bytes = sealer.open(sealed, key)?;
        let plain: Plain<'_> = aws_vault_protocol::codec::decode(&bytes).map_err(|_| Unopenable)?;
        Ok(Self {
            access_key_id: Zeroizing::new(plain.id.to_owned()),
            secret_access_key: SecretAccessKey::copy_from(plain.secret),
            session_token: plain.token.map(SessionToken::copy_from),
            expiration: plain.expiration,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_sealing() {
        let sealer = Sealer::new().unwrap();
        let credentials = Credentials {
            access_key_id: Zeroizing::new("ASIAEXAMPLE".into()),
            secret_access_key: SecretAccessKey::copy_from("secret"),
            session_token: Some(SessionToken::copy_from("token")),
            expiration: Some(42),
        };
        let sealed = credentials.seal(&sealer, b"key").unwrap();
        let opened = Credentials::open(&sealed, &sealer, b"key").unwrap();
        assert_eq!(&**opened.access_key_id, "ASIAEXAMPLE");
        assert_eq!(opened.secret_access_key.expose(), "secret");
        assert_eq!(opened.session_token.unwrap().expose(), "token");
        assert_eq!(opened.expiration, Some(42));
    }
}
