//! A file of its own beside the config, read with the same care and the same errors.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::config::error::{ConfigError, ConfigErrors};
use crate::config::read::{offset_of, read_section};
use crate::config::source::Source;

/// Reads `path` as a `T`.
///
/// # Errors
/// Who may write to it, what is not TOML, unknown keys, wrong types; each with its line.
pub fn read_file<T: DeserializeOwned>(path: &Path) -> Result<(Source, T), ConfigErrors> {
    let source = Source::read(path)?;
    let document = source.document()?;
    let value = read_section(&source, "", document, |d| T::deserialize(d))?;
    Ok((source, value))
}

/// An error at the dotted `key` of a file that was read.
#[must_use]
pub fn error_in(source: &Source, key: &str, found: &str) -> ConfigError {
    let offset = source.document().map_or(0, |document| offset_of(&document, key));
    source.error(offset, key, found)
}
