//! Groupcall, school by school.

use caretaker::model::health::{Health, Reason};
use caretaker::model::observation::Verdict;
use caretaker::simulators::{Fault, GroupcallFault, Running, Way};

use crate::desk::{Desk, Wanted, assert_shown, endpoint};

const WELL: Wanted = (Health::Ok, None, "");

fn unknown(reason: Reason, part: &'static str) -> Wanted {
    (Health::Unknown, Some(reason), part)
}

pub fn settings(running: &Running) -> String {
    let drops = running.drops["groupcall"].display();
    format!(
        "relying_party = \"{}\"\nxod = {}\nlogin = {}\nxvault = \"{drops}/xvault.json\"\n\
         cme = \"{drops}/cme.json\"\nbeside = [\"health\", \"usage\"]\n\
         idaas = {{ page = {}, contains = '{}' }}\n",
        running.invented.facts.relying_party,
        endpoint(running, "groupcall"),
        endpoint(running, "groupcall.token"),
        endpoint(running, "groupcall.idaas"),
        running.invented.facts.idaas_word,
    )
}

async fn desk(schools: usize) -> Desk {
    Desk::new("groupcall", schools, settings).await
}

/// The check that a fault shows at, and what it shows.
fn shows(fault: GroupcallFault) -> (&'static str, Wanted) {
    use GroupcallFault as F;
    use Health::{Critical, Ok as Well, Warning};
    let data = "groupcall.xporter_data";
    let (counts, right) = ("groupcall.counts", "groupcall.authorisation");
    let (xvault, cme, idaas) = ("groupcall.xvault", "groupcall.cme", "groupcall.idaas");
    let malformed = |part| unknown(Reason::Malformed, part);
    let refused = |part| unknown(Reason::Unauthorised, part);
    match fault {
        F::DataLate => (data, (Warning, None, "limit 26h")),
        F::DataOld | F::RowIsNew => (data, (Critical, None, "limit 50h")),
        F::MetaEmpty => (data, malformed("does not say when its data was taken over")),
        F::MetaTwice => (data, malformed("meta holds 2 rows")),
        F::TimeMissing => (data, malformed("meta.DateTime is null")),
        F::TimeAhead => (data, WELL),
        F::TimeFarAhead => (data, malformed("its ages cannot be trusted")),
        F::TimeShort => (data, WELL),
        F::EstabOther => (data, (Warning, None, "names establishment 820")),
        F::EstabOfNeighbour => (data, malformed("answered for another school")),
        F::Paused | F::PausedByFlag | F::PausedOldTokensWork => {
            (right, unknown(Reason::Paused, "ask the school to finish"))
        }
        F::ApprovalPending => (right, unknown(Reason::Paused, "waits for the school's approval")),
        F::Revoked => (right, refused("store its new secret as `xod.")),
        // No trouble of the service: `caretaker doctor` tells it.
        F::ScopesBeyond => (right, WELL),
        F::ScopesLost => (right, (Warning, None, "has lost Student, Staff")),
        F::ScopeRefused => (counts, refused("does not cover this part")),
        F::TokenShort | F::Token2018 => (right, WELL),
        F::TokenEnded => (right, malformed("gave a token that has ended")),
        F::TokenEndsAtOnce => (data, WELL),
        F::TokenOfNeighbour => (right, malformed("its secret is stored under the wrong name")),
        F::RealCodes => (right, WELL),
        // Faults of what is asked for, not of what is watched: `tests/resync.rs`.
        F::FreshRefused
        | F::FreshAnswerLost
        | F::FreshNever
        | F::FreshSlow
        | F::FreshNoCallback
        | F::FreshCallbackOnly => (data, WELL),
        F::ServerFails => (data, unknown(Reason::NoAnswer, "500, its own failure")),
        F::PupilsNone => (counts, (Critical, None, "0 pupils")),
        F::PupilsFewer => (counts, WELL),
        F::PupilsDwindle => (counts, WELL),
        F::StaffNone => (counts, (Warning, None, "the staff are missing")),
        F::CountMissing => (counts, malformed("Counts lacks Students")),
        F::CountTwice => (counts, malformed("Counts has Students twice")),
        F::CountsOld => (counts, (Critical, None, "limit 50h")),
        F::HealthTroubled => (right, (Well, None, "in force")),
        F::XvaultOld => (xvault, (Critical, None, "limit 50h")),
        F::XvaultMissing => (xvault, unknown(Reason::NeverSeen, "does not name the school")),
        F::XvaultTwice => (xvault, malformed("names the school twice")),
        F::XvaultWithoutTime => (xvault, malformed("at is null")),
        F::CmeOld => (cme, (Critical, None, "limit 15d")),
        F::CmeMissing => (cme, unknown(Reason::NeverSeen, "does not name the school")),
        F::IdaasOther => (idaas, malformed("is another page")),
        F::IdaasElsewhere => (idaas, (Critical, None, "answers 302 instead of 200")),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_that_groupcall_goes_wrong_is_shown_and_passes() {
    for fault in GroupcallFault::ALL.iter().copied() {
        let mut desk = desk(6).await;
        let school = desk.schools()[1];
        let (check, wanted) = shows(fault);
        let about = (check != "groupcall.idaas").then_some(school);
        let of_whom = about.map(|_| school);
        desk.running.groupcall().set_fault(of_whom, fault);
        if check.ends_with("xvault") || check.ends_with("cme") {
            rewritten(&desk, &desk.running.drops["groupcall"].join(file_of(check)), school, fault);
        }
        let view = desk.shows(check, about).await;
        assert_shown(&fault.name(), &view, wanted);
        if let Some(about) = about {
            let other = desk.schools()[2];
            assert_ne!(other, about);
            assert_shown(&fault.name(), &desk.shows(check, Some(other)).await, WELL);
        }
        desk.running.groupcall().clear_fault(of_whom, fault);
        assert_eq!(desk.wrong_calls(), [""; 0], "{}", fault.name());
    }
}

fn file_of(check: &str) -> &'static str {
    if check.ends_with("cme") { "cme.json" } else { "xvault.json" }
}

/// Waits until the drops are written with the fault: they are looked after four times a second.
fn rewritten(
    desk: &Desk,
    file: &std::path::Path,
    school: caretaker::model::ids::Laestab,
    fault: GroupcallFault,
) {
    use GroupcallFault as F;
    let good = || {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let rows: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap_or_default();
        let own: Vec<_> = rows.iter().filter(|r| r["laestab"] == school.to_string()).collect();
        match fault {
            F::XvaultMissing | F::CmeMissing => !rows.is_empty() && own.is_empty(),
            F::XvaultTwice => own.len() == 2,
            F::XvaultWithoutTime => own.first().is_some_and(|r| r["at"].is_null()),
            _ => own.first().and_then(|r| r["at"].as_str()).is_some_and(|at| {
                let at: jiff::Timestamp = at.parse().unwrap();
                caretaker::ports::clock::Clock::now(&*desk.clock).duration_since(at).as_hours() > 60
            }),
        }
    };
    for _ in 0..200 {
        if good() {
            return;
        }
        std::thread::yield_now();
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    }
    panic!("the file never came: {fault:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_of_250_schools_costs_what_the_docs_say() {
    let mut desk = Desk::new("groupcall", 280, |running| {
        settings(running).replace("beside = [\"health\", \"usage\"]\n", "")
    })
    .await;
    let schools = desk.schools().len() as u64;
    assert!(schools >= 250, "{schools}");
    let all = |_: &caretaker::ports::watch::Job| true;
    let seen = desk.sweep(all).await;
    assert!(seen.iter().all(|o| o.verdict == Verdict::Ok));
    assert_eq!(desk.calls("groupcall POST"), schools, "one token a school");
    assert_eq!(desk.calls("groupcall GET"), 3 * schools, "three questions a school");
    assert_eq!(desk.calls("groupcall.idaas"), 1);
    // An hour: data four times, authorisation once, the page twelve times.
    for quarter in 0..4 {
        desk.forward(900);
        desk.sweep(|job| job.id.starts_with("xporter_data")).await;
        if quarter == 3 {
            desk.sweep(|job| job.id.starts_with("authorisation")).await;
        }
    }
    assert_eq!(desk.calls("groupcall GET"), (3 + 5) * schools);
    assert_eq!(desk.calls("groupcall POST"), schools, "tokens are held");
    assert_eq!(desk.wrong_calls(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_are_forgotten_in_mid_sweep_cost_one_more_each() {
    let mut desk = desk(40).await;
    let schools = desk.schools().len() as u64;
    desk.sweep(|job| job.id.starts_with("xporter_data")).await;
    desk.running.forget_tokens();
    let seen = desk.sweep(|job| job.id.starts_with("xporter_data")).await;
    assert!(seen.iter().all(|o| o.verdict == Verdict::Ok));
    assert_eq!(desk.calls("groupcall POST"), 2 * schools);
    assert_eq!(desk.calls("groupcall GET"), 3 * schools, "asked, refused, asked again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pupils_that_go_at_once_or_little_by_little_are_seen() {
    let mut desk = desk(6).await;
    let (sudden, slow) = (desk.schools()[1], desk.schools()[2]);
    desk.running.groupcall().set_fault(Some(slow), GroupcallFault::PupilsDwindle);
    let counts = "groupcall.counts";
    // Thursday is the last day before the best of the week counts.
    for day in 0..6 {
        assert_shown("sudden", &desk.shows(counts, Some(sudden)).await, WELL);
        assert_shown(&format!("slow, day {day}"), &desk.shows(counts, Some(slow)).await, WELL);
        desk.forward(86_400);
    }
    let view = desk.shows(counts, Some(slow)).await;
    assert_shown("slow", &view, (Health::Warning, None, "30% since the week of 1 Feb; limit 15%"));
    desk.running.groupcall().set_fault(Some(sudden), GroupcallFault::PupilsFewer);
    let view = desk.shows(counts, Some(sudden)).await;
    assert_shown("sudden", &view, (Health::Warning, None, "20% since the last good day"));
    desk.running.groupcall().set_fault(Some(sudden), GroupcallFault::PupilsNone);
    let view = desk.shows(counts, Some(sudden)).await;
    assert_shown("none", &view, (Health::Critical, None, "0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_is_seen_within_a_day_although_old_tokens_work() {
    let mut desk = desk(6).await;
    let school = desk.schools()[0];
    let check = "groupcall.authorisation";
    assert_shown("before", &desk.shows(check, Some(school)).await, WELL);
    desk.running.groupcall().set_fault(Some(school), GroupcallFault::PausedOldTokensWork);
    let mut hours = 0;
    while desk.shows(check, Some(school)).await.health == Health::Ok {
        hours += 1;
        assert!(hours <= 24, "still green after a day");
        desk.forward(3_600);
    }
    assert!(hours > 6, "not asked for all the time");
    let view = desk.shows(check, Some(school)).await;
    assert_shown("paused", &view, unknown(Reason::Paused, "ask the school to finish"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_school_that_never_authorised_us_and_one_with_real_codes() {
    let mut desk = desk(6).await;
    let (never, real) = (desk.schools()[0], desk.schools()[1]);
    desk.forget_secret(&format!("xod.{never}"));
    let view = desk.shows("groupcall.authorisation", Some(never)).await;
    assert_shown("never", &view, unknown(Reason::Unauthorised, "has never authorised us"));
    desk.running.groupcall().set_fault(Some(real), GroupcallFault::RealCodes);
    desk.running.groupcall().set_fault(Some(real), GroupcallFault::Revoked);
    let view = desk.shows("groupcall.authorisation", Some(real)).await;
    assert_shown("revoked", &view, unknown(Reason::Unauthorised, "store its new secret"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_every_vendor_may_do_is_never_ok() {
    let mut desk = desk(6).await;
    let school = desk.schools()[0];
    for (fault, reason) in [
        (Fault::Down, Reason::NoAnswer),
        (Fault::Status(503), Reason::NoAnswer),
        (Fault::Status(404), Reason::Malformed),
        (Fault::Html200, Reason::Malformed),
        (Fault::ErrorInside200, Reason::Malformed),
        (Fault::Truncated, Reason::Malformed),
        (Fault::HalfSent, Reason::NoAnswer),
        (Fault::Empty200, Reason::Malformed),
        (Fault::Unauthorised, Reason::Unauthorised),
        (Fault::Throttled(30), Reason::Throttled),
    ] {
        desk.running.set_fault("groupcall", None, fault);
        for check in ["xporter_data", "authorisation", "counts"] {
            let id = format!("{check}/{school}");
            let seen = desk.sweep(|job| *job.id == id).await;
            let verdict = seen[0].verdict;
            let wanted = Verdict::Unknown(reason);
            assert_eq!(verdict, wanted, "{fault:?} {check}: {}", seen[0].detail);
            // Past the breaker, and past what a throttled vendor asks for.
            desk.forward(400);
        }
        desk.running.clear_fault("groupcall", None);
        // The board would say that it goes to and fro.
        let id = format!("xporter_data/{school}");
        let after = desk.sweep(|job| *job.id == id).await;
        assert_eq!(after[0].verdict, Verdict::Ok, "{fault:?}");
    }
}
