//! What is watched of Just2easy, and its settings.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::check::{CheckSpec, Edge, Flow, Scope, ServiceSpec};
use crate::model::ids::{CheckId, ServiceKey};
use crate::model::span::Span;
use crate::services::declared::sign_in::SignInSettings;
use crate::services::declared::statuspage::StatusPageSettings;
use crate::services::{CheckTuning, ServiceError, tuned};

pub(super) const KEY: &str = "just2easy";
pub(super) const LABEL: &str = "Just2Easy";
pub(super) const CODE: &str = "J2";
pub(super) const CHECKS: &[(&str, &str)] =
    &[("sign_in", "does the sign-in page answer, or hand over to Microsoft's sign-in?")];

/// `[services.just2easy]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Displayed name.
    #[serde(default)]
    pub label: Option<String>,
    /// The sign-in page.
    pub sign_in: SignInSettings,
    /// The vendor's status page, if it has one: it may worsen what the sign-in page shows.
    #[serde(default)]
    pub status_page: Option<StatusPageSettings>,
    /// Hand-kept notes of user syncs, a CSV file with the columns
    /// `laestab,last_synced_on,state,by,result`. Information only: it never gives a colour. A
    /// `state` is `paused` or empty.
    #[serde(default)]
    pub sync_notes: Option<PathBuf>,
    /// Changes to single checks.
    #[serde(default)]
    pub checks: BTreeMap<String, CheckTuning>,
}

pub(super) fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    generator.subschema_for::<Settings>()
}

/// The estate's check and what the service depends on.
pub(super) fn spec(
    settings: &Settings,
    key: &ServiceKey,
    sign_in: &CheckId,
) -> Result<ServiceSpec, ServiceError> {
    let check = CheckSpec {
        tries: 3,
        ..CheckSpec::new(sign_in.clone(), "sign-in page", Scope::Estate, Span::from_mins(5))
    };
    Ok(ServiceSpec {
        key: key.clone(),
        label: settings.label.clone().unwrap_or_else(|| LABEL.to_owned()),
        code: CODE.to_owned(),
        checks: vec![tuned(check, &settings.checks)],
        depends: depends()?,
    })
}

fn depends() -> Result<Vec<Edge>, ServiceError> {
    crate::services::declared::edges(
        KEY,
        &[
            (Flow::SignIn, "welearn365"),
            (Flow::NewAccounts, "welearn365"),
            (Flow::Traffic, "smoothwall"),
        ],
    )
}
