//! Fresh data on demand: a question with a callback address is taken, the data comes later, and then
//! somebody calls.
//!
//! The vendor's page says that any question may carry an address; that the school's own queue is asked,
//! which takes minutes; and that the call comes when all parts are there. What the call's body holds is
//! not published: it is made up.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use jiff::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use super::{F, Xod, failure};
use crate::model::ids::Laestab;
use crate::simulators::stage::lock;
use crate::simulators::times::moved;

/// Seconds until fresh data is there: a demo has less patience than a desk.
const SOON: i64 = 20;
const SLOW: i64 = 3 * 3_600;
/// Between two looks at the clock.
const TICK: Duration = Duration::from_millis(100);

/// What was asked for of one area of a school.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fresh {
    pub(super) asked: u64,
    due: Option<Timestamp>,
}

impl Xod {
    /// When fresh data of an area came, if it has.
    pub(super) fn freshened(&self, school: Laestab, area: &str) -> Option<Timestamp> {
        let fresh = lock(&self.fresh).get(&(school, area.to_ascii_lowercase())).copied();
        fresh?.due.filter(|due| *due <= self.stage.now())
    }

    /// Takes a question with a callback; an answer of its own where that goes wrong.
    pub(super) fn ask_fresh(
        self: &Arc<Self>,
        school: Laestab,
        area: &str,
        callback: &str,
    ) -> Option<Response> {
        let has = |fault| self.has(school, fault);
        if has(F::FreshRefused) {
            let why = "Fresh data was refused: outside the scope of the school's authorisation.";
            return Some(self.fails(Some(school), 403, why));
        }
        let wait = if has(F::FreshSlow) { SLOW } else { SOON };
        let due = moved(self.stage.now(), wait);
        let comes = !has(F::FreshNever) && !has(F::FreshCallbackOnly);
        {
            let mut fresh = lock(&self.fresh);
            let one = fresh.entry((school, area.to_owned())).or_default();
            one.asked += 1;
            one.due = Some(due).filter(|_| comes).or(one.due);
        }
        self.stage.effect(format!("groupcall fresh {area} of {school}"));
        if !has(F::FreshNever) && !has(F::FreshNoCallback) {
            match Url::parse(callback) {
                Ok(url) => drop(tokio::spawn(Arc::clone(self).call_back(url, due))),
                Err(_) => return Some(self.wrong("callbackUrl is no URL")),
            }
        }
        has(F::FreshAnswerLost).then(|| failure(504, "The upstream server did not answer."))
    }

    async fn call_back(self: Arc<Self>, url: Url, due: Timestamp) {
        while self.stage.now() < due {
            tokio::time::sleep(TICK).await;
        }
        if let Err(error) = post(&url).await {
            tracing::debug!("the simulated Groupcall could not call back: {error}");
        }
    }
}

/// Posts a few words. Only to this machine, in the clear: nothing played ever leaves it.
async fn post(url: &Url) -> std::io::Result<()> {
    let host = url.host_str().filter(|h| matches!(*h, "127.0.0.1" | "localhost"));
    let (Some(host), "http", Some(port)) = (host, url.scheme(), url.port()) else {
        return Err(std::io::Error::other("it is not on this machine"));
    };
    let body = r#"{"DBStatus":[{"Id":1,"Status":"OK"}]}"#;
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: {host}:{port}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        url.path(),
        body.len()
    );
    let mut stream = TcpStream::connect((host, port)).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(4_096).read_to_end(&mut answer).await.map(drop)
}
