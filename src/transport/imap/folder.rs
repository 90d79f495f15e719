//! A folder that is open for looking.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;
use jiff::Timestamp;
use jiff::civil::Date;

use super::server::{Stream, Visit, quoted, said};
use super::wire::{Answer, Broken, Item, Status, Wire};
use crate::transport::Failure;

/// Answers to one command; more is no answer.
const MOST_ANSWERS: usize = 10_000;
/// Bytes of the answers to a command that brings no message.
const ANSWER_LIMIT: usize = 1024 * 1024;

/// Which part of a message is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it, as far as the limit.
    Whole,
    /// Date, sender, recipients and identity: the subject and the text never leave the server.
    Envelope,
}

/// What was fetched of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// When the server received it, where it says.
    pub received_at: Option<Timestamp>,
    /// Its whole size in bytes, where the server says.
    pub size: Option<u64>,
    /// The bytes of the part, at most as many as were asked for.
    pub bytes: Vec<u8>,
}

/// A folder that is open for looking. Numbers of messages are UIDs: they belong to
/// [`MailFolder::validity`].
pub struct MailFolder {
    wire: Wire<Stream>,
    visit: Visit,
    /// As commands name it; empty until it is open.
    quoted: String,
    tags: u32,
    validity: u32,
    next: Option<u32>,
    exists: u32,
}

impl MailFolder {
    pub(super) fn new(wire: Wire<Stream>, visit: Visit) -> Self {
        let quoted = String::new();
        Self { wire, visit, quoted, tags: 0, validity: 0, next: None, exists: 0 }
    }

    /// `UIDVALIDITY`: when it changes, every number means another message.
    #[must_use]
    pub fn validity(&self) -> u32 {
        self.validity
    }

    /// `UIDNEXT`, where the server says it: the number of the next message to come.
    #[must_use]
    pub fn next(&self) -> Option<u32> {
        self.next
    }

    /// How many messages it holds.
    #[must_use]
    pub fn exists(&self) -> u32 {
        self.exists
    }

