//! Where a mail folder is, and how it is opened.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::ids::CredentialName;
use crate::model::span::Span;
use crate::transport::EndpointSettings;

/// A folder of an IMAP server. It is only looked into: no message is marked, moved or deleted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImapSettings {
    /// Name of the server, as in its certificate.
    pub host: String,
    /// 993 unless set; 143 with `starttls`.
    #[serde(default)]
    pub port: Option<u16>,
    /// How the connection is encrypted; it always is.
    #[serde(default)]
    pub security: ImapSecurity,
    /// The account.
    pub user: String,
    /// Name of the credential that holds its password; with `oauth`, the app's client secret.
    pub credential: CredentialName,
    /// Signing in by an access token instead of a password, as Exchange Online demands.
    #[serde(default)]
    pub oauth: Option<ImapOauth>,
    /// The folder, such as `INBOX/Alerts`. One of its own keeps other mail out of our sight.
    #[serde(default = "default_folder")]
    pub folder: String,
    /// PEM file of the certificate authority, instead of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Time for one visit, from the connection to the last byte.
    #[serde(default = "default_deadline")]
    pub deadline: Span,
}

/// Where access tokens come from: client credentials (RFC 6749, 4.4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImapOauth {
    /// The token endpoint, such as `https://login.microsoftonline.com/TENANT/oauth2/v2.0/token`.
    pub token: EndpointSettings,
    /// The app's id.
    pub client_id: String,
    /// What the token is for.
    #[serde(default = "default_scope")]
    pub scope: String,
}

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImapSecurity {
    /// TLS from the first byte.
    #[default]
    Tls,
    /// In the clear until the server agrees to TLS; nothing is said before that.
    Starttls,
}

impl ImapSettings {
    /// The port that is meant.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.security {
            ImapSecurity::Tls => 993,
            ImapSecurity::Starttls => 143,
        })
    }
}

fn default_scope() -> String {
    "https://outlook.office365.com/.default".to_owned()
}

fn default_folder() -> String {
    "INBOX".to_owned()
}

fn default_deadline() -> Span {
    Span::from_secs(30)
}
