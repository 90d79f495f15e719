//! `caretaker setup`: a configuration, asked for step by step, and written at the end.
//!
//! Invariant: nothing is written before every answer was given and agreed to, and nothing that exists
//! is ever overwritten.

mod talk;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::failed::Failed;
use crate::app::world::Outside;
use crate::app::{connector, demo, secret, setup};
use crate::cli::args::{ConnectorCommand, DemoArgs, SecretCommand, SetupArgs, TryArgs};
use crate::cli::{self, Code};
use crate::config::schools::{Import, Known, SchoolFile, import, write_subscriptions_csv};
use crate::config::{ConfigError, Draft, as_toml, key_of};
use crate::model::ids::ServiceKey;
use crate::model::school::Subscription;
use crate::ports::secrets::Secrets as _;
use crate::secrets::SecretStores;
use crate::services::{SERVICES, Service};
use crate::sys::{Places, Terminal};

use talk::{Left, Talk};

/// The example, of which the configuration is made.
const EXAMPLE: &str = include_str!("../../../config.example.toml");
/// Rows that were left out, and credentials of one kind, that are told one by one.
const TOLD: usize = 5;

/// What will be written: the configuration, and tables that lie beside it.
struct Made {
    path: PathBuf,
    draft: Draft,
    /// Where the schools come from, and whether that is the register.
    from: (PathBuf, bool),
    beside: BTreeMap<PathBuf, String>,
    services: Vec<&'static Service>,
}

/// Asks, writes, keeps credentials, and tries each service.
///
/// # Errors
/// When there is a configuration already, or one cannot be written.
pub async fn run(outside: Outside, args: SetupArgs) -> Result<u8, Failed> {
    let path = target(&outside, args)?;
    let Ok(made) = at_terminal(move |talk| ask(talk, path)).await? else {
        cli::say("\nleft: nothing was written");
        return Ok(Code::Usage as u8);
    };
    write(&made)?;
    cli::say(&format!("written: {}", made.path.display()));
    let outside = Outside { config: Some(made.path.clone()), ..outside };
    credentials(&outside).await?;
    for service in &made.services {
        try_one(&outside, service).await?;
    }
    cli::say(&format!(
        "\nDone. What is missing stands in {} as comments. Now: caretaker doctor, then caretaker.",
        made.path.display()
    ));
    Ok(Code::Done as u8)
}

/// `caretaker` where there is neither a configuration nor an agent: asks at a terminal what to begin
/// with, and does that; `None` where there is something to show, or nobody to ask.
///
/// # Errors
/// Those of what was chosen.
pub async fn begin(outside: &Outside) -> Option<Result<u8, Failed>> {
    let is_named = outside.config.is_some() || outside.agent.is_some();
    let is_asked = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if is_named || !is_asked || outside.config_file().is_ok() {
        return None;
    }
    let Ok(socket) = outside.socket_by(None) else { return None };
    if socket.exists() {
        return None;
    }
    Some(match at_terminal(choose).await {
        Err(failed) => Err(failed),
        Ok(Ok(Beginning::SetUp)) => run(outside.again(), SetupArgs::default()).await,
        Ok(Ok(Beginning::Demo)) => demo::run(outside.again(), DemoArgs::default()).await,
        Ok(Ok(Beginning::Leave) | Err(Left)) => Ok(Code::Config as u8),
    })
}

/// What somebody begins with who has nothing yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beginning {
    SetUp,
    Demo,
    Leave,
}

fn choose(talk: &mut Talk<'_>) -> Result<Beginning, Left> {
    talk.say("There is no configuration here yet, and no agent runs.\n")?;
    talk.say(
        "  1  set up: asks step by step, tries each service; nothing is written before the end",
    )?;
    talk.say("  2  demo: a board of invented schools; nothing in it is real")?;
    talk.say("  3  leave; `caretaker --help` tells the rest\n")?;
    loop {
        match talk.ask("1, 2 or 3")?.as_str() {
            "1" => return Ok(Beginning::SetUp),
            "2" => return Ok(Beginning::Demo),
            "3" | "q" => return Ok(Beginning::Leave),
            _ => talk.say("  type 1, 2 or 3")?,
        }
    }
}

