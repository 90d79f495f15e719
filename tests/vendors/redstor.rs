//! Redstor, by both of its interfaces.

use caretaker::model::health::{Health, Reason};
use caretaker::model::observation::Verdict;
use caretaker::simulators::{Fault, RedstorFault, Running, Way};

use crate::desk::{Desk, Wanted, assert_shown, endpoint};

const WELL: Wanted = (Health::Ok, None, "");
const DOCUMENTS: &str = "redstor.documents";
const SIMS: &str = "redstor.sims";

fn unknown(reason: Reason, part: &'static str) -> Wanted {
    (Health::Unknown, Some(reason), part)
}

pub fn platform(running: &Running) -> String {
    format!(
        "api = \"storage_platform\"\nuser = \"{}\"\nstorage_platform = {}\n",
        running.invented.facts.redstor_user,
        endpoint(running, "redstor"),
    )
}

pub fn redapi(running: &Running) -> String {
    let facts = &running.invented.facts;
    format!(
        "api = \"redapi\"\ncredential = \"redapi\"\nclient_id = \"{}\"\ncompany_id = \"{}\"\n\
         redapi = {}\nlogin = {}\n",
        facts.redapi_client_id,
        facts.redapi_company_id,
        endpoint(running, "redstor.redapi"),
        endpoint(running, "redstor.token"),
    )
}

