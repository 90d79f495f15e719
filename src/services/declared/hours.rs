//! When something is asked at all, and what stands in the meantime.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use jiff::civil::time;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::model::calendar::{Calendar, london};
use crate::model::ids::CheckId;
use crate::model::observation::{Observation, Target, Verdict};

/// When something is asked at all, in London time. Outside, nothing is asked and the cell is quiet,
/// unless it was in trouble when it was last asked: then it stays so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoursSettings {
    /// The first moment of the day.
    #[schemars(with = "String")]
    pub from: jiff::civil::Time,
    /// The first moment at which it is no longer asked; later than `from`.
    #[schemars(with = "String")]
    pub to: jiff::civil::Time,
    /// On which days.
    #[serde(default)]
    pub days: HourDays,
}

/// Days on which something is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HourDays {
    /// School days of the school's calendar; of the default one for the estate and for bulk.
    #[default]
    SchoolDays,
    /// Monday to Friday.
    Weekdays,
    /// Every day.
    Daily,
}

/// When a page for signing in is looked at: within hours, or always. A page that nobody needs at night
/// is not asked for at night.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Opening {
    /// `"always"`, whatever the time.
    Always(Always),
    /// Within these hours.
    Within(HoursSettings),
}

/// The word for no hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Always {
    /// At any time.
    Always,
}

impl Default for Opening {
    /// School days, 07:30 to 18:00.
    fn default() -> Self {
        let (from, to) = (time(7, 30, 0, 0), time(18, 0, 0, 0));
        Self::Within(HoursSettings { from, to, days: HourDays::SchoolDays })
    }
}

impl Opening {
    /// The hours, unless it is always; `tries` as for [`Hours::new`].
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub fn hours(self, tries: u8) -> Result<Option<Hours>, String> {
        match self {
            Self::Always(_) => Ok(None),
            Self::Within(settings) => Hours::new(settings, tries).map(Some),
        }
    }
}

// By hand, so that a mistake within the hours is told where it stands.
impl<'de> Deserialize<'de> for Opening {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl<'de> Visitor<'de> for Written {
            type Value = Opening;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("\"always\", or hours such as { from = \"07:30\", to = \"18:00\" }")
            }
            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Opening, E> {
                match word {
                    "always" => Ok(Opening::Always(Always::Always)),
                    other => Err(E::invalid_value(Unexpected::Str(other), &self)),
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Opening, A::Error> {
                HoursSettings::deserialize(MapAccessDeserializer::new(map)).map(Opening::Within)
            }
        }
        deserializer.deserialize_any(Written)
    }
}

/// Opening hours, and what was last seen within them.
pub struct Hours {
    settings: HoursSettings,
    tries: u8,
    /// Per target: the last answer, and bad answers in a row.
    last: Mutex<BTreeMap<Target, (Observation, u8)>>,
}

impl Hours {
    /// `tries`: bad answers in a row after which trouble is certain.
    ///
    /// # Errors
    /// What is wrong with the settings, in words.
    pub fn new(settings: HoursSettings, tries: u8) -> Result<Self, String> {
        if settings.to <= settings.from {
            return Err(format!("{} to {} is no stretch of a day", settings.from, settings.to));
        }
        Ok(Self { settings, tries, last: Mutex::default() })
    }

    /// Whether `now` lies within them, by `calendar`.
    pub fn open(&self, calendar: &Calendar, now: Timestamp) -> bool {
        let here = now.to_zoned_datetime(london());
        let day = match self.settings.days {
            HourDays::Daily => true,
            // Without terms and closures a school day is Monday to Friday.
            HourDays::Weekdays => Calendar::default().is_school_day(here.date()),
            HourDays::SchoolDays => calendar.is_school_day(here.date()),
        };
        day && (self.settings.from..self.settings.to).contains(&here.time())
    }

