//! The command line.

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory as _, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::cli::bench_args::BenchCommand;
use crate::cli::guard_args::{
    ApplyArgs, ApproveArgs, ArmArgs, AuditCommand, CancelArgs, CloseArgs, ContinueArgs,
    EmergencyArgs, PlanArgs, PolicyCommand, TellArgs,
};
use crate::cli::incident_args::{IncidentCommand, IncidentsArgs};
use crate::cli::replay_args::{RecordArgs, ReplayArgs};
use crate::cli::report_args::ReportArgs;
use crate::wire::Span;
use crate::wire::desk::DeskKind;

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

    /// Theme: auto, default, dark, light, cvd, mono, or the name of a file in the themes folder.
    #[arg(long, global = true, env = "CARETAKER_THEME", value_name = "NAME")]
    pub theme: Option<String>,

    /// What is logged: error, warn, info, debug, trace.
    #[arg(long, global = true, env = "CARETAKER_LOG", value_name = "LEVEL")]
    pub log: Option<String>,

    /// Fewer frames, no ornaments: for slow lines.
    #[arg(long, global = true)]
    pub slow: bool,

    /// See [`Plain`].
    #[command(flatten)]
    pub plain: Plain,

    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Whether the console is to be read line by line.
#[derive(Debug, Args)]
pub struct Plain {
    /// The console line by line, for screen readers: nothing is drawn over. The same by ACCESSIBLE=1,
    /// and where TERM is dumb.
    #[arg(long, global = true)]
    plain: bool,
}

