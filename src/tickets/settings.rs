//! `[tickets]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::ids::CredentialName;
use crate::transport::SmtpSettings;

/// Something wrong in the section, by its key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tickets.{key}: {why}")]
pub struct Wrong {
    /// The key below `tickets`.
    pub key: &'static str,
    /// What is wrong and what would be right.
    pub why: String,
}

/// Where tickets go and what they say: one of `folder` and `mail`.
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
}

impl TicketSettings {
    /// The credentials that it names.
    #[must_use]
    pub fn credentials(&self) -> Vec<CredentialName> {
        self.mail.iter().filter_map(|mail| mail.server.credential.clone()).collect()
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

fn subject() -> String {
    "{service}: {action}, {place}".into()
}

fn body() -> String {
    "Where: {place}\nService: {service}\nOur ticket: {ticket}\n\n{lines}\n\nFrom the ICT service desk \
     ({by}). Please keep the reference in your answer."
        .into()
}
