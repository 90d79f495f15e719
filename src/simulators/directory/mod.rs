//! Two domain controllers of the invented Active Directory, over LDAPS, with the manners that the
//! vendor's page describes: a sign-in first, one thousand entries a page, refusals with sub-codes.
//!
//! One account may write, what was delegated to it and no more: `userAccountControl`, `lockoutTime`,
//! `pwdLastSet`, `unicodePwd`, and the members of the filter's groups; never of an administrator.
//!
//! Not played: StartTLS, replication (both hold the same, unless a scenario file lets one lag), other
//! writes (refused).

mod ber;
mod people;
mod query;
mod write;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::simulators::directory::ber::{
    ENUMERATED, INTEGER, OCTETS, SEQUENCE, SET, element, elements, int, number, of, text, whole,
};
use crate::simulators::directory::people::Entry;
use crate::simulators::directory::query::Search;
use crate::simulators::fault::Fault;
use crate::simulators::own_ways::ControllerFault;
use crate::simulators::running::StartError;
use crate::simulators::stage::Stage;
use crate::simulators::times::moved;
use crate::simulators::ways::Way;

pub(super) use people::{begins_disabled, dn_of, guid_of, many, number_of};
pub(super) use write::Written;

/// Groups that the web filter maps: name and DN.
pub(super) fn groups() -> Vec<(String, String)> {
    let group = |(name, _): (&str, u32)| (name.to_owned(), people::group_dn(name));
    people::GROUPS.map(group).into()
}

/// The controllers, as their URLs are keyed.
pub(super) const CONTROLLERS: [&str; 2] = ["welearn365.dc1", "welearn365.dc2"];
/// The account that the console signs in with.
pub(super) const ACCOUNT: &str = people::ACCOUNT;
/// The one that may write.
pub(super) const WRITER: &str = people::WRITER;
/// The OU below which the schools are.
pub(super) const SCHOOLS: &str = people::SCHOOLS;

/// Entries of one page, and of an answer that is not paged.
const MAX_PAGE: usize = 1_000;
/// Wrong passwords after which the account is locked.
const LOCKS_AFTER: u32 = 5;
const PAGED: &[u8] = b"1.2.840.113556.1.4.319";
/// Controls that a client may send as critical.
const KNOWN: [&[u8]; 2] = [PAGED, b"1.2.840.113556.1.4.1339"];

/// One controller.
struct Controller {
    key: &'static str,
    host: String,
    stage: Arc<Stage>,
    wrong: AtomicU32,
}

/// Binds a port for the controller of `key`, and serves it until `gone`.
pub(super) async fn serve(
    key: &'static str,
    stage: &Arc<Stage>,
    acceptor: &TlsAcceptor,
    gone: CancellationToken,
    tasks: &TaskTracker,
) -> Result<SocketAddr, StartError> {
    let bind = |e: std::io::Error| StartError::Bind(e.to_string());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    let name = key.split_once('.').map_or(key, |(_, name)| name);
    let controller = Arc::new(Controller {
        key,
        host: format!("{name}.desk.test"),
        stage: stage.clone(),
        wrong: AtomicU32::new(0),
    });
    let (acceptor, inner) = (acceptor.clone(), tasks.clone());
    tasks.spawn(async move {
        loop {
            let accepted = tokio::select! {
                () = gone.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let (controller, acceptor, gone) = (controller.clone(), acceptor.clone(), gone.clone());
            inner.spawn(async move {
                let talk = async {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    // A client that leaves ends it; there is nobody to tell.
                    drop(controller.talk(&mut stream).await);
                };
                tokio::select! {
                    () = gone.cancelled() => {}
                    () = talk => {}
                }
            });
        }
    });
    Ok(address)
}

/// One connection's state.
#[derive(Default)]
struct Talk {
    signed_in: bool,
    may_write: bool,
}

/// How a controller's copy stands against the others'.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Copies {
    Same,
    /// It has passwords that another lacks.
    Ahead,
    /// It lacks them.
    Lags,
}

/// What is sent for one request, and whether the connection goes on.
struct Answer {
    bytes: Vec<u8>,
    goes_on: bool,
}

