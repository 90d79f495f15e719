//! `welearn365.resync_account`: Microsoft's directory sync (Cloud Sync) takes one account now.
//!
//! It knows the account by its distinguished name, which names a person: it is read from the directory
//! right before it is sent, and stands in no plan. Rights of the app: Synchronization.ReadWrite.All.
//! Source: the page on `synchronizationJob: provisionOnDemand`, read 2026-11.
//!
//! Invariant: a request is sent once; what became of it is read.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use crate::directory::{Account, Acting};
use crate::model::action::Class;
use crate::model::plan::{Item, Step};
use crate::model::text::Clean;
use crate::ports::act::{Answer, Refused, Seen};
use crate::ports::clock::Clock;
use crate::services::ServiceError;
use crate::services::hand_off::moment;
use crate::services::welearn365::actions::cloud::{Cloud, Sky};
use crate::services::welearn365::actions::provisioned::{Came, came};
use crate::services::welearn365::actions::settings::ResyncSettings;
use crate::services::welearn365::describe::KEY;
use crate::services::welearn365::error::Said;
use crate::services::welearn365::graph::Told;
use crate::transport::{Reply, Request};

const RIGHT: &str = "Synchronization.ReadWrite.All";
/// Id of its step.
const ID: &str = "graph_provision";
/// Microsoft takes a minute or two; a read may lag.
const PATIENCE_S: u32 = 30 * 60;
/// Calls that Microsoft takes, and in what time.
const PACE: (usize, Duration) = (5, Duration::from_secs(10));
/// Names in [`Step::with`]: the account's ids, and when it was synced before; empty where it was not.
const IMMUTABLE_ID: &str = "immutable_id";
const CLOUD_ID: &str = "id";
const SYNCED_AT: &str = "synced_at";

/// Asks the sync for single accounts.
pub(super) struct OnDemand {
    settings: ResyncSettings,
    clock: Arc<dyn Clock>,
    /// When it was asked last, the oldest first; at most as often as the pace allows.
    asked: Mutex<VecDeque<Duration>>,
}

fn says(text: &str) -> Clean {
    Clean::new(text)
}

/// The step for `account`, as Microsoft 365 has it now.
pub(super) fn step(account: &Account, sky: &Sky) -> Step {
    let (id, synced_at) = match sky {
        Sky::Known(known) => (known.id.as_str(), known.last_sync),
        Sky::Unknown | Sky::NotOurs => ("", None),
    };
    let with = [
        (IMMUTABLE_ID, account.immutable_id.clone()),
        (CLOUD_ID, id.to_owned()),
        (SYNCED_AT, synced_at.map(|at| at.to_string()).unwrap_or_default()),
    ];
    Step {
        id: says(ID),
        system: says("WeLearn365"),
        says: says("have the directory sync take this account now"),
        class: Class::Trigger,
        undoable: false,
        patience_s: PATIENCE_S,
        with: with.map(|(name, value)| (name.to_owned(), Clean::new(&value))).into(),
    }
}

impl OnDemand {
    /// As the settings say.
    pub(super) fn new(
        settings: &ResyncSettings,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, ServiceError> {
        if let Some((key, why)) = settings.refused() {
            let key = format!("act.resync.{key}");
            return Err(ServiceError::Setting { service: KEY, key, why: why.to_owned() });
        }
        let clock = Arc::clone(clock);
        Ok(Self { settings: settings.clone(), clock, asked: Mutex::default() })
    }

    /// Does step `n` of `item`; `None` when it is not this one.
    pub(super) async fn step(
        &self,
        (accounts, cloud): (&Acting, &Cloud),
        item: &Item,
        n: usize,
    ) -> Option<Answer> {
        let step = item.steps.get(n).filter(|step| step.id.as_str() == ID)?;
        let read = async {
            let account = accounts.again(item).await?;
            Ok((cloud.find(&account.immutable_id).await?, account))
        };
        let (sky, account) = match read.await {
            Ok(read) => read,
            Err(Refused::CannotRead(why)) => return Some(Answer::NotSent { says: says(&why) }),
            Err(other) => return Some(Answer::Changed { says: says(&other.to_string()) }),
        };
        let id = match &sky {
            Sky::Known(known) => known.id.as_str(),
            Sky::Unknown | Sky::NotOurs => "",
        };
        if account.immutable_id != step.given(IMMUTABLE_ID) || id != step.given(CLOUD_ID) {
            let why = "it is not the account of the plan any more; nothing was sent";
            return Some(Answer::Changed { says: says(why) });
        }
        self.turn().await;
        let request = self.request(account.distinguished_name());
        Some(match cloud.tell(request).await {
            Told::NotSent(trouble) => Answer::NotSent { says: says(&trouble.why) },
            Told::NoAnswer(trouble) => Answer::NoAnswer { says: says(&trouble.why) },
            Told::Answered(reply) => answered(&reply),
        })
    }

    /// The right that the app needs for it.
    pub(super) fn right(&self) -> &'static str {
        RIGHT
    }