    /// `imaps://host:port`, for messages.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.visit.name
    }

    /// Whether more than half of the visit's time is gone.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.visit.is_late()
    }

    /// The numbers of all messages, or of those received since the start of `since` by the
    /// server's clock.
    ///
    /// # Errors
    /// [`Failure::Malformed`] when the server refuses, does not answer the question, or names
    /// fewer than it holds: a list that is too short would hide trouble. Else as for opening.
    pub async fn numbers(&mut self, since: Option<Date>) -> Result<BTreeSet<u32>, Failure> {
        let visit = self.visit.clone();
        visit.within(self.numbers_now(since)).await
    }

    async fn numbers_now(&mut self, since: Option<Date>) -> Result<BTreeSet<u32>, Failure> {
        let command = match since {
            None => "UID SEARCH ALL".to_owned(),
            Some(date) => format!("UID SEARCH SINCE {}", date.strftime("%-d-%b-%Y")),
        };
        let (mut found, mut answered, mut gone) = (BTreeSet::new(), false, 0);
        let done = self.run(&command, ANSWER_LIMIT, 0, |answer| match answer {
            Answer::Search(numbers) => {
                answered = true;
                found.extend(numbers);
            }
            Answer::Expunge => gone += 1,
            _ => {}
        });
        let done = done.await?;
        self.accept(done, "the search for messages")?;
        let least = usize::try_from(self.exists).unwrap_or(usize::MAX).saturating_sub(gone);
        if !answered || (since.is_none() && found.len() < least) {
            let why = Broken::Unreadable("it names fewer messages than the folder holds");
            return Err(self.visit.broken(why));
        }
        Ok(found)
    }

    /// Fetches `part` of the messages `numbers`, at most `limit` bytes of each, without marking
    /// them as read. A message that is gone meanwhile is not in the answer.
    ///
    /// # Errors
    /// As for opening; [`Failure::TooLarge`] when more comes than was asked for.
    pub async fn fetch(
        &mut self,
        numbers: &[u32],
        part: Part,
        limit: usize,
    ) -> Result<BTreeMap<u32, Fetched>, Failure> {
        let visit = self.visit.clone();
        visit.within(self.fetch_now(numbers, part, limit)).await
    }

    async fn fetch_now(
        &mut self,
        numbers: &[u32],
        part: Part,
        limit: usize,
    ) -> Result<BTreeMap<u32, Fetched>, Failure> {
        let mut found = BTreeMap::new();
        if numbers.is_empty() {
            return Ok(found);
        }
        let set: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        let section = match part {
            Part::Whole => "",
            Part::Envelope => "HEADER.FIELDS (DATE FROM TO CC MESSAGE-ID)",
        };
        let command = format!(
            "UID FETCH {} (UID INTERNALDATE RFC822.SIZE BODY.PEEK[{section}]<0.{limit}>)",
            set.join(",")
        );
        let allowance = ANSWER_LIMIT + numbers.len() * (limit + 4_096);
        let done = self.run(&command, allowance, limit, |answer| {
            if let Answer::Fetch(items) = answer
                && let Some((number, fetched)) = read(items)
                && numbers.contains(&number)
            {
                found.entry(number).or_insert(fetched);
            }
        });
        let done = done.await?;
        self.accept(done, "the fetching of messages")?;
        Ok(found)
    }

    /// The letters of what the account may do with the folder (RFC 4314, `MYRIGHTS`); none where the
    /// server has no such extension. Two commands.
    ///
    /// # Errors
    /// [`Failure::Malformed`] when the server has it and does not answer. Else as for opening.
    pub async fn rights(&mut self) -> Result<Option<String>, Failure> {
        let visit = self.visit.clone();
        visit.within(self.rights_now()).await
    }

    async fn rights_now(&mut self) -> Result<Option<String>, Failure> {
        // Asked once more: many servers say only to whom they know that they have it.
        if !self.capabilities().await?.iter().any(|can| can == "ACL") {
            return Ok(None);
        }
        let mut told = None;
        let command = format!("MYRIGHTS {}", self.quoted);
        let done = self.run(&command, ANSWER_LIMIT, ANSWER_LIMIT, |answer| {
            if let Answer::Rights(rights) = answer {
                told = Some(rights);
            }
        });
        let done = done.await?;
        self.accept(done, "the question for our rights")?;
        let untold = || self.visit.broken(Broken::Unreadable("it does not tell our rights"));
        told.map(Some).ok_or_else(untold)
    }

    /// Takes leave. A server that does not answer to that is left without it.
    pub async fn close(mut self) {
        let visit = self.visit.clone();
        let goodbye = async {
            self.wire.send("z LOGOUT").await.map_err(|e| self.visit.broken(e))?;
            self.wire.answer(0).await.map_err(|e| self.visit.broken(e))
        };
        drop(visit.within(goodbye).await);
    }

    pub(super) async fn capabilities(&mut self) -> Result<Vec<String>, Failure> {
        let mut can = Vec::new();
        let done = self.run("CAPABILITY", ANSWER_LIMIT, 0, |answer| {
            if let Answer::Capability(words) = answer {
                can = words;
            }
        });
        let done = done.await?;
        self.accept(done, "the question for its abilities")?;
        Ok(can)
    }

    pub(super) async fn examine(&mut self, folder: &str) -> Result<(), Failure> {
        let (mut validity, mut next, mut exists) = (None, None, None);
        self.quoted = quoted(&encoded(folder));
        let command = format!("EXAMINE {}", self.quoted);
        let done = self.run(&command, ANSWER_LIMIT, 0, |answer| match answer {
            Answer::Exists(n) => exists = Some(n),
            Answer::Status(Status::Ok, text) => {
                validity = code(&text, "UIDVALIDITY").or(validity);
                next = code(&text, "UIDNEXT").or(next);
            }
            _ => {}
        });
        let (status, text) = done.await?;
        let malformed = |why: String| Failure::Malformed { origin: self.visit.name.clone(), why };
        if status != Status::Ok {
            return Err(malformed(format!(
                "the folder `{}` cannot be opened ({}); check its name and the account's right",
                said(folder),
                said(&text)
            )));
        }
        let (Some(validity), Some(exists)) = (validity, exists) else {
            return Err(malformed("it opens the folder without saying what it holds".to_owned()));
        };
        (self.validity, self.next, self.exists) = (validity, next, exists);
        Ok(())
    }

    /// A command and the end of its answer.
    pub(super) async fn command(&mut self, command: &str) -> Result<(Status, String), Failure> {
        self.run(command, ANSWER_LIMIT, 0, |_| {}).await
    }

    /// Signs in by a mechanism with one answer of ours; `at_once` sends it with the command. A
    /// server that then wants more has refused it, and says why when it has had an empty answer
    /// (XOAUTH2).
    pub(super) async fn authenticate(
        &mut self,
        mechanism: &str,
        proof: &str,
        at_once: bool,
    ) -> Result<(Status, String), Failure> {
        let command = match at_once {
            true => format!("AUTHENTICATE {mechanism} {proof}"),
            false => format!("AUTHENTICATE {mechanism}"),
        };
        let mut answers = if at_once { vec![""] } else { vec!["", proof] };
        let sent = async {
            let tag = self.send(&command, ANSWER_LIMIT).await?;
            loop {
                match self.wire.answer(0).await? {
                    Answer::Continue => match answers.pop() {
                        Some(answer) => self.wire.send(answer).await?,
                        None => return Err(Broken::Unreadable("its sign-in has no end")),
                    },
                    Answer::Done(of, status, text) if of == tag => return Ok((status, text)),
                    Answer::Done(..) => {
                        return Err(Broken::Unreadable("it answers another command"));
                    }
                    Answer::Status(Status::Bye, why) => return Err(Broken::Bye(why)),
                    _ => {}
                }
            }
        };
        sent.await.map_err(|e| self.visit.broken(e))
    }

    /// Sends a command and hands on what comes until its end.
    async fn run(
        &mut self,
        command: &str,
        allowance: usize,
        literal_limit: usize,
        each: impl FnMut(Answer),
    ) -> Result<(Status, String), Failure> {
        let outcome = async {
            let tag = self.send(command, allowance).await?;
            self.finish(&tag, literal_limit, each).await
        };
        outcome.await.map_err(|e| self.visit.broken(e))
    }

    async fn send(&mut self, command: &str, allowance: usize) -> Result<String, Broken> {
        self.tags = self.tags.wrapping_add(1);
        let tag = format!("c{}", self.tags);
        self.wire.allow(allowance);
        self.wire.send(&format!("{tag} {command}")).await?;
        Ok(tag)
    }

    /// Only the tagged end is the end: a connection that is lost before it is never taken for one.
    async fn finish(
        &mut self,
        tag: &str,
        literal_limit: usize,
        mut each: impl FnMut(Answer),
    ) -> Result<(Status, String), Broken> {
        for _ in 0..MOST_ANSWERS {
            match self.wire.answer(literal_limit).await? {
                Answer::Done(of, status, text) if of == tag => return Ok((status, text)),
                Answer::Done(..) => return Err(Broken::Unreadable("it answers another command")),
                Answer::Continue => return Err(Broken::Unreadable("it waits for more")),
                Answer::Status(Status::Bye, why) => return Err(Broken::Bye(why)),
                answer => each(answer),
            }
        }
        Err(Broken::Unreadable("its answer has no end"))
    }

    fn accept(&self, (status, text): (Status, String), what: &str) -> Result<(), Failure> {
        if status == Status::Ok {
            return Ok(());
        }
        let why = format!("it refuses {what}: {}", said(&text));
        Err(Failure::Malformed { origin: self.visit.name.clone(), why })
    }
}

