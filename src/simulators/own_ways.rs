//! What only a smaller vendor, a status page or the directory can do wrong, and what of it is in force;
//! the three large vendors have files of their own.
//!
//! Source: the vendor notes, way by way.

use std::collections::BTreeMap;
use std::sync::Mutex;

use jiff::Timestamp;

use crate::model::ids::Laestab;
use crate::simulators::directory::CONTROLLERS;
use crate::simulators::stage::lock;
use crate::simulators::ways::Way;

/// One way in which an appliance of the web filter goes wrong, or what it mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FilterFault {
    /// It fails open: every page passes, and nothing says so.
    LetsThrough,
    /// It blocks every page.
    BlocksAll,
    /// Whatever is asked for, another page comes: sign in to the network.
    CaptivePortal,
    /// The filter service has stopped: a mail says so, and the proxy answers 502.
    ServiceStopped,
    /// A mail of a kind that nobody has seen.
    AlertUnheardOf,
    /// A mail: the blocklist is out of date.
    BlocklistOld,
    /// A mail: it has fallen back to the mode without policies and logs.
    ReducedMode,
    /// A mail: the spare one has taken over.
    FailedOver,
    /// A mail: an interface has failed.
    InterfaceFailed,
    /// A mail: the licence ends in a week.
    LicenceEnds,
    /// One mail tells of four things: a notice, two services that stopped, an interface.
    AlertsMerged,
    /// A message without a date, whose end is cut off in its last word.
    AlertCut,
    /// It mails under a name that no table has: that its filter service has stopped.
    HostUnknown,
    /// Its last heartbeat came three days ago.
    HeartbeatMissing,
}

/// One way in which the list of monitored stations goes wrong, for one school or for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StationsFault {
    /// Six of ten computers check in.
    SixtyPercent,
    /// Three of ten computers check in.
    ThirtyPercent,
    /// No computer checks in.
    NobodySeen,
    /// Every client is of an old version.
    ClientsOld,
    /// The school has no row.
    SchoolNotListed,
    /// Times are three hours ahead.
    TimesAhead,
    /// Times are written as in the United Kingdom, without a zone.
    DatesUk,
    /// Each station is listed twice, the second time as of three weeks before.
    NamesDoubled,
}

/// One way in which the list of stations goes wrong as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ListFault {
    /// The last list is six days old.
    ListOld,
    /// It has no column of versions.
    ColumnMissing,
    /// It has no row.
    NoStations,
}

/// One way in which a page that is looked at goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PageFault {
    /// A web filter's block page stands in its place.
    FilterBlocks,
    /// It hands over to Microsoft's sign-in.
    HandsOver,
    /// It points to a host that nobody knows.
    RedirectsElsewhere,
}

/// One way in which a school's portal page goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PortalFault {
    /// The vendor does not know the portal's name, and shows a page for all.
    NameUnknown,
    /// It is another school's.
    NamesAnother,
    /// It has no button to sign in with Microsoft.
    ButtonMissing,
}

/// One way in which a school's part of the directory goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DirectoryFault {
    /// Somebody tries passwords: fourteen accounts are locked out within minutes.
    PasswordSpray,
    /// Its OU is not where the configuration says.
    OuMissing,
    /// Every account is disabled.
    AllDisabled,
}

/// One way in which a domain controller goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ControllerFault {
    /// Its clock is ten minutes ahead.
    ClockAhead,
    /// Its clock is three minutes behind.
    ClockBehind,
    /// It lacks the passwords that were set on the others six hours ago; of one controller only.
    ReplicationLag,
    /// It has not finished its first copy.
    NotSynchronized,
    /// Searches take longer than the server allows (3).
    TimeLimit,
    /// Searches end at the size limit, paged or not (4).
    SizeLimit,
    /// Searches go beyond an administrative limit (11).
    AdminLimit,
    /// Our account may not search there (50).
    NoRight,
    /// It says that it is unavailable (52).
    Unavailable,
    /// Searches are referred to another server (10).
    Referral,
    /// Among the entries are references to other servers, and the search is a success.
    References,
    /// Our account is refused: no such user (525).
    AccountUnknown,
    /// Its password is wrong (52e).
    PasswordWrong,
    /// It may not sign in at this hour (530).
    AccountNotNow,
    /// It may not sign in from here (531).
    AccountNotFromHere,
    /// Its password has expired (532).
    PasswordExpired,
    /// It is disabled (533).
    AccountDisabled,
    /// It has expired (701).
    AccountExpired,
    /// It must change its password first (773).
    PasswordMustChange,
    /// It is locked out (775).
    AccountLocked,
}