    fn request(&self, distinguished_name: &str) -> Request {
        let ResyncSettings { service_principal_id, job_id, rule_id } = &self.settings;
        Request::post("servicePrincipals")
            .segment(service_principal_id)
            .path("synchronization/jobs")
            .segment(job_id)
            .path("provisionOnDemand")
            .json(json!({"parameters": [{
                "ruleId": rule_id,
                "subjects": [{"objectId": distinguished_name, "objectTypeName": "user"}],
            }]}))
    }

    /// Ends when Microsoft takes one more call.
    async fn turn(&self) {
        let (most, within) = PACE;
        loop {
            let now = self.clock.monotonic();
            let wait = {
                let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
                while asked.front().is_some_and(|at| now.saturating_sub(*at) >= within) {
                    asked.pop_front();
                }
                match asked.front() {
                    Some(oldest) if asked.len() >= most => (*oldest + within).saturating_sub(now),
                    _ => {
                        asked.push_back(now);
                        return;
                    }
                }
            };
            self.clock.sleep(wait).await;
        }
    }
}

/// Reads what became of step `n`; `None` when it is not this one.
pub(super) async fn look(cloud: &Cloud, item: &Item, n: usize) -> Option<Seen> {
    let step = item.steps.get(n).filter(|step| step.id.as_str() == ID)?;
    let id = step.given(CLOUD_ID);
    let before: Option<Timestamp> = step.given(SYNCED_AT).parse().ok();
    let known = match cloud.user(step.given(IMMUTABLE_ID)).await {
        Ok(Some(known)) if id.is_empty() || known.id == id => known,
        Ok(None) if id.is_empty() => {
            return Some(Seen::NotYet(says("WeLearn365 has no such account yet")));
        }
        Ok(_) => return Some(Seen::CannotTell(says("WeLearn365 no longer has this account"))),
        Err(why) => return Some(Seen::CannotTell(says(&why.to_string()))),
    };
    Some(match known.last_sync {
        Some(at) if before.is_none_or(|before| at > before) => {
            Seen::There(says(&format!("the directory reached this account at {}", moment(at))))
        }
        Some(at) => Seen::NotYet(says(&format!(
            "the directory last reached this account at {}, as before",
            moment(at)
        ))),
        None => Seen::NotYet(says("the directory has not reached this account yet")),
    })
}

/// What an answer means.
fn answered(reply: &Reply) -> Answer {
    let said = Said::of(reply);
    let codes = said.as_ref().map_or_else(String::new, |said| format!(" ({})", said.codes()));
    let refused = |why: String| Answer::Refused { says: says(&why) };
    match reply.status {
        200..=299 if said.is_none() => match came(reply) {
            Ok(Came::Done) => Answer::Took {
                says: says("Microsoft's sync says that it took the account; not seen yet"),
                reference: None,
                secret: None,
            },
            Ok(Came::Skipped(code)) if code.eq_ignore_ascii_case("RedundantExport") => {
                refused(format!("nothing to do: it is as the directory has it already ({code})"))
            }
            Ok(Came::Skipped(code)) => refused(format!(
                "Microsoft's sync skipped the account ({code}): is it in the scope of the sync?"
            )),
            Ok(Came::Failed(code)) => refused(format!(
                "Microsoft's sync could not take the account ({code}); nothing was written"
            )),
            Err(trouble) => Answer::NoAnswer {
                says: says(&format!("Microsoft's answer is not understood: {}", trouble.why)),
            },
        },
        403 => refused(format!("Microsoft refused{codes}: our app lacks {RIGHT}")),
        404 => refused(format!(
            "Microsoft knows no such sync{codes}: are the ids of services.welearn365.act.resync right?"
        )),
        400..=499 => refused(format!("Microsoft refused with {}{codes}", reply.status)),
        status => Answer::NoAnswer { says: says(&format!("Microsoft answered {status}{codes}")) },
    }
}
