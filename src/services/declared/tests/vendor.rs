//! A vendor on loopback that speaks HTTP over a plain socket, so that it can also misbehave.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::stage::Still;

/// What it does with a request.
#[derive(Clone)]
pub enum Play {
    /// Answers: status, extra headers, body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Answers after this long by the test's own clock.
    Late(Arc<Still>, Duration, String),
    /// Never answers.
    Silent,
    /// Sends half of the body that it announced, then hangs up.
    Half(String),
    /// Sends this many bytes.
    Huge(usize),
    /// Hangs up without a word.
    HangUp,
}

/// 200 with `body`.
pub fn page(body: &str) -> Play {
    Play::Answer(200, Vec::new(), body.to_owned())
}

/// A status without a page worth reading.
pub fn status(code: u16) -> Play {
    Play::Answer(code, Vec::new(), format!("<p>{code}</p>"))
}

/// A redirect.
pub fn redirect(to: &str) -> Play {
    Play::Answer(302, vec![("location", to.to_owned())], String::new())
}

type Plays = Arc<Mutex<BTreeMap<String, Play>>>;

/// A running vendor; it ends with its owner.
pub struct Vendor {
    /// `http://127.0.0.1:PORT`
    pub url: String,
    plays: Plays,
    asked: Arc<Mutex<Vec<String>>>,
    heads: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Vendor {
    /// Starts one; what it has no play for is 404.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let plays = Plays::default();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let (known, log, seen) = (plays.clone(), asked.clone(), heads.clone());
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, known.clone(), log.clone(), seen.clone()));
            }
        });
        Self { url, plays, asked, heads, task }
    }

    /// From now on `path` is played so.
    pub fn play(&self, path: &str, play: Play) {
        self.plays.lock().unwrap().insert(path.to_owned(), play);
    }

    /// Whole requests since the last call: head and body.
    pub fn heads(&self) -> Vec<String> {
        std::mem::take(&mut self.heads.lock().unwrap())
    }

    /// Paths asked for since the last call.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl std::ops::Drop for Vendor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut socket: TcpStream,
    plays: Plays,
    log: Arc<Mutex<Vec<String>>>,
    heads: Arc<Mutex<Vec<String>>>,
) {
    let mut head = Vec::new();
    let mut buffer = [0_u8; 4096];
    while !is_whole(&head) {
        match socket.read(&mut buffer).await {
            Ok(n) if n > 0 => head.extend_from_slice(&buffer[..n]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    log.lock().unwrap().push(path.clone());
    heads.lock().unwrap().push(head);
    let play = plays.lock().unwrap().get(&path).cloned().unwrap_or_else(|| status(404));
    let sent = match play {
        Play::Answer(code, headers, body) => answer(&mut socket, code, &headers, &body).await,
        Play::Late(clock, span, body) => {
            clock.pass(span);
            answer(&mut socket, 200, &[], &body).await
        }
        Play::Silent => {
            // Until the other side gives up.
            while matches!(socket.read(&mut buffer).await, Ok(n) if n > 0) {}
            Ok(())
        }
        Play::Half(body) => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len() * 2);
            socket.write_all((head + &body).as_bytes()).await
        }
        Play::Huge(bytes) => answer(&mut socket, 200, &[], &"x".repeat(bytes)).await,
        Play::HangUp => Ok(()),
    };
    // The client may have gone; that is its right.
    drop(sent);
}

/// Whether a request is there with its body, as long as it says that it is.
fn is_whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|w| w == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(0, |n| n.trim().parse().unwrap());
    request.len() >= end + 4 + length
}

async fn answer(
    socket: &mut TcpStream,
    code: u16,
    headers: &[(&'static str, String)],
    body: &str,
) -> std::io::Result<()> {
    let extra: String = headers.iter().map(|(n, v)| format!("{n}: {v}\r\n")).collect();
    let head = format!(
        "HTTP/1.1 {code} Played\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\
         connection: close\r\n{extra}\r\n",
        body.len()
    );
    socket.write_all((head + body).as_bytes()).await?;
    socket.shutdown().await
}
