//! The arguments of `caretaker record` and `caretaker replay`.

use std::path::PathBuf;

use clap::Args;

use crate::wire::Span;
use crate::wire::replay::{FASTEST, USUAL_SPEED};

/// `caretaker record`.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// The file, which must not exist yet.
    pub file: PathBuf,
    /// Its beginning: "Mon 22:00", 22:00 (the last), 2026-11-25T22:00, -8h.
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub from: String,
    /// Its end; now if it is left out.
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub until: Option<String>,
    /// Schools keep their names and numbers; persons never do.
    #[arg(long)]
    pub with_school_names: bool,
}

/// `caretaker replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The recording.
    pub file: PathBuf,
    /// Seconds of the recording in a second.
    #[arg(long, value_name = "X", default_value_t = USUAL_SPEED, value_parser = clap::value_parser!(u32).range(1..=i64::from(FASTEST)))]
    pub speed: u32,
    /// Without a console: says in one line where its socket is, and plays until it is stopped.
    #[arg(long)]
    pub headless: bool,
    /// Ends by itself after this long.
    #[arg(long, value_name = "DURATION")]
    pub r#for: Option<Span>,
}
