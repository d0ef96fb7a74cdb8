//! A hostile stream in hostile pieces: the reader never holds more than the limit, and the pieces do not matter.
//!
//! The input's first four bytes choose the limit and the sizes of the pieces, the rest is the stream.
#![no_main]

use aws_vault_protocol::frame::{Frame, FrameError, HEADER_LEN, Reader};
use libfuzzer_sys::fuzz_target;

/// Largest limit to try, in bytes: small, so that a short input can be above it.
const LARGEST_LIMIT: u32 = 2048;

fuzz_target!(|data: &[u8]| {
    let Some((&[low, high, first, second], stream)) = data.split_first_chunk() else { return };
    let limit = u32::from(u16::from_le_bytes([low, high])) % LARGEST_LIMIT;
    let (frames, refused) = read(stream, &[usize::from(first), usize::from(second)], limit);
    let (whole, refused_whole) = read(stream, &[usize::MAX], limit);
    assert_eq!(frames.len(), whole.len(), "pieces changed the number of frames");
    assert_eq!(refused, refused_whole, "pieces changed the error");
    let mut at = 0;
    for (frame, other) in frames.iter().zip(&whole) {
        let bytes = frame.to_bytes();
        assert_eq!(*bytes, *other.to_bytes(), "pieces changed a frame");
        let sent = &stream[at..at + bytes.len()];
        // The last four bytes of a header are reserved: ignored, and sent as 0.
        assert_eq!(sent[..12], bytes[..12]);
        assert_eq!(sent[HEADER_LEN..], bytes[HEADER_LEN..]);
        at += bytes.len();
    }
});

/// The frames in `stream`, read in pieces of these sizes over and over, and the error that ended it.
fn read(mut stream: &[u8], pieces: &[usize], limit: u32) -> (Vec<Frame>, Option<FrameError>) {
    let mut reader = Reader::new(limit);
    let mut frames = Vec::new();
    let mut sizes = pieces.iter().copied().cycle();
    while !stream.is_empty() {
        let space = reader.space();
        assert!(!space.is_empty(), "no room for the next byte");
        assert!(space.len() <= HEADER_LEN.max(limit as usize), "room for more than the limit");
        let count = sizes.next().unwrap_or(1).clamp(1, space.len()).min(stream.len());
        space[..count].copy_from_slice(&stream[..count]);
        stream = &stream[count..];
        match reader.advance(count) {
            Ok(Some(frame)) => {
                assert!(frame.body.len() <= limit as usize, "a body above the limit");
                assert!(!reader.in_progress());
                frames.push(frame);
            }
            Ok(None) => assert!(reader.in_progress()),
            Err(error) => {
                let FrameError::TooLong { length, limit: said } = error;
                assert!(length > limit && said == limit);
                return (frames, Some(error));
            }
        }
    }
    (frames, None)
}
