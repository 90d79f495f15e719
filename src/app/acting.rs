//! The guard of an agent: policy, ledger, and the services' hands.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::app::failed::Failed;
use crate::app::world::Outside;
use crate::cli::Code;
use crate::cli::guard_args::{ExplainArgs, PolicyCommand};
use crate::config::{Config, ConfigErrors, error_in, read_file};
use crate::guard::policy::{Asked, Policy, PolicySettings};
use crate::guard::{Guard, Parts};
use crate::model::ids::ActionId;
use crate::model::plan::Kind;
use crate::model::text::Clean;
use crate::ports::act::Act;
use crate::ports::clock::Clock;
use crate::store::SqliteLedger;
use crate::sys::{SystemEntropy, unwritable};

/// Every action that a service or the desk knows, for checking a policy.
#[must_use]
pub fn every_action() -> Vec<ActionId> {
    crate::services::SERVICES
        .iter()
        .flat_map(|service| service.actions)
        .chain(crate::services::DESK_ACTIONS)
        .filter_map(|spec| spec.id.parse().ok())
        .collect()
}

/// Reads the policy at `path`.
///
/// # Errors
/// Everything that is wrong with it, with line and key; failing examples too.
pub fn policy(path: &Path) -> Result<Policy, ConfigErrors> {
    let (source, settings) = read_file::<PolicySettings>(path)?;
    let digest = crate::ledger::fingerprint(source.text().as_bytes());
    Policy::new(settings, &digest, &every_action()).map_err(|wrong| {
        ConfigErrors(wrong.iter().map(|w| error_in(&source, &w.key, &w.why)).collect())
    })
}

/// The policy that `config` names, read anew; a broken one lets nobody act.
pub fn policy_of(config: &Config) -> Option<Result<Policy, String>> {
    let path = config.settings.policy.as_deref().map(|path| config.resolve(path))?;
    Some(policy(&path).map_err(|errors| {
        tracing::error!("the policy is not used: {errors}");
        errors.to_string()
    }))
}

/// Why whoever runs this process must not act by the policy at `path`: they could write it.
fn own_policy(path: &Path) -> Option<String> {
    let owner = |path: &Path| std::fs::metadata(path).ok().map(|about| about.uid());
    owned(path, rustix::process::geteuid().as_raw(), owner)
}

/// What of the policy at `path` belongs to `me`, and what follows: the file, or a folder in which they could
/// put another in its place.
fn owned(path: &Path, me: u32, owner: impl Fn(&Path) -> Option<u32>) -> Option<String> {
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let places = [Some(path), path.parent(), real.parent()];
    let own = places.into_iter().flatten().find(|place| owner(place) == Some(me))?;
    Some(format!(
        "watch only: {} belongs to you, so you could write your own permission; an agent of the desk, or a \
         policy that root owns in a folder of root's, can act",
        own.display()
    ))
}

/// The guard, or why nobody can act. What waits or is open from before is taken up.
///
/// # Errors
/// When a task of the runtime dies.
pub async fn acting(
    config: &Config,
    state_dir: &Path,
    acts: Vec<Arc<dyn Act>>,
    alone: bool,
    clock: Arc<dyn Clock>,
) -> Result<Result<Guard, Clean>, Failed> {
    let path = config.settings.policy.as_deref().map(|path| config.resolve(path));
    if let Some(why) = path.as_deref().and_then(own_policy).filter(|_| alone) {
        return Ok(Err(Clean::new(&why)));
    }
    let Some(policy) = policy_of(config) else {
        return Ok(Err(Clean::new("no policy is configured (`policy = \"policy.toml\"`)")));
    };
    let file = state_dir.join("ledger.db");
    // SQLite would open it, and refuse only when somebody acts.
    if let Some(why) = unwritable(&file) {
        tracing::error!("nobody can act: {why}");
        let why = format!("nobody can act: {why}; mend it and start the agent again");
        return Ok(Err(Clean::new(&why)));
    }
    let opened = tokio::task::spawn_blocking(move || SqliteLedger::open(&file))
        .await
        .map_err(Failed::software)?;
    // The board must stay up where nobody can act.
    let ledger = match opened {
        Ok(ledger) => ledger,
        Err(error) => {
            tracing::error!("{error}");
            return Ok(Err(Clean::new(&format!("{error}; mend it and start the agent again"))));
        }
    };
    let guard = Guard::new(Parts {
        ledger: Arc::new(ledger),
        acts,
        policy,
        clock,
        entropy: Arc::new(SystemEntropy),
        alone,
    });
    let open = match guard.resume().await {
        Ok(open) => open,
        Err(denied) => return Ok(Err(Clean::new(&denied.to_string()))),
    };
    if open > 0 {
        tracing::warn!("{open} actions were open when the agent last ended: they are looked at");
    }
    Ok(Ok(guard))
}

