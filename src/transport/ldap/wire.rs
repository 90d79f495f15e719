//! What a server sends, looked at before it reaches the LDAP library: one message at a time, whole,
//! of a shape that the running operation expects, and within the limits.
//!
//! The library takes any message of any size and any depth, and gives up the thread on one that is
//! misshapen. Here such a message ends the connection, as a value.
//!
//! Source: RFC 4511 (messages), RFC 2696 (paged results), read 2026-11.

use crate::model::text::Clean;
use crate::transport::Failure;

/// Bytes of one message. An entry of what we ask for has a few hundred; a full range of 1,500 values
/// some 200,000.
pub(super) const LARGEST_MESSAGE: usize = 1024 * 1024;

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const BOOLEAN: u8 = 0x01;
const ENUMERATED: u8 = 0x0a;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const CONTROLS: u8 = 0xa0;
const REFERRAL: u8 = 0xa3;

const BIND_ANSWER: u8 = 0x61;
const ENTRY: u8 = 0x64;
const SEARCH_DONE: u8 = 0x65;
const MODIFY_ANSWER: u8 = 0x67;
const REFERENCE: u8 = 0x73;
const EXTENDED_ANSWER: u8 = 0x78;

/// The operation under way, which says what may be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Asked {
    /// None.
    Nothing = 0,
    /// A bind.
    Bind = 1,
    /// A search.
    Search = 2,
    /// A modification.
    Modify = 3,
}

impl Asked {
    pub(super) fn of(number: u8) -> Self {
        match number {
            1 => Self::Bind,
            2 => Self::Search,
            3 => Self::Modify,
            _ => Self::Nothing,
        }
    }

    fn may_be_answered_by(self, operation: u8) -> bool {
        match self {
            Self::Nothing => false,
            Self::Bind => operation == BIND_ANSWER,
            Self::Search => matches!(operation, ENTRY | REFERENCE | SEARCH_DONE),
            Self::Modify => operation == MODIFY_ANSWER,
        }
    }
}

/// What is to be done with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    /// Hand it on.
    Pass,
    /// It points to another server: dropped, since that is never followed.
    Pointer,
    /// The server says that it ends the connection, with this result code.
    Goodbye(u32),
}

/// What is wrong with a message, without its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Misshapen(pub(super) &'static str);

impl Misshapen {
    /// As a failure of the call to `origin`.
    pub(super) fn at(self, origin: &str) -> Failure {
        Failure::Malformed { origin: origin.to_owned(), why: self.0.to_owned() }
    }
}

/// The length of the whole message that `bytes` begin with; `None` when more bytes are needed to
/// know.
pub(super) fn message_length(bytes: &[u8]) -> Result<Option<usize>, Misshapen> {
    let Some(first) = bytes.first() else { return Ok(None) };
    if *first != SEQUENCE {
        return Err(Misshapen("it does not speak LDAP"));
    }
    let Some(head) = bytes.get(1..) else { return Ok(None) };
    let Some((length, used)) = length(head)? else { return Ok(None) };
    let whole = length.saturating_add(used).saturating_add(1);
    if whole > LARGEST_MESSAGE {
        return Err(Misshapen("one message is larger than any answer can be"));
    }
    Ok(Some(whole))
}

/// A definite length and how many bytes tell it.
fn length(bytes: &[u8]) -> Result<Option<(usize, usize)>, Misshapen> {
    let Some(first) = bytes.first().copied() else { return Ok(None) };
    if first < 0x80 {
        return Ok(Some((usize::from(first), 1)));
    }
    let count = usize::from(first & 0x7f);
    // 0 is the indefinite form, which LDAP forbids.
    if !(1..=4).contains(&count) {
        return Err(Misshapen("a length is not written as LDAP writes it"));
    }
    let Some(digits) = bytes.get(1..=count) else { return Ok(None) };
    let value = digits.iter().fold(0_usize, |n, b| n << 8 | usize::from(*b));
    Ok(Some((value, count + 1)))
}

/// Reads one element after the other of a constructed one.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Tag and content of the next element; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u8, &'a [u8])>, Misshapen> {
        const CUT: Misshapen = Misshapen("an element is cut short");
        let Some((tag, rest)) = self.0.split_first() else { return Ok(None) };
        if tag & 0x1f == 0x1f {
            return Err(Misshapen("a tag is not one of LDAP's"));
        }
        let (length, used) = length(rest)?.ok_or(CUT)?;
        let end = used.checked_add(length).ok_or(CUT)?;
        let content = rest.get(used..end).ok_or(CUT)?;
        self.0 = rest.get(end..).ok_or(CUT)?;
        Ok(Some((*tag, content)))
    }

    /// The content of the next element, which must have this tag.
    pub(super) fn need(&mut self, tag: u8) -> Result<&'a [u8], Misshapen> {
        match self.next()? {
            Some((found, content)) if found == tag => Ok(content),
            Some(_) => Err(Misshapen("an element is of another kind than it should be")),
            None => Err(Misshapen("an element is missing")),
        }
    }

    /// That nothing is left.
    pub(super) fn end(self) -> Result<(), Misshapen> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Misshapen("there is more than there should be"))
        }
    }

    fn text(&mut self, tag: u8) -> Result<&'a str, Misshapen> {
        std::str::from_utf8(self.need(tag)?).map_err(|_| Misshapen("a text is not UTF-8"))
    }
}