impl Plain {
    /// Whether it was asked for, or the environment says so.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        let says = |name: &str| std::env::var(name).unwrap_or_default();
        self.plain || !matches!(says("ACCESSIBLE").as_str(), "" | "0") || says("TERM") == "dumb"
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the agent alone: polls the vendors, keeps the board, serves consoles on its socket.
    Agent,
    /// Print how schools stand, and why. Exit code: 0 ok, 1 warning, 2 critical, 3 unknown.
    Status(StatusArgs),
    /// Compare two past moments: what became worse, better, was worse meanwhile. Exit code: 0
    /// nothing became worse, 1 to 3 the worst that did.
    Diff(DiffArgs),
    /// What broke, what was done, what is open and whose: for whoever comes next.
    Handover(HandoverArgs),
    /// How services stood through a period, and how long trouble took: for schools, for each service, for
    /// the estate.
    Report(ReportArgs),
    /// Print one plain line for each change, for screen readers and logs.
    Watch(WatchArgs),
    /// Acknowledge, claim, set a downtime, note or give back. Exit code: 0 done, 11 to no cell.
    Handle(HandleArgs),
    /// Strike out what somebody wrote about a school: its text is gone, that it was there stays. Without
    /// a number: what can be struck out.
    Strike(StrikeArgs),
    /// What runs out next: who has what until when. Plans that wait are told by `actions`.
    Expiring(ExpiringArgs),
    /// Ask the vendors again now, within their limits. Exit code: 0 asked, 11 nothing to ask.
    Refresh(RefreshArgs),
    /// What is broken: incidents, what nobody has first. Exit code: that of the worst, as for status.
    Incidents(IncidentsArgs),
    /// One incident: show it, export it for the review, claim, note, merge, split, resolve.
    #[command(subcommand)]
    Incident(IncidentCommand),
    /// Record the board of a period into a file that `caretaker replay` plays. Names are masked.
    Record(RecordArgs),
    /// Play a recording on the screens: nothing of it is the present, and nothing can be done in it.
    Replay(ReplayArgs),
    /// The backups of a school that ended well, as seen from here: what a restore can be asked from.
    Runs(RunsArgs),
    /// What vendors and ICTDS have stated about personal data: who, where, when, and what is not held.
    Statements(StatementsArgs),
    /// Check the configuration, or print its JSON Schema.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Try one connector for real, or list them.
    #[command(subcommand)]
    Connector(ConnectorCommand),
    /// Look an account up, or why its owner cannot sign in. Read-only; names stay masked.
    #[command(subcommand)]
    Account(AccountCommand),
    /// What can be done, what waits, runs and needs a look.
    Actions {
        /// JSON.
        #[arg(long)]
        json: bool,
    },
    /// Plan an action: reads the targets and says what would be done. Nothing is sent.
    Plan(PlanArgs),
    /// Confirm a plan and do it. Exit code: 0 done, 10 accepted, 11 rejected, 12 partly done,
    /// 13 unknown, 14 denied, 15 waits for a second person.
    Apply(ApplyArgs),
    /// Approve somebody else's plan, as its second person.
    Approve(ApproveArgs),
    /// Take back a plan that has not begun.
    Cancel(CancelArgs),
    /// Say what you saw of an action that is still open: its step took effect, or did not.
    Tell(TellArgs),
    /// Plan what is missing of an action that was partly done. Nothing is sent before that plan is
    /// confirmed.
    Continue(ContinueArgs),
    /// Close an open action as it is.
    Close(CloseArgs),
    /// Open your own actions for a while, where the policy asks for that.
    Arm(ArmArgs),
    /// Declare an emergency, where the policy knows one: everybody is told.
    Emergency(EmergencyArgs),
    /// The audit: who did what, on whose word.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Check the policy by its own examples, or ask what it would say.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Look at everything that this host needs: configuration, files, clock, names, certificates,
    /// credentials, sign-in, rights, store, socket, terminal. Exit code: 0 fine, 1 warnings, 2 errors.
    Doctor(DoctorArgs),
    /// Keep, list or delete credentials in the keyring.
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Write a first configuration, asked for step by step: schools, services, credentials; then try
    /// each service.
    Setup(SetupArgs),
    /// An invented estate with seven simulated vendors: nothing in it is real.
    Demo(DemoArgs),
    /// The training that a demo runs: what the desk is told, hints, and what was done so far.
    Training(TrainingArgs),
    /// The simulated vendors alone.
    Simulate(SimulateArgs),
    /// Print a completion script for a shell: commands, options and their values.
    Completions(CompletionsArgs),
    /// Print this program's man page, or write a page for each command into a folder.
    Man(ManArgs),
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
    /// The schools that match, in the language of the board's filter: has:nobody gc:c age>1d
    #[arg(long, value_name = "TERMS")]
    pub filter: Option<String>,
    /// Wait until every check has been tried once since the agent's start, at most this long.
    #[arg(long, value_name = "DURATION", conflicts_with = "at")]
    pub wait_settled: Option<Span>,
    /// As it was at a past moment: "Mon 22:00", 22:00 (the last), 2026-11-25T22:00, -8h.
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub at: Option<String>,
}

/// `caretaker diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The first moment: "Mon 22:00", 22:00 (the last), 2026-11-25T22:00, -8h.
    #[arg(allow_hyphen_values = true)]
    pub from: String,
    /// The second; now if it is left out.
    #[arg(allow_hyphen_values = true)]
    pub to: Option<String>,
    /// JSON: the agent's answer to /v1/diff.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker handover`.
#[derive(Debug, Args)]
pub struct HandoverArgs {
    /// Since when: "Mon 22:00", 22:00 (the last), -8h. Otherwise the end of your last shift, or 12
    /// hours ago where that is not known.
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub since: Option<String>,
    /// JSON: the agent's answer to /v1/handover.
    #[arg(long, conflicts_with = "markdown")]
    pub json: bool,
    /// Markdown, for a mail.
    #[arg(long)]
    pub markdown: bool,
}

/// `caretaker account`.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// The accounts of a school whose login, name or mail address holds PART.
    Find(AccountArgs),
    /// Why the owner of an account cannot sign in, in one sentence and in full.
    Why(AccountArgs),
}

