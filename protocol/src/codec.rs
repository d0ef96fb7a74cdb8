//! Bodies to bytes and back. The only module that knows the encoding (bincode 2, little-endian, varints),
//! so that it can be replaced without touching another file.
//!
//! A body may end in bytes this version does not know: structs only ever grow at the end, and the
//! remainder is ignored. Every buffer is of exact size and wiped on drop, because any body may carry a secret.

use bincode::config::{self, Configuration, Limit, LittleEndian, Varint};
use bincode::enc::write::Writer;
use bincode::error::EncodeError;
use serde::Serialize;
use serde::de::Deserialize;
use zeroize::Zeroizing;

use crate::frame::MAX_REPLY_LEN;

/// What a decoder may claim for containers, in bytes: never more than the largest frame can hold.
const DECODE_LIMIT: usize = MAX_REPLY_LEN as usize * 2;

type Encoding = Configuration<LittleEndian, Varint, Limit<DECODE_LIMIT>>;

/// A body that is not what its type number promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body does not match its message type")]
pub struct MalformedBody;

fn encoding() -> Encoding {
    config::standard().with_limit::<DECODE_LIMIT>()
}

/// The bytes of a body, in a buffer of exactly their length.
pub fn encode<T: Serialize>(body: &T) -> Zeroizing<Vec<u8>> {
    let mut length = Length(0);
    // Counting cannot fail: the writer accepts everything and our types have no unserialisable values.
    let _ = bincode::serde::encode_into_writer(body, &mut length, encoding());
    let mut bytes = Zeroizing::new(vec![0; length.0]);
    let written = bincode::serde::encode_into_slice(body, &mut bytes, encoding());
    debug_assert_eq!(written.ok(), Some(length.0));
    bytes
}

/// Reads a body; bytes behind what `T` knows are ignored.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, MalformedBody> {
    match bincode::serde::borrow_decode_from_slice(bytes, encoding()) {
        Ok((body, _ignored_tail)) => Ok(body),
        // The decoder's own error is dropped: it may quote the input.
        Err(_) => Err(MalformedBody),
    }
}

struct Length(usize);

impl Writer for &mut Length {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0 += bytes.len();
        Ok(())
    }
}
