//! The connection to a mail server, as lettre gets it: encrypted, greeted, and with an end to what it
//! may bring.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Bytes that a server may say in one visit.
const SAYS: usize = 256 * 1024;
/// Bytes of one line in the clear, and lines of one answer.
const CLEAR_LINE: usize = 2_000;
const CLEAR_LINES: usize = 64;

/// An encrypted connection.
pub(super) struct Encrypted {
    stream: TlsStream<TcpStream>,
    /// What stands for the greeting where that was said before TLS began.
    greeting: &'static [u8],
    left: usize,
}

impl Encrypted {
    /// `greeted`: whether the server's greeting is behind us.
    pub(super) fn new(stream: TlsStream<TcpStream>, greeted: bool) -> Self {
        let greeting: &[u8] = if greeted { b"220 TLS has begun\r\n" } else { b"" };
        Self { stream, greeting, left: SAYS }
    }
}

impl std::fmt::Debug for Encrypted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Encrypted(..)")
    }
}

impl AsyncTokioStream for Encrypted {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.get_ref().0.peer_addr()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.greeting.is_empty() {
            let n = this.greeting.len().min(into.remaining());
            let (now, later) = this.greeting.split_at(n);
            into.put_slice(now);
            this.greeting = later;
            return Poll::Ready(Ok(()));
        }
        if this.left == 0 {
            return Poll::Ready(Err(io::Error::other("it says more than a mail server does")));
        }
        let before = into.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, into);
        this.left = this.left.saturating_sub(into.filled().len().saturating_sub(before));
        read
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

/// Why TLS was not agreed upon.
pub(super) enum NoTls {
    /// The connection ended or brought what is not SMTP.
    Lost(String),
    /// The server does not want to.
    Refused(String),
}

impl From<io::Error> for NoTls {
    fn from(error: io::Error) -> Self {
        Self::Lost(error.to_string())
    }
}

/// Asks for TLS, in the clear (RFC 3207). Reads no byte too many: whatever a stranger puts between the
/// server's consent and the handshake is taken for the handshake, which then fails.
pub(super) async fn start_tls<S>(stream: &mut S, hello: &str) -> Result<(), NoTls>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let greeting = answer(stream).await?;
    if !greeting.starts_with("220") {
        return Err(NoTls::Lost(format!("it does not greet: {greeting}")));
    }
    stream.write_all(format!("EHLO {hello}\r\n").as_bytes()).await?;
    let can = answer(stream).await?;
    if !can.starts_with("250") {
        return Err(NoTls::Lost(format!("it does not answer to EHLO: {can}")));
    }
    stream.write_all(b"STARTTLS\r\n").await?;
    let consent = answer(stream).await?;
    if consent.starts_with("220") {
        return Ok(());
    }
    Err(NoTls::Refused(format!("it refuses STARTTLS, so nothing was sent: {consent}")))
}

/// The last line of an answer in the clear.
async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> Result<String, NoTls> {
    for _ in 0..CLEAR_LINES {
        let line = line(stream).await?;
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(line);
        }
    }
    Err(NoTls::Lost("its answer has no end".to_owned()))
}

/// A line, read byte by byte.
async fn line(stream: &mut (impl AsyncRead + Unpin)) -> Result<String, NoTls> {
    let mut line = Vec::new();
    while line.len() < CLEAR_LINE {
        match stream.read_u8().await? {
            b'\n' => return Ok(String::from_utf8_lossy(&line).trim_end().to_owned()),
            byte => line.push(byte),
        }
    }
    Err(NoTls::Lost("its line has no end".to_owned()))
}
