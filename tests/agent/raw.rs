//! HTTP written by hand, as `curl --unix-socket` and scripts would speak it.

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

pub const LIMIT: Duration = Duration::from_secs(20);

pub struct Reply {
    pub status: u16,
    pub kind: String,
    pub body: Vec<u8>,
}

/// Sends `head` lines and a body, and reads the answer to its end.
pub async fn ask(socket: &Path, method: &str, path: &str, body: &[u8]) -> Reply {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: caretaker\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    // The agent may answer and close before it has read everything, or anything.
    let sent = stream.write_all(&[head.as_bytes(), body].concat()).await;
    let mut answer = Vec::new();
    timeout(LIMIT, stream.read_to_end(&mut answer)).await.unwrap().ok();
    assert!(!answer.is_empty(), "no answer to {method} {path}: {sent:?}");
    parse(&answer)
}

pub fn parse(answer: &[u8]) -> Reply {
    let split = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(answer[..split].to_vec()).unwrap().to_lowercase();
    let field = |name: &str| {
        head.lines().find_map(|l| l.strip_prefix(name)).unwrap_or_default().trim().to_owned()
    };
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let rest = &answer[split + 4..];
    let body = if field("transfer-encoding:") == "chunked" { dechunk(rest) } else { rest.to_vec() };
    Reply { status, kind: field("content-type:"), body }
}

fn dechunk(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let line = rest.windows(2).position(|w| w == b"\r\n").expect("a chunk's size");
        let size = std::str::from_utf8(&rest[..line]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return out;
        }
        out.extend_from_slice(&rest[line + 2..line + 2 + size]);
        rest = &rest[line + 2 + size + 2..];
    }
}

/// A stream of server-sent events.
pub struct Events {
    lines: BufReader<UnixStream>,
}

/// One event.
#[derive(Debug)]
pub struct Sent {
    pub id: Option<u64>,
    pub data: serde_json::Value,
}

impl Events {
    pub async fn open(socket: &Path, last: Option<u64>) -> Self {
        let mut stream = UnixStream::connect(socket).await.unwrap();
        let last = last.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        let head = format!("GET /v1/changes HTTP/1.1\r\nHost: caretaker\r\n{last}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(stream);
        let mut first = String::new();
        timeout(LIMIT, lines.read_line(&mut first)).await.unwrap().unwrap();
        assert!(first.contains("200"), "{first}");
        Self { lines }
    }

    /// The next event; `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<Sent> {
        let (mut id, mut data) = (None, None);
        loop {
            let mut line = String::new();
            let read = timeout(LIMIT, self.lines.read_line(&mut line)).await.unwrap();
            if read.unwrap_or(0) == 0 {
                return None;
            }
            let line = line.trim_end();
            if let Some(value) = line.strip_prefix("id:") {
                id = Some(value.trim().parse().unwrap());
            } else if let Some(value) = line.strip_prefix("data:") {
                data = Some(serde_json::from_str(value.trim()).unwrap());
            } else if line.is_empty()
                && let Some(data) = data.take()
            {
                return Some(Sent { id, data });
            }
        }
    }

    /// The next event of a kind; others are passed over.
    pub async fn next_of(&mut self, kind: &str) -> Sent {
        loop {
            let sent = self.next().await.expect("the stream goes on");
            if sent.data["kind"] == kind {
                return sent;
            }
        }
    }
}
