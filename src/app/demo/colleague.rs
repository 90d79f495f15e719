//! A second person for the demo, because one person cannot be two: approves after some seconds
//! whatever waits. Invented, called so wherever the name is shown, and started by the demo alone.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::task::JoinHandle;

use crate::guard::{Countersign, Guard, Who};
use crate::model::plan::{Operator, Role};
use crate::model::text::Clean;
use crate::ports::clock::Clock;

/// How long it reads a plan.
const READS: SignedDuration = SignedDuration::from_secs(8);
/// Belongs to nobody on any host: the highest are kept for what has no account.
const UID: u32 = 4_294_967_000;

fn colleague() -> Who {
    let operator = Operator { uid: UID, login: Some(UID), name: Clean::new("Robin (invented)") };
    Who { operator, roles: BTreeSet::from([Role::Lead]) }
}

/// Begins to read what waits, until the handle is aborted.
pub(super) fn begin(guard: Guard, clock: Arc<dyn Clock>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut news = guard.news();
        let mut refused: HashSet<Clean> = HashSet::new();
        loop {
            let waiting = guard.waiting().await.unwrap_or_default();
            let next = waiting.into_iter().find(|request| !refused.contains(&request.plan.id));
            let Some(request) = next else {
                if news.changed().await.is_err() {
                    return;
                }
                continue;
            };
            let read_at = request.confirmed_at + READS;
            let left = Duration::try_from(read_at.duration_since(clock.now())).unwrap_or_default();
            clock.sleep(left).await;
            let plan = &request.plan;
            let (id, digest) = (plan.id.as_str(), plan.digest.as_str());
            let typed = plan.approval_words();
            if let Err(error) =
                guard.approve(&colleague(), id, Countersign::of(digest).typing(&typed)).await
            {
                tracing::info!("the demo's colleague does not approve {id}: {error}");
                refused.insert(plan.id.clone());
            }
        }
    })
}
