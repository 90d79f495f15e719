//! One account as the desk looks at it: why can this person not sign in?
//!
//! Names are masked until their showing was recorded; addresses are never told, only whether they fit.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::calendar::london;
use crate::model::ids::Laestab;
use crate::model::plan::Kind;
use crate::model::text::Clean;

/// Accounts that one search finds at most.
pub const MOST_HITS: usize = 20;
/// A sync that is longer ago than this is told.
const LATE: SignedDuration = SignedDuration::from_hours(3);

/// An account that a search found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hit {
    /// Its objectGUID, by which its page and actions are asked for.
    pub guid: Clean,
    /// Its login: masked, or login and name where showing them was recorded.
    pub label: Clean,
    /// The folders between the school's OU and it: `Pupils / Year 3`.
    pub folder: Clean,
    /// Whose it is, by its folder.
    pub kind: Kind,
    /// Disabled in the directory.
    pub disabled: bool,
    /// Locked out after too many wrong passwords.
    pub locked_out: bool,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hits {
    /// At most [`MOST_HITS`], by login.
    pub hits: Vec<Hit>,
    /// Whether there are more: then a longer part of the name is needed.
    pub more: bool,
    /// The controller that was asked.
    pub by: Clean,
}

/// How the account stands in Microsoft 365.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CloudView {
    /// It was not asked, or did not answer.
    NotKnown {
        /// Why.
        why: Clean,
    },
    /// It has no such account.
    NotThere,
    /// It has it.
    Known {
        /// Its id there.
        id: Clean,
        /// Whether its sign-in is open.
        enabled: bool,
        /// When the directory last brought it.
        #[schemars(with = "Option<String>")]
        last_sync: Option<Timestamp>,
        /// What the sync could not bring: category and property, never the value.
        errors: Vec<Clean>,
    },
}

/// Whether its mail address is one by which Purple Mash knows it: that of the directory, which the
/// school's MIS gave, and that of Microsoft 365, with which it signs in, must be there and the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailView {
    /// It is.
    Fits,
    /// The directory has none.
    Missing,
    /// The two have different ones.
    Differs,
    /// Microsoft 365 does not tell.
    NotKnown,
}

/// The page of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountPage {
    /// Its school.
    pub school: Laestab,
    /// Its objectGUID.
    pub guid: Clean,
    /// Its login, masked or whole.
    pub label: Clean,
    /// Its displayed name, masked or whole.
    pub name: Clean,
    /// Whose it is.
    pub kind: Kind,
    /// The folders between the school's OU and it.
    pub folder: Clean,
    /// The controller that was asked.
    pub by: Clean,
    /// When, by the controller's clock.
    #[schemars(with = "String")]
    pub read_at: Timestamp,
    /// Disabled: stays so until somebody enables it.
    pub disabled: bool,
    /// Locked out after too many wrong passwords.
    pub locked_out: bool,
    /// Since when.
    #[schemars(with = "Option<String>")]
    pub locked_at: Option<Timestamp>,
    /// When the lock ends by itself; absent when it does not.
    #[schemars(with = "Option<String>")]
    pub unlocks_at: Option<Timestamp>,
    /// Its last day, if it has one.
    #[schemars(with = "Option<String>")]
    pub ends_at: Option<Timestamp>,
    /// Whether that has passed.
    pub ended: bool,
    /// Whether its password must be changed at the next sign-in.
    pub must_change: bool,
    /// When its password was set.
    #[schemars(with = "Option<String>")]
    pub password_set_at: Option<Timestamp>,
    /// When it last signed in to the domain, up to two weeks late.
    #[schemars(with = "Option<String>")]
    pub signed_in_at: Option<Timestamp>,
    /// Why nothing can be done to it from here; absent when it can.
    pub protected: Option<Clean>,
    /// Microsoft 365.
    pub cloud: CloudView,
    /// Purple Mash's rule.
    pub mail: MailView,
    /// Everything that stops it, the gravest first.
    pub stops: Vec<Clean>,
    /// One sentence for the caller.
    pub says: Clean,
}

/// Whose an account is, in a word.
#[must_use]
pub fn whose(kind: Kind) -> &'static str {
    match kind {
        Kind::Estate => "estate",
        Kind::School => "school",
        Kind::Pupil => "pupil",
        Kind::Staff => "staff",
        Kind::Governor => "governor",
        Kind::Other => "of no known kind",
    }
}

/// How the directory lets an account in, in a word.
#[must_use]
pub fn lock_word(disabled: bool, locked_out: bool) -> &'static str {
    match (disabled, locked_out) {
        (false, false) => "open",
        (true, false) => "DISABLED",
        (false, true) => "LOCKED OUT",
        (true, true) => "DISABLED and LOCKED OUT",
    }
}

