//! A controller that does what it is told: what Windows does and Samba does not, and what no controller
//! should do. Its own encoding, no parser of the program's.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::samba::Authority;

/// What a client asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    Bind,
    Search {
        base: String,
        /// The filter's bytes, in which names and values can be looked for.
        filter: Vec<u8>,
        attributes: Vec<String>,
        page: Option<(u32, Vec<u8>)>,
    },
    Other(u8),
}

impl Asked {
    /// Whether a search wants this attribute.
    pub fn wants(&self, attribute: &str) -> bool {
        matches!(self, Self::Search { attributes, .. } if attributes.iter().any(|a| a == attribute))
    }

    /// Whether a search's filter holds this text.
    pub fn filters(&self, text: &str) -> bool {
        matches!(self, Self::Search { filter, .. }
            if filter.windows(text.len()).any(|w| w == text.as_bytes()))
    }

    pub fn cookie(&self) -> &[u8] {
        match self {
            Self::Search { page: Some((_, cookie)), .. } => cookie,
            _ => b"",
        }
    }
}

/// What the stub does.
pub enum Act {
    /// Sends these messages, each made for the number of the request.
    Say(Vec<Part>),
    /// Sends these bytes as they are.
    Raw(Vec<u8>),
    /// Says nothing and keeps the connection.
    Wait,
    /// Ends the connection.
    End,
}

/// One message: an operation, and controls behind it.
pub struct Part(pub Vec<u8>, pub Vec<u8>);

type Play = dyn Fn(&Asked) -> Act + Send + Sync;

/// How a connection begins.
#[derive(Clone, Copy, PartialEq)]
pub enum Door {
    /// TLS from the first byte.
    Tls,
    /// StartTLS as it should be.
    StartTls,
    /// StartTLS is refused.
    Refuses,
    /// StartTLS is granted, and something is said before TLS stands.
    Injects,
    /// Nothing is ever said.
    Silent,
}

/// A controller that does what it is told.
pub struct Stub {
    pub address: SocketAddr,
    door: Door,
    /// Everything that was asked.
    pub asked: Arc<Mutex<Vec<Asked>>>,
    /// Bytes that came before TLS.
    pub plain: Arc<Mutex<Vec<u8>>>,
    pub connections: Arc<Mutex<usize>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stub {
    pub async fn start(
        authority: &Authority,
        door: Door,
        play: impl Fn(&Asked) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (certificate, key) = authority.signed(&["127.0.0.1", "localhost"]);
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (plain, connections): (Arc<Mutex<Vec<u8>>>, Arc<Mutex<usize>>) = Default::default();
        let play: Arc<Play> = Arc::new(play);
        let (a, p, c) = (asked.clone(), plain.clone(), connections.clone());
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                *c.lock().unwrap() += 1;
                let (acceptor, play, asked, plain) =
                    (acceptor.clone(), play.clone(), a.clone(), p.clone());
                tokio::spawn(async move {
                    if let Some(stream) = greet(stream, door, &plain).await
                        && let Ok(stream) = acceptor.accept(stream).await
                    {
                        drop(talk(stream, &*play, &asked).await);
                    }
                });
            }
        });
        Self { address, door, asked, plain, connections, task }
    }

    pub fn url(&self) -> String {
        let scheme = if self.door == Door::Tls { "ldaps" } else { "ldap" };
        format!("{scheme}://{}", self.address)
    }
}

async fn greet(mut stream: TcpStream, door: Door, plain: &Mutex<Vec<u8>>) -> Option<TcpStream> {
    if door == Door::Tls {
        return Some(stream);
    }
    let mut request = [0; 1_024];
    let n = stream.read(&mut request).await.ok()?;
    plain.lock().unwrap().extend(&request[..n]);
    let result = |code| message(1, &Part(result(0x78, code, ""), Vec::new()));
    match door {
        Door::Silent => std::future::pending().await,
        Door::Refuses => {
            stream.write_all(&result(52)).await.ok()?;
            // Whatever else comes now should not.
            let n = stream.read(&mut request).await.unwrap_or_default();
            plain.lock().unwrap().extend(&request[..n]);
            None
        }
        Door::Injects => {
            let more = message(2, &Part(result_of(0x61, 0), Vec::new()));
            stream.write_all(&[result(0), more].concat()).await.ok()?;
            Some(stream)
        }
        _ => {
            stream.write_all(&result(0)).await.ok()?;
            Some(stream)
        }
    }
}

