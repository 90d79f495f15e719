//! Puts everything together. No rules of its own.

mod account;
mod act;
mod acting;
mod agent;
mod audit;
mod bench;
mod checkpoints;
mod config;
mod connector;
mod console;
mod demo;
mod doctor;
mod embedded;
mod expiring;
mod failed;
mod first_run;
mod handle;
mod incident;
mod past;
mod plain;
mod reload;
mod replay;
mod report;
mod runs;
mod secret;
mod setup;
mod simulate;
mod statements;
mod status;
mod teach;
mod training;
mod watch;
mod world;

use std::process::ExitCode;
use std::sync::Arc;

use crate::app::failed::Failed;
use crate::app::world::Outside;
use crate::cli;
use crate::cli::args::{Cli, Command, ConfigCommand};
use crate::cli::bench_args::BenchCommand;
use crate::ports::clock::Clock;
use crate::sys::SystemClock;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match cli::args::parse() {
        Ok(cli) => cli,
        Err(code) => return code.into(),
    };
    match start(cli) {
        Ok(code) => code.into(),
        Err(failed) => {
            cli::complain(&failed.text);
            (failed.code as u8).into()
        }
    }
}

fn start(cli: Cli) -> Result<u8, Failed> {
    // Secrets must not reach a core file or a debugger; a kernel that refuses is no reason to stop.
    drop(crate::sys::forbid_dumps());
    if matches!(cli.command, Some(Command::JqWorker)) {
        let code = if crate::services::serve_jq() { cli::Code::Done } else { cli::Code::Software };
        return Ok(code as u8);
    }
    crate::transport::install_tls();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Failed::software)?;
    let code = runtime.block_on(dispatch(cli));
    // What still runs (a keyring that does not answer) must not hold up the end.
    runtime.shutdown_background();
    code
}

async fn dispatch(cli: Cli) -> Result<u8, Failed> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let Cli { config, agent, theme, log, slow, plain, command } = cli;
    let outside = Outside { config, agent, theme, log, slow, plain: plain.is_wanted(), clock };
    match command {
        None => match first_run::begin(&outside).await {
            Some(done) => done,
            None => console::run(outside).await,
        },
        Some(Command::Agent) => agent::run(outside).await,
        Some(Command::Status(args)) => {
            status::run(&outside.agent_socket()?, args, outside.clock.clone()).await
        }
        Some(Command::Watch(args)) => watch::run(&outside.agent_socket()?, args).await,
        Some(Command::Account(command)) => account::run(&outside.agent_socket()?, command).await,
        Some(Command::Diff(args)) => past::diff(&outside.agent_socket()?, args).await,
        Some(Command::Handover(args)) => past::handover(&outside.agent_socket()?, args).await,
        Some(Command::Report(args)) => report::run(&outside.agent_socket()?, args).await,
        Some(Command::Record(args)) => replay::record(&outside.agent_socket()?, args).await,
        Some(Command::Replay(args)) => replay::run(outside, args).await,
        Some(Command::Runs(args)) => runs::run(&outside.agent_socket()?, args).await,
        Some(Command::Statements(args)) => statements::run(&outside.agent_socket()?, args).await,
        Some(Command::Incidents(args)) => incident::list(&outside.agent_socket()?, args).await,
        Some(Command::Incident(command)) => incident::run(&outside.agent_socket()?, command).await,
        Some(Command::Handle(args)) => handle::run(&outside.agent_socket()?, args).await,
        Some(Command::Strike(args)) => handle::strike(&outside.agent_socket()?, args).await,
        Some(Command::Expiring(args)) => expiring::run(&outside.agent_socket()?, args).await,
        Some(Command::Refresh(args)) => expiring::refresh(&outside.agent_socket()?, args).await,
        Some(Command::Config(ConfigCommand::Check)) => config::check(&outside),
        Some(Command::Config(ConfigCommand::Schema)) => config::schema(),
        Some(Command::Connector(command)) => connector::run(outside, command).await,
        Some(Command::Actions { json }) => act::actions(&outside.agent_socket()?, json).await,
        Some(Command::Plan(args)) => act::plan(&outside.agent_socket()?, args).await,
        Some(Command::Apply(args)) => {
            act::apply(&outside.agent_socket()?, args, outside.clock.clone()).await
        }
        Some(Command::Approve(args)) => {
            act::approve(&outside.agent_socket()?, args, outside.clock.clone()).await
        }
        Some(Command::Cancel(args)) => act::cancel(&outside.agent_socket()?, args).await,
        Some(Command::Tell(args)) => act::tell(&outside.agent_socket()?, args).await,
        Some(Command::Continue(args)) => act::continue_action(&outside.agent_socket()?, args).await,
        Some(Command::Close(args)) => act::close(&outside.agent_socket()?, args).await,
        Some(Command::Arm(args)) => act::arm(&outside.agent_socket()?, args).await,
        Some(Command::Emergency(args)) => act::emergency(&outside.agent_socket()?, args).await,
        Some(Command::Audit(command)) => {
            audit::run(|| outside.agent_socket(), command, outside.clock.now()).await
        }
        Some(Command::Policy(command)) => acting::command(&outside, command),
        Some(Command::Doctor(args)) => doctor::run(outside, args).await,
        Some(Command::Secret(command)) => secret::run(outside, command).await,
        Some(Command::Setup(args)) => first_run::run(outside, args).await,
        Some(Command::Demo(args)) => demo::run(outside, args).await,
        Some(Command::Training(args)) => training::run(&outside.agent_socket()?, args).await,
        Some(Command::Simulate(args)) => simulate::run(outside, args).await,
        Some(Command::Completions(args)) => Ok(teach::completions(&args)),
        Some(Command::Man(args)) => teach::man(&args),
        Some(Command::Bench(command)) => measure(outside, command).await,
        // Served before there was a runtime.
        Some(Command::JqWorker) => Ok(cli::Code::Software as u8),
    }
}

async fn measure(outside: Outside, command: BenchCommand) -> Result<u8, Failed> {
    let line = match command {
        BenchCommand::Board { schools } => {
            bench::board(&outside, schools).await.map_err(Failed::software)?;
            return Ok(0);
        }
        BenchCommand::Sweep(args) => bench::sweep(args, outside.clock).await,
        BenchCommand::World { schools, runs } => bench::world(schools, runs, &*outside.clock),
        BenchCommand::Store { schools, runs } => bench::store(schools, runs, outside.clock).await,
        BenchCommand::Ledger { schools, intents } => {
            bench::ledger(schools, intents, outside.clock).await
        }
    };
    cli::say(&line.map_err(Failed::software)?);
    Ok(0)
}