/// What a vendor's status page tells besides what the scenario makes it tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StatusFault {
    /// Maintenance of our component is announced for tomorrow, an hour long.
    MaintenanceAnnounced,
    /// It is under way since a quarter of an hour, and our component says so.
    MaintenanceUnderWay,
    /// Its time has come, and nobody has written that it has begun.
    MaintenanceUnsaid,
    /// It has been completed.
    MaintenanceCompleted,
    /// It is of a component that we do not use.
    MaintenanceElsewhere,
    /// Our component is degraded.
    Degraded,
    /// Our component is down, by an incident.
    Outage,
    /// The same, mended and under watch.
    FixWatched,
    /// Our component has another name and id.
    ComponentRenamed,
}

impl ControllerFault {
    /// The result with which every search ends before its first entry.
    pub(super) fn result(self) -> Option<(u32, &'static str)> {
        match self {
            Self::TimeLimit => Some((3, "")),
            Self::AdminLimit => Some((11, "")),
            Self::NoRight => Some((50, "00002098: SecErr: DSID-03150BC1, problem 4003")),
            Self::Unavailable => Some((52, "000020DF: SvcErr: DSID-03190F7A, problem 5002")),
            _ => None,
        }
    }

    /// The sub-code with which a sign-in is refused.
    pub(super) fn refusal(self) -> Option<&'static str> {
        match self {
            Self::AccountUnknown => Some("525"),
            Self::PasswordWrong => Some("52e"),
            Self::AccountNotNow => Some("530"),
            Self::AccountNotFromHere => Some("531"),
            Self::PasswordExpired => Some("532"),
            Self::AccountDisabled => Some("533"),
            Self::AccountExpired => Some("701"),
            Self::PasswordMustChange => Some("773"),
            Self::AccountLocked => Some("775"),
            Self::ClockAhead
            | Self::ClockBehind
            | Self::ReplicationLag
            | Self::NotSynchronized
            | Self::TimeLimit
            | Self::SizeLimit
            | Self::AdminLimit
            | Self::NoRight
            | Self::Unavailable
            | Self::Referral
            | Self::References => None,
        }
    }
}

impl Way for FilterFault {
    const ALL: &'static [Self] = &[
        Self::LetsThrough,
        Self::BlocksAll,
        Self::CaptivePortal,
        Self::ServiceStopped,
        Self::AlertUnheardOf,
        Self::BlocklistOld,
        Self::ReducedMode,
        Self::FailedOver,
        Self::InterfaceFailed,
        Self::LicenceEnds,
        Self::AlertsMerged,
        Self::AlertCut,
        Self::HostUnknown,
        Self::HeartbeatMissing,
    ];
}

impl Way for StationsFault {
    const ALL: &'static [Self] = &[
        Self::SixtyPercent,
        Self::ThirtyPercent,
        Self::NobodySeen,
        Self::ClientsOld,
        Self::SchoolNotListed,
        Self::TimesAhead,
        Self::DatesUk,
        Self::NamesDoubled,
    ];
}

impl Way for ListFault {
    const ALL: &'static [Self] = &[Self::ListOld, Self::ColumnMissing, Self::NoStations];
}

impl Way for PageFault {
    const ALL: &'static [Self] = &[Self::FilterBlocks, Self::HandsOver, Self::RedirectsElsewhere];
}

impl Way for PortalFault {
    const ALL: &'static [Self] = &[Self::NameUnknown, Self::NamesAnother, Self::ButtonMissing];
}

