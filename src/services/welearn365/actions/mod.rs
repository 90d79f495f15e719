//! What can be changed in WeLearn365 and the Active Directory behind it.
//!
//! The Active Directory is the authority: an account is disabled, enabled and given passwords there, by
//! an account of ours that may write. Microsoft 365 follows at the next sync; where a second app of ours
//! may write there as well, its sign-in is blocked and its sessions are revoked at once.

mod cloud;
mod hands;
mod on_demand;
mod output;
mod plan;
mod provisioned;
mod settings;
mod sync;
#[cfg(test)]
pub(super) mod tests;

use std::sync::Arc;

use crate::model::action::{ActionSpec, AimsAt, Class};
use crate::model::ids::{CredentialName, IdError};
use crate::ports::accounts::Accounts;
use crate::ports::act::Act;
use crate::services::accounts::{Reach, acting, places};
use crate::services::welearn365::actions::cloud::Cloud;
use crate::services::welearn365::actions::hands::Hands;
use crate::services::welearn365::actions::on_demand::OnDemand;
use crate::services::welearn365::actions::sync::Sync;
use crate::services::welearn365::audits::Audits;
use crate::services::welearn365::budget::Budget;
use crate::services::welearn365::describe::{KEY, Settings};
use crate::services::welearn365::graph::Graph;
use crate::services::welearn365::page::Pages;
use crate::services::{Brought, Context, ServiceError};

#[cfg(any(test, feature = "fuzzing"))]
pub(super) use provisioned::fuzzed;
pub(super) use settings::{CloudSettings, RunbookSettings};

/// The credential of the account that may write, unless the settings give another.
const CREDENTIAL: &str = "welearn365.directory.act";

/// The rows; their steps belong to the guard. A chain has the class of its gravest step: `lock`
/// resets to passwords that nobody sees, so it may be repeated.
pub(super) const ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        id: "welearn365.lock_account",
        label: "Lock an account",
        class: Class::SetState,
        aims_at: AimsAt::Account,
        choices: &[],
    },
    ActionSpec {
        id: "welearn365.restore_account",
        label: "Restore a locked account",
        class: Class::SetState,
        aims_at: AimsAt::Account,
        choices: &[],
    },
    ActionSpec {
        id: "welearn365.clear_lockout",
        label: "Clear a lockout (too many wrong passwords)",
        class: Class::SetState,
        aims_at: AimsAt::Account,
        choices: &[],
    },
    ActionSpec {
        id: "welearn365.reset_password",
        label: "Reset a password",
        class: Class::Destructive,
        aims_at: AimsAt::Account,
        choices: &[],
    },
    ActionSpec {
        id: "welearn365.resync_account",
        label: "Sync one account again",
        class: Class::Trigger,
        aims_at: AimsAt::Account,
        choices: &[],
    },
    ActionSpec {
        id: "welearn365.sync_directory",
        label: "Start a directory sync",
        class: Class::Trigger,
        aims_at: AimsAt::Estate,
        choices: &[],
    },
];

/// The credentials that acting needs.
pub(super) fn credentials(settings: &Settings) -> Result<Vec<CredentialName>, IdError> {
    let writer = settings.directory.as_ref().and_then(|d| d.act.as_ref());
    let writer = writer.map(|w| w.credential(CREDENTIAL)).transpose()?;
    let cloud = settings.act.as_ref().map(CloudSettings::credential).transpose()?;
    Ok(writer.into_iter().chain(cloud).collect())
}

/// What the guard acts with, as far as the settings make it possible.
///
/// `app` is the credential of the app that only reads.
pub(super) fn hands(
    settings: &Settings,
    app: CredentialName,
    context: &Context,
) -> Result<Brought, ServiceError> {
    let refuse =
        |key: &str, why: String| ServiceError::Setting { service: KEY, key: key.into(), why };
    let mut acts = None;
    if let Some(directory) = &settings.directory
        && let Some(writer) = &directory.act
    {
        let (places, _) = places(&directory.schools, context, KEY)
            .map_err(|why| refuse("directory.schools", why))?;
        let reach = Reach {
            service: KEY,
            at: "directory.act",
            ldap: directory.ldap(&context.folder),
            reads: true,
            writer,
            credential: CREDENTIAL,
            kinds: &directory.kinds,
            places,
        };
        acts = Some(acting(reach, context)?);
    }
    let cloud = settings.act.as_ref().map(|own| Cloud::new(settings, own, context)).transpose()?;
    let resync = settings.act.as_ref().and_then(|own| own.resync.as_ref());
    let on_demand = resync.map(|own| OnDemand::new(own, &context.clock)).transpose()?;
    let sync = match &settings.runbook {
        None => None,
        Some(own) => {
            let graph = Graph::reading(settings, app.clone(), context, Budget::new(1))?;
            Some(Sync::new(own, graph, context)?)
        }
    };
    let hands = Hands { accounts: acts, cloud, on_demand, sync };
    let audits = audits(settings, app.clone(), context)?;
    let pages = settings.directory.as_ref();
    let pages = pages.map(|own| Pages::new(settings, own, app, context)).transpose()?;
    Ok(Brought {
        acts: vec![Arc::new(hands) as Arc<dyn Act>],
        accounts: pages.map(|pages| Arc::new(pages) as Arc<dyn Accounts>),
        audits: Some(Arc::new(audits)),
        ..Brought::default()
    })
}

/// Reads Microsoft's own audit with the app that only reads.
fn audits(
    settings: &Settings,
    app: CredentialName,
    context: &Context,
) -> Result<Audits, ServiceError> {
    let acts = settings.act.as_ref();
    let principal = acts.and_then(|own| own.principal_id.clone());
    let is_word =
        |id: &String| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if principal.as_ref().is_some_and(|id| !is_word(id)) {
        return Err(ServiceError::Setting {
            service: KEY,
            key: "act.principal_id".into(),
            why: "write the id as Microsoft shows it, a GUID".into(),
        });
    }
    let apps = [Some(&settings.client_id), acts.map(|own| &own.client_id)];
    let apps = apps.into_iter().flatten().cloned().collect();
    let graph = Graph::reading(settings, app, context, Budget::new(1))?;
    Ok(Audits::new(graph, Arc::clone(&context.clock), apps, principal))
}
