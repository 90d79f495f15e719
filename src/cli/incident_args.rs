//! The arguments of `caretaker incidents` and `caretaker incident`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::wire::Span;

/// `caretaker incidents`.
#[derive(Debug, Args)]
pub struct IncidentsArgs {
    /// Those too that ended not longer ago than this.
    #[arg(long, value_name = "DURATION")]
    pub ended: Option<Span>,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker incident`.
#[derive(Debug, Subcommand)]
pub enum IncidentCommand {
    /// Its root, its reach, who has it, its cells and its time line. Exit code: as for status.
    Show {
        /// Its number.
        id: u64,
        /// JSON.
        #[arg(long)]
        json: bool,
    },
    /// Markdown for the review: summary, impact, time line, who did what, what is not known. Or a
    /// recording that `caretaker replay` plays.
    Export {
        /// Its number.
        id: u64,
        /// A recording instead, into this file, which must not exist yet. Names are masked.
        #[arg(long, value_name = "FILE")]
        recording: Option<PathBuf>,
        /// Schools keep their names and numbers in the recording; persons never do.
        #[arg(long, requires = "recording")]
        with_school_names: bool,
    },
    /// You work on it: its roots in trouble are yours until the end of the shift. Exit code: 0 done,
    /// 11 to no cell.
    Claim(ClaimArgs),
    /// Nobody has it any more.
    GiveBack(PlainArgs),
    /// A line for whoever comes next and for the review; without any pupil's name.
    Note(NoteArgs),
    /// It becomes part of another one.
    Merge(MergeArgs),
    /// Cells of it, with what follows from them, become an incident of their own.
    Split(SplitArgs),
    /// It is over. Refused while a cell of it is in trouble.
    Resolve(ResolveArgs),
    /// Strike out what somebody wrote about it: a note, or why it was claimed, merged, split or resolved.
    /// Without a number: what can be struck out.
    Strike {
        /// Its number.
        id: u64,
        /// The text's number, as the list without it tells.
        text: Option<u64>,
        /// JSON.
        #[arg(long)]
        json: bool,
    },
}

/// `caretaker incident claim`.
#[derive(Debug, Args)]
pub struct ClaimArgs {
    /// Its number.
    pub id: u64,
    /// Its end: 2h, 17:00, 2026-11-28T22:00. Otherwise the end of the shift.
    #[arg(long, value_name = "WHEN")]
    pub until: Option<String>,
    /// Why.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub why: String,
    /// The agent's answer as JSON.
    #[arg(long)]
    pub json: bool,
}

/// An incident and nothing else.
#[derive(Debug, Args)]
pub struct PlainArgs {
    /// Its number.
    pub id: u64,
    /// The agent's answer as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker incident note`.
#[derive(Debug, Args)]
pub struct NoteArgs {
    /// Its number.
    pub id: u64,
    /// The note.
    pub text: String,
    /// The agent's answer as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker incident merge`.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// Its number.
    pub id: u64,
    /// The one that it becomes part of.
    pub into: u64,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub why: String,
    /// The agent's answer as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker incident split`.
#[derive(Debug, Args)]
pub struct SplitArgs {
    /// Its number.
    pub id: u64,
    /// The cells: LAESTAB/SERVICE, or estate/SERVICE, as `incident show` has them.
    #[arg(required = true, value_name = "CELL")]
    pub cells: Vec<String>,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub why: String,
    /// The agent's answer as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker incident resolve`.
#[derive(Debug, Args)]
pub struct ResolveArgs {
    /// Its number.
    pub id: u64,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub why: String,
    /// Though cells of it are in trouble: they are set aside until they are well or worse.
    #[arg(long)]
    pub anyway: bool,
    /// The agent's answer as JSON.
    #[arg(long)]
    pub json: bool,
}
