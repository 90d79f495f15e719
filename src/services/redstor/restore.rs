//! A restore is asked of people, and only from a run that there is: of the last 60 days those that we
//! saw end well. What ran while nobody here watched may be asked for as well, and is said to be not known
//! to us; a day that we watched and on which nothing ended well is refused.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::model::action::ActionSpec;
use crate::model::calendar::{london_date, london_midnight};
use crate::model::estate::Estate;
use crate::model::ids::{CheckId, Laestab, ServiceKey};
use crate::model::kept::KnownRuns;
use crate::model::observation::{Fact, Target};
use crate::model::plan::Ask;
use crate::model::span::Span;
use crate::model::text::Clean;
use crate::ports::act::Refused;
use crate::ports::clock::Boxed;
use crate::ports::known::Known;
use crate::services::errand::{Errand, Wish, needed};
use crate::services::hand_off::moment;
use crate::services::redstor::actions::RESTORE;
use crate::services::redstor::describe::{DataSet, KEEPS, KEY};
use crate::services::{Context, ServiceError, check_id};

/// A run shows with the next answer, which may be some hours away: so late today counts as watched.
const SHOWS_AFTER: SignedDuration = SignedDuration::from_hours(3);
/// Stretches of days that a refusal lists.
const LISTED: usize = 20;
/// The longest free text, in characters.
const LONGEST: usize = 300;

/// Asks for a restore.
pub(super) struct Restore {
    key: ServiceKey,
    checks: Vec<(DataSet, &'static str, CheckId)>,
    estate: Arc<Estate>,
    known: Arc<dyn Known>,
}

impl Restore {
    pub(super) fn new(key: &ServiceKey, context: &Context) -> Result<Self, ServiceError> {
        let checks = DataSet::ALL
            .into_iter()
            .map(|(set, name)| Ok((set, name, check_id(KEY, name)?)))
            .collect::<Result<_, ServiceError>>()?;
        let (estate, known) = (Arc::clone(&context.estate), Arc::clone(&context.known));
        Ok(Self { key: key.clone(), checks, estate, known })
    }

    async fn asked(&self, ask: &Ask, school: Laestab, now: Timestamp) -> Result<Wish, Refused> {
        let named = needed(ask, &RESTORE, "data_set")?;
        let found = self.checks.iter().find(|(_, name, _)| *name == named.as_str());
        let (set, name, check) =
            found.ok_or_else(|| Refused::Choice("data_set: write documents or sims".into()))?;
        let row = self.estate.subscriptions.get(&school);
        let accounts = row.map(|row| row.values(&self.key, name)).unwrap_or_default();
        if accounts.is_empty() {
            let why = format!(
                "no Redstor account is named for this school's {name}: fill in the column {KEY}.{name} \
                 of the subscriptions table"
            );
            return Err(Refused::NotOne(why));
        }
        let path = short(ask, "path")?;
        let (asked_by, verified) = (short(ask, "asked_by")?, short(ask, "verified")?);
        let at = needed(ask, &RESTORE, "at")?;
        let since = now.checked_sub(kept()).unwrap_or(now);
        let target = Target::School(school);
        let known = self.known.runs(target, check, since).await?;
        let run = from(at.as_str(), &known, now)?;
        let what = match set {
            DataSet::Documents => "documents",
            DataSet::Sims => "SIMS data",
        };
        let lines = [
            format!("Data: {what}, Redstor account {}", accounts.join(", ")),
            format!("What: {path}"),
            format!("As of: {}", run.words()),
            format!("Asked for by: {asked_by}; verified: {verified}"),
            "Please restore beside what is there, not over it, and say when it is done.".to_owned(),
        ];
        let beware = match run {
            Source::Run(_) => None,
            Source::NotKnown(_) => Some(Clean::new(
                "whether a run of that day ended well is not known to us: nobody here watched then",
            )),
        };
        Ok(Wish {
            lines: lines.iter().map(|line| Clean::new(line)).collect(),
            now: vec![Fact { name: Clean::new("run"), value: Clean::new(&run.words()) }],
            beware: beware.into_iter().collect(),
            ..Wish::default()
        })
    }
}

/// What a restore is to be made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// A run that we saw end well.
    Run(Timestamp),
    /// A day on which nobody here watched.
    NotKnown(Date),
}

