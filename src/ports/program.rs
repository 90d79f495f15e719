//! Programs of this host that the configuration names: started without a shell, ended in time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ports::clock::Boxed;

/// What is started: a program and its arguments, each handed over as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Absolute path of the program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// After so long it is ended, with everything that it started.
    pub deadline: Duration,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Exit(i32),
    /// By this signal, which was not ours.
    Signal(i32),
    /// It was late, and was ended.
    Late,
    /// It was begun, and how it ended cannot be told.
    Lost(String),
}

/// A program that was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// How it ended.
    pub ended: Ended,
    /// The end of what it wrote to standard output and standard error, as it came: at most 16 KiB.
    pub output: Vec<u8>,
}

/// Why a program was not started. It certainly was not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRun {
    /// Somebody else may have put it there.
    #[error("{0}")]
    Untrusted(String),
    /// The system did not start it.
    #[error("{program} cannot be started: {why}")]
    NotStarted {
        /// The program.
        program: String,
        /// Why.
        why: String,
    },
}

/// Runs programs.
pub trait Programs: Send + Sync {
    /// Whether `program` may be run: it and its folder belong to root or to this user, nobody else can
    /// write to them, and it can be executed.
    ///
    /// # Errors
    /// Which rule is broken by what, and what mends it.
    fn trusted(&self, program: &Path) -> Result<(), NotRun>;

    /// Runs it to its end, or to its deadline. Its environment holds nothing of ours.
    fn run<'a>(&'a self, command: &'a Command) -> Boxed<'a, Result<Ran, NotRun>>;
}