async fn talk<S: AsyncReadExt + AsyncWriteExt + Unpin>(
    mut stream: S,
    play: &Play,
    asked: &Mutex<Vec<Asked>>,
) -> std::io::Result<()> {
    let mut buffer: Vec<u8> = Vec::new();
    loop {
        while let Some((tag, body, length)) = first(&buffer) {
            assert_eq!(tag, 0x30);
            let (id, question) = read(body);
            buffer.drain(..length);
            if question == Asked::Other(0x42) {
                return Ok(());
            }
            asked.lock().unwrap().push(question.clone());
            match play(&question) {
                Act::Say(parts) => {
                    for part in parts {
                        stream.write_all(&message(id, &part)).await?;
                    }
                    stream.flush().await?;
                }
                Act::Raw(bytes) => {
                    stream.write_all(&bytes).await?;
                    stream.flush().await?;
                }
                Act::Wait => {}
                Act::End => return stream.shutdown().await,
            }
        }
        let mut more = [0; 4_096];
        match stream.read(&mut more).await? {
            0 => return Ok(()),
            n => buffer.extend(&more[..n]),
        }
    }
}

/// Tag, content and whole length of the first element, if it is whole.
fn first(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (tag, l) = (*bytes.first()?, usize::from(*bytes.get(1)?));
    let (length, head) = match l {
        0..0x80 => (l, 2),
        l => {
            let digits = bytes.get(2..2 + (l & 0x7f))?;
            (digits.iter().fold(0, |n, b| n * 256 + usize::from(*b)), 2 + digits.len())
        }
    };
    Some((tag, bytes.get(head..head + length)?, head + length))
}

fn parts(mut bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut out = Vec::new();
    while let Some((tag, body, length)) = first(bytes) {
        out.push((tag, body));
        bytes = &bytes[length..];
    }
    out
}

fn read(body: &[u8]) -> (u32, Asked) {
    let all = parts(body);
    let number = |b: &[u8]| b.iter().fold(0_u32, |n, b| n * 256 + u32::from(*b));
    let text = |b: &[u8]| String::from_utf8(b.to_vec()).unwrap();
    let asked = match all[1] {
        (0x60, _) => Asked::Bind,
        (0x63, search) => {
            let search = parts(search);
            let page = all.get(2).and_then(|(_, controls)| {
                parts(controls).into_iter().map(|(_, c)| parts(c)).find_map(|c| {
                    (c[0].1 == b"1.2.840.113556.1.4.319").then(|| {
                        let value = parts(c.last().unwrap().1);
                        let value = parts(value[0].1);
                        (number(value[0].1), value[1].1.to_vec())
                    })
                })
            });
            Asked::Search {
                base: text(search[0].1),
                filter: search[6].1.to_vec(),
                attributes: parts(search[7].1).into_iter().map(|(_, a)| text(a)).collect(),
                page,
            }
        }
        (tag, _) => Asked::Other(tag),
    };
    (number(all[0].1), asked)
}

// ------------------------------------------------------------------ what it says

pub fn element(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag, 0x83];
    out.extend(&u32::try_from(body.len()).unwrap().to_be_bytes()[1..]);
    out.extend(body);
    out
}

fn message(id: u32, part: &Part) -> Vec<u8> {
    let id = element(2, &(id & 0x7fff_ffff).to_be_bytes());
    element(0x30, &[id, part.0.clone(), part.1.clone()].concat())
}

/// A result that is an operation.
pub fn result(tag: u8, code: u8, text: &str) -> Vec<u8> {
    let parts = [element(10, &[code]), element(4, b""), element(4, text.as_bytes())];
    element(tag, &parts.concat())
}

fn result_of(tag: u8, code: u8) -> Vec<u8> {
    result(tag, code, "")
}

/// A sign-in that succeeds.
pub fn welcome() -> Act {
    Act::Say(vec![Part(result_of(0x61, 0), Vec::new())])
}

/// The end of a search, with a result.
pub fn done(code: u8, text: &str) -> Part {
    Part(result(0x65, code, text), Vec::new())
}

/// The end of a page, with a cookie.
pub fn page_done(cookie: &[u8]) -> Part {
    let value = element(0x30, &[element(2, &[0]), element(4, cookie)].concat());
    let control =
        [element(4, b"1.2.840.113556.1.4.319"), element(1, &[0xff]), element(4, &value)].concat();
    Part(result_of(0x65, 0), element(0xa0, &element(0x30, &control)))
}

/// An entry whose attributes have one value each.
pub fn entry(dn: &str, attributes: &[(&str, &[u8])]) -> Part {
    let attributes: Vec<_> =
        attributes.iter().map(|(name, value)| (*name, vec![value.to_vec()])).collect();
    entry_of(dn, &attributes)
}

/// An entry.
pub fn entry_of(dn: &str, attributes: &[(&str, Vec<Vec<u8>>)]) -> Part {
    let attributes: Vec<u8> = attributes
        .iter()
        .flat_map(|(name, values)| {
            let values: Vec<u8> = values.iter().flat_map(|value| element(4, value)).collect();
            element(0x30, &[element(4, name.as_bytes()), element(0x31, &values)].concat())
        })
        .collect();
    let body = [element(4, dn.as_bytes()), element(0x30, &attributes)].concat();
    Part(element(0x64, &body), Vec::new())
}
