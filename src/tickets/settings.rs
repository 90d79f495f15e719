//! `[tickets]`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::ids::CredentialName;
use crate::model::span::Span;
use crate::transport::{EndpointSettings, SmtpSettings};

/// Something wrong in the section, by its key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tickets.{key}: {why}")]
pub struct Wrong {
    /// The key below `tickets`.
    pub key: &'static str,
    /// What is wrong and what would be right.
    pub why: String,
}

/// Where tickets go and what they say: one of `folder`, `mail` and `api`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketSettings {
    /// The subject: one line with `{place}`, `{service}`, `{action}`, `{by}`, `{ticket}`, `{reason}`.
    #[serde(default = "subject")]
    pub subject: String,
    /// The text: lines with the same names, and `{lines}` on a line of its own for what there is to
    /// say. A line whose name has nothing to give is left out. `{reason}` is what the operator wrote
    /// for the audit, which may name a pupil: left out unless it stands here.
    #[serde(default = "body")]
    pub body: String,
    /// As text files in a folder, where another program fetches them.
    #[serde(default)]
    pub folder: Option<FolderSettings>,
    /// By mail.
    #[serde(default)]
    pub mail: Option<MailSettings>,
    /// By the interface of a ticket system.
    #[serde(default)]
    pub api: Option<ApiSettings>,
}

impl TicketSettings {
    /// The credentials that it names.
    #[must_use]
    pub fn credentials(&self) -> Vec<CredentialName> {
        let mail = self.mail.iter().filter_map(|mail| mail.server.credential.clone());
        let api = self.api.iter().filter_map(|api| Some(api.auth.as_ref()?.credential().clone()));
        mail.chain(api).collect()
    }
}

/// `[tickets.folder]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FolderSettings {
    /// The folder. Files come into it whole, named by their key, readable by its group (0640); what
    /// was handed over is remembered in `.caretaker` inside it.
    pub path: PathBuf,
}

/// `[tickets.mail]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// The server that takes the mail.
    pub server: SmtpSettings,
    /// From whom: `ICT service desk <desk@example.org>`. Answers go there.
    pub from: String,
    /// To whom; at least one.
    pub to: Vec<String>,
}

/// `[tickets.api]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiSettings {
    /// Where the interface is.
    pub endpoint: EndpointSettings,
    /// How we sign in, by the name of a credential.
    #[serde(default)]
    pub auth: Option<SignIn>,
    /// Headers without secrets, sent with every call.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The call that raises a ticket.
    pub create: ApiCreate,
    /// The call that searches for our key: before anything is sent again, and to see that it is there.
    pub search: ApiSearch,
}

/// How we sign in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SignIn {
    /// `Authorization: Bearer`, with the credential of this name.
    Bearer(CredentialName),
    /// `Authorization: Basic`.
    Basic {
        /// User name.
        user: String,
        /// Name of the credential that holds the password.
        credential: CredentialName,
    },
    /// A header of the system's own.
    Header {
        /// Name of the header.
        name: String,
        /// Name of the credential that is its value.
        credential: CredentialName,
        /// What stands before the value, such as `Token `.
        #[serde(default)]
        prefix: String,
    },
}

impl SignIn {
    /// The credential that it names.
    #[must_use]
    pub fn credential(&self) -> &CredentialName {
        match self {
            Self::Bearer(credential)
            | Self::Basic { credential, .. }
            | Self::Header { credential, .. } => credential,
        }
    }
}

/// `[tickets.api.create]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiCreate {
    /// How: `post` or `put`.
    #[serde(default)]
    pub method: ApiMethod,
    /// The path below the endpoint; may name `{key}` and `{reference}`.
    pub path: String,
    /// The JSON body. Its texts may name `{subject}`, `{text}`, `{key}`, `{reference}`, `{school}` (its
    /// LAESTAB), `{place}`, `{service}`, `{action}`, `{by}` and `{ticket}`; each value stays inside its
    /// text. A text that comes out empty is left out. `{key}` must stand somewhere.
    pub body: BTreeMap<String, Value>,
    /// Where the answer holds the ticket's number, as a JSON pointer: `/result/number`.
    pub number: String,
}

/// How a ticket is raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApiMethod {
    /// POST.
    #[default]
    Post,
    /// PUT.
    Put,
}

/// `[tickets.api.search]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiSearch {
    /// The path below the endpoint; may name `{key}` and `{reference}`.
    pub path: String,
    /// Query, with the same names.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Where the answer holds the list of tickets (or the one ticket), as a JSON pointer; empty for the
    /// whole answer. An empty list says that there is none.
    #[serde(default)]
    pub rows: String,
    /// Where each of them holds our key, alone or within a text, as a JSON pointer: what the system found
    /// is believed only with the key in it.
    pub key: String,
    /// Where each of them holds its number, as a JSON pointer.
    pub number: String,
    /// Statuses that say that there is none, such as 204 or 404.
    #[serde(default)]
    pub none_status: Vec<u16>,
    /// How long a ticket may be there before the search lists it: so long "none" is not believed.
    #[serde(default = "lag")]
    pub lag: Span,
}

fn lag() -> Span {
    Span::from_mins(5)
}

fn subject() -> String {
    "{service}: {action}, {place}".into()
}

fn body() -> String {
    "Where: {place}\nService: {service}\nOur ticket: {ticket}\n\n{lines}\n\nFrom the ICT service desk \
     ({by}). Please keep the reference in your answer."
        .into()
}
