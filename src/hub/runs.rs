//! Which answers tell of runs that are to be kept: those to checks of what is kept for a time only.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use crate::model::estate::Estate;
use crate::model::ids::CheckId;
use crate::model::kept::KeptRun;
use crate::model::observation::{Observation, Target, Verdict};

/// How often it is kept that somebody looked, while no new run is told of.
const AGAIN: SignedDuration = SignedDuration::from_hours(2);

/// What was kept last of each check, so that a poll that brings nothing new costs no write.
pub(super) struct Runs {
    kept: BTreeSet<CheckId>,
    last: HashMap<(Target, CheckId), (Option<Timestamp>, Timestamp)>,
}

impl Runs {
    pub fn new(estate: &Estate) -> Self {
        let checks = estate.services.iter().flat_map(|service| &service.checks);
        let kept = checks.filter(|c| c.keeps.is_some()).map(|c| c.id.clone()).collect();
        Self { kept, last: HashMap::new() }
    }

    /// What is to be kept of an answer.
    pub fn of(&mut self, answer: &Observation, now: Timestamp) -> Option<KeptRun> {
        if !self.kept.contains(&answer.check) || matches!(answer.verdict, Verdict::Unknown(_)) {
            return None;
        }
        let (seen_at, target) = (answer.observed_at.min(now), answer.target);
        let run = answer.good_at.map(|at| at.min(seen_at));
        let last = self.last.get(&(target, answer.check.clone()));
        if last.is_some_and(|(before, at)| *before == run && seen_at.duration_since(*at) < AGAIN) {
            return None;
        }
        self.last.insert((target, answer.check.clone()), (run, seen_at));
        Some(KeptRun { target, check: answer.check.clone(), seen_at, run })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::check::{CheckSpec, Scope, ServiceSpec};
    use crate::model::health::Reason;
    use crate::model::span::Span;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn estate() -> Estate {
        let check = |id: &str, keeps| CheckSpec {
            keeps,
            ..CheckSpec::new(id.parse().unwrap(), "a", Scope::School, Span::from_mins(60))
        };
        let service = ServiceSpec {
            key: "backup".parse().unwrap(),
            label: "Backup".to_owned(),
            code: "BK".to_owned(),
            checks: vec![
                check("backup.sims", Some(Span::from_days(60))),
                check("backup.other", None),
            ],
            depends: Vec::new(),
        };
        Estate { services: vec![service], ..Estate::default() }
    }

    #[test]
    fn only_answers_that_tell_something_new_of_a_kept_check_are_kept() {
        let mut runs = Runs::new(&estate());
        let school = Target::School("9990101".parse().unwrap());
        let mut of = |check: &str, when: &str, verdict, good: Option<&str>| {
            let seen = Observation::new(check.parse().unwrap(), school, at(when), verdict, "x");
            runs.of(&seen.good(good.map(at)), at("2026-11-20T12:00:00Z"))
        };
        let night = Some("2026-11-20T02:00:00Z");
        let first = of("backup.sims", "2026-11-20T08:00:00Z", Verdict::Ok, night).unwrap();
        assert_eq!((first.run, first.seen_at), (night.map(at), at("2026-11-20T08:00:00Z")));
        assert_eq!(of("backup.sims", "2026-11-20T09:59:00Z", Verdict::Ok, night), None, "no news");
        let again = of("backup.sims", "2026-11-20T10:00:00Z", Verdict::Critical, night);
        assert!(again.is_some(), "that somebody still looks");
        let newer =
            of("backup.sims", "2026-11-20T10:01:00Z", Verdict::Ok, Some("2026-11-20T10:00:30Z"));
        assert!(newer.is_some(), "another run");
        let unread = Verdict::Unknown(Reason::NoAnswer);
        assert_eq!(of("backup.sims", "2026-11-20T13:00:00Z", unread, night), None, "nobody saw it");
        assert_eq!(of("backup.other", "2026-11-20T08:00:00Z", Verdict::Ok, night), None);
        let ahead =
            of("backup.sims", "2026-11-20T13:00:00Z", Verdict::Ok, Some("2026-11-20T14:00:00Z"));
        assert_eq!(ahead.unwrap().run, Some(at("2026-11-20T12:00:00Z")), "not ahead of our clock");
    }
}
