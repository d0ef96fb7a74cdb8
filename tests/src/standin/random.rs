//! Random names and secrets in the shapes AWS gives them.
//!
//! Every value is fresh, so that a test which finds one in a log or a file knows exactly where it came from. Nothing
//! here may return a constant: a constant secret could leak from anywhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The alphabet of AWS's unique identifiers, which is that of base32.
const ID_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Random characters after the four-letter prefix of an identifier: 20 in all.
const ID_RANDOM_LENGTH: usize = 16;
/// What today's session tokens start with.
const TOKEN_PREFIX: &str = "IQoJb3JpZ2luX2Vj";
/// Random bytes in a session token, which make 416 to 876 characters with the prefix. The length varies because a
/// consumer may not count on one.
const TOKEN_BYTES: std::ops::Range<usize> = 300..645;

/// `len` random bytes.
pub(super) fn bytes(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A 20-character identifier: `AKIA`, `ASIA`, `AIDA`, `AROA` … and 16 random characters.
pub(super) fn id(prefix: &str) -> String {
    let random = bytes(ID_RANDOM_LENGTH);
    prefix.chars().chain(random.iter().map(|byte| char::from(ID_ALPHABET[usize::from(byte % 32)]))).collect()
}

/// A secret access key: 40 characters of base64, with the `+` and `/` that real ones have.
pub(super) fn secret_access_key() -> String {
    STANDARD.encode(bytes(30))
}

/// A session token of realistic length and alphabet.
pub(super) fn session_token() -> String {
    let span = TOKEN_BYTES.len();
    let pick = bytes(2);
    let extra = usize::from(u16::from_le_bytes([pick[0], pick[1]])) % span;
    format!("{TOKEN_PREFIX}{}", STANDARD.encode(bytes(TOKEN_BYTES.start + extra)))
}

/// A request id in the form of a random UUID.
pub(super) fn request_id() -> String {
    let hex = hex::encode(bytes(16));
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

/// Base32 without padding, as authenticator apps take a seed. Exact for seeds of a multiple of five bytes.
pub(super) fn base32(bytes: &[u8]) -> String {
    let bit = |index: usize| bytes[index / 8] >> (7 - index % 8) & 1;
    (0..bytes.len() * 8 / 5)
        .map(|group| {
            let value = (0..5).fold(0, |value, offset| value << 1 | bit(group * 5 + offset));
            char::from(ID_ALPHABET[usize::from(value)])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_those_of_aws() {
        let id = id("ASIA");
        assert!(id.starts_with("ASIA") && id.len() == 20, "{id}");
        assert_eq!(secret_access_key().len(), 40);
        let token = session_token();
        assert!((400..=900).contains(&token.len()), "{}", token.len());
        assert_eq!(request_id().len(), 36);
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        assert_eq!(base32(b"fooba"), "MZXW6YTB");
        assert_eq!(base32(b"12345678901234567890"), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }
}
