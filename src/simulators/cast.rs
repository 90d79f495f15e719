//! Who plays what: which school has which trouble in a scenario.

use std::collections::BTreeMap;

use crate::model::ids::Laestab;
use crate::simulators::invented::Invented;
use crate::simulators::names::TRUSTS;
use crate::simulators::scenario::Scenario;

/// Trouble at Groupcall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GroupcallPart {
    /// Data a little more than a day old.
    LateData,
    /// The school has paused its authorisation.
    Paused,
    /// Data three days old.
    StaleData,
    /// Its secret is refused.
    Refused,
    /// Fresh, but without a single pupil.
    NoPupils,
    /// Errors inside 200 for some minutes, now and then.
    Flaky,
    /// Answers under another number than was asked for.
    OtherEstab,
}

/// Trouble at Redstor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RedstorPart {
    /// Last night's run of the SIMS data failed.
    SimsFailed,
    /// Last night's run of the documents ended with warnings.
    Warnings,
    /// The SIMS account has never run in years.
    NeverRan,
    /// Last run of the documents nine days ago.
    NineDays,
    /// Last night's run of the SIMS data ended with errors.
    SimsErrors,
    /// The accounts are disabled.
    Disabled,
}

/// Trouble with the monitored computers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StationsPart {
    /// About 60 % check in.
    SixtyPercent,
    /// About 30 % check in.
    ThirtyPercent,
}

/// Trouble in the school's OU of the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DirectoryPart {
    /// Somebody tries passwords: many accounts are locked out within minutes.
    Spray,
    /// The OU is not where the config says.
    OuMissing,
    /// Every account is disabled.
    AllDisabled,
}

/// The parts of one school.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Parts {
    pub(super) groupcall: Option<GroupcallPart>,
    pub(super) redstor: Option<RedstorPart>,
    pub(super) stations: Option<StationsPart>,
    /// The vendor does not know the portal name that the config holds.
    pub(super) portal_unknown: bool,
    /// Its Purple Mash page is away for some minutes, now and then.
    pub(super) portal_flaky: bool,
    /// Its SharePoint site is not there.
    pub(super) site_missing: bool,
    /// Some of its accounts cannot be synced.
    pub(super) accounts_held: bool,
    pub(super) directory: Option<DirectoryPart>,
    /// It belongs to the trust that a storm strikes.
    pub(super) in_storm_trust: bool,
}

/// The parts of every school that has one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Cast(BTreeMap<Laestab, Parts>);

impl Cast {
    /// Gives out the parts. Larger estates have more of each; at most half of a service's schools
    /// have one.
    pub(super) fn new(invented: &Invented, scenario: Scenario, seed: u64) -> Self {
        let mut cast = Self::default();
        if scenario == Scenario::Calm {
            return cast;
        }
        let all = |service: &str| invented.takers(service).map(|(s, _)| s.laestab).collect();
        use GroupcallPart as G;
        let groupcall = [
            G::LateData,
            G::Paused,
            G::StaleData,
            G::Refused,
            G::NoPupils,
            G::Flaky,
            G::OtherEstab,
        ];
        cast.give(all("groupcall"), seed ^ 1, &groupcall, |p, part| p.groupcall = Some(part));
        use RedstorPart as R;
        let redstor =
            [R::SimsFailed, R::Warnings, R::NeverRan, R::NineDays, R::SimsErrors, R::Disabled];
        cast.give(all("redstor"), seed ^ 2, &redstor, |p, part| p.redstor = Some(part));
        let stations = [StationsPart::ThirtyPercent, StationsPart::SixtyPercent];
        cast.give(all("future_digital"), seed ^ 3, &stations, |p, part| p.stations = Some(part));
        cast.give(all("purple_mash"), seed ^ 4, &[true, false], |p, unknown| {
            p.portal_unknown = unknown;
            p.portal_flaky = !unknown;
        });
        cast.give(all("welearn365"), seed ^ 5, &[true], |p, missing| p.site_missing = missing);
        cast.give(all("welearn365"), seed ^ 6, &[true], |p, held| p.accounts_held = held);
        use DirectoryPart as D;
        let directory = [D::Spray, D::OuMissing, D::AllDisabled];
        cast.give(all("welearn365"), seed ^ 7, &directory, |p, part| p.directory = Some(part));
        let storm_trust = TRUSTS.first().copied().unwrap_or_default();
        for school in invented.schools.iter().filter(|s| s.trust.as_str() == storm_trust) {
            cast.0.entry(school.laestab).or_default().in_storm_trust = true;
        }
        cast
    }

    /// The parts of `school`.
    pub(super) fn of(&self, school: Laestab) -> Parts {
        self.0.get(&school).copied().unwrap_or_default()
    }

    fn give<P: Copy>(
        &mut self,
        mut schools: Vec<Laestab>,
        seed: u64,
        parts: &[P],
        set: impl Fn(&mut Parts, P),
    ) {
        // One of each for every 180 schools or part of them.
        let rounds = schools.len().div_ceil(180);
        let most = schools.len().div_ceil(2);
        fastrand::Rng::with_seed(seed).shuffle(&mut schools);
        let parts = parts.iter().copied().cycle().take(parts.len() * rounds).take(most);
        for (school, part) in schools.into_iter().zip(parts) {
            set(self.0.entry(school).or_default(), part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulators::estate::invent;

    #[test]
    fn a_morning_has_every_part_and_most_schools_none() {
        let invented = invent(250, 1);
        let cast = Cast::new(&invented, Scenario::Morning, 1);
        let troubled =
            cast.0.values().filter(|p| **p != Parts::default() && !p.in_storm_trust).count();
        assert!((20..60).contains(&troubled), "{troubled}");
        for part in [GroupcallPart::LateData, GroupcallPart::Paused, GroupcallPart::OtherEstab] {
            assert!(cast.0.values().any(|p| p.groupcall == Some(part)), "{part:?}");
        }
        for part in [RedstorPart::SimsFailed, RedstorPart::NeverRan, RedstorPart::Disabled] {
            assert!(cast.0.values().any(|p| p.redstor == Some(part)), "{part:?}");
        }
        assert!(
            cast.0.values().any(|p| p.portal_unknown) && cast.0.values().any(|p| p.portal_flaky)
        );
        assert_eq!(cast, Cast::new(&invented, Scenario::Morning, 1), "replayable");
        assert_ne!(cast, Cast::new(&invented, Scenario::Morning, 2));
    }

    #[test]
    fn nobody_has_a_part_in_calm() {
        assert_eq!(Cast::new(&invent(250, 1), Scenario::Calm, 1), Cast::default());
    }
}
