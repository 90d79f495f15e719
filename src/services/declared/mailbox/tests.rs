//! Proofs of the mailbox drop: MIME, dates and identities; Maildir, dropped files, a mail server.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

use super::{Look, MailTrouble, Mailbox, MailboxSettings, Reads, Sent, mime};
use crate::model::health::Reason;
use crate::model::ids::CredentialName;
use crate::model::observation::Zone;
use crate::ports::secrets::{Found, SecretError, SecretPlace, Secrets};
use crate::services::declared::tests::dropping::Drop;
use crate::services::declared::tests::stage::{NOW, Still, context, estate, now};
use crate::services::declared::tests::vendor::{Play, Vendor, page, status};
use crate::services::{Context, ServiceError};
use crate::simulators::{Certificate, Door, Instead, MailHost};
use crate::transport::Failure;

const SERVICE: &str = "smoothwall";

// ------------------------------------------------------------------ messages

fn mail(text: &str) -> mime::Mail {
    mime::mail(text.as_bytes(), true, now()).unwrap_or_else(|| panic!("no mail: {text}"))
}

fn text(message: &str) -> String {
    mail(message).text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn text_is_found_however_it_was_packed() {
    let nested = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=a\n\npreamble\n\
        --a\nContent-Type: multipart/related; boundary=b\n\n\
        --b\nContent-Type: multipart/alternative; boundary=c\n\n\
        --c\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n\
        Host: edge-a=20is=\n =C3=BC\n\
        --c\nContent-Type: text/html\n\n<p>not this one</p>\n--c--\n\
        --b\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\nAAAA\n--b--\n\
        --a\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: base64\n\n\
        Y2Fm6Q==\n--a--\nepilogue\n";
    assert_eq!(text(nested), "Host: edge-a is ü café");
    for (what, message, expected) in [
        ("bare", "Subject: x\n\nplain words\n", "plain words"),
        ("CR LF", "Subject: x\r\n\r\nplain words\r\n", "plain words"),
        ("no header but one", "X: y\n\nplain words", "plain words"),
        (
            "HTML alone",
            "Content-Type: text/html\n\n<style>.a{}</style><script>var x</script><p>one<br>two &amp; \
             three</p><!-- four -->",
            "one two & three",
        ),
        (
            "an empty alternative",
            "Content-Type: multipart/alternative; boundary=a\n\n--a\nContent-Type: text/plain\n\n \n\
             --a\nContent-Type: text/html\n\n<b>in HTML only</b>\n--a--\n",
            "in HTML only",
        ),
        (
            "forwarded whole",
            "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: message/rfc822\n\n\
             Subject: y\n\ninner words\n--a--\n",
            "inner words",
        ),
        (
            "windows-1252",
            "Content-Type: text/plain; charset=windows-1252\nContent-Transfer-Encoding: \
             quoted-printable\n\n=93quoted=94 =80",
            "“quoted” €",
        ),
        (
            "Shift JIS",
            "Content-Type: text/plain; charset=shift_jis\nContent-Transfer-Encoding: base64\n\n\
             k/qWew==",
            "日本",
        ),
        (
            "a charset that nobody has",
            "Content-Type: text/plain; charset=x-none\n\nplain words",
            "plain words",
        ),
        (
            "a boundary that never comes",
            "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: text/plain\n\nno end",
            "no end",
        ),
        (
            "two of them",
            "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/related; \
             boundary=\"b b\"\n\n--b b\nContent-Type: text/plain\nContent-Transfer-Encoding: \
             base64\n\nbm8gZW5kIGVpdGhlcg==",
            "no end either",
        ),
    ] {
        assert_eq!(text(message), expected, "{what}");
    }
    let subject = mail("Subject: =?utf-8?B?U2Now7ZuIA==?= =?iso-8859-1?Q?=E9t=E9?=\n\nx\n").subject;
    assert_eq!(subject, "Schön été");
    for none in ["", "\n\n", "Subject: x\n\n", "Content-Type: image/png\n\nAAAA\n"] {
        assert!(mime::mail(none.as_bytes(), true, now()).is_none(), "{none:?}");
    }
}

#[test]
fn what_is_too_much_is_cut_and_said_to_be() {
    let long = format!("Subject: x\n\n{}", "wörd ".repeat(20_000));
    let read = mail(&long);
    assert!(read.cut && read.text.len() <= 64 * 1024);
    // Only the beginning was fetched: the text counts as whole where another part follows it.
    let parts = "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: text/plain\n\nall of \
                 it\n--a\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\nAAAA";
    assert!(!mime::mail(parts.as_bytes(), false, now()).unwrap().cut);
    let (only_text, _) = parts.split_once("\n--a\nContent-Type: image").unwrap();
    assert!(mime::mail(only_text.as_bytes(), false, now()).unwrap().cut);
    assert!(!mime::mail(only_text.as_bytes(), true, now()).unwrap().cut);
}

#[test]
fn dates_are_read_as_mails_write_them_and_believed_with_care() {
    let sent = |date: &str| mail(&format!("{date}Subject: x\n\ny\n")).sent;
    let read = |date: &str| match sent(&format!("Date: {date}\n")) {
        Sent::At(moment) => Some((moment.at.to_string(), moment.zone)),
        Sent::Unsaid | Sent::Unbelievable => None,
    };
    let given = |at: &str| Some((at.to_owned(), Zone::Given));
    for date in [
        "Tue, 2 Feb 2027 11:21:30 +0100",
        "Tue, 02 Feb 2027 10:21:30 GMT",
        "2 Feb 2027 10:21:30 +0000 (UTC)",
        "Wed, 2 Feb 2027 05:21:30 -0500",
        "Tue,\n 2 Feb 2027\n\t10:21:30 -0000",
        "2027-02-02T10:21:30Z",
    ] {
        assert_eq!(read(date), given("2027-02-02T10:21:30Z"), "{date}");
    }
    // No offset: the clock on the wall in London, and it is remembered that we assumed it.
    let assumed = |at: &str| Some((at.to_owned(), Zone::Assumed));
    assert_eq!(read("Fri, 2 Jul 2027 10:21:30"), assumed("2027-07-02T09:21:30Z"));
    assert_eq!(read("2 Feb 2027 10:21"), assumed("2027-02-02T10:21:00Z"));
    assert_eq!(read("02/02/2027 10:21"), assumed("2027-02-02T10:21:00Z"));
    for nonsense in ["Someday", "", "Tue, 32 Feb 2027 10:21:30 +0000", "1790000000"] {
        assert_eq!(sent(&format!("Date: {nonsense}\n")), Sent::Unbelievable, "{nonsense}");
    }
    assert_eq!(sent(""), Sent::Unsaid);
    let one = "Date: Tue, 2 Feb 2027 10:21:30 +0000\n";
    assert!(matches!(sent(&one.repeat(2)), Sent::At(_)), "twice the same is one");
    assert_eq!(sent(&format!("{one}{}", one.replace("10:", "11:"))), Sent::Unbelievable);
    let arrived: Timestamp = "2027-02-02T10:30:00Z".parse().unwrap();
    let at = |date: &str| sent(date).at(arrived, now()).map(|t| t.to_string());
    assert_eq!(at(one).as_deref(), Some("2027-02-02T10:21:30Z"));
    assert_eq!(at("").as_deref(), Some("2027-02-02T10:30:00Z"));
    assert_eq!(at("Date: x\n"), None);
    assert_eq!(
        at("Date: Tue, 2 Feb 2027 10:42:01 +0000\n"),
        None,
        "two minutes ahead and one second"
    );
    assert!(
        at("Date: Tue, 2 Feb 2027 12:30:00\n").is_some(),
        "a zone that was assumed has an hour, or two"
    );
}

#[test]
fn a_message_is_itself_whichever_way_it_came() {
    let one = "Message-ID: <1@x>\nDate: Tue, 2 Feb 2027 10:21:30 +0000\nSubject: a\n\nwords\n";
    let key = |text: &str| mail(text).key;
    assert_eq!(key(one), key(&format!("Received: by relay\nX-Spam: no\n{one}")));
    assert_eq!(key(one), key(&one.replace('\n', "\r\n")));
    // An identity that two messages share is none: neither may hide the other.
    for (from, to) in [("words", "others"), ("10:21", "10:22"), (": a", ": b"), ("<1@x>", "<2@x>")]
    {
        assert_ne!(key(one), key(&one.replace(from, to)), "{from}");
    }
    assert!(key(one).named && !key("Subject: a\n\nwords\n").named);
}

#[test]
fn what_a_mail_server_sends_back_does_not_come_from_its_sender() {
    let report = "Content-Type: multipart/report; report-type=delivery-status; boundary=a\n\n\
                  --a\n\nnot delivered\n--a--\n";
    for returned in [
        report,
        "From: MAILER-DAEMON@mx.example\n\nquoted\n",
        "From: Postmaster <postmaster@mx.example>\n\nquoted\n",
        "From: a@b\nAuto-Submitted: auto-replied; x\n\naway\n",
    ] {
        assert!(mail(returned).returned, "{returned}");
    }
    assert!(!mail("From: filter@x\nAuto-Submitted: auto-generated\n\nalert\n").returned);
}

#[test]
fn hostile_messages_are_survived() {
    let deep_parts: String = (0..3_000)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n"))
        .collect();
    let deep_mails = "Content-Type: message/rfc822\n\n".repeat(3_000);
    let encoded = "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n".repeat(500);
    let header = format!("Subject: {}\n\nx", "=?utf-8?Q?=41?= ".repeat(50_000));
    let headers = format!("{}\nx", "From: a@b, c@d\nDate: x\n".repeat(20_000));
    let html = format!("Content-Type: text/html\n\n{}", "<div>".repeat(100_000));
    for hostile in [deep_parts, deep_mails, encoded, header, headers, html] {
        if let Some(read) = mime::mail(hostile.as_bytes(), true, now()) {
            assert!(read.text.len() <= 64 * 1024 && read.from.len() <= 50);
            assert!(!format!("{read:?}").contains("a@b"), "nothing of it is shown");
        }
        drop(mime::envelope(hostile.as_bytes(), now()));
    }
}

proptest::proptest! {
    #[test]
    fn no_damage_to_a_message_makes_it_panic(
        cut in 0_usize..900,
        at in 0_usize..900,
        with in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..12),
    ) {
        let message = "MIME-Version: 1.0\r\nDate: Tue, 2 Feb 2027 10:21:30 +0000\r\nFrom: =?utf-8?Q?a?= \
            <a@b>\r\nContent-Type: multipart/mixed; boundary=\"a\"\r\n\r\n--a\r\nContent-Type: \
            text/plain; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n\r\nAEEAQg==\r\n--a\r\n\
            Content-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\n=C3=BC\r\n--a--\r\n";
        let mut bytes = message.as_bytes().to_vec();
        let at = at.min(bytes.len());
        bytes.splice(at..at, with);
        bytes.truncate(bytes.len().saturating_sub(cut).max(1));
        for whole in [true, false] {
            if let Some(read) = mime::mail(&bytes, whole, now()) {
                proptest::prop_assert!(!read.text.trim().is_empty());
            }
        }
        drop(mime::envelope(&bytes, now()));
    }
}

