//! `caretaker simulate`: the vendors alone.

use crate::app::demo::{self, Folder, Played};
use crate::app::failed::Failed;
use crate::app::world::Outside;
use crate::cli;
use crate::cli::args::SimulateArgs;

/// Serves the vendors until stopped, or for the time asked for.
///
/// # Errors
/// When the vendors cannot be started.
pub async fn run(outside: Outside, args: SimulateArgs) -> Result<u8, Failed> {
    let folder = Folder::new("demo")?;
    let Played { vendors, setting, .. } =
        demo::vendors(&args.estate, &folder, outside.clock.clone()).await?;
    let config = demo::write_config(&folder, &vendors, &setting, outside.clock.now())?;
    let line = serde_json::json!({ "config": config, "simulators": vendors.urls });
    cli::say(&line.to_string());
    demo::until_stopped(&outside, args.r#for).await?;
    vendors.stop().await;
    Ok(0)
}
