//! The encryption of the file store: JWE compact serialisation with PBES2-HS256+A128KW and A256GCM, as
//! jose2go writes it for Go aws-vault (RFC 7516, RFC 7518 §4.8; compat §8.10). Pure but for random numbers.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use aes_kw::KwAes128;
use aws_vault_protocol::timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const ALGORITHM: &str = "PBES2-HS256+A128KW";
const ENCRYPTION: &str = "A256GCM";

/// What jose2go uses, and the most every Go aws-vault can be sure to read quickly.
const ITERATIONS_WRITTEN: u32 = 8192;

/// What jose2go refuses above; a hostile file must not cost minutes of CPU.
const ITERATIONS_READ_AT_MOST: u32 = 1_300_000;

const SALT_LEN: usize = 12;
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;
const CONTENT_KEY_LEN: usize = 32;
const WRAPPED_KEY_LEN: usize = CONTENT_KEY_LEN + 8;

/// Why a file cannot be decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JweError {
    /// Not five base64url parts.
    #[error("it is not a JWE of five parts")]
    NotJwe,
    /// The header is not the JSON expected.
    #[error("its header cannot be read")]
    Header,
    /// Encrypted in a way aws-vault never writes.
    #[error("it is encrypted with an unsupported algorithm")]
    Algorithm,
    /// An iteration count of 0 or above the limit.
    #[error("its iteration count is not between 1 and 1300000")]
    Iterations,
    /// The key does not unwrap: wrong passphrase.
    #[error("the passphrase does not fit")]
    WrongPassphrase,
    /// The key unwraps but the content does not authenticate.
    #[error("it is damaged")]
    Damaged,
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers")]
    NoRandomness,
}

/// Field order is alphabetical, as jose2go writes it.
#[derive(Serialize, Deserialize)]
struct Header<'a> {
    alg: &'a str,
    #[serde(skip_deserializing)]
    created: String,
    enc: &'a str,
    p2c: u32,
    p2s: &'a str,
}

/// Encrypts under a passphrase. `now` (seconds since 1970 UTC) goes into the header for people.
pub(super) fn encrypt(plain: &[u8], passphrase: &str, now: i64) -> Result<String, JweError> {
    let mut salt = [0; SALT_LEN];
    let mut nonce = [0; NONCE_LEN];
    let mut content_key = Zeroizing::new([0; CONTENT_KEY_LEN]);
    for random in [&mut salt[..], &mut nonce[..], &mut content_key[..]] {
        getrandom::fill(random).map_err(|_| JweError::NoRandomness)?;
    }

    let header = Header {
        alg: ALGORITHM,
        created: timestamp::to_rfc3339(now),
        enc: ENCRYPTION,
        p2c: ITERATIONS_WRITTEN,
        p2s: &BASE64URL.encode(salt),
    };
    let header = BASE64URL.encode(serde_json::to_string(&header).map_err(|_| JweError::Header)?);

    let mut wrapped_key = [0; WRAPPED_KEY_LEN];
    let wrapping = wrapping_cipher(passphrase, &salt, ITERATIONS_WRITTEN);
    wrapping.wrap_key(&content_key[..], &mut wrapped_key).map_err(|_| JweError::Damaged)?;

    let mut sealed = Zeroizing::new(Vec::with_capacity(plain.len() + TAG_LEN));
    sealed.extend_from_slice(plain);
    Aes256Gcm::new((&*content_key).into())
        .encrypt_in_place(&Nonce::from(nonce), header.as_bytes(), &mut *sealed)
        .map_err(|_| JweError::Damaged)?;
    let (ciphertext, tag) = sealed.split_at(plain.len());

    let parts = [&wrapped_key[..], &nonce, ciphertext, tag].map(|part| BASE64URL.encode(part));
    Ok(format!("{header}.{}", parts.join(".")))
}