#[test]
fn an_envelope_has_neither_subject_nor_text() {
    let message = b"From: A <A@x.example>\nTo: b@y.example, C <c@y.example>\nCc: d@y.example\n\
        Date: Tue, 2 Feb 2027 10:21:30 +0000\nSubject: canary-subject\n\ncanary-text\n";
    let read = mime::envelope(message, now()).unwrap();
    assert_eq!(read.from, ["a@x.example"]);
    assert_eq!(read.to, ["b@y.example", "c@y.example", "d@y.example"]);
    assert!(read.subject.is_empty() && read.text.is_empty());
    assert!(mime::envelope(b"just some text\nof two lines\n", now()).is_none());
}

// ------------------------------------------------------------------ mailboxes

/// Credentials in memory.
struct Known(Mutex<BTreeMap<String, String>>);

impl Secrets for Known {
    fn find(&self, name: &CredentialName) -> Result<Found, SecretError> {
        match self.0.lock().unwrap().get(name.as_str()) {
            Some(value) => Ok(Found { value: value.clone().into(), place: SecretPlace::File }),
            None => Err(SecretError::Missing { name: name.clone(), asked: "file: no".into() }),
        }
    }
}

fn stage(folder: &Path) -> (Context, Arc<Still>, Arc<Known>) {
    let (mut ctx, clock) = context(folder, estate(SERVICE, &[]));
    let known = BTreeMap::from([("alerts-mailbox".to_owned(), "open sesame".to_owned())]);
    let known = Arc::new(Known(Mutex::new(known)));
    ctx.secrets = known.clone();
    (ctx, clock, known)
}

