//! One question over the socket; and the stream of changes.

use std::path::Path;
use std::time::Duration;

use http_body_util::{BodyExt, BodyStream, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::LinkError;

/// The agent is on this host: it accepts at once or hangs.
const CONNECT: Duration = Duration::from_secs(5);
/// Until the head of the answer, and then between two pieces of it.
const SILENCE: Duration = Duration::from_secs(35);
/// The status of 24,000 schools is below a fifth of this.
const LARGEST: usize = 512 * 1_024 * 1_024;

/// A whole answer.
pub(super) struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

fn gone(socket: &Path, why: impl std::fmt::Display) -> LinkError {
    LinkError::NoAgent { socket: socket.display().to_string(), why: why.to_string() }
}

/// In words that say what to do.
fn not_connected(socket: &Path, error: &std::io::Error) -> LinkError {
    match error.kind() {
        std::io::ErrorKind::NotFound => gone(socket, "there is no such socket"),
        std::io::ErrorKind::ConnectionRefused => {
            gone(socket, "the socket is left over from an agent that ended")
        }
        std::io::ErrorKind::PermissionDenied => {
            gone(socket, "your account may not use it; ask for its group")
        }
        _ => gone(socket, error),
    }
}

async fn send(
    socket: &Path,
    method: &str,
    path: &str,
    last: Option<u64>,
    body: Vec<u8>,
) -> Result<Response<Incoming>, LinkError> {
    let stream = timeout(CONNECT, UnixStream::connect(socket))
        .await
        .map_err(|_| gone(socket, "it does not accept connections"))?
        .map_err(|e| not_connected(socket, &e))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|e| gone(socket, e))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!("a connection to the agent ended: {error}");
        }
    });
    let mut request = Request::builder().method(method).uri(path).header("host", "caretaker");
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let request = request.body(Full::new(Bytes::from(body))).map_err(|e| gone(socket, e))?;
    timeout(SILENCE, sender.send_request(request))
        .await
        .map_err(|_| gone(socket, "it does not answer"))?
        .map_err(|e| gone(socket, e))
}

/// Asks one question.
pub(super) async fn ask(
    socket: &Path,
    method: &str,
    path: &str,
    body: Vec<u8>,
) -> Result<Answer, LinkError> {
    let response = send(socket, method, path, None, body).await?;
    whole(socket, response).await
}

async fn whole(socket: &Path, response: Response<Incoming>) -> Result<Answer, LinkError> {
    let status = response.status().as_u16();
    let mut incoming = response.into_body();
    let mut body = Vec::new();
    while let Some(frame) = timeout(SILENCE, incoming.frame())
        .await
        .map_err(|_| gone(socket, "its answer stopped half-way"))?
    {
        let frame = frame.map_err(|e| gone(socket, format!("its answer broke off: {e}")))?;
        if let Ok(piece) = frame.into_data() {
            if body.len() + piece.len() > LARGEST {
                return Err(LinkError::Version { why: "an answer without end".into() });
            }
            body.extend_from_slice(&piece);
        }
    }
    Ok(Answer { status, body })
}

/// The stream of changes after revision `last`.
pub(super) async fn changes(
    socket: &Path,
    last: u64,
) -> Result<Result<BodyStream<Incoming>, Answer>, LinkError> {
    let response = send(socket, "GET", "/v1/changes", Some(last), Vec::new()).await?;
    if response.status().as_u16() == 200 {
        return Ok(Ok(BodyStream::new(response.into_body())));
    }
    whole(socket, response).await.map(Err)
}
