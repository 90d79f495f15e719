//! A mail server (IMAP4rev1, RFC 3501) with one account and one folder, for whoever reads alert
//! mails. Written from the RFC alone.
//!
//! It serves those who only look: whatever would mark, move or delete a message is refused and
//! counted. A test can have any command answered otherwise.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::simulators::running::StartError;
use crate::simulators::stage::lock;

/// Bytes of one command.
const MOST_COMMAND: u64 = 64 * 1_024;

/// What a client meets first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// TLS from the first byte.
    Tls,
    /// In the clear; TLS when asked for.
    Starttls,
    /// In the clear, and no TLS to be had.
    Clear,
}

/// Which certificate the server shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// Of its own authority, for `localhost` and 127.0.0.1.
    Good,
    /// The same, but its time is over.
    Expired,
    /// For another name.
    OtherName,
}

/// What is done instead of answering a command. `{tag}` stands for the command's tag.
#[derive(Debug, Clone)]
pub enum Instead {
    /// Says this.
    Say(Vec<u8>),
    /// Says this and cuts the connection.
    Cut(Vec<u8>),
    /// Says this and then nothing, without closing.
    Hang(Vec<u8>),
}

type Meddle = Arc<dyn Fn(&str) -> Option<Instead> + Send + Sync>;

/// A message in the folder.
#[derive(Debug, Clone)]
struct Letter {
    received_at: Timestamp,
    bytes: Vec<u8>,
}

struct State {
    password: String,
    /// The access token that is taken; with one, no password is.
    token: Option<String>,
    validity: u32,
    next: u32,
    letters: BTreeMap<u32, Letter>,
    meddle: Option<Meddle>,
    /// Commands as they came, the credential left out.
    heard: Vec<String>,
}

struct Shared {
    folder: String,
    user: String,
    state: Mutex<State>,
    connections: AtomicUsize,
    refused: AtomicUsize,
}

/// A mail server at work. It stops when this is dropped.
pub struct MailHost {
    /// Its port of 127.0.0.1.
    pub port: u16,
    /// The certificate of its authority, PEM.
    pub ca_pem: String,
    shared: Arc<Shared>,
    gone: CancellationToken,
}

impl Drop for MailHost {
    fn drop(&mut self) {
        self.gone.cancel();
    }
}