fn made(ctx: &Context, settings: &str) -> Result<Mailbox<String>, ServiceError> {
    let settings: MailboxSettings = toml::from_str(settings).unwrap();
    Mailbox::new(ctx, SERVICE, "mailbox", &settings, Reads::All, |mail| mail.text.trim().to_owned())
}

fn mailbox(ctx: &Context, settings: &str) -> Mailbox<String> {
    made(ctx, settings).unwrap_or_else(|e| panic!("{e}"))
}

/// The texts, oldest first, `*` behind those that are new.
fn texts(look: &Look<String>) -> Vec<String> {
    let mark = |new: bool| if new { "*" } else { "" };
    look.messages.iter().map(|m| format!("{}{}", m.what, mark(m.new))).collect()
}

fn letter(text: &str) -> String {
    format!("Message-ID: <{text}@x>\r\nDate: Tue, 2 Feb 2027 10:00:00 +0000\r\n\r\n{text}\r\n")
}

fn maildir() -> Drop {
    let drop = Drop::new();
    for part in ["new", "cur", "tmp"] {
        std::fs::create_dir(drop.path().join(part)).unwrap();
    }
    drop
}

#[tokio::test]
async fn a_maildir_is_read_whatever_its_flags_and_never_half() {
    let drop = maildir();
    drop.file("new/1.M1P1.host", letter("one"), "2027-02-02T10:01:00Z");
    drop.file("cur/2.M1P1.host:2,FS", letter("two"), "2027-02-02T10:02:00Z");
    drop.file("tmp/3.M1P1.host", letter("half"), "2027-02-02T10:03:00Z");
    drop.file("cur/.hidden", letter("hidden"), "2027-02-02T10:03:00Z");
    drop.file("new/5.host", "", "2027-02-02T10:03:00Z");
    std::os::unix::fs::symlink("/etc/hostname", drop.path().join("new/6.host")).unwrap();
    let (ctx, ..) = stage(drop.path());
    let mailbox = mailbox(&ctx, "maildir = '.'");
    let look = mailbox.look(now()).await;
    assert_eq!(texts(&look), ["one*", "two*"]);
    assert_eq!((look.unreadable, look.refused, look.gap()), (1, 1, None));
    assert_eq!(look.new_ones().count(), 2);
    // It is complete as soon as it is there: no waiting for it to settle.
    drop.file("new/7.host", letter("young"), "2027-02-02T10:39:59Z");
    // A mail program has looked at it: the same message under another name.
    let (from, to) = ("new/1.M1P1.host", "cur/1.M1P1.host:2,S");
    std::fs::rename(drop.path().join(from), drop.path().join(to)).unwrap();
    assert_eq!(texts(&mailbox.look(now()).await), ["one", "two", "young*"]);
    drop.remove("cur/2.M1P1.host:2,FS");
    assert_eq!(texts(&mailbox.look(now()).await), ["one", "young"]);
    // Nothing was touched.
    assert!(drop.path().join(to).exists() && drop.path().join("new/7.host").exists());
    std::fs::remove_dir_all(drop.path().join("cur")).unwrap();
    let look = mailbox.look(now()).await;
    let (reason, why) = look.gap().unwrap();
    assert_eq!(reason, Reason::NoAnswer);
    assert!(why.contains("cur cannot be read"), "{why}");
    assert_eq!(texts(&look), ["one", "young"], "what is known is still told");
}