/// Where the configuration will be.
fn target(outside: &Outside, args: SetupArgs) -> Result<PathBuf, Failed> {
    let places = Places::from_env().config_files(outside.config.as_deref());
    let found = places.iter().find(|path| path.exists());
    let path = match (args.to, found) {
        (Some(to), _) => to,
        (None, Some(found)) => {
            return Err(Failed::config(format!(
                "{} is there already and is not touched: edit it, look with `caretaker config check`, or \
                 name another place with --to",
                found.display()
            )));
        }
        (None, None) => {
            let first = places.into_iter().next();
            first
                .ok_or_else(|| Failed::config("no place for a configuration: name one with --to"))?
        }
    };
    if path.exists() {
        let why = format!("{} is there already and is not touched", path.display());
        return Err(Failed::config(why));
    }
    std::path::absolute(&path).map_err(Failed::software)
}

/// All questions. Nothing is written.
fn ask(talk: &mut Talk<'_>, path: PathBuf) -> Result<Made, Left> {
    talk.say(&format!(
        "caretaker set-up. It asks, tries what you answer, and writes {} at the end. Nothing is \
         written before, nothing that exists is overwritten. Ctrl-C or Ctrl-D leaves.",
        path.display()
    ))?;
    let draft = Draft::new(EXAMPLE);
    let from = (PathBuf::new(), false);
    let mut made = Made { path, draft, from, beside: BTreeMap::new(), services: Vec::new() };
    talk.say("\n1 of 3: schools")?;
    let mut codes = authorities(talk, &mut made)?;
    let schools = schools(talk, &mut made, &mut codes)?;
    talk.say("\n2 of 3: services")?;
    services(talk, &mut made)?;
    subscriptions(talk, &mut made, &schools, &codes)?;
    talk.say("\n3 of 3: writing")?;
    let all = std::iter::once(&made.path).chain(made.beside.keys());
    let all: Vec<String> = all.map(|path| path.display().to_string()).collect();
    if talk.agrees(&format!("write {}?", all.join(" and ")))? { Ok(made) } else { Err(Left) }
}

fn authorities(talk: &mut Talk<'_>, made: &mut Made) -> Result<BTreeSet<u16>, Left> {
    loop {
        let typed =
            talk.ask("codes of the local authorities, such as 937 or 937, 330; Enter for 937")?;
        let typed = if typed.is_empty() { "937" } else { typed.as_str() };
        let codes = typed.split([',', ' ']).filter(|code| !code.is_empty());
        let read: Result<BTreeSet<u16>, _> = codes.map(str::parse).collect();
        match read {
            Ok(codes) if !codes.is_empty() && codes.iter().all(|c| (100..=999).contains(c)) => {
                let list: Vec<String> = codes.iter().map(u16::to_string).collect();
                made.draft.set("", "la_codes", &format!("[{}]", list.join(", ")));
                return Ok(codes);
            }
            _ => talk.say("  a code has three digits")?,
        }
    }
}

fn known(codes: &BTreeSet<u16>, services: &[&'static Service]) -> Known {
    let parameters = services
        .iter()
        .flat_map(|s| s.parameters.iter().map(move |p| format!("{}.{}", s.key, p.name)));
    Known {
        la_codes: codes.clone(),
        services: services.iter().filter_map(|s| s.key.parse().ok()).collect(),
        parameters: parameters.collect(),
        calendars: BTreeSet::new(),
    }
}

/// A file of schools that can be read, and what it brings.
fn schools(
    talk: &mut Talk<'_>,
    made: &mut Made,
    codes: &mut BTreeSet<u16>,
) -> Result<Import, Left> {
    talk.say(
        "The schools come from the DfE register's CSV (Get Information about Schools, all establishment \
         data), or from a CSV of your own with at least laestab,name.",
    )?;
    loop {
        let typed = talk.ask("file of the schools")?;
        let Ok(path) = std::path::absolute(&typed) else {
            talk.say("  type the path of a file")?;
            continue;
        };
        let all = known(codes, &[]);
        // What is not the register is a list: what is wrong with it as a list is told.
        let register = import(SchoolFile::Register(&path), None, &all);
        let is_register = register.is_ok();
        let read = register.or_else(|_| import(SchoolFile::List(&path), None, &all));
        match read {
            Ok(read) if read.schools.is_empty() => {
                talk.say(
                    "  it holds no open school of these authorities: other codes, or another file",
                )?;
                *codes = authorities(talk, made)?;
            }
            Ok(read) => {
                told(talk, &read)?;
                let key = if is_register { "register_file" } else { "list_file" };
                made.draft.set("schools", key, &as_toml(&format!("'{}'", path.display())));
                made.from = (path, is_register);
                return Ok(read);
            }
            Err(error) => talk.say(&format!("  {error}"))?,
        }
    }
}

fn told(talk: &mut Talk<'_>, read: &Import) -> Result<(), Left> {
    talk.say(&format!("  {} schools read", read.schools.len()))?;
    for finding in read.findings.iter().take(TOLD) {
        talk.say(&format!("  {finding}"))?;
    }
    match read.findings.len().saturating_sub(TOLD) {
        0 => Ok(()),
        n => talk.say(&format!("  and {n} more: `caretaker config check` tells all")),
    }
}

/// The services that are watched, and what each needs to be told.
fn services(talk: &mut Talk<'_>, made: &mut Made) -> Result<(), Left> {
    for (n, service) in (1..).zip(SERVICES) {
        talk.say(&format!("  {n}. {}", service.label))?;
    }
    let chosen = loop {
        let typed = talk.ask("which of them, by number, such as 1, 2, 3; Enter for all")?;
        let words: Vec<&str> = typed.split([',', ' ']).filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            break SERVICES.iter().collect();
        }
        let of = |word: &&str| SERVICES.get(word.parse::<usize>().ok()?.checked_sub(1)?);
        match words.iter().map(of).collect::<Option<Vec<_>>>() {
            Some(chosen) => break chosen,
            None => talk.say(&format!("  numbers from 1 to {}", SERVICES.len()))?,
        }
    };
    for service in chosen {
        if watched(talk, made, service)? {
            made.services.push(service);
        }
    }
    Ok(())
}