impl MailHost {
    /// Starts one with the account `alerts`, the password `open sesame` and an empty folder
    /// `INBOX/Alerts`.
    ///
    /// # Errors
    /// When no port can be had or no certificate made.
    pub async fn start(door: Door, certificate: Certificate) -> Result<Self, StartError> {
        let (acceptor, ca_pem) = credentials(certificate)?;
        let bind = |e: std::io::Error| StartError::Bind(e.to_string());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(bind)?;
        let port = listener.local_addr().map_err(bind)?.port();
        let shared = Arc::new(Shared {
            folder: "INBOX/Alerts".to_owned(),
            user: "alerts".to_owned(),
            state: Mutex::new(State {
                password: "open sesame".to_owned(),
                token: None,
                validity: 1_790_000_001,
                next: 1,
                letters: BTreeMap::new(),
                meddle: None,
                heard: Vec::new(),
            }),
            connections: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
        });
        let gone = CancellationToken::new();
        let (served, end) = (shared.clone(), gone.clone());
        tokio::spawn(async move {
            loop {
                let stream = tokio::select! {
                    () = end.cancelled() => return,
                    accepted = listener.accept() => match accepted {
                        Ok((stream, _)) => stream,
                        Err(_) => continue,
                    },
                };
                served.connections.fetch_add(1, Ordering::SeqCst);
                let (served, acceptor) = (served.clone(), acceptor.clone());
                let end = end.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        () = end.cancelled() => {}
                        () = visited(stream, door, &acceptor, &served) => {}
                    }
                });
            }
        });
        Ok(Self { port, ca_pem, shared, gone })
    }

    /// Puts a message into the folder; its number.
    pub fn put(&self, received_at: Timestamp, bytes: impl Into<Vec<u8>>) -> u32 {
        let mut state = lock(&self.shared.state);
        let number = state.next;
        state.next += 1;
        state.letters.insert(number, Letter { received_at, bytes: bytes.into() });
        number
    }

    /// Takes a message away, as somebody does who moves it to another folder.
    pub fn take(&self, number: u32) {
        lock(&self.shared.state).letters.remove(&number);
    }

    /// Gives every message another number, as after the folder was restored from a backup.
    pub fn renumber(&self) {
        let mut state = lock(&self.shared.state);
        state.validity += 1;
        let letters = std::mem::take(&mut state.letters);
        state.next = 1;
        for letter in letters.into_values() {
            let number = state.next;
            state.next += 1;
            state.letters.insert(number, letter);
        }
    }

    /// From now on this is the password.
    pub fn set_password(&self, password: &str) {
        password.clone_into(&mut lock(&self.shared.state).password);
    }

    /// From now on this access token is taken (XOAUTH2), and no password any more.
    pub fn take_token(&self, token: &str) {
        lock(&self.shared.state).token = Some(token.to_owned());
    }

    /// From now on `meddle` sees each command first, without its tag; the greeting is the command
    /// with the empty name.
    pub fn meddle(&self, meddle: impl Fn(&str) -> Option<Instead> + Send + Sync + 'static) {
        lock(&self.shared.state).meddle = Some(Arc::new(meddle));
    }

    /// From now on nobody meddles.
    pub fn behave(&self) {
        lock(&self.shared.state).meddle = None;
    }

    /// Commands so far, without tags and credentials.
    #[must_use]
    pub fn heard(&self) -> Vec<String> {
        lock(&self.shared.state).heard.clone()
    }

    /// Connections so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Commands that a reader has no business with, or that are not IMAP.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.shared.refused.load(Ordering::SeqCst)
    }
}

