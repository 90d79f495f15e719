//! Tickets by the interface of a ticket system: every way in which an answer can fail to come, through the
//! real guard, and nothing is ever there twice.

use std::sync::Arc;

use caretaker::guard::Guard;
use caretaker::model::plan::{Outcome, StepState};
use caretaker::ports::clock::Clock as _;
use caretaker::ports::ledger::Held;
use caretaker::simulators::{Fault, Plan, Running, Scenario, TicketDeskFault as F, start};
use caretaker::transport::install_tls;

use jiff::{SignedDuration, Timestamp};

use crate::desk::Desk;
use crate::guarded::{Impatient, guard_by, raise, until, who};

struct Stage {
    running: Running,
    folder: tempfile::TempDir,
}

async fn stage() -> Stage {
    stage_by(Arc::new(|| "2027-02-02T09:10:00Z".parse().unwrap())).await
}

/// With a clock of the vendors' own.
async fn stage_by(clock: Arc<dyn Fn() -> Timestamp + Send + Sync>) -> Stage {
    install_tls();
    let folder = tempfile::tempdir().unwrap();
    let running = start(Plan {
        schools: 1,
        seed: 7,
        scenario: Scenario::Calm,
        folder: folder.path().join("vendors"),
        clock,
    })
    .await
    .unwrap();
    Stage { running, folder }
}

/// The section without its first word, for an endpoint.
fn section(url: &str, ca: &str, deadline: &str) -> String {
    format!(
        "[api]\nendpoint = {{ url = '{url}', ca_file = '{ca}', deadline = '{deadline}' }}\n\
         auth = {{ bearer = 'tickets' }}\nheaders = {{ accept = 'application/json' }}\n\
         [api.create]\npath = 'tickets'\nnumber = '/ticket/id'\n\
         body = {{ subject = '{{subject}}', description = '{{text}}', external_id = '{{key}}', \
         custom = {{ school = '{{school}}', requester = '{{by}}', service = '{{service}}', \
         ours = '{{ticket}}' }} }}\n\
         [api.search]\npath = 'tickets'\nquery = {{ external_id = '{{key}}' }}\n\
         rows = '/tickets'\nkey = '/external_id'\nnumber = '/id'\n"
    )
}

impl Stage {
    fn settings(&self) -> String {
        let ca = self.running.ca_file.display().to_string();
        section(&self.running.urls["ticket_desk"], &ca, "1s")
    }

    /// A guard for whom five minutes are over at once.
    fn guard(&self) -> Guard {
        // The stand-in for a credential of these tests is this for every name.
        self.running.change_credential("ticket_desk", crate::post_office::PASSWORD);
        guard_by(self.folder.path(), &self.settings(), Impatient::new())
    }

    /// What comes of one ticket, once it is settled.
    async fn raised(&self) -> Held {
        let guard = self.guard();
        raise(&guard, &[]).await;
        until(&guard, |held| held.closed).await
    }

    fn there(&self) -> usize {
        self.running.ticket_desk().tickets().len()
    }
}

fn state(held: &Held) -> (Option<Outcome>, StepState, u32) {
    (held.outcome, held.steps[0].state, held.steps[0].sent)
}

