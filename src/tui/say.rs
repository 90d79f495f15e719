//! The sentence for the telephone: made from rule, cause and consequence in plain words.
//!
//! Invariant: no name of a person, no vendor's text and no jargon; only our words, service names,
//! times and the numbers of tickets. What is not known is said as not known.

use jiff::Timestamp;

use crate::tui::state::Class;
use crate::tui::times;
use crate::wire::page::{Page, ServiceView};
use crate::wire::{Health, Reason, Scope};

/// Plain words for a service; others are called by their displayed name.
struct Words {
    key: &'static str,
    /// What it is to a school.
    thing: &'static str,
    /// What is wrong when it is critical, before "since ..".
    broken: &'static str,
    /// What a school notices.
    lost: &'static str,
}

const WORDS: &[Words] = &[
    Words {
        key: "welearn365",
        thing: "signing in, mail and files",
        broken: "Signing in, mail and files have not worked as they should",
        lost: "Lessons that are reached through the same sign-in may be affected too.",
    },
    Words {
        key: "groupcall",
        thing: "your pupil data",
        broken: "Your pupil data has not reached us",
        lost: "New starters may have no account yet. Accounts that exist are not touched by this.",
    },
    Words {
        key: "redstor",
        thing: "the backup of your server",
        broken: "Your server has had no good backup",
        lost: "Nothing is lost, but newer work could not be brought back.",
    },
    Words {
        key: "future_digital",
        thing: "the safeguarding monitor on your computers",
        broken: "Too few of your computers have reported to the safeguarding monitor",
        lost: "Please watch pupils' computer use more closely until it is back.",
    },
    Words {
        key: "smoothwall",
        thing: "your web filter",
        broken: "Your web filter has not worked as it should",
        lost: "Please watch pupils' browsing closely until it is back.",
    },
    Words {
        key: "just2easy",
        thing: "Just2Easy",
        broken: "Just2Easy could not be reached as it should",
        lost: "Lessons that use it are affected.",
    },
    Words {
        key: "purple_mash",
        thing: "Purple Mash",
        broken: "Purple Mash could not be reached as it should",
        lost: "Lessons that use it are affected.",
    },
];

/// Tickets that are spoken of, of the trouble itself and of other things.
const SPOKEN: usize = 2;

/// The sentence of a page; `None` where there is no service to speak of.
#[must_use]
pub fn sentence(page: &Page, now: Timestamp) -> Option<String> {
    let worst = page
        .services
        .iter()
        .filter(|s| s.cell.health != Health::NotSubscribed)
        .min_by_key(|s| (class(s), std::cmp::Reverse(s.cell.health), s.cell.since))?;
    let said = match class(worst) {
        Class::Nobody | Class::Somebody => own_trouble(page, worst, now),
        Class::Follows => follows(page, worst),
        Class::Ok | Class::NotSetUp if page.not_watched.is_empty() => {
            "Everything that we watch for you is working as it should.".to_owned()
        }
        Class::Ok | Class::NotSetUp => {
            "Everything that we watch for you is working; some things we cannot watch.".to_owned()
        }
    };
    Some(format!("{said}{}", tickets(page, worst)))
}

/// The tickets that stand: of the trouble that is spoken of, then of others.
fn tickets(page: &Page, worst: &ServiceView) -> String {
    let mut out = String::new();
    let about =
        |view: &ServiceView| view.service != worst.service || !view.cell.health.is_trouble();
    if !about(worst) {
        let numbers = worst.tickets.iter().rev().take(SPOKEN).map(|t| t.number.as_str());
        let numbers: Vec<&str> = numbers.collect();
        match numbers.as_slice() {
            [] => {}
            [one] => out.push_str(&format!(" The ticket is {one}.")),
            all => out.push_str(&format!(" The tickets are {}.", all.join(" and "))),
        }
    }
    let others = page.services.iter().filter(|view| about(view));
    let others = others.flat_map(|view| view.tickets.iter().map(move |ticket| (view, ticket)));
    for (view, ticket) in others.take(SPOKEN) {
        let thing = thing(page, view.service.as_str());
        out.push_str(&format!(" Ticket {} about {thing} is open.", ticket.number));
    }
    out
}