impl Way for DirectoryFault {
    const ALL: &'static [Self] = &[Self::PasswordSpray, Self::OuMissing, Self::AllDisabled];
}

impl Way for ControllerFault {
    const ALL: &'static [Self] = &[
        Self::ClockAhead,
        Self::ClockBehind,
        Self::ReplicationLag,
        Self::NotSynchronized,
        Self::TimeLimit,
        Self::SizeLimit,
        Self::AdminLimit,
        Self::NoRight,
        Self::Unavailable,
        Self::Referral,
        Self::References,
        Self::AccountUnknown,
        Self::PasswordWrong,
        Self::AccountNotNow,
        Self::AccountNotFromHere,
        Self::PasswordExpired,
        Self::AccountDisabled,
        Self::AccountExpired,
        Self::PasswordMustChange,
        Self::AccountLocked,
    ];
}

impl Way for StatusFault {
    const ALL: &'static [Self] = &[
        Self::MaintenanceAnnounced,
        Self::MaintenanceUnderWay,
        Self::MaintenanceUnsaid,
        Self::MaintenanceCompleted,
        Self::MaintenanceElsewhere,
        Self::Degraded,
        Self::Outage,
        Self::FixWatched,
        Self::ComponentRenamed,
    ];
}

macro_rules! of {
    ($($kind:ident($fault:ident)),+ $(,)?) => {
        /// One of all these.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(super) enum OwnFault {
            $($kind($fault)),+
        }

        $(impl From<$fault> for OwnFault {
            fn from(fault: $fault) -> Self {
                Self::$kind(fault)
            }
        })+

        impl OwnFault {
            /// Every way.
            fn all() -> impl Iterator<Item = (Self, String)> {
                let all = std::iter::empty();
                $(let all = all.chain($fault::ALL.iter().map(|f| (Self::from(*f), f.name())));)+
                all
            }
        }
    };
}

of!(
    Filter(FilterFault),
    Stations(StationsFault),
    List(ListFault),
    Page(PageFault),
    Portal(PortalFault),
    Directory(DirectoryFault),
    Controller(ControllerFault),
    Status(StatusFault),
);

impl OwnFault {
    /// The way of this name that can be put on `on`, a service or one of its endpoints.
    pub(super) fn named(on: &str, name: &str) -> Option<Self> {
        Self::all().find(|(f, n)| n == name.trim() && f.fits(on)).map(|(f, _)| f)
    }

    /// The names of those that can be put on `on`.
    pub(super) fn names(on: &str) -> Vec<String> {
        Self::all().filter(|(f, _)| f.fits(on)).map(|(_, name)| name).collect()
    }

    fn fits(self, on: &str) -> bool {
        match self {
            Self::Filter(_) => {
                on == "smoothwall" || (on.starts_with("smoothwall.") && on != "smoothwall.test")
            }
            Self::Stations(_) | Self::List(_) => on == "future_digital",
            Self::Page(_) => ["just2easy", "purple_mash"].contains(&on),
            Self::Portal(_) => on == "purple_mash",
            Self::Directory(_) => on == "welearn365",
            Self::Controller(ControllerFault::ReplicationLag) => CONTROLLERS.contains(&on),
            Self::Controller(_) => on == "welearn365" || CONTROLLERS.contains(&on),
            Self::Status(_) => on.ends_with(".status"),
        }
    }

    /// Whether it can be put on one school.
    pub(super) fn is_of_a_school(self) -> bool {
        match self {
            Self::Stations(_) | Self::Portal(_) | Self::Directory(_) => true,
            Self::Filter(_)
            | Self::List(_)
            | Self::Page(_)
            | Self::Controller(_)
            | Self::Status(_) => false,
        }
    }
}

/// What a way is put on: a service or one of its endpoints, and one school or all.
type Place = (String, Option<Laestab>, OwnFault);

/// The ways in force, and since when.
#[derive(Default)]
pub(super) struct Placed(Mutex<BTreeMap<Place, Timestamp>>);

impl Placed {
    pub(super) fn put(&self, on: &str, school: Option<Laestab>, fault: OwnFault, now: Timestamp) {
        lock(&self.0).entry((on.to_owned(), school, fault)).or_insert(now);
    }