/// Decrypts with a passphrase.
pub(super) fn decrypt(text: &str, passphrase: &str) -> Result<Zeroizing<Vec<u8>>, JweError> {
    let parts: Vec<&str> = text.split('.').collect();
    let [header_text, wrapped_key, nonce, ciphertext, tag] = parts[..] else { return Err(JweError::NotJwe) };
    let decode = |part: &str| BASE64URL.decode(part).map_err(|_| JweError::NotJwe);
    let header_json = decode(header_text)?;
    let header: Header<'_> = serde_json::from_slice(&header_json).map_err(|_| JweError::Header)?;
    if header.alg != ALGORITHM || header.enc != ENCRYPTION {
        return Err(JweError::Algorithm);
    }
    if header.p2c == 0 || header.p2c > ITERATIONS_READ_AT_MOST {
        return Err(JweError::Iterations);
    }
    let nonce: [u8; NONCE_LEN] = decode(nonce)?.try_into().map_err(|_| JweError::NotJwe)?;
    let tag = decode(tag)?;
    if tag.len() != TAG_LEN {
        return Err(JweError::NotJwe);
    }

    // Of exactly this length: a shorter one can unwrap to nothing under any passphrase, and the content would
    // be opened with a key of zeros.
    let wrapped_key: [u8; WRAPPED_KEY_LEN] = decode(wrapped_key)?.try_into().map_err(|_| JweError::NotJwe)?;

    let mut content_key = Zeroizing::new([0; CONTENT_KEY_LEN]);
    wrapping_cipher(passphrase, &decode(header.p2s)?, header.p2c)
        .unwrap_key(&wrapped_key, &mut content_key[..])
        .map_err(|_| JweError::WrongPassphrase)?;

    let mut content = Zeroizing::new(decode(ciphertext)?);
    content.extend_from_slice(&tag);
    Aes256Gcm::new((&*content_key).into())
        .decrypt_in_place(&Nonce::from(nonce), header_text.as_bytes(), &mut *content)
        .map_err(|_| JweError::Damaged)?;
    Ok(content)
}

