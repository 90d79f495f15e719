//! Scenario files: a file with each way of the smaller vendors, of status pages and of the domain
//! controllers is played, and the board shows what is claimed here.

use caretaker::model::health::{Health, Reason};
use caretaker::model::ids::Laestab;
use caretaker::simulators::{
    ControllerFault, DirectoryFault, FilterFault, ListFault, PageFault, PortalFault, Running,
    StationsFault, StatusFault, Way,
};

use crate::desk::{Desk, Wanted, assert_shown, endpoint};

const WELL: Wanted = (Health::Ok, None, "");

fn unknown(reason: Reason, part: &'static str) -> Wanted {
    (Health::Unknown, Some(reason), part)
}

fn critical(part: &'static str) -> Wanted {
    (Health::Critical, None, part)
}

fn warning(part: &'static str) -> Wanted {
    (Health::Warning, None, part)
}

/// The file that puts `what` on `on`, for one school or for all.
fn file(on: &str, what: &str, school: Option<Laestab>) -> String {
    let school = school.map(|s| format!("school = \"{s}\"\n")).unwrap_or_default();
    format!("[[fault]]\non = \"{on}\"\n{school}what = \"{what}\"\n")
}

/// Plays the file, and sees what the check shows of the school, or of the estate.
async fn played(desk: &mut Desk, file: &str, check: &str, whom: Option<Laestab>, wanted: Wanted) {
    desk.play(file);
    let view = desk.shows(check, whom).await;
    assert_shown(file, &view, wanted);
}

// ------------------------------------------------------------------ the web filter

