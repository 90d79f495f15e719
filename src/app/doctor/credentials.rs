//! Whether each credential is there, in which store, and until when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::app::doctor::parted;
use crate::app::failed::Failed;
use crate::app::setup::Prepared;
use crate::cli::doctor::{Area, Finding};
use crate::model::ids::CredentialName;
use crate::ports::clock::Clock;
use crate::ports::secrets::{Found, SecretError, SecretPlace, Secrets};
use crate::ports::watch::CredentialUse;
use crate::secrets::SecretStores;
use crate::services::{Ending, Known, Looked, Stage, look_into};

/// Credentials of schools that are named one by one.
const NAMED: usize = 10;

/// Everything about credentials, off the runtime: a keyring may ask a daemon.
///
/// # Errors
/// When the thread that asks died.
pub async fn all(prepared: &Prepared, clock: &Arc<dyn Clock>) -> Result<Vec<Finding>, Failed> {
    let files = prepared.config.credential_files();
    let expires = prepared.config.settings.credentials.expires.clone();
    let uses = prepared.credentials.clone();
    let now = clock.now();
    let asked = tokio::task::spawn_blocking(move || {
        let stores = SecretStores::of_host(files.clone());
        let list = stores.list();
        let mut out: Vec<Finding> = Vec::new();
        for (place, why) in &list.unasked {
            let text = format!("cannot be used here: {why}");
            out.push(Finding::note(Area::Credentials, place.words(), text));
        }
        let (schools, common): (Vec<_>, Vec<_>) = uses.iter().partition(|u| u.school.is_some());
        let mut seen = BTreeSet::new();
        for one in common.iter().filter(|one| seen.insert(one.name.clone())) {
            let date = expires.get(&one.name).map(|day| Ending::on(*day));
            let held: Vec<SecretPlace> =
                list.names.iter().filter(|(n, _)| *n == one.name).map(|(_, p)| *p).collect();
            out.push(judged(&one.name, &stores.find(&one.name), &held, date, now));
        }
        out.extend(of_schools(&schools, &stores, &expires, now));
        let used: BTreeSet<&CredentialName> = uses.iter().map(|u| &u.name).collect();
        for name in files.keys().filter(|name| !used.contains(name)) {
            let text = "has a file under credentials.files, and no service uses it";
            out.push(Finding::note(Area::Credentials, name.as_str(), text));
        }
        if uses.is_empty() {
            out.push(Finding::ok(Area::Credentials, "", "no service needs one"));
        }
        out
    });
    asked.await.map_err(Failed::software)
}

fn missing(name: &CredentialName, error: &SecretError) -> Finding {
    match error {
        SecretError::Missing { asked, .. } => Finding::error(
            Area::Credentials,
            name.as_str(),
            format!("not found: {asked}"),
            format!(
                "run: caretaker secret set {name} (as the agent's account); if the agent's unit \
                 loads it, run this with CREDENTIALS_DIRECTORY=/run/credentials/UNIT.service"
            ),
        ),
        SecretError::Refused { why, .. } => {
            let (text, remedy) = parted(why);
            Finding::error(Area::Credentials, name.as_str(), text, remedy)
        }
    }
}

/// One credential that a service uses for all schools.
fn judged(
    name: &CredentialName,
    found: &Result<Found, SecretError>,
    held: &[SecretPlace],
    configured: Option<Ending>,
    now: Timestamp,
) -> Finding {
    let found = match found {
        Ok(found) => found,
        Err(error) => return missing(name, error),
    };
    let also: Vec<&str> =
        held.iter().filter(|place| **place != found.place).map(|place| place.words()).collect();
    let mut text = format!("found in the {}", found.place.words());
    if !also.is_empty() {
        text.push_str(&format!("; also in the {}, which is not asked", also.join(", ")));
    }
    let inside = look_into(&found.value);
    if let Looked::Unreadable(why) = inside {
        let remedy = format!("store it again: caretaker secret set {name}");
        return Finding::warning(
            Area::Credentials,
            name.as_str(),
            format!("{text}; {why}"),
            remedy,
        );
    }
    let inside = match inside {
        Looked::Ends(ending) => Some(ending),
        Looked::NoDate | Looked::Unreadable(_) | Looked::NotHad(_) => None,
    };
    let ending = [configured, inside].into_iter().flatten().min_by_key(|e| (e.day, e.at));
    let finding = match ending {
        None => {
            let text = format!("{text}; no expiry date is known");
            let mut note = Finding::note(Area::Credentials, name.as_str(), text);
            note.remedy = Some(format!("add to [credentials.expires]: \"{name}\" = 2027-01-31"));
            note
        }
        Some(ending) => ends(name, &text, &ending, now),
    };
    finding.fact("store", found.place.words())
}

/// A credential whose end is known.
fn ends(name: &CredentialName, text: &str, ending: &Ending, now: Timestamp) -> Finding {
    let days = ending.days_left(now);
    let text = match ending.stage(now) {
        Stage::Over => format!("{text}; ENDED on {}", ending.day_words()),
        Stage::Last | Stage::Near | Stage::Soon | Stage::Far => {
            format!("{text}; ends on {}, in {days} days", ending.day_words())
        }
    };
    let date = match ending.known {
        Known::Config => ", and change credentials.expires",
        Known::Certificate | Known::Token => "",
    };
    let remedy = format!("get a new one, run: caretaker secret set {name}{date}");
    let finding = match ending.stage(now) {
        Stage::Far => Finding::ok(Area::Credentials, name.as_str(), text),
        Stage::Soon | Stage::Near => {
            Finding::warning(Area::Credentials, name.as_str(), text, remedy)
        }
        Stage::Last | Stage::Over => Finding::error(Area::Credentials, name.as_str(), text, remedy),
    };
    finding.fact("days_left", days)
}

