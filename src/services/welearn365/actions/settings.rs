//! Settings of the app that may write in Microsoft 365.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::ids::{CredentialName, IdError};
use crate::services::welearn365::login::Authentication;

/// The credential's name unless the config gives another.
const CREDENTIAL: &str = "welearn365.act";

/// `[services.welearn365.act]`: a second app registration, with the rights to write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloudSettings {
    /// The id of the app registration that may write (a GUID); another one than the read-only app.
    pub client_id: String,
    /// How the app shows who it is: `secret` or `certificate`.
    #[serde(default)]
    pub authentication: Authentication,
    /// Name of its credential; `welearn365.act` if not set.
    #[serde(default)]
    pub credential: Option<CredentialName>,
}

impl CloudSettings {
    /// The name of its credential.
    pub(super) fn credential(&self) -> Result<CredentialName, IdError> {
        match &self.credential {
            Some(name) => Ok(name.clone()),
            None => CREDENTIAL.parse(),
        }
    }
}
