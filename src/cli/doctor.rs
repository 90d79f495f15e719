//! What `caretaker doctor` found, as text of 80 columns and as JSON (see docs/doctor-json.md).

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::cli::out::{LEAST_COLUMNS, wrap};

/// The version of the document: fields are added, never renamed or removed.
pub const DOCTOR_VERSION: u32 = 1;
/// Where the text of a finding begins.
const INDENT: usize = 11;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// Works, and should be mended.
    Warning,
    /// Does not work, or must not stay so.
    Error,
}

impl Severity {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// The configuration file and what it says.
    Config,
    /// Owners and modes of files and folders.
    Files,
    /// Schools, subscriptions, calendars.
    Tables,
    /// This host's clock against the vendors'.
    Clock,
    /// Names and connections.
    Network,
    /// Certificates of servers and authorities.
    Tls,
    /// Credentials: there, in which store, until when.
    Credentials,
    /// Whether the vendors let us in, and their answers are understood.
    SignIn,
    /// Whether credentials may do more than they need, or less.
    Rights,
    /// The databases.
    Store,
    /// The agent and its socket.
    Socket,
    /// The terminal.
    Terminal,
    /// The environment of the process.
    Environment,
}

impl Area {
    /// The heading.
    fn heading(self) -> &'static str {
        match self {
            Self::Config => "CONFIGURATION",
            Self::Files => "FILES",
            Self::Tables => "SCHOOLS AND CALENDARS",
            Self::Clock => "CLOCK",
            Self::Network => "NETWORK",
            Self::Tls => "TLS",
            Self::Credentials => "CREDENTIALS",
            Self::SignIn => "SIGN-IN",
            Self::Rights => "RIGHTS",
            Self::Store => "STORE",
            Self::Socket => "AGENT AND SOCKET",
            Self::Terminal => "TERMINAL",
            Self::Environment => "ENVIRONMENT",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Finding {
    /// What it is about.
    pub area: Area,
    /// Which file, address, credential, service; cleaned.
    pub subject: String,
    /// How much it matters.
    pub severity: Severity,
    /// What is so, in a sentence.
    pub text: String,
    /// What to do; always there for warnings and errors.
    pub remedy: Option<String>,
    /// Numbers and words for programs, such as `days_left`.
    pub facts: BTreeMap<&'static str, Value>,
}

impl Finding {
    /// As it should be.
    #[must_use]
    pub fn ok(area: Area, subject: &str, text: impl Into<String>) -> Self {
        Self::new(area, subject, Severity::Ok, text.into(), None)
    }

    /// Worth knowing.
    #[must_use]
    pub fn note(area: Area, subject: &str, text: impl Into<String>) -> Self {
        Self::new(area, subject, Severity::Note, text.into(), None)
    }

    /// Works, and should be mended.
    #[must_use]
    pub fn warning(
        area: Area,
        subject: &str,
        text: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(area, subject, Severity::Warning, text.into(), Some(remedy.into()))
    }

    /// Does not work, or must not stay so.
    #[must_use]
    pub fn error(
        area: Area,
        subject: &str,
        text: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(area, subject, Severity::Error, text.into(), Some(remedy.into()))
    }

    fn new(
        area: Area,
        subject: &str,
        severity: Severity,
        text: String,
        remedy: Option<String>,
    ) -> Self {
        let facts = BTreeMap::new();
        Self { area, subject: subject.to_owned(), severity, text, remedy, facts }
    }

    /// With one more fact.
    #[must_use]
    pub fn fact(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.facts.insert(name, value.into());
        self
    }
}

/// Something that exists and that nothing asks about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Gap {
    /// A check, a credential, a school.
    pub what: String,
    /// Why, and what would make it watched.
    pub why: String,
}

/// How many findings of each severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Tally {
    /// As it should be.
    pub ok: usize,
    /// Worth knowing.
    pub note: usize,
    /// To be mended.
    pub warning: usize,
    /// Not working.
    pub error: usize,
}

/// `caretaker doctor --json`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// Version of this document.
    pub version: u32,
    /// Version of the program.
    pub program: String,
    /// When it was made; UTC.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The configuration file that was looked at, if there is one.
    pub config: Option<String>,
    /// How many findings of each severity.
    pub summary: Tally,
    /// Everything that was looked at, by area.
    pub findings: Vec<Finding>,
    /// What exists and is not watched.
    pub not_watched: Vec<Gap>,
    /// Schools without a row in the subscriptions table, as LAESTABs: they take nothing.
    pub not_set_up: Vec<String>,
}