/// The first sentence alone, where there is little room.
pub(super) fn shortened(text: &str) -> &str {
    text.split_inclusive(". ").next().unwrap_or(text).trim_end()
}

fn class(view: &ServiceView) -> Class {
    match (view.cell.health.is_trouble(), &view.cell.follows_from, &view.cell.handling) {
        (false, ..) => Class::Ok,
        (true, Some(_), _) => Class::Follows,
        (true, None, Some(_)) => Class::Somebody,
        (true, None, None) => Class::Nobody,
    }
}

fn own_trouble(page: &Page, worst: &ServiceView, now: Timestamp) -> String {
    let thing = thing(page, worst.service.as_str());
    let words = WORDS.iter().find(|w| w.key == worst.service.as_str());
    let since =
        worst.cell.since.map(|at| format!(" {}", times::spoken_since(at, now))).unwrap_or_default();
    let mut out = match worst.cell.health {
        Health::Unknown
            if worst.cell.reason == Some(Reason::NeverSeen) && worst.cell.since.is_none() =>
        {
            return format!("We have not looked at {thing} yet; give us a minute.");
        }
        Health::Unknown => format!(
            "We cannot tell at the moment whether {thing} is well: {}.",
            not_known(worst.cell.reason)
        ),
        Health::Critical => {
            let broken = words.map_or_else(
                || format!("{} has not worked as it should", capital(&thing)),
                |w| w.broken.to_owned(),
            );
            let lost = words.map_or(String::new(), |w| format!(" {}", w.lost));
            format!("{broken}{since}.{lost}")
        }
        Health::Warning | Health::Ok | Health::NotSubscribed => {
            format!("{} needs a look{since}; it may still work for you.", capital(&thing))
        }
    };
    if page.school.is_some() {
        out.push_str(&others(worst));
    }
    out.push_str(match worst.cell.handling {
        Some(_) => " One of us has it in hand.",
        None => " We can see it here.",
    });
    out
}

/// Whether it is only them.
fn others(worst: &ServiceView) -> String {
    match worst.elsewhere.saturating_sub(1) {
        0 => String::new(),
        1 => " One other school has the same.".to_owned(),
        _ if worst.elsewhere >= worst.takers.div_ceil(2) => {
            " Many schools have the same.".to_owned()
        }
        others => format!(" {others} other schools have the same."),
    }
}

fn follows(page: &Page, worst: &ServiceView) -> String {
    let thing = thing(page, worst.service.as_str());
    let Some(cause) = &worst.cell.follows_from else { return String::new() };
    let whose = match cause.scope {
        Scope::Estate => "for all schools",
        Scope::School => "at your school",
    };
    if cause.service == worst.service {
        return format!("There is trouble with {thing} {whose}. It is not your school alone.");
    }
    let cause = self::thing(page, cause.service.as_str());
    format!("{} is affected, because there is trouble with {cause} {whose}.", capital(&thing))
}

/// A service in plain words.
fn thing(page: &Page, key: &str) -> String {
    WORDS.iter().find(|w| w.key == key).map_or_else(
        || {
            let view = page.services.iter().find(|s| s.service.as_str() == key);
            view.map_or_else(|| key.to_owned(), |v| v.label.as_str().to_owned())
        },
        |w| w.thing.to_owned(),
    )
}

