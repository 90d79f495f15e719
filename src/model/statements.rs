//! What vendors and ICTDS have stated about personal data, service by service: who, where, when.
//!
//! Statements of others in our own words, never a verdict of ours. What is not held is said, because
//! that is what a caller has to be told. A date stands here only where the document gives one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::ids::ServiceKey;
use crate::model::text::Clean;

/// Said wherever statements are shown.
pub const WHOSE: &str = "Statements that others made, in our words. caretaker did not check them and judges nobody by \
                         them.";

/// Who states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The vendor of the service.
    Vendor,
    /// ICTDS, of its own part.
    Ictds,
    /// The document does not tell whether these are the vendor's words or those of ICTDS.
    NotTold,
}

impl By {
    /// In words.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Vendor => "the vendor",
            Self::Ictds => "ICTDS",
            Self::NotTold => "vendor or ICTDS, not told which",
        }
    }
}

/// One statement of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Key of the service.
    pub service: &'static str,
    /// What it is about, in a word or two.
    pub topic: &'static str,
    /// Who states it.
    pub by: By,
    /// In which document.
    pub place: &'static str,
    /// Its date, as the document writes it; none where it gives none.
    pub when: Option<&'static str>,
    /// What it says; none where we do not hold it.
    pub says: Option<&'static str>,
}

const WELEARN: &str = "ICTDS's document about WeLearn365";
const GROUPCALL: &str = "ICTDS's document about Groupcall";
const REDSTOR: &str = "ICTDS's document about Redstor Backup";
const REDSTOR_APPENDIX: &str = "an appendix to ICTDS's document about Redstor Backup";
const FUTURE_APPENDIX: &str = "an appendix to ICTDS's document about Future Digital";
const SMOOTHWALL: &str = "ICTDS's document about Smoothwall";
const J2E: &str = "Just2Easy's privacy page, to which ICTDS's document points";
const MASH: &str = "2Simple's privacy page, to which ICTDS's document points";
const MASH_TERMS: &str = "2Simple's terms and conditions, to which ICTDS's document points";

macro_rules! table {
    ($($service:literal $topic:literal $by:ident $place:ident $says:expr;)*) => {
        /// Every statement, by service in the order of the board. No document gives a date.
        pub static STATEMENTS: &[Row] = &[$(Row {
            service: $service, topic: $topic, by: By::$by, place: $place, when: None, says: $says,
        },)*];
    };
}

#[rustfmt::skip]
table! {
    "welearn365" "encryption at rest" NotTold WELEARN
        Some("What customers store is encrypted where it lies: by BitLocker on the disks, and by the storage encryption of Azure and of Office 365.");
    "welearn365" "encryption in motion" NotTold WELEARN
        Some("What customers store is encrypted on its way, by TLS or IPsec.");
    "welearn365" "where data lies" NotTold WELEARN Some("OneDrive keeps its data in the EU.");
    "welearn365" "privacy statement" Vendor WELEARN
        Some("The document points to Microsoft's privacy statement and to its trust centre; their text is not held here.");
    "groupcall" "role" Vendor GROUPCALL
        Some("Groupcall acts as a processor, under its standard policies.");
    "groupcall" "certificates" Vendor GROUPCALL Some("Certified to ISO 27001 and ISO 9001.");
    "groupcall" "registration" Vendor GROUPCALL
        Some("Registered with the Information Commissioner's Office (ICO).");
    "groupcall" "extent" Vendor GROUPCALL
        Some("Handles the data of about 7.5 million students a day, over all its customers.");
    "redstor" "certificates" Vendor REDSTOR
        Some("Certified to ISO 27001 and ISO 9001; names 20 years in business.");
    "redstor" "retention" NotTold REDSTOR Some("Backups are kept for 60 days at most.");
    "redstor" "data protection" NotTold REDSTOR_APPENDIX None;
    "future_digital" "data protection" NotTold FUTURE_APPENDIX None;
    "smoothwall" "role of the vendor" Vendor SMOOTHWALL
        Some("For the data on an appliance the vendor is neither controller nor processor.");
    "smoothwall" "what is logged" NotTold SMOOTHWALL
        Some("The appliance logs addresses of pages, search words and blocked attempts, each with the user's name.");
    "smoothwall" "role of ICTDS" Ictds SMOOTHWALL
        Some("ICTDS is a processor: it puts users into groups, such as a year group.");
    "smoothwall" "who sees it" NotTold SMOOTHWALL
        Some("The user portal shows a user's data only to those who should see it.");
    "just2easy" "privacy page" Vendor J2E None;
    "purple_mash" "privacy page" Vendor MASH None;
    "purple_mash" "terms and conditions" Vendor MASH_TERMS None;
}

