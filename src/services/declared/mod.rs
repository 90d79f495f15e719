//! Pieces for vendors without an interface: dropped files, web probes, vendors' status pages.
//!
//! Services build on them; nothing here knows a service, and nothing here invents a verdict that
//! its input does not carry.

pub mod dropped;
pub mod moment;
pub mod notes;
pub mod probe;
pub mod sign_in;
pub mod statuspage;
pub mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::model::check::{Edge, Flow};
use crate::model::ids::{CheckId, IdError, ServiceKey};
use crate::services::{CheckTuning, ServiceError};
use crate::transport::EndpointSettings;

#[cfg(test)]
pub mod tests;

/// `path` as the config file means it: relative to the folder that the file is in.
#[must_use]
pub fn in_folder(folder: &Path, path: &Path) -> PathBuf {
    folder.join(path)
}

/// `settings` with its CA file relative to the folder of the config file.
#[must_use]
pub fn endpoint_in(folder: &Path, settings: &EndpointSettings) -> EndpointSettings {
    EndpointSettings {
        ca_file: settings.ca_file.as_deref().map(|file| in_folder(folder, file)),
        ..settings.clone()
    }
}

/// A value that makes no sense.
#[must_use]
pub fn refused(service: &'static str, key: &str, why: impl Into<String>) -> ServiceError {
    ServiceError::Setting { service, key: key.to_owned(), why: why.into() }
}

/// The key of `service` and the ids of `checks`.
///
/// # Errors
/// When a name is not a word; only a slip in the program can cause that.
pub fn ids<const N: usize>(
    service: &'static str,
    checks: [&str; N],
) -> Result<(ServiceKey, [CheckId; N]), ServiceError> {
    let slip = |e: IdError| refused(service, "checks", e.to_string());
    let key: ServiceKey = service.parse().map_err(slip)?;
    let ids = checks.map(|name| CheckId::of(&key, name));
    let mut found = Vec::with_capacity(N);
    for id in ids {
        found.push(id.map_err(slip)?);
    }
    let found = <[CheckId; N]>::try_from(found)
        .map_err(|_| refused(service, "checks", "a check is missing"))?;
    Ok((key, found))
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

/// Refuses tuning of a check that `service` does not have, or an interval of nothing.
///
/// # Errors
/// Names the key and what would be right.
pub fn only_known_checks(
    service: &'static str,
    tunings: &BTreeMap<String, CheckTuning>,
    names: &[&str],
) -> Result<(), ServiceError> {
    for (name, tuning) in tunings {
        let key = format!("checks.{name}");
        if !names.contains(&name.as_str()) {
            let known = names.join(", ");
            return Err(refused(service, &key, format!("no such check; known are: {known}")));
        }
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