/// The number behind a code: `[UIDNEXT 12] ..`.
fn code(text: &str, name: &str) -> Option<u32> {
    let (code, _) = text.strip_prefix('[')?.split_once(']')?;
    let (word, number) = code.split_once(' ')?;
    word.eq_ignore_ascii_case(name).then(|| number.trim().parse().ok()).flatten()
}

/// One message of an answer, if it brings the part that was asked for.
fn read(items: Vec<(String, Item)>) -> Option<(u32, Fetched)> {
    let (mut number, mut bytes) = (None, None);
    let mut fetched = Fetched { received_at: None, size: None, bytes: Vec::new() };
    for (name, item) in items {
        let Item::Text(text) = item else { continue };
        let word = || std::str::from_utf8(&text).unwrap_or_default().trim();
        match name.as_str() {
            "UID" => number = word().parse().ok(),
            "RFC822.SIZE" => fetched.size = word().parse().ok(),
            "INTERNALDATE" => fetched.received_at = received(word()),
            _ if name.starts_with("BODY[") => bytes = Some(text),
            _ => {}
        }
    }
    fetched.bytes = bytes?;
    Some((number?, fetched))
}

fn received(text: &str) -> Option<Timestamp> {
    Timestamp::strptime("%d-%b-%Y %H:%M:%S %z", text).ok()
}

/// The name of a folder as it goes over the wire: modified UTF-7 (RFC 3501, 5.1.3).
fn encoded(folder: &str) -> String {
    let engine = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);
    let (mut out, mut foreign) = (String::new(), Vec::new());
    let flush = |foreign: &mut Vec<u8>, out: &mut String| {
        if !foreign.is_empty() {
            out.push('&');
            out.push_str(&engine.encode(&*foreign));
            out.push('-');
            foreign.clear();
        }
    };
    for c in folder.chars() {
        match c {
            ' '..='~' => {
                flush(&mut foreign, &mut out);
                out.push(c);
                if c == '&' {
                    out.push('-');
                }
            }
            _ => {
                let mut units = [0; 2];
                foreign.extend(c.encode_utf16(&mut units).iter().flat_map(|u| u.to_be_bytes()));
            }
        }
    }
    flush(&mut foreign, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_folders_travel_in_modified_utf7() {
        for (folder, wire) in [
            ("INBOX/Alerts", "INBOX/Alerts"),
            ("R&D", "R&-D"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("Entwürfe", "Entw&APw-rfe"),
        ] {
            assert_eq!(encoded(folder), wire);
        }
        // A line end cannot begin another command.
        assert!(!encoded("x\r\nz DELETE y").contains(['\r', '\n']));
    }

    #[test]
    fn reads_codes_and_times() {
        assert_eq!(code("[UIDVALIDITY 1700000001] UIDs valid", "UIDVALIDITY"), Some(1_700_000_001));
        assert_eq!(code("[uidnext 7]", "UIDNEXT"), Some(7));
        for none in ["UIDNEXT 7", "[UIDNEXT]", "[UIDNEXT x] y", "[OTHER 7]"] {
            assert_eq!(code(none, "UIDNEXT"), None, "{none}");
        }
        let at = |text: &str| received(text).map(|t| t.to_string());
        assert_eq!(at("02-Feb-2027 11:21:30 +0100").unwrap(), "2027-02-02T10:21:30Z");
        assert_eq!(at("2-Feb-2027 10:21:30 +0000").unwrap(), "2027-02-02T10:21:30Z");
        assert_eq!(at("yesterday"), None);
    }
}
