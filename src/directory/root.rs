//! What a controller says of itself, and how long the domain keeps an account locked.

use jiff::{SignedDuration, Timestamp};

use super::failure::DirectoryFailure;
use super::value::{Ticks, generalised_time, number, span, truth};
use crate::model::text::Clean;
use crate::transport::ldap::{Filter, Scope, Search, Session, Take};

/// What a controller says of itself (rootDSE).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Its own name for itself.
    pub host: Clean,
    /// Its clock, to the second.
    pub now: Timestamp,
    /// The domain, as a DN.
    pub domain: String,
    /// The number of its last change; its own, not comparable with another controller's.
    pub last_change: i64,
    /// Whether it has finished its first copy from its partners.
    pub synchronized: bool,
}

const ROOT: &[&str] = &[
    "currentTime",
    "defaultNamingContext",
    "dnsHostName",
    "highestCommittedUSN",
    "isSynchronized",
];

impl Root {
    /// Asks the controller of `session`: one request.
    ///
    /// # Errors
    /// When it does not answer, or leaves something out.
    pub async fn of(session: &mut Session) -> Result<Self, DirectoryFailure> {
        let filter = Filter::present("objectClass");
        let search = Search {
            base: "",
            scope: Scope::Base,
            filter: &filter,
            attributes: ROOT,
            take: Take::All(1),
        };
        let mut seen = None;
        session.search(&search, &mut |entry| seen = Some(entry)).await?;
        let controller = session.controller();
        let lacks = |what| {
            DirectoryFailure::malformed(
                controller,
                format!(
                    "it says nothing readable of itself for {what}: is it a domain controller?"
                ),
            )
        };
        let entry = seen.ok_or_else(|| lacks("anything"))?;
        let text = |name| entry.one(name).and_then(|v| std::str::from_utf8(v).ok());
        let read = |name: &'static str| entry.one(name).ok_or_else(|| lacks(name));
        let host = Clean::new(text("dnsHostName").ok_or_else(|| lacks("dnsHostName"))?);
        let domain = text("defaultNamingContext").ok_or_else(|| lacks("defaultNamingContext"))?;
        Ok(Self {
            host,
            domain: domain.to_owned(),
            now: generalised_time(read("currentTime")?).ok_or_else(|| lacks("currentTime"))?,
            last_change: number(read("highestCommittedUSN")?)
                .ok_or_else(|| lacks("highestCommittedUSN"))?,
            synchronized: truth(read("isSynchronized")?).ok_or_else(|| lacks("isSynchronized"))?,
        })
    }
}

/// How the domain locks accounts out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lockout {
    /// How long a lock stays; `None`: until an administrator takes it away.
    pub stays: Option<SignedDuration>,
    /// Wrong passwords that lock; 0: never.
    pub after: i64,
}

impl Lockout {
    /// Asks for the policy of `domain`: one request.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn of(session: &mut Session, domain: &str) -> Result<Self, DirectoryFailure> {
        let filter = Filter::present("objectClass");
        let attributes = &["lockoutDuration", "lockoutThreshold"];
        let search = Search {
            base: domain,
            scope: Scope::Base,
            filter: &filter,
            attributes,
            take: Take::All(1),
        };
        let mut seen = None;
        session.search(&search, &mut |entry| seen = Some(entry)).await?;
        let lacks = |what| {
            DirectoryFailure::malformed(
                session.controller(),
                format!("the domain's {what} is missing or no number: may our account read it?"),
            )
        };
        let entry = seen.ok_or_else(|| lacks("lockoutDuration"))?;
        let stays = entry.one("lockoutDuration").and_then(span);
        let stays = stays.ok_or_else(|| lacks("lockoutDuration"))?;
        let after = entry.one("lockoutThreshold").and_then(number);
        Ok(Self {
            stays: (stays.is_positive() && stays < FOR_EVER).then_some(stays),
            after: after.filter(|n| *n >= 0).ok_or_else(|| lacks("lockoutThreshold"))?,
        })
    }

    /// Whether a lock of `at` still stands at `now`, by the controller's clock.
    #[must_use]
    pub fn stands(&self, at: Ticks, now: Timestamp) -> bool {
        let Some(from) = at.at() else { return !at.is_never() };
        match self.stays {
            None => true,
            Some(stays) => from.checked_add(stays).map_or(true, |until| now < until),
        }
    }
}

/// Longer than anybody sets in earnest: the largest number stands for "until taken away".
const FOR_EVER: SignedDuration = SignedDuration::from_hours(24 * 366 * 100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_by_itself_or_stays_until_it_is_taken_away() {
        let now: Timestamp = "2027-02-09T11:20:00Z".parse().unwrap();
        let at = |minutes: i64| Ticks::of(now - SignedDuration::from_mins(minutes));
        let half_an_hour = Lockout { stays: Some(SignedDuration::from_mins(30)), after: 5 };
        assert!(half_an_hour.stands(at(29), now) && half_an_hour.stands(at(-3), now));
        assert!(!half_an_hour.stands(at(30), now) && !half_an_hour.stands(at(120), now));
        assert!(!half_an_hour.stands(Ticks(0), now));
        let by_hand = Lockout { stays: None, after: 5 };
        assert!(by_hand.stands(at(60 * 24 * 400), now) && !by_hand.stands(Ticks(0), now));
        // A moment that no calendar holds is a lock all the same.
        assert!(half_an_hour.stands(Ticks(i64::MAX - 1), now));
    }
}
