//! A config that was read and makes sense.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeValue, Error, ValueDeserializer};

use crate::config::calendars::{self, Calendars};
use crate::config::error::{ConfigError, ConfigErrors};
use crate::config::read::{offset_of, read_section, value_of};
use crate::config::schools::{Import, Known, SchoolFile, TableError, import};
use crate::config::secret::secrets_in;
use crate::config::settings::{SchoolsSettings, Settings};
use crate::config::source::Source;
use crate::model::ids::{CredentialName, ServiceKey};
use crate::model::nearest::nearest;

/// A config that was read and makes sense, and the text that it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    source: Source,
    /// Every setting that is not a service's or the transport's.
    pub settings: Settings,
}

impl Config {
    /// Reads the config at `path`. `services` are the keys of the services that exist.
    ///
    /// # Errors
    /// Everything that is wrong with it: who may write to it, what is not TOML, values that look
    /// like secrets (nothing else is told before they are gone), unknown keys, wrong types, values
    /// that make no sense, files that do not exist.
    pub fn load(path: &Path, services: &[&str]) -> Result<Self, ConfigErrors> {
        let config = Self::parse(Source::read(path)?, services)?;
        let missing = config.missing_files();
        if missing.is_empty() { Ok(config) } else { Err(ConfigErrors(missing)) }
    }

    /// A config from a text, as [`Config::load`] reads one, but without looking at any file.
    ///
    /// # Errors
    /// As [`Config::load`], files apart.
    pub fn parse(source: Source, services: &[&str]) -> Result<Self, ConfigErrors> {
        let document = source.document()?;
        let secrets = secrets_in(&source, &document);
        if !secrets.is_empty() {
            return Err(ConfigErrors(secrets));
        }
        let mut wrong = unknown_services(&source, &document, services);
        match read_section(&source, "", document, |d| Settings::deserialize(d)) {
            Err(ConfigErrors(errors)) => wrong.extend(errors),
            Ok(settings) => {
                let config = Self { source, settings };
                wrong.extend(config.nonsense());
                if wrong.is_empty() {
                    return Ok(config);
                }
            }
        }
        wrong.sort_by_key(|e| (e.line, e.column));
        Err(ConfigErrors(wrong))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.source.path()
    }