#[tokio::test]
async fn dropped_files_wait_until_they_are_settled_and_are_read_again_when_they_change() {
    let drop = Drop::new();
    drop.file("a.EML", letter("one"), "2027-02-02T10:01:00Z");
    drop.file("b.txt", "two", "2027-02-02T10:02:00Z");
    drop.file("c.eml", letter("half"), "2027-02-02T10:39:55Z");
    drop.file("d.pdf", "no", "2027-02-02T10:02:00Z");
    let (ctx, ..) = stage(drop.path());
    let mailbox = mailbox(&ctx, "folder = { folder = '.' }");
    assert_eq!(texts(&mailbox.look(now()).await), ["one*", "two*"]);
    drop.file("b.txt", "three", "2027-02-02T10:03:00Z");
    drop.remove("a.EML");
    assert_eq!(texts(&mailbox.look(now()).await), ["three*"]);
}

#[tokio::test]
async fn the_same_message_twice_counts_once_and_two_that_look_alike_count_twice() {
    let drop = maildir();
    let bare = |text: &str| format!("Subject: s\r\n\r\n{text}\r\n");
    drop.file("new/1.h", letter("one"), "2027-02-02T10:01:00Z");
    drop.file("new/2.h", format!("Received: x\r\n{}", letter("one")), "2027-02-02T10:31:00Z");
    drop.file("new/3.h", bare("undated"), "2027-02-02T10:10:00Z");
    drop.file("new/4.h", bare("undated"), "2027-02-02T10:14:59Z");
    drop.file("new/5.h", bare("undated"), "2027-02-02T10:25:00Z");
    let (ctx, ..) = stage(drop.path());
    let look = mailbox(&ctx, "maildir = '.'").look(now()).await;
    assert_eq!(texts(&look), ["one*", "undated*", "undated"]);
    assert_eq!(look.twice, 2);
    assert_eq!(
        look.messages[0].arrived_at.to_string(),
        "2027-02-02T10:01:00Z",
        "the first of them"
    );
}

