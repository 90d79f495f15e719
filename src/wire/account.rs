//! Accounts over the wire: a search in one school, and the page of one account.
//!
//! Names are masked. `show` asks for them whole, with a reason: that is recorded before they are given.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::account::{AccountPage, Hits};
use crate::model::ids::Laestab;
use crate::model::plan::Aim;
use crate::model::text::Clean;

/// `POST /v1/accounts/find`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindAccounts {
    /// In which school.
    pub school: Laestab,
    /// A part of the login, the name or the mail address; 2 to 64 characters.
    pub part: String,
    /// Whether names are to be shown whole; recorded before they are.
    #[serde(default)]
    pub show: bool,
    /// Why they are to be shown.
    #[serde(default)]
    pub why: Clean,
}

/// `POST /v1/accounts/page`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskAccount {
    /// Which account: `LAESTAB/guid:..` or `LAESTAB/sam:..`.
    pub account: Aim,
    /// Whether names are to be shown whole; recorded before they are.
    #[serde(default)]
    pub show: bool,
    /// Why they are to be shown.
    #[serde(default)]
    pub why: Clean,
}

/// The answer to [`FindAccounts`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FoundAccounts {
    /// Version of the wire.
    pub version: u32,
    /// The agent's clock.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// What was found.
    pub found: Hits,
}

/// The answer to [`AskAccount`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShownAccount {
    /// Version of the wire.
    pub version: u32,
    /// The agent's clock.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// Its page.
    pub page: AccountPage,
}
