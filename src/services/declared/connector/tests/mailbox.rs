//! Report mail.

use super::{build, declare, of_estate, poll, poll_at, read, stage};
use crate::model::health::Reason;
use crate::model::observation::{Observation, Target, Verdict, Zone};
use crate::services::declared::tests::dropping::Drop;
use crate::services::declared::tests::stage::{fact, number, school};

const MALFORMED: Verdict = Verdict::Unknown(Reason::Malformed);
const THEN: &str = "2027-02-02T09:00:00Z";

pub(super) fn reports(scope: &str, more: &str) -> String {
    declare(
        scope,
        &format!(
            "age = {{ warning = '26h', critical = '50h' }}\n[connectors.c.mailbox]\n\
             place = {{ folder = {{ folder = '.', settle = '0s' }} }}\n\
             from = ['@vendor.example', 'night@other.example']\nsubject = ['nightly report']\n\
             health = {{ words = {{ ok = ['completed'], warning = ['skipped'], critical = ['failed'] }} }}\n\
             numbers = {{ rows = {{ after = 'Rows:' }} }}\n{more}\n"
        ),
    )
}

pub(super) fn mail(from: &str, subject: &str, date: &str, text: &str) -> String {
    format!(
        "From: Reports <{from}>\r\nTo: desk@example.org\r\nSubject: {subject}\r\nDate: {date}\r\n\
         Message-ID: <{date}{from}{subject}>\r\n\r\n{text}\r\n"
    )
}

const MONDAY: &str = "Mon, 01 Feb 2027 05:00:00 +0000";
pub(super) const TUESDAY: &str = "Tue, 02 Feb 2027 05:00:00 +0000";

async fn seen(drop: &Drop) -> Observation {
    let watch = build(&stage(drop.path(), &[]), &reports("estate", ""));
    poll(&watch).await.remove(&Target::Estate).unwrap()
}

#[tokio::test]
async fn the_newest_report_of_the_kind_counts() {
    let drop = Drop::new();
    let none = seen(&drop).await;
    assert_eq!(none.verdict, Verdict::Unknown(Reason::NeverSeen), "{}", none.detail);
    let of = |name: &str, mail: String| drop.file(name, mail, THEN);
    let good = "Rows: 81 of 81\r\nRun completed for Ann Canary";
    of("b.eml", mail("auto@VENDOR.example", "Nightly Report", TUESDAY, good));
    of("a.eml", mail("auto@vendor.example", "Nightly report", MONDAY, "Rows: 1\r\nfailed"));
    let now = seen(&drop).await;
    assert_eq!(now.verdict, Verdict::Ok, "{}", now.detail);
    assert_eq!(number(&now, "rows"), Some(81.0));
    let source = now.source_at.unwrap();
    assert_eq!(
        (source.at.to_string().as_str(), source.zone),
        ("2027-02-02T05:00:00Z", Zone::Given)
    );
    assert!(!format!("{now:?}").contains("Canary"), "what is not named is not kept");
    // Of another sender or kind, a bounce: none of them is a report.
    let later = "Tue, 02 Feb 2027 06:00:00 +0000";
    of("c.eml", mail("auto@vendor.example.evil.example", "Nightly report", later, "failed"));
    of("d.eml", mail("auto@vendor.example", "Newsletter", later, "failed"));
    of(
        "e.eml",
        mail("mailer-daemon@vendor.example", "Nightly report", later, "failed")
            .replace("Subject:", "Auto-Submitted: auto-replied\r\nSubject:"),
    );
    assert_eq!(seen(&drop).await.verdict, Verdict::Ok);
    of("f.eml", mail("night@other.example", "Re: nightly REPORT", later, "Rows: 2\r\nFAILED"));
    assert_eq!(seen(&drop).await.verdict, Verdict::Critical);
}