fn at(moment: Timestamp, format: &str) -> String {
    moment.to_zoned_datetime(london()).strftime(format).to_string()
}

impl AccountPage {
    /// With what stops it and the sentence, made from all the rest.
    #[must_use]
    pub fn told(mut self) -> Self {
        let mut stops = self.in_the_directory();
        stops.extend(self.in_the_cloud());
        let says = match (stops.first(), &self.cloud) {
            (Some(first), _) => format!("The person cannot sign in: {first}."),
            (None, CloudView::NotKnown { why }) => format!(
                "Nothing in the directory stops this account; Microsoft 365 is not known ({why})."
            ),
            (None, _) => {
                "Nothing in the directory or in Microsoft 365 stops this account: a wrong \
                          password, most likely."
                    .to_owned()
            }
        };
        // It signs in, and one door knows it not.
        stops.extend(self.at_purple_mash().map(str::to_owned));
        self.stops = stops.iter().map(|text| Clean::new(text)).collect();
        self.says = Clean::new(&says);
        self
    }

    /// Everything but the sentence, as pairs of a label and a text, in the order of reading.
    #[must_use]
    pub fn rows(&self) -> Vec<(String, String)> {
        let time = |moment| at(moment, "%a %-d %b %Y %H:%M");
        let mut out = Vec::new();
        let mut row = |label: &str, text: String| out.push((label.to_owned(), text));
        row("account", format!("{}, {}", self.label, self.name));
        row("id", self.guid.to_string());
        row("where", format!("{}, {}, {}", self.school, self.folder, whose(self.kind)));
        row("directory", lock_word(self.disabled, self.locked_out).to_owned());
        if let Some(since) = self.locked_at {
            let until = self.unlocks_at.map_or("somebody clears it".to_owned(), time);
            row("locked out", format!("{} until {until}", time(since)));
        }
        if let Some(last) = self.ends_at {
            row("last day", format!("{}{}", time(last), if self.ended { "   ENDED" } else { "" }));
        }
        let set = self.password_set_at;
        let set = set.map_or("must be changed first".to_owned(), |at| format!("set {}", time(at)));
        row("password", set);
        row("signed in", self.signed_in_at.map_or("never, in the domain".to_owned(), time));
        match &self.cloud {
            CloudView::NotKnown { why } => row("Microsoft 365", format!("NOT KNOWN: {why}")),
            CloudView::NotThere => row("Microsoft 365", "has no such account".to_owned()),
            CloudView::Known { id, enabled, last_sync, errors } => {
                let open = if *enabled { "open" } else { "BLOCKED" };
                row("Microsoft 365", format!("{open}   {id}"));
                row("last sync", last_sync.map_or("never".to_owned(), time));
                errors.iter().for_each(|error| row("sync error", error.to_string()));
            }
        }
        let mail = match self.mail {
            MailView::Fits => "the mail address fits",
            MailView::Missing => "NO MAIL ADDRESS in the directory",
            MailView::Differs => "DIFFERENT MAIL ADDRESSES in the directory and in Microsoft 365",
            MailView::NotKnown => "not known",
        };
        row("Purple Mash", mail.to_owned());
        if let Some(why) = &self.protected {
            row("actions", why.to_string());
        }
        for (n, stop) in (1..).zip(&self.stops) {
            row(&format!("stops {n}"), stop.to_string());
        }
        row("read from", format!("{} at {}", self.by, time(self.read_at)));
        out
    }

    fn in_the_directory(&self) -> Vec<String> {
        let mut out = Vec::new();
        if self.disabled {
            out.push(
                "the account is disabled, and stays so until somebody enables it (restore_account)"
                    .to_owned(),
            );
        }
        if self.locked_out {
            let until = match self.unlocks_at {
                Some(until) => format!(", until {}", at(until, "%H:%M")),
                None => String::new(),
            };
            out.push(format!(
                "it is locked out after too many wrong passwords{until} or until the lockout is \
                 cleared (clear_lockout)"
            ));
        }
        if let (true, Some(last)) = (self.ended, self.ends_at) {
            out.push(format!("the account ended on {}", at(last, "%-d %B %Y")));
        }
        if self.must_change {
            out.push(
                "its password must be changed first, at a computer in school: the web may not ask \
                 for that"
                    .to_owned(),
            );
        }
        out
    }

