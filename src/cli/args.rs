//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::wire::Span;

/// Watches seven services for every school, and says why.
///
/// Without a command: the console, attached to the desk's agent, or with an agent of its own.
#[derive(Debug, Parser)]
#[command(name = "caretaker", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// Configuration file. Otherwise $CARETAKER_CONFIG, the user's configuration folder,
    /// /etc/caretaker/config.toml.
    #[arg(long, global = true, env = "CARETAKER_CONFIG", value_name = "PATH")]
    pub config: Option<PathBuf>,

    /// Socket of the agent. Otherwise $CARETAKER_AGENT, the configuration,
    /// /run/caretaker/agent.sock.
    #[arg(long, global = true, env = "CARETAKER_AGENT", value_name = "SOCKET")]
    pub agent: Option<PathBuf>,

    /// Theme: default, dark, light, cvd, mono, or the name of a file in the themes folder.
    #[arg(long, global = true, env = "CARETAKER_THEME", value_name = "NAME")]
    pub theme: Option<String>,

    /// What is logged: error, warn, info, debug, trace.
    #[arg(long, global = true, env = "CARETAKER_LOG", value_name = "LEVEL")]
    pub log: Option<String>,

    /// Fewer frames, no ornaments: for slow lines.
    #[arg(long, global = true)]
    pub slow: bool,

    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the agent alone: polls the vendors, keeps the board, serves consoles on its socket.
    Agent,
    /// Print how schools stand, and why. Exit code: 0 ok, 1 warning, 2 critical, 3 unknown.
    Status(StatusArgs),
    /// Print one plain line for each change, for screen readers and logs.
    Watch(WatchArgs),
    /// Check the configuration, or print its JSON Schema.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Try one connector for real, or list them.
    #[command(subcommand)]
    Connector(ConnectorCommand),
    /// Keep, list or delete credentials in the keyring.
    #[command(subcommand)]
    Secret(SecretCommand),
    /// An invented estate with seven simulated vendors: nothing in it is real.
    Demo(DemoArgs),
    /// The simulated vendors alone.
    Simulate(SimulateArgs),
    /// Measure speed.
    #[command(subcommand)]
    Bench(BenchCommand),
    /// The child process in which an agent applies jq expressions; serves its standard input.
    #[command(hide = true)]
    JqWorker,
}

/// `caretaker connector`.
#[derive(Debug, Subcommand)]
pub enum ConnectorCommand {
    /// Ask once, for real: show the request, the answer without its values, the verdict and why.
    /// Exit code: 0 ok, 1 warning, 2 critical, 3 unknown.
    Try(TryArgs),
    /// Every connector of the configuration and every built-in service, with what it asks.
    List,
}

/// `caretaker connector try`.
#[derive(Debug, Args)]
pub struct TryArgs {
    /// A connector of the configuration, or the key of a built-in service.
    pub name: String,
    /// LAESTAB, or part of the name, of the school to ask about. Without it, the first school that
    /// takes the service.
    #[arg(long, value_name = "SCHOOL")]
    pub school: Option<String>,
    /// Only this check.
    #[arg(long, value_name = "NAME")]
    pub check: Option<String>,
}

/// `caretaker status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// LAESTAB numbers or parts of names; all schools if none.
    pub schools: Vec<String>,
    /// JSON, version 1 of the contract in docs/status-json.md.
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// One CSV row for each school and service.
    #[arg(long)]
    pub csv: bool,
    /// Judge and print this service alone.
    #[arg(long, value_name = "KEY")]
    pub service: Option<String>,
    /// Wait until every check has been tried once since the agent's start, at most this long.
    #[arg(long, value_name = "DURATION")]
    pub wait_settled: Option<Span>,
}

/// `caretaker watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// This service alone.
    #[arg(long, value_name = "KEY")]
    pub service: Option<String>,
}

/// `caretaker config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Read configuration, schools and subscriptions; say everything that is wrong with them.
    Check,
    /// Print the JSON Schema of the configuration, for editors.
    Schema,
}

/// `caretaker secret`.
#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    /// Keep a credential: typed without echo, or read from standard input. Never an argument.
    Set {
        /// Its name, as the configuration gives it.
        name: String,
    },
    /// Names of the credentials in the keyring, and where each name of the configuration is found.
    List,
    /// Delete a credential from the keyring.
    Delete {
        /// Its name.
        name: String,
    },
}

/// What the invented estate looks like.
#[derive(Debug, Clone, Args)]
pub struct EstateArgs {
    /// Number of schools.
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u32).range(1..=24_000))]
    pub schools: u32,
    /// The same seed invents the same estate.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// What the vendors do: calm, morning, storm.
    #[arg(long, default_value = "morning", value_name = "NAME")]
    pub scenario: String,
}

/// `caretaker demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The estate.
    #[command(flatten)]
    pub estate: EstateArgs,
    /// No console: print one JSON line when ready and run until stopped.
    #[arg(long)]
    pub headless: bool,
    /// End by itself after this long.
    #[arg(long, value_name = "DURATION")]
    pub r#for: Option<Span>,
}

/// `caretaker simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// The estate.
    #[command(flatten)]
    pub estate: EstateArgs,
    /// End by itself after this long.
    #[arg(long, value_name = "DURATION")]
    pub r#for: Option<Span>,
}

/// `caretaker bench`.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Checks over HTTP through transport, scheduler, hub and store until all are settled.
    Sweep(SweepArgs),
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

/// Reads the command line; prints help and ends with 0, or complains and ends with 64.
///
/// # Errors
/// The exit code to end with.
pub fn parse() -> Result<Cli, u8> {
    Cli::try_parse().map_err(|e| {
        let code = if e.use_stderr() { crate::cli::Code::Usage as u8 } else { 0 };
        // Nothing can be done when even the terminal is gone.
        drop(e.print());
        code
    })
}