/// What is stated about one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stated {
    /// The service.
    pub service: ServiceKey,
    /// Its displayed name, as the configuration has it.
    pub label: Clean,
    /// Its statements; empty where no document about it is held.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Statement {
    /// What it is about.
    pub topic: Clean,
    /// Who states it.
    pub by: By,
    /// In which document.
    pub place: Clean,
    /// Its date; null where the document gives none.
    pub when: Option<Clean>,
    /// What it says, in our words; null where it is not held.
    pub says: Option<Clean>,
}

impl Statement {
    /// What it says, or that it is not held.
    #[must_use]
    pub fn in_words(&self) -> &str {
        self.says.as_ref().map_or("not held: we have no copy of this document", Clean::as_str)
    }

    /// Who, where and when, in a line.
    #[must_use]
    pub fn source(&self) -> String {
        let when = self.when.as_ref().map_or("no date given", Clean::as_str);
        format!("{}; {}; {when}", self.by.word(), self.place)
    }
}

/// The statements about these services, each with its displayed name, in this order.
#[must_use]
pub fn stated(services: impl IntoIterator<Item = (ServiceKey, Clean)>) -> Vec<Stated> {
    services.into_iter().map(|(service, label)| of(service, label)).collect()
}

fn of(service: ServiceKey, label: Clean) -> Stated {
    let rows = STATEMENTS.iter().filter(|row| row.service == service.as_str());
    let statements = rows.map(|row| Statement {
        topic: Clean::new(row.topic),
        by: row.by,
        place: Clean::new(row.place),
        when: row.when.map(Clean::new),
        says: row.says.map(Clean::new),
    });
    Stated { statements: statements.collect(), service, label }
}

/// Said of a service about which nothing is held at all.
pub const NOTHING: &str = "not held: we have no document about this service";

#[cfg(test)]
mod tests {
    use super::*;

    const SEVEN: [&str; 7] = [
        "welearn365",
        "groupcall",
        "redstor",
        "future_digital",
        "smoothwall",
        "just2easy",
        "purple_mash",
    ];

    fn all(keys: &[&str]) -> Vec<Stated> {
        stated(keys.iter().map(|k| (k.parse().unwrap(), Clean::new(k))))
    }

    #[test]
    fn every_service_has_a_statement_or_says_that_none_is_held() {
        for stated in all(&SEVEN) {
            assert!(!stated.statements.is_empty(), "{}", stated.service);
            for statement in &stated.statements {
                assert!(!statement.in_words().is_empty() && !statement.source().is_empty());
            }
        }
        let stray: Vec<_> = STATEMENTS.iter().filter(|r| !SEVEN.contains(&r.service)).collect();
        assert!(stray.is_empty(), "{stray:?}");
        assert_eq!(all(&["library"])[0].statements, [], "an eighth service has none");
    }

    #[test]
    fn a_missing_appendix_is_not_held_and_no_date_is_made_up() {
        let all = all(&["redstor", "future_digital"]);
        let appendix = |s: &&Statement| s.place.as_str().contains("appendix");
        for stated in &all {
            let found = stated.statements.iter().find(appendix).unwrap();
            assert_eq!(found.says, None);
            assert!(found.in_words().starts_with("not held"), "{}", found.in_words());
            assert!(found.source().ends_with("; no date given"), "{}", found.source());
        }
        assert!(STATEMENTS.iter().all(|row| row.when.is_none()), "no document gives a date");
    }

    #[test]
    fn nothing_in_the_table_is_a_verdict_of_ours() {
        let ours = STATEMENTS.iter().flat_map(|row| [row.topic, row.says.unwrap_or_default()]);
        for text in ours.chain([WHOSE, NOTHING]) {
            let text = text.to_lowercase();
            for word in ["complian", "complies", "gdpr", "adequate", "lawful", "is safe", "secure"]
            {
                assert!(!text.contains(word), "{word}: {text}");
            }
        }
        for row in STATEMENTS.iter().filter_map(|row| row.says) {
            assert!(row.ends_with('.') && row.len() < 200, "{row}");
        }
    }
}