    fn in_the_cloud(&self) -> Vec<String> {
        let mut out = Vec::new();
        let CloudView::Known { enabled, last_sync, errors, .. } = &self.cloud else {
            if self.cloud == CloudView::NotThere {
                out.push(
                    "Microsoft 365 does not have the account (yet): the sync brings it".into(),
                );
            }
            return out;
        };
        if !enabled {
            out.push(match self.disabled {
                true => "its sign-in is blocked in Microsoft 365".to_owned(),
                false => {
                    "its sign-in is blocked in Microsoft 365, though the directory has it open: \
                          the next sync may open it"
                        .to_owned()
                }
            });
        }
        if let Some(error) = errors.first() {
            out.push(format!("the sync cannot bring it to Microsoft 365 as it is ({error})"));
        }
        match last_sync {
            None => out.push("the directory has never reached it in Microsoft 365".to_owned()),
            Some(last) if self.read_at.duration_since(*last) > LATE => out.push(format!(
                "what was changed since {} is not in Microsoft 365: the sync is late",
                at(*last, "%a %-d %b %H:%M")
            )),
            Some(_) => {}
        }
        out
    }

    fn at_purple_mash(&self) -> Option<&'static str> {
        match self.mail {
            MailView::Missing => {
                Some("Purple Mash does not know it: the directory has no mail address of it")
            }
            MailView::Differs => Some(
                "Purple Mash does not know it: directory and Microsoft 365 have different mail \
                 addresses of it",
            ),
            MailView::Fits | MailView::NotKnown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(change: impl Fn(&mut AccountPage)) -> AccountPage {
        let now: Timestamp = "2027-02-02T09:10:00Z".parse().unwrap();
        let cloud = CloudView::Known {
            id: "x".into(),
            enabled: true,
            last_sync: Some(now - SignedDuration::from_mins(20)),
            errors: Vec::new(),
        };
        let mut page = AccountPage {
            school: "9992001".parse().unwrap(),
            guid: "g".into(),
            label: "m.....".into(),
            name: "M.....".into(),
            kind: Kind::Pupil,
            folder: "Pupils".into(),
            by: "dc1".into(),
            read_at: now,
            disabled: false,
            locked_out: false,
            locked_at: None,
            unlocks_at: None,
            ends_at: None,
            ended: false,
            must_change: false,
            password_set_at: None,
            signed_in_at: None,
            protected: None,
            cloud,
            mail: MailView::Fits,
            stops: Vec::new(),
            says: Clean::default(),
        };
        change(&mut page);
        page.told()
    }

    #[test]
    fn one_sentence_names_the_gravest_cause() {
        let says = |change: &dyn Fn(&mut AccountPage)| page(change).says.to_string();
        assert!(says(&|_| {}).starts_with("Nothing in the directory or in Microsoft 365"));
        let locked = |p: &mut AccountPage| {
            p.locked_out = true;
            p.unlocks_at = Some("2027-02-02T09:32:00Z".parse().unwrap());
        };
        assert!(says(&locked).contains("wrong passwords, until 09:32"));
        let both = page(|p| {
            locked(p);
            p.disabled = true;
        });
        assert!(both.says.as_str().contains("disabled") && both.stops.len() == 2);
        assert!(says(&|p| p.must_change = true).contains("changed first"));
        let ended = |p: &mut AccountPage| {
            p.ended = true;
            p.ends_at = Some("2026-07-21T22:59:00Z".parse().unwrap());
        };
        assert!(says(&ended).contains("ended on 21 July 2026"));
    }

    #[test]
    fn what_is_not_known_is_not_said_to_be_well() {
        let unknown = page(|p| p.cloud = CloudView::NotKnown { why: "no answer".into() });
        assert!(unknown.says.as_str().contains("not known (no answer)"), "{}", unknown.says);
        let cloud = |enabled, hours, errors: &[&str]| CloudView::Known {
            id: "x".into(),
            enabled,
            last_sync: Some(
                "2027-02-02T09:10:00Z".parse::<Timestamp>().unwrap()
                    - SignedDuration::from_hours(hours),
            ),
            errors: errors.iter().map(|e| Clean::new(e)).collect(),
        };
        for (cloud, part) in [
            (CloudView::NotThere, "does not have the account"),
            (cloud(false, 0, &[]), "blocked in Microsoft 365, though"),
            (cloud(true, 0, &["PropertyConflict of ProxyAddresses"]), "ProxyAddresses"),
            (cloud(true, 5, &[]), "late"),
        ] {
            let page = page(|p| p.cloud = cloud.clone());
            assert!(page.says.as_str().contains(part), "{}", page.says);
        }
    }

    #[test]
    fn a_mail_address_that_does_not_fit_stops_purple_mash_alone() {
        let page = page(|p| p.mail = MailView::Missing);
        assert!(page.says.as_str().starts_with("Nothing"));
        assert!(page.stops[0].as_str().contains("Purple Mash"));
    }
}
