//! `caretaker account find|why`.

use std::path::Path;

use crate::app::act::{denied, link, print_json};
use crate::app::failed::Failed;
use crate::cli::args::{AccountArgs, AccountCommand};
use crate::cli::{self, Code};
use crate::link::Link;
use crate::wire::account::{AskAccount, FindAccounts, FoundAccounts};
use crate::wire::{Aim, Clean, Laestab};

/// Runs the command.
///
/// # Errors
/// When no agent answers, it is denied, or no one account fits.
pub async fn run(socket: &Path, command: AccountCommand) -> Result<u8, Failed> {
    let link = link(socket)?;
    match command {
        AccountCommand::Find(args) => {
            let found = find(&link, &args).await?;
            show(&found, args.json)?;
            Ok(Code::Done as u8)
        }
        AccountCommand::Why(args) => why(&link, &args).await,
    }
}

fn school(args: &AccountArgs) -> Result<Laestab, Failed> {
    args.school.parse().map_err(|e| Failed::usage(format!("{e}")))
}

async fn find(link: &Link, args: &AccountArgs) -> Result<FoundAccounts, Failed> {
    let asked = FindAccounts {
        school: school(args)?,
        part: args.part.clone(),
        show: args.show,
        why: Clean::new(&args.reason),
    };
    link.find_accounts(&asked).await.map_err(denied)
}

fn show(found: &FoundAccounts, json: bool) -> Result<(), Failed> {
    if json {
        return print_json(found);
    }
    cli::say_raw(&cli::found_text(found));
    Ok(())
}

/// The page of the one account that fits; of several, the list.
async fn why(link: &Link, args: &AccountArgs) -> Result<u8, Failed> {
    let named = format!("{}/{}", school(args)?, args.part).parse::<Aim>();
    let account = match named {
        Ok(aim @ Aim::Account(..)) => aim,
        _ => {
            let found = find(link, args).await?;
            let [only] = found.found.hits.as_slice() else {
                show(&found, args.json)?;
                return Err(Failed::usage(
                    "no one account fits: name it as guid:ID, or by a longer part",
                ));
            };
            format!("{}/guid:{}", school(args)?, only.guid)
                .parse()
                .map_err(|e| Failed::usage(format!("{e}")))?
        }
    };
    let asked = AskAccount { account, show: args.show, why: Clean::new(&args.reason) };
    let shown = link.account(&asked).await.map_err(denied)?;
    if args.json {
        print_json(&shown)?;
    } else {
        cli::say_raw(&cli::page_text(&shown));
    }
    Ok(Code::Done as u8)
}
