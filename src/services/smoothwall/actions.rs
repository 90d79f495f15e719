//! Actions on the web filter: the groups that an account is in decide how it is filtered.
//!
//! Smoothwall has no interface; it maps groups of the Active Directory to filtering rules of its own. An
//! account is put into one of a configured list of such groups, or taken out of them.
//!
//! Invariant: a plan changes no group outside the list, also when the list has changed before its first step
//! (it is then another plan); and nothing here touches a block list.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::directory::{Acting, Deed, Dn, Found, Group};
use crate::model::action::{ActionSpec, AimsAt, ChoiceSpec, Class};
use crate::model::ids::{CredentialName, IdError};
use crate::model::observation::Fact;
use crate::model::plan::{AccountName, Aim, Ask, Item, Operator, Step};
use crate::model::span::Span;
use crate::model::text::Clean;
use crate::ports::act::{Act, Answer, Prepared, Refused, Seen};
use crate::ports::clock::Boxed;
use crate::ports::ledger::Committed;
use crate::services::accounts::{
    KindSettings, Reach, WriterSettings, account_of, acting, places, shown,
};
use crate::services::errand::needed;
use crate::services::smoothwall::describe::{KEY, LABEL};
use crate::services::{Brought, Context, ServiceError};
use crate::transport::ldap::LdapSettings;

/// The choice that names a group, and its value for none of them.
const GROUP: &str = "group";
const BACK: &str = "back";
/// The credential of the account that may write, unless the settings give another.
const CREDENTIAL: &str = "smoothwall.directory.act";
/// Entries of a page of the directory: single objects are read.
const PAGE: u16 = 100;

/// Rows of the table.
pub(super) const ACTIONS: &[ActionSpec] = &[MOVE];

const MOVE: ActionSpec = ActionSpec {
    id: "smoothwall.move_group",
    label: "Move a user to another filtering group",
    class: Class::SetState,
    aims_at: AimsAt::Account,
    choices: &[ChoiceSpec {
        name: GROUP,
        help: "a group of the configured list, or `back` for none of them",
        optional: false,
    }],
};

const NO_DIRECTORY: &str = "set services.smoothwall.directory: the account of the Active Directory that \
                            may change the filter's groups (see the administrator's guide)";

/// `[services.smoothwall.directory]`: the groups of the Active Directory that the filter maps, and the
/// account that may change their members.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DirectorySettings {
    /// The domain controllers, in the order in which they are tried: `ldaps://HOST`, or `ldap://HOST`
    /// for StartTLS. Never without TLS.
    pub controllers: Vec<Url>,
    /// PEM file of the authority that signed the controllers' certificates, instead of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The OU below which every school has its own (column `welearn365.ou`).
    pub schools: String,
    /// By what a pupil's, a member of staff's and a governor's account is told.
    #[serde(default)]
    pub kinds: KindSettings,
    /// The account that may change the members of these groups.
    pub act: WriterSettings,
    /// The groups, by the name that operators type: nothing else can be changed.
    pub groups: BTreeMap<String, String>,
    /// Time to reach one controller.
    #[serde(default = "connect_timeout")]
    pub connect_timeout: Span,
    /// Time for the sign-in, and for each request.
    #[serde(default = "operation_timeout")]
    pub operation_timeout: Span,
}

fn connect_timeout() -> Span {
    Span::from_secs(5)
}
fn operation_timeout() -> Span {
    Span::from_secs(20)
}

impl DirectorySettings {
    /// The name of its credential.
    pub(super) fn credential(&self) -> Result<CredentialName, IdError> {
        self.act.credential(CREDENTIAL)
    }

    /// The listed groups by name.
    fn groups(&self) -> Result<BTreeMap<String, Dn>, ServiceError> {
        let refuse = |name: &str, why: String| ServiceError::Setting {
            service: KEY,
            key: format!("directory.groups.{name}"),
            why,
        };
        if self.groups.is_empty() {
            return Err(refuse("", "name at least one group".into()));
        }
        let mut out: BTreeMap<String, Dn> = BTreeMap::new();
        for (name, dn) in &self.groups {
            if name == BACK || name.trim() != name || name.is_empty() {
                return Err(refuse(name, format!("cannot be the name of a group: {name:?}")));
            }
            let dn = Dn::parse(dn).map_err(|e| refuse(name, e.to_string()))?;
            if out.values().any(|other| *other == dn) {
                return Err(refuse(name, "stands in the list twice".into()));
            }
            out.insert(name.clone(), dn);
        }
        Ok(out)
    }
}

