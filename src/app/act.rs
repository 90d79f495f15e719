//! `caretaker actions|plan|apply|approve|cancel|audit|policy`.

use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::app::failed::Failed;
use crate::cli::args::{ApplyArgs, AuditArgs, AuditCommand, DigestArgs, PlanArgs};
use crate::cli::{self, Code};
use crate::ledger::{Checkpoint, Line, Verifier, verify};
use crate::link::{Link, LinkError};
use crate::ports::clock::Clock;
use crate::wire::action::{ActionRow, Confirmed, LeftRow, PlanPage};
use crate::wire::{Ask, Clean};

/// Between two looks at how a plan goes.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// Entries that are fetched at once.
const ENTRIES: u64 = 1_000;

pub(super) fn link(socket: &Path) -> Result<Link, Failed> {
    Link::new(socket).map_err(Failed::no_agent)
}

pub(super) fn usage(text: impl Into<String>) -> Failed {
    Failed { code: Code::Usage, text: text.into() }
}

/// A denial has an exit code of its own.
pub(super) fn denied(error: LinkError) -> Failed {
    match &error {
        LinkError::Refused { code, .. } if code == "forbidden" || code == "stale" => {
            Failed { code: Code::ActionDenied, text: error.to_string() }
        }
        LinkError::Refused { code, .. } if code == "bad_request" || code == "not_found" => {
            usage(error.to_string())
        }
        _ => Failed::no_agent(error),
    }
}

pub(super) fn print_json(value: &impl serde::Serialize) -> Result<(), Failed> {
    cli::say(&serde_json::to_string(value).map_err(Failed::software)?);
    Ok(())
}

/// What is possible, waits and runs.
///
/// # Errors
/// When no agent answers.
pub async fn actions(socket: &Path, json: bool) -> Result<u8, Failed> {
    let page = link(socket)?.actions().await.map_err(denied)?;
    if json {
        print_json(&page)?;
    } else {
        cli::say_raw(&cli::actions_text(&page));
    }
    Ok(Code::Done as u8)
}

/// Makes a plan and prints it.
///
/// # Errors
/// When it is denied, or makes no sense.
pub async fn plan(socket: &Path, args: PlanArgs) -> Result<u8, Failed> {
    let mut choices = BTreeMap::new();
    for set in &args.set {
        let (name, value) =
            set.split_once('=').ok_or_else(|| usage(format!("--set {set}: write NAME=VALUE")))?;
        choices.insert(name.to_owned(), Clean::new(value));
    }
    let action = args.action.parse().map_err(|e| usage(format!("{e}")))?;
    let ask = Ask {
        action,
        targets: cli::aims(&args.targets).map_err(usage)?,
        reason: Clean::new(&args.reason),
        ticket: args.ticket.as_deref().map(Clean::new),
        choices,
    };
    let page = link(socket)?.plan(ask, args.show).await.map_err(denied)?;
    if args.json {
        print_json(&page)?;
    } else {
        cli::say_raw(&cli::plan_text(&page));
    }
    Ok(Code::Done as u8)
}

/// Confirms a plan: by its digest, or at a terminal by typing what it asks for; then waits for
/// what comes of it.
///
/// # Errors
/// When it is not confirmed, or denied.
pub async fn apply(socket: &Path, args: ApplyArgs, clock: Arc<dyn Clock>) -> Result<u8, Failed> {
    let link = link(socket)?;
    let page = link.planned(&args.plan).await.map_err(denied)?;
    let digest = match &args.digest {
        Some(digest) => Clean::new(digest),
        None => typed(&page)?,
    };
    let confirmed = link.confirm(&args.plan, &digest).await.map_err(denied)?;
    match confirmed {
        Confirmed::Waits { until, role } => {
            if args.json {
                print_json(&confirmed)?;
            } else {
                let role = format!("{role:?}").to_lowercase();
                cli::say(&format!("WAITS for a second person ({role}) until {until}"));
            }
            return Ok(Code::Waits as u8);
        }
        Confirmed::Runs { once_secret: Some(secret) } if std::io::stdout().is_terminal() => {
            cli::say(&format!("new password, shown this once: {}", secret.reveal()));
        }
        Confirmed::Runs { once_secret: Some(_) } => {
            cli::complain("the new password is shown at a terminal only; reset it again there");
        }
        Confirmed::Runs { once_secret: None } => {}
    }
    let (rows, left) = follow(&link, &page, args.wait.duration(), &*clock).await?;
    if args.json {
        print_json(&serde_json::json!({ "actions": rows, "left": left }))?;
    } else {
        cli::say_raw(&cli::rows_text(&rows));
        cli::say_raw(&cli::left_text(&left));
    }
    Ok(cli::outcome_code(&rows, left.len()))
}

