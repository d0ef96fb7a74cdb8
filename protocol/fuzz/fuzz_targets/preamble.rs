//! Two hostile preambles: each is refused, or is what it was when it is sent on, and both sides agree on the version.
#![no_main]

use aws_vault_protocol::preamble::{MAGIC, PREAMBLE_LEN, Preamble, PreambleError};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first_chunk() else { return };
    let Some(first) = read(*first) else { return };
    agree(first, Preamble::OURS);
    if let Some(second) = rest.first_chunk().and_then(|second| read(*second)) {
        agree(first, second);
    }
});

fn read(bytes: [u8; PREAMBLE_LEN]) -> Option<Preamble> {
    match Preamble::from_bytes(bytes) {
        Ok(preamble) => {
            assert!(bytes.starts_with(&MAGIC) && preamble.min <= preamble.max);
            assert_eq!(preamble.to_bytes(), bytes);
            Some(preamble)
        }
        Err(error) => {
            assert_eq!(error == PreambleError::NotOurs, !bytes.starts_with(&MAGIC));
            None
        }
    }
}

fn agree(one: Preamble, other: Preamble) {
    let version = one.common_version(other);
    assert_eq!(version, other.common_version(one), "the sides disagree");
    match version {
        Some(version) => {
            assert!((one.min..=one.max).contains(&version) && (other.min..=other.max).contains(&version));
            assert!(version == one.max || version == other.max, "not the highest");
        }
        None => assert!(one.max < other.min || other.max < one.min),
    }
}