/// What the guard acts with.
pub(super) fn hands(
    settings: Option<&DirectorySettings>,
    context: &Context,
) -> Result<Brought, ServiceError> {
    let filter = settings.map(|own| Filter::new(own, context)).transpose()?;
    Ok(Brought { acts: vec![Arc::new(Mover { filter })], ..Brought::default() })
}

/// The groups, and who may change them.
struct Filter {
    accounts: Acting,
    groups: BTreeMap<String, Dn>,
}

impl Filter {
    fn new(own: &DirectorySettings, context: &Context) -> Result<Self, ServiceError> {
        let refuse = |key: &str, why: String| ServiceError::Setting {
            service: KEY,
            key: format!("directory.{key}"),
            why,
        };
        let (places, _) =
            places(&own.schools, context, KEY).map_err(|why| refuse("schools", why))?;
        let reach = Reach {
            service: KEY,
            at: "directory.act",
            ldap: LdapSettings {
                controllers: own.controllers.clone(),
                ca_file: own.ca_file.as_ref().map(|path| context.folder.join(path)),
                bind_as: own.act.bind_as.clone(),
                connect_timeout: own.connect_timeout,
                operation_timeout: own.operation_timeout,
                deadline: Span::from_mins(1),
                page: PAGE,
            },
            reads: false,
            writer: &own.act,
            credential: CREDENTIAL,
            kinds: &own.kinds,
            places,
        };
        Ok(Self { accounts: acting(reach, context)?, groups: own.groups()? })
    }

    /// Every listed group as it is now, by name.
    async fn read(&self) -> Result<Vec<(&str, Group)>, Refused> {
        let read = self.accounts.groups(&self.groups.values().collect::<Vec<_>>()).await?;
        Ok(self.groups.keys().map(String::as_str).zip(read).collect())
    }

    async fn prepared(
        &self,
        ask: &Ask,
        aim: &Aim,
        by: &Operator,
        show: bool,
    ) -> Result<Prepared, Refused> {
        let (school, name) = account_of(aim)?;
        let wanted = needed(ask, &MOVE, GROUP)?.as_str();
        if wanted != BACK && !self.groups.contains_key(wanted) {
            let names: Vec<&str> = self.groups.keys().map(String::as_str).collect();
            return Err(Refused::Choice(format!(
                "{wanted} is no group of services.smoothwall.directory.groups; there are: {}, {BACK}",
                names.join(", ")
            )));
        }
        let found = self.accounts.find(school, name, by).await?;
        let groups = self.read().await?;
        let draft = Draft::of(&found, &groups, wanted);
        if draft.steps.is_empty() {
            let place = if wanted == BACK { "none of the listed groups" } else { wanted };
            return Err(Refused::Already(format!("it is in {place} already")));
        }
        Ok(draft.prepared(&found, name, show))
    }
}

/// What is to be done to an account.
struct Draft {
    /// The listed groups that it is in by itself.
    inside: Vec<String>,
    /// Those that it is in by another group.
    nested: Vec<String>,
    steps: Vec<Step>,
    undo: String,
}

impl Draft {
    fn of(found: &Found, groups: &[(&str, Group)], wanted: &str) -> Self {
        let account = &found.account;
        let (mut inside, mut nested) = (Vec::new(), Vec::new());
        let (mut joins, mut leaves) = (Vec::new(), Vec::new());
        for (name, group) in groups {
            let direct = account.is_in(&group.dn);
            if direct {
                inside.push((*name).to_owned());
            } else if account.groups.contains(&group.sid) {
                nested.push((*name).to_owned());
            }
            match (*name == wanted, direct) {
                (true, false) => {
                    joins.push(Deed::Join(group.guid).step(&format!("put it into {name}")));
                }
                (false, true) => {
                    leaves.push(Deed::Leave(group.guid).step(&format!("take it out of {name}")));
                }
                _ => {}
            }
        }
        let before = inside.first().map_or(BACK, String::as_str);
        let undo = format!("move_group with group={before}");
        // First in, then out: never in none of them on the way.
        joins.extend(leaves);
        Self { inside, nested, steps: joins, undo }
    }