/// A result: code and text.
type Refusal = (u32, &'static str);

const NOT_SIGNED_IN: Refusal = (
    1,
    "000004DC: LdapErr: DSID-0C090C77, comment: In order to perform this operation a successful \
     bind must be completed on the connection., data 0, v4563",
);
const PROTOCOL: Refusal = (2, "00000057: LdapErr: DSID-0C0907CF, comment: Error decoding, data 0");

impl Controller {
    async fn talk<S: AsyncReadExt + AsyncWriteExt + Unpin>(
        &self,
        stream: &mut S,
    ) -> std::io::Result<()> {
        let mut talk = Talk::default();
        let mut buffer = bytes::BytesMut::new();
        loop {
            match whole(&buffer) {
                Err(()) => return Ok(()),
                Ok(Some(length)) if buffer.len() >= length => {
                    let request = buffer.split_to(length);
                    let Some(answer) = self.answer(&mut talk, &request).await else {
                        return Ok(());
                    };
                    stream.write_all(&answer.bytes).await?;
                    stream.flush().await?;
                    if !answer.goes_on {
                        return stream.shutdown().await;
                    }
                }
                Ok(_) => {
                    if stream.read_buf(&mut buffer).await? == 0 {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// The answer to one request; `None` ends the connection without one.
    async fn answer(&self, talk: &mut Talk, request: &[u8]) -> Option<Answer> {
        let outer = elements(request)?;
        let parts = elements(outer.first()?.1)?;
        let (id, (operation, content)) =
            (u32::try_from(number(parts.first()?.1)).ok()?, parts.get(1)?);
        let fault = self.stage.fault(self.key, None);
        if let Some(Fault::Slow(ms)) = fault {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        match fault {
            Some(Fault::Down) => return None,
            Some(Fault::Html200 | Fault::Status(_)) => {
                let bytes = b"HTTP/1.1 200 OK\r\n\r\n<html><h1>It works!</h1></html>".to_vec();
                return Some(Answer { bytes, goes_on: false });
            }
            _ => {}
        }
        let said = match operation {
            0x60 => {
                self.stage.count(format!("{} BIND", self.key));
                let result = match fault {
                    Some(Fault::Unauthorised) => (49, refused("533")),
                    Some(Fault::Throttled(_)) => (51, "00002095: SvcErr: busy".to_owned()),
                    _ => match self.refusal() {
                        Some(code) => (49, refused(code)),
                        None => self.bind(talk, content),
                    },
                };
                vec![message(id, &result_of(0x61, result.0, &result.1), None)]
            }
            // Goodbye.
            0x42 => return None,
            // Abandon has no answer.
            0x50 => Vec::new(),
            0x63 => {
                self.stage.count(format!("{} SEARCH", self.key));
                self.search(talk, id, content, parts.get(2).map(|p| p.1), fault)
            }
            0x66 => {
                self.stage.count(format!("{} MODIFY", self.key));
                return self.modify(talk, id, content).await;
            }
            0x68 | 0x4a | 0x6c => {
                let tag = if *operation == 0x4a { 0x6b } else { operation + 1 };
                let why =
                    "00002098: SecErr: DSID-03150F94, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0";
                vec![message(id, &result_of(tag, 50, why), None)]
            }
            _ => return None,
        };
        let mut bytes = said.concat();
        let half = matches!(fault, Some(Fault::HalfSent | Fault::Truncated));
        if half && *operation == 0x63 {
            bytes.truncate(bytes.len() / 2);
        }
        Some(Answer { bytes, goes_on: !half })
    }

    fn bind(&self, talk: &mut Talk, content: &[u8]) -> (u32, String) {
        (talk.signed_in, talk.may_write) = (false, false);
        let Some(parts) = elements(content) else { return (PROTOCOL.0, PROTOCOL.1.to_owned()) };
        let [(_, version), (_, name), (0x80, password)] = parts.as_slice() else {
            return (7, "00002027: LdapErr: only simple binds are played".to_owned());
        };
        if number(version) != 3 {
            return (2, "00000057: LdapErr: version".to_owned());
        }
        if password.is_empty() {
            // An anonymous sign-in, whatever the name: it succeeds and may read nothing.
            return (0, String::new());
        }
        let writer = name.eq_ignore_ascii_case(WRITER.as_bytes());
        let known = writer || name.eq_ignore_ascii_case(ACCOUNT.as_bytes());
        let credential = if writer { "welearn365.directory.act" } else { "welearn365.directory" };
        let right = self.stage.credential(credential);
        if known && self.wrong.load(Ordering::SeqCst) >= LOCKS_AFTER {
            return (49, refused("775"));
        }
        if known && right.is_some_and(|r| r.as_bytes() == *password) {
            self.wrong.store(0, Ordering::SeqCst);
            (talk.signed_in, talk.may_write) = (true, writer);
            return (0, String::new());
        }
        if known {
            self.wrong.fetch_add(1, Ordering::SeqCst);
        }
        (49, refused("52e"))
    }

    /// Whether `fault` is put on this controller.
    fn is(&self, fault: ControllerFault) -> bool {
        self.stage.own.is(self.key, None, fault)
    }

    /// The sub-code with which every sign-in is refused.
    fn refusal(&self) -> Option<&'static str> {
        ControllerFault::ALL.iter().filter(|f| self.is(**f)).find_map(|f| f.refusal())
    }

    fn search(
        &self,
        talk: &Talk,
        id: u32,
        content: &[u8],
        controls: Option<&[u8]>,
        fault: Option<Fault>,
    ) -> Vec<Vec<u8>> {
        let done = |(code, why): Refusal| vec![message(id, &result_of(0x65, code, why), None)];
        let Some(mut search) = Search::read(content) else { return done(PROTOCOL) };
        if let Some(entry) = self.by_id(&search.base) {
            search.base = entry.dn.to_lowercase();
        }
        let paging = match Paging::read(controls.unwrap_or_default()) {
            Ok(paging) => paging,
            Err(refusal) => return done(refusal),
        };
        match fault {
            Some(Fault::ErrorInside200) => return done((80, "00002024: SvcErr: DSID-02080490")),
            Some(Fault::Throttled(_)) => return done((51, "00002095: SvcErr: busy")),
            Some(Fault::Empty200) => return done((0, "")),
            _ => {}
        }
        if search.base.is_empty() && search.scope == 0 {
            let root = self.root(talk.may_write);
            return vec![
                message(id, &entry_of(&root, &search), None),
                message(id, &result_of(0x65, 0, ""), None),
            ];
        }
        if !talk.signed_in {
            return done(NOT_SIGNED_IN);
        }
        let ended = ControllerFault::ALL.iter().filter(|f| self.is(**f)).find_map(|f| f.result());
        if let Some(ended) = ended {
            return done(ended);
        }
        if self.is(ControllerFault::Referral) {
            return done((10, "0000202B: RefErr: DSID-03100835, data 0, 1 access points"));
        }
        let Some((entries, next)) = self.found(&search, &paging) else {
            let why = "0000208D: NameErr: DSID-03100245, problem 2001 (NO_OBJECT), data 0";
            return done((32, why));
        };
        let cut = self.is(ControllerFault::SizeLimit);
        let code = if cut || (paging.size.is_none() && next.is_some()) { 4 } else { 0 };
        let entries: Vec<Entry> = entries.into_iter().map(|e| e.seen_by(talk.may_write)).collect();
        let mut out: Vec<Vec<u8>> =
            entries.iter().map(|e| message(id, &entry_of(e, &search), None)).collect();
        if self.is(ControllerFault::References) {
            let reference = element(0x73, &text("ldap://elsewhere.test/DC=elsewhere,DC=test"));
            out.insert(out.len() / 2, message(id, &reference, None));
        }
        let cookie = paging.size.map(|_| next.map(cookie).unwrap_or_default());
        let control = cookie.map(|cookie| {
            let value = of(SEQUENCE, &[int(INTEGER, 0), element(OCTETS, &cookie)]);
            let control = of(SEQUENCE, &[element(OCTETS, PAGED), element(OCTETS, &value)]);
            element(0xa0, &control)
        });
        out.push(message(id, &result_of(0x65, code, ""), control));
        out
    }

    /// The entries from where the cookie points, at most a page of them, and where the next page
    /// begins. `None` when the base is not there.
    fn found(&self, search: &Search, paging: &Paging) -> Option<(Vec<Entry>, Option<Place>)> {
        let most = paging.size.unwrap_or(MAX_PAGE).min(MAX_PAGE);
        let own = usize::try_from(search.most).ok().filter(|n| *n > 0).unwrap_or(usize::MAX);
        let most = most.min(own);
        let mut there = false;
        let mut out = Vec::new();
        for block in 0.. {
            let Some(entries) = self.block(block) else { break };
            for (at, entry) in entries.into_iter().enumerate() {
                there |= entry.dn.to_lowercase() == search.base;
                if (block, at) < paging.from || !search.reaches(&entry.dn) {
                    continue;
                }
                if !search.filter.matches(&entry) {
                    continue;
                }
                if out.len() == most {
                    return Some((out, Some((block, at))));
                }
                out.push(entry);
            }
            // Nothing of a school lies below another school's OU.
            if there && search.scope == 0 {
                break;
            }
        }
        there.then_some((out, None))
    }

    /// The frame first, then the schools one by one.
    fn block(&self, number: usize) -> Option<Vec<Entry>> {
        if number == 0 {
            return Some(people::frame(&self.stage));
        }
        let school = self.stage.invented.schools.get(number - 1)?.laestab;
        let taken = self.stage.invented.subscriptions.get(&school);
        let copies = self.copies();
        Some(taken.map(|t| people::school(&self.stage, school, t, copies)).unwrap_or_default())
    }

    /// The entry that `<guid=..>` names.
    fn by_id(&self, base: &str) -> Option<Entry> {
        let text = base.strip_prefix("<guid=")?.strip_suffix('>')?;
        let wanted = write::guid_bytes(text)?;
        self.everything().find(|e| e.values("objectGUID") == [wanted.clone()])
    }

    /// Every entry.
    fn everything(&self) -> impl Iterator<Item = Entry> + '_ {
        (0..).map_while(|n| self.block(n)).flatten()
    }

    fn root(&self, writes: bool) -> Entry {
        let ahead = match () {
            () if self.is(ControllerFault::ClockAhead) => 600,
            () if self.is(ControllerFault::ClockBehind) => -180,
            () => 0,
        };
        let whole = !self.is(ControllerFault::NotSynchronized);
        people::root(&self.host, moved(self.stage.now(), ahead), whole, writes)
    }

    /// What it knows of the passwords that were set in the night.
    fn copies(&self) -> Copies {
        let lags = |key: &str| self.stage.own.is(key, None, ControllerFault::ReplicationLag);
        match (lags(self.key), CONTROLLERS.iter().any(|key| lags(key))) {
            (true, _) => Copies::Lags,
            (false, true) => Copies::Ahead,
            (false, false) => Copies::Same,
        }
    }
}

/// Block, and entry of it.
type Place = (usize, usize);

fn cookie(at: Place) -> Vec<u8> {
    format!("{}:{}", at.0, at.1).into_bytes()
}

/// What a client asks of paging.
struct Paging {
    size: Option<usize>,
    from: Place,
}

impl Paging {
    fn read(controls: &[u8]) -> Result<Self, Refusal> {
        let mut out = Self { size: None, from: (0, 0) };
        for (_, control) in elements(controls).ok_or(PROTOCOL)? {
            let parts = elements(control).ok_or(PROTOCOL)?;
            let name = parts.first().ok_or(PROTOCOL)?.1;
            let critical = parts.iter().any(|(tag, v)| *tag == ber::BOOLEAN && *v != [0]);
            if critical && !KNOWN.contains(&name) {
                return Err((12, "00000057: LdapErr: DSID-0C090A7D, comment: critical control"));
            }
            if name != PAGED {
                continue;
            }
            let value = parts.iter().skip(1).find(|(tag, _)| *tag == OCTETS).ok_or(PROTOCOL)?.1;
            let outer = elements(value).ok_or(PROTOCOL)?;
            let inner = elements(outer.first().ok_or(PROTOCOL)?.1).ok_or(PROTOCOL)?;
            let [(_, size), (_, cookie)] = inner.as_slice() else { return Err(PROTOCOL) };
            out.size = usize::try_from(number(size)).ok().map(|n| n.max(1));
            out.from = match std::str::from_utf8(cookie).ok().and_then(|c| c.split_once(':')) {
                None if cookie.is_empty() => (0, 0),
                Some((a, b)) => a.parse().ok().zip(b.parse().ok()).ok_or(PROTOCOL)?,
                None => return Err(PROTOCOL),
            };
        }
        Ok(out)
    }
}

fn refused(data: &str) -> String {
    format!(
        "80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data {data}, v4563"
    )
}

fn message(id: u32, operation: &[u8], controls: Option<Vec<u8>>) -> Vec<u8> {
    of(SEQUENCE, &[int(INTEGER, id), operation.to_vec(), controls.unwrap_or_default()])
}

fn result_of(tag: u8, code: u32, why: &str) -> Vec<u8> {
    // Active Directory ends its texts with a NUL.
    let why = if why.is_empty() { String::new() } else { format!("{why}\0") };
    of(tag, &[element(ENUMERATED, &[u8::try_from(code).unwrap_or(80)]), text(""), text(&why)])
}

fn entry_of(entry: &Entry, search: &Search) -> Vec<u8> {
    // Computed attributes come by name only, and the groups of a token from the entry itself only.
    let asked = |name: &str| match search.attributes.as_slice() {
        _ if name == "tokenGroups" && search.scope != 0 => false,
        [] => !name.starts_with("msDS-") && !name.ends_with("Effective") && name != "tokenGroups",
        some => some.iter().any(|w| w.eq_ignore_ascii_case(name) || w == "*"),
    };
    let attributes: Vec<Vec<u8>> = entry
        .attributes()
        .iter()
        .filter(|(name, _)| asked(name))
        .map(|(name, values)| {
            let values: Vec<Vec<u8>> = values.iter().map(|v| element(OCTETS, v)).collect();
            of(SEQUENCE, &[text(name), of(SET, &values)])
        })
        .collect();
    of(0x64, &[text(&entry.dn), of(SEQUENCE, &attributes)])
}