#[tokio::test]
async fn a_report_that_cannot_be_understood_or_believed_is_never_ok() {
    for (subject, date, text) in [
        ("Nightly report", TUESDAY, "Rows: 1\r\nended"),
        ("Nightly report", TUESDAY, "completed"),
        ("Nightly report", TUESDAY, "Rows: many\r\ncompleted"),
        ("Nightly report", "some day", "Rows: 1\r\ncompleted"),
        ("Nightly report", "Thu, 04 Feb 2027 05:00:00 +0000", "Rows: 1\r\ncompleted"),
    ] {
        let drop = Drop::new();
        drop.file(
            "old.eml",
            mail("a@vendor.example", "Nightly report", MONDAY, "Rows: 1\r\ncompleted"),
            THEN,
        );
        drop.file("new.eml", mail("a@vendor.example", subject, date, text), THEN);
        let seen = seen(&drop).await;
        assert_eq!(seen.verdict, MALFORMED, "{date} {text}: {}", seen.detail);
    }
    let drop = Drop::new();
    let long = format!("Rows: 1\r\n{}\r\ncompleted", "x ".repeat(80_000));
    drop.file("a.eml", mail("a@vendor.example", "Nightly report completed", TUESDAY, &long), THEN);
    let seen = seen(&drop).await;
    assert_eq!(seen.verdict, MALFORMED, "the end was not read: {}", seen.detail);
}

#[tokio::test]
async fn each_school_has_its_own_newest_report() {
    let drop = Drop::new();
    let toml = reports("bulk", "key = { after = 'School', by = 'laestab' }\nabsent = 'never_seen'");
    let watch = build(&stage(drop.path(), &[]), &toml);
    let of = |name: &str, date: &str, text: &str| {
        drop.file(name, mail("a@vendor.example", "Nightly report", date, text), THEN);
    };
    of("a.eml", MONDAY, "School: 9990101\r\nRows: 3\r\nfailed");
    of("b.eml", TUESDAY, "School: 9990101\r\nRows: 3\r\ncompleted");
    of("c.eml", TUESDAY, "School: 999/0102 today\r\nRows: 0\r\nskipped");
    of("d.eml", TUESDAY, "School: 9990109\r\nRows: 0\r\nfailed");
    let all = poll(&watch).await;
    assert_eq!(all[&school("9990101")].verdict, Verdict::Ok);
    assert_eq!(all[&school("9990102")].verdict, Verdict::Warning);
    assert_eq!(all[&school("9990103")].verdict, Verdict::Unknown(Reason::NeverSeen));
    assert_eq!(fact(&all[&school("9990101")], "messages of no school of ours"), Some("1"));
    // A mailbox that cannot be read says nothing of anybody.
    drop.remove("a.eml");
    std::fs::remove_dir_all(drop.path()).unwrap();
    let gone = poll_at(&watch, crate::services::declared::tests::stage::now()).await;
    assert!(gone.values().all(|seen| matches!(seen.verdict, Verdict::Unknown(_))), "{gone:?}");
}

#[test]
fn a_mailbox_makes_sense() {
    let good = reports("estate", "");
    assert!(read(&good).is_ok());
    let wrong = |toml: &str| read(toml).err().map(|e| e[0].key.clone()).unwrap_or_default();
    for (from, to, key) in [
        ("age = { warning = '26h', critical = '50h' }\n", "", "age"),
        ("from = ['@vendor.example', 'night@other.example']", "from = []", "mailbox.from"),
        ("'@vendor.example'", "'vendor.example'", "mailbox.from"),
        ("subject = ['nightly report']", "subject = ['']", "mailbox.subject"),
        ("after = 'Rows:'", "jq = '.n'", "mailbox.numbers.rows"),
        ("after = 'Rows:'", "after = ' '", "mailbox.numbers.rows"),
        ("warning = ['skipped'], critical = ['failed']", "", "mailbox.health.words"),
        ("scope = 'estate'", "scope = 'school'", "mailbox.place"),
        ("scope = 'estate'", "scope = 'bulk'", "mailbox.key"),
    ] {
        assert_eq!(wrong(&good.replace(from, to)), key, "{to}");
    }
    assert!(read(&of_estate("")).is_err());
}
