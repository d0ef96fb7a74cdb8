//! One client: handshake, frames in, replies out. Every wait has an end, every size a limit; what a client
//! does wrong costs only that client.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use aws_vault_protocol::failure::{Failure, FailureCode};
use aws_vault_protocol::frame::{Frame, HEADER_LEN, MAX_REQUEST_LEN, Reader};
use aws_vault_protocol::message::{HelloAck, MessageError, Reply, Request, goodbye};
use aws_vault_protocol::preamble::{PREAMBLE_LEN, Preamble};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::broker::Broker;
use crate::peer::Peer;

/// Preamble and hello must be there by then; a well-behaved client sends them with its connect.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(2);

/// A frame that has begun must be complete by then.
const FRAME_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection on which nothing happens and nothing is awaited is closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// A client that does not read its replies is cut off.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Requests of one connection that may run at once.
const MAX_IN_FLIGHT: usize = 8;

/// While this many bytes wait to be sent, no further request is read.
const BACKLOG_LIMIT: usize = 64 * 1024;

/// A client that takes less than this many bytes could not even be told so.
const SMALLEST_REPLY_LIMIT: u32 = 1024;

/// Longest text of a hello, in bytes; more than any version number.
const MAX_VERSION_LEN: usize = 64;

type InFlight = Rc<RefCell<HashMap<u32, AbortHandle>>>;

/// Serves a client until it leaves or misbehaves.
pub async fn serve<R, W>(broker: Rc<Broker>, mut from_client: R, mut to_client: W, process_id: Option<u32>)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let peer = Peer::new(process_id);
    let handshake = timeout(HANDSHAKE_TIMEOUT, shake_hands(&broker, &peer, &mut from_client, &mut to_client));
    let Ok(Some(())) = handshake.await else { return };
    broker.welcome(&peer);

    let in_flight = InFlight::default();
    let writing = write_replies(Rc::clone(&peer), to_client);
    let reading = read_requests(&broker, &peer, &mut from_client, &in_flight);
    tokio::pin!(writing);
    tokio::select! {
        () = reading => {
            peer.close_after_sending();
            let _ = timeout(WRITE_TIMEOUT, &mut writing).await;
        }
        () = &mut writing => {}
        () = drained(&broker, &in_flight) => {
            peer.close_after_sending();
            let _ = timeout(WRITE_TIMEOUT, &mut writing).await;
        }
    }
    peer.hang_up();
    for (_, request) in in_flight.borrow_mut().drain() {
        request.abort();
    }
}

/// Exchanges preambles and hellos. `None` means that the connection is over.
async fn shake_hands<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    broker: &Broker,
    peer: &Peer,
    from_client: &mut R,
    to_client: &mut W,
) -> Option<()> {
    let mut theirs = [0; PREAMBLE_LEN];
    from_client.read_exact(&mut theirs).await.ok()?;
    // Somebody who does not speak our protocol gets no byte back.
    let theirs = Preamble::from_bytes(theirs).ok()?;
    let ours = Preamble::OURS;
    if theirs.common_version(ours).is_none() {
        let line = format!(
            "this agent (aws-vault-agent {}) speaks protocol {}-{}, the client {}-{}; upgrade the older of the two",
            env!("CARGO_PKG_VERSION"),
            ours.min,
            ours.max,
            theirs.min,
            theirs.max
        );
        let bytes = [&ours.to_bytes()[..], &goodbye(&line).to_bytes()].concat();
        to_client.write_all(&bytes).await.ok()?;
        return None;
    }
    let mut reader = Reader::new(HELLO_LEN);
    let frame = read_frame(from_client, &mut reader).await?;
    let refuse = |line: &str| [&ours.to_bytes()[..], &goodbye(line).to_bytes()].concat();
    match Request::from_frame(&frame) {
        Ok(Request::Hello(hello)) if hello.version.len() <= MAX_VERSION_LEN => {
            peer.limit_replies(hello.max_reply.max(SMALLEST_REPLY_LIMIT));
        }
        _ => {
            to_client.write_all(&refuse("the first frame must be a hello")).await.ok()?;
            return None;
        }
    }
    // Whoever comes now wants the next agent, and finds it: a start waits until this one has gone.
    if broker.is_ending() {
        return None;
    }
    let identity = broker.identity();
    let ack = Reply::from(HelloAck {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        instance: identity.instance.clone(),
        pid: std::process::id(),
        max_request: MAX_REQUEST_LEN,
    });
    // Sent together with the first reply: the client asks in the same write as it says hello.
    peer.send_preamble(ours);
    peer.answer(frame.request_id, &ack);
    Some(())
}

/// Returns when the agent is to end and nothing of this client is under way any more.
async fn drained(broker: &Broker, in_flight: &InFlight) {
    broker.ended().await;
    while !in_flight.borrow().is_empty() {
        tokio::time::sleep(DRAIN_LOOK).await;
    }
}

/// How often a draining connection looks whether its requests are done.
const DRAIN_LOOK: Duration = Duration::from_millis(10);

/// Longest hello body, in bytes.
const HELLO_LEN: u32 = 256;

