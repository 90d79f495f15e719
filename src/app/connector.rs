//! `caretaker connector`: asks one connector for real, and tells everything about it but values.

use std::sync::Arc;

use crate::app::failed::Failed;
use crate::app::setup::{self, Part, Prepared};
use crate::app::world::Outside;
use crate::cli::args::{ConnectorCommand, TryArgs};
use crate::cli::{self, Code, Tried};
use crate::engine::{Event, World, step};
use crate::model::cell::CheckView;
use crate::model::estate::Estate;
use crate::model::health::Health;
use crate::model::ids::{CheckId, Laestab};
use crate::model::observation::{Observation, Target};
use crate::ports::watch::{Job, Watch};
use crate::secrets::SecretStores;
use crate::transport::{Step, Trace};

/// Jobs that are asked at most: a service without `--school` is asked about one school.
const MOST_JOBS: usize = 32;
/// Verdicts of one bulk answer that are printed one by one.
const MOST_TOLD: usize = 12;

/// Runs one of the two.
///
/// # Errors
/// When the configuration cannot be used, or there is no such connector or school.
pub async fn run(outside: Outside, command: ConnectorCommand) -> Result<u8, Failed> {
    let config = setup::load(&outside.config_file()?)?;
    let secrets = Arc::new(SecretStores::of_host(config.credential_files()));
    match command {
        ConnectorCommand::List => {
            list(&setup::prepare(config, secrets, outside.clock.clone())?);
            Ok(Code::Done as u8)
        }
        ConnectorCommand::Try(args) => {
            let (prepared, trace) = setup::prepare_traced(config, secrets, outside.clock.clone())?;
            try_one(&outside, &prepared, &trace, &args).await
        }
    }
}

fn list(prepared: &Prepared) {
    for part in &prepared.parts {
        let Some(watch) = &part.watch else {
            let why = format!("built in, no section [services.{}]", part.name);
            cli::say(&cli::connector_line(&part.name, "-", &why, 0));
            continue;
        };
        let checks: Vec<String> =
            watch.describe().checks.iter().map(|c| c.id.as_str().to_owned()).collect();
        let asks = if part.asks.is_empty() { "built in" } else { &part.asks };
        cli::say(&cli::connector_line(&part.name, &checks.join(", "), asks, watch.jobs().len()));
    }
}

async fn try_one(
    outside: &Outside,
    prepared: &Prepared,
    trace: &Trace,
    args: &TryArgs,
) -> Result<u8, Failed> {
    let part = part_of(prepared, &args.name)?;
    let Some(watch) = &part.watch else {
        let why = format!("{} is not configured: there is no [services.{0}]", part.name);
        return Err(Failed::config(why));
    };
    let school = args.school.as_deref().map(|word| school_of(&prepared.estate, word));
    let school = school.transpose()?;
    let jobs = jobs_of(prepared, part, watch, school, args.check.as_deref())?;
    let mut world = World::new(alone(prepared, watch), outside.clock.now(), 0);
    let mut worst = Health::Ok;
    for job in &jobs {
        cli::say(&cli::trying(&job.id, job.targets.len()));
        let seen = watch.poll(job, outside.clock.now()).await;
        tell_steps(trace);
        worst = worst.max(tell(outside, prepared, &mut world, job, seen, school));
    }
    Ok(worst.exit_code())
}

/// The connector of that name, else the built-in service.
fn part_of<'a>(prepared: &'a Prepared, name: &str) -> Result<&'a Part, Failed> {
    let declared = prepared.parts.iter().find(|p| p.name == name && !p.asks.is_empty());
    let found = declared.or_else(|| prepared.parts.iter().find(|p| p.name == name));
    found.ok_or_else(|| {
        let known: Vec<&str> = prepared.parts.iter().map(|p| p.name.as_str()).collect();
        Failed::usage(format!("there is no connector {name}; there are {}", known.join(", ")))
    })
}

/// The school of that number, or the only one whose name holds the words.
fn school_of(estate: &Estate, word: &str) -> Result<Laestab, Failed> {
    if let Ok(laestab) = word.parse::<Laestab>() {
        return match estate.schools.contains_key(&laestab) {
            true => Ok(laestab),
            false => Err(Failed::usage(format!("{laestab} is not among the schools"))),
        };
    }
    let wanted = word.to_lowercase();
    let holds = |name: &str| name.to_lowercase().contains(&wanted);
    let mut found = estate.schools.values().filter(|s| holds(s.name.as_str()));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.laestab),
        (Some(one), Some(other)) => Err(Failed::usage(format!(
            "several schools are called {word}: {} {}, {} {} and perhaps more; give the number",
            one.laestab, one.name, other.laestab, other.name
        ))),
        (None, _) => Err(Failed::usage(format!("no school is called {word}"))),
    }
}