/// A number that is not negative.
fn number(content: &[u8]) -> Result<u32, Misshapen> {
    match content {
        [first, ..] if content.len() <= 4 && *first < 0x80 => {
            Ok(content.iter().fold(0, |n, b| n << 8 | u32::from(*b)))
        }
        _ => Err(Misshapen("a number is not one that LDAP knows")),
    }
}

/// Looks at a whole message.
pub(super) fn look(message: &[u8], asked: Asked) -> Result<Message, Misshapen> {
    let mut outer = Reader::new(message);
    let mut inner = Reader::new(outer.need(SEQUENCE)?);
    outer.end()?;
    let id = number(inner.need(INTEGER)?)?;
    let (operation, content) =
        inner.next()?.ok_or(Misshapen("a message says nothing but its number"))?;
    if id == 0 {
        // Active Directory puts the name of its notice behind the result instead of into it.
        if operation != EXTENDED_ANSWER {
            return Err(Misshapen("a message answers nothing that was asked"));
        }
        return Ok(Message::Goodbye(result(content)?.code));
    }
    match inner.next()? {
        None => {}
        Some((CONTROLS, list)) => controls(list)?,
        Some(_) => return Err(Misshapen("a message goes on after its end")),
    }
    inner.end()?;
    if !asked.may_be_answered_by(operation) {
        return Err(Misshapen("a message answers something that was not asked"));
    }
    match operation {
        ENTRY => entry(content).map(|()| Message::Pass),
        REFERENCE => Ok(Message::Pointer),
        BIND_ANSWER | SEARCH_DONE | MODIFY_ANSWER => result(content).map(|_| Message::Pass),
        _ => Err(Misshapen("a message is of a kind that is not known")),
    }
}

/// A result's code and the server's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) code: u32,
    pub(super) text: Clean,
}

/// The answer to the one extended operation that we send, which comes before the library is there.
pub(super) fn extended(message: &[u8]) -> Result<Outcome, Misshapen> {
    let mut outer = Reader::new(message);
    let mut inner = Reader::new(outer.need(SEQUENCE)?);
    outer.end()?;
    inner.need(INTEGER)?;
    result(inner.need(EXTENDED_ANSWER)?)
}

fn result(content: &[u8]) -> Result<Outcome, Misshapen> {
    let mut parts = Reader::new(content);
    let code = number(parts.need(ENUMERATED)?)?;
    parts.text(OCTETS)?;
    let text = Clean::new(parts.text(OCTETS)?);
    while let Some((tag, content)) = parts.next()? {
        match tag {
            REFERRAL => {
                let mut links = Reader::new(content);
                while !links.0.is_empty() {
                    links.text(OCTETS)?;
                }
            }
            // SASL's answer, name and value of an extended operation: octets, the name in UTF-8.
            0x87 | 0x8b => {}
            0x8a if std::str::from_utf8(content).is_ok() => {}
            _ => return Err(Misshapen("a result holds a part that is not known")),
        }
    }
    Ok(Outcome { code, text })
}

fn entry(content: &[u8]) -> Result<(), Misshapen> {
    let mut parts = Reader::new(content);
    parts.text(OCTETS)?;
    let mut attributes = Reader::new(parts.need(SEQUENCE)?);
    parts.end()?;
    while !attributes.0.is_empty() {
        let mut attribute = Reader::new(attributes.need(SEQUENCE)?);
        attribute.text(OCTETS)?;
        let mut values = Reader::new(attribute.need(SET)?);
        attribute.end()?;
        while !values.0.is_empty() {
            values.need(OCTETS)?;
        }
    }
    Ok(())
}

fn controls(list: &[u8]) -> Result<(), Misshapen> {
    let mut list = Reader::new(list);
    while !list.0.is_empty() {
        let mut control = Reader::new(list.need(SEQUENCE)?);
        control.text(OCTETS)?;
        match control.next()? {
            None | Some((OCTETS, _)) => {}
            Some((BOOLEAN, [_])) => {
                if !control.0.is_empty() {
                    control.need(OCTETS)?;
                }
            }
            Some(_) => return Err(Misshapen("a control is not written as LDAP writes it")),
        }
        control.end()?;
    }
    Ok(())
}