impl Source {
    fn words(self) -> String {
        match self {
            Self::Run(at) => format!("the run of {}, which we saw end well", moment(at)),
            Self::NotKnown(day) => format!("{day} (not known to us)"),
        }
    }
}

fn kept() -> SignedDuration {
    SignedDuration::from_secs(KEEPS.as_secs_i64())
}

/// A choice of some words.
fn short<'a>(ask: &'a Ask, name: &str) -> Result<&'a Clean, Refused> {
    let text = needed(ask, &RESTORE, name)?;
    if text.as_str().chars().count() > LONGEST {
        return Err(Refused::Choice(format!("{name}: at most {LONGEST} characters")));
    }
    Ok(text)
}

/// The run that is meant by a day, or by a moment of a run.
fn from(at: &str, known: &KnownRuns, now: Timestamp) -> Result<Source, Refused> {
    let refuse = |why: String| Err(Refused::Choice(format!("at: {why}")));
    let (day, exact) = match (at.parse::<Date>(), at.parse::<Timestamp>()) {
        (_, Ok(moment)) => (london_date(moment), Some(moment)),
        (Ok(day), Err(_)) if at.len() == 10 => (day, None),
        _ => return refuse(format!("{at:?} is no day: write one such as 2026-03-03")),
    };
    let (today, oldest) = (london_date(now), london_date(now.checked_sub(kept()).unwrap_or(now)));
    if day > today {
        return refuse(format!("{day} is still to come"));
    }
    if day < oldest {
        let days = KEEPS.as_secs() / 86_400;
        return refuse(format!(
            "Redstor keeps {days} days: nothing before {oldest} can be restored"
        ));
    }
    let of_day: Vec<Timestamp> =
        known.runs.iter().copied().filter(|run| london_date(*run) == day).collect();
    match (exact, &of_day[..]) {
        // As `caretaker runs` shows it: to the minute, or to the second.
        (Some(exact), _)
            if of_day.iter().any(|run| run.duration_since(exact).abs().as_secs() < 60) =>
        {
            let near = |run: &Timestamp| run.duration_since(exact).abs();
            Ok(of_day.iter().copied().min_by_key(near).map_or(Source::NotKnown(day), Source::Run))
        }
        (None, [run]) => Ok(Source::Run(*run)),
        (None, [_, ..]) | (Some(_), [_, ..]) => {
            let times: Vec<String> = of_day.iter().map(ToString::to_string).collect();
            refuse(format!("name one of the runs of {day}: {}", times.join(", ")))
        }
        (_, []) if !was_watched(day, known, now) => Ok(Source::NotKnown(day)),
        (_, []) => {
            let days: BTreeSet<Date> = known.runs.iter().map(|run| london_date(*run)).collect();
            refuse(match days.is_empty() {
                true => format!("no run of {day} ended well, and none that we saw"),
                false => format!("no run of {day} ended well; there are {}", in_words(&days)),
            })
        }
    }
}

/// Whether a run of that day would have been seen.
fn was_watched(day: Date, known: &KnownRuns, now: Timestamp) -> bool {
    let begins = london_midnight(day);
    let ends = day.tomorrow().map_or(begins, london_midnight);
    let shown = now.checked_sub(SHOWS_AFTER).unwrap_or(now);
    known.watched.iter().any(|(from, until)| *from <= begins && *until >= ends.min(shown))
}

/// Days, newest first, those in a row as one: `2026-03-01..2026-03-04, 2026-02-27`.
fn in_words(days: &BTreeSet<Date>) -> String {
    let mut rows: Vec<(Date, Date)> = Vec::new();
    for day in days.iter().rev() {
        match rows.last_mut() {
            Some((first, _)) if day.tomorrow().ok() == Some(*first) => *first = *day,
            _ => rows.push((*day, *day)),
        }
    }
    let mut words: Vec<String> = rows
        .iter()
        .take(LISTED)
        .map(|(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first}..{last}"),
        })
        .collect();
    if rows.len() > LISTED {
        words.push("and earlier ones".to_owned());
    }
    words.join(", ")
}

