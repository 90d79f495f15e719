//! What `--scenario` names: a built-in scenario, a training, or a file; and the vendors that play it.

use std::path::Path;
use std::sync::Arc;

use crate::app::demo::Folder;
use crate::app::failed::Failed;
use crate::cli::Code;
use crate::cli::args::EstateArgs;
use crate::model::nearest::nearest;
use crate::model::training::Training;
use crate::ports::clock::Clock;
use crate::simulators::training::{Setting, training, trainings};
use crate::simulators::{Plan, Running, Scenario, Script};

/// The word that lists scenarios instead of starting one.
pub(super) const LIST: &str = "list";

/// The vendors at work, and what they train.
pub struct Played {
    /// The vendors.
    pub vendors: Running,
    /// The training, if the scenario is one.
    pub training: Option<Training>,
    /// What it asks of the configuration.
    pub setting: Setting,
}

/// Starts the vendors as the command line asks.
///
/// # Errors
/// When the scenario does not exist, or no port can be had.
pub async fn vendors(
    args: &EstateArgs,
    folder: &Folder,
    clock: Arc<dyn Clock>,
) -> Result<Played, Failed> {
    let refused = |text: String| Failed { code: Code::Usage, text };
    let (scenario, script) = named(&args.scenario).map_err(refused)?;
    let plan = Plan {
        schools: usize::try_from(args.schools).unwrap_or(usize::MAX),
        seed: args.seed,
        scenario,
        folder: folder.vendors(),
        clock: Arc::new(move || clock.now()),
    };
    let vendors = crate::simulators::start(plan).await.map_err(Failed::software)?;
    let Some(script) = script else {
        return Ok(Played { vendors, training: None, setting: Setting::default() });
    };
    let told = |e| refused(format!("{}: {e}", args.scenario));
    let training = script.training(&vendors.invented).map_err(told)?;
    let setting = script.setting();
    vendors.play(script).map_err(told)?;
    Ok(Played { vendors, training, setting })
}

/// The scenario that a name means, with its script where it has one.
fn named(scenario: &str) -> Result<(Scenario, Option<Script>), String> {
    let path = Path::new(scenario);
    let script = if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml")) {
        let text = std::fs::read_to_string(path).map_err(|e| format!("{scenario}: {e}"))?;
        Script::read(&text)
    } else if let Ok(built_in) = scenario.parse() {
        return Ok((built_in, None));
    } else if let Some(script) = training(scenario) {
        script
    } else {
        return Err(unknown(scenario));
    };
    let script = script.map_err(|e| format!("{scenario}: {e}"))?;
    Ok((script.begins_as(), Some(script)))
}

fn unknown(scenario: &str) -> String {
    let known = trainings().unwrap_or_default();
    let names = Scenario::ALL.iter().map(|s| s.name()).chain(known.iter().map(|(name, _)| *name));
    let near = nearest(scenario, names).map(|near| format!(" (did you mean `{near}`?)"));
    let shown: String = scenario.chars().take(40).collect();
    format!(
        "there is no scenario {shown:?}{}; `caretaker demo --scenario list` lists all, and a file's name \
         ends in .toml",
        near.unwrap_or_default()
    )
}

/// Every scenario and every training, a line each.
pub(super) fn list() -> Result<String, Failed> {
    let mut out = String::new();
    for scenario in Scenario::ALL {
        out.push_str(&format!("{:<20} {}\n", scenario.name(), scenario.description()));
    }
    out.push_str("\ntrainings, each with a brief, hints and a debrief:\n\n");
    for (name, title) in trainings().map_err(Failed::software)? {
        out.push_str(&format!("{name:<20} {title}\n"));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::acting::every_action;

    #[test]
    fn the_list_has_a_line_for_each_and_every_name_can_be_started() {
        let list = list().unwrap();
        let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operator-guide.md");
        let guide = std::fs::read_to_string(guide).unwrap();
        let all = trainings().unwrap();
        assert!(all.len() >= 8, "{}", all.len());
        for (name, title) in &all {
            assert!(guide.contains(&format!("| `{name}` |")), "the guide does not name {name}");
            assert!(list.contains(&format!("{name:<20} {title}\n")), "{list}");
            let (_, script) = named(name).unwrap();
            assert!(script.is_some(), "{name}");
        }
        assert!(named("calm").unwrap().1.is_none());
    }

    #[test]
    fn a_name_that_does_not_exist_is_refused_with_the_one_that_is_near() {
        let why = named("filter-opn").unwrap_err();
        assert!(why.contains("(did you mean `filter-open`?)") && why.contains("list"), "{why}");
        let why = named("strom").unwrap_err();
        assert!(why.contains("(did you mean `storm`?)"), "{why}");
        assert!(named("/nowhere/x.toml").unwrap_err().starts_with("/nowhere/x.toml: "));
    }

    #[test]
    fn every_action_that_a_training_names_exists() {
        let known: Vec<String> = every_action().iter().map(ToString::to_string).collect();
        let invented = crate::simulators::invent(40, 1);
        for (name, _) in trainings().unwrap() {
            let script = named(name).unwrap().1.unwrap();
            let training = script.training(&invented).unwrap().unwrap();
            for deed in training.wants.iter().chain(&training.mistakes) {
                assert!(known.contains(&deed.action), "{name}: {}", deed.action);
                assert!(!deed.why.is_empty(), "{name}: {}", deed.action);
            }
            let both = training
                .wants
                .iter()
                .find(|w| training.mistakes.iter().any(|m| m.action == w.action));
            assert_eq!(both, None, "{name}: wanted and wrong");
            for text in training.brief.iter().chain(&training.hints) {
                assert!(
                    !text.as_str().contains(['{', '\u{2026}']),
                    "{name}: cut or not filled: {text}"
                );
            }
        }
    }
}