fn credentials(certificate: Certificate) -> Result<(TlsAcceptor, String), StartError> {
    let tls = |e: &dyn std::fmt::Display| StartError::Tls(e.to_string());
    let mut params = CertificateParams::new(Vec::<String>::new()).map_err(|e| tls(&e))?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().map_err(|e| tls(&e))?;
    let ca = params.self_signed(&ca_key).map_err(|e| tls(&e))?;
    let issuer = Issuer::new(params, ca_key);
    let names = match certificate {
        Certificate::OtherName => vec!["elsewhere.example".to_owned()],
        Certificate::Good | Certificate::Expired => {
            vec!["localhost".to_owned(), "127.0.0.1".to_owned()]
        }
    };
    let mut leaf = CertificateParams::new(names).map_err(|e| tls(&e))?;
    if certificate == Certificate::Expired {
        leaf.not_before = date_time_ymd(2020, 1, 1);
        leaf.not_after = date_time_ymd(2021, 1, 1);
    }
    let key = KeyPair::generate().map_err(|e| tls(&e))?;
    let signed = leaf.signed_by(&key, &issuer).map_err(|e| tls(&e))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| tls(&e))?
        .with_no_client_auth()
        .with_single_cert(
            vec![signed.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .map_err(|e| tls(&e))?;
    Ok((TlsAcceptor::from(Arc::new(config)), ca.pem()))
}

async fn visited(mut stream: TcpStream, door: Door, tls: &TlsAcceptor, shared: &Shared) {
    // Whoever breaks the connection needs no answer.
    match door {
        Door::Tls => {
            let Ok(stream) = tls.accept(stream).await else { return };
            drop(talk(stream, shared, true).await);
        }
        Door::Clear => drop(talk(stream, shared, true).await),
        Door::Starttls => {
            if matches!(in_the_clear(&mut stream, shared).await, Ok(true)) {
                let Ok(stream) = tls.accept(stream).await else { return };
                drop(talk(stream, shared, false).await);
            }
        }
    }
}

/// Until the client asks for TLS; false when it leaves.
async fn in_the_clear(stream: &mut TcpStream, shared: &Shared) -> std::io::Result<bool> {
    let mut stream = BufReader::new(stream);
    if !say_instead(&mut stream, shared, "", "*").await? {
        stream.write_all(b"* OK at your service\r\n").await?;
    }
    loop {
        let Some((tag, command)) = next(&mut stream, shared).await? else { return Ok(false) };
        if say_instead(&mut stream, shared, &command, &tag).await? {
            continue;
        }
        let answer = match command.to_ascii_uppercase().as_str() {
            "STARTTLS" => format!("{tag} OK begin\r\n"),
            "CAPABILITY" => {
                format!("* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\n{tag} OK done\r\n")
            }
            _ => {
                shared.refused.fetch_add(1, Ordering::SeqCst);
                format!("{tag} BAD not before TLS\r\n")
            }
        };
        stream.write_all(answer.as_bytes()).await?;
        if command.eq_ignore_ascii_case("STARTTLS") {
            return Ok(true);
        }
    }
}

async fn talk<S>(stream: S, shared: &Shared, greet: bool) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufReader::new(stream);
    if greet && !say_instead(&mut stream, shared, "", "*").await? {
        stream.write_all(b"* OK [CAPABILITY IMAP4rev1] at your service\r\n").await?;
    }
    let (mut known, mut open) = (false, false);
    while let Some((tag, command)) = next(&mut stream, shared).await? {
        if say_instead(&mut stream, shared, &command, &tag).await? {
            continue;
        }
        let (verb, rest) = command.split_once(' ').unwrap_or((command.as_str(), ""));
        let answer = match verb.to_ascii_uppercase().as_str() {
            "CAPABILITY" => {
                let way = match lock(&shared.state).token {
                    Some(_) => "LOGINDISABLED AUTH=XOAUTH2",
                    None => "AUTH=PLAIN",
                };
                format!("* CAPABILITY IMAP4rev1 {way} SASL-IR\r\n{tag} OK done\r\n").into_bytes()
            }
            "LOGIN" => signed_in(&mut known, login(rest), shared, &tag),
            "AUTHENTICATE" => {
                let proof = match rest.split_once(' ') {
                    Some((_, proof)) => proof.to_owned(),
                    None => {
                        stream.write_all(b"+ \r\n").await?;
                        line(&mut stream).await?.unwrap_or_default()
                    }
                };
                let token = lock(&shared.state).token.clone();
                match token {
                    None => signed_in(&mut known, plain(&proof), shared, &tag),
                    Some(token) => {
                        known = bearer(&proof) == Some((shared.user.clone(), token));
                        if !known {
                            // The reason comes as a challenge, to be answered with nothing.
                            stream.write_all(b"+ eyJzdGF0dXMiOiI0MDAifQ==\r\n").await?;
                            line(&mut stream).await?;
                        }
                        let answer = if known { "OK welcome" } else { "NO AUTHENTICATE failed." };
                        format!("{tag} {answer}\r\n").into_bytes()
                    }
                }
            }
            "LOGOUT" => {
                let bye = format!("* BYE until later\r\n{tag} OK done\r\n");
                return stream.write_all(bye.as_bytes()).await;
            }
            "EXAMINE" if known => {
                open = unquoted(rest) == shared.folder;
                examined(open, shared, &tag)
            }
            "UID" if open => asked(rest, shared, &tag).unwrap_or_else(|| refuse(shared, &tag)),
            _ => refuse(shared, &tag),
        };
        stream.write_all(&answer).await?;
        stream.flush().await?;
    }
    Ok(())
}

fn refuse(shared: &Shared, tag: &str) -> Vec<u8> {
    shared.refused.fetch_add(1, Ordering::SeqCst);
    format!("{tag} BAD this is not for readers\r\n").into_bytes()
}

