//! Tickets by mail: every stage of the dialogue at which a server can fail, through the real guard.

use std::path::Path;

use caretaker::model::plan::{Outcome, StepState};
use caretaker::ports::ledger::Held;

use crate::desk::Desk;
use crate::guarded::{guard, raise, until};
use crate::post_office::{At, Fault, PASSWORD, PostOffice};

/// Every stage before the text.
const BEFORE: [At; 7] =
    [At::Connect, At::Greeting, At::Ehlo, At::Auth, At::Mail, At::Rcpt, At::Data];

fn settings(office: &PostOffice, folder: &Path, security: &str) -> String {
    format!(
        "[mail]\nfrom = 'ICT desk <desk@example.org>'\nto = ['help@example.org', 'two@example.org']\n\
         [mail.server]\nhost = 'localhost'\nport = {}\nsecurity = '{security}'\nuser = 'desk'\n\
         credential = 'tickets'\nca_file = '{}'\ndeadline = '2s'\n",
        office.port,
        folder.join("ca.pem").display()
    )
}

struct Stage {
    office: PostOffice,
    folder: tempfile::TempDir,
    settings: String,
}

async fn stage(security: &str) -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let office = PostOffice::open(folder.path(), security == "starttls").await;
    let settings = settings(&office, folder.path(), security);
    Stage { office, folder, settings }
}

impl Stage {
    /// What comes of one ticket, once it is settled.
    async fn raised(&self) -> Held {
        let guard = guard(self.folder.path(), &self.settings);
        raise(&guard, &[]).await;
        until(&guard, |held| held.outcome.is_some()).await
    }
}

