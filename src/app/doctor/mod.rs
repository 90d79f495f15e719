//! `caretaker doctor`: looks at everything that this host needs, says what is wrong and what to do.
//! Works without an agent, and with a broken configuration as far as that goes.

mod acting;
mod config;
mod credentials;
mod drops;
mod host;
mod network;
mod place;
mod sign_in;

use std::path::Path;
use std::sync::Arc;

use crate::app::failed::Failed;
use crate::app::setup::{self, Prepared};
use crate::app::world::Outside;
use crate::cli;
use crate::cli::args::DoctorArgs;
use crate::cli::doctor::{Area, Finding, Gap, Report};
use crate::config::Config;
use crate::secrets::SecretStores;
use crate::services::SERVICES;
use crate::sys::Terminal;

/// What is known of the configuration.
#[derive(Default)]
struct Known {
    /// The file that was looked at.
    file: Option<String>,
    config: Option<Config>,
    prepared: Option<Prepared>,
}

/// Looks, and prints what it found. The exit code: 0 fine, 1 warnings, 2 errors.
///
/// # Errors
/// Never for what is wrong with host or configuration: that is what the report says.
pub async fn run(outside: Outside, args: DoctorArgs) -> Result<u8, Failed> {
    let terminal = Terminal::of_input();
    let variable = |name: &str| std::env::var_os(name).map(|v| v.to_string_lossy().into_owned());
    let mut findings = host::terminal(&variable, terminal.size());
    let (known, of_config) = read(&outside).await?;
    findings.extend(of_config);
    let proxy = known.config.as_ref().is_some_and(config::has_proxy);
    findings.extend(host::environment(&variable, proxy));
    if let Some(prepared) = &known.prepared {
        findings.extend(config::files(prepared));
        findings.extend(drops::all(prepared));
        findings.extend(acting::programs(prepared));
        findings.extend(config::tables(prepared, outside.clock.now()));
        findings.extend(credentials::all(prepared, &outside.clock).await?);
        if args.offline {
            let text = "no vendor was called: --offline";
            findings.push(Finding::note(Area::Network, "", text));
        } else {
            findings.extend(network::all(prepared, &outside.clock).await);
            findings.extend(network::doors(prepared, &outside.clock).await);
            findings.extend(sign_in::all(prepared, &outside.clock).await);
            findings.extend(acting::rights(prepared, &outside.clock).await);
        }
    }
    findings.extend(place::store(known.config.as_ref()).await?);
    findings.extend(place::socket(&outside, known.config.as_ref()).await);
    let mut report = Report::new(outside.clock.now(), known.file, findings);
    if let Some(prepared) = &known.prepared {
        let gaps = prepared.estate.not_watched.iter();
        let gaps = gaps.filter(|gap| gap.why.as_str() != setup::NOT_SET_UP);
        report.not_watched =
            gaps.map(|gap| Gap { what: gap.what.to_string(), why: gap.why.to_string() }).collect();
        report.not_set_up = prepared.not_set_up.iter().map(ToString::to_string).collect();
    }
    if args.json {
        cli::say(&serde_json::to_string(&report).map_err(Failed::software)?);
    } else {
        cli::say_raw(&report.text(cli::columns(terminal.size())));
    }
    Ok(report.code())
}

/// The configuration, as far as it can be read.
async fn read(outside: &Outside) -> Result<(Known, Vec<Finding>), Failed> {
    let file = match outside.config_file() {
        Ok(file) => file,
        Err(failed) => {
            let (text, remedy) = parted(&failed.text);
            return Ok((Known::default(), vec![Finding::error(Area::Config, "", text, remedy)]));
        }
    };
    let clock = outside.clock.clone();
    let reading = tokio::task::spawn_blocking(move || read_file(&file, clock));
    reading.await.map_err(Failed::software)
}

fn read_file(file: &Path, clock: Arc<dyn crate::ports::clock::Clock>) -> (Known, Vec<Finding>) {
    let mut known = Known { file: Some(file.display().to_string()), ..Known::default() };
    let keys: Vec<&str> = SERVICES.iter().map(|s| s.key).collect();
    let config = match Config::load(file, &keys) {
        Ok(config) => config,
        Err(errors) => return (known, errors.0.iter().map(config::wrong).collect()),
    };
    known.config = Some(config.clone());
    let secrets = Arc::new(SecretStores::of_host(config.credential_files()));
    let mut findings = Vec::new();
    match setup::prepare_partly(config, secrets, clock) {
        Ok((prepared, wrong)) => {
            findings.extend(wrong.iter().map(config::wrong));
            if wrong.is_empty() {
                findings.push(config::good(&prepared));
            }
            known.prepared = Some(prepared);
        }
        Err(failed) => {
            for line in failed.text.lines() {
                let (text, remedy) = parted(line);
                findings.push(Finding::error(Area::Config, "", text, remedy));
            }
        }
    }
    (known, findings)
}

/// A sentence and the remedy at its end, as messages of this program have it.
fn parted(sentence: &str) -> (String, String) {
    let ask = || "mend it; `caretaker config check` says when it is good".to_owned();
    match sentence.rsplit_once("; ") {
        Some((text, remedy)) => (text.to_owned(), remedy.to_owned()),
        None => (sentence.to_owned(), ask()),
    }
}
