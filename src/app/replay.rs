//! `caretaker record` and `caretaker replay`: a recording is fetched from the agent and kept in a file, or
//! played on the console as it is.
//!
//! A replay reads no configuration and no keyring, and asks nobody: what is shown comes from the file,
//! over a socket in a private folder that goes with it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::agent;
use crate::app::agent::failed;
use crate::app::console::{self, Showing};
use crate::app::demo::{self, Folder};
use crate::app::failed::Failed;
use crate::app::world::Outside;
use crate::cli::replay_args::{RecordArgs, ReplayArgs};
use crate::cli::{self, Code};
use crate::config::ConsoleSettings;
use crate::link::{Link, Recorded};
use crate::wire::recording::{self, LARGEST, Names, Recording};

/// Records a period into a file.
///
/// # Errors
/// When no agent answers, a moment means none that is kept, or the file is there already.
pub async fn record(socket: &Path, args: RecordArgs) -> Result<u8, Failed> {
    let link = Link::new(socket).map_err(Failed::no_agent)?;
    let now = link.board().await.map_err(Failed::no_agent)?.as_of;
    let (from, until) =
        cli::two_moments(&args.from, args.until.as_deref(), now).map_err(Failed::usage)?;
    write(&link, Recorded::Period(from, until), args.with_school_names, &args.file).await
}

/// Fetches a recording and writes it into a new file, readable by nobody else.
///
/// # Errors
/// When the agent refuses, what it made cannot be played, or the file is there already.
pub async fn write(
    link: &Link,
    what: Recorded,
    with_school_names: bool,
    file: &Path,
) -> Result<u8, Failed> {
    let names = if with_school_names { Names::Schools } else { Names::Masked };
    let cannot = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::AlreadyExists => Failed::usage(format!(
            "{} is there already; name a new file, or remove that one",
            file.display()
        )),
        _ => Failed::usage(format!("{} cannot be written: {e}", file.display())),
    };
    if file.exists() {
        return Err(cannot(std::io::ErrorKind::AlreadyExists.into()));
    }
    let bytes = link.recording(what, names).await.map_err(Failed::asked)?;
    // What cannot be played is not kept as if it could.
    let made = recording::read(&bytes).map_err(|fault| {
        Failed::software(format!("the agent made a recording that cannot be played: {fault}"))
    })?;
    let mut options = OpenOptions::new();
    let mut out = options.write(true).create_new(true).mode(0o600).open(file).map_err(cannot)?;
    out.write_all(&bytes).and_then(|()| out.sync_all()).map_err(cannot)?;
    cli::say(&words(file, &made));
    Ok(Code::Done as u8)
}

/// What was written, in a line.
fn words(file: &Path, made: &Recording) -> String {
    let names = match made.head.names {
        Names::Masked => "names masked",
        Names::Schools => "with the names of schools",
    };
    format!(
        "{}: from {} to {}, {} schools, {} changes and notes, {names}; caretaker replay plays it",
        file.display(),
        crate::model::when::written(made.head.from),
        crate::model::when::written(made.head.until),
        made.schools.len(),
        made.happened.len()
    )
}

/// Reads a recording whole.
fn open(file: &Path) -> Result<Recording, Failed> {
    let cannot =
        |e: std::io::Error| Failed::usage(format!("{} cannot be read: {e}", file.display()));
    let mut bytes = Vec::new();
    let most = LARGEST as u64 + 1;
    File::open(file).map_err(cannot)?.take(most).read_to_end(&mut bytes).map_err(cannot)?;
    recording::read(&bytes).map_err(|fault| Failed::usage(format!("{}: {fault}", file.display())))
}

/// Plays a recording until the operator leaves, or for a time.
///
/// # Errors
/// When the file is no recording that can be played, or the console cannot be shown.
pub async fn run(outside: Outside, args: ReplayArgs) -> Result<u8, Failed> {
    let recording = open(&args.file)?;
    let folder = Folder::new("replay")?;
    let socket = folder.socket();
    let playing = agent::play(recording, args.speed, &socket, outside.clock.clone());
    let playing = playing.await.map_err(failed)?;
    let code = if args.headless {
        cli::say(&serde_json::json!({ "socket": playing.socket() }).to_string());
        demo::until_stopped(&outside, args.r#for).await.map(|()| Code::Done as u8)
    } else {
        let theme = outside.theme.clone().unwrap_or_else(|| "default".to_owned());
        let showing = Showing {
            socket,
            settings: ConsoleSettings { theme, ..ConsoleSettings::default() },
            theme_folder: None,
            keys: BTreeMap::new(),
            ends_after: args.r#for,
            looked: None,
            notices: None,
        };
        console::show(&outside, showing).await
    };
    drop(playing);
    code
}