/// The next command: tag and text. `None` when the client is gone.
async fn next<S>(stream: &mut S, shared: &Shared) -> std::io::Result<Option<(String, String)>>
where
    S: tokio::io::AsyncBufRead + Unpin,
{
    let Some(line) = line(stream).await? else { return Ok(None) };
    let (tag, command) = line.split_once(' ').unwrap_or(("*", line.as_str()));
    let verb: String = command.chars().take_while(|c| *c != ' ').collect();
    let secret = matches!(verb.to_ascii_uppercase().as_str(), "LOGIN" | "AUTHENTICATE");
    let heard = if secret { verb } else { command.to_owned() };
    lock(&shared.state).heard.push(heard);
    Ok(Some((tag.to_owned(), command.to_owned())))
}

async fn line<S>(stream: &mut S) -> std::io::Result<Option<String>>
where
    S: tokio::io::AsyncBufRead + Unpin,
{
    let mut line = Vec::new();
    let read = stream.take(MOST_COMMAND).read_until(b'\n', &mut line).await?;
    let text = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
    Ok((read > 0).then_some(text))
}

/// Whether a test had something else said.
async fn say_instead<S>(
    stream: &mut S,
    shared: &Shared,
    command: &str,
    tag: &str,
) -> std::io::Result<bool>
where
    S: AsyncWrite + Unpin,
{
    let meddle = lock(&shared.state).meddle.clone();
    let Some(instead) = meddle.and_then(|meddle| meddle(command)) else { return Ok(false) };
    let (bytes, then) = match &instead {
        Instead::Say(bytes) => (bytes, "goes on"),
        Instead::Cut(bytes) => (bytes, "cuts"),
        Instead::Hang(bytes) => (bytes, "hangs"),
    };
    let mut rest = bytes.as_slice();
    // Not as text: what is said may be anything.
    while let Some(at) = rest.windows(5).position(|w| w == b"{tag}") {
        let (before, after) = rest.split_at(at);
        stream.write_all(before).await?;
        stream.write_all(tag.as_bytes()).await?;
        rest = after.get(5..).unwrap_or_default();
    }
    stream.write_all(rest).await?;
    stream.flush().await?;
    match then {
        "cuts" => Err(std::io::ErrorKind::ConnectionAborted.into()),
        "hangs" => std::future::pending().await,
        _ => Ok(true),
    }
}

/// User and password of a `LOGIN`.
fn login(rest: &str) -> Option<(String, String)> {
    let mut words = Vec::new();
    let mut chars = rest.chars();
    while let Some(first) = chars.next() {
        let mut word = String::new();
        match first {
            ' ' => continue,
            '"' => loop {
                match chars.next()? {
                    '"' => break,
                    '\\' => word.push(chars.next()?),
                    c => word.push(c),
                }
            },
            c => {
                word.push(c);
                word.extend(chars.by_ref().take_while(|c| *c != ' '));
            }
        }
        words.push(word);
    }
    let [user, password] = words.try_into().ok()?;
    Some((user, password))
}

/// User and password of a `PLAIN` proof (RFC 4616).
fn plain(proof: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(proof).ok()?).ok()?;
    let mut parts = text.split('\0');
    let (_, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    Some((user.to_owned(), password.to_owned()))
}

/// User and token of an `XOAUTH2` proof.
fn bearer(proof: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(proof).ok()?).ok()?;
    let (user, token) = text.strip_suffix("\x01\x01")?.split_once('\x01')?;
    let (user, token) = (user.strip_prefix("user=")?, token.strip_prefix("auth=Bearer ")?);
    Some((user.to_owned(), token.to_owned()))
}

fn signed_in(
    known: &mut bool,
    said: Option<(String, String)>,
    shared: &Shared,
    tag: &str,
) -> Vec<u8> {
    let right = lock(&shared.state).password.clone();
    *known = said.is_some_and(|(user, password)| user == shared.user && password == right);
    match known {
        true => format!("{tag} OK welcome\r\n"),
        false => format!("{tag} NO [AUTHENTICATIONFAILED] not you, {}\r\n", shared.user),
    }
    .into_bytes()
}

