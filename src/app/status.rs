//! `caretaker status`: asks the agent, prints, ends with the code of the worst.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::app::failed::Failed;
use crate::cli::args::StatusArgs;
use crate::cli::{self, Code};
use crate::link::{Link, LinkError};
use crate::ports::clock::Clock;

/// Between two looks at whether everything has been tried.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Prints how the schools stand. The exit code.
///
/// # Errors
/// When no agent answers, or the words name no school or service.
pub async fn run(socket: &Path, args: StatusArgs, clock: Arc<dyn Clock>) -> Result<u8, Failed> {
    let link = Link::new(socket).map_err(Failed::no_agent)?;
    let until = args.wait_settled.map(|span| clock.monotonic() + span.duration());
    let mut board = link.board().await.map_err(Failed::no_agent)?;
    while let Some(until) = until
        && !board.settled
        && clock.monotonic() < until
    {
        clock.sleep(LOOK_AGAIN).await;
        board = link.board().await.map_err(Failed::no_agent)?;
    }
    let at = args.at.as_deref().map(|text| cli::past(text, board.as_of).map_err(Failed::usage));
    let at = at.transpose()?;
    let unknown = |e: cli::PickError| Failed::usage(e.to_string());
    if let Some(at) = at.filter(|_| args.filter.is_some()) {
        // What matches is a matter of that moment.
        board = link.board_at(at).await.map_err(Failed::asked)?;
    }
    let moment = at.unwrap_or(board.as_of);
    let schools = cli::pick_filtered(&board, &args.schools, args.filter.as_deref(), moment);
    let schools = schools.map_err(unknown)?;
    let service = args.service.as_deref().map(|word| cli::pick_service(&board, word));
    let service = service.transpose().map_err(unknown)?;
    let status = link.status(&schools, at).await.map_err(|error| match error {
        LinkError::Refused { .. } if at.is_some() => Failed::usage(error.to_string()),
        _ => Failed::no_agent(error),
    })?;
    if args.json {
        let text = serde_json::to_string(&status)
            .map_err(|e| Failed { code: Code::Software, text: e.to_string() })?;
        cli::say(&text);
    } else if args.csv {
        let text = cli::status_csv(&status, service.as_ref())
            .map_err(|e| Failed { code: Code::Software, text: e.to_string() })?;
        if let Some(past) = &status.past {
            cli::complain(cli::past_text(past).lines().next().unwrap_or_default());
        }
        cli::say_raw(&text);
    } else {
        cli::say_raw(&cli::status_text(&status, service.as_ref()));
    }
    if args.wait_settled.is_some() && !status.settled {
        return Ok(Code::Unsettled as u8);
    }
    Ok(cli::status_code(&status, schools.is_empty(), service.as_ref()))
}
