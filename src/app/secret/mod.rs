//! `caretaker secret`: credentials in the keyring, by name. A value is never an argument.

mod typed;

use std::io::{IsTerminal, Read, Write};
use std::os::fd::AsFd;

use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use secrecy::SecretString;

use crate::app::failed::Failed;
use crate::app::secret::typed::{End, Typed};
use crate::app::setup;
use crate::app::world::Outside;
use crate::cli::args::SecretCommand;
use crate::cli::{self, Code};
use crate::model::ids::CredentialName;
use crate::ports::secrets::Secrets;
use crate::secrets::SecretStores;
use crate::tui::term::paste;

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

/// What is typed or pasted without echo at a terminal, else all of standard input.
fn read_value(name: &CredentialName) -> std::io::Result<SecretString> {
    let input = std::io::stdin();
    if input.is_terminal() {
        return ask(&input, name);
    }
    // As large as it may be from the start, so that growing leaves no copy of it behind.
    let mut text = String::with_capacity(usize::try_from(LONGEST + 1).unwrap_or_default());
    let read = input.lock().take(LONGEST + 1).read_to_string(&mut text);
    let value = SecretString::from(text);
    if u64::try_from(read?).unwrap_or(u64::MAX) > LONGEST {
        return Err(std::io::Error::other(format!("longer than {LONGEST} bytes: not stored")));
    }
    Ok(value)
}

/// A terminal that shows nothing and gives each byte as it is typed, until this is dropped.
struct Silent<'a> {
    terminal: &'a std::io::Stdin,
    before: Termios,
}

impl<'a> Silent<'a> {
    fn new(terminal: &'a std::io::Stdin) -> std::io::Result<Self> {
        let before = tcgetattr(terminal.as_fd())?;
        let mut silent = before.clone();
        // By lines a terminal takes 4095 bytes at most: a key can be longer.
        silent
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN);
        silent.input_modes.remove(InputModes::ICRNL | InputModes::INLCR | InputModes::IGNCR);
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(terminal.as_fd(), OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        tell(paste::PLAIN);
        tell("\r\n");
        let back = tcsetattr(self.terminal.as_fd(), OptionalActions::Flush, &self.before);
        // Nothing is left to be done when the terminal is gone.
        debug_assert!(back.is_ok() || !self.terminal.is_terminal());
    }
}

/// To the person at the terminal; nobody else is to see the sequences.
fn tell(text: &str) {
    let mut out = std::io::stderr().lock();
    if std::io::stderr().is_terminal() {
        drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
    }
}

fn ask(input: &std::io::Stdin, name: &CredentialName) -> std::io::Result<SecretString> {
    // Silent before the question: whoever answers at once is not shown either.
    let silent = Silent::new(input)?;
    tell(paste::FRAMED);
    tell(&format!("value of {name} (not shown; Enter ends it, Ctrl-C stops): "));
    let mut typed = Typed::new(usize::try_from(LONGEST).unwrap_or_default());
    let (mut byte, mut said) = ([0_u8; 1], false);
    let end = loop {
        // Byte by byte and without a buffer: nothing of it stays elsewhere.
        if rustix::io::read(input.as_fd(), &mut byte)? == 0 {
            break End::Cancelled;
        }
        if let Some(end) = typed.push(byte[0]) {
            break end;
        }
        if !said && matches!(byte[0], b'\r' | b'\n') && typed.has_lines() {
            said = true;
            tell("\r\na key of several lines: Ctrl-D ends it ");
        }
    };
    drop(silent);
    match end {
        End::Value(value) => Ok(value),
        End::Cancelled => Err(std::io::Error::other("stopped: nothing was stored")),
        End::NotText => Err(std::io::Error::other("that is not UTF-8 text: not stored")),
        End::TooLong => {
            Err(std::io::Error::other(format!("longer than {LONGEST} bytes: not stored")))
        }
    }
}