fn unquoted(text: &str) -> String {
    text.trim_matches('"').replace("\\\"", "\"").replace("\\\\", "\\")
}

fn examined(open: bool, shared: &Shared, tag: &str) -> Vec<u8> {
    if !open {
        return format!("{tag} NO [NONEXISTENT] no such folder\r\n").into_bytes();
    }
    let state = lock(&shared.state);
    format!(
        "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n\
         * OK [PERMANENTFLAGS ()] nothing can be marked\r\n* {} EXISTS\r\n* 0 RECENT\r\n\
         * OK [UIDVALIDITY {}] numbers are valid\r\n* OK [UIDNEXT {}] next\r\n\
         {tag} OK [READ-ONLY] open\r\n",
        state.letters.len(),
        state.validity,
        state.next
    )
    .into_bytes()
}

/// `UID SEARCH` and `UID FETCH`; `None` for what is refused.
fn asked(rest: &str, shared: &Shared, tag: &str) -> Option<Vec<u8>> {
    let (verb, rest) = rest.split_once(' ')?;
    let state = lock(&shared.state);
    match verb.to_ascii_uppercase().as_str() {
        "SEARCH" => {
            let since = match rest.split_once(' ') {
                None if rest == "ALL" => None,
                Some(("SINCE", date)) => Some(jiff::civil::Date::strptime("%d-%b-%Y", date).ok()?),
                _ => return None,
            };
            let found = state.letters.iter().filter(|(_, letter)| {
                let day = letter.received_at.to_zoned_datetime(TimeZone::UTC).date();
                since.is_none_or(|since| day >= since)
            });
            let numbers: String = found.map(|(number, _)| format!(" {number}")).collect();
            Some(format!("* SEARCH{numbers}\r\n{tag} OK done\r\n").into_bytes())
        }
        "FETCH" => {
            let (set, items) = rest.split_once(' ')?;
            let wanted: Vec<u32> = set.split(',').map(|n| n.parse().ok()).collect::<Option<_>>()?;
            let mut out = Vec::new();
            for (place, (number, letter)) in (1..).zip(&state.letters) {
                if wanted.contains(number) {
                    out.extend(fetched(place, *number, letter, items)?);
                }
            }
            out.extend(format!("{tag} OK done\r\n").into_bytes());
            Some(out)
        }
        _ => None,
    }
}

fn fetched(place: usize, number: u32, letter: &Letter, items: &str) -> Option<Vec<u8>> {
    // Whatever marks a message as read is not for readers.
    let (_, section) = items.split_once("BODY.PEEK[")?;
    let (section, part) = section.split_once("]<0.")?;
    let limit: usize = part.trim_end_matches(['>', ')']).parse().ok()?;
    let bytes = match section.strip_prefix("HEADER.FIELDS (") {
        None if section.is_empty() => letter.bytes.clone(),
        None => return None,
        Some(names) => header_fields(&letter.bytes, names.trim_end_matches(')')),
    };
    let bytes = bytes.get(..limit).unwrap_or(&bytes);
    let at = letter.received_at.strftime("%d-%b-%Y %H:%M:%S +0000");
    let size = letter.bytes.len();
    let mut out = format!(
        "* {place} FETCH (UID {number} INTERNALDATE \"{at}\" RFC822.SIZE {size} \
         BODY[{section}]<0> {{{}}}\r\n",
        bytes.len()
    )
    .into_bytes();
    out.extend_from_slice(bytes);
    out.extend_from_slice(b")\r\n");
    Some(out)
}

fn header_fields(letter: &[u8], names: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(letter);
    let names: Vec<String> = names.split(' ').map(str::to_ascii_lowercase).collect();
    let (mut out, mut wanted) = (String::new(), false);
    for line in text.lines().take_while(|line| !line.is_empty()) {
        if !line.starts_with([' ', '\t']) {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            wanted = names.contains(&name);
        }
        if wanted {
            out.push_str(line);
            out.push_str("\r\n");
        }
    }
    out.push_str("\r\n");
    out.into_bytes()
}
