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