    /// Remembers what was seen within the hours.
    pub fn saw(&self, seen: &Observation) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let well = matches!(seen.verdict, Verdict::Ok | Verdict::Quiet);
        let before = last.get(&seen.target).map_or(0, |(_, bad)| *bad);
        let bad = if well { 0 } else { before.saturating_add(1) };
        last.insert(seen.target, (seen.clone(), bad));
    }

    /// What stands outside the hours: quiet, unless it was in certain trouble when it was last
    /// asked. Asking nobody proves nothing, so trouble is not forgotten over night.
    pub fn outside(&self, check: &CheckId, target: Target, now: Timestamp) -> Observation {
        let HoursSettings { from, to, .. } = self.settings;
        let hours = format!("{} to {}", from.strftime("%H:%M"), to.strftime("%H:%M"));
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match last.get(&target) {
            Some((seen, bad)) if *bad >= self.tries => {
                let at = seen.observed_at.to_zoned_datetime(london());
                let detail = format!(
                    "{}; last asked {}, asked only {hours}",
                    seen.detail,
                    at.strftime("%a %H:%M")
                );
                let mut still = seen.clone();
                still.observed_at = now;
                still.detail = crate::model::text::Clean::new(&detail);
                still.since = still.since.or(Some(seen.observed_at));
                still
            }
            _ => {
                let detail = format!("not asked outside its hours ({hours})");
                Observation::new(check.clone(), target, now, Verdict::Quiet, &detail)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::calendar::Days;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn hours(days: HourDays) -> Hours {
        let time = |text: &str| text.parse().unwrap();
        Hours::new(HoursSettings { from: time("07:30"), to: time("18:00"), days }, 2).unwrap()
    }

    fn seen(verdict: Verdict) -> Observation {
        let (check, now) = ("x.y".parse().unwrap(), at("2027-02-02T17:55:00Z"));
        Observation::new(check, Target::Estate, now, verdict, "page is down")
    }

    #[test]
    fn opens_by_the_clock_of_london_and_the_calendar() {
        let day = |t: &str| t.parse().unwrap();
        let term = Calendar {
            terms: vec![Days { from: day("2027-01-04"), to: day("2027-03-25") }],
            closures: vec![Days { from: day("2027-02-15"), to: day("2027-02-19") }],
        };
        for (when, school, week, daily) in [
            ("2027-02-02T07:29:59Z", false, false, false),
            ("2027-02-02T07:30:00Z", true, true, true),
            ("2027-02-02T17:59:59Z", true, true, true),
            ("2027-02-02T18:00:00Z", false, false, false),
            ("2027-02-16T12:00:00Z", false, true, true),
            ("2027-02-06T12:00:00Z", false, false, true),
            // Summer time: half past six in UTC.
            ("2027-06-29T06:30:00Z", true, true, true),
            ("2027-06-29T06:29:59Z", false, false, false),
        ] {
            let open = |days| hours(days).open(&term, at(when));
            assert_eq!(open(HourDays::SchoolDays), school, "{when}");
            assert_eq!(open(HourDays::Weekdays), week, "{when}");
            assert_eq!(open(HourDays::Daily), daily, "{when}");
        }
    }

    #[test]
    fn certain_trouble_stays_over_night_and_everything_else_is_quiet() {
        let (hours, night) = (hours(HourDays::Daily), at("2027-02-02T21:00:00Z"));
        let check: CheckId = "x.y".parse().unwrap();
        let stands = |h: &Hours| h.outside(&check, Target::Estate, night);
        assert_eq!(stands(&hours).verdict, Verdict::Quiet);
        hours.saw(&seen(Verdict::Critical));
        assert_eq!(stands(&hours).verdict, Verdict::Quiet, "one bad answer of two proves nothing");
        hours.saw(&seen(Verdict::Critical));
        let still = stands(&hours);
        assert_eq!((still.verdict, still.observed_at), (Verdict::Critical, night));
        assert_eq!(still.since, Some(at("2027-02-02T17:55:00Z")));
        assert_eq!(
            still.detail.as_str(),
            "page is down; last asked Tue 17:55, asked only 07:30 to 18:00"
        );
        hours.saw(&seen(Verdict::Ok));
        assert_eq!(stands(&hours).verdict, Verdict::Quiet);
    }

    #[test]
    fn a_page_is_looked_at_on_school_days_unless_told_otherwise() {
        #[derive(Debug, Deserialize)]
        struct Page {
            #[serde(default)]
            hours: Opening,
        }
        let page = |text: &str| toml::from_str::<Page>(text).map(|page| page.hours);
        let term = Calendar {
            terms: vec![Days {
                from: "2027-01-04".parse().unwrap(),
                to: "2027-03-25".parse().unwrap(),
            }],
            closures: Vec::new(),
        };
        let unset = page("").unwrap().hours(3).unwrap().unwrap();
        for (when, open) in [
            ("2027-02-02T07:29:59Z", false),
            ("2027-02-02T07:30:00Z", true),
            ("2027-02-02T18:00:00Z", false),
            ("2027-02-06T12:00:00Z", false),
            ("2027-04-06T12:00:00Z", false),
        ] {
            assert_eq!(unset.open(&term, at(when)), open, "{when}");
        }
        assert!(page("hours = 'always'").unwrap().hours(3).unwrap().is_none());
        let own = page("hours = { from = '09:00', to = '10:00', days = 'daily' }").unwrap();
        assert!(own.hours(3).unwrap().unwrap().open(&term, at("2027-04-03T08:30:00Z")));
        for (wrong, word) in [
            ("hours = 'never'", "always"),
            ("hours = 7", "always"),
            ("hours = { from = '09:00' }", "to"),
            ("hours = { from = '09:00', to = '10:00', day = 'daily' }", "day"),
        ] {
            let why = page(wrong).unwrap_err().to_string();
            assert!(why.contains(word), "{wrong}: {why}");
        }
    }

    #[test]
    fn refuses_hours_that_never_open() {
        let time = |text: &str| text.parse().unwrap();
        let same = HoursSettings { from: time("07:30"), to: time("07:30"), days: HourDays::Daily };
        assert!(Hours::new(same, 1).is_err());
    }
}