fn state(held: &Held) -> (Option<Outcome>, StepState, u32) {
    (held.outcome, held.steps[0].state, held.steps[0].sent)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_the_letter_with_the_key_in_it_by_either_way() {
    for security in ["tls", "starttls"] {
        let stage = stage(security).await;
        let guard = guard(stage.folder.path(), &stage.settings);
        raise(&guard, &[("text", "a line that is only a dot: . and one: \u{e9}")]).await;
        let held = until(&guard, |held| held.outcome.is_some()).await;
        assert_eq!(state(&held), (Some(Outcome::Accepted), StepState::Took, 1), "{held:?}");
        assert!(!held.closed, "a mail server's word is not the effect: a person tells");
        let reference = held.reference.clone().unwrap();
        let [mail] = &stage.office.mails()[..] else { panic!("{security}") };
        let parsed = mail_parser::MessageParser::default().parse(mail.as_bytes()).unwrap();
        let key = held.item.key.as_str();
        assert_eq!(parsed.message_id(), Some(format!("{key}@example.org").as_str()));
        let subject = format!("{} [{reference}]", held.item.sends[0]);
        assert_eq!(parsed.subject(), Some(subject.as_str()));
        let body = parsed.body_text(0).unwrap();
        let lines: Vec<&str> = body.trim_end().lines().map(str::trim_end).collect();
        let (letter, foot) = lines.split_at(held.item.sends.len() - 1);
        let sends: Vec<&str> = held.item.sends[1..].iter().map(|line| line.as_str()).collect();
        assert_eq!(letter, sends);
        assert_eq!(foot, ["", &format!("Reference: {reference}"), &format!("Key: {key}")]);
        assert!(body.contains("nothing since Saturday") && !body.contains("the office rang"));
        let clear = stage.office.clear();
        assert!(
            clear.iter().all(|line| line.starts_with("EHLO ") || line == "STARTTLS"),
            "{clear:?}"
        );
        assert_eq!(clear.is_empty(), security == "tls");
        // What nobody can see, somebody tells.
        let who = crate::guarded::who();
        guard.told(&who, key, 0, true, &"the help desk has it".into()).await.unwrap();
        let held = until(&guard, |held| held.closed).await;
        assert_eq!(held.outcome, Some(Outcome::Done));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_before_the_text_was_not_sent_and_is_tried_again() {
    let faults = [Fault::Closes, Fault::Silent, Fault::NotNow, Fault::Gibberish, Fault::Endless];
    let all = BEFORE.iter().flat_map(|at| faults.map(|fault| (*at, fault)));
    let all = all.filter(|(at, fault)| *at != At::Connect || *fault == Fault::Closes);
    let each = all.map(|(at, fault)| async move {
        let stage = stage("tls").await;
        stage.office.goes_wrong(at, fault, 1);
        let held = stage.raised().await;
        let wanted = (Some(Outcome::Accepted), StepState::Took, 2);
        assert_eq!(state(&held), wanted, "{at:?} {fault:?}: {}", held.steps[0].says);
        assert_eq!(stage.office.mails().len(), 1, "{at:?} {fault:?}");
        let stage = self::stage("tls").await;
        stage.office.goes_wrong(at, fault, 9);
        let held = stage.raised().await;
        let wanted = (Some(Outcome::Rejected), StepState::Refused, 3);
        assert_eq!(state(&held), wanted, "{at:?} {fault:?}: {}", held.steps[0].says);
        assert_eq!((stage.office.mails().len(), stage.office.visits()), (0, 3), "{at:?} {fault:?}");
        assert!(held.closed);
        let says = held.steps[0].says.as_str();
        let limited = says.contains("says more than a mail server does");
        assert_eq!(limited, fault == Fault::Endless, "{at:?}: {says}");
    });
    futures_util::future::join_all(each).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_for_good_is_not_tried_again() {
    let each = BEFORE[1..].iter().chain(&[At::Text]).map(|at| async move {
        let stage = stage("tls").await;
        stage.office.goes_wrong(*at, Fault::Never, 9);
        let held = stage.raised().await;
        let wanted = (Some(Outcome::Rejected), StepState::Refused, 1);
        assert_eq!(state(&held), wanted, "{at:?}: {}", held.steps[0].says);
        assert_eq!((stage.office.mails().len(), stage.office.visits()), (0, 1), "{at:?}");
    });
    futures_util::future::join_all(each).await;
    let stage = stage("starttls").await;
    stage.office.goes_wrong(At::StartTls, Fault::Never, 9);
    let held = stage.raised().await;
    assert_eq!(state(&held), (Some(Outcome::Rejected), StepState::Refused, 1));
    assert!(held.steps[0].says.as_str().contains("refuses STARTTLS"), "{:?}", held.steps[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_after_the_text_is_unknown_and_the_mail_is_never_sent_again() {
    let faults = [Fault::Closes, Fault::Silent, Fault::Gibberish, Fault::Endless];
    let each = faults.map(|fault| async move {
        let stage = stage("tls").await;
        stage.office.goes_wrong(At::Text, fault, 9);
        let guard = guard(stage.folder.path(), &stage.settings);
        raise(&guard, &[]).await;
        // Looked at, which cannot tell, and then left to a person.
        let held = until(&guard, |held| held.steps[0].looks > 0 && held.outcome.is_some()).await;
        let wanted = (Some(Outcome::Unknown), StepState::Unknown, 1);
        assert_eq!(state(&held), wanted, "{fault:?}: {}", held.steps[0].says);
        assert!(held.steps[0].says.as_str().contains("cannot be looked for"));
        assert_eq!((stage.office.mails().len(), stage.office.visits()), (1, 1), "{fault:?}");
        assert!(!held.closed);
    });
    futures_util::future::join_all(each).await;
    let not_now = stage("tls").await;
    not_now.office.goes_wrong(At::Text, Fault::NotNow, 1);
    let held = not_now.raised().await;
    assert_eq!(
        state(&held),
        (Some(Outcome::Accepted), StepState::Took, 2),
        "it said that it has none"
    );
    assert_eq!(not_now.office.mails().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_before_tls_counts_for_nothing_and_a_stranger_is_told_nothing() {
    let stage = stage("starttls").await;
    // Answers to everything that we would ask, put in by somebody in between.
    stage.office.inject("250 x\r\n235 x\r\n250 x\r\n250 x\r\n250 x\r\n354 x\r\n250 taken\r\n");
    let held = stage.raised().await;
    assert_eq!(held.outcome, Some(Outcome::Rejected), "{:?}", held.steps[0]);
    assert_eq!(stage.office.mails().len(), 0);
    // An authority that we do not trust: TLS fails, and the server hears no more of us.
    let other = self::stage("tls").await;
    let elsewhere = tempfile::tempdir().unwrap();
    drop(crate::post_office::certificate(elsewhere.path()));
    let settings = settings(&other.office, elsewhere.path(), "tls");
    let guard = guard(other.folder.path(), &settings);
    raise(&guard, &[]).await;
    let held = until(&guard, |held| held.outcome.is_some()).await;
    assert_eq!(state(&held), (Some(Outcome::Rejected), StepState::Refused, 1));
    assert!(held.steps[0].says.as_str().contains("TLS was refused"), "{:?}", held.steps[0]);
    assert_eq!(other.office.mails().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_killed_after_the_text_sends_no_second_mail() {
    let folder = tempfile::tempdir().unwrap();
    let office = PostOffice::open(folder.path(), false).await;
    let section = settings(&office, folder.path(), "tls").replace("[mail", "[tickets.mail");
    let section = section.replace("deadline = '2s'", "deadline = '60s'");
    let server = office.clone();
    let desk = tokio::task::spawn_blocking(move || {
        let mut desk = Desk::new(&format!("{section}[credentials.files]\ntickets = 'password'\n"));
        desk.write("password", PASSWORD);
        desk.open();
        desk
    });
    let desk = desk.await.unwrap();
    office.goes_wrong(At::Text, Fault::Silent, 1);
    let asking = tokio::task::spawn_blocking(move || {
        // The command goes on waiting for an agent that will be dead.
        let asked = desk.begin("desk.raise_ticket", &["9991001/groupcall"]);
        (desk, asked)
    });
    let (mut desk, mut asked) = asking.await.unwrap();
    server.has(1).await;
    let risen = tokio::task::spawn_blocking(move || {
        desk.kill();
        drop(asked.kill());
        drop(asked.wait());
        desk.open();
        let row = desk.until_open(|row| row["steps"][0]["looks"].as_u64() > Some(0));
        assert_eq!(row["outcome"], "unknown", "{row}");
        assert_eq!(row["needs_a_look"], true, "{row}");
    });
    risen.await.unwrap();
    assert_eq!((server.mails().len(), server.visits()), (1, 1));
}
