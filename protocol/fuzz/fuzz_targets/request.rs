//! A hostile body: it is refused, or it is a message that says the same when it is sent on.
//!
//! The input's first two bytes are the message type, the rest is the body. Every message of both directions is tried.
#![no_main]

use aws_vault_protocol::frame::{FLAG_FINAL, Frame};
use aws_vault_protocol::message::{MessageError, Reply, Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&kind, body)) = data.split_first_chunk() else { return };
    let kind = u16::from_le_bytes(kind);
    let frame = Frame { kind, flags: FLAG_FINAL, request_id: 1, body: body.to_vec().into() };
    check(&frame, Request::KINDS, Request::from_frame, |message| {
        (message.kind(), message.to_frame(FLAG_FINAL, 1))
    });
    check(&frame, Reply::KINDS, Reply::from_frame, |message| {
        (message.kind(), message.to_frame(FLAG_FINAL, 1))
    });
});

/// Decodes, encodes, decodes and encodes again: the second encoding must be the first.
fn check<T: std::fmt::Debug>(
    frame: &Frame,
    kinds: &[(u16, &str)],
    decode: impl Fn(&Frame) -> Result<T, MessageError>,
    encode: impl Fn(&T) -> (u16, Frame),
) {
    let known = kinds.iter().any(|(kind, _)| *kind == frame.kind);
    let message = match decode(frame) {
        Ok(message) => message,
        Err(error) => {
            let expected = if known {
                MessageError::Malformed(frame.kind)
            } else {
                MessageError::UnknownKind(frame.kind)
            };
            assert_eq!(error, expected);
            return;
        }
    };
    assert!(known);
    let (kind, first) = encode(&message);
    assert_eq!((kind, first.kind), (frame.kind, frame.kind));
    // Bytes behind the known fields are dropped and numbers get their shortest form: never longer.
    assert!(first.body.len() <= frame.body.len(), "{} bytes became {}", frame.body.len(), first.body.len());
    let again = decode(&first).expect("what was encoded decodes");
    assert_eq!(*encode(&again).1.body, *first.body, "another message after a round trip");
}