fn not_known(reason: Option<Reason>) -> &'static str {
    match reason {
        Some(Reason::NoAnswer) => "it gives us no answer",
        Some(Reason::Unauthorised) => "we are not let in to look",
        Some(Reason::Malformed) => "it answers in a way that we do not trust",
        Some(Reason::Stale) => "what we last saw is too old",
        Some(Reason::Throttled) => "we were asked to wait",
        Some(Reason::Paused) => "it is paused, or waits for your school's approval",
        Some(Reason::NeverSeen) => "we have never had anything from it",
        Some(Reason::NotRecorded) => "we did not keep how it was",
        None => "we do not know why",
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Cell, Clean, Ticket};

    fn page(services: Vec<ServiceView>) -> Page {
        Page {
            version: 1,
            revision: 1,
            as_of: "2026-11-24T09:14:00Z".parse().unwrap(),
            school: None,
            contact: Clean::default(),
            note: Clean::default(),
            school_day: true,
            services,
            history: Vec::new(),
            desk: Vec::new(),
            incidents: Vec::new(),
            not_watched: Vec::new(),
            past: None,
            replay: false,
        }
    }

    #[test]
    fn what_was_not_asked_yet_is_not_said_to_be_missing() {
        let unasked = ServiceView {
            service: "groupcall".parse().unwrap(),
            label: Clean::new("Groupcall"),
            code: Clean::new("GC"),
            cell: Cell {
                health: Health::Unknown,
                reason: Some(Reason::NeverSeen),
                ..Cell::default()
            },
            checks: Vec::new(),
            elsewhere: 9,
            in_common: Vec::new(),
            takers: 9,
            affects: Vec::new(),
            planned: None,
            windows: Vec::new(),
            days: String::new(),
            tickets: Vec::new(),
            next_steps: Vec::new(),
        };
        let now = "2026-11-24T09:14:00Z".parse().unwrap();
        let said = sentence(&page(vec![unasked.clone()]), now).unwrap();
        assert_eq!(said, "We have not looked at your pupil data yet; give us a minute.");
        let mut never = unasked;
        never.cell.since = Some(now);
        let said = sentence(&page(vec![never]), now).unwrap();
        assert!(said.contains("we have never had anything from it"), "{said}");
    }

    #[test]
    fn a_ticket_is_named_by_its_number_and_by_what_it_is_about() {
        let now: Timestamp = "2026-11-24T09:14:00Z".parse().unwrap();
        let ticket = |number: &str| Ticket {
            number: Clean::new(number),
            key: Clean::new("k"),
            action: "desk.raise_ticket".parse().unwrap(),
            by: Clean::new("asha"),
            at: now,
        };
        let view = |key: &str, health: Health, tickets: &[&str]| ServiceView {
            service: key.parse().unwrap(),
            label: Clean::new(key),
            code: Clean::new("XX"),
            cell: Cell { health, since: Some(now), ..Cell::default() },
            checks: Vec::new(),
            elsewhere: 1,
            in_common: Vec::new(),
            takers: 9,
            affects: Vec::new(),
            planned: None,
            windows: Vec::new(),
            days: String::new(),
            tickets: tickets.iter().map(|number| ticket(number)).collect(),
            next_steps: Vec::new(),
        };
        let say = |services: Vec<ServiceView>| sentence(&page(services), now).unwrap();
        let bad = say(vec![
            view("groupcall", Health::Critical, &["10482"]),
            view("redstor", Health::Ok, &["10483"]),
        ]);
        assert!(
            bad.ends_with(
                "We can see it here. The ticket is 10482. Ticket 10483 about the backup of your server \
                 is open."
            ),
            "{bad}"
        );
        let well = say(vec![view("redstor", Health::Ok, &["10483"])]);
        assert!(
            well.ends_with("as it should. Ticket 10483 about the backup of your server is open.")
        );
        let both = say(vec![view("groupcall", Health::Warning, &["7", "8", "9"])]);
        assert!(both.ends_with(" The tickets are 9 and 8."), "the newest ones: {both}");
        assert!(!say(vec![view("groupcall", Health::Critical, &[])]).contains("icket"));
    }
}