/// Asks for what a service cannot do without, until its section can be read; `false` if it is left out.
fn watched(talk: &mut Talk<'_>, made: &mut Made, service: &'static Service) -> Result<bool, Left> {
    let table = format!("services.{}", service.key);
    if !made.draft.open(&table) {
        return Ok(false);
    }
    talk.say(&format!(
        "\n{}. What docs/connectors.md says of it helps. skip: not now",
        service.label
    ))?;
    while let Some(error) = wrong(made, service, &table) {
        let missing = key_of(&error, &table).map(str::to_owned).or_else(|| lacks(&error));
        let Some(key) = missing.filter(|key| made.draft.shown(&table, key).is_some()) else {
            talk.say(&format!("  left out, to be written by hand: {error}"))?;
            made.draft.close(&table);
            return Ok(false);
        };
        let (said, example) = made.draft.shown(&table, &key).unwrap_or_default();
        for line in said {
            talk.say(&format!("  {line}"))?;
        }
        talk.say(&format!("  such as {key} = {example}"))?;
        let why = if error.remedy.is_empty() { error.found } else { error.remedy };
        talk.say(&format!("  {key}: {why}"))?;
        let typed = talk.ask(&format!("  {key}"))?;
        if typed == "skip" {
            made.draft.close(&table);
            talk.say(&format!("  {} is not watched; its section stays a comment", service.label))?;
            return Ok(false);
        }
        made.draft.set(&table, &key, &as_toml(&typed));
    }
    talk.say(&format!("  {} can be watched", service.label))?;
    Ok(true)
}

/// The first thing that is wrong with a service's section.
fn wrong(made: &Made, service: &'static Service, table: &str) -> Option<ConfigError> {
    let keys: Vec<&str> = SERVICES.iter().map(|s| s.key).collect();
    let read = made.draft.read(&made.path, &keys);
    let read = read.and_then(|config| config.read_section(table, service.configure).map(drop));
    read.err()?.0.into_iter().next()
}

/// The key that an error says is missing, where it names the table alone.
fn lacks(error: &ConfigError) -> Option<String> {
    error.found.split('`').nth(1).map(str::to_owned)
}

