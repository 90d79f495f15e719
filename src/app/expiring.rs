//! `caretaker expiring` and `caretaker refresh`: what the board tells of the next hours, and asking anew.

use std::path::Path;

use crate::app::failed::Failed;
use crate::cli::args::{ExpiringArgs, RefreshArgs};
use crate::cli::{self, Code};
use crate::link::Link;
use crate::wire::page::{Refresh, Refreshed};

/// Prints what runs out next. The exit code.
///
/// # Errors
/// When no agent answers.
pub async fn run(socket: &Path, args: ExpiringArgs) -> Result<u8, Failed> {
    let link = Link::new(socket).map_err(Failed::no_agent)?;
    let board = link.board().await.map_err(Failed::no_agent)?;
    let actions = link.actions().await.map_err(Failed::asked)?;
    if args.json {
        cli::say(&cli::expiring_json(&board, &actions).map_err(Failed::software)?);
    } else {
        cli::say_raw(&cli::expiring_text(&board, &actions));
    }
    Ok(Code::Done as u8)
}

/// Has the vendors asked again now, within their limits: for the schools that are named, or everything.
/// The exit code.
///
/// # Errors
/// When no agent answers, it refuses, or the words name no school or service.
pub async fn refresh(socket: &Path, args: RefreshArgs) -> Result<u8, Failed> {
    let link = Link::new(socket).map_err(Failed::no_agent)?;
    let board = link.board().await.map_err(Failed::no_agent)?;
    let unknown = |e: cli::PickError| Failed::usage(e.to_string());
    let service = args.service.as_deref().map(|word| cli::pick_service(&board, word));
    let service = service.transpose().map_err(unknown)?;
    let schools = cli::pick(&board, &args.schools).map_err(unknown)?;
    let named = schools.into_iter().map(Some);
    let whole = args.schools.is_empty().then_some(None);
    let mut sum = Refreshed { asked: 0, too_soon: 0 };
    for school in named.chain(whole) {
        let what = Refresh { school, service: service.clone() };
        let Refreshed { asked, too_soon } = link.refresh(&what).await.map_err(Failed::asked)?;
        (sum.asked, sum.too_soon) = (sum.asked + asked, sum.too_soon + too_soon);
    }
    cli::say(&sum.words());
    Ok(if sum.asked == 0 { Code::Rejected } else { Code::Done } as u8)
}