/// RFC 7518 §4.8.1.1: the salt is the algorithm's name, a zero byte and `p2s`.
fn wrapping_cipher(passphrase: &str, salt: &[u8], iterations: u32) -> KwAes128 {
    let salt = [ALGORITHM.as_bytes(), &[0], salt].concat();
    let mut key = Zeroizing::new([0; 16]);
    pbkdf2::pbkdf2_hmac::<sha2::Sha256>(passphrase.as_bytes(), &salt, iterations, &mut key[..]);
    KwAes128::new((&*key).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compat Appendix A, made with jose2go.
    const GO_ITEM: &str = "eyJhbGciOiJQQkVTMi1IUzI1NitBMTI4S1ciLCJjcmVhdGVkIjoiMjAyNi0wMS0wMiAwMzowNDowNS4wMDAwMDAwMDYgKzAwMDAgVVRDIG09KzAuMDAxMDAwMDAwIiwiZW5jIjoiQTI1NkdDTSIsInAyYyI6ODE5MiwicDJzIjoiTHhOdnhyRXRqVU5Mekh3SiJ9.lCidI3FQ0hCPmaUQIIjfuYRJi1hpoYAWrhmt7N783YhZqz2d8RduUw.ijOCfveTbRa2QRyS.gJUrv-g0sIEGX5PS-TzU9hc-_12RAoti-6gy1SnznePv5eQMvQQIV33GsL3Ql16RbCkjORV-_PJEtPZKEP_-Uy-ATSmjth5Ddrj2aQGN6bx1a_9Ug5NRvkmG-IE624zLOV1mwNyUbtrLe95MsQsCpuxqKdsMW38XDNXZw4-gUx8I0tftM6dD8YDXxjjXjohR1ywtrra5ofOBXAJio1ZdioxkXLlXK-XLAsYYvZVHlc8BCjxXwU1GzKl08WgtKG8q84tEBkdk1hcFhI0YAVoQh95-Rw.hxI0Du2Otudx9MFSqruHtw";
    const GO_EMPTY_PASSPHRASE: &str = "eyJhbGciOiJQQkVTMi1IUzI1NitBMTI4S1ciLCJjcmVhdGVkIjoieCIsImVuYyI6IkEyNTZHQ00iLCJwMmMiOjgxOTIsInAycyI6IjBBWGRMUnBMMlFVLXdjTDkifQ.X2MHwCUDCdR4XMb8F-3g9cPXD3wXF4cyh9tjeLuwQabKKTY_l5cgow.bZND2bgpVOLFoAxP.pv0.lTjMgZM7PWJYlzqggyfWsw";

    #[test]
    fn decrypts_what_go_wrote() {
        let plain = decrypt(GO_ITEM, "password").unwrap();
        assert_eq!(
            std::str::from_utf8(&plain).unwrap(),
            r#"{"Key":"my/prof ile","Data":"eyJBY2Nlc3NLZXlJRCI6IkFCQyIsIlNlY3JldEFjY2Vzc0tleSI6IlhZWiJ9","Label":"aws-vault (my/prof ile)","Description":"","KeychainNotTrustApplication":true,"KeychainNotSynchronizable":false}"#
        );
        assert_eq!(&**decrypt(GO_EMPTY_PASSPHRASE, "").unwrap(), b"{}");
    }

    #[test]
    fn decrypts_what_it_wrote() {
        let text = encrypt(b"content", "pass phrase \u{e9}", 1_767_323_045).unwrap();
        assert_eq!(&**decrypt(&text, "pass phrase \u{e9}").unwrap(), b"content");
        let header = BASE64URL.decode(text.split('.').next().unwrap()).unwrap();
        let header = String::from_utf8(header).unwrap();
        assert!(
            header.starts_with(
                r#"{"alg":"PBES2-HS256+A128KW","created":"2026-01-02T03:04:05Z","enc":"A256GCM","p2c":8192,"p2s":""#
            ),
            "{header}"
        );
    }

    #[test]
    fn a_planted_item_does_not_open_under_any_passphrase() {
        // The integrity value alone wraps no key at all, which unwraps under every passphrase.
        let header = GO_ITEM.split('.').next().unwrap();
        let mut sealed = b"{}".to_vec();
        Aes256Gcm::new(&[0; CONTENT_KEY_LEN].into())
            .encrypt_in_place(&Nonce::from([0; NONCE_LEN]), header.as_bytes(), &mut sealed)
            .unwrap();
        let (content, tag) = sealed.split_at(2);
        let parts = [&[0xA6; 8][..], &[0; NONCE_LEN], content, tag].map(|part| BASE64URL.encode(part));
        let planted = format!("{header}.{}", parts.join("."));
        assert_eq!(decrypt(&planted, "anything").unwrap_err(), JweError::NotJwe);
    }

    #[test]
    fn names_what_is_wrong() {
        assert_eq!(decrypt(GO_ITEM, "Password").unwrap_err(), JweError::WrongPassphrase);
        assert_eq!(decrypt("", "x").unwrap_err(), JweError::NotJwe);
        assert_eq!(decrypt(&format!("{GO_ITEM}\n"), "password").unwrap_err(), JweError::NotJwe);
        let swapped = GO_ITEM.replacen(".gJUr", ".hJUr", 1);
        assert_eq!(decrypt(&swapped, "password").unwrap_err(), JweError::Damaged);
        let with_header = |json: &str| {
            let rest = GO_ITEM.split_once('.').unwrap().1;
            decrypt(&format!("{}.{rest}", BASE64URL.encode(json)), "password").unwrap_err()
        };
        assert_eq!(with_header("[]"), JweError::Header);
        assert_eq!(with_header(r#"{"alg":"dir","enc":"A256GCM","p2c":1,"p2s":""}"#), JweError::Algorithm);
        for count in [0, ITERATIONS_READ_AT_MOST + 1] {
            let json = format!(r#"{{"alg":"{ALGORITHM}","enc":"A256GCM","p2c":{count},"p2s":""}}"#);
            assert_eq!(with_header(&json), JweError::Iterations);
        }
    }
}
