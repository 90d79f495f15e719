//! Pieces for vendors without an interface: dropped files, web probes, vendors' status pages.
//!
//! Services build on them; nothing here knows a service, and nothing here invents a verdict that
//! its input does not carry.

pub mod connector;
pub mod dropped;
pub mod hours;
pub mod jq;
pub mod mailbox;
pub mod moment;
pub mod notes;
pub mod probe;
pub mod sign_in;
pub mod statuspage;
pub mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::model::check::{Edge, Flow};
use crate::model::ids::{IdError, ServiceKey};
use crate::services::{CheckTuning, ServiceError, only_known};

#[cfg(test)]
pub(crate) mod tests;

/// `path` as the config file means it: relative to the folder that the file is in.
#[must_use]
pub fn in_folder(folder: &Path, path: &Path) -> PathBuf {
    folder.join(path)
}

/// A value that makes no sense.
#[must_use]
pub fn refused(service: &'static str, key: &str, why: impl Into<String>) -> ServiceError {
    ServiceError::Setting { service, key: key.to_owned(), why: why.into() }
}

/// The key of `service`.
///
/// # Errors
/// When it is not a word; only a slip in the program can cause that.
pub fn service_key(service: &'static str) -> Result<ServiceKey, ServiceError> {
    service.parse().map_err(|e: IdError| refused(service, "key", e.to_string()))
}

/// Edges of the dependency graph: what flows, and the service it comes from.
///
/// # Errors
/// When a key is not a word; only a slip in the program can cause that.
pub fn edges(service: &'static str, from: &[(Flow, &str)]) -> Result<Vec<Edge>, ServiceError> {
    from.iter()
        .map(|(flow, from)| {
            let from =
                from.parse().map_err(|e: IdError| refused(service, "depends", e.to_string()))?;
            Ok(Edge { flow: *flow, from })
        })
        .collect()
}

/// Refuses tuning that would do nothing: of a check that `service` does not have, of an age that
/// none of these checks has by rule, of an interval of no length.
///
/// # Errors
/// Names the key and what would be right.
pub fn only_sensible(
    service: &'static str,
    tunings: &BTreeMap<String, CheckTuning>,
    known: &[(&str, &str)],
) -> Result<(), ServiceError> {
    only_known(service, tunings, known)?;
    for (name, tuning) in tunings {
        let key = format!("checks.{name}");
        if tuning.interval.is_some_and(|i| i.as_secs() == 0) {
            return Err(refused(service, &key, "interval must be at least 1s"));
        }
        if tuning.warning.or(tuning.critical).is_some() || tuning.runs.is_some() {
            let why = "warning, critical and runs do not apply: the check has no age rule";
            return Err(refused(service, &key, why));
        }
    }
    Ok(())
}