/// The cookie of a paged result's control: empty on the last page.
pub(super) fn cookie(control: &[u8]) -> Result<Vec<u8>, Misshapen> {
    let mut outer = Reader::new(control);
    let mut inner = Reader::new(outer.need(SEQUENCE)?);
    outer.end()?;
    // The server's guess at the number of entries, 0 where it makes none.
    inner.need(INTEGER)?;
    let cookie = inner.need(OCTETS)?;
    inner.end()?;
    Ok(cookie.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![tag];
        match content.len() {
            n @ 0..0x80 => out.push(u8::try_from(n).unwrap()),
            n => {
                out.push(0x84);
                out.extend(u32::try_from(n).unwrap().to_be_bytes());
            }
        }
        out.extend(content);
        out
    }

    fn message(id: u8, parts: &[Vec<u8>]) -> Vec<u8> {
        element(SEQUENCE, &[element(INTEGER, &[id]), parts.concat()].concat())
    }

    fn done(code: u8, text: &[u8]) -> Vec<u8> {
        [element(ENUMERATED, &[code]), element(OCTETS, b""), element(OCTETS, text)].concat()
    }

    fn an_entry() -> Vec<u8> {
        let values = element(SET, &[element(OCTETS, b"512"), element(OCTETS, &[0xff])].concat());
        let one = element(SEQUENCE, &[element(OCTETS, b"userAccountControl"), values].concat());
        let list = element(SEQUENCE, &one);
        element(ENTRY, &[element(OCTETS, "CN=Zoë,DC=x".as_bytes()), list].concat())
    }

    #[test]
    fn a_whole_message_is_known_by_its_length_and_a_large_one_is_refused() {
        let whole = message(7, &[an_entry()]);
        assert_eq!(message_length(&whole), Ok(Some(whole.len())));
        assert_eq!(message_length(&[]), Ok(None));
        assert_eq!(message_length(&[SEQUENCE]), Ok(None));
        assert_eq!(message_length(&[SEQUENCE, 0x82, 1]), Ok(None));
        for bad in [
            &b"HTTP/1.1 400"[..],
            &[SEQUENCE, 0x80, 0, 0],
            &[SEQUENCE, 0x85, 0, 0, 0, 0, 1],
            &[SEQUENCE, 0x84, 0x7f, 0xff, 0xff, 0xff],
        ] {
            assert!(message_length(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_was_not_asked_is_not_passed_on() {
        let entry = message(7, &[an_entry()]);
        assert_eq!(look(&entry, Asked::Search), Ok(Message::Pass));
        assert!(look(&entry, Asked::Bind).is_err());
        assert!(look(&entry, Asked::Nothing).is_err());
        let bound = message(1, &[element(BIND_ANSWER, &done(49, b"data 52e, v1"))]);
        assert_eq!(look(&bound, Asked::Bind), Ok(Message::Pass));
        assert!(look(&bound, Asked::Search).is_err());
        let modified = message(2, &[element(MODIFY_ANSWER, &done(16, b"00000057: x"))]);
        assert_eq!(look(&modified, Asked::Modify), Ok(Message::Pass));
        assert!(look(&modified, Asked::Search).is_err());
        assert!(look(&bound, Asked::Modify).is_err());
        let reference = element(REFERENCE, &element(OCTETS, b"ldap://elsewhere/"));
        assert_eq!(look(&message(7, &[reference]), Asked::Search), Ok(Message::Pointer));
    }

    #[test]
    fn a_notice_of_disconnection_is_understood_also_as_active_directory_writes_it() {
        let name = element(0x8a, b"1.3.6.1.4.1.1466.20036");
        let right =
            message(0, &[element(EXTENDED_ANSWER, &[done(51, b"busy"), name.clone()].concat())]);
        assert_eq!(look(&right, Asked::Search), Ok(Message::Goodbye(51)));
        let odd = message(0, &[element(EXTENDED_ANSWER, &done(52, b"")), name]);
        assert_eq!(look(&odd, Asked::Nothing), Ok(Message::Goodbye(52)));
        assert!(look(&message(0, &[an_entry()]), Asked::Search).is_err());
    }

    #[test]
    fn a_misshapen_message_is_a_value() {
        let bad_entry = element(ENTRY, &element(OCTETS, b"CN=x"));
        let not_utf8 =
            element(ENTRY, &[element(OCTETS, &[0xc3, 0x28]), element(SEQUENCE, b"")].concat());
        let nested =
            element(SEARCH_DONE, &[done(0, b""), element(0xa7, &element(SEQUENCE, b""))].concat());
        let no_code = element(SEARCH_DONE, &[element(OCTETS, b""), element(OCTETS, b"")].concat());
        for (what, bad) in [
            ("without attributes", message(7, &[bad_entry])),
            ("name not UTF-8", message(7, &[not_utf8])),
            ("a part of its own", message(7, &[nested])),
            ("no code", message(7, &[no_code])),
            ("nothing", message(7, &[])),
            ("two operations", message(7, &[an_entry(), an_entry()])),
            (
                "a control that is none",
                message(7, &[an_entry(), element(CONTROLS, &element(OCTETS, b""))]),
            ),
            ("a stray name", message(7, &[an_entry(), element(0x8a, b"")])),
        ] {
            assert!(look(&bad, Asked::Search).is_err(), "{what}");
        }
    }

    #[test]
    fn a_cookie_is_read() {
        let value = |n: &[u8], c: &[u8]| {
            element(SEQUENCE, &[element(INTEGER, n), element(OCTETS, c)].concat())
        };
        assert_eq!(cookie(&value(&[0], b"more")), Ok(b"more".to_vec()));
        assert_eq!(cookie(&value(&[0, 0xff], b"")), Ok(Vec::new()));
        assert!(cookie(b"").is_err());
        assert!(cookie(&element(SEQUENCE, &element(OCTETS, b"more"))).is_err());
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_nothing_is_passed_on_that_the_library_cannot_read(
            at in 0_usize..400, with: u8, cut in 0_usize..400, asked in 0_u8..4,
        ) {
            let control = element(SEQUENCE, &[
                element(OCTETS, b"1.2.840.113556.1.4.319"), element(OCTETS, &element(SEQUENCE, b"")),
            ].concat());
            for whole in [
                message(7, &[an_entry()]),
                message(7, &[element(SEARCH_DONE, &done(0, b"fine")), element(CONTROLS, &control)]),
                message(1, &[element(BIND_ANSWER, &done(49, b"no"))]),
                message(1, &[element(MODIFY_ANSWER, &done(53, b"no"))]),
            ] {
                let mut bytes = whole.clone();
                bytes.truncate(cut.max(1));
                let place = at % bytes.len();
                bytes[place] = with;
                let asked = Asked::of(asked);
                if message_length(&bytes) == Ok(Some(bytes.len()))
                    && look(&bytes, asked) == Ok(Message::Pass)
                {
                    the_library_reads(&bytes);
                }
            }
        }

        #[test]
        fn noise_never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            drop((message_length(&bytes), look(&bytes, Asked::Search), cookie(&bytes), extended(&bytes)));
        }
    }

    /// Reads the message as the library does when it is passed on; panics as the library would.
    fn the_library_reads(bytes: &[u8]) {
        use ldap3::SearchEntry;
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        // As the answer to the first question, which has the number 1.
        let Some(bytes) = numbered_1(bytes) else { return };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
            let settings =
                ldap3::LdapConnSettings::new().set_std_stream(ldap3::StdStream::Unix(theirs));
            let (driver, mut ldap) =
                ldap3::LdapConnAsync::with_settings(settings, "ldapi:///").await.unwrap();
            ours.set_nonblocking(true).unwrap();
            let mut ours = tokio::net::UnixStream::from_std(ours).unwrap();
            let drive = tokio::spawn(driver.drive());
            let kind = look_kind(&bytes);
            let ask = async {
                if kind == BIND_ANSWER {
                    drop(ldap.simple_bind("cn=x", "y").await);
                } else if kind == MODIFY_ANSWER {
                    let none: Vec<ldap3::Mod<&[u8]>> = Vec::new();
                    drop(ldap.modify("cn=x", none).await);
                } else {
                    let found = ldap.search("", ldap3::Scope::Base, "(a=b)", vec!["1.1"]).await;
                    if let Ok(found) = found {
                        for entry in found.0 {
                            SearchEntry::construct(entry);
                        }
                    }
                }
            };
            let answer = async {
                let mut question = [0; 512];
                drop(ours.read(&mut question).await);
                drop(ours.write_all(&bytes).await);
                drop(ours.shutdown().await);
            };
            tokio::join!(ask, answer);
            drop(ldap);
            drop(ours);
            // An error is well; a panic is what must not be.
            drop(drive.await.unwrap());
        });
    }

    fn numbered_1(bytes: &[u8]) -> Option<Vec<u8>> {
        let head = 1 + length(&bytes[1..]).unwrap().unwrap().1;
        let mut bytes = bytes.to_vec();
        let id = bytes.get_mut(head..head + 3).filter(|id| id[..2] == [INTEGER, 1])?;
        id[2] = 1;
        Some(bytes)
    }

    fn look_kind(bytes: &[u8]) -> u8 {
        let mut outer = Reader::new(bytes);
        let mut inner = Reader::new(outer.need(SEQUENCE).unwrap());
        inner.need(INTEGER).unwrap();
        inner.next().unwrap().unwrap().0
    }
}
