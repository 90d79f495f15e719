//! A vendor over real HTTP on a loopback port, as good or as hostile as a test wants.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{Request, Response};
use bytes::Bytes;

/// What the vendor does with a call.
#[derive(Debug, Clone)]
pub(in crate::services) enum Play {
    /// Answers.
    Answer(u16, Vec<(&'static str, String)>, Bytes),
    /// Never answers.
    Silence,
    /// Sends half of this and breaks the connection.
    Half(Bytes),
}

impl Play {
    /// 200 with JSON.
    pub(in crate::services) fn json(body: impl Into<String>) -> Self {
        Self::status(200, body)
    }

    /// Any status with JSON.
    pub(in crate::services) fn status(status: u16, body: impl Into<String>) -> Self {
        let kind = ("content-type", "application/json".to_owned());
        Self::Answer(status, vec![kind], Bytes::from(body.into()))
    }

    /// 200 with a web page.
    pub(in crate::services) fn page(body: &str) -> Self {
        let kind = ("content-type", "text/html".to_owned());
        Self::Answer(200, vec![kind], Bytes::from(body.to_owned()))
    }

    /// 429 that asks for a second's patience.
    pub(in crate::services) fn throttled() -> Self {
        Self::Answer(429, vec![("retry-after", "1".into())], Bytes::new())
    }

    /// The hostile plays that no check of any service may take for good news.
    pub(in crate::services) fn hostile(healthy: &str) -> Vec<(&'static str, Self)> {
        let half: String = healthy.chars().take(healthy.chars().count() / 2).collect();
        // Refused for its size by the transport, and no answer in any case.
        let huge = format!("{}{half}", " ".repeat(9 * 1024 * 1024));
        vec![
            ("slow", Self::Silence),
            ("401", Self::status(401, r#"{"error":"no"}"#)),
            ("403", Self::status(403, "")),
            ("429", Self::throttled()),
            ("500", Self::status(500, healthy)),
            ("half an answer", Self::Half(Bytes::from(healthy.to_owned()))),
            ("truncated", Self::json(half)),
            (
                "error inside",
                Self::json(r#"{"error":{"code":"x","message":"y"},"ExceptionMessage":"z"}"#),
            ),
            ("web page", Self::page("<!DOCTYPE html><html><body>Back soon</body></html>")),
            ("wrong type", Self::json("[\"value\"]")),
            ("a number", Self::json("42")),
            ("deep", Self::json("[".repeat(100_000))),
            ("huge", Self::json(huge)),
            ("empty", Self::json("")),
            ("empty object", Self::json("{}")),
            ("empty list", Self::json(r#"{"value":[],"results":[]}"#)),
            ("null", Self::json("null")),
            (
                "redirect",
                Self::Answer(302, vec![("location", "http://127.0.0.1:1/".into())], Bytes::new()),
            ),
        ]
    }
}

/// One call as it came in.
#[derive(Debug, Clone)]
pub(in crate::services) struct Asked {
    /// Path without the query.
    pub(in crate::services) path: String,
    /// Query, decoded.
    pub(in crate::services) query: BTreeMap<String, String>,
    /// Headers by lower-case name.
    pub(in crate::services) headers: BTreeMap<String, String>,
    /// Body.
    pub(in crate::services) body: String,
}

type Choose = dyn Fn(&Asked) -> Option<Play> + Send + Sync;

#[derive(Default)]
struct Stage {
    plays: Mutex<BTreeMap<String, Vec<Play>>>,
    chooser: Mutex<Option<Arc<Choose>>>,
    asked: Mutex<Vec<Asked>>,
}

/// The server. It ends with the runtime of its test.
pub(in crate::services) struct Vendor {
    /// `http://127.0.0.1:port`.
    pub(in crate::services) url: String,
    stage: Arc<Stage>,
}

impl Vendor {
    /// A vendor that answers 404 to everything until it is told otherwise.
    pub(in crate::services) async fn start() -> Self {
        let stage = Arc::new(Stage::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new().fallback(answer).with_state(stage.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, stage }
    }

    /// What it does on `path` from now on; of several plays the last one stays.
    pub(in crate::services) fn on(&self, path: &str, plays: impl IntoIterator<Item = Play>) {
        let mut plays: Vec<_> = plays.into_iter().collect();
        plays.reverse();
        self.stage.plays.lock().unwrap().insert(path.to_owned(), plays);
    }

    /// Lets `choose` look at a call before the plays do.
    pub(in crate::services) fn choose(
        &self,
        choose: impl Fn(&Asked) -> Option<Play> + Send + Sync + 'static,
    ) {
        *self.stage.chooser.lock().unwrap() = Some(Arc::new(choose));
    }

    /// Every call so far.
    pub(in crate::services) fn asked(&self) -> Vec<Asked> {
        self.stage.asked.lock().unwrap().clone()
    }

    /// How many calls `path` has had.
    pub(in crate::services) fn count(&self, path: &str) -> usize {
        self.asked().iter().filter(|a| a.path == path).count()
    }
}

async fn answer(State(stage): State<Arc<Stage>>, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap_or_default();
    let query = url::form_urlencoded::parse(head.uri.query().unwrap_or("").as_bytes());
    let asked = Asked {
        path: head.uri.path().to_owned(),
        query: query.into_owned().collect(),
        headers: head
            .headers
            .iter()
            .map(|(n, v)| (n.to_string(), v.to_str().unwrap_or("").to_owned()))
            .collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    stage.asked.lock().unwrap().push(asked.clone());
    let chooser = stage.chooser.lock().unwrap().clone();
    let play = chooser.and_then(|c| c(&asked)).or_else(|| {
        let mut plays = stage.plays.lock().unwrap();
        let left = plays.get_mut(&asked.path)?;
        if left.len() > 1 { left.pop() } else { left.last().cloned() }
    });
    perform(play).await
}

async fn perform(play: Option<Play>) -> Response<Body> {
    match play {
        None => Response::builder().status(404).body(Body::empty()).unwrap(),
        Some(Play::Answer(status, headers, body)) => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response.body(Body::from(body)).unwrap()
        }
        Some(Play::Silence) => std::future::pending().await,
        Some(Play::Half(body)) => {
            let half = body.slice(..body.len() / 2);
            let broken = std::io::Error::other("cut");
            let stream = futures_util::stream::iter([Ok(half), Err(broken)]);
            Response::builder()
                .header("content-type", "application/json")
                .body(Body::from_stream(stream))
                .unwrap()
        }
    }
}