/// The jobs that are asked: all that are about the school, or one of each kind.
fn jobs_of(
    prepared: &Prepared,
    part: &Part,
    watch: &Arc<dyn Watch>,
    school: Option<Laestab>,
    check: Option<&str>,
) -> Result<Vec<Job>, Failed> {
    let wanted = |job: &Job| {
        check.is_none_or(|name| job.checks.iter().any(|c| c.name() == name || c.as_str() == name))
    };
    let mut jobs: Vec<Job> = watch.jobs().into_iter().filter(wanted).collect();
    if jobs.is_empty() {
        let gaps = watch.not_watched();
        let why = gaps.first().map(|gap| format!(": {}: {}", gap.what, gap.why));
        let why = why.unwrap_or_default();
        return Err(Failed::usage(format!("{} asks nothing here{why}", part.name)));
    }
    if let Some(school) = school {
        let about = |job: &Job| {
            job.targets.contains(&Target::School(school)) || job.targets.contains(&Target::Estate)
        };
        let own = jobs.iter().any(|job| job.targets.contains(&Target::School(school)));
        let asks_schools = jobs.iter().any(|job| !job.targets.contains(&Target::Estate));
        if asks_schools && !own {
            let takes = prepared.estate.takes(school, &part.service);
            let of = school.to_string();
            let gap = watch.not_watched().into_iter().find(|gap| gap.what.as_str().contains(&of));
            let why = match gap {
                Some(gap) => gap.why.as_str().to_owned(),
                None if takes => "it has no question for it".to_owned(),
                None => format!("its row does not take {}", part.service),
            };
            return Err(Failed::usage(format!("{} does not ask about {school}: {why}", part.name)));
        }
        jobs.retain(about);
    } else {
        // One school stands for all: the first of each set of checks.
        let mut seen: Vec<Vec<CheckId>> = Vec::new();
        jobs.retain(|job| {
            let new = !seen.contains(&job.checks);
            seen.push(job.checks.clone());
            new
        });
    }
    jobs.truncate(MOST_JOBS);
    Ok(jobs)
}

/// The estate with this watcher alone.
fn alone(prepared: &Prepared, watch: &Arc<dyn Watch>) -> Arc<Estate> {
    let estate = Estate { services: vec![watch.describe()], ..(*prepared.estate).clone() };
    Arc::new(estate)
}

fn tell_steps(trace: &Trace) {
    let (steps, more) = trace.take();
    for step in steps {
        match step {
            Step::Note(text) => cli::say(&cli::noted(text.as_str())),
            Step::Call(call) => {
                let answer = match &call.answer {
                    Ok(a) => format!(
                        "{}, {} bytes{}{}: {}",
                        a.status,
                        a.bytes,
                        if a.media.is_empty() { "" } else { ", " },
                        a.media,
                        a.shape
                    ),
                    Err(why) => why.as_str().to_owned(),
                };
                let ms = call.took.as_millis();
                cli::say(&cli::called(call.request.as_str(), &call.headers, &answer, ms));
            }
        }
    }
    if more > 0 {
        cli::say(&cli::noted(&format!("{more} more steps are not shown")));
    }
}

/// Judges what was seen as the board would, and tells it; the worst health.
fn tell(
    outside: &Outside,
    prepared: &Prepared,
    world: &mut World,
    job: &Job,
    seen: Vec<Observation>,
    school: Option<Laestab>,
) -> Health {
    let now = outside.clock.now();
    let mut views: Vec<(Target, CheckView)> = Vec::new();
    for observation in seen {
        let (target, check) = (observation.target, observation.check.clone());
        if !job.targets.contains(&target) || !job.checks.contains(&check) {
            continue;
        }
        drop(step(world, now, Event::Observed(observation)));
        views.extend(world.check(target, &check).map(|view| (target, view)));
    }
    for target in job.targets.iter().filter(|t| !views.iter().any(|(seen, _)| seen == *t)) {
        cli::say(&cli::noted(&format!("{target}: nothing was answered")));
    }
    let unanswered = job.targets.len() > views.len();
    if let Some(school) = school {
        views.retain(|(target, _)| {
            matches!(target, Target::Estate) || *target == Target::School(school)
        });
    }
    let all: Vec<Health> = views.iter().map(|(_, view)| view.health).collect();
    // What is bad is told first.
    views.sort_by_key(|(_, view)| std::cmp::Reverse(view.health));
    let left = views.len().saturating_sub(MOST_TOLD);
    for (target, view) in views.into_iter().take(MOST_TOLD) {
        cli::say_raw(&cli::tried(&tried(prepared, target, view)));
    }
    if left > 0 {
        cli::say(&cli::noted(&format!("{left} more verdicts; name a school with --school")));
    }
    if job.targets.len() > 1 {
        cli::say(&cli::noted(&cli::counted(all.iter().map(|h| h.word()))));
    }
    let worst = all.into_iter().max().unwrap_or(Health::Unknown);
    if unanswered { worst.max(Health::Unknown) } else { worst }
}

fn tried(prepared: &Prepared, target: Target, view: CheckView) -> Tried {
    let whom = match target {
        Target::Estate => "the whole estate".to_owned(),
        Target::School(laestab) => {
            let name = prepared.estate.schools.get(&laestab).map(|s| s.name.as_str());
            format!("{laestab} {}", name.unwrap_or_default())
        }
    };
    let (bad, tries) = view.tries;
    Tried {
        whom,
        check: view.check.as_str().to_owned(),
        health: view.health.word().to_owned(),
        reason: view.reason.map(|r| r.word().to_owned()),
        why: view.why.as_str().to_owned(),
        soft: view.soft.then(|| format!("bad answer {bad} of {tries} before it is certain")),
        source_at: view.source_at.map(|s| s.at.to_string()),
        numbers: view.numbers.iter().map(|n| (n.name.to_string(), n.value.to_string())).collect(),
        facts: view.evidence.iter().map(|f| (f.name.to_string(), f.value.to_string())).collect(),
    }
}
