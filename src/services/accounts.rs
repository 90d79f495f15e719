//! Accounts of the Active Directory, for services that act on them: with which account of ours, on
//! whose accounts never, and how a pupil's is told from a member of staff's. Shared pieces of settings.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::directory::{Account, Acting, Directory, Dn, Fence, Kinds, Places, Sid, Sign, Terms};
use crate::model::ids::{CredentialName, Laestab, ServiceKey};
use crate::model::plan::{AccountName, Aim, Private, masked};
use crate::model::span::Span;
use crate::model::text::Clean;
use crate::ports::act::Refused;
use crate::services::{Context, ServiceError};
use crate::transport::ldap::LdapSettings;

/// The column of the subscriptions table that holds a school's OU.
const OU: (&str, &str) = ("welearn365", "ou");
/// Time for everything that one step asks of a controller.
const STEP: Span = Span::from_secs(60);

/// The account of ours that may write, and whom it never touches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WriterSettings {
    /// The account to sign in with: another one than that which only reads.
    pub bind_as: String,
    /// Name of the credential that holds its password.
    #[serde(default)]
    pub credential: Option<CredentialName>,
    /// How logins of services begin; such accounts are never touched.
    #[serde(default = "service_logins")]
    pub service_logins: Vec<String>,
    /// SIDs of further groups whose members are never touched, nested ones included.
    #[serde(default)]
    pub never: Vec<String>,
}

fn service_logins() -> Vec<String> {
    vec!["svc-".into(), "svc_".into()]
}

/// By what an account's kind is told: names of OUs between the school's and the account, or SIDs of
/// groups. Where several fit, governor goes before staff, and staff before pupil.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct KindSettings {
    /// Of a pupil's account.
    pub pupil: Vec<String>,
    /// Of a member of staff's.
    pub staff: Vec<String>,
    /// Of a governor's.
    pub governor: Vec<String>,
}

impl Default for KindSettings {
    fn default() -> Self {
        let one = |name: &str| vec![name.to_owned()];
        Self { pupil: one("Pupils"), staff: one("Staff"), governor: one("Governors") }
    }
}

impl KindSettings {
    /// As the directory takes them.
    pub(super) fn kinds(&self) -> Kinds {
        let signs = |list: &[String]| list.iter().map(|text| Sign::of(text)).collect();
        Kinds {
            pupil: signs(&self.pupil),
            staff: signs(&self.staff),
            governor: signs(&self.governor),
        }
    }
}

impl WriterSettings {
    /// The name of its credential, or `usual`.
    pub(super) fn credential(
        &self,
        usual: &str,
    ) -> Result<CredentialName, crate::model::ids::IdError> {
        match &self.credential {
            Some(name) => Ok(name.clone()),
            None => usual.parse(),
        }
    }

    /// Whom it never touches; `reader` is the account of ours that reads.
    pub(super) fn fence(&self, reader: Option<&str>) -> Result<Fence, String> {
        let group = |text: &String| text.parse::<Sid>().map_err(|e| format!("{text:?} {e}"));
        let own = [Some(self.bind_as.as_str()), reader];
        Ok(Fence {
            groups: self.never.iter().map(group).collect::<Result<_, _>>()?,
            service_logins: self
                .service_logins
                .iter()
                .filter(|start| !start.trim().is_empty())
                .map(|start| start.trim().to_lowercase())
                .collect(),
            own: own.into_iter().flatten().map(|name| name.trim().to_owned()).collect(),
        })
    }
}

/// The account that `aim` names.
///
/// # Errors
/// When it is no account.
pub(super) fn account_of(aim: &Aim) -> Result<(Laestab, &AccountName), Refused> {
    match aim {
        Aim::Account(school, name) => Ok((*school, name)),
        _ => Err(Refused::Choice(format!(
            "{aim} is no account: name it as LAESTAB/sam:LOGIN or LAESTAB/guid:ID"
        ))),
    }
}