async fn read_requests<R: AsyncRead + Unpin>(
    broker: &Rc<Broker>,
    peer: &Rc<Peer>,
    from_client: &mut R,
    in_flight: &InFlight,
) {
    let mut reader = Reader::with_lookahead(MAX_REQUEST_LEN, LOOKAHEAD);
    loop {
        peer.backlog_below(BACKLOG_LIMIT).await;
        match reader.buffered() {
            Ok(None) => {}
            Ok(Some(frame)) => {
                take_request(broker, peer, in_flight, &frame);
                continue;
            }
            Err(_) => {
                peer.send(goodbye(TOO_LONG));
                return;
            }
        }
        let has_begun = reader.in_progress();
        let patience = if has_begun { FRAME_TIMEOUT } else { IDLE_TIMEOUT };
        let Ok(begun) = timeout(patience, read_some(from_client, &mut reader)).await else {
            if has_begun {
                return;
            }
            // Somebody may still be waiting for a long answer on this connection.
            if in_flight.borrow().is_empty() && peer.open_prompts() == 0 {
                peer.send(goodbye("closed after ten idle minutes"));
                return;
            }
            continue;
        };
        let frame = match begun {
            Begun::Frame(frame) => frame,
            Begun::Part => match timeout(FRAME_TIMEOUT, read_frame(from_client, &mut reader)).await {
                Ok(Some(frame)) => frame,
                Ok(None) | Err(_) => return,
            },
            Begun::Over => return,
            Begun::TooLong => {
                peer.send(goodbye(TOO_LONG));
                return;
            }
        };
        take_request(broker, peer, in_flight, &frame);
    }
}

/// Bytes read at once: one request with the usual environment.
const LOOKAHEAD: usize = 4096;

/// Said to a client whose frame is longer than agreed.
const TOO_LONG: &str = "a frame is over the limit that the agent announced";

/// What the first bytes after a pause were.
enum Begun {
    Frame(Frame),
    Part,
    Over,
    TooLong,
}

async fn read_some<R: AsyncRead + Unpin>(from_client: &mut R, reader: &mut Reader) -> Begun {
    match from_client.read(reader.space()).await {
        Ok(0) | Err(_) => Begun::Over,
        Ok(count) => match reader.advance(count) {
            Ok(Some(frame)) => Begun::Frame(frame),
            Ok(None) => Begun::Part,
            Err(_) => Begun::TooLong,
        },
    }
}

async fn read_frame<R: AsyncRead + Unpin>(from_client: &mut R, reader: &mut Reader) -> Option<Frame> {
    loop {
        match read_some(from_client, reader).await {
            Begun::Frame(frame) => return Some(frame),
            Begun::Part => {}
            Begun::Over | Begun::TooLong => return None,
        }
    }
}

fn take_request(broker: &Rc<Broker>, peer: &Rc<Peer>, in_flight: &InFlight, frame: &Frame) {
    let id = frame.request_id;
    let request = match Request::from_frame(frame) {
        Ok(request) => request,
        Err(error) => return refuse(peer, id, error),
    };
    match request {
        Request::PromptReply(reply) => peer.prompt_answered(*reply),
        Request::Cancel(cancel) => {
            let cancelled = in_flight.borrow_mut().remove(&cancel.request_id);
            if let Some(cancelled) = cancelled {
                cancelled.abort();
                let failure = Failure::new(FailureCode::Cancelled, "cancelled by the client");
                peer.answer(cancel.request_id, &Reply::from(failure));
            }
        }
        request => start(broker, peer, in_flight, id, request),
    }
}

/// Runs a request. What can be answered at once is answered at once, without a task of its own.
fn start(broker: &Rc<Broker>, peer: &Rc<Peer>, in_flight: &InFlight, id: u32, request: Request) {
    let busy = in_flight.borrow().len() >= MAX_IN_FLIGHT;
    if id == 0 || in_flight.borrow().contains_key(&id) || busy {
        let (code, text) = if busy {
            (FailureCode::Busy, "too many requests at once on this connection")
        } else {
            (FailureCode::InvalidRequest, "the request id is 0 or in use")
        };
        return peer.answer(id, &Reply::from(Failure::new(code, text)));
    }
    let mut answer = Box::pin(Rc::clone(broker).answer(Rc::clone(peer), id, request));
    let waker = std::task::Waker::noop();
    let first_look = answer.as_mut().poll(&mut std::task::Context::from_waker(waker));
    if let Poll::Ready(result) = first_look {
        return peer.answer(id, &result.unwrap_or_else(Reply::from));
    }
    // The task polls again with its own waker, so nothing that happens from here on is missed.
    let (peer, running) = (Rc::clone(peer), Rc::clone(in_flight));
    let task = tokio::task::spawn_local(async move {
        let result = answer.await;
        // Taken out by a cancel that was answered already?
        if running.borrow_mut().remove(&id).is_some() {
            peer.answer(id, &result.unwrap_or_else(Reply::from));
        }
    });
    in_flight.borrow_mut().insert(id, task.abort_handle());
}

fn refuse(peer: &Peer, id: u32, error: MessageError) {
    let code = match error {
        MessageError::UnknownKind(_) => FailureCode::Unsupported,
        MessageError::Malformed(_) => FailureCode::InvalidRequest,
    };
    peer.answer(id, &Reply::from(Failure::new(code, error.to_string())));
}

async fn write_replies<W: AsyncWrite + Unpin>(peer: Rc<Peer>, mut to_client: W) {
    while let Some(frames) = peer.outgoing().await {
        let preamble = peer.take_preamble();
        let length = frames.iter().map(|frame| HEADER_LEN + frame.body.len()).sum::<usize>();
        // One write for all that is there, from a buffer of exact size.
        let mut bytes = Zeroizing::new(Vec::with_capacity(PREAMBLE_LEN + length));
        bytes.extend(preamble.iter().flat_map(|preamble| preamble.to_bytes()));
        for frame in frames {
            bytes.extend_from_slice(&frame.to_bytes());
        }
        match timeout(WRITE_TIMEOUT, to_client.write_all(&bytes)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
    }
}