/// `caretaker policy test`: what the policy's own examples say.
///
/// # Errors
/// Everything that is wrong with it.
pub fn test(path: &Path, json: bool) -> Result<u8, Failed> {
    let policy = match policy(path) {
        Ok(policy) => policy,
        Err(why) if json => {
            let why: Vec<String> = why.0.iter().map(ToString::to_string).collect();
            let told = serde_json::json!({"holds": false, "why": why});
            crate::cli::say(&told.to_string());
            return Ok(Code::Config as u8);
        }
        Err(why) => return Err(Failed::config(why)),
    };
    let n = policy.settings().example.len();
    let rules = policy.settings().rule.len();
    if json {
        let told = serde_json::json!({"holds": true, "rules": rules, "examples": n});
        crate::cli::say(&told.to_string());
    } else {
        crate::cli::say(&format!("{}: {rules} rules, {n} examples, all hold", path.display()));
    }
    if n == 0 {
        crate::cli::complain("a policy without examples proves nothing: add [[example]]");
    }
    Ok(0)
}

/// `caretaker policy explain`: what the policy would say, and by which rule.
///
/// # Errors
/// When the policy is broken.
pub fn explain(path: &Path, asked: &Asked, json: bool) -> Result<u8, Failed> {
    #[derive(Serialize)]
    struct Told {
        allowed: bool,
        second: bool,
        rule: Option<String>,
        says: Vec<String>,
    }
    let policy = policy(path).map_err(Failed::config)?;
    let told = match policy.judge(asked) {
        Ok(judged) => Told {
            allowed: true,
            second: judged.ruling.second.is_some(),
            rule: Some(judged.ruling.rule.to_string()),
            says: judged.ruling.says.iter().map(ToString::to_string).collect(),
        },
        Err(why) => Told { allowed: false, second: false, rule: None, says: vec![why] },
    };
    if json {
        crate::cli::say(&serde_json::to_string(&told).map_err(Failed::software)?);
    } else {
        let word = match (told.allowed, told.second) {
            (true, false) => "allowed",
            (true, true) => "allowed with a second person",
            (false, _) => "denied",
        };
        let rule = told.rule.map_or(String::new(), |r| format!(" by rule {r}"));
        crate::cli::say(&format!("{word}{rule}"));
        for says in told.says {
            crate::cli::say(&format!("  {says}"));
        }
    }
    Ok(if told.allowed { 0 } else { Code::ActionDenied as u8 })
}

/// `caretaker policy`.
///
/// # Errors
/// When there is no policy, it is broken, or the question makes no sense.
pub fn command(outside: &Outside, command: PolicyCommand) -> Result<u8, Failed> {
    match command {
        PolicyCommand::Test { file, json } => test(&policy_file(outside, file)?, json),
        PolicyCommand::Explain(args) => {
            let asked = question(&args, outside.clock.now())?;
            explain(&policy_file(outside, args.file)?, &asked, args.json)
        }
    }
}

fn policy_file(outside: &Outside, named: Option<PathBuf>) -> Result<PathBuf, Failed> {
    if let Some(file) = named {
        return Ok(file);
    }
    let config = crate::app::setup::load(&outside.config_file()?)?;
    let file = config.settings.policy.as_deref().map(|p| config.resolve(p));
    file.ok_or_else(|| Failed::config("the configuration names no policy (`policy = \"..\"`)"))
}

fn question(args: &ExplainArgs, now: Timestamp) -> Result<Asked, Failed> {
    let school = args.school.as_deref().map(str::parse).transpose();
    let school = school.map_err(|e: crate::model::ids::IdError| Failed::usage(e.to_string()))?;
    let kind: Kind = word(&args.kind).map_err(Failed::usage)?;
    let at = args.at.as_deref().map(str::parse).transpose();
    Ok(Asked {
        action: args
            .action
            .parse()
            .map_err(|e: crate::model::ids::IdError| Failed::usage(e.to_string()))?,
        targets: vec![(school, kind); usize::from(args.targets)],
        roles: BTreeSet::from([word(&args.role).map_err(Failed::usage)?]),
        at: at.map_err(|e| Failed::usage(format!("--at: {e}")))?.unwrap_or(now),
        emergency: false,
    })
}

/// A plain enum by its word.
fn word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_could_write_the_policy_or_put_another_in_its_place_must_not_act_by_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.toml");
        std::fs::write(&file, "").unwrap();
        // By the disk: both are of whoever runs this.
        let why = own_policy(&file).unwrap();
        assert!(why.contains("policy.toml belongs to you"), "{why}");
        // Elsewhere the same file under another folder's name.
        let (other, link) = (tempfile::tempdir().unwrap(), "link.toml");
        let link = other.path().join(link);
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let real = |path: &Path| std::fs::canonicalize(path).unwrap();
        for (path, mine) in [
            (&file, folder.path().to_owned()),
            (&link, other.path().to_owned()),
            (&link, real(folder.path())),
        ] {
            let owner = |asked: &Path| Some(if asked == mine { 1000 } else { 0 });
            let why = owned(path, 1000, owner).unwrap();
            assert!(why.contains(&format!("{} belongs to you", mine.display())), "{why}");
            assert_eq!(owned(path, 1001, owner), None);
        }
    }
}
