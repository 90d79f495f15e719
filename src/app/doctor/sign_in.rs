//! Whether the vendors let us in: one poll for each check, as the agent would make it, and what the
//! vendors say of our rights.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};

use crate::app::setup::Prepared;
use crate::cli::doctor::{Area, Finding};
use crate::model::health::Reason;
use crate::model::ids::CheckId;
use crate::model::observation::{Observation, Target, Verdict};
use crate::ports::clock::Clock;
use crate::ports::watch::{Job, Rights, Watch};
use crate::services::expiry;

/// How long one poll may take.
const LIMIT: Duration = Duration::from_secs(60);
/// Polls at once.
const AT_ONCE: usize = 8;

/// Asks each service once for each of its checks, about one school where it is asked by school.
pub async fn all(prepared: &Prepared, clock: &Arc<dyn Clock>) -> Vec<Finding> {
    let mut asked: Vec<(Arc<dyn Watch>, Job)> = Vec::new();
    for watch in &prepared.watches {
        let mut seen: BTreeSet<CheckId> = BTreeSet::new();
        for job in watch.jobs() {
            let ours = job.checks.iter().all(|check| check.name() == expiry::CHECK);
            let new = job.checks.iter().filter(|check| seen.insert((*check).clone())).count();
            if new > 0 && !ours {
                asked.push((watch.clone(), job));
            }
        }
    }
    let polls = stream::iter(asked).map(|(watch, job)| async move {
        let answered = tokio::select! {
            answered = watch.poll(&job, clock.now()) => Some(answered),
            () = clock.sleep(LIMIT) => None,
        };
        (job, answered)
    });
    let mut out = Vec::new();
    let mut polled: Vec<_> = polls.buffered(AT_ONCE).collect().await;
    for (job, answered) in &mut polled {
        for check in &job.checks {
            let seen = answered
                .as_ref()
                .map(|all| all.iter().filter(|o| o.check == *check).collect::<Vec<_>>());
            out.push(judged(check, job, seen.as_deref()));
        }
    }
    for watch in &prepared.watches {
        let told = tokio::select! {
            told = watch.rights() => told,
            () = clock.sleep(LIMIT) => Vec::new(),
        };
        out.extend(told.iter().flat_map(rights));
    }
    out
}

fn judged(check: &CheckId, job: &Job, seen: Option<&[&Observation]>) -> Finding {
    let about = match job.targets.as_ref() {
        [Target::School(school)] => format!("{check} (asked about school {})", school.spaced()),
        _ => check.to_string(),
    };
    let worst = seen.and_then(|all| all.iter().max_by_key(|o| weight(o.verdict)));
    let Some(worst) = worst else {
        let text = format!("no answer within {} s", LIMIT.as_secs());
        return Finding::error(Area::SignIn, &about, text, AS_NETWORK);
    };
    let all = seen.map_or(0, <[_]>::len);
    let alike = |o: &&&Observation| weight(o.verdict) == weight(worst.verdict);
    let same = seen.into_iter().flatten().filter(alike).count();
    let share = if all > 1 { format!(" ({same} of {all} answers)") } else { String::new() };
    let text = format!("{}{share}", worst.detail);
    let Verdict::Unknown(reason) = worst.verdict else {
        let text = format!("answered, and understood{share}");
        return Finding::ok(Area::SignIn, &about, text);
    };
    let finding = match reason {
        Reason::Unauthorised => Finding::error(
            Area::SignIn,
            &about,
            text,
            "store the right credential: caretaker secret set NAME; then its rights at the vendor",
        ),
        Reason::NoAnswer | Reason::Stale => Finding::error(Area::SignIn, &about, text, AS_NETWORK),
        Reason::Malformed => Finding::warning(
            Area::SignIn,
            &about,
            text,
            "look at the address in the configuration; a filter's block page or maintenance \
             answers like that",
        ),
        Reason::Throttled => Finding::warning(
            Area::SignIn,
            &about,
            text,
            "wait; another program may share the vendor's limits with this one",
        ),
        Reason::Paused | Reason::NeverSeen | Reason::NotRecorded => {
            Finding::note(Area::SignIn, &about, text)
        }
    };
    finding.fact("reason", reason.word())
}

/// What to do where nobody answered.
const AS_NETWORK: &str = "see what NETWORK and TLS say of its address";