pub fn filters(running: &Running) -> String {
    let (facts, drops) = (&running.invented.facts, running.drops["smoothwall"].display());
    let mut out = format!(
        "alerts = {{ drop = {{ folder = \"{drops}\", settle = \"0s\" }} }}\nblock_marks = [\"{}\"]\n",
        facts.block_word
    );
    for (i, appliance) in facts.appliances.iter().enumerate() {
        out.push_str(&format!(
            "[[appliances]]\nname = \"{}\"\nshared = {}\nhosts = [\"{}\"]\n[appliances.filtering]\n\
             vantage = {{ proxy = \"{}\" }}\nblocked_url = \"http://filter.invalid/blocked\"\n\
             plain_url = \"http://filter.invalid/plain\"\nplain_word = \"{}\"\n",
            appliance.name,
            i == 0,
            appliance.host,
            running.urls[&format!("smoothwall.{}", appliance.name)],
            facts.plain_word,
        ));
    }
    out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_of_a_filter_is_played_and_shown() {
    use FilterFault as F;
    for fault in F::ALL.iter().copied() {
        let (check, wanted) = match fault {
            F::LetsThrough => ("filtering", critical("children are unfiltered")),
            F::BlocksAll => ("filtering", critical("even the plain address is blocked")),
            F::CaptivePortal => {
                ("filtering", unknown(Reason::Malformed, "another page: a captive portal?"))
            }
            // Not red at once: it may be started again within ten minutes.
            F::ServiceStopped => ("alerts", warning("filter service has stopped")),
            F::AlertUnheardOf => ("alerts", warning("unrecognised alert: quasar lens")),
            F::BlocklistOld => ("alerts", warning("blocklist is out of date")),
            F::ReducedMode => ("alerts", warning("without policies, logs and safeguarding")),
            F::FailedOver => ("alerts", warning("failover unit has taken over")),
            F::InterfaceFailed => ("alerts", critical("interface eth3 has failed")),
            F::LicenceEnds => ("alerts", warning("subscription expires in 7 days")),
            // The worst of the four.
            F::AlertsMerged => ("alerts", critical("interface eth3 has failed")),
            F::AlertCut => ("alerts", warning("ssh service has stopped")),
            // Whose it is nobody knows: it changes no appliance and is listed as not watched.
            F::HostUnknown => ("alerts", (Health::Ok, None, "no open alert")),
            F::HeartbeatMissing => ("alerts", unknown(Reason::Stale, "silence proves nothing")),
        };
        let mut desk = Desk::new("smoothwall", 6, filters).await;
        let name = desk.running.invented.facts.appliances[0].name.clone();
        let on = format!("smoothwall.{name}");
        let check = format!("smoothwall.{check}_{name}");
        played(&mut desk, &file(&on, &fault.name(), None), &check, None, wanted).await;
        if fault == F::HostUnknown {
            let found = desk.watch.found();
            let found: Vec<&str> = found.iter().map(|gap| gap.what.as_str()).collect();
            assert_eq!(found, ["smoothwall.alerts of sw-0b9e.local"]);
        }
        if fault == F::ServiceStopped {
            let filtering = format!("smoothwall.filtering_{name}");
            let view = desk.shows(&filtering, None).await;
            assert_shown("502", &view, critical("nobody can browse"));
            desk.forward(11 * 60);
            let view = desk.shows(&check, None).await;
            assert_shown("ten minutes later", &view, critical("filter service has stopped"));
        }
    }
}

// ------------------------------------------------------------------ monitored stations

pub fn stations(running: &Running) -> String {
    let drops = running.drops["future_digital"].display();
    format!("stations = {{ folder = \"{drops}\", settle = \"0s\" }}\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_of_the_list_of_stations_is_played_and_shown() {
    use StationsFault as F;
    for fault in F::ALL.iter().copied() {
        let wanted = match fault {
            F::SixtyPercent => warning("under 80 %"),
            F::ThirtyPercent | F::NobodySeen => critical("under 50 %"),
            F::ClientsOld => warning("on an old client version"),
            F::SchoolNotListed => unknown(Reason::NeverSeen, "not in the report of stations"),
            F::TimesAhead => unknown(Reason::Malformed, "rows cannot be read"),
            // Read as London's; of two rows of a station the later counts.
            F::DatesUk | F::NamesDoubled => WELL,
        };
        let mut desk = Desk::new("future_digital", 12, stations).await;
        let (school, other) = (desk.schools()[1], desk.schools()[2]);
        let file = file("future_digital", &fault.name(), Some(school));
        played(&mut desk, &file, "future_digital.coverage", Some(school), wanted).await;
        let view = desk.shows("future_digital.coverage", Some(other)).await;
        assert_shown(&fault.name(), &view, WELL);
    }
    for fault in ListFault::ALL.iter().copied() {
        let wanted = match fault {
            ListFault::ListOld => unknown(Reason::Stale, "of school days old"),
            ListFault::ColumnMissing => {
                unknown(Reason::Malformed, "column client_version is missing")
            }
            ListFault::NoStations => unknown(Reason::Malformed, "holds no station"),
        };
        let mut desk = Desk::new("future_digital", 12, stations).await;
        let school = desk.schools()[1];
        let file = file("future_digital", &fault.name(), None);
        played(&mut desk, &file, "future_digital.coverage", Some(school), wanted).await;
    }
}

// ------------------------------------------------------------------ pages

pub fn sign_in(running: &Running) -> String {
    let facts = &running.invented.facts;
    format!(
        "sign_in = {{ endpoint = {}, expected_word = '{}', hours = \"always\" }}\n\
         status_page = {{ endpoint = {}, components = [\"{}\"] }}\n",
        endpoint(running, "just2easy"),
        facts.just2easy_word,
        endpoint(running, "just2easy.status"),
        facts.components["just2easy"].1,
    )
}

pub fn portals(running: &Running) -> String {
    format!(
        "endpoint = {}\nhours = \"always\"\nsso = true\nsso_word = \"{}\"\n",
        endpoint(running, "purple_mash"),
        running.invented.facts.purple_mash_word,
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_of_a_page_is_played_and_shown() {
    use PageFault as F;
    for fault in F::ALL.iter().copied() {
        let (of_sign_in, of_portal) = match fault {
            F::FilterBlocks => {
                let seen = unknown(Reason::Malformed, "blocked by a web filter");
                (seen, seen)
            }
            F::HandsOver => (
                (Health::Ok, None, "hand-over to login.microsoftonline.com"),
                unknown(Reason::Malformed, "redirects to login.microsoftonline.com"),
            ),
            F::RedirectsElsewhere => {
                let seen = unknown(Reason::Malformed, "redirects to elsewhere.example");
                (seen, seen)
            }
        };
        let mut desk = Desk::new("just2easy", 6, sign_in).await;
        let text = file("just2easy", &fault.name(), None);
        played(&mut desk, &text, "just2easy.sign_in", None, of_sign_in).await;
        let mut desk = Desk::new("purple_mash", 12, portals).await;
        let school = desk.schools()[1];
        let text = file("purple_mash", &fault.name(), None);
        played(&mut desk, &text, "purple_mash.portal", Some(school), of_portal).await;
    }
    for fault in PortalFault::ALL.iter().copied() {
        let wanted = match fault {
            PortalFault::NameUnknown | PortalFault::NamesAnother => {
                unknown(Reason::Malformed, "does not name the school")
            }
            PortalFault::ButtonMissing => warning("without its Office 365 Login button"),
        };
        let mut desk = Desk::new("purple_mash", 12, portals).await;
        let (school, other) = (desk.schools()[1], desk.schools()[2]);
        let text = file("purple_mash", &fault.name(), Some(school));
        played(&mut desk, &text, "purple_mash.portal", Some(school), wanted).await;
        let view = desk.shows("purple_mash.portal", Some(other)).await;
        assert_shown(&fault.name(), &view, WELL);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_of_a_status_page_is_played_and_shown() {
    use StatusFault as F;
    for fault in F::ALL.iter().copied() {
        // What is shown, and whether a downtime is offered.
        let (wanted, offered) = match fault {
            F::MaintenanceAnnounced => (WELL, true),
            F::MaintenanceUnderWay => (warning("under_maintenance"), true),
            F::MaintenanceUnsaid => (warning("vendor's maintenance: Database upgrade"), true),
            F::MaintenanceCompleted | F::MaintenanceElsewhere => (WELL, false),
            F::Degraded => (warning("degraded_performance"), false),
            F::Outage => (critical("major_outage"), false),
            F::FixWatched => (warning("fix under watch"), false),
            F::ComponentRenamed => (unknown(Reason::Malformed, "has it been renamed?"), false),
        };
        let mut desk = Desk::new("just2easy", 6, sign_in).await;
        let text = file("just2easy.status", &fault.name(), None);
        played(&mut desk, &text, "just2easy.sign_in", None, wanted).await;
        let seen = desk.sweep(|_| true).await;
        let windows: Vec<_> = seen.iter().flat_map(|o| &o.windows).collect();
        assert_eq!(windows.len(), usize::from(offered), "{fault:?}: {windows:?}");
        if let Some(window) = windows.first() {
            assert!(window.title.as_str().starts_with("Database upgrade"), "{window:?}");
            assert!(window.until.is_some_and(|until| until > window.from));
        }
    }
}

// ------------------------------------------------------------------ the directory

pub fn directory(running: &Running) -> String {
    let facts = &running.invented.facts;
    format!(
        "tenant_id = \"{}\"\nclient_id = \"{}\"\n[directory]\ncontrollers = [\"{}\", \"{}\"]\n\
         ca_file = \"{}\"\nbind_as = \"{}\"\nschools = \"{}\"\n",
        facts.tenant_id,
        facts.client_id,
        running.urls["welearn365.dc1"],
        running.urls["welearn365.dc2"],
        running.ca_file.display(),
        facts.directory_account,
        facts.directory_schools,
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_of_a_schools_part_of_the_directory_is_played_and_shown() {
    use DirectoryFault as F;
    for fault in F::ALL.iter().copied() {
        let (check, wanted) = match fault {
            F::PasswordSpray => ("welearn365.lockouts", warning("a password spray")),
            F::OuMissing => ("welearn365.accounts", unknown(Reason::NeverSeen, "moved or deleted")),
            F::AllDisabled => ("welearn365.accounts", critical("nobody can sign in")),
        };
        let mut desk = Desk::new("welearn365", 6, directory).await;
        let (school, other) = (desk.schools()[1], desk.schools()[2]);
        let text = file("welearn365", &fault.name(), Some(school));
        played(&mut desk, &text, check, Some(school), wanted).await;
        assert_shown(&fault.name(), &desk.shows(check, Some(other)).await, WELL);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_of_a_domain_controller_is_played_and_shown() {
    use ControllerFault as F;
    for fault in F::ALL.iter().copied() {
        // How the controllers are judged when one goes wrong, and a school's accounts when all do.
        // A password that one of them refused is tried at none: the account would be locked out.
        let refused = |part| {
            let seen = unknown(Reason::Unauthorised, part);
            (seen, seen)
        };
        let (of_controllers, of_accounts) = match fault {
            F::ClockAhead => (critical("ahead of that of"), WELL),
            F::ClockBehind => (warning("behind ours"), WELL),
            F::ReplicationLag => (warning("what is reset there does not work here"), WELL),
            F::NotSynchronized => (warning("has not finished its first copy"), WELL),
            F::SizeLimit => {
                let part = "cut short at the server's size limit";
                (warning(part), unknown(Reason::Malformed, part))
            }
            F::TimeLimit => {
                let part = "took longer than the server allows";
                (warning(part), unknown(Reason::NoAnswer, part))
            }
            F::AdminLimit => {
                let part = "asks us to wait";
                (warning(part), unknown(Reason::Throttled, part))
            }
            F::NoRight => {
                let part = "our account lacks the right to read there";
                (warning(part), unknown(Reason::Unauthorised, part))
            }
            F::Unavailable => {
                let part = "it says that it is unavailable";
                (warning(part), unknown(Reason::NoAnswer, part))
            }
            F::Referral => {
                let part = "it points to another server, which is never followed";
                (warning(part), unknown(Reason::Malformed, part))
            }
            F::References => (WELL, WELL),
            F::AccountUnknown => refused("it knows no such account"),
            F::PasswordWrong => refused("name or password is wrong"),
            F::AccountNotNow => refused("may not sign in at this hour"),
            F::AccountNotFromHere => refused("may not sign in from here"),
            F::PasswordExpired => refused("password has expired"),
            F::AccountDisabled => refused("the account is disabled"),
            F::AccountExpired => refused("the account has expired"),
            F::PasswordMustChange => refused("must change its password first"),
            F::AccountLocked => refused("locked out after too many wrong passwords"),
        };
        let mut desk = Desk::new("welearn365", 6, directory).await;
        let text = file("welearn365.dc2", &fault.name(), None);
        played(&mut desk, &text, "welearn365.controllers", None, of_controllers).await;
        let mut desk = Desk::new("welearn365", 6, directory).await;
        let school = desk.schools()[1];
        let on = if fault == F::ReplicationLag { "welearn365.dc1" } else { "welearn365" };
        let text = file(on, &fault.name(), None);
        played(&mut desk, &text, "welearn365.accounts", Some(school), of_accounts).await;
    }
}