/// The table of who takes what: one that exists, or one to be written, in which every school takes all.
fn subscriptions(
    talk: &mut Talk<'_>,
    made: &mut Made,
    schools: &Import,
    codes: &BTreeSet<u16>,
) -> Result<(), Left> {
    talk.say(
        "\nWhich school takes what stands in a table: laestab,services and what each vendor calls the school.",
    )?;
    let folder = made.path.parent().map(Path::to_owned).unwrap_or_default();
    let chosen: BTreeSet<ServiceKey> =
        made.services.iter().filter_map(|s| s.key.parse().ok()).collect();
    loop {
        let typed =
            talk.ask("its file; Enter for a new one in which every school takes them all")?;
        if typed.is_empty() {
            let path = folder.join("subscriptions.csv");
            if path.exists() {
                talk.say(&format!("  {} is there already: name it, or another", path.display()))?;
                continue;
            }
            let row = Subscription { services: chosen.clone().into(), ..Subscription::default() };
            let rows = schools.schools.keys().map(|laestab| (*laestab, row.clone())).collect();
            made.beside.insert(path, write_subscriptions_csv(&rows));
            made.draft.set("schools", "subscriptions_file", "\"subscriptions.csv\"");
            return Ok(());
        }
        let Ok(path) = std::path::absolute(&typed) else { continue };
        let all: Vec<&Service> = SERVICES.iter().collect();
        let (file, is_register) = &made.from;
        let file = if *is_register { SchoolFile::Register(file) } else { SchoolFile::List(file) };
        match import(file, Some(&path), &known(codes, &all)) {
            Ok(read) => {
                told(talk, &read)?;
                let rows = read.subscriptions.len();
                talk.say(&format!("  {rows} of them have a row in the table"))?;
                let value = as_toml(&format!("'{}'", path.display()));
                made.draft.set("schools", "subscriptions_file", &value);
                return Ok(());
            }
            Err(error) => talk.say(&format!("  {error}"))?,
        }
    }
}

/// Writes what was agreed to; each file is new, or nothing is written to it.
fn write(made: &Made) -> Result<(), Failed> {
    let folder = made.path.parent().unwrap_or(Path::new("."));
    if !folder.exists() {
        crate::sys::private_dir(folder).map_err(Failed::config)?;
    }
    let text = made.draft.text();
    let all = made.beside.iter().map(|(path, text)| (path, text.as_str()));
    for (path, text) in all.chain(std::iter::once((&made.path, text.as_str()))) {
        let unwritten = |e| Failed::config(format!("{}: {e}; it was not written", path.display()));
        let mut options = std::fs::OpenOptions::new();
        let mut file =
            options.write(true).create_new(true).mode(0o644).open(path).map_err(unwritten)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(unwritten)?;
    }
    Ok(())
}

/// Tells which credentials are missing, and keeps those that are given.
async fn credentials(outside: &Outside) -> Result<(), Failed> {
    let file = outside.config_file()?;
    let config = setup::load(&file)?;
    let stores = Arc::new(SecretStores::of_host(config.credential_files()));
    let (prepared, wrong) = setup::prepare_partly(config, stores.clone(), outside.clock.clone())?;
    for error in wrong {
        cli::say(&error.to_string());
    }
    let mut missing: Vec<_> = prepared.credentials.iter().collect();
    missing.retain(|used| stores.find(&used.name).is_err());
    missing.sort_by_key(|used| (used.school.is_some(), used.name.as_str().to_owned()));
    missing.dedup_by_key(|used| used.name.clone());
    if missing.is_empty() {
        return Ok(());
    }
    cli::say(&format!("\n{} credentials are missing:", missing.len()));
    for used in missing.iter().take(TOLD) {
        cli::say(&format!("  {}", used.name));
    }
    for used in missing.iter().filter(|used| used.school.is_none()) {
        let name = used.name.as_str().to_owned();
        let question = format!("keep {name} now?");
        if agreed(question).await? {
            secret::run(outside.again(), SecretCommand::Set { name }).await?;
        }
    }
    cli::say("any other: caretaker secret set NAME");
    Ok(())
}

/// Talks with whoever sits at the terminal.
async fn at_terminal<T: Send + 'static>(
    talks: impl FnOnce(&mut Talk<'_>) -> T + Send + 'static,
) -> Result<T, Failed> {
    let talked = tokio::task::spawn_blocking(move || {
        let (mut input, mut out) = (std::io::stdin().lock(), std::io::stdout());
        let columns = cli::columns(Terminal::of_input().size());
        talks(&mut Talk { input: &mut input, out: &mut out, columns })
    });
    talked.await.map_err(Failed::software)
}

async fn agreed(question: String) -> Result<bool, Failed> {
    // The end of the input is a no: what was written stays.
    Ok(at_terminal(move |talk| talk.agrees(&question)).await?.unwrap_or(false))
}

/// Asks one service for real, if that is wanted.
async fn try_one(outside: &Outside, service: &'static Service) -> Result<(), Failed> {
    if !agreed(format!("\ntry {} now?", service.label)).await? {
        return Ok(());
    }
    let args = TryArgs { name: service.key.to_owned(), school: None, check: None };
    match connector::run(outside.again(), ConnectorCommand::Try(args)).await {
        Ok(_) => {}
        Err(failed) => cli::say(&failed.text),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