/// Shows the plan and asks for its words; Enter alone confirms nothing.
fn typed(page: &PlanPage) -> Result<Clean, Failed> {
    if !std::io::stdin().is_terminal() {
        return Err(usage("without a terminal a plan is confirmed by --digest only"));
    }
    cli::say_raw(&cli::plan_text(page));
    let words = cli::confirm_words(page);
    cli::say_raw(&format!("Type  {words}  to confirm: "));
    std::io::stdout().flush().map_err(Failed::software)?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(Failed::software)?;
    if line.trim_end_matches(['\r', '\n']) != words || words.is_empty() {
        return Err(Failed {
            code: Code::ActionDenied,
            text: "not confirmed: nothing was sent".into(),
        });
    }
    Ok(page.plan.digest.clone())
}

/// The rows of a plan once each has an outcome, or when `wait` is over; and what was not begun.
async fn follow(
    link: &Link,
    page: &PlanPage,
    wait: Duration,
    clock: &dyn Clock,
) -> Result<(Vec<ActionRow>, Vec<LeftRow>), Failed> {
    let until = clock.monotonic() + wait;
    loop {
        let now = link.actions().await.map_err(Failed::no_agent)?;
        let mine = |row: &ActionRow| row.plan == page.plan.id;
        let rows: Vec<ActionRow> = now.open.into_iter().chain(now.recent).filter(mine).collect();
        let left = now.left.into_iter().filter(|row| row.plan == page.plan.id);
        let left: Vec<LeftRow> = left.collect();
        let all = rows.len() + left.len() >= page.plan.items.len();
        if (all && rows.iter().all(|r| r.outcome.is_some())) || clock.monotonic() >= until {
            return Ok((rows, left));
        }
        clock.sleep(LOOK_AGAIN).await;
    }
}

/// Approves somebody else's plan.
///
/// # Errors
/// When it is denied.
pub async fn approve(socket: &Path, args: DigestArgs) -> Result<u8, Failed> {
    let digest = Clean::new(&args.digest);
    link(socket)?.approve(&args.plan, &digest, &Clean::default()).await.map_err(denied)?;
    cli::say("approved; it runs: caretaker actions");
    Ok(Code::Done as u8)
}

/// Takes back a plan that has not begun.
///
/// # Errors
/// When it has begun, or is somebody else's.
pub async fn cancel(socket: &Path, plan: &str) -> Result<u8, Failed> {
    link(socket)?.cancel(plan).await.map_err(denied)?;
    cli::say("cancelled; nothing was sent");
    Ok(Code::Done as u8)
}

/// The audit.
///
/// # Errors
/// When no agent answers, or an export is not what it should be.
pub async fn audit(
    socket: impl FnOnce() -> Result<std::path::PathBuf, Failed>,
    command: AuditCommand,
) -> Result<u8, Failed> {
    match command {
        AuditCommand::List(args) => list(&socket()?, args).await,
        AuditCommand::Export => export(&socket()?).await,
        AuditCommand::Verify { file, key, checkpoints } => {
            check(&file, key.as_deref(), checkpoints.as_deref())
        }
    }
}

async fn list(socket: &Path, args: AuditArgs) -> Result<u8, Failed> {
    let mut query = vec![("limit", args.limit.to_string())];
    for (name, value) in [("by", args.by), ("kind", args.kind), ("about", args.about)] {
        if let Some(value) = value {
            query.push((name, value));
        }
    }
    let page = link(socket)?.audit(&query).await.map_err(denied)?;
    if args.json {
        print_json(&page)?;
        return Ok(Code::Done as u8);
    }
    for entry in page.entries.iter().rev() {
        let by = entry.by.as_ref().map_or("agent", |by| by.name.as_str());
        let body: Vec<String> = entry.body.iter().map(|(k, v)| format!("{k}={v}")).collect();
        cli::say(&format!(
            "{:>6}  {}  {by:<12} {:<10} {}  {}",
            entry.number,
            entry.at,
            entry.kind,
            entry.about,
            body.join(" ")
        ));
    }
    Ok(Code::Done as u8)
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

/// Verifies an export; needs no agent.
fn check(file: &Path, key: Option<&Path>, checkpoints: Option<&Path>) -> Result<u8, Failed> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|e| usage(format!("{}: {e}", path.display())))
    };
    let key = match key {
        Some(path) => Some(Verifier::from_pem(&read(path)?).map_err(|e| usage(e.to_string()))?),
        None => None,
    };
    let text = read(file)?;
    let elsewhere = checkpoints.map(read).transpose()?.unwrap_or_default();
    let others = kept_elsewhere(&elsewhere).map_err(usage)?;
    let verdict = verify(text.lines(), &others, key.as_ref()).map_err(|fault| Failed {
        code: Code::Unverified,
        text: format!("{}: {fault}", file.display()),
    })?;
    let vouched = match (verdict.checkpoints, key) {
        (_, None) => "no key was given, so checkpoints were not verified".to_owned(),
        (0, Some(_)) => "it holds no checkpoint: entries at its end may have been cut".to_owned(),
        (n, Some(_)) => format!("{n} checkpoints, vouched for to entry {}", verdict.vouched_to),
    };
    cli::say(&format!("{} entries, unbroken, head {}; {vouched}", verdict.entries, verdict.head));
    Ok(Code::Done as u8)
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