#[tokio::test]
async fn a_mailbox_that_holds_too_much_is_refused_and_what_is_remembered_has_an_end() {
    let drop = maildir();
    for n in 0..4 {
        drop.file(&format!("new/{n}.h"), letter(&format!("n{n}")), "2027-02-02T10:00:00Z");
    }
    let (ctx, ..) = stage(drop.path());
    let look = mailbox(&ctx, "maildir = '.'\nmax_messages = 3").look(now()).await;
    assert_eq!(look.trouble, Some(MailTrouble::TooMany { found: 4, limit: 3 }));
    assert_eq!(look.gap().unwrap().0, Reason::Malformed);
    let one = mailbox(&ctx, "maildir = '.'\nmax_messages = 1\nmax_age = '1d'");
    for n in 0..40 {
        for entry in std::fs::read_dir(drop.path().join("new")).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        drop.file(&format!("new/x{n}.h"), letter(&format!("x{n}")), "2027-02-02T10:00:00Z");
        assert_eq!(texts(&one.look(now()).await), [format!("x{n}*")]);
    }
    assert!(one.shelf.lock().await.remembered() <= 2, "identities are forgotten, the oldest first");
    // What is too old is left out, and so is what it told of.
    drop.file("new/old.h", letter("old"), "2027-02-01T10:39:59Z");
    assert_eq!(texts(&one.look(now()).await), ["x39"]);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let drop = Drop::new();
    let (ctx, ..) = stage(drop.path());
    let imap = "imap = { host = 'mail.example', user = 'u', credential = 'c' }";
    assert!(made(&ctx, imap).is_ok());
    for bad in [
        "",
        "maildir = '.'\nfolder = { folder = '.' }",
        &format!("maildir = '.'\n{imap}"),
        "maildir = '.'\nmax_messages = 0",
        "maildir = '.'\nmax_messages = 20001",
        "maildir = '.'\nmax_message_bytes = 10",
        "maildir = '.'\nmax_age = '1h'",
        &imap.replace("mail.example", "imaps://mail.example"),
        &imap.replace("'c' }", "'c', ca_file = 'nowhere.pem' }"),
    ] {
        assert!(made(&ctx, bad).is_err(), "{bad}");
    }
    for unknown in
        ["maildirs = '.'", "imap = { host = 'x', user = 'u', credential = 'c', tls = false }"]
    {
        assert!(toml::from_str::<MailboxSettings>(unknown).is_err(), "{unknown}");
    }
    let settings: MailboxSettings = toml::from_str(imap).unwrap();
    assert_eq!(settings.credentials().iter().map(|c| c.as_str()).collect::<Vec<_>>(), ["c"]);
}

