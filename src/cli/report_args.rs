//! The arguments of `caretaker report`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `caretaker report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The beginning: "Mon 22:00", 2026-11-01T00:00, -8h. Otherwise 30 days before the end.
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub from: Option<String>,
    /// The end, which is not in it; now if it is left out.
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub until: Option<String>,
    /// This school alone, by LAESTAB or part of its name. Again for more.
    #[arg(long, value_name = "SCHOOL")]
    pub school: Vec<String>,
    /// The schools that match as they stand now, in the language of the board's filter.
    #[arg(long, value_name = "TERMS")]
    pub filter: Option<String>,
    /// This service alone, by key or letters. Again for more.
    #[arg(long, value_name = "KEY")]
    pub service: Vec<String>,
    /// What is written.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
    /// Where to write it, instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Plain text, for a terminal.
    Text,
    /// A row for each school and service, and for what they are together.
    Csv,
    /// The agent's answer to /v1/report.
    Json,
    /// Tables, for a document; with what is stated about personal data.
    Markdown,
    /// The same as one page with charts, that needs nothing else.
    Html,
}