/// `caretaker account find|why`.
#[derive(Debug, Args)]
pub struct AccountArgs {
    /// The school's LAESTAB.
    #[arg(value_name = "LAESTAB")]
    pub school: String,
    /// A part of the login, the name or the mail address; for `why` also guid:ID or sam:LOGIN.
    pub part: String,
    /// Show names whole; recorded before they are shown.
    #[arg(long, requires = "reason")]
    pub show: bool,
    /// Why they are shown.
    #[arg(long, default_value = "")]
    pub reason: String,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// This service alone.
    #[arg(long, value_name = "KEY")]
    pub service: Option<String>,
    /// Changes of the whole estate, and of the schools that match before or after them, in the language
    /// of the board's filter.
    #[arg(long, value_name = "TERMS")]
    pub filter: Option<String>,
}

/// What to do with cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Known; no need to call out.
    Acknowledge,
    /// Known as it is: ends when it changes, or at its end.
    AcknowledgeAsIs,
    /// Somebody works on it.
    Claim,
    /// Planned, now or later.
    Downtime,
    /// Nobody has it any more, and nothing is planned.
    GiveBack,
    /// Something to remember.
    Note,
}

impl Kind {
    /// The word of the wire.
    #[must_use]
    pub fn kind(self) -> DeskKind {
        match self {
            Self::Acknowledge => DeskKind::Acknowledge,
            Self::AcknowledgeAsIs => DeskKind::AcknowledgeAsIs,
            Self::Claim => DeskKind::Claim,
            Self::Downtime => DeskKind::Downtime,
            Self::GiveBack => DeskKind::GiveBack,
            Self::Note => DeskKind::Note,
        }
    }
}