/// What a fault shows at the documents of its school, by the older interface and by RedAPI; none
/// where the interface has no such fault.
fn shows(fault: RedstorFault) -> (Option<Wanted>, Option<Wanted>) {
    use Health::{Critical, Warning};
    use RedstorFault as F;
    let both = |wanted: Wanted| (Some(wanted), Some(wanted));
    let malformed = |part| unknown(Reason::Malformed, part);
    let paused = |part| unknown(Reason::Paused, part);
    let refused = |part| unknown(Reason::Unauthorised, part);
    match fault {
        F::Failed | F::FailedThrice => both((Critical, None, "last backup failed")),
        F::SimsFailed => both(WELL),
        F::Warnings => both((Warning, None, "completed with warnings")),
        F::Errors => both((Warning, None, "completed with errors")),
        F::CodeUnknown => both(malformed("unknown backup state 9")),
        F::TextContradicts => both(malformed("but its text says \"Backup did not complete\"")),
        F::TextUnknown => both(malformed("is not one we know")),
        F::NeverRan => both((Critical, None, "has never run a backup")),
        F::NotForAWeek | F::NotForWeeks => (
            Some((Critical, None, "limit 50h")),
            Some((Critical, None, "though it has run before")),
        ),
        F::Late => both((Warning, None, "limit 26h")),
        F::Old => both((Critical, None, "limit 50h")),
        F::TimeAhead => both(malformed("is ahead of our clock")),
        F::TimeUnzoned => both(WELL),
        F::TimeUnreadable => both(malformed("is not a time: \"last night\"")),
        F::RunHalfTold => (Some(malformed("only partly there")), Some(malformed("status is null"))),
        F::NotActive => (Some(paused("the account is not active")), Some(WELL)),
        F::BackupOff => (Some(paused("its backup is switched off")), Some(WELL)),
        F::GroupDisabled => (Some(paused("its group is disabled")), Some(WELL)),
        F::CompanyDisabled => (Some(WELL), Some(paused("its company is disabled"))),
        F::ServerOffline => (Some((Critical, None, "storage server is offline")), Some(WELL)),
        F::OverLimit => {
            (Some((Warning, None, "over its storage limit of 102400 MB by 212 MB")), Some(WELL))
        }
        F::AgentSilent => (Some((Warning, None, "its agent has been offline")), Some(WELL)),
        // Only against what it held before.
        F::Shrunk | F::SizeMissing => both(WELL),
        F::Emptied => (Some((Warning, None, "nothing is stored in it")), Some(WELL)),
        F::NotListed => both(unknown(Reason::NeverSeen, "lists no such account")),
        F::NameTwice => both(malformed("2 accounts are called so")),
        F::RunsTwice => (Some(WELL), Some(malformed("its runs are listed twice"))),
        F::MailboxFailed => (Some(WELL), Some((Critical, None, "service 94: last backup failed"))),
        F::BareArray => both(WELL),
        F::SkipIgnored => both(WELL),
        F::PagesCircle => (None, Some(malformed("leads back to a page already read"))),
        F::ClientRefused => (None, Some(refused("refused the sign-in of the service account"))),
        F::TokenRefused => (None, Some(refused("refused a token that it had just given us"))),
        F::TokenEndsEarly => (None, Some(WELL)),
        F::HeaderAuthentication | F::HeaderApiKey => (None, Some(refused("refused a token"))),
        F::PartnerDisabled => (None, Some(paused("our company is disabled"))),
        F::CompaniesDenied => (None, Some(WELL)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_that_redstor_goes_wrong_is_shown() {
    for fault in RedstorFault::ALL.iter().copied() {
        let (by_platform, by_redapi) = shows(fault);
        for (wanted, is_redapi) in [(by_platform, false), (by_redapi, true)] {
            let Some(wanted) = wanted else { continue };
            let settings = if is_redapi { redapi } else { platform };
            let mut desk = Desk::new("redstor", 8, settings).await;
            let (school, other) = (desk.schools()[1], desk.schools()[2]);
            let of_all = matches!(
                fault,
                RedstorFault::BareArray
                    | RedstorFault::SkipIgnored
                    | RedstorFault::PagesCircle
                    | RedstorFault::ClientRefused
                    | RedstorFault::TokenRefused
                    | RedstorFault::TokenEndsEarly
                    | RedstorFault::HeaderAuthentication
                    | RedstorFault::HeaderApiKey
                    | RedstorFault::PartnerDisabled
                    | RedstorFault::CompaniesDenied
            );
            desk.running.redstor().set_fault((!of_all).then_some(school), fault);
            let what = format!("{} redapi={is_redapi}", fault.name());
            assert_shown(&what, &desk.shows(DOCUMENTS, Some(school)).await, wanted);
            if !of_all {
                assert_shown(&what, &desk.shows(DOCUMENTS, Some(other)).await, WELL);
            }
            let header =
                matches!(fault, RedstorFault::HeaderAuthentication | RedstorFault::HeaderApiKey);
            assert!(header || desk.wrong_calls().is_empty(), "{what}: {:?}", desk.wrong_calls());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sims_data_is_told_apart_from_documents() {
    for settings in [platform, redapi] {
        let mut desk = Desk::new("redstor", 8, settings).await;
        let school = desk.schools()[1];
        desk.running.redstor().set_fault(Some(school), RedstorFault::SimsFailed);
        let wanted = (Health::Critical, None, "last backup failed");
        assert_shown("sims", &desk.shows(SIMS, Some(school)).await, wanted);
        assert_shown("documents", &desk.shows(DOCUMENTS, Some(school)).await, WELL);
        desk.running.redstor().clear_fault(Some(school), RedstorFault::SimsFailed);
        desk.running.redstor().set_fault(Some(school), RedstorFault::Errors);
        let wanted = (Health::Critical, None, "completed with errors");
        assert_shown("sims", &desk.shows(SIMS, Some(school)).await, wanted);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_header_of_the_token_can_be_chosen() {
    for (fault, header) in [
        (RedstorFault::HeaderAuthentication, "authentication"),
        (RedstorFault::HeaderApiKey, "x_api_key"),
    ] {
        let mut desk = Desk::new("redstor", 8, |running| {
            format!("{}token_header = \"{header}\"\n", redapi(running))
        })
        .await;
        desk.running.redstor().set_fault(None, fault);
        let school = desk.schools()[0];
        assert_shown(header, &desk.shows(DOCUMENTS, Some(school)).await, WELL);
        assert_eq!(desk.wrong_calls(), [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_shrank_is_said_for_a_while() {
    let mut desk = Desk::new("redstor", 8, platform).await;
    let school = desk.schools()[1];
    assert_shown("before", &desk.shows(DOCUMENTS, Some(school)).await, WELL);
    desk.forward(86_400);
    desk.running.redstor().set_fault(Some(school), RedstorFault::Shrunk);
    let view = desk.shows(DOCUMENTS, Some(school)).await;
    assert_shown("shrunk", &view, (Health::Warning, None, "67% since"));
    let name = "stored_mb of ";
    assert!(view.why.as_str().starts_with(name), "{}", view.why);
    for _ in 0..13 {
        desk.forward(86_400);
        desk.shows(DOCUMENTS, Some(school)).await;
    }
    assert_shown("two weeks later", &desk.shows(DOCUMENTS, Some(school)).await, WELL);
    desk.running.redstor().set_fault(Some(school), RedstorFault::Emptied);
    let view = desk.shows(DOCUMENTS, Some(school)).await;
    assert_shown("emptied", &view, (Health::Critical, None, " to 0 since the last good day"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_days_without_a_good_run_leave_nothing() {
    let mut desk = Desk::new("redstor", 8, redapi).await;
    let school = desk.schools()[1];
    assert_shown("before", &desk.shows(SIMS, Some(school)).await, WELL);
    desk.running.redstor().set_fault(Some(school), RedstorFault::FailedThrice);
    for _ in 0..3 {
        desk.forward(86_400);
        desk.shows(SIMS, Some(school)).await;
    }
    let view = desk.shows(SIMS, Some(school)).await;
    assert!(view.why.as_str().contains("until nothing is left to restore"), "{}", view.why);
    desk.running.redstor().set_fault(Some(school), RedstorFault::NeverRan);
    desk.forward(60 * 86_400);
    let view = desk.shows(SIMS, Some(school)).await;
    assert_shown("gone", &view, (Health::Critical, None, "nothing is left to restore"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_of_250_schools_costs_what_the_docs_say() {
    let all = |_: &caretaker::ports::watch::Job| true;
    let mut desk = Desk::new("redstor", 520, platform).await;
    let accounts = desk.schools().len() as u64 * 2;
    assert!((500..=1_000).contains(&accounts), "{accounts}");
    let seen = desk.sweep(all).await;
    assert!(seen.iter().all(|o| o.verdict == Verdict::Ok), "{seen:?}");
    assert_eq!(desk.calls("redstor"), 1, "one call for every school");

    let mut desk = Desk::new("redstor", 520, redapi).await;
    let pages = accounts.div_ceil(100);
    desk.running.enforce_published_limits();
    let seen = desk.sweep(all).await;
    assert!(seen.iter().all(|o| o.verdict == Verdict::Ok), "{seen:?}");
    assert_eq!(desk.calls("redstor.token"), 1);
    let customers = (accounts / 2).div_ceil(100);
    assert_eq!(desk.calls("redstor.redapi"), 2 * pages + 1 + customers);
    desk.forward(3_000);
    desk.sweep(all).await;
    assert_eq!(desk.calls("redstor.redapi"), 4 * pages + 1 + customers, "companies are kept");
    assert_eq!(desk.calls("redstor.token"), 1, "and so is the token");
    assert_eq!(desk.wrong_calls(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn troubled_accounts_are_explained_a_few_at_a_time() {
    let mut desk = Desk::new("redstor", 80, redapi).await;
    desk.running.redstor().set_fault(None, RedstorFault::NeverRan);
    let accounts = desk.schools().len() as u64 * 2;
    assert!(accounts > 60, "{accounts}");
    for sweep in 1..=3 {
        desk.sweep(|_| true).await;
        let errors = desk.calls("redstor.redapi GET /backups/status/accounts/errors");
        assert_eq!(errors, 20 * sweep);
        desk.forward(60);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_are_forgotten_in_mid_sweep_are_asked_for_again() {
    let mut desk = Desk::new("redstor", 280, redapi).await;
    desk.sweep(|_| true).await;
    desk.running.forget_tokens();
    let seen = desk.sweep(|_| true).await;
    assert!(seen.iter().all(|o| o.verdict == Verdict::Ok));
    assert_eq!(desk.calls("redstor.token"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_every_vendor_may_do_is_never_ok() {
    for (settings, key) in [
        (platform as fn(&Running) -> String, "redstor"),
        (redapi, "redstor.redapi"),
        (redapi, "redstor.token"),
    ] {
        let mut desk = Desk::new("redstor", 8, settings).await;
        for (fault, reason) in [
            (Fault::Down, Reason::NoAnswer),
            (Fault::Status(503), Reason::NoAnswer),
            (Fault::Html200, Reason::Malformed),
            (Fault::ErrorInside200, Reason::Malformed),
            (Fault::Truncated, Reason::Malformed),
            (Fault::HalfSent, Reason::NoAnswer),
            (Fault::Empty200, Reason::Malformed),
            (Fault::Unauthorised, Reason::Unauthorised),
            (Fault::Throttled(30), Reason::Throttled),
        ] {
            desk.running.forget_tokens();
            desk.running.set_fault(key, None, fault);
            for seen in desk.sweep(|_| true).await {
                let wanted = Verdict::Unknown(reason);
                assert_eq!(seen.verdict, wanted, "{key} {fault:?}: {}", seen.detail);
            }
            desk.running.clear_fault(key, None);
            // Past the breaker, and past what a throttled vendor asks for.
            desk.forward(400);
            let after = desk.sweep(|_| true).await;
            assert!(after.iter().all(|o| o.verdict == Verdict::Ok), "{key} {fault:?}: {after:?}");
        }
    }
}