// ------------------------------------------------------------------ a mail server

impl Play {
    /// The same answer with other words.
    fn replaced(self, from: &str, to: &str) -> Self {
        match self {
            Self::Answer(status, headers, body) => {
                Self::Answer(status, headers, body.replace(from, to))
            }
            other => other,
        }
    }
}

struct Post {
    ctx: Context,
    host: MailHost,
    mailbox: Mailbox<String>,
    clock: Arc<Still>,
    known: Arc<Known>,
    _drop: Drop,
}

async fn post(more: &str) -> Post {
    post_with(Certificate::Good, more).await
}

async fn post_with(certificate: Certificate, more: &str) -> Post {
    let drop = Drop::new();
    let (ctx, clock, known) = stage(drop.path());
    let host = MailHost::start(Door::Tls, certificate).await.unwrap();
    std::fs::write(drop.path().join("ca.pem"), &host.ca_pem).unwrap();
    let settings = format!(
        "imap = {{ host = 'localhost', port = {}, user = 'alerts', credential = 'alerts-mailbox', \
         folder = 'INBOX/Alerts', ca_file = 'ca.pem' }}\n{more}",
        host.port
    );
    let mailbox = mailbox(&ctx, &settings);
    Post { ctx, host, mailbox, clock, known, _drop: drop }
}

impl Post {
    fn put(&self, text: &str) -> u32 {
        self.host.put("2027-02-02T10:00:00Z".parse().unwrap(), letter(text))
    }

    async fn look(&self) -> Look<String> {
        self.mailbox.look(now()).await
    }

    /// What was asked since the last time, sign-in and leave apart.
    fn asked(&self, since: usize) -> Vec<String> {
        let asked = self.host.heard().split_off(since);
        asked.into_iter().filter(|c| c.starts_with("UID") || c.starts_with("EXA")).collect()
    }
}

#[tokio::test]
async fn a_folder_is_read_once_and_then_only_what_is_new() {
    let post = post("").await;
    let first = post.put("one");
    post.put("two");
    assert_eq!(texts(&post.look().await), ["one*", "two*"]);
    let before = post.host.heard().len();
    assert_eq!(texts(&post.look().await), ["one", "two"]);
    assert_eq!(post.asked(before), ["EXAMINE \"INBOX/Alerts\""], "no news: nothing is asked");
    let third = post.put("three");
    let before = post.host.heard().len();
    assert_eq!(texts(&post.look().await), ["one", "two", "three*"]);
    let asked = post.asked(before);
    assert_eq!(asked[1], "UID SEARCH ALL");
    assert!(asked[2].starts_with(&format!("UID FETCH {third} (")), "{asked:?}");
    post.host.take(first);
    assert_eq!(texts(&post.look().await), ["two", "three"], "moved away is over");
    // After a restore of the folder every number is another one; the messages are the same.
    post.host.renumber();
    assert_eq!(texts(&post.look().await), ["two", "three"]);
    post.host.put("2027-02-02T10:00:00Z".parse().unwrap(), letter("two"));
    let look = post.look().await;
    assert_eq!((texts(&look), look.twice), (vec!["two".to_owned(), "three".to_owned()], 1));
    assert_eq!(post.host.refused(), 0, "nothing was marked, moved or deleted");
}