impl Errand for Restore {
    fn spec(&self) -> ActionSpec {
        RESTORE
    }

    fn doer(&self) -> &'static str {
        "the service desk that restores"
    }

    fn patience(&self) -> Span {
        Span::from_days(2)
    }

    fn wish<'a>(
        &'a self,
        ask: &'a Ask,
        school: Laestab,
        now: Timestamp,
    ) -> Boxed<'a, Result<Wish, Refused>> {
        Box::pin(self.asked(ask, school, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-03-10T12:00:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Watched since 1 March but for 5 March and the next night; no run ended well on the 8th.
    fn known() -> KnownRuns {
        let runs = ["10", "09", "07", "06", "04", "03", "02"];
        KnownRuns {
            runs: runs.iter().map(|day| at(&format!("2026-03-{day}T02:11:30Z"))).collect(),
            watched: vec![
                (at("2026-03-06T09:00:00Z"), at("2026-03-10T11:30:00Z")),
                (at("2026-03-01T00:00:00Z"), at("2026-03-05T08:00:00Z")),
            ],
        }
    }

    fn asked(day: &str) -> Result<Source, String> {
        from(day, &known(), at(NOW)).map_err(|refused| refused.to_string())
    }

    #[test]
    fn a_run_that_we_saw_is_taken_by_its_day_or_its_moment() {
        let third = Source::Run(at("2026-03-03T02:11:30Z"));
        assert_eq!(asked("2026-03-03"), Ok(third));
        assert_eq!(asked("2026-03-03T02:11:30Z"), Ok(third));
        assert_eq!(asked("2026-03-03T02:11:00Z"), Ok(third), "as it is shown");
        assert!(asked("2026-03-03T03:00:00Z").unwrap_err().contains("name one of the runs"));
        assert_eq!(asked("2026-03-10"), Ok(Source::Run(at("2026-03-10T02:11:30Z"))), "today's");
    }

    #[test]
    fn a_day_that_we_watched_without_a_run_is_refused_with_those_there_are() {
        let why = asked("2026-03-08").unwrap_err();
        let days = "2026-03-09..2026-03-10, 2026-03-06..2026-03-07, 2026-03-02..2026-03-04";
        assert_eq!(why, format!("at: no run of 2026-03-08 ended well; there are {days}"));
        let nothing = KnownRuns { runs: Vec::new(), ..known() };
        let why = from("2026-03-08", &nothing, at(NOW)).unwrap_err().to_string();
        assert!(why.contains("none that we saw"), "{why}");
    }

    #[test]
    fn a_day_on_which_nobody_watched_is_not_known_and_may_be_asked_for() {
        assert_eq!(
            asked("2026-03-05"),
            Ok(Source::NotKnown("2026-03-05".parse().unwrap())),
            "a gap"
        );
        assert_eq!(
            asked("2026-02-20"),
            Ok(Source::NotKnown("2026-02-20".parse().unwrap())),
            "before"
        );
        assert!(asked("2026-03-01").is_err(), "the first day, from its first moment on");
        let stopped = KnownRuns {
            runs: Vec::new(),
            watched: vec![(at("2026-03-01T00:00:00Z"), at("2026-03-09T20:00:00Z"))],
        };
        let today = from("2026-03-10", &stopped, at(NOW)).unwrap();
        assert_eq!(
            today,
            Source::NotKnown("2026-03-10".parse().unwrap()),
            "nobody has looked since"
        );
    }

    #[test]
    fn what_cannot_be_a_day_of_a_restore_is_refused() {
        assert!(asked("2026-03-11").unwrap_err().contains("still to come"));
        assert!(asked("2026-01-08").unwrap_err().contains("nothing before 2026-01-09"));
        assert!(asked("2026-01-09").is_ok());
        for odd in ["", "yesterday", "03/03/2026", "2026-02-30", "2026-03-03'; --"] {
            assert!(asked(odd).unwrap_err().contains("is no day"), "{odd:?}");
        }
    }
}