impl Report {
    /// A report of these findings, in the order of their areas.
    #[must_use]
    pub fn new(at: Timestamp, config: Option<String>, mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|f| f.area);
        let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
        let summary = Tally {
            ok: count(Severity::Ok),
            note: count(Severity::Note),
            warning: count(Severity::Warning),
            error: count(Severity::Error),
        };
        Self {
            version: DOCTOR_VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            at,
            config,
            summary,
            findings,
            not_watched: Vec::new(),
            not_set_up: Vec::new(),
        }
    }

    /// 0 if all is fine, 1 for warnings, 2 for errors.
    #[must_use]
    pub fn code(&self) -> u8 {
        match (self.summary.error, self.summary.warning) {
            (0, 0) => 0,
            (0, _) => 1,
            _ => 2,
        }
    }

    /// The whole text, no line of it wider than `columns` (at least 40).
    #[must_use]
    pub fn text(&self, columns: usize) -> String {
        let columns = columns.max(LEAST_COLUMNS);
        let mut out = String::new();
        let Tally { ok, note, warning, error } = self.summary;
        let head = format!(
            "caretaker {}: {error} error(s), {warning} warning(s), {note} note(s), {ok} ok",
            self.program
        );
        wrap(&mut out, &head, "", 0, columns);
        let mut area = None;
        for finding in &self.findings {
            if area != Some(finding.area) {
                area = Some(finding.area);
                wrap(&mut out, "", "", 0, columns);
                wrap(&mut out, finding.area.heading(), "", 0, columns);
            }
            let mark = format!("  {:<9}", finding.severity.word());
            let text = match finding.subject.as_str() {
                "" => finding.text.clone(),
                subject => format!("{subject}: {}", finding.text),
            };
            wrap(&mut out, &text, &mark, INDENT, columns);
            if let Some(remedy) = &finding.remedy {
                wrap(&mut out, remedy, &format!("{}-> ", " ".repeat(INDENT - 3)), INDENT, columns);
            }
        }
        if !self.not_watched.is_empty() {
            wrap(&mut out, "", "", 0, columns);
            wrap(&mut out, "NOT WATCHED", "", 0, columns);
            for gap in &self.not_watched {
                wrap(&mut out, &format!("{}: {}", gap.what, gap.why), "  ", 4, columns);
            }
        }
        if !self.not_set_up.is_empty() {
            wrap(&mut out, "", "", 0, columns);
            wrap(&mut out, "NOT SET UP (no row in the subscriptions table)", "", 0, columns);
            wrap(&mut out, &self.not_set_up.join(", "), "  ", 2, columns);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    fn report() -> Report {
        let at = "2026-11-24T09:00:00Z".parse().unwrap();
        let long = "https://a-very-long-name-of-a-vendor.example.org/with/a/path/that/is/longer/than/a/line";
        let findings = vec![
            Finding::ok(Area::Terminal, "", "80 by 24, UTF-8"),
            Finding::error(
                Area::Credentials,
                "welearn365",
                "not found: systemd credential: $CREDENTIALS_DIRECTORY is not set; kernel \
                 keyring: not in it",
                "run: caretaker secret set welearn365",
            ),
            Finding::warning(Area::Tls, long, "ends in 9 days", "ask the vendor to renew it")
                .fact("days_left", 9),
            Finding::note(Area::Environment, "HTTPS_PROXY", "is ignored"),
        ];
        let mut report = Report::new(at, Some("/etc/caretaker/config.toml".into()), findings);
        report.not_watched =
            vec![Gap { what: "groupcall.cme".into(), why: "has no public source".into() }];
        report.not_set_up = vec!["9991234".into(), "9991235".into()];
        report
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_every_area_has_its_heading() {
        insta::assert_snapshot!(report().text(80), @r#"
        caretaker 0.1.0: 1 error(s), 1 warning(s), 1 note(s), 1 ok

        TLS
          warning  https://a-very-long-name-of-a-vendor.example.org/with/a/path/that/is/
                   longer/than/a/line: ends in 9 days
                -> ask the vendor to renew it

        CREDENTIALS
          error    welearn365: not found: systemd credential: $CREDENTIALS_DIRECTORY is
                   not set; kernel keyring: not in it
                -> run: caretaker secret set welearn365

        TERMINAL
          ok       80 by 24, UTF-8

        ENVIRONMENT
          note     HTTPS_PROXY: is ignored

        NOT WATCHED
          groupcall.cme: has no public source

        NOT SET UP (no row in the subscriptions table)
          9991234, 9991235
        "#);
        for columns in [0, 40, 57, 80, 200] {
            let text = report().text(columns);
            assert!(text.lines().all(|l| l.width() <= columns.max(40)), "{text}");
        }
    }

    #[test]
    fn the_exit_code_is_that_of_the_worst() {
        let with = |severities: &[Severity]| {
            let of = |s: &Severity| Finding::new(Area::Config, "", *s, String::new(), None);
            let at = "2026-11-24T09:00:00Z".parse().unwrap();
            Report::new(at, None, severities.iter().map(of).collect()).code()
        };
        assert_eq!(with(&[]), 0);
        assert_eq!(with(&[Severity::Ok, Severity::Note]), 0);
        assert_eq!(with(&[Severity::Ok, Severity::Warning]), 1);
        assert_eq!(with(&[Severity::Warning, Severity::Error, Severity::Ok]), 2);
    }

    #[test]
    fn the_document_is_the_contract() {
        let document = serde_json::to_value(report()).unwrap();
        let keys: Vec<&str> = document.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "at",
                "config",
                "findings",
                "not_set_up",
                "not_watched",
                "program",
                "summary",
                "version"
            ]
        );
        assert_eq!(document["version"], 1);
        assert_eq!(document["summary"]["error"], 1);
        let tls = document["findings"].as_array().unwrap().iter().find(|f| f["area"] == "tls");
        assert_eq!(tls.unwrap()["facts"]["days_left"], 9);
        assert_eq!(tls.unwrap()["severity"], "warning");
        let schema = serde_json::to_value(schemars::schema_for!(Report)).unwrap();
        jsonschema::validator_for(&schema).unwrap().validate(&document).unwrap();
    }
}
