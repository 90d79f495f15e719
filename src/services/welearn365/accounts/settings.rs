//! Settings of the Active Directory behind WeLearn365.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::model::ids::CredentialName;
use crate::model::span::Span;
use crate::services::ServiceError;
use crate::services::accounts::{KindSettings, WriterSettings};
use crate::services::welearn365::describe::KEY;
use crate::transport::ldap::LdapSettings;

/// The credential's name unless the config gives another.
pub(in crate::services::welearn365) const CREDENTIAL: &str = "welearn365.directory";

/// `[services.welearn365.directory]`: the Active Directory, asked with an account that can only read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectorySettings {
    /// The domain controllers, in the order in which they are tried: `ldaps://HOST`, or `ldap://HOST`
    /// for StartTLS. Never without TLS.
    pub controllers: Vec<Url>,
    /// PEM file of the authority that signed the controllers' certificates, instead of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The account to sign in with: `svc-caretaker@example.org`, or its DN.
    pub bind_as: String,
    /// Name of the credential that holds its password; `welearn365.directory` if not set.
    #[serde(default)]
    pub credential: Option<CredentialName>,
    /// The OU below which every school has its own: `OU=Schools,DC=example,DC=org`. Nothing outside is
    /// looked at.
    pub schools: String,
    /// More accounts of one school than this, locked out within `spray_within`, are a warning:
    /// somebody may be trying passwords.
    #[serde(default = "spray_accounts")]
    pub spray_accounts: u32,
    /// The stretch of time in which these are counted.
    #[serde(default = "spray_within")]
    pub spray_within: Span,
    /// For how long such a stretch is remembered.
    #[serde(default = "spray_remembered")]
    pub spray_remembered: Span,
    /// A controller's clock further from ours than this is a warning.
    #[serde(default = "clock_warning")]
    pub clock_warning: Span,
    /// Clocks of two controllers further apart than this are critical: signing in fails.
    #[serde(default = "clock_critical")]
    pub clock_critical: Span,
    /// A password that another controller still does not have after this time is a warning.
    #[serde(default = "replication_warning")]
    pub replication_warning: Span,
    /// Time to reach one controller.
    #[serde(default = "connect_timeout")]
    pub connect_timeout: Span,
    /// Time for the sign-in, and for each page of a search.
    #[serde(default = "operation_timeout")]
    pub operation_timeout: Span,
    /// Time for everything that is asked over one connection.
    #[serde(default = "deadline")]
    pub deadline: Span,
    /// Entries of one page, at most 1,000.
    #[serde(default = "page")]
    pub page: u16,
    /// By what a pupil's, a member of staff's and a governor's account is told: names of OUs between
    /// the school's OU and the account, or SIDs of groups.
    #[serde(default)]
    pub(in crate::services::welearn365) kinds: KindSettings,
    /// The account that may write. Without it nothing can be done to an account: not locked, not
    /// restored, no lockout cleared, no password reset.
    #[serde(default)]
    pub(in crate::services::welearn365) act: Option<WriterSettings>,
}

fn spray_accounts() -> u32 {
    10
}
fn spray_within() -> Span {
    Span::from_mins(15)
}
fn spray_remembered() -> Span {
    Span::from_hours(2)
}
fn clock_warning() -> Span {
    Span::from_mins(2)
}
fn clock_critical() -> Span {
    Span::from_mins(5)
}
fn replication_warning() -> Span {
    Span::from_hours(4)
}
fn connect_timeout() -> Span {
    Span::from_secs(5)
}
fn operation_timeout() -> Span {
    Span::from_secs(20)
}
fn deadline() -> Span {
    Span::from_mins(4)
}
fn page() -> u16 {
    500
}

impl DirectorySettings {
    /// What makes no sense.
    pub(super) fn check(&self) -> Result<(), ServiceError> {
        let refuse = |key: &str, why: &str| {
            Err(ServiceError::Setting {
                service: KEY,
                key: format!("directory.{key}"),
                why: why.to_owned(),
            })
        };
        if self.bind_as.trim().is_empty() {
            return refuse("bind_as", "name the account: svc-caretaker@example.org, or its DN");
        }
        if !(1..=1_000).contains(&self.page) {
            return refuse("page", "choose 1 to 1000: Active Directory gives no more at once");
        }
        if self.spray_within > self.spray_remembered {
            return refuse("spray_remembered", "cannot be shorter than spray_within");
        }
        for (key, span) in [
            ("spray_within", self.spray_within),
            ("connect_timeout", self.connect_timeout),
            ("operation_timeout", self.operation_timeout),
            ("deadline", self.deadline),
        ] {
            if span.as_secs() == 0 {
                return refuse(key, "cannot be nothing");
            }
        }
        if self.spray_remembered > Span::from_days(7)
            || self.replication_warning > Span::from_days(7)
        {
            return refuse("spray_remembered", "is a week at most, and so is replication_warning");
        }
        Ok(())
    }

    /// For the transport.
    pub(in crate::services::welearn365) fn ldap(&self, folder: &std::path::Path) -> LdapSettings {
        LdapSettings {
            controllers: self.controllers.clone(),
            ca_file: self.ca_file.as_ref().map(|path| folder.join(path)),
            bind_as: self.bind_as.clone(),
            connect_timeout: self.connect_timeout,
            operation_timeout: self.operation_timeout,
            deadline: self.deadline,
            page: self.page,
        }
    }

    /// The name of its credential.
    ///
    /// # Errors
    /// Never in fact: the name that stands in the code is well-formed.
    pub(in crate::services::welearn365) fn credential(
        &self,
    ) -> Result<CredentialName, crate::model::ids::IdError> {
        match &self.credential {
            Some(name) => Ok(name.clone()),
            None => CREDENTIAL.parse(),
        }
    }
}