    pub(super) fn take(&self, on: &str, school: Option<Laestab>, fault: OwnFault) {
        lock(&self.0).remove(&(on.to_owned(), school, fault));
    }

    /// Since when `fault` is put on `endpoint` or its service, for `school` or for all.
    pub(super) fn since(
        &self,
        endpoint: &str,
        school: Option<Laestab>,
        fault: impl Into<OwnFault>,
    ) -> Option<Timestamp> {
        let (fault, placed) = (fault.into(), lock(&self.0));
        let service = endpoint.split_once('.').map_or(endpoint, |(service, _)| service);
        let meant = |(on, whom, what): &Place| {
            *what == fault
                && (on == endpoint || on == service)
                && (whom.is_none() || *whom == school)
        };
        placed.iter().find(|(place, _)| meant(place)).map(|(_, since)| *since)
    }

    /// Whether it is.
    pub(super) fn is(
        &self,
        endpoint: &str,
        school: Option<Laestab>,
        fault: impl Into<OwnFault>,
    ) -> bool {
        self.since(endpoint, school, fault).is_some()
    }

    /// Those of a service, to see whether a file must be written anew.
    pub(super) fn in_words(&self, service: &str) -> String {
        let placed = lock(&self.0);
        format!("{:?}", placed.keys().filter(|(on, ..)| on == service).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_has_a_name_of_its_own() {
        use crate::simulators::ways::names_are_their_own as own;
        own::<FilterFault>(&["lets_through"]);
        own::<StationsFault>(&["sixty_percent"]);
        own::<ListFault>(&["list_old"]);
        own::<PageFault>(&["hands_over"]);
        own::<PortalFault>(&["name_unknown"]);
        own::<DirectoryFault>(&["password_spray"]);
        own::<ControllerFault>(&["replication_lag"]);
        own::<StatusFault>(&["maintenance_announced"]);
        for on in ["smoothwall", "future_digital", "welearn365", "redstor.status"] {
            let names = OwnFault::names(on);
            let alone: std::collections::BTreeSet<&String> = names.iter().collect();
            assert_eq!(alone.len(), names.len(), "{on}: {names:?}");
        }
    }

    #[test]
    fn a_way_stands_where_it_can_and_nowhere_else() {
        let can = |on, name| OwnFault::named(on, name).is_some();
        assert!(can("smoothwall", "lets_through") && can("smoothwall.filter02", "lets_through"));
        assert!(!can("smoothwall.test", "lets_through"), "no appliance");
        assert!(can("welearn365", "clock_ahead") && can("welearn365.dc2", "clock_ahead"));
        assert!(!can("welearn365.login", "clock_ahead"));
        assert!(can("welearn365.dc2", "replication_lag"));
        assert!(!can("welearn365", "replication_lag"), "behind whom?");
        assert!(can("redstor.status", "outage") && !can("redstor", "outage"));
    }

    #[test]
    fn one_appliance_or_all_one_school_or_all() {
        let (placed, now) = (Placed::default(), Timestamp::UNIX_EPOCH);
        let open = OwnFault::from(FilterFault::LetsThrough);
        let is = |on| placed.is(on, None, open);
        placed.put("smoothwall.filter02", None, open, now);
        assert!(is("smoothwall.filter02") && !is("smoothwall.filter01"));
        placed.take("smoothwall.filter02", None, open);
        assert!(!is("smoothwall.filter02"));
        placed.put("smoothwall", None, open, now);
        assert!(is("smoothwall.filter02") && is("smoothwall.filter01"));
        assert!(!placed.is("smoothwall.filter02", None, FilterFault::BlocksAll));

        let school = |n: u32| Some(format!("{n}").parse().unwrap());
        placed.put("purple_mash", school(9_992_001), PortalFault::NameUnknown.into(), now);
        let unknown = |l| placed.is("purple_mash", l, PortalFault::NameUnknown);
        assert!(unknown(school(9_992_001)) && !unknown(school(9_992_002)) && !unknown(None));
    }
}