#[tokio::test]
async fn trouble_with_the_server_is_told_and_what_is_known_stays_known() {
    let post = post("").await;
    post.put("one");
    assert_eq!(texts(&post.look().await), ["one*"]);
    let news = post.put("two");
    for (on, instead, reason) in [
        ("UID SEARCH", Instead::Cut(b"* SEARCH".to_vec()), Reason::NoAnswer),
        ("UID SEARCH", Instead::Say(b"* SEARCH\r\n{tag} OK\r\n".to_vec()), Reason::Malformed),
        ("UID FETCH", Instead::Cut(b"* 2 FETCH (UID 2 ".to_vec()), Reason::NoAnswer),
        ("UID FETCH", Instead::Say(b"{tag} OK\r\n".to_vec()), Reason::Malformed),
        ("EXAMINE", Instead::Say(b"{tag} NO gone\r\n".to_vec()), Reason::Malformed),
    ] {
        let said = instead.clone();
        post.host.meddle(move |c| c.starts_with(on).then(|| said.clone()));
        let look = post.look().await;
        assert_eq!(look.gap().unwrap().0, reason, "{on}: {instead:?}");
        assert_eq!(texts(&look), ["one"], "{on}");
    }
    post.host.behave();
    // Cut off once in the middle: the second connection of the same look goes on.
    let cut = Arc::new(Mutex::new(true));
    let once = cut.clone();
    post.host.meddle(move |c| {
        (c.starts_with("UID FETCH") && std::mem::take(&mut *once.lock().unwrap()))
            .then(|| Instead::Cut(b"* 2 FETCH (UID 2 BODY[] {50}\r\nhalf".to_vec()))
    });
    let look = post.look().await;
    assert_eq!((texts(&look), look.gap()), (vec!["one".to_owned(), "two*".to_owned()], None));
    assert!(!*cut.lock().unwrap());
    // One that goes away between listing and fetching is gone, and no trouble.
    let gone = post.put("three");
    let host = &post.host;
    let said = b"{tag} OK\r\n".to_vec();
    host.meddle(move |c| {
        c.starts_with(&format!("UID FETCH {gone}")).then(|| Instead::Say(said.clone()))
    });
    assert_eq!(post.look().await.gap().unwrap().0, Reason::Malformed, "still listed");
    host.take(gone);
    assert_eq!((post.look().await.gap(), news), (None, 2));
}

#[tokio::test]
async fn who_may_not_in_says_why() {
    let expired = post_with(Certificate::Expired, "").await;
    let (reason, why) = expired.look().await.gap().unwrap();
    assert!(reason == Reason::NoAnswer && why.contains("expired"), "{why}");
    let post = post("").await;
    post.put("one");
    post.host.set_password("another");
    let (reason, why) = post.look().await.gap().unwrap();
    assert_eq!(reason, Reason::Unauthorised);
    assert!(why.contains("AUTHENTICATIONFAILED") && !why.contains("sesame"), "{why}");
    let connections = post.host.connections();
    assert_eq!(post.look().await.gap().unwrap().0, Reason::Unauthorised);
    assert_eq!(post.host.connections(), connections, "not again at once");
    post.known.0.lock().unwrap().insert("alerts-mailbox".into(), "another".into());
    assert_eq!(
        texts(&post.look().await),
        ["one*"],
        "a changed credential is used without a restart"
    );
    post.known.0.lock().unwrap().clear();
    let (reason, why) = post.look().await.gap().unwrap();
    assert!(reason == Reason::Unauthorised && why.contains("secret set alerts-mailbox"), "{why}");
}