/// Where the schools that take `service` are below the OU `schools`; and which cannot be told, by the
/// reason.
///
/// # Errors
/// When `schools` is no distinguished name.
pub(super) fn places(
    schools: &str,
    context: &Context,
    service: &str,
) -> Result<(Places, BTreeMap<String, Vec<String>>), String> {
    let service: ServiceKey = service.parse().map_err(|_| "no such service".to_owned())?;
    let mut places = Places::new(Dn::parse(schools).map_err(|e| e.to_string())?);
    let mut gaps: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let column: Option<ServiceKey> = OU.0.parse().ok();
    for school in context.estate.takers(&service) {
        let row = context.estate.subscriptions.get(&school);
        let ou = row.zip(column.as_ref()).and_then(|(s, key)| s.parameter(key, OU.1));
        let why = match ou {
            None => Some("is empty".to_owned()),
            Some(ou) => places.add(school, ou).err().map(|e| format!("cannot be watched: {e}")),
        };
        if let Some(why) = why {
            gaps.entry(why).or_default().push(school.spaced());
        }
    }
    Ok((places, gaps))
}

/// What a service has to say of the directory that it acts in.
pub(super) struct Reach<'a> {
    /// The service.
    pub service: &'static str,
    /// Where its settings of the account that writes stand, for messages: `directory.act`.
    pub at: &'a str,
    /// How the directory is reached; its account is the one that reads, if there is one.
    pub ldap: LdapSettings,
    /// Whether that account exists.
    pub reads: bool,
    /// The account that writes.
    pub writer: &'a WriterSettings,
    /// The credential's name unless the settings give another.
    pub credential: &'a str,
    /// How kinds are told.
    pub kinds: &'a KindSettings,
    /// Where the schools are.
    pub places: Places,
}

/// Acts on accounts of that directory.
///
/// # Errors
/// What makes no sense in the settings.
pub(super) fn acting(reach: Reach<'_>, context: &Context) -> Result<Acting, ServiceError> {
    let Reach { service, at, ldap, reads, writer, credential, kinds, places } = reach;
    let refuse =
        |key: &str, why: String| ServiceError::Setting { service, key: format!("{at}.{key}"), why };
    let reader = reads.then_some(ldap.bind_as.as_str());
    if writer.bind_as.trim().is_empty() {
        return Err(refuse("bind_as", "name the account that may write".into()));
    }
    if reader.is_some_and(|name| name.trim().eq_ignore_ascii_case(writer.bind_as.trim())) {
        let why = "is the account that only reads: make a second one, with the rights to write";
        return Err(refuse("bind_as", why.into()));
    }
    let fence = writer.fence(reader).map_err(|why| refuse("never", why))?;
    let name = writer.credential(credential).map_err(|e| refuse("credential", e.to_string()))?;
    let ldap =
        LdapSettings { bind_as: writer.bind_as.clone(), deadline: STEP.min(ldap.deadline), ..ldap };
    let controllers =
        context.transport.directory(&ldap).map_err(|e| refuse("bind_as", e.to_string()))?;
    let terms = Terms {
        fence,
        kinds: kinds.kinds(),
        credential: name,
        secrets: context.secrets.clone(),
        entropy: context.entropy.clone(),
    };
    Ok(Acting::new(Directory::new(controllers, places), terms))
}

/// What is shown of an account, and what has to be typed: the login where it is shown or was named, else the
/// first part of its id.
pub(super) fn shown(account: &Account, name: &AccountName, show: bool) -> Private {
    let id = account.guid.to_string();
    let short = id.split('-').next().unwrap_or_default();
    let (label, confirm) = match (show, name) {
        (true, _) => (format!("{}   {}", account.login, account.name), account.login.to_string()),
        (false, AccountName::Sam(_)) => (masked(account.login.as_str()), account.login.to_string()),
        (false, AccountName::Guid(_)) => (masked(account.login.as_str()), short.to_owned()),
    };
    Private { label: Clean::new(&label), confirm: Clean::new(&confirm), notes: Vec::new() }
}
