//! Arguments of the commands that go through the guard.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::wire::Span;

/// `caretaker plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Which: `caretaker actions` lists them.
    pub action: String,
    /// At what: LAESTAB, LAESTAB/service, LAESTAB/guid:.., LAESTAB/sam:.., estate.
    #[arg(required = true)]
    pub targets: Vec<String>,
    /// Why; stands in the audit.
    #[arg(long)]
    pub reason: String,
    /// The desk's ticket.
    #[arg(long)]
    pub ticket: Option<String>,
    /// What the action needs to know besides.
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Show names whole; recorded before they are shown.
    #[arg(long)]
    pub show: bool,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// The plan's id.
    pub plan: String,
    /// Confirm by the plan's digest, as scripts must; without it the plan's words are asked for.
    #[arg(long)]
    pub digest: Option<String>,
    /// Show a new password here: a terminal keeps what a command wrote. Without it that is asked.
    #[arg(long)]
    pub shown_here: bool,
    /// How long to wait for what comes of it.
    #[arg(long, default_value = "30s", value_name = "DURATION")]
    pub wait: Span,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker approve`.
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// The plan's id.
    pub plan: String,
    /// The digest of the plan that you read; without it the plan is shown and its words are asked
    /// for.
    #[arg(long)]
    pub digest: Option<String>,
    /// What the plan asks its second person to type, such as a doubtful number.
    #[arg(long, value_name = "WORDS", requires = "digest")]
    pub typed: Option<String>,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker cancel`.
#[derive(Debug, Args)]
pub struct CancelArgs {
    /// The plan's id.
    pub plan: String,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker tell`.
#[derive(Debug, Args)]
pub struct TellArgs {
    /// The action's key, as `caretaker actions --json` gives it.
    pub key: String,
    /// Which step, from 1.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub step: u16,
    /// Its effect is there.
    #[arg(long, required_unless_present = "not_there", conflicts_with = "not_there")]
    pub there: bool,
    /// Its effect is not there.
    #[arg(long)]
    pub not_there: bool,
    /// How you know.
    #[arg(long)]
    pub how: String,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker continue`.
#[derive(Debug, Args)]
pub struct ContinueArgs {
    /// The action's key, as `caretaker actions --json` gives it.
    pub key: String,
    /// Why; stands in the audit.
    #[arg(long)]
    pub reason: String,
    /// The desk's ticket.
    #[arg(long)]
    pub ticket: Option<String>,
    /// Show names whole; recorded before they are shown.
    #[arg(long)]
    pub show: bool,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker close`.
#[derive(Debug, Args)]
pub struct CloseArgs {
    /// The action's key, as `caretaker actions --json` gives it; or the number of a ticket that stands.
    pub key: String,
    /// Why nothing more is to be done about it.
    #[arg(long)]
    pub reason: String,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker arm`.
#[derive(Debug, Args)]
pub struct ArmArgs {
    /// For how long, an hour at most.
    #[arg(required_unless_present = "off")]
    pub lasts: Option<Span>,
    /// Not any more.
    #[arg(long, conflicts_with = "lasts")]
    pub off: bool,
    /// Why; stands in the audit.
    #[arg(long, default_value = "", required_unless_present = "off")]
    pub reason: String,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker emergency`.
#[derive(Debug, Args)]
pub struct EmergencyArgs {
    /// Why; everybody is shown it.
    #[arg(long)]
    pub reason: String,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker audit`.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// The newest entries.
    List(AuditArgs),
    /// One entry with everything that is known of it.
    Show(ShowArgs),
    /// Erase one personal detail of an entry; the chain stays whole. For a lead or an auditor.
    Erase(EraseArgs),
    /// Microsoft's own audit held against this one: which changes of accounts did not come through
    /// here. For a lead or an auditor. Exit code: 0 all did, 1 some did not, 2 our app was used
    /// outside caretaker, 3 unknown.
    Reconcile(ReconcileArgs),
    /// Every entry, a line of JSON each, as docs/audit-format.md says.
    Export,
    /// Verify an export; needs no agent.
    Verify {
        /// The export.
        file: PathBuf,
        /// Public key (PEM) of its checkpoints.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// Checkpoints that were kept elsewhere, a line each.
        #[arg(long, value_name = "FILE")]
        checkpoints: Option<PathBuf>,
        /// As JSON, also where it cannot be verified.
        #[arg(long)]
        json: bool,
    },
}

/// `caretaker audit list`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Of this person.
    #[arg(long)]
    pub by: Option<String>,
    /// Of this kind: plan, denied, confirmed, approved, intent, step, outcome, unmasked, ..
    #[arg(long)]
    pub kind: Option<String>,
    /// About what begins so, such as a LAESTAB.
    #[arg(long)]
    pub about: Option<String>,
    /// Not before this time, such as 2026-03-03T09:00:00Z, or this long ago, such as 2d.
    #[arg(long)]
    pub since: Option<String>,
    /// At most this many.
    #[arg(long, default_value_t = 50)]
    pub limit: u32,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker audit show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Its number.
    pub number: u64,
    /// With its personal details, for a lead or an auditor, and why; recorded before they are shown.
    #[arg(long, value_name = "REASON")]
    pub reveal: Option<String>,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker audit erase`.
#[derive(Debug, Args)]
pub struct EraseArgs {
    /// The entry's number.
    pub number: u64,
    /// Which detail, as `caretaker audit show` names it.
    pub field: String,
    /// Why: on whose request.
    #[arg(long)]
    pub reason: String,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker audit reconcile`.
#[derive(Debug, Args)]
pub struct ReconcileArgs {
    /// Not before this time, such as 2026-03-03T09:00:00Z, or this long ago, such as 2d. Microsoft
    /// keeps 7 days, or 30 with a P1 licence.
    #[arg(long, default_value = "1d")]
    pub since: String,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// `caretaker policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Check the policy and its examples.
    Test {
        /// The policy; that of the configuration if not given.
        file: Option<PathBuf>,
        /// As JSON, also where it does not hold.
        #[arg(long)]
        json: bool,
    },
    /// What the policy would say.
    Explain(ExplainArgs),
}

/// `caretaker policy explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Which action.
    pub action: String,
    /// Whose account, or what: pupil, staff, governor, other, school, estate.
    #[arg(long, default_value = "school")]
    pub kind: String,
    /// At which school.
    #[arg(long, value_name = "LAESTAB")]
    pub school: Option<String>,
    /// How many targets.
    #[arg(long, default_value_t = 1)]
    pub targets: u16,
    /// Asked by whom: operator, approver, lead, viewer, auditor.
    #[arg(long, default_value = "operator")]
    pub role: String,
    /// When, such as 2026-03-03T22:00:00Z; now if not given.
    #[arg(long)]
    pub at: Option<String>,
    /// The policy; that of the configuration if not given.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}