fn reference(held: &Held) -> &str {
    held.reference.as_ref().map_or("none", |reference| reference.as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_holds_what_the_configuration_says_and_has_the_systems_number() {
    let stage = stage().await;
    let guard = stage.guard();
    raise(&guard, &[("text", "quote \" brace } and \u{e9}\\")]).await;
    let held = until(&guard, |held| held.closed).await;
    assert_eq!(state(&held), (Some(Outcome::Done), StepState::Seen, 1), "{held:?}");
    assert_eq!(reference(&held), "10482");
    let [ticket] = &stage.running.ticket_desk().tickets()[..] else { panic!("one") };
    let sends: Vec<&str> = held.item.sends.iter().map(|line| line.as_str()).collect();
    let wanted = serde_json::json!({
        "id": 10482, "subject": sends[0], "description": sends[1..].join("\n"),
        "external_id": held.item.key.as_str(),
        "custom": {"school": "9991001", "requester": "asha", "service": "Groupcall", "ours": "INC0001"},
    });
    assert_eq!(ticket, &wanted);
    assert!(ticket["description"].as_str().unwrap().contains("quote \" brace } and \u{e9}\\"));
    assert!(!ticket.to_string().contains("the office rang"), "the reason is the audit's");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_without_an_answer_is_found_by_its_key_and_not_sent_again() {
    let faults = [F::AnswerLost, F::Silent, F::FailsAfter, F::PageAfter, F::NoNumber];
    let each = faults.map(|fault| async move {
        let stage = stage().await;
        stage.running.ticket_desk().goes_wrong(fault, 9);
        let held = stage.raised().await;
        let wanted = (Some(Outcome::Done), StepState::Seen, 1);
        assert_eq!(state(&held), wanted, "{fault:?}: {}", held.steps[0].says);
        assert_eq!((stage.there(), reference(&held)), (1, "10482"), "{fault:?}");
    });
    futures_util::future::join_all(each).await;
    // Its search is behind for some minutes.
    let late = stage().await;
    late.running.ticket_desk().goes_wrong(F::AnswerLost, 1);
    late.running.ticket_desk().goes_wrong(F::SearchIsLate, 5);
    let held = late.raised().await;
    assert_eq!(state(&held), (Some(Outcome::Done), StepState::Seen, 1));
    assert_eq!((late.there(), reference(&held)), (1, "10482"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_lags_is_not_believed_before_its_time_and_nothing_is_raised_twice() {
    let clock = Impatient::new();
    let vendors = Arc::clone(&clock);
    let stage = stage_by(Arc::new(move || vendors.now())).await;
    stage.running.change_credential("ticket_desk", crate::post_office::PASSWORD);
    let desk = stage.running.ticket_desk();
    desk.goes_wrong(F::AnswerLost, 1);
    desk.lists_after(SignedDuration::from_mins(8));
    let settings = format!("{}lag = '8m'\n", stage.settings());
    let guard = guard_by(stage.folder.path(), &settings, clock);
    raise(&guard, &[]).await;
    // More than the five minutes after which "none" would be believed.
    let held = until(&guard, |held| held.closed || held.steps[0].looks == 6).await;
    assert_eq!(state(&held), (Some(Outcome::Unknown), StepState::Unknown, 1), "{held:?}");
    let says = held.steps[0].says.as_str();
    assert!(says.ends_with("which is believed only 8m after its call has ended"), "{says}");
    let held = until(&guard, |held| held.closed).await;
    assert_eq!(state(&held), (Some(Outcome::Done), StepState::Seen, 1), "{held:?}");
    assert_eq!((stage.there(), reference(&held)), (1, "10482"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_surely_not_there_is_sent_again_after_five_minutes_and_is_there_once() {
    let stage = stage().await;
    stage.running.ticket_desk().goes_wrong(F::RequestLost, 1);
    let guard = stage.guard();
    raise(&guard, &[]).await;
    let held = until(&guard, |held| held.outcome == Some(Outcome::Unknown)).await;
    assert_eq!((held.steps[0].sent, stage.there()), (1, 0), "no answer is never called failed");
    let held = until(&guard, |held| held.closed).await;
    assert_eq!(state(&held), (Some(Outcome::Done), StepState::Seen, 2), "{held:?}");
    assert_eq!((stage.there(), reference(&held)), (1, "10482"));
    // A system that keeps ids apart refuses the second one: that is no refusal of the ticket.
    let apart = self::stage().await;
    apart.running.ticket_desk().goes_wrong(F::AnswerLost, 1);
    apart.running.ticket_desk().goes_wrong(F::SearchIsLate, 6);
    apart.running.ticket_desk().goes_wrong(F::Duplicate, 9);
    let held = apart.raised().await;
    assert_eq!(state(&held), (Some(Outcome::Done), StepState::Seen, 2), "{held:?}");
    assert_eq!((apart.there(), reference(&held)), (1, "10482"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_none_is_unknown_until_the_search_tells() {
    let faults = [
        Fault::Down,
        Fault::Status(503),
        Fault::Html200,
        Fault::ErrorInside200,
        Fault::Empty200,
        Fault::HalfSent,
        Fault::Truncated,
        Fault::Throttled(1),
    ];
    let each = faults.map(|fault| async move {
        let stage = stage().await;
        stage.running.set_fault("ticket_desk", None, fault);
        let guard = stage.guard();
        raise(&guard, &[]).await;
        let looked =
            |held: &Held| held.outcome == Some(Outcome::Unknown) && held.steps[0].looks > 0;
        let held = until(&guard, looked).await;
        assert_eq!((state(&held).1, held.steps[0].sent), (StepState::Unknown, 1), "{fault:?}");
        let says = held.steps[0].says.as_str();
        assert!(says.starts_with("it cannot be searched for"), "{fault:?}: {says}");
        stage.running.clear_fault("ticket_desk", None);
        // Either it was stored, or it may be sent again while the lease lasts, or a person decides.
        let over = |held: &Held| held.closed || held.steps[0].looks > 12;
        let held = until(&guard, over).await;
        assert!(stage.there() <= 1, "{fault:?}: {}", stage.there());
        assert_eq!(held.outcome == Some(Outcome::Done), stage.there() == 1, "{fault:?}: {held:?}");
        assert_ne!(held.outcome, Some(Outcome::Rejected), "{fault:?}: no answer is not a refusal");
    });
    futures_util::future::join_all(each).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_refuses_and_what_never_reached_it_changed_nothing() {
    let refusing = stage().await;
    refusing.running.ticket_desk().goes_wrong(F::Refuses, 9);
    let held = refusing.raised().await;
    assert_eq!(state(&held), (Some(Outcome::Rejected), StepState::Refused, 1));
    assert_eq!(refusing.there(), 0);
    let stranger = stage().await;
    let guard = stranger.guard();
    stranger.running.change_credential("ticket_desk", "another");
    raise(&guard, &[]).await;
    let held = until(&guard, |held| held.closed).await;
    assert_eq!(state(&held), (Some(Outcome::Rejected), StepState::Refused, 1));
    assert!(held.steps[0].says.as_str().contains("answered 401"), "{}", held.steps[0].says);
    // Nobody listens there: nothing was sent, so it is tried again.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", nobody.local_addr().unwrap());
    drop(nobody);
    let ca = stranger.running.ca_file.display().to_string();
    let folder = tempfile::tempdir().unwrap();
    let guard = guard_by(folder.path(), &section(&url, &ca, "1s"), Impatient::new());
    raise(&guard, &[]).await;
    let held = until(&guard, |held| held.closed).await;
    assert_eq!(state(&held), (Some(Outcome::Rejected), StepState::Refused, 3));
    // Another authority vouches for it: it is told nothing.
    let other = stage().await;
    let url = &other.running.urls["ticket_desk"];
    let folder = tempfile::tempdir().unwrap();
    let guard = guard_by(folder.path(), &section(url, &ca, "1s"), Impatient::new());
    raise(&guard, &[]).await;
    let held = until(&guard, |held| held.closed).await;
    assert_eq!(state(&held), (Some(Outcome::Rejected), StepState::Refused, 3));
    assert!(held.steps[0].says.as_str().contains("TLS"), "{}", held.steps[0].says);
    assert_eq!(other.there(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_of_others_are_not_ours_and_a_double_is_told() {
    let careless = stage().await;
    // It lists all there is, whatever is searched for: before, there is a ticket of somebody else.
    careless.raised().await;
    let desk = careless.running.ticket_desk();
    desk.goes_wrong(F::SearchesNothing, 99);
    desk.goes_wrong(F::RequestLost, 99);
    let folder = tempfile::tempdir().unwrap();
    let guard = guard_by(folder.path(), &careless.settings(), Impatient::new());
    raise(&guard, &[]).await;
    let held = until(&guard, |held| held.steps[0].looks > 8).await;
    assert_eq!(state(&held), (Some(Outcome::Unknown), StepState::Unknown, 1), "{held:?}");
    let says = held.steps[0].says.as_str();
    assert!(says.contains("1 tickets, none of which holds our key"), "{says}");
    guard.told(&who(), held.item.key.as_str(), 0, false, &"they have none".into()).await.unwrap();

    let double = stage().await;
    double.running.ticket_desk().goes_wrong(F::Twice, 1);
    let held = double.raised().await;
    assert_eq!((state(&held).0, reference(&held)), (Some(Outcome::Done), "10482"));
    assert!(held.steps[0].says.as_str().contains("more than once, as tickets 10482, 10483"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_killed_before_the_answer_finds_its_ticket_again() {
    let stage = stage().await;
    let ca = stage.running.ca_file.display().to_string();
    let section = section(&stage.running.urls["ticket_desk"], &ca, "60s");
    let section = section.replace("[api", "[tickets.api");
    stage.running.change_credential("ticket_desk", "secret");
    stage.running.ticket_desk().goes_wrong(F::Silent, 1);
    let desk = stage.running.ticket_desk();
    let risen = tokio::task::spawn_blocking(move || {
        let mut office =
            Desk::new(&format!("{section}[credentials.files]\ntickets = 'password'\n"));
        office.write("password", "secret");
        office.open();
        let mut asked = office.begin("desk.raise_ticket", &["9991001/groupcall"]);
        let key = office.until_open(|row| row["steps"][0]["state"] == "sent")["key"].clone();
        let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while desk.tickets().is_empty() {
            assert!(std::time::Instant::now() < end, "it never came");
            std::thread::yield_now();
        }
        office.kill();
        drop(asked.kill());
        drop(asked.wait());
        office.open();
        office.until_recent(key.as_str().unwrap())
    });
    let row = risen.await.unwrap();
    assert_eq!((row["outcome"].as_str(), row["reference"].as_str()), (Some("done"), Some("10482")));
    assert_eq!(stage.there(), 1);
}

#[test]
fn what_is_wrong_with_the_section_is_told_with_its_key() {
    let good = section("https://desk.example.org/api", "ca.pem", "1s");
    let good = good.replace(", ca_file = 'ca.pem'", "").replace("[api", "[tickets.api");
    for (what, instead, words) in [
        ("external_id = '{key}', custom", "custom", "tickets.api.create.body: put {key} into it"),
        ("external_id = '{key}' }\nrows", "x = 'y' }\nrows", "put {key} into it, or into the path"),
        ("'{subject}'", "'{pupil}'", "there is no {pupil} here; there are {subject}, {text}"),
        ("number = '/ticket/id'", "number = 'id'", "write a JSON pointer"),
        ("path = 'tickets'\nquery", "path = 'tickets?a=b'\nquery", "a path has no query"),
        ("bearer = 'tickets'", "basic = { user = 'a:b', credential = 'c' }", "without a colon"),
        ("https://desk", "http://desk", "http:// is only for loopback"),
        ("[tickets.api]", "[tickets]\nfolder = { path = 'x' }\n[tickets.api]", "say once where"),
        ("path = 'tickets'\nnumber", "pth = 'tickets'\nnumber", "did you mean `path`?"),
    ] {
        let wrong = good.replace(what, instead);
        assert_ne!(wrong, good, "{what}");
        let said = Desk::new(&wrong).run(&["config", "check"]);
        assert_eq!(said.code, 78, "{what}: {said:?}");
        assert!(said.err.contains(words), "{what}: {}", said.err);
    }
}