    /// The folder of the file, to which relative paths in it are relative.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.source.folder()
    }

    /// A path of the config as it can be opened: relative ones start at the config's folder.
    #[must_use]
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.folder().join(path)
    }

    /// The services that have a section.
    pub fn services(&self) -> impl Iterator<Item = &ServiceKey> {
        self.settings.services.keys()
    }

    /// The connectors that have a section, by name.
    pub fn connectors(&self) -> impl Iterator<Item = &str> {
        self.settings.connectors.keys().map(String::as_str)
    }

    /// The calendars, with what the files that they name bring. Blocking.
    ///
    /// # Errors
    /// Everything in those files that means something and cannot be read.
    pub fn import_calendars(&self) -> Result<Calendars, ConfigErrors> {
        calendars::import(&self.settings.calendars, |path| self.resolve(path))
    }

    /// Credential files, as they can be opened.
    #[must_use]
    pub fn credential_files(&self) -> BTreeMap<CredentialName, PathBuf> {
        let files = &self.settings.credentials.files;
        files.iter().map(|(name, path)| (name.clone(), self.resolve(path))).collect()
    }

    /// Reads the tables of schools and subscriptions that the config names; nothing, if it names
    /// none. `services` and `parameters` (`service.parameter`) are what rows may say. Blocking.
    ///
    /// # Errors
    /// When a table cannot be used at all; what is wrong with single rows is among the findings.
    pub fn import_schools(
        &self,
        services: BTreeSet<ServiceKey>,
        parameters: BTreeSet<String>,
    ) -> Result<Import, TableError> {
        let SchoolsSettings { register_file, list_file, subscriptions_file } =
            &self.settings.schools;
        let register = register_file.as_deref().map(|path| self.resolve(path));
        let list = list_file.as_deref().map(|path| self.resolve(path));
        let schools = match (&register, &list) {
            (Some(path), _) => SchoolFile::Register(path),
            (None, Some(path)) => SchoolFile::List(path),
            (None, None) => return Ok(Import::default()),
        };
        let subscriptions = subscriptions_file.as_deref().map(|path| self.resolve(path));
        let known = Known {
            la_codes: self.settings.la_codes.iter().copied().collect(),
            services,
            parameters,
            calendars: self
                .settings
                .calendars
                .keys()
                .filter(|n| *n != calendars::DEFAULT)
                .cloned()
                .collect(),
        };
        import(schools, subscriptions.as_deref(), &known)
    }

    /// Reads the section at the dotted key `at` with its owner's own reader; `None` if there is no
    /// such section. The errors look like ours.
    ///
    /// # Errors
    /// Everything that is wrong in the section.
    pub fn read_section<T>(
        &self,
        at: &str,
        read: impl Fn(ValueDeserializer<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, ConfigErrors> {
        let document = self.source.document()?;
        let Some(section) = value_of(&document, at) else { return Ok(None) };
        read_section(&self.source, at, section.clone(), read).map(Some)
    }

    /// Reads `[transport]`, or its defaults.
    ///
    /// # Errors
    /// Everything that is wrong in the section.
    pub fn transport<T: DeserializeOwned + Default>(&self) -> Result<T, ConfigErrors> {
        Ok(self.read_section("transport", |section| T::deserialize(section))?.unwrap_or_default())
    }

    /// An error at a dotted key, for rules that only its owner knows.
    #[must_use]
    pub fn error_at(&self, key: &str, found: &str, remedy: &str) -> ConfigError {
        // The document was read once already, or there would be no config.
        let offset = self.source.document().map_or(0, |document| offset_of(&document, key));
        ConfigError { remedy: remedy.to_owned(), ..self.source.error(offset, key, found) }
    }

    /// Values that are well-formed but mean nothing.
    fn nonsense(&self) -> Vec<ConfigError> {
        let set = &self.settings;
        let mut wrong = Vec::new();
        let mut refuse = |key: &str, found: String, remedy: &str| {
            wrong.push(self.error_at(key, &found, remedy));
        };
        let codes: BTreeSet<u16> = set.la_codes.iter().copied().collect();
        if codes.is_empty() || codes.iter().any(|code| !(100..=999).contains(code)) {
            refuse(
                "la_codes",
                format!("{:?} are not codes of local authorities", set.la_codes),
                "write at least one, three digits each, such as [937]",
            );
        }
        if set.schools.register_file.is_some() && set.schools.list_file.is_some() {
            refuse(
                "schools.list_file",
                "a second source of schools".into(),
                "keep register_file or list_file, not both",
            );
        }
        let schools = set.schools.register_file.as_ref().or(set.schools.list_file.as_ref());
        if set.schools.subscriptions_file.is_some() && schools.is_none() {
            refuse(
                "schools.subscriptions_file",
                "subscriptions without schools".into(),
                "add register_file or list_file",
            );
        }
        for name in set.connectors.keys().filter(|name| !is_word(name) || name.contains('-')) {
            refuse(
                &format!("connectors.{name}"),
                "not a name for a connector".into(),
                "use up to 32 lower-case letters, digits, underscores",
            );
        }
        if set.agent.refresh_floor.as_secs() == 0 {
            refuse("agent.refresh_floor", "found no time at all".into(), "write at least \"1s\"");
        }
        for (key, found, remedy) in set.console.nonsense() {
            refuse(&key, found, remedy);
        }
        wrong.extend(self.nonsense_of_calendars());
        wrong
    }

    /// Calendars that mean nothing.
    fn nonsense_of_calendars(&self) -> Vec<ConfigError> {
        let all = &self.settings.calendars;
        let mut wrong = Vec::new();
        for (name, calendar) in all {
            let mut refuse = |key: String, found: String, remedy: &str| {
                wrong.push(self.error_at(&key, &found, remedy));
            };
            if !is_word(name) {
                refuse(
                    format!("calendars.{name}"),
                    "not a name for a calendar".into(),
                    "use up to 32 lower-case letters, digits, underscores, hyphens",
                );
            }
            for (list, days) in [("terms", &calendar.terms), ("closures", &calendar.closures)] {
                if let Some(d) = days.iter().find(|d| d.to < d.from) {
                    refuse(
                        format!("calendars.{name}.{list}"),
                        format!("{} to {} ends before it begins", d.from, d.to),
                        "swap the dates or mend the year",
                    );
                }
            }
            let Some(other) = &calendar.extends else { continue };
            let key = format!("calendars.{name}.extends");
            if !all.contains_key(other) {
                let mut error = self.error_at(&key, "there is no such calendar", "");
                error.nearest = nearest(other, all.keys().map(String::as_str));
                error.remedy = format!("add [calendars.{other}], or name another");
                wrong.push(error);
            } else if calendars::goes_round(name, all) {
                let found = "this calendar extends itself".to_owned();
                wrong.push(self.error_at(&key, &found, "take one `extends` of the circle out"));
            }
        }
        wrong
    }

    fn missing_files(&self) -> Vec<ConfigError> {
        let schools = &self.settings.schools;
        let named = |key: &str, path: &Option<PathBuf>| Some((key.to_owned(), path.clone()?));
        let mut files = vec![
            named("schools.register_file", &schools.register_file),
            named("schools.list_file", &schools.list_file),
            named("schools.subscriptions_file", &schools.subscriptions_file),
        ];
        for (name, calendar) in &self.settings.calendars {
            let at = |key: &str| format!("calendars.{name}.{key}");
            files.push(named(&at("ical_file"), &calendar.ical_file));
            files.push(named(&at("bank_holidays_file"), &calendar.bank_holidays_file));
        }
        let files = files.into_iter().flatten();
        files
            .filter_map(|(key, path)| {
                let path = self.resolve(&path);
                let why = match path.metadata() {
                    Ok(about) if about.is_file() => return None,
                    Ok(_) => "is not a file".to_owned(),
                    Err(e) => format!("cannot be read: {e}"),
                };
                let found = format!("{} {why}", path.display());
                Some(self.error_at(&key, &found, "put the file there or change the path"))
            })
            .collect()
    }
}

fn unknown_services(
    source: &Source,
    document: &Spanned<DeValue<'_>>,
    known: &[&str],
) -> Vec<ConfigError> {
    let sections = value_of(document, "services").and_then(|s| s.get_ref().as_table());
    let keys = sections.into_iter().flat_map(|table| table.keys());
    keys.filter(|key| !known.contains(&key.get_ref().as_ref()))
        .map(|key| {
            let name = key.get_ref().as_ref();
            let at = format!("services.{name}");
            let mut error = source.error(key.span().start, &at, "unknown service");
            error.expected = format!("one of {}", known.join(", "));
            error.nearest = nearest(name, known.iter().copied());
            error.remedy = "rename or remove it".into();
            error
        })
        .collect()
}

pub(super) fn is_word(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
}
