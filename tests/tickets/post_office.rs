//! A mail server that does as it is told, at every stage of the dialogue, and keeps what it was given.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use caretaker::transport::install_tls;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// The password of its account `desk`.
pub const PASSWORD: &str = "cAnArY-post+/Zk=&%25q";

/// Where in the dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    Connect,
    Greeting,
    StartTls,
    Ehlo,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// After the text and its final dot.
    Text,
}

/// What goes wrong there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Closes,
    Silent,
    NotNow,
    Never,
    Gibberish,
    Endless,
}

/// The server's orders, and what came of them.
#[derive(Default)]
struct Book {
    fault: Option<(At, Fault)>,
    /// How often the fault strikes yet.
    times: u32,
    mails: Vec<String>,
    visits: u32,
    /// What was said to it in the clear.
    clear: Vec<String>,
    /// Put behind the consent to TLS by somebody in between.
    injected: &'static str,
}

/// The server; it lives as long as its runtime.
#[derive(Clone)]
pub struct PostOffice {
    pub port: u16,
    book: Arc<Mutex<Book>>,
    news: watch::Sender<u32>,
    starttls: bool,
}

/// A certificate for `localhost` and the authority that it is from, both written into `folder`.
pub fn certificate(folder: &Path) -> rustls::ServerConfig {
    install_tls();
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let own = own.signed_by(&key, &issuer).unwrap();
    std::fs::write(folder.join("ca.pem"), authority_pem).unwrap();
    std::fs::write(folder.join("cert.pem"), own.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], key)
        .unwrap()
}

impl PostOffice {
    /// Opens; its authority is written into `folder` as `ca.pem`.
    pub async fn open(folder: &Path, starttls: bool) -> Self {
        let tls = TlsAcceptor::from(Arc::new(certificate(folder)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let office = Self { port, book: Arc::default(), news: watch::Sender::new(0), starttls };
        let server = office.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (server, tls) = (server.clone(), tls.clone());
                tokio::spawn(async move {
                    server.book.lock().unwrap().visits += 1;
                    // However it ends, it ends.
                    drop(server.visit(stream, tls).await);
                });
            }
        });
        office
    }

    /// From now on, `times` times.
    pub fn goes_wrong(&self, at: At, fault: Fault, times: u32) {
        let mut book = self.book.lock().unwrap();
        (book.fault, book.times) = (Some((at, fault)), times);
    }

    pub fn inject(&self, text: &'static str) {
        self.book.lock().unwrap().injected = text;
    }

    pub fn mails(&self) -> Vec<String> {
        self.book.lock().unwrap().mails.clone()
    }

    pub fn visits(&self) -> u32 {
        self.book.lock().unwrap().visits
    }

    pub fn clear(&self) -> Vec<String> {
        self.book.lock().unwrap().clear.clone()
    }

    /// Ends once so many mails have come.
    pub async fn has(&self, mails: usize) {
        let mut news = self.news.subscribe();
        let waiting = news.wait_for(|n| usize::try_from(*n).unwrap() >= mails);
        tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap().unwrap();
    }

    fn fault(&self, at: At) -> Option<Fault> {
        let mut book = self.book.lock().unwrap();
        let (_, fault) = book.fault.filter(|(stage, _)| *stage == at)?;
        if book.times == 0 {
            return None;
        }
        book.times -= 1;
        Some(fault)
    }

    async fn visit(&self, stream: TcpStream, tls: TlsAcceptor) -> std::io::Result<()> {
        let mut stream = stream;
        if self.fault(At::Connect).is_some() {
            return Ok(());
        }
        if !self.starttls {
            return self.talk(BufReader::new(tls.accept(stream).await?), true).await;
        }
        let mut plain = BufReader::new(&mut stream);
        self.say(&mut plain, At::Greeting, "220-hello\r\n220 localhost").await?;
        loop {
            let line = line(&mut plain).await?;
            self.book.lock().unwrap().clear.push(line.clone());
            match line.split(' ').next() {
                Some("EHLO") => plain.write_all(b"250-localhost\r\n250 STARTTLS\r\n").await?,
                Some("STARTTLS") => break,
                _ => plain.write_all(b"503 first TLS\r\n").await?,
            }
        }
        self.say(&mut plain, At::StartTls, "220 go ahead").await?;
        let injected = self.book.lock().unwrap().injected;
        plain.write_all(injected.as_bytes()).await?;
        drop(plain);
        self.talk(BufReader::new(tls.accept(stream).await?), false).await
    }

    /// The dialogue over TLS.
    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut line_in: BufReader<S>,
        greets: bool,
    ) -> std::io::Result<()> {
        let wire = &mut line_in;
        if greets {
            self.say(wire, At::Greeting, "220 localhost").await?;
        }
        loop {
            let said = line(wire).await?;
            let verb = said.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    self.say(wire, At::Ehlo, "250-localhost\r\n250-8BITMIME\r\n250 AUTH PLAIN")
                        .await?;
                }
                "AUTH"
                    if said
                        == format!(
                            "AUTH PLAIN {}",
                            STANDARD.encode(format!("\0desk\0{PASSWORD}"))
                        ) =>
                {
                    self.say(wire, At::Auth, "235 welcome").await?;
                }
                "AUTH" => wire.write_all(b"535 no\r\n").await?,
                "MAIL" => self.say(wire, At::Mail, "250 ok").await?,
                "RCPT" => self.say(wire, At::Rcpt, "250 ok").await?,
                "DATA" => {
                    self.say(wire, At::Data, "354 go on").await?;
                    self.text(wire).await?;
                }
                "QUIT" => return wire.write_all(b"221 bye\r\n").await,
                _ => wire.write_all(b"500 what\r\n").await?,
            }
        }
    }

    async fn text<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        wire: &mut BufReader<S>,
    ) -> std::io::Result<()> {
        let mut text = String::new();
        loop {
            let line = line(wire).await?;
            if line == "." {
                break;
            }
            text.push_str(line.strip_prefix('.').unwrap_or(&line));
            text.push('\n');
        }
        let fault = self.fault(At::Text);
        if !matches!(fault, Some(Fault::NotNow | Fault::Never)) {
            self.book.lock().unwrap().mails.push(text);
            self.news.send_modify(|n| *n += 1);
        }
        self.answer(wire, fault, "250 queued as 4711").await
    }

    async fn say<S: AsyncWrite + Unpin>(
        &self,
        wire: &mut S,
        at: At,
        well: &str,
    ) -> std::io::Result<()> {
        let fault = self.fault(at);
        self.answer(wire, fault, well).await
    }

    async fn answer<S: AsyncWrite + Unpin>(
        &self,
        wire: &mut S,
        fault: Option<Fault>,
        well: &str,
    ) -> std::io::Result<()> {
        let text = match fault {
            None => well,
            Some(Fault::NotNow) => "451 not now",
            Some(Fault::Never) => "554 never",
            Some(Fault::Gibberish) => "\u{1}\u{2} HTTP/1.1 200 OK",
            Some(Fault::Closes) => return Err(std::io::ErrorKind::ConnectionReset.into()),
            Some(Fault::Silent) => std::future::pending().await,
            Some(Fault::Endless) => loop {
                wire.write_all(&[b'2'; 8_192]).await?;
            },
        };
        wire.write_all(format!("{text}\r\n").as_bytes()).await?;
        wire.flush().await
    }
}

async fn line<S: AsyncRead + Unpin>(wire: &mut BufReader<S>) -> std::io::Result<String> {
    let mut line = String::new();
    if wire.read_line(&mut line).await? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
