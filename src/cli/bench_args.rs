//! The arguments of `caretaker bench`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `caretaker bench`.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Checks over HTTP through transport, scheduler, hub and store until all are settled.
    Sweep(SweepArgs),
    /// A settled board on a socket, until stopped: for measuring what reads it.
    Board {
        /// Number of schools.
        #[arg(long, default_value_t = 24_000)]
        schools: u32,
    },
    /// Changes through the rules of the board.
    World {
        /// Number of schools.
        #[arg(long, default_value_t = 24_000)]
        schools: u32,
        /// Measure this many times; the median is printed.
        #[arg(long, default_value_t = 5)]
        runs: u32,
    },
    /// Restoring and saving the board, and history.
    Store {
        /// Number of schools.
        #[arg(long, default_value_t = 24_000)]
        schools: u32,
        /// Measure this many times; the median is printed.
        #[arg(long, default_value_t = 5)]
        runs: u32,
    },
    /// Putting an intent on disk, beside overwriting a page; alone and while history is written.
    Ledger {
        /// Number of schools whose history is written meanwhile.
        #[arg(long, default_value_t = 24_000)]
        schools: u32,
        /// Number of intents.
        #[arg(long, default_value_t = 500)]
        intents: u32,
    },
}

/// `caretaker bench sweep`.
#[derive(Debug, Clone, Args)]
pub struct SweepArgs {
    /// Base URL of the fixture server.
    #[arg(long)]
    pub base: String,
    /// Number of schools.
    #[arg(long)]
    pub schools: u32,
    /// Number of services.
    #[arg(long)]
    pub services: u32,
    /// Delay that the server is asked for, in milliseconds.
    #[arg(long)]
    pub delay: u64,
    /// Calls in flight.
    #[arg(long)]
    pub conc: u32,
    /// PEM file of the server's certificate authority.
    #[arg(long)]
    pub ca: Option<PathBuf>,
}