/// What a look into the sign-in should tell first.
fn weight(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Ok | Verdict::Quiet | Verdict::Warning | Verdict::Critical => 0,
        Verdict::Unknown(Reason::NeverSeen | Reason::NotRecorded) => 1,
        Verdict::Unknown(Reason::Paused) => 2,
        Verdict::Unknown(Reason::Throttled) => 3,
        Verdict::Unknown(Reason::Malformed) => 4,
        Verdict::Unknown(Reason::Stale) => 5,
        Verdict::Unknown(Reason::NoAnswer) => 6,
        Verdict::Unknown(Reason::Unauthorised) => 7,
    }
}

/// What is told of one credential's rights.
pub(super) fn rights(told: &Rights) -> Vec<Finding> {
    let name = told.credential.as_str();
    if let Some(why) = &told.untold {
        return vec![Finding::note(Area::Rights, name, why.clone())];
    }
    let mut out = Vec::new();
    if !told.beyond.is_empty() {
        out.push(
            Finding::warning(
                Area::Rights,
                name,
                format!("can do more than is needed: {}", told.beyond.join(", ")),
                "take these rights away at the vendor, or use a credential without them",
            )
            .fact("beyond", told.beyond.clone()),
        );
    }
    if !told.missing.is_empty() {
        out.push(
            Finding::warning(
                Area::Rights,
                name,
                format!("lacks rights that are needed: {}", told.missing.join(", ")),
                "grant them at the vendor (docs/connectors.md and the administrator's guide say what each is for)",
            )
            .fact("missing", told.missing.clone()),
        );
    }
    let lacking = told.optional.iter();
    out.extend(lacking.map(|what| Finding::note(Area::Rights, name, what.clone())));
    if told.beyond.is_empty() && told.missing.is_empty() {
        let text = format!("can do what is needed and no more: {}", told.used.join(", "));
        out.push(Finding::ok(Area::Rights, name, text));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Severity;

    fn seen(verdict: Verdict) -> Observation {
        let at = "2026-11-24T09:00:00Z".parse().unwrap();
        let check = "redstor.documents".parse().unwrap();
        Observation::new(check, Target::Estate, at, verdict, "said so")
    }

    fn job() -> Job {
        Job {
            id: "x".into(),
            checks: vec!["redstor.documents".parse().unwrap()],
            targets: Arc::new([Target::Estate]),
            interval: crate::model::span::Span::from_mins(5),
        }
    }

    fn severity(of: &[Verdict]) -> Severity {
        let all: Vec<Observation> = of.iter().map(|v| seen(*v)).collect();
        let all: Vec<&Observation> = all.iter().collect();
        let found = judged(&job().checks[0], &job(), Some(&all));
        assert!(found.severity < Severity::Warning || found.remedy.is_some(), "{found:?}");
        found.severity
    }

    #[test]
    fn whatever_the_vendor_says_it_let_us_in_unless_it_did_not() {
        for well in [Verdict::Ok, Verdict::Quiet, Verdict::Warning, Verdict::Critical] {
            assert_eq!(severity(&[well]), Severity::Ok);
        }
        for (reason, expected) in [
            (Reason::Unauthorised, Severity::Error),
            (Reason::NoAnswer, Severity::Error),
            (Reason::Malformed, Severity::Warning),
            (Reason::Throttled, Severity::Warning),
            (Reason::Paused, Severity::Note),
            (Reason::NeverSeen, Severity::Note),
        ] {
            let unknown = Verdict::Unknown(reason);
            for order in [[Verdict::Ok, unknown], [unknown, Verdict::Ok]] {
                assert_eq!(severity(&order), expected, "{reason:?}");
            }
        }
        assert_eq!(severity(&[]), Severity::Error, "no answer is not a good one");
        assert_eq!(judged(&job().checks[0], &job(), None).severity, Severity::Error);
    }

    #[test]
    fn rights_beyond_need_are_a_warning() {
        let of = |beyond: &[&str], missing: &[&str]| {
            let list = |all: &[&str]| all.iter().map(|s| (*s).to_owned()).collect();
            let told = Rights {
                credential: "welearn365".parse().unwrap(),
                used: vec!["ServiceHealth.Read.All".into()],
                beyond: list(beyond),
                missing: list(missing),
                optional: Vec::new(),
                untold: None,
            };
            rights(&told).into_iter().map(|f| (f.severity, f.text)).collect::<Vec<_>>()
        };
        assert_eq!(of(&[], &[])[0].0, Severity::Ok);
        let more = of(&["User.ReadWrite.All"], &["Organization.Read.All"]);
        assert_eq!((more.len(), more[0].0, more[1].0), (2, Severity::Warning, Severity::Warning));
        assert!(more[0].1.contains("User.ReadWrite.All"));
    }
}
