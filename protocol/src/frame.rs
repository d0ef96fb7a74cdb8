//! Header and body of a message, and reading them in any chunking.
//!
//! | bytes | content |
//! |---|---|
//! | 0–3 | length of the body in bytes, little-endian |
//! | 4–5 | message type, see [`crate::message`] |
//! | 6–7 | flags: bit 0 = last frame for this request; others must be sent as 0 and are ignored |
//! | 8–11 | request id, chosen by the client, unique among its requests in flight |
//! | 12–15 | reserved: sent as 0, ignored |
//!
//! The header is outside the codec, so that an unknown message is recognised by its type and not by a
//! failed decode. A length above the limit is refused before anything is allocated.

use serde::Serialize;
use zeroize::{Zeroize, Zeroizing};

use crate::codec;

/// Length of a frame's header in bytes.
pub const HEADER_LEN: usize = 16;

/// Longest body an agent accepts, in bytes. A request is a profile name, a few flags and an environment of
/// some forty variables; 64 KiB leaves room for long proxy lists and keeps a hostile client cheap.
pub const MAX_REQUEST_LEN: u32 = 64 * 1024;

/// Longest body a client accepts, in bytes: a listing of ten thousand profiles with long names fits.
pub const MAX_REPLY_LEN: u32 = 4 * 1024 * 1024;

/// Flag bit: no further frame will come for this request id.
pub const FLAG_FINAL: u16 = 1;

/// One message as it travels.
#[derive(Debug)]
pub struct Frame {
    /// Message type.
    pub kind: u16,
    /// Flag bits.
    pub flags: u16,
    /// Which request this belongs to; 0 belongs to the connection.
    pub request_id: u32,
    /// The encoded message; wiped on drop.
    pub body: Zeroizing<Vec<u8>>,
}

impl Frame {
    /// Puts a message into a frame.
    pub fn new<T: Serialize>(kind: u16, flags: u16, request_id: u32, message: &T) -> Self {
        Self { kind, flags, request_id, body: codec::encode(message) }
    }

    /// Whether this is the last frame for its request.
    pub fn is_final(&self) -> bool {
        self.flags & FLAG_FINAL != 0
    }

    /// The bytes to send, in one buffer of exact size.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(HEADER_LEN + self.body.len()));
        // A body over 4 GiB cannot be built from our messages; saturating makes the peer refuse it.
        let length = u32::try_from(self.body.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&self.kind.to_le_bytes());
        bytes.extend_from_slice(&self.flags.to_le_bytes());
        bytes.extend_from_slice(&self.request_id.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// A frame that must not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The announced body is longer than agreed.
    #[error("a frame of {length} bytes is over the limit of {limit}")]
    TooLong {
        /// What the header says.
        length: u32,
        /// What this side accepts.
        limit: u32,
    },
}

/// Takes bytes as they come and gives frames. Does no I/O: the caller fills [`Reader::space`] from wherever
/// the bytes come from and reports how many with [`Reader::advance`].
#[derive(Debug)]
pub struct Reader {
    limit: u32,
    /// Headers, and with lookahead what came behind them; wiped as it is taken out.
    ahead: Zeroizing<Vec<u8>>,
    /// How much of `ahead` is filled.
    filled: usize,
    /// A frame whose body is still coming, and how much of it is there.
    unfinished: Option<(Frame, usize)>,
}

impl Reader {
    /// A reader that never takes a byte of the next frame, and refuses bodies longer than `limit` bytes.
    pub fn new(limit: u32) -> Self {
        Self::with_room(limit, HEADER_LEN)
    }

    /// A reader that takes up to `lookahead` bytes at once, which spares a system call per frame. After each
    /// frame the caller must ask [`Reader::buffered`] before it waits for more bytes.
    pub fn with_lookahead(limit: u32, lookahead: usize) -> Self {
        Self::with_room(limit, lookahead.max(HEADER_LEN))
    }

    fn with_room(limit: u32, room: usize) -> Self {
        Self { limit, ahead: Zeroizing::new(vec![0; room]), filled: 0, unfinished: None }
    }

    /// Where the next bytes belong; never empty as long as [`Reader::buffered`] is asked.
    pub fn space(&mut self) -> &mut [u8] {
        match &mut self.unfinished {
            None => &mut self.ahead[self.filled..],
            Some((frame, filled)) => &mut frame.body[*filled..],
        }
    }

    /// Whether a frame has begun and is not complete.
    pub fn in_progress(&self) -> bool {
        self.unfinished.is_some() || self.filled > 0
    }

