//! A server that writes exactly the bytes it is told to, and remembers what it was sent.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What to do with one request.
pub enum Act {
    /// Write this and wait for the next request.
    Send(Vec<u8>),
    /// Write this and close.
    SendAndClose(Vec<u8>),
    /// Write this and drop the connection without a word, as if it had been cut.
    SendAndCut(Vec<u8>),
    /// Write this and then nothing, without closing.
    SendAndHang(Vec<u8>),
    /// Write the first, then the second again and again, as fast as it is taken.
    Endless(Vec<u8>, Vec<u8>),
    /// Write the first, then the second again and again with this pause between.
    Drip(Vec<u8>, Vec<u8>, Duration),
    /// Close without an answer.
    Close,
    /// Wait until the barrier is full, then write this.
    Together(Arc<tokio::sync::Barrier>, Vec<u8>),
    /// Wait for a permit, then write this.
    When(Arc<tokio::sync::Semaphore>, Vec<u8>),
}

/// What the server saw.
#[derive(Default)]
pub struct Seen {
    connections: AtomicUsize,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

/// A running server; it ends when dropped.
pub struct Server {
    pub address: SocketAddr,
    seen: Arc<Seen>,
    _tasks: JoinSet<()>,
}

type Script = Arc<dyn Fn(usize, &str) -> Act + Send + Sync>;

impl Server {
    /// Plain HTTP. The script is given the number of the request, from 0, and its text.
    pub async fn start(script: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Self {
        Self::run(None, Arc::new(script)).await
    }

    /// HTTPS.
    pub async fn start_tls(
        tls: rustls::ServerConfig,
        script: impl Fn(usize, &str) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::run(Some(TlsAcceptor::from(Arc::new(tls))), Arc::new(script)).await
    }

    async fn run(tls: Option<TlsAcceptor>, script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let mut tasks = JoinSet::new();
        let shared = seen.clone();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let (tls, script, seen) = (tls.clone(), script.clone(), shared.clone());
                connections.spawn(async move {
                    match tls {
                        None => talk(stream, &script, &seen).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                talk(stream, &script, &seen).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, seen, _tasks: tasks }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn tls_url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    pub fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub fn most_in_flight(&self) -> usize {
        self.seen.most_in_flight.load(Ordering::SeqCst)
    }

    pub fn in_flight(&self) -> usize {
        self.seen.in_flight.load(Ordering::SeqCst)
    }

    /// The requests, heads and bodies.
    pub fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap().clone()
    }
}

/// An answer with a length.
pub fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut out = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len())
        .into_bytes();
    out.extend_from_slice(body);
    out
}

/// 200 with this body.
pub fn ok(body: impl AsRef<[u8]>) -> Vec<u8> {
    answer("200 OK", "Content-Type: application/json\r\n", body)
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, script: &Script, seen: &Seen) {
    while let Some(request) = read_request(&mut stream).await {
        let number = {
            let mut requests = seen.requests.lock().unwrap();
            requests.push(request.clone());
            requests.len() - 1
        };
        let now = seen.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        seen.most_in_flight.fetch_max(now, Ordering::SeqCst);
        let again = perform(&mut stream, script(number, &request), seen).await;
        if !again {
            return;
        }
    }
}

/// Whether the connection goes on. Whoever is counted in flight is counted out before the last
/// byte leaves, so that the next request cannot be counted with it.
async fn perform<S: AsyncWrite + Unpin>(stream: &mut S, act: Act, seen: &Seen) -> bool {
    let out = || seen.in_flight.fetch_sub(1, Ordering::SeqCst);
    match act {
        Act::Send(bytes) => {
            out();
            stream.write_all(&bytes).await.is_ok()
        }
        Act::SendAndClose(bytes) => {
            out();
            drop(stream.write_all(&bytes).await);
            drop(stream.shutdown().await);
            false
        }
        Act::SendAndCut(bytes) => {
            out();
            drop(stream.write_all(&bytes).await);
            drop(stream.flush().await);
            false
        }
        Act::SendAndHang(bytes) => {
            drop(stream.write_all(&bytes).await);
            drop(stream.flush().await);
            std::future::pending().await
        }
        Act::Endless(head, piece) => {
            let mut writes = stream.write_all(&head).await;
            while writes.is_ok() {
                writes = stream.write_all(&piece).await;
            }
            out();
            false
        }
        Act::Drip(head, piece, pause) => {
            let mut writes = stream.write_all(&head).await;
            while writes.is_ok() {
                drop(stream.flush().await);
                tokio::time::sleep(pause).await;
                writes = stream.write_all(&piece).await;
            }
            out();
            false
        }
        Act::Close => {
            out();
            drop(stream.shutdown().await);
            false
        }
        Act::Together(barrier, bytes) => {
            barrier.wait().await;
            out();
            stream.write_all(&bytes).await.is_ok()
        }
        Act::When(permits, bytes) => {
            permits.acquire().await.unwrap().forget();
            out();
            stream.write_all(&bytes).await.is_ok()
        }
    }
}

async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|l| {
                    l.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
                })
                .unwrap_or(0_usize);
            if body.len() >= length {
                return Some(text);
            }
        }
        match stream.read(&mut buffer).await {
            Ok(n) if n > 0 => bytes.extend_from_slice(&buffer[..n]),
            Ok(_) | Err(_) => return None,
        }
    }
}
