//! The HTTP side: one thread, one current-thread runtime, one task per connection.
//!
//! It reads a request to its end, writes it into the log, lets the fault that is due happen, and has a service answer.
//! No lock is held while it waits for anything. What is right and wrong in a call is never decided here.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, DATE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::aws_error::AwsError;
use super::calls::{Call, Outcome};
use super::faults::Fault;
use super::request::Request;
use super::sts::{self, Spoil};
use super::{Shared, clock, control, random, xml};

/// Far above any request of these APIs; a client that sends more is broken.
const MAX_BODY: usize = 1 << 20;

/// Why a connection ends without an answer.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error("reset on purpose")]
    Reset,
    #[error("the request could not be read: {0}")]
    Unreadable(Box<dyn std::error::Error + Send + Sync>),
}

/// What goes back to the client.
struct Answer {
    status: u16,
    content_type: &'static str,
    body: Vec<u8>,
}

/// Binds a free port of 127.0.0.1 and serves it until `stopped`, then drops every connection.
pub(super) fn spawn(shared: Arc<Shared>, stopped: oneshot::Receiver<()>) -> (SocketAddr, JoinHandle<()>) {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("127.0.0.1 has a free port");
    listener.set_nonblocking(true).expect("a new socket can be made non-blocking");
    let address = listener.local_addr().expect("a bound socket has an address");
    let serve = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
        runtime.expect("a runtime needs no more than a few file descriptors").block_on(async {
            let listener = TcpListener::from_std(listener).expect("the listener is non-blocking");
            tokio::select! {
                never = accept(listener, shared) => match never {},
                _ = stopped => {}
            }
        });
    };
    let thread = std::thread::Builder::new().name("aws stand-in".to_owned()).spawn(serve);
    (address, thread.expect("the machine can start a thread"))
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) -> Infallible {
    loop {
        // A connection that is gone before it is accepted, or a moment without file descriptors, is the client's loss.
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(stream, Arc::clone(&shared)));
        } else {
            tokio::task::yield_now().await;
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        Box::pin(async move { exchange(&shared, request).await })
    });
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // Not simply `.await`: the socket is wanted back, because only its owner can reset it.
    if poll_fn(|task| connection.poll_without_shutdown(task)).await.is_err() {
        let stream = connection.into_parts().io.into_inner();
        let _ = stream.set_zero_linger();
    }
}

async fn exchange(
    shared: &Shared,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, NoAnswer> {
    let request = read(request).await?;
    let request_id = random::request_id();
    let answer = if request.path.starts_with(control::PREFIX) {
        let (status, body) = control::answer(shared, &request);
        Answer { status, content_type: "application/json", body: body.to_string().into_bytes() }
    } else {
        call(shared, &request, &request_id).await?
    };
    let response = hyper::Response::builder()
        .status(answer.status)
        .header(CONTENT_TYPE, answer.content_type)
        .header(DATE, clock::http(shared.world().now()))
        .header("x-amzn-RequestId", request_id)
        .body(Full::new(answer.body.into()));
    Ok(response.expect("faults are set with valid statuses, and the headers are made here"))
}

async fn read(request: hyper::Request<Incoming>) -> Result<Request, NoAnswer> {
    let (head, body) = request.into_parts();
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
        (name.as_str().to_owned(), text(value.as_bytes()))
    };
    Ok(Request {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers.iter().map(header).collect(),
        body: Limited::new(body, MAX_BODY).collect().await.map_err(NoAnswer::Unreadable)?.to_bytes(),
    })
}

/// One call of an AWS API, from the log to the answer.
async fn call(shared: &Shared, request: &Request, request_id: &str) -> Result<Answer, NoAnswer> {
    // Before the call can be seen in the log, so that a release after seeing it is not missed.
    let mut released = shared.released.subscribe();
    let parameters = request.parameters();
    let (entry, fault) = {
        let mut world = shared.world();
        let call = Call::new(request, &parameters, world.now());
        let fault = world.faults.take(&call.action);
        (Entry { shared, number: world.log.arrived(call) }, fault)
    };
    shared.changed.notify_all();
    match &fault {
        Some(Fault::Delay { milliseconds }) => tokio::time::sleep(Duration::from_millis(*milliseconds)).await,
        Some(Fault::Hang) => drop(released.changed().await),
        Some(Fault::ConnectionReset) => return Err(NoAnswer::Reset),
        _ => {}
    }
    let spoil = Spoil {
        empty_token: fault == Some(Fault::EmptySessionToken),
        expired: fault == Some(Fault::AlreadyExpired),
    };
    // One service so far. The next ones are chosen by what only they have: IAM by `Version`, the SSO portal and
    // SSO-OIDC by their paths.
    let result = match fault.as_ref().and_then(Fault::error) {
        Some(error) => Err(error),
        None => sts::answer(&mut shared.world(), request, &parameters, spoil),
    };
    entry.settle(outcome(&result, fault.as_ref()));
    let mut answer = render(parameters.get("Action").unwrap_or_default(), &result, request_id);
    match fault {
        Some(Fault::AnswerLost) => return Err(NoAnswer::Reset),
        Some(Fault::Garbage) => answer.body = b"\x00\xff<<< this is not the answer".to_vec(),
        Some(Fault::Truncated) => answer.body.truncate(answer.body.len() / 2),
        _ => {}
    }
    Ok(answer)
}

fn outcome(result: &Result<Vec<String>, AwsError>, fault: Option<&Fault>) -> Outcome {
    match (result, fault) {
        (Err(error), _) => Outcome::Refused { code: error.code.clone(), message: error.message.clone() },
        (Ok(_), None | Some(Fault::Delay { .. } | Fault::Hang)) => Outcome::Success,
        (Ok(_), Some(_)) => Outcome::Spoiled,
    }
}

fn render(action: &str, result: &Result<Vec<String>, AwsError>, request_id: &str) -> Answer {
    let (status, body) = match result {
        Ok(members) => (200, xml::response(sts::NAMESPACE, action, members, request_id)),
        Err(error) => (error.status, xml::error(sts::NAMESPACE, error, request_id)),
    };
    Answer { status, content_type: "text/xml", body: body.into_bytes() }
}

/// A call in the log. Dropped unsettled, because the client went away or the connection was reset, it is abandoned.
struct Entry<'a> {
    shared: &'a Shared,
    number: usize,
}

impl Entry<'_> {
    fn settle(&self, outcome: Outcome) {
        self.shared.world().log.settle(self.number, outcome);
        self.shared.changed.notify_all();
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.settle(Outcome::Abandoned);
    }
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
