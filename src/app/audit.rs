//! `caretaker audit`.

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use crate::app::act::{denied, done, link, print_json};
use crate::app::failed::Failed;
use crate::cli::guard_args::{AuditArgs, AuditCommand, EraseArgs, ReconcileArgs, ShowArgs};
use crate::cli::{self, Code};
use crate::ledger::{Checkpoint, Line, Verifier, verify};
use crate::model::when::ago;
use crate::wire::Clean;
use crate::wire::action::Erase;

/// Entries that are fetched at once.
const ENTRIES: u64 = 1_000;

/// The audit.
///
/// # Errors
/// When no agent answers, or an export is not what it should be.
pub async fn run(
    socket: impl FnOnce() -> Result<std::path::PathBuf, Failed>,
    command: AuditCommand,
    now: Timestamp,
) -> Result<u8, Failed> {
    match command {
        AuditCommand::List(args) => list(&socket()?, args, now).await,
        AuditCommand::Show(args) => show(&socket()?, args).await,
        AuditCommand::Erase(args) => erase(&socket()?, args).await,
        AuditCommand::Reconcile(args) => reconcile(&socket()?, args, now).await,
        AuditCommand::Export => export(&socket()?).await,
        AuditCommand::Verify { file, key, checkpoints, json } => {
            let checked = check(&file, key.as_deref(), checkpoints.as_deref())?;
            told(&file, &checked, json)
        }
    }
}

async fn list(socket: &Path, args: AuditArgs, now: Timestamp) -> Result<u8, Failed> {
    let mut query = vec![("limit", args.limit.to_string())];
    for (name, value) in [("by", args.by), ("kind", args.kind), ("about", args.about)] {
        if let Some(value) = value {
            query.push((name, value));
        }
    }
    if let Some(since) = args.since {
        query.push(("since", moment(&since, now)?.to_string()));
    }
    let page = link(socket)?.audit(&query).await.map_err(denied)?;
    if args.json {
        print_json(&page)?;
        return Ok(Code::Done as u8);
    }
    for entry in page.entries.iter().rev() {
        cli::say(&cli::entry_line(entry));
    }
    Ok(Code::Done as u8)
}

async fn show(socket: &Path, args: ShowArgs) -> Result<u8, Failed> {
    let link = link(socket)?;
    let page = match &args.reveal {
        Some(why) => link.reveal(args.number, &Clean::new(why)).await,
        None => link.audit_entry(args.number).await,
    };
    let page = page.map_err(denied)?;
    if args.json {
        print_json(&page)?;
    } else {
        cli::say_raw(&cli::entry_text(&page));
    }
    Ok(Code::Done as u8)
}

async fn erase(socket: &Path, args: EraseArgs) -> Result<u8, Failed> {
    let erase = Erase { field: Clean::new(&args.field), why: Clean::new(&args.reason) };
    link(socket)?.erase(args.number, &erase).await.map_err(denied)?;
    done(args.json, "erased; the chain is whole, and the erasure stands in it")
}

async fn reconcile(socket: &Path, args: ReconcileArgs, now: Timestamp) -> Result<u8, Failed> {
    let since = moment(&args.since, now)?;
    let page = link(socket)?.reconcile(since).await.map_err(denied)?;
    if args.json {
        print_json(&page)?;
    } else {
        cli::say_raw(&cli::reconciled_text(&page));
    }
    Ok(page.health.exit_code())
}

/// Every entry, oldest first, a line each.
async fn export(socket: &Path) -> Result<u8, Failed> {
    let link = link(socket)?;
    let mut from = 1_u64;
    loop {
        let query = [("from", from.to_string()), ("limit", ENTRIES.to_string())];
        let page = link.audit(&query).await.map_err(denied)?;
        let Some(last) = page.entries.last().map(|e| e.number) else {
            return Ok(Code::Done as u8);
        };
        for entry in page.entries {
            print_json(&Line::Entry(entry))?;
        }
        from = last.saturating_add(1);
    }
}

/// What became of verifying an export, in the words of `--json`.
#[derive(Serialize)]
struct Checked {
    verified: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<u64>,
    /// The hash of the last entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<String>,
    /// Checkpoints that were verified; absent where no key was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoints: Option<u64>,
    /// The last entry that a checkpoint vouches for.
    #[serde(skip_serializing_if = "Option::is_none")]
    vouched_to: Option<u64>,
}

fn told(file: &Path, checked: &Checked, json: bool) -> Result<u8, Failed> {
    let code = if checked.verified { Code::Done } else { Code::Unverified };
    if json {
        print_json(checked)?;
        return Ok(code as u8);
    }
    if let Some(why) = &checked.why {
        return Err(Failed { code, text: format!("{}: {why}", file.display()) });
    }
    let vouched = match (checked.checkpoints, checked.vouched_to) {
        (None, _) => "no key was given, so checkpoints were not verified".to_owned(),
        (Some(0), _) => "it holds no checkpoint: entries at its end may have been cut".to_owned(),
        (Some(n), to) => {
            format!("{n} checkpoints, vouched for to entry {}", to.unwrap_or_default())
        }
    };
    let (entries, head) = (checked.entries.unwrap_or_default(), checked.head.as_deref());
    let head = head.unwrap_or_default();
    cli::say(&format!("{entries} entries, unbroken, head {head}; {vouched}"));
    Ok(code as u8)
}

/// Verifies an export; needs no agent.
fn check(file: &Path, key: Option<&Path>, checkpoints: Option<&Path>) -> Result<Checked, Failed> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|e| Failed::usage(format!("{}: {e}", path.display())))
    };
    let key = match key {
        Some(path) => {
            Some(Verifier::from_pem(&read(path)?).map_err(|e| Failed::usage(e.to_string()))?)
        }
        None => None,
    };
    let text = read(file)?;
    let elsewhere = checkpoints.map(read).transpose()?.unwrap_or_default();
    let others = kept_elsewhere(&elsewhere).map_err(Failed::usage)?;
    Ok(match verify(text.lines(), &others, key.as_ref()) {
        Ok(verdict) => Checked {
            verified: true,
            why: None,
            entries: Some(verdict.entries),
            head: Some(verdict.head.to_string()),
            checkpoints: key.as_ref().map(|_| verdict.checkpoints),
            vouched_to: key.as_ref().map(|_| verdict.vouched_to),
        },
        Err(fault) => Checked {
            verified: false,
            why: Some(fault.to_string()),
            entries: None,
            head: None,
            checkpoints: None,
            vouched_to: None,
        },
    })
}

/// A moment, or so long ago.
fn moment(text: &str, now: Timestamp) -> Result<Timestamp, Failed> {
    if let Some(at) = ago(text, now) {
        return Ok(at);
    }
    text.parse()
        .map_err(|_| Failed::usage(format!("--since {text}: write 2026-03-03T09:00:00Z, or 2d")))
}

/// The checkpoints of a file of checkpoints; what a system log wrote before each is passed over.
fn kept_elsewhere(text: &str) -> Result<Vec<Checkpoint>, String> {
    let mut found = Vec::new();
    for (n, line) in (1..).zip(text.lines()) {
        let Some(at) = line.find("{\"checkpoint\"") else { continue };
        let json = line.get(at..).unwrap_or_default();
        match serde_json::from_str(json) {
            Ok(Line::Checkpoint(checkpoint)) => found.push(checkpoint),
            Ok(Line::Entry(_)) => {}
            Err(error) => return Err(format!("line {n} of the checkpoints: {error}")),
        }
    }
    Ok(found)
}
