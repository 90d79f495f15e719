//! `caretaker incidents` and `caretaker incident`: asks the agent, prints what came of it.

use std::path::Path;

use crate::app::failed::Failed;
use crate::app::{handle, replay};
use crate::cli::incident_args::{ClaimArgs, IncidentCommand, IncidentsArgs};
use crate::cli::{self, Code};
use crate::link::{Link, LinkError, Recorded};
use crate::wire::Clean;
use crate::wire::incident::{IncidentDo, IncidentOrder};

/// What a refusal is to a script: what was right a moment ago and is not now was rejected.
fn refused(error: LinkError) -> Failed {
    match &error {
        LinkError::Refused { code, .. } if code == "forbidden" => Failed::no_agent(error),
        LinkError::Refused { code, .. } if code == "stale" => {
            Failed { code: Code::Rejected, text: error.to_string() }
        }
        LinkError::Refused { .. } => Failed::usage(error.to_string()),
        LinkError::NoAgent { .. } | LinkError::Version { .. } => Failed::no_agent(error),
    }
}

/// Lists incidents. The exit code is that of the worst that is open.
///
/// # Errors
/// When no agent answers.
pub async fn list(socket: &Path, args: IncidentsArgs) -> Result<u8, Failed> {
    let link = Link::new(socket).map_err(Failed::no_agent)?;
    let all = link.incidents(args.ended).await.map_err(refused)?;
    if args.json {
        cli::say(&serde_json::to_string(&all).map_err(Failed::software)?);
    } else {
        cli::say_raw(&cli::incidents_text(&all));
    }
    Ok(cli::incident_code(all.incidents.iter()))
}

/// Shows, exports or changes one incident. The exit code.
///
/// # Errors
/// When no agent answers, or it refuses.
pub async fn run(socket: &Path, command: IncidentCommand) -> Result<u8, Failed> {
    let link = Link::new(socket).map_err(Failed::no_agent)?;
    let plain = |kind| IncidentOrder {
        kind,
        why: Clean::default(),
        until: None,
        into: None,
        cells: Vec::new(),
        anyway: false,
    };
    let because = |kind, why: &str| IncidentOrder { why: Clean::new(why), ..plain(kind) };
    let (id, order, json) = match command {
        IncidentCommand::Show { id, json } => {
            let page = link.incident(id).await.map_err(refused)?;
            if json {
                cli::say(&serde_json::to_string(&page).map_err(Failed::software)?);
            } else {
                cli::say_raw(&cli::incident_text(&page));
            }
            return Ok(cli::incident_code(std::iter::once(&page.incident)));
        }
        IncidentCommand::Export { id, recording: Some(file), with_school_names } => {
            return replay::write(&link, Recorded::Incident(id), with_school_names, &file).await;
        }
        IncidentCommand::Export { id, recording: None, .. } => {
            cli::say_raw(&cli::report(&link.incident(id).await.map_err(refused)?));
            return Ok(Code::Done as u8);
        }
        IncidentCommand::Strike { id, text, json } => return strike(&link, (id, text), json).await,
        IncidentCommand::Claim(args) => {
            let until = claim_end(&link, &args).await?;
            (args.id, IncidentOrder { until, ..because(IncidentDo::Claim, &args.why) }, args.json)
        }
        IncidentCommand::GiveBack(args) => (args.id, plain(IncidentDo::GiveBack), args.json),
        IncidentCommand::Note(args) => (args.id, because(IncidentDo::Note, &args.text), args.json),
        IncidentCommand::Merge(args) => {
            let into = Some(args.into);
            (args.id, IncidentOrder { into, ..because(IncidentDo::Merge, &args.why) }, args.json)
        }
        IncidentCommand::Split(args) => {
            let cells = args.cells.iter().map(|text| cli::cell_named(text)).collect();
            let cells = Result::map_err(cells, Failed::usage)?;
            (args.id, IncidentOrder { cells, ..because(IncidentDo::Split, &args.why) }, args.json)
        }
        IncidentCommand::Resolve(args) => {
            let order = because(IncidentDo::Resolve, &args.why);
            (args.id, IncidentOrder { anyway: args.anyway, ..order }, args.json)
        }
    };
    let done = link.order_incident(id, &order).await.map_err(refused)?;
    if json {
        cli::say(&serde_json::to_string(&done).map_err(Failed::software)?);
    } else {
        cli::say_raw(&cli::done_text(id, &done));
    }
    let takes = matches!(order.kind, IncidentDo::Claim | IncidentDo::GiveBack);
    let to_none = takes && done.handled.is_none_or(|handled| handled.done == 0);
    Ok(if to_none { Code::Rejected } else { Code::Done } as u8)
}

/// Lists what was written about an incident, or strikes one of it out.
async fn strike(link: &Link, (id, text): (u64, Option<u64>), json: bool) -> Result<u8, Failed> {
    let page = link.incident(id).await.map_err(refused)?;
    let mut written = page.time_line.iter().filter(|line| line.number.is_some());
    let Some(text) = text else {
        let written: Vec<_> = written.collect();
        if json {
            cli::say(&serde_json::to_string(&written).map_err(Failed::software)?);
        } else {
            cli::say_raw(&cli::written_text(&written));
        }
        return Ok(Code::Done as u8);
    };
    if written.all(|line| line.number != Some(text)) {
        let why =
            format!("{text} is no text about this incident: the command without it lists them");
        return Err(Failed::usage(why));
    }
    handle::struck_out(link, text, json).await
}

/// The end of a claim as it was typed, by the agent's clock.
async fn claim_end(link: &Link, args: &ClaimArgs) -> Result<Option<jiff::Timestamp>, Failed> {
    let Some(text) = &args.until else { return Ok(None) };
    let now = link.incidents(None).await.map_err(refused)?.as_of;
    let until = crate::wire::when::when(text, now).map_err(|e| Failed::usage(e.to_string()))?;
    Ok(Some(until))
}