    /// Says that `count` bytes of [`Reader::space`] were filled; gives the frame if that completed one.
    pub fn advance(&mut self, count: usize) -> Result<Option<Frame>, FrameError> {
        match self.unfinished.take() {
            None => {
                self.filled += count;
                self.buffered()
            }
            Some((frame, filled)) if filled + count == frame.body.len() => Ok(Some(frame)),
            Some((frame, filled)) => {
                self.unfinished = Some((frame, filled + count));
                Ok(None)
            }
        }
    }

    /// The next frame among the bytes that are here already.
    pub fn buffered(&mut self) -> Result<Option<Frame>, FrameError> {
        if self.unfinished.is_some() || self.filled < HEADER_LEN {
            return Ok(None);
        }
        let length = self.header_u32(0);
        if length > self.limit {
            return Err(FrameError::TooLong { length, limit: self.limit });
        }
        let mut frame = Frame {
            kind: self.header_u16(4),
            flags: self.header_u16(6),
            request_id: self.header_u32(8),
            body: Zeroizing::new(vec![0; length as usize]),
        };
        let here = (self.filled - HEADER_LEN).min(frame.body.len());
        let end = HEADER_LEN + here;
        frame.body[..here].copy_from_slice(&self.ahead[HEADER_LEN..end]);
        self.ahead.copy_within(end..self.filled, 0);
        self.ahead[self.filled - end..self.filled].zeroize();
        self.filled -= end;
        if here == frame.body.len() {
            return Ok(Some(frame));
        }
        self.unfinished = Some((frame, here));
        Ok(None)
    }

    fn header_u16(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.ahead[at], self.ahead[at + 1]])
    }

    fn header_u32(&self, at: usize) -> u32 {
        u32::from_le_bytes([self.ahead[at], self.ahead[at + 1], self.ahead[at + 2], self.ahead[at + 3]])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u16, request_id: u32, body: &[u8]) -> Frame {
        Frame { kind, flags: FLAG_FINAL, request_id, body: Zeroizing::new(body.to_vec()) }
    }

    /// Feeds bytes in the given chunk sizes, over and over.
    fn read_all(bytes: &[u8], chunks: &[usize], limit: u32) -> Result<Vec<Frame>, FrameError> {
        feed(Reader::new(limit), bytes, chunks)
    }

    fn feed(mut reader: Reader, mut bytes: &[u8], chunks: &[usize]) -> Result<Vec<Frame>, FrameError> {
        let mut frames = Vec::new();
        let mut sizes = chunks.iter().copied().cycle();
        while !bytes.is_empty() {
            let space = reader.space();
            let count = sizes.next().unwrap_or(1).clamp(1, space.len()).min(bytes.len());
            space[..count].copy_from_slice(&bytes[..count]);
            bytes = &bytes[count..];
            frames.extend(reader.advance(count)?);
            while let Some(frame) = reader.buffered()? {
                frames.push(frame);
            }
        }
        Ok(frames)
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_frames(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..6),
            chunks in prop::collection::vec(1_usize..300, 1..8),
            lookahead in 0_usize..500,
        ) {
            let mut bytes = Vec::new();
            for (index, body) in bodies.iter().enumerate() {
                bytes.extend_from_slice(&frame(7, u32::try_from(index).unwrap(), body).to_bytes());
            }
            let frames = feed(Reader::with_lookahead(1000, lookahead), &bytes, &chunks).unwrap();
            prop_assert_eq!(frames.len(), bodies.len());
            let exact = read_all(&bytes, &chunks, 1000).unwrap();
            prop_assert!(exact.iter().map(|frame| &*frame.body).eq(frames.iter().map(|frame| &*frame.body)));
            for (index, (frame, body)) in frames.iter().zip(&bodies).enumerate() {
                prop_assert_eq!(frame.request_id as usize, index);
                prop_assert_eq!(&*frame.body, body);
                prop_assert!(frame.is_final());
            }
        }

        #[test]
        fn hostile_bytes_never_allocate_above_the_limit(
            bytes in prop::collection::vec(any::<u8>(), 0..400),
            chunks in prop::collection::vec(1_usize..50, 1..4),
        ) {
            if let Ok(frames) = read_all(&bytes, &chunks, 100) {
                prop_assert!(frames.iter().all(|frame| frame.body.len() <= 100));
            }
        }
    }

    #[test]
    fn refuses_a_long_body_before_allocating() {
        let header = [0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
        let error = read_all(&header, &[16], MAX_REQUEST_LEN).unwrap_err();
        assert_eq!(error, FrameError::TooLong { length: u32::MAX, limit: MAX_REQUEST_LEN });
    }
}