    fn prepared(self, found: &Found, name: &AccountName, show: bool) -> Prepared {
        let account = &found.account;
        let id = account.guid.to_string();
        let listed = |names: &[String]| match names {
            [] => "none of the list".to_owned(),
            names => names.join(", "),
        };
        let mut beware = vec![
            "the filter reads groups at its own times: whoever is signed in may stay filtered as \
             before until they sign in again"
                .to_owned(),
        ];
        if !self.nested.is_empty() {
            beware.push(format!(
                "it is in {} by another group as well, which stays",
                self.nested.join(", ")
            ));
        }
        beware.push(format!("read from {}", found.by));
        let fact = |name: &str, value: &str| Fact { name: name.into(), value: value.into() };
        let item = Item {
            key: Clean::default(),
            aim: Aim::Account(found.school, AccountName::Guid(id.clone())),
            also: Vec::new(),
            kind: found.kind,
            lease: Clean::new(&format!("ad:{id}")),
            now: vec![
                fact("AD id", &id),
                fact("filtering group", &listed(&self.inside)),
                fact("by another group", &listed(&self.nested)),
            ],
            steps: self.steps,
            protective: false,
            will_not: vec![
                Clean::new("change a block list or a filtering rule"),
                Clean::new("touch any group outside the configured list"),
            ],
            beware: beware.iter().map(|text| Clean::new(text)).collect(),
            undo: Some(Clean::new(&self.undo)),
            sends: Vec::new(),
            second_person: None,
        };
        Prepared {
            item,
            private: shown(account, name, show),
            groups: Some(account.groups.iter().map(|g| Clean::new(&g.to_string())).collect()),
        }
    }
}

/// Moves accounts between the listed groups; without a directory it says what is missing.
struct Mover {
    filter: Option<Filter>,
}

impl Act for Mover {
    fn actions(&self) -> Vec<ActionSpec> {
        self.filter.iter().map(|_| MOVE).collect()
    }

    fn lacking(&self) -> Vec<(ActionSpec, String)> {
        match self.filter {
            Some(_) => Vec::new(),
            None => vec![(MOVE, NO_DIRECTORY.to_owned())],
        }
    }

    fn prepare<'a>(
        &'a self,
        ask: &'a Ask,
        aim: &'a Aim,
        by: &'a Operator,
        show: bool,
        _now: Timestamp,
    ) -> Boxed<'a, Result<Prepared, Refused>> {
        Box::pin(async move {
            let none = || Refused::Choice(NO_DIRECTORY.into());
            self.filter.as_ref().ok_or_else(none)?.prepared(ask, aim, by, show).await
        })
    }

    fn step<'a>(
        &'a self,
        _committed: &'a Committed,
        item: &'a Item,
        step: usize,
        _now: Timestamp,
    ) -> Boxed<'a, Answer> {
        Box::pin(async move {
            let done = match &self.filter {
                Some(filter) => filter.accounts.step(item, step).await,
                None => None,
            };
            let says = Clean::new("the settings no longer say how this step is done");
            done.unwrap_or(Answer::NotSent { says })
        })
    }

    fn look<'a>(
        &'a self,
        item: &'a Item,
        step: usize,
        sent_at: Timestamp,
        now: Timestamp,
    ) -> Boxed<'a, Seen> {
        Box::pin(async move {
            let seen = match &self.filter {
                Some(filter) => filter.accounts.look(item, step, sent_at, now).await,
                None => None,
            };
            let none = || {
                let text = format!("the settings of {LABEL} no longer say how this is looked for");
                Seen::CannotTell(Clean::new(&text))
            };
            seen.unwrap_or_else(none)
        })
    }
}
