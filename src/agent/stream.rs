//! Long lists written piece by piece, so that no answer is held whole in memory.

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;

use crate::agent::problem::{Refusal, typed};

/// Rows in one piece.
pub(super) const PIECE: usize = 256;

/// Why a list broke off; the client sees a truncated answer, which does not parse.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the agent is stopping")]
pub(super) struct BrokenOff;

/// The answer `head`, whose list named `field` is empty, with the rows of `pieces` in it. `place`
/// is given back once the client has taken it all, or is gone.
pub(super) fn listed<T: Serialize + 'static>(
    head: &impl Serialize,
    field: &str,
    pieces: impl Stream<Item = Result<Vec<T>, BrokenOff>> + Send + 'static,
    place: OwnedSemaphorePermit,
) -> Result<Response, Refusal> {
    let broken = || Refusal::busy("the answer could not be written; its log says why");
    let text = serde_json::to_string(head).map_err(|error| {
        tracing::error!("an answer could not be written: {error}");
        broken()
    })?;
    // Quotes inside a text are escaped, so this can only be the field itself.
    let empty = format!("\"{field}\":[]");
    let (before, after) = text.split_once(&empty).ok_or_else(broken)?;
    let start = format!("{before}\"{field}\":[");
    let end = format!("]{after}");
    let mut first = true;
    let rows = pieces.map(move |piece| piece.map(|rows| write(&rows, &mut first)));
    let body = stream::once(async move { Ok(Bytes::from(start)) }).chain(rows).chain(stream::once(
        async move {
            drop(place);
            Ok(Bytes::from(end))
        },
    ));
    Ok(typed(StatusCode::OK, "application/json", Body::from_stream(body)))
}

/// Rows with commas between, and before if they are not the first.
fn write<T: Serialize>(rows: &[T], first: &mut bool) -> Bytes {
    let mut out = Vec::with_capacity(rows.len() * 256);
    for row in rows {
        if !std::mem::take(first) {
            out.push(b',');
        }
        if let Err(error) = serde_json::to_writer(&mut out, row) {
            // Half a row does not parse: the client notices.
            tracing::error!("a row could not be written: {error}");
        }
    }
    Bytes::from(out)
}
