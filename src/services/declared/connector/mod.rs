//! Connectors without code: checks that the configuration declares, for any service and any vendor.
//!
//! One is a question (a probe, an API, a status page, a dropped file, a log), whom it is about, and
//! the rules by which its answer is read. Nothing here knows a vendor, and no rule can make an answer
//! ok that was not understood.

mod address;
mod ask;
mod csvfile;
mod evaluate;
mod file;
mod http;
mod joined;
mod json;
mod lines;
mod mail;
mod mapping;
mod plan;
mod question;
mod reachable;
mod reading;
mod rows;
mod settings;
mod status;
mod strict;
mod syslog;
mod template;
mod textfile;
mod watch;

#[cfg(test)]
mod tests;

pub use joined::join;
pub use plan::{ConnectorError, Connectors, Plan, schema};
pub use settings::ConnectorSettings;

/// `text` as everything that a connector reads out of a text, for fuzzing: rows of a CSV file, values
/// behind words, lines of a log.
#[cfg(any(test, feature = "fuzzing"))]
pub fn each_reading(text: &str, now: jiff::Timestamp) {
    let columns = [("key", "laestab"), ("health", "state")];
    let columns = columns.map(|(name, column)| (name.to_owned(), column.to_owned())).into();
    for delimiter in [b',', b';', b'\t'] {
        drop(csvfile::read(text, delimiter, &columns));
    }
    for words in ["state", "pupils:", "\u{130}"] {
        drop((textfile::after(text, words), textfile::number_after(text, words)));
    }
    syslog::every_line(text, now);
}

/// A value that makes no sense: its key below the connector, and why, with the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refused {
    key: String,
    why: String,
}

fn refuse(key: &str, why: impl Into<String>) -> Refused {
    Refused { key: key.to_owned(), why: why.into() }
}

impl Refused {
    /// Below `table`.
    fn below(mut self, table: &str) -> Self {
        self.key = format!("{table}.{}", self.key);
        self
    }
}
