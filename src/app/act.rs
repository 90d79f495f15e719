//! `caretaker actions|plan|apply|approve|cancel|tell|continue|close|arm|emergency`.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::app::failed::Failed;
use crate::cli::guard_args::{
    ApplyArgs, ApproveArgs, ArmArgs, CancelArgs, CloseArgs, ContinueArgs, EmergencyArgs, PlanArgs,
    TellArgs,
};
use crate::cli::{self, Code};
use crate::link::{Link, LinkError};
use crate::ports::clock::Clock;
use crate::sys::Terminal;
use crate::wire::action::{ActionRow, Arm, Confirmed, LeftRow, PlanPage, Told, is_confirmed};
use crate::wire::{Ask, Clean};

/// How often a plan's words are asked for, where what was typed came too soon.
const ASKED: usize = 3;
/// Between two looks at how a plan goes.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

pub(super) fn link(socket: &Path) -> Result<Link, Failed> {
    Link::new(socket).map_err(Failed::no_agent)
}

/// A denial has an exit code of its own.
pub(super) fn denied(error: LinkError) -> Failed {
    match &error {
        LinkError::Refused { code, .. } if code == "forbidden" || code == "stale" => {
            Failed { code: Code::ActionDenied, text: error.to_string() }
        }
        LinkError::Refused { code, .. } if code == "bad_request" || code == "not_found" => {
            Failed::usage(error.to_string())
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
        let (name, value) = set
            .split_once('=')
            .ok_or_else(|| Failed::usage(format!("--set {set}: write NAME=VALUE")))?;
        choices.insert(name.to_owned(), Clean::new(value));
    }
    let action = args.action.parse().map_err(|e| Failed::usage(format!("{e}")))?;
    let ask = Ask {
        action,
        targets: cli::aims(&args.targets).map_err(Failed::usage)?,
        reason: Clean::new(&args.reason),
        ticket: args.ticket.as_deref().map(Clean::new),
        choices,
        continues: None,
    };
    let page = link(socket)?.plan(ask, args.show).await.map_err(denied)?;
    print_plan(&page, args.json)
}

fn print_plan(page: &PlanPage, json: bool) -> Result<u8, Failed> {
    if json {
        print_json(page)?;
    } else {
        cli::say_raw(&cli::plan_text(page));
    }
    Ok(Code::Done as u8)
}

/// Makes a plan of what is missing of an open action, and prints it.
///
/// # Errors
/// When there is no such open action, it cannot be continued, or the plan is denied.
pub async fn continue_action(socket: &Path, args: ContinueArgs) -> Result<u8, Failed> {
    let link = link(socket)?;
    let open = link.actions().await.map_err(denied)?.open;
    let begun = open.into_iter().find(|row| row.key.as_str() == args.key).ok_or_else(|| {
        Failed::usage("no such open action: its key is in `caretaker actions --json`, under `open`")
    })?;
    let ask = Ask {
        action: begun.action,
        targets: vec![begun.aim],
        reason: Clean::new(&args.reason),
        ticket: args.ticket.as_deref().map(Clean::new),
        choices: BTreeMap::new(),
        continues: Some(begun.key),
    };
    let page = link.plan(ask, args.show).await.map_err(denied)?;
    print_plan(&page, args.json)
}

/// Confirms a plan: by its digest, or at a terminal by typing what it asks for; then waits for
/// what comes of it.
///
/// # Errors
/// When it is not confirmed, or denied.
pub async fn apply(socket: &Path, args: ApplyArgs, clock: Arc<dyn Clock>) -> Result<u8, Failed> {
    let link = link(socket)?;
    let page = link.planned(&args.plan).await.map_err(denied)?;
    if page.plan.shows_once() {
        seen_here(args.shown_here, &clock).await?;
    }
    let digest = match &args.digest {
        Some(digest) => Clean::new(digest),
        None => typed(&link, &page, Asks::Confirmation, &clock).await?,
    };
    let confirmed = link.confirm(&args.plan, &digest).await.map_err(denied)?;
    match confirmed {
        Confirmed::Waits { until, role } => {
            if args.json {
                print_json(&confirmed)?;
            } else {
                let role = role.word();
                cli::say(&format!("WAITS for a second person ({role}) until {until}"));
            }
            return Ok(Code::Waits as u8);
        }
        Confirmed::Runs { once_secret: Some(secret) } => {
            cli::say(&format!("new password, shown this once: {}", secret.reveal()));
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

/// That a new password can be seen where this writes, and may stay there.
async fn seen_here(agreed: bool, clock: &Arc<dyn Clock>) -> Result<(), Failed> {
    if !std::io::stdout().is_terminal() {
        let why = "its new password is shown once, at a terminal only: nothing was sent";
        return Err(Failed::usage(why));
    }
    if agreed {
        return Ok(());
    }
    let question = "The new password is shown here once, and this terminal may keep what it shows.\n\
        Type  yes  to have it shown here: ";
    if std::io::stdin().is_terminal() && answer(question.into(), clock).await?.0.trim() == "yes" {
        return Ok(());
    }
    Err(Failed::usage(
        "the new password would stay in this terminal (--shown-here lets it): nothing was sent",
    ))
}

/// What a plan's words are asked for.
#[derive(Clone, Copy)]
enum Asks {
    Confirmation,
    Approval,
}

/// Shows the plan and asks for its words; Enter alone does nothing. What was typed ahead counts for nothing,
/// and what comes before the plan can have been read, as a paste does, is thrown away and asked for again.
async fn typed(
    link: &Link,
    page: &PlanPage,
    asks: Asks,
    clock: &Arc<dyn Clock>,
) -> Result<Clean, Failed> {
    let (does, done) = match asks {
        Asks::Confirmation => ("confirm", "confirmed"),
        Asks::Approval => ("approve", "approved"),
    };
    if !std::io::stdin().is_terminal() {
        return Err(Failed::usage(format!("without a terminal a plan is {done} by --digest only")));
    }
    cli::say_raw(&cli::plan_text(page));
    let name = match page.plan.items.first().and_then(|item| item.aim.school()) {
        Some(school) => link.page(Some(school)).await.ok().and_then(|p| p.school),
        None => None,
    };
    let name_of = |_| name.as_ref().map(|school| school.name.clone());
    let words = match asks {
        Asks::Confirmation => page.words(name_of),
        Asks::Approval => page.approval(name_of),
    };
    let question = format!("Type  {words}  to {does}: ");
    let reads = page.reads();
    for _ in 0..ASKED {
        let (line, after) = answer(question.clone(), clock).await?;
        if after >= reads {
            if is_confirmed(&words, &line) {
                return Ok(page.plan.digest.clone());
            }
            break;
        }
        cli::say(&format!(
            "Thrown away: it came within {} s, as what is pasted or typed ahead does. Read the plan first.",
            reads.as_secs()
        ));
    }
    Err(Failed { code: Code::ActionDenied, text: format!("not {done}: nothing was sent") })
}

/// The line that is typed after the question, and how long after it; empty at the input's end.
async fn answer(question: String, clock: &Arc<dyn Clock>) -> Result<(String, Duration), Failed> {
    let timed = Arc::clone(clock);
    let read = move || {
        let mut asked = timed.monotonic();
        let line = Terminal::of_input().answer(|| {
            cli::say_raw(&question);
            asked = timed.monotonic();
        });
        line.map(|line| (line.unwrap_or_default(), timed.monotonic().saturating_sub(asked)))
    };
    tokio::task::spawn_blocking(read).await.map_err(Failed::software)?.map_err(Failed::software)
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

/// Says that it is done: in words, or for a program.
pub(super) fn done(json: bool, words: &str) -> Result<u8, Failed> {
    if json {
        print_json(&serde_json::json!({ "done": true }))?;
    } else {
        cli::say(words);
    }
    Ok(Code::Done as u8)
}

/// Approves somebody else's plan: by its digest, or at a terminal by typing what it asks for.
///
/// # Errors
/// When it is not approved, or denied.
pub async fn approve(
    socket: &Path,
    args: ApproveArgs,
    clock: Arc<dyn Clock>,
) -> Result<u8, Failed> {
    let link = link(socket)?;
    let (digest, typed) = match &args.digest {
        Some(digest) => (Clean::new(digest), args.typed.as_deref().map(Clean::new)),
        None => {
            let page = link.planned(&args.plan).await.map_err(denied)?;
            let digest = typed(&link, &page, Asks::Approval, &clock).await?;
            (digest, Some(Clean::new(&page.plan.approval_words())))
        }
    };
    link.approve(&args.plan, &digest, &typed.unwrap_or_default()).await.map_err(denied)?;
    done(args.json, "approved; it runs: caretaker actions")
}

/// Takes back a plan that has not begun.
///
/// # Errors
/// When it has begun, or is somebody else's.
pub async fn cancel(socket: &Path, args: CancelArgs) -> Result<u8, Failed> {
    link(socket)?.cancel(&args.plan).await.map_err(denied)?;
    done(args.json, "taken back; nothing was sent")
}

/// A person saw what became of a step.
///
/// # Errors
/// When nothing is open about it, or it is denied.
pub async fn tell(socket: &Path, args: TellArgs) -> Result<u8, Failed> {
    let step = usize::from(args.step.saturating_sub(1));
    let told = Told { step, there: args.there, how: Clean::new(&args.how) };
    link(socket)?.told(&args.key, &told).await.map_err(denied)?;
    done(args.json, "recorded")
}

/// A person closes an action as it is.
///
/// # Errors
/// When it is closed, or it is denied.
pub async fn close(socket: &Path, args: CloseArgs) -> Result<u8, Failed> {
    link(socket)?.close(&args.key, &Clean::new(&args.reason)).await.map_err(denied)?;
    done(args.json, "closed as it is")
}

/// Opens one's own actions for a while, or closes them again.
///
/// # Errors
/// When the policy asks for no arming, or it is denied.
pub async fn arm(socket: &Path, args: ArmArgs) -> Result<u8, Failed> {
    let arm = Arm { span: args.lasts, why: Clean::new(&args.reason) };
    let armed = link(socket)?.arm(&arm).await.map_err(denied)?;
    if args.json {
        print_json(&armed)?;
        return Ok(Code::Done as u8);
    }
    cli::say(&match armed.until {
        Some(until) => format!("armed until {until}"),
        None => "not armed any more".to_owned(),
    });
    Ok(Code::Done as u8)
}

/// Declares an emergency.
///
/// # Errors
/// When the policy knows none, or not by this account.
pub async fn emergency(socket: &Path, args: EmergencyArgs) -> Result<u8, Failed> {
    let declared = link(socket)?.emergency(&Clean::new(&args.reason)).await.map_err(denied)?;
    if args.json {
        print_json(&declared)?;
    } else {
        cli::say(&format!("EMERGENCY declared until {}; everybody is told", declared.until));
    }
    Ok(Code::Done as u8)
}
