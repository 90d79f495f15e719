//! Which mail server takes mail from us.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::ids::CredentialName;
use crate::model::span::Span;

/// A server that takes mail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SmtpSettings {
    /// Name of the server, as in its certificate.
    pub host: String,
    /// 465 unless set; 587 with `starttls`.
    #[serde(default)]
    pub port: Option<u16>,
    /// How the connection is encrypted; it always is.
    #[serde(default)]
    pub security: SmtpSecurity,
    /// The account, where the server wants one.
    #[serde(default)]
    pub user: Option<String>,
    /// Name of the credential that holds its password.
    #[serde(default)]
    pub credential: Option<CredentialName>,
    /// PEM file of the certificate authority, instead of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Time for one message, from the connection to the server's last word.
    #[serde(default = "default_deadline")]
    pub deadline: Span,
}

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SmtpSecurity {
    /// TLS from the first byte.
    #[default]
    Tls,
    /// In the clear until the server agrees to TLS, and not a word of ours before.
    Starttls,
}

impl SmtpSettings {
    /// The port that is meant.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.security {
            SmtpSecurity::Tls => 465,
            SmtpSecurity::Starttls => 587,
        })
    }
}

fn default_deadline() -> Span {
    Span::from_secs(60)
}