/// `caretaker handle`.
#[derive(Debug, Args)]
pub struct HandleArgs {
    /// What to do.
    pub kind: Kind,
    /// LAESTAB numbers or parts of names, or `estate`.
    pub schools: Vec<String>,
    /// This service alone. Otherwise what is in trouble by itself (acknowledge, claim), or every
    /// service that the school takes.
    #[arg(long, value_name = "KEY")]
    pub service: Option<String>,
    /// The schools that match, in the language of the board's filter; kept with the downtime.
    #[arg(long, value_name = "TERMS")]
    pub filter: Option<String>,
    /// Its end, or beginning and end: 2h, 17:00, 2026-11-28T22:00, 22:00..02:00. Otherwise the end
    /// of the shift; a downtime needs it. One that comes again: "every sun 02:00..04:00", or
    /// "closures" (of each school's calendar), and with "till 2027-01-31" how long.
    #[arg(long, value_name = "WHEN", conflicts_with = "for")]
    pub until: Option<String>,
    /// How long from now on.
    #[arg(long, value_name = "DURATION")]
    pub r#for: Option<Span>,
    /// Why, or the note; without any pupil's name.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub why: String,
    /// The agent's answer as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker strike`.
#[derive(Debug, Args)]
pub struct StrikeArgs {
    /// LAESTAB number or a part of a name, or `estate`.
    pub school: String,
    /// The entry's number, as the list without it tells.
    pub id: Option<u64>,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker expiring`.
#[derive(Debug, Args)]
pub struct ExpiringArgs {
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker refresh`.
#[derive(Debug, Args)]
pub struct RefreshArgs {
    /// LAESTAB numbers or parts of names; every school and the estate if none.
    pub schools: Vec<String>,
    /// This service alone, by key or letters.
    #[arg(long, value_name = "KEY")]
    pub service: Option<String>,
}

/// `caretaker runs`.
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// The school.
    pub laestab: String,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker statements`.
#[derive(Debug, Args)]
pub struct StatementsArgs {
    /// This service alone, by key or letters.
    #[arg(long, value_name = "KEY")]
    pub service: Option<String>,
    /// JSON.
    #[arg(long, conflicts_with = "markdown")]
    pub json: bool,
    /// Markdown, a table for each service.
    #[arg(long)]
    pub markdown: bool,
}

/// `caretaker doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// JSON, version 1 of the contract in docs/doctor-json.md.
    #[arg(long)]
    pub json: bool,
    /// Call no vendor: nothing that leaves this host.
    #[arg(long)]
    pub offline: bool,
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
    /// Keep a credential: typed or pasted without echo, or read from standard input. Never an
    /// argument.
    ///
    /// At a terminal Enter ends it. A key of several lines (PEM or JSON) may be pasted or typed: it
    /// goes on until it is whole or Ctrl-D is pressed. From a file: caretaker secret set NAME < FILE
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
    /// What the vendors do: calm, morning, storm, a training, or a scenario file (.toml). `list`
    /// lists all.
    #[arg(long, default_value = "morning", value_name = "NAME")]
    pub scenario: String,
}

/// `caretaker setup`.
#[derive(Debug, Default, Args)]
pub struct SetupArgs {
    /// Where to write it, instead of the first of the usual places.
    #[arg(long, value_name = "PATH")]
    pub to: Option<PathBuf>,
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

impl Default for DemoArgs {
    /// As `caretaker demo` alone gives them.
    fn default() -> Self {
        #[derive(Parser)]
        struct Alone {
            #[command(flatten)]
            demo: DemoArgs,
        }
        Alone::parse_from([""]).demo
    }
}

/// `caretaker training`.
#[derive(Debug, Args)]
pub struct TrainingArgs {
    /// One more hint first.
    #[arg(long)]
    pub hint: bool,
    /// What was done so far, and when.
    #[arg(long)]
    pub debrief: bool,
    /// All of it as JSON.
    #[arg(long)]
    pub json: bool,
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

/// `caretaker completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    pub shell: clap_complete::Shell,
}

/// `caretaker man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Where the pages go, such as /usr/local/share/man/man1; without it the program's own page is
    /// printed.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

/// Every command with what it does, a line each.
#[must_use]
pub fn commands() -> Vec<String> {
    let about = |c: &clap::Command| c.get_about().map(ToString::to_string).unwrap_or_default();
    let all = Cli::command();
    let shown = all.get_subcommands().filter(|c| !c.is_hide_set() && !runs_alone(c.get_name()));
    shown.map(|c| format!("{}: {}", c.get_name(), about(c))).collect()
}

/// Commands that are no use within a console.
fn runs_alone(name: &str) -> bool {
    matches!(name, "agent" | "demo" | "simulate" | "bench" | "watch" | "replay" | "jq-worker")
}

/// Reads the words of a command that is given within a console, on the same agent.
///
/// # Errors
/// What the command line has to say of it: its help, or what is wrong.
pub fn within(socket: &Path, config: Option<&Path>, words: &[String]) -> Result<Cli, String> {
    if words.first().is_some_and(|name| runs_alone(name)) {
        return Err("this command runs by itself: type it outside of the console".to_owned());
    }
    let mut all = vec!["caretaker".into(), "--agent".into(), socket.as_os_str().to_owned()];
    if let Some(config) = config {
        all.extend(["--config".into(), config.as_os_str().to_owned()]);
    }
    all.extend(words.iter().map(Into::into));
    let read = Cli::try_parse_from(all).map_err(|e| e.to_string())?;
    if read.command.is_none() {
        return Err("type help to hear what can be typed".to_owned());
    }
    Ok(read)
}

/// Reads the command line; prints help and ends with 0, or complains and ends with 64.
///
/// # Errors
/// The exit code to end with.
pub fn parse() -> Result<Cli, u8> {
    let matches = crate::cli::teach::command().try_get_matches();
    matches.and_then(|matches| Cli::from_arg_matches(&matches)).map_err(|e| {
        let code = if e.use_stderr() { crate::cli::Code::Usage as u8 } else { 0 };
        // Nothing can be done when even the terminal is gone.
        drop(e.print());
        code
    })
}