/// The credentials of single schools: counted by store; what is wrong is named, up to a limit.
fn of_schools(
    uses: &[&CredentialUse],
    stores: &SecretStores,
    expires: &BTreeMap<CredentialName, jiff::civil::Date>,
    now: Timestamp,
) -> Vec<Finding> {
    let mut by_store: BTreeMap<&'static str, usize> = BTreeMap::new();
    let (mut wrong, mut ending) = (Vec::new(), Vec::new());
    for one in uses {
        match stores.find(&one.name) {
            Ok(found) => {
                *by_store.entry(found.place.words()).or_default() += 1;
                let known = expires.get(&one.name).map(|day| Ending::on(*day));
                if let Some(known) = known.filter(|e| e.stage(now) != Stage::Far) {
                    let text = format!("found in the {}", found.place.words());
                    ending.push(ends(&one.name, &text, &known, now));
                }
            }
            Err(error) => wrong.push(missing(&one.name, &error)),
        }
    }
    let mut out = Vec::new();
    if let Some(first) = uses.first() {
        let found: usize = by_store.values().sum();
        let places: Vec<String> = by_store.iter().map(|(p, n)| format!("{n} in the {p}")).collect();
        let text = format!(
            "{found} of {} credentials of single schools are there ({})",
            uses.len(),
            if places.is_empty() { "none".to_owned() } else { places.join(", ") }
        );
        let subject = first.name.as_str();
        out.push(match found == uses.len() {
            true => Finding::ok(Area::Credentials, "", text),
            false => Finding::note(Area::Credentials, "", format!("{text}, such as {subject}")),
        });
    }
    for mut list in [wrong, ending] {
        let more = list.len().saturating_sub(NAMED);
        list.truncate(NAMED);
        out.append(&mut list);
        if more > 0 {
            let text = format!("{more} more credentials of schools are as the last one");
            let remedy = "store them as the last one; `caretaker secret list` names what is there";
            out.push(Finding::error(Area::Credentials, "", text, remedy));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Severity;

    const NOW: &str = "2026-11-24T09:00:00Z";

    fn name() -> CredentialName {
        "redstor".parse().unwrap()
    }

    fn found(value: &str) -> Result<Found, SecretError> {
        Ok(Found { value: value.into(), place: SecretPlace::File })
    }

    #[test]
    fn tells_the_store_the_end_and_what_to_do() {
        let now: Timestamp = NOW.parse().unwrap();
        let on = |day: &str| Some(Ending::on(day.parse().unwrap()));
        let held = [SecretPlace::Kernel, SecretPlace::File];
        for (day, severity) in [
            (None, Severity::Note),
            (on("2026-12-25"), Severity::Ok),
            (on("2026-12-24"), Severity::Warning),
            (on("2026-11-25"), Severity::Error),
            (on("2026-11-20"), Severity::Error),
        ] {
            let seen = judged(&name(), &found("hunter2"), &held, day, now);
            assert_eq!(seen.severity, severity, "{seen:?}");
            assert!(seen.text.contains("credential file; also in the kernel keyring"), "{seen:?}");
            assert_eq!(seen.remedy.is_some(), severity != Severity::Ok);
            assert!(!format!("{seen:?}").contains("hunter2"));
        }
        let odd = judged(&name(), &found(r#"{"exp":"x"}"#), &[], None, now);
        assert_eq!(odd.severity, Severity::Warning);
    }

    #[test]
    fn a_missing_and_a_refused_one_are_errors_with_their_remedies() {
        let now: Timestamp = NOW.parse().unwrap();
        let none = SecretError::Missing { name: name(), asked: "file: none".into() };
        let seen = judged(&name(), &Err(none), &[], None, now);
        assert_eq!(seen.severity, Severity::Error);
        assert!(seen.remedy.unwrap().contains("caretaker secret set redstor"));
        let open =
            SecretError::Refused { name: name(), why: "others can read x; run: chmod".into() };
        let seen = judged(&name(), &Err(open), &[], None, now);
        assert_eq!(
            (seen.text.as_str(), seen.remedy.as_deref()),
            ("others can read x", Some("run: chmod"))
        );
    }

    #[test]
    fn of_many_schools_the_first_are_named_and_the_rest_counted() {
        let uses: Vec<CredentialUse> = (0..30)
            .map(|n| CredentialUse {
                name: format!("xod.99912{n:02}").parse().unwrap(),
                school: format!("99912{n:02}").parse().ok(),
            })
            .collect();
        let stores = SecretStores::files_only(BTreeMap::new());
        let all: Vec<&CredentialUse> = uses.iter().collect();
        let seen = of_schools(&all, &stores, &BTreeMap::new(), NOW.parse().unwrap());
        assert_eq!(seen.len(), 12);
        assert!(seen[0].text.starts_with("0 of 30 credentials"), "{}", seen[0].text);
        assert!(seen[11].text.starts_with("20 more"), "{}", seen[11].text);
        assert!(of_schools(&[], &stores, &BTreeMap::new(), NOW.parse().unwrap()).is_empty());
    }
}