#[tokio::test]
async fn an_access_token_is_asked_for_held_and_renewed() {
    let (vendor, post) = (Vendor::start().await, post("").await);
    let token = |value: &str| {
        page(&format!(
            "{{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"{value}\"}}"
        ))
    };
    vendor.play("/token", token("first"));
    post.host.take_token("first");
    post.put("one");
    let settings = format!(
        "imap = {{ host = 'localhost', port = {}, user = 'alerts', credential = 'alerts-mailbox', folder = \
         'INBOX/Alerts', ca_file = 'ca.pem', oauth = {{ token = {{ url = '{}/token' }}, client_id = 'app' }} }}",
        post.host.port, vendor.url
    );
    let mailbox = mailbox(&post.ctx, &settings);
    assert_eq!(texts(&mailbox.look(now()).await), ["one*"]);
    assert_eq!(texts(&mailbox.look(now()).await), ["one"]);
    assert_eq!(vendor.asked().len(), 1, "a token is held");
    // Taken back before its time: one more is asked for, and no third.
    post.host.take_token("second");
    vendor.play("/token", token("second"));
    assert_eq!(texts(&mailbox.look(now()).await), ["one"]);
    assert_eq!(vendor.asked().len(), 1, "since the last time");
    post.host.take_token("third");
    let (reason, why) = mailbox.look(now()).await.gap().unwrap();
    assert_eq!((reason, vendor.asked().len()), (Reason::Unauthorised, 1));
    assert!(!why.contains("second") && !why.contains("sesame"), "{why}");
    // What the token endpoint may say instead.
    for (play, reason, words) in [
        (
            Play::Answer(
                401,
                vec![],
                "{\"error\":\"invalid_client\",\"x\":\"open sesame\"}".into(),
            ),
            Reason::Unauthorised,
            "invalid_client",
        ),
        (Play::Answer(400, vec![], "<h1>no</h1>".into()), Reason::Unauthorised, "no reason"),
        (page("<h1>Back soon</h1>"), Reason::Malformed, "web page"),
        (token("x").replaced("Bearer", "MAC"), Reason::Malformed, "bearer"),
        (token("x").replaced("3599", "-1"), Reason::Malformed, "life"),
        (token("x").replaced("3599", "999999999"), Reason::Malformed, "life"),
        (status(503), Reason::NoAnswer, "503"),
    ] {
        vendor.play("/token", play);
        let (was, why) = self::mailbox(&post.ctx, &settings).look(now()).await.gap().unwrap();
        assert_eq!(was, reason, "{why}");
        assert!(why.contains(words) && !why.contains("sesame"), "{why}");
    }
    // A server that takes no token is told so, and is not shown it.
    vendor.play("/token", token("first"));
    let before = post.host.heard().len();
    let said = b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n{tag} OK\r\n".to_vec();
    post.host.meddle(move |c| (c == "CAPABILITY").then(|| Instead::Say(said.clone())));
    let (_, why) = self::mailbox(&post.ctx, &settings).look(now()).await.gap().unwrap();
    assert!(why.contains("XOAUTH2"), "{why}");
    assert!(post.host.heard().split_off(before).iter().all(|c| c == "CAPABILITY"));
}

#[tokio::test]
async fn a_large_folder_is_read_in_pieces_newest_first_and_silence_proves_nothing_before_the_end() {
    let post = post("max_messages = 60").await;
    for n in 0..45 {
        post.put(&format!("n{n:02}"));
    }
    // Each batch takes its time: after half of the visit's no other is begun.
    let clock = post.clock.clone();
    post.host.meddle(move |c| {
        if c.starts_with("UID FETCH") {
            clock.pass(Duration::from_secs(16));
        }
        None
    });
    for (read, unread) in [(20, 25), (40, 5), (45, 0)] {
        let look = post.look().await;
        assert_eq!((look.messages.len(), look.unread), (read, unread));
        assert_eq!(
            texts(&look)[0].trim_end_matches('*'),
            format!("n{:02}", 45 - read),
            "newest first"
        );
        let gap = look.gap();
        assert_eq!(gap.is_none(), unread == 0, "{gap:?}");
        if let Some((reason, why)) = gap {
            assert_eq!(reason, Reason::NoAnswer);
            assert_eq!(why, format!("still reading the mailbox: {read} of 45"));
        }
    }
    for n in 0..16 {
        post.put(&format!("m{n:02}"));
    }
    let look = post.look().await;
    assert_eq!(look.trouble, Some(MailTrouble::TooMany { found: 61, limit: 60 }));
}

#[tokio::test]
async fn old_messages_and_long_ones_are_left_out_or_cut() {
    let post = post("max_age = '2d'\nmax_message_bytes = 1024").await;
    post.host.put("2027-01-20T10:00:00Z".parse().unwrap(), letter("old"));
    post.host.put("2027-01-31T10:39:59Z".parse().unwrap(), letter("just too old"));
    post.put("one");
    let long = letter("long").replace("long\r\n", &format!("long {}", "x".repeat(5_000)));
    post.host.put("2027-02-02T10:00:01Z".parse().unwrap(), long);
    let look = post.look().await;
    assert_eq!(look.messages.len(), 2);
    assert!(look.messages[1].what.len() < 1_024);
    let heard = post.host.heard();
    assert!(heard.contains(&"UID SEARCH SINCE 30-Jan-2027".to_owned()), "{heard:?}");
    assert!(NOW.starts_with("2027-02-02"));
    let failure = Failure::TooLarge { origin: "x".into(), limit: 1 };
    assert_eq!(MailTrouble::from(failure).reason(), Reason::Malformed);
}
