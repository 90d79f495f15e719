//! What actions need beside what the checks need: programs that may be run, and rights to write.

use std::sync::Arc;
use std::time::Duration;

use crate::app::doctor::{parted, sign_in};
use crate::app::setup::Prepared;
use crate::cli::doctor::{Area, Finding};
use crate::ports::clock::Clock;
use crate::sys::trusted_program;

/// How long one vendor may take to tell rights.
const LIMIT: Duration = Duration::from_secs(60);

/// Looks at every program that an action runs, by the rule that is kept right before it is run.
/// Blocking.
pub fn programs(prepared: &Prepared) -> Vec<Finding> {
    let all = prepared.acts.iter().flat_map(|act| act.programs());
    let judged = all.map(|(action, program)| {
        let subject = format!("{} ({action})", program.display());
        if !program.exists() {
            let remedy = "install it there, or mend the path in the configuration";
            return Finding::error(Area::Files, &subject, "is not there", remedy);
        }
        match trusted_program(&program) {
            Ok(()) => {
                let text = "may be run: it and its folder belong to root or to this account, and \
                            nobody else can write to them";
                Finding::ok(Area::Files, &subject, text)
            }
            Err(untrusted) => {
                let (text, remedy) = parted(&untrusted.to_string());
                Finding::error(Area::Files, &subject, format!("is not run: {text}"), remedy)
            }
        }
    });
    judged.collect()
}

/// Asks the vendors what the credentials of actions may do.
pub async fn rights(prepared: &Prepared, clock: &Arc<dyn Clock>) -> Vec<Finding> {
    let mut out = Vec::new();
    for act in &prepared.acts {
        let told = tokio::select! {
            told = act.rights() => told,
            () = clock.sleep(LIMIT) => Vec::new(),
        };
        out.extend(told.iter().flat_map(sign_in::rights));
    }
    out
}
