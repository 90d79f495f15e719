//! What goes wrong, where and when. Pure: a function of the seed, the scenario, the school and the
//! seconds since the start, so that a demo can be played again.

use std::fmt;
use std::str::FromStr;

use crate::model::ids::Laestab;
use crate::simulators::cast::{GroupcallPart, Parts};
use crate::simulators::fault::Fault;

/// A story that the simulators play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Scenario {
    /// Nothing fails and nothing changes.
    Calm,
    /// An ordinary morning: a believable mix with every health.
    #[default]
    Morning,
    /// An outage on a school day.
    Storm,
}

/// Why a scenario was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no scenario {0:?}: choose one of calm, morning, storm")]
pub struct UnknownScenario(String);

impl Scenario {
    /// Every scenario, the quietest first.
    pub const ALL: [Self; 3] = [Self::Calm, Self::Morning, Self::Storm];

    /// Its name, as given to `--scenario`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Morning => "morning",
            Self::Storm => "storm",
        }
    }

    /// One line for help texts.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Calm => "nothing fails and nothing changes",
            Self::Morning => {
                "an ordinary morning: late data, failed backups, faults that come and go"
            }
            Self::Storm => {
                "a school day's outage: Microsoft sign-in, a trust's Xporter, a shared filter, Redstor"
            }
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Scenario {
    type Err = UnknownScenario;
    fn from_str(text: &str) -> Result<Self, UnknownScenario> {
        Self::ALL
            .into_iter()
            .find(|s| s.name().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| UnknownScenario(text.chars().take(40).collect()))
    }
}

/// What Microsoft says of the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tenant {
    /// All well.
    Operational,
    /// Teams is slow; an advisory since so many seconds after the start.
    TeamsAdvisory(i64),
    /// Nobody can sign in; an incident since so many seconds after the start.
    IdentityInterruption(i64),
}

/// One moment of a scenario.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) scenario: Scenario,
    /// Seconds since the start; never negative.
    pub(super) elapsed: i64,
}

/// Length of a storm's round in seconds: what fails at its beginning is mended before its end.
const ROUND: i64 = 40 * 60;

impl Moment {
    /// Whether the scenario is a storm and this round's second lies in `from..to`.
    fn storm(self, from: i64, to: i64) -> bool {
        self.scenario == Scenario::Storm && (from..to).contains(&(self.elapsed % ROUND))
    }

    /// What Microsoft says.
    pub(super) fn tenant(self) -> Tenant {
        match self.scenario {
            Scenario::Calm => Tenant::Operational,
            Scenario::Morning => {
                let (round, at) = (self.elapsed / 1_200, self.elapsed % 1_200);
                if (360..660).contains(&at) {
                    Tenant::TeamsAdvisory(round * 1_200 + 360)
                } else {
                    Tenant::Operational
                }
            }
            Scenario::Storm if self.storm(0, 1_500) => {
                Tenant::IdentityInterruption(self.elapsed - self.elapsed % ROUND)
            }
            Scenario::Storm => Tenant::Operational,
        }
    }

    /// Whether the storm's appliance is down: `Some(seconds after the start)` since when.
    pub(super) fn shared_appliance_down(self) -> Option<i64> {
        self.storm(20, 900).then(|| self.elapsed - self.elapsed % ROUND + 20)
    }

    /// Whether Redstor is in trouble, since when.
    pub(super) fn redstor_down(self) -> Option<i64> {
        self.storm(30, 720).then(|| self.elapsed - self.elapsed % ROUND + 30)
    }

    /// What the scenario does to calls of `endpoint` (`service` or `service.endpoint`) about
    /// `school`, whose parts are `parts`.
    pub(super) fn fault(self, endpoint: &str, school: Option<(Laestab, Parts)>) -> Option<Fault> {
        if endpoint == "redstor" || endpoint == "redstor.redapi" {
            // Slow first, then not available, then slow again.
            return match self.redstor_down()? {
                _ if self.storm(30, 60) || self.storm(600, 720) => Some(Fault::Slow(1_500)),
                _ => Some(Fault::Status(503)),
            };
        }
        let (school, parts) = school?;
        let phase = i64::from(school.number() % 300);
        let comes_and_goes = |every: i64, lasts: i64| (self.elapsed + phase) % every < lasts;
        match endpoint {
            "groupcall" if parts.groupcall == Some(GroupcallPart::Flaky) => {
                comes_and_goes(420, 150).then_some(Fault::ErrorInside200)
            }
            "purple_mash" if parts.portal_flaky => {
                comes_and_goes(600, 200).then_some(Fault::Status(503))
            }
            _ => None,
        }
    }

    /// Whether the school's authorisation at Groupcall is refused.
    pub(super) fn xporter_refused(self, parts: Parts) -> bool {
        parts.groupcall == Some(GroupcallPart::Refused)
            || (parts.in_storm_trust && self.storm(0, 1_800))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_known_by_its_name_only() {
        for s in Scenario::ALL {
            assert_eq!(s.name().parse(), Ok(s));
            assert!(!s.description().is_empty() && !s.description().contains('\n'));
        }
        let why = "stormy".parse::<Scenario>().unwrap_err().to_string();
        assert!(why.contains("calm, morning, storm"), "{why}");
        assert_eq!(Scenario::default(), Scenario::Morning);
    }

    #[test]
    fn calm_never_has_a_fault() {
        let l = "9992000".parse().unwrap();
        for elapsed in 0..4_000 {
            let now = Moment { scenario: Scenario::Calm, elapsed };
            for key in ["redstor", "groupcall", "purple_mash", "welearn365"] {
                assert_eq!(now.fault(key, Some((l, Parts::default()))), None);
            }
            assert_eq!(now.tenant(), Tenant::Operational);
            assert_eq!(now.shared_appliance_down(), None);
            assert!(!now.xporter_refused(Parts { in_storm_trust: true, ..Parts::default() }));
        }
    }

    #[test]
    fn a_storm_begins_at_once_and_passes() {
        let at = |elapsed| Moment { scenario: Scenario::Storm, elapsed };
        let hit = Parts { in_storm_trust: true, ..Parts::default() };
        assert_eq!(at(0).tenant(), Tenant::IdentityInterruption(0));
        assert!(at(0).xporter_refused(hit));
        assert_eq!(at(100).fault("redstor", None), Some(Fault::Status(503)));
        assert_eq!(at(100).shared_appliance_down(), Some(20));
        let after = at(2_000);
        assert_eq!(after.tenant(), Tenant::Operational);
        assert!(!after.xporter_refused(hit));
        assert_eq!((after.fault("redstor", None), after.shared_appliance_down()), (None, None));
        assert_eq!(at(2_500).tenant(), Tenant::IdentityInterruption(2_400));
    }
}
