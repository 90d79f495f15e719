//! `caretaker secret`: credentials in the keyring, by name. A value is never an argument.

use std::io::{BufRead, IsTerminal, Read, Write};
use std::os::fd::AsFd;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use secrecy::SecretString;

use crate::app::failed::Failed;
use crate::app::setup;
use crate::app::world::Outside;
use crate::cli::args::SecretCommand;
use crate::cli::{self, Code};
use crate::model::ids::CredentialName;
use crate::ports::secrets::Secrets;
use crate::secrets::SecretStores;

/// Runs one of the three, off the runtime: a keyring may ask a daemon.
///
/// # Errors
/// When the name is none, or no store can do it.
pub async fn run(outside: Outside, command: SecretCommand) -> Result<u8, Failed> {
    tokio::task::spawn_blocking(move || act(&outside, &command)).await.map_err(Failed::software)?
}

fn act(outside: &Outside, command: &SecretCommand) -> Result<u8, Failed> {
    let config = outside.config_file().ok().map(|file| setup::load(&file)).transpose()?;
    let files = config.as_ref().map(crate::config::Config::credential_files).unwrap_or_default();
    let stores = SecretStores::of_host(files.clone());
    match command {
        SecretCommand::Set { name } => set(&stores, &named(name)?),
        SecretCommand::Delete { name } => {
            let name = named(name)?;
            let deleted = stores.delete(&name).map_err(Failed::software)?;
            for place in deleted.from {
                cli::say(&format!("{name}: deleted from the {}", place.words()));
            }
            for place in deleted.still_in {
                cli::complain(&format!("{name}: the {} still holds it", place.words()));
            }
            Ok(Code::Done as u8)
        }
        SecretCommand::List => {
            let inventory = stores.list();
            for (name, place) in &inventory.names {
                cli::say(&format!("{name}  {}", place.words()));
            }
            for (place, why) in &inventory.unasked {
                cli::complain(&format!("the {} could not be asked: {why}", place.words()));
            }
            for name in files.keys().filter(|n| inventory.names.iter().all(|(m, _)| m != *n)) {
                match stores.find(name) {
                    Ok(found) => cli::say(&format!("{name}  {}", found.place.words())),
                    Err(e) => cli::complain(&e.to_string()),
                }
            }
            Ok(Code::Done as u8)
        }
    }
}

fn named(name: &str) -> Result<CredentialName, Failed> {
    name.parse()
        .map_err(|e: crate::model::ids::IdError| Failed { code: Code::Usage, text: e.to_string() })
}

fn set(stores: &SecretStores, name: &CredentialName) -> Result<u8, Failed> {
    let value = read_value(name).map_err(Failed::software)?;
    let stored = stores.set(name, &value).map_err(Failed::software)?;
    cli::say(&format!("{name}: kept in the {}", stored.place.words()));
    if let Some(before) = stored.hidden_by {
        cli::complain(&format!(
            "the {} is asked before it and holds {name} too: that one is used",
            before.words()
        ));
    }
    Ok(Code::Done as u8)
}

/// The most that a credential may hold, in bytes.
const LONGEST: u64 = 64 * 1024;

/// One line typed without echo at a terminal, else all of standard input (a key may have lines).
fn read_value(name: &CredentialName) -> std::io::Result<SecretString> {
    let input = std::io::stdin();
    let mut line = String::new();
    if !input.is_terminal() {
        let read = input.lock().take(LONGEST + 1).read_to_string(&mut line)?;
        if u64::try_from(read).unwrap_or(u64::MAX) > LONGEST {
            return Err(std::io::Error::other(format!("longer than {LONGEST} bytes: not stored")));
        }
        return Ok(SecretString::from(line));
    }
    let before = tcgetattr(input.as_fd())?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    silent.local_modes.insert(LocalModes::ECHONL);
    // Silent before the question: whoever answers at once is not shown either.
    tcsetattr(input.as_fd(), OptionalActions::Flush, &silent)?;
    let asked = write!(std::io::stderr().lock(), "value of {name} (not shown): ");
    let read = asked.and_then(|()| input.lock().read_line(&mut line));
    tcsetattr(input.as_fd(), OptionalActions::Flush, &before)?;
    read?;
    Ok(SecretString::from(line))
}
