//! An API that answers with JSON.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::reading::{Absent, HealthRule, NumberRule, Pick, TimeRule};
use crate::model::span::Span;
use crate::transport::EndpointSettings;

/// An API and how its answer is read. Asked with GET, or with `post`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonSettings {
    /// Where the API is. Placeholders do not stand here: a school's row never changes the host.
    pub endpoint: EndpointSettings,
    /// The path below it, with placeholders such as `{laestab}`, `{urn}` or `{param:site}`.
    #[serde(default)]
    pub path: String,
    /// Query, with placeholders. Never a credential.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Headers without secrets, with placeholders.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Asked with POST and this JSON body, where an API takes its questions so. For questions that
    /// change nothing: it is asked again and again. A text that is one placeholder and nothing else
    /// is what the school's row says; any other is sent as it stands. Never a credential.
    #[serde(default)]
    pub post: Option<BTreeMap<String, Value>>,
    /// How we sign in, by the name of a credential.
    #[serde(default)]
    pub auth: Option<Auth>,
    /// Statuses whose body is read.
    #[serde(default = "default_status")]
    pub status: Vec<u16>,
    /// Bytes of one answer, and of all pages together.
    #[serde(default = "default_body_limit")]
    pub body_limit: usize,
    /// Longest time for the expressions of one answer; one that is later is paused for an hour.
    #[serde(default = "default_evaluate_within")]
    pub evaluate_within: Span,
    /// jq expression that gives something where the answer tells of an error inside a good status;
    /// null, false and nothing mean that it does not.
    #[serde(default)]
    pub error: Option<String>,
    /// jq expression that gives the rows, one for each school; for scope `bulk`.
    #[serde(default)]
    pub rows: Option<String>,
    /// Which school a row is about; for scope `school`, what must be the school that was asked for.
    #[serde(default)]
    pub key: Option<KeyRule>,
    /// What several rows about one school mean.
    #[serde(default)]
    pub several: Several,
    /// What it means that a school is not in the answer.
    #[serde(default)]
    pub absent: Absent,
    /// Further pages of the answer.
    #[serde(default)]
    pub pages: Option<Pages>,
    /// The value that tells how it stands. Without it, limits of numbers and of age decide.
    #[serde(default)]
    pub health: Option<HealthRule>,
    /// The vendor's own time of its data.
    #[serde(default)]
    pub time: Option<TimeRule>,
    /// Counts, by the name under which they are shown.
    #[serde(default)]
    pub numbers: BTreeMap<String, NumberRule>,
    /// A few words for the sentence. Choose nothing that may name a person.
    #[serde(default)]
    pub detail: Option<Pick>,
    /// What is kept as evidence, by name. Choose nothing that may name a person.
    #[serde(default)]
    pub facts: BTreeMap<String, Pick>,
}

fn default_status() -> Vec<u16> {
    vec![200]
}

fn default_body_limit() -> usize {
    8 * 1024 * 1024
}

fn default_evaluate_within() -> Span {
    Span::from_secs(5)
}

/// How we sign in. Names of credentials may hold `{laestab}` where each school has its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Auth {
    /// `Authorization: Bearer`, with the credential of this name.
    Bearer(String),
    /// `Authorization: Basic`.
    Basic {
        /// User name.
        user: String,
        /// Name of the credential that holds the password.
        credential: String,
    },
    /// A header of the vendor's own.
    Header {
        /// Name of the header.
        name: String,
        /// Name of the credential that is its value.
        credential: String,
        /// What stands before the value, such as `Token `.
        #[serde(default)]
        prefix: String,
    },
    /// A token, asked for with the OAuth client credentials grant and held until it ends.
    ClientCredentials(ClientCredentials),
}

/// Where a token is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCredentials {
    /// The token endpoint, whole.
    pub endpoint: EndpointSettings,
    /// Our client id.
    pub client_id: String,
    /// Name of the credential that holds the client secret.
    pub credential: String,
    /// Scope that is asked for; none unless set.
    #[serde(default)]
    pub scope: Option<String>,
    /// How id and secret are sent.
    #[serde(default)]
    pub send: SecretSent,
}

/// How a client id and its secret are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecretSent {
    /// As fields of the form.
    #[default]
    Form,
    /// As `Authorization: Basic`.
    Basic,
}

/// Which school something is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRule {
    /// jq expression that gives one key.
    #[serde(default)]
    pub jq: Option<String>,
    /// Name of a column.
    #[serde(default)]
    pub column: Option<String>,
    /// Words in a line, after which the key stands; for messages.
    #[serde(default)]
    pub after: Option<String>,
    /// What the key is.
    pub by: KeyBy,
    /// Column `service.param` of the subscriptions table that holds a school's key, or several,
    /// separated by `;`; where `by` is `param`.
    #[serde(default)]
    pub param: Option<String>,
}

/// What a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyBy {
    /// The seven digits of the LAESTAB.
    Laestab,
    /// The unique reference number.
    Urn,
    /// What the column `param` of the subscriptions table says.
    Param,
}

/// What several rows about one school mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Several {
    /// They contradict: the answer cannot be understood.
    #[default]
    Refuse,
    /// Each is true, and the worst counts.
    Worst,
}

/// Further pages of an answer: by the link that the answer gives, or by number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pages {
    /// jq expression that gives the link to the next page; null, false, nothing and an empty text
    /// are the end. A link to another origin is refused.
    #[serde(default)]
    pub next: Option<String>,
    /// Query parameter that holds the number of the page; the first page without rows is the end.
    #[serde(default)]
    pub number: Option<String>,
    /// The first number.
    #[serde(default = "default_first")]
    pub first: u32,
    /// More pages than this cannot be right.
    #[serde(default = "default_most")]
    pub most: u32,
}

fn default_first() -> u32 {
    1
}

fn default_most() -> u32 {
    50
}
