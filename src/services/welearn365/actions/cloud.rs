//! Accounts in Microsoft 365, for acting on them: found by the id that the directory gave them, let
//! through only without any role, blocked, opened, signed out.
//!
//! Rights of the app: User.Read.All, GroupMember.Read.All and RoleManagement.Read.Directory to find
//! an account and its roles; User.EnableDisableAccount.All and User.RevokeSessions.All to change it.
//! Sources: the pages on users, transitive memberships, role assignments, updating a user and
//! revoking sessions, read 2026-11.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;

use crate::model::action::Class;
use crate::model::plan::{Item, Step};
use crate::model::text::Clean;
use crate::ports::act::{Answer, Refused, Seen as Look};
use crate::ports::watch::Rights;
use crate::services::answer::{ListRow, Seen, Trouble};
use crate::services::rights;
use crate::services::welearn365::actions::on_demand::OnDemand;
use crate::services::welearn365::actions::settings::CloudSettings;
use crate::services::welearn365::budget::Budget;
use crate::services::welearn365::describe::{GRAPH_URL, KEY, LOGIN_URL, Settings};
use crate::services::welearn365::error::Said;
use crate::services::welearn365::graph::{Graph, Told};
use crate::services::welearn365::login::Login;
use crate::services::welearn365::odata;
use crate::services::{Context, ServiceError};
use crate::transport::{Reply, Request};

/// Where these steps are done, as plans say it.
const SYSTEM: &str = "WeLearn365";
/// Seconds until somebody must look: a sync may have to bring it.
const PATIENCE_S: u32 = 3_600;
/// Microsoft's clock and ours may differ by so much.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(2);
/// How long a read may lag behind a write.
const LAGS: SignedDuration = SignedDuration::from_secs(30);

const USER: &str = "id,accountEnabled,onPremisesSyncEnabled,onPremisesImmutableId,\
                    onPremisesLastSyncDateTime,signInSessionsValidFromDateTime";
const READ: &str = "User.Read.All";
const MEMBERS: &str = "GroupMember.Read.All (or Directory.Read.All)";
const ROLES: &str = "RoleManagement.Read.Directory";
const SWITCHES: &str = "User.EnableDisableAccount.All";
const REVOKES: &str = "User.RevokeSessions.All";

/// Accounts in Microsoft 365.
pub(super) struct Cloud {
    graph: Graph,
}

/// What is known of an account in Microsoft 365.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sky {
    /// It is not acted on from here.
    NotOurs,
    /// It knows no such account.
    Unknown,
    /// It knows it.
    Known(Known),
}

/// An account in Microsoft 365, without any role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// Its id there.
    pub(super) id: String,
    /// Whether its sign-in is open.
    pub(super) enabled: bool,
    /// Whether the directory is its master.
    pub(super) synced: bool,
    /// When the directory last brought it.
    pub(super) last_sync: Option<Timestamp>,
    /// Sessions from before this do not count any more.
    pub(super) sessions_from: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct User {
    id: Seen<String>,
    account_enabled: Seen<bool>,
    on_premises_sync_enabled: Seen<bool>,
    on_premises_immutable_id: Seen<String>,
    on_premises_last_sync_date_time: Seen<String>,
    sign_in_sessions_valid_from_date_time: Seen<String>,
}

/// A group or a role that an account is in, however deep.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Member {
    #[serde(rename = "@odata.type")]
    kind: Seen<String>,
    #[serde(rename = "displayName")]
    name: Seen<String>,
    #[serde(rename = "isAssignableToRole")]
    assignable: Seen<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Assignment {}

/// What a step does there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// Blocks its sign-in.
    Block,
    /// Opens it.
    Open,
    /// Ends its sessions.
    Revoke,
}

impl Deed {
    fn id(self) -> &'static str {
        match self {
            Self::Block => "graph_block",
            Self::Open => "graph_open",
            Self::Revoke => "graph_revoke",
        }
    }

    /// The step, for the account of this id.
    pub(super) fn step(self, says: &str, id: &str, immutable_id: &str) -> Step {
        let with = [("id", id), ("immutable_id", immutable_id)];
        Step {
            id: Clean::new(self.id()),
            system: Clean::new(SYSTEM),
            says: Clean::new(says),
            class: if self == Self::Revoke { Class::Monotonic } else { Class::SetState },
            undoable: self != Self::Revoke,
            patience_s: PATIENCE_S,
            with: with.into_iter().map(|(k, v)| (k.to_owned(), Clean::new(v))).collect(),
        }
    }

    fn of(step: &Step) -> Option<Self> {
        [Self::Block, Self::Open, Self::Revoke].into_iter().find(|d| d.id() == step.id.as_str())
    }

    fn request(self, id: &str) -> Request {
        match self {
            Self::Block => {
                Request::patch("users").segment(id).json(json!({"accountEnabled": false}))
            }
            Self::Open => Request::patch("users").segment(id).json(json!({"accountEnabled": true})),
            Self::Revoke => Request::post("users").segment(id).path("revokeSignInSessions"),
        }
    }

    fn right(self) -> &'static str {
        match self {
            Self::Block | Self::Open => SWITCHES,
            Self::Revoke => REVOKES,
        }
    }
}

fn says(text: &str) -> Clean {
    Clean::new(text)
}

impl Cloud {
    /// As the settings say.
    pub(super) fn new(
        settings: &Settings,
        own: &CloudSettings,
        context: &Context,
    ) -> Result<Self, ServiceError> {
        let refuse = |key: &str, why: &str| ServiceError::Setting {
            service: KEY,
            key: format!("act.{key}"),
            why: why.to_owned(),
        };
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        if own.client_id.is_empty() || !own.client_id.chars().all(word) {
            return Err(refuse("client_id", "write the id as Microsoft shows it, a GUID"));
        }
        if own.client_id.eq_ignore_ascii_case(&settings.client_id) {
            let why = "is the app that only reads: register a second one, with the rights to write";
            return Err(refuse("client_id", why));
        }
        let login = Login {
            endpoint: context.endpoint(KEY, settings.login.as_ref(), LOGIN_URL)?,
            tenant: settings.tenant_id.clone(),
            client: own.client_id.clone(),
            credential: own.credential().map_err(|e| refuse("credential", &e.to_string()))?,
            by: own.authentication,
            secrets: context.secrets.clone(),
        };
        let endpoint = context.endpoint(KEY, settings.graph.as_ref(), GRAPH_URL)?;
        let clock = Arc::clone(&context.clock);
        Ok(Self { graph: Graph::new(endpoint, login, clock, Budget::new(1)) })
    }

    /// What the app may do against what is done with it: single accounts are synced where `on_demand`
    /// says how.
    pub(super) async fn rights(&self, on_demand: Option<&OnDemand>) -> Rights {
        const EVERY: &str = "Directory.Read.All";
        let own = on_demand.map(|sync| [sync.right()]);
        let mut needed: Vec<&[&str]> = vec![
            &[READ],
            &["GroupMember.Read.All", EVERY],
            &[ROLES, EVERY],
            &[SWITCHES],
            &[REVOKES],
        ];
        needed.extend(own.as_ref().map(|right| &right[..]));
        rights::told(self.graph.credential(), &needed, self.graph.roles().await)
    }

    /// The account that Microsoft 365 has of the directory's, if it holds no role there: three
    /// requests and more.
    pub(super) async fn find(&self, immutable_id: &str) -> Result<Sky, Refused> {
        let Some(known) = self.user(immutable_id).await? else { return Ok(Sky::Unknown) };
        self.no_roles(&known.id).await?;
        Ok(Sky::Known(known))
    }

    /// The account that Microsoft 365 has of the directory's.
    pub(super) async fn user(&self, immutable_id: &str) -> Result<Option<Known>, Refused> {
        let first = Request::get("users")
            .query("$filter", odata::equals("onPremisesImmutableId", immutable_id))
            .query("$select", USER);
        let list = self.graph.list::<User>(first, READ).await.map_err(cannot_read)?;
        let mut rows = list.rows.into_iter();
        let row = match (rows.next(), rows.next()) {
            (None, _) => return Ok(None),
            (Some(ListRow::Read(row)), None) => row,
            (Some(_), Some(_)) => {
                return Err(Refused::NotOne(
                    "Microsoft 365 has more than one account of this one".into(),
                ));
            }
            (Some(ListRow::Unreadable(_)), None) => {
                return Err(Refused::CannotRead("Microsoft's answer cannot be read".into()));
            }
        };
        let known = Known::read(row, immutable_id).map_err(cannot_read)?;
        Ok(Some(known))
    }

    /// That the account of this id has no role, by itself or by a group.
    async fn no_roles(&self, id: &str) -> Result<(), Refused> {
        let members = Request::get("users").segment(id).path("transitiveMemberOf");
        let members = self.graph.list::<Member>(members, MEMBERS).await.map_err(cannot_read)?;
        for row in members.rows {
            let ListRow::Read(member) = row else {
                return Err(Refused::CannotRead("a group of the account cannot be read".into()));
            };
            member.harmless()?;
        }
        // The id is Microsoft's own, and read as such.
        let roles = Request::get("roleManagement/directory/roleAssignments")
            .query("$filter", odata::equals("principalId", id));
        let roles = self.graph.list::<Assignment>(roles, ROLES).await.map_err(cannot_read)?;
        if roles.rows.is_empty() {
            return Ok(());
        }
        Err(Refused::Protected(
            "protected: it holds an administrator's role in Microsoft 365".into(),
        ))
    }

    /// Sends a write once, with the right to write.
    pub(super) async fn tell(&self, request: Request) -> Told {
        self.graph.tell(request).await
    }

    /// Does step `n` of `item`; `None` when it is not one of Microsoft's.
    pub(super) async fn step(&self, item: &Item, n: usize) -> Option<Answer> {
        let step = item.steps.get(n)?;
        let deed = Deed::of(step)?;
        let (id, immutable_id) = (step.given("id"), step.given("immutable_id"));
        let known = match self.find(immutable_id).await {
            Ok(Sky::Known(known)) if known.id == id => known,
            Ok(_) => {
                let why = "Microsoft 365 no longer has this account of the plan; nothing was sent";
                return Some(Answer::Changed { says: says(why) });
            }
            Err(Refused::CannotRead(why)) => return Some(Answer::NotSent { says: says(&why) }),
            Err(other) => return Some(Answer::Changed { says: says(&other.to_string()) }),
        };
        if deed != Deed::Revoke && known.enabled == (deed == Deed::Open) {
            let text = if known.enabled { "sign-in is open already" } else { "blocked already" };
            return Some(Answer::Took { says: says(text), reference: None, secret: None });
        }
        Some(match self.graph.tell(deed.request(id)).await {
            Told::NotSent(trouble) => Answer::NotSent { says: says(&trouble.why) },
            Told::NoAnswer(trouble) => Answer::NoAnswer { says: says(&trouble.why) },
            Told::Answered(reply) => answered(deed, &known, &reply),
        })
    }

    /// Reads what became of step `n`; `None` when it is not one of Microsoft's.
    pub(super) async fn look(
        &self,
        item: &Item,
        n: usize,
        sent_at: Timestamp,
        now: Timestamp,
    ) -> Option<Look> {
        let step = item.steps.get(n)?;
        let deed = Deed::of(step)?;
        let immutable_id = step.given("immutable_id");
        let known = match self.user(immutable_id).await {
            Ok(Some(known)) if known.id == step.given("id") => known,
            Ok(_) => {
                return Some(Look::CannotTell(says("Microsoft 365 no longer has this account")));
            }
            Err(why) => return Some(Look::CannotTell(says(&why.to_string()))),
        };
        let (there, yes, no) = match deed {
            Deed::Block => (!known.enabled, "sign-in is blocked", "sign-in is still open"),
            Deed::Open => (known.enabled, "sign-in is open", "sign-in is still blocked"),
            Deed::Revoke => {
                let since = sent_at.checked_sub(CLOCKS_DIFFER).unwrap_or(sent_at);
                let there = known.sessions_from.is_some_and(|at| at >= since);
                (there, "sessions from before do not count", "sessions still count")
            }
        };
        // A read may still show the old value for a while after a write.
        Some(match there {
            true => Look::There(says(yes)),
            false if now.duration_since(sent_at) < LAGS => Look::NotYet(says(no)),
            false => Look::NotThere(says(no)),
        })
    }
}

/// What an answer to a write means.
fn answered(deed: Deed, known: &Known, reply: &Reply) -> Answer {
    let took = |text: &str| Answer::Took { says: says(text), reference: None, secret: None };
    let said = Said::of(reply);
    let codes = said.as_ref().map_or_else(String::new, |said| format!(" ({})", said.codes()));
    match reply.status {
        200..=299 if said.is_some() => Answer::NoAnswer {
            says: says(&format!("Microsoft answered {} with an error inside{codes}", reply.status)),
        },
        200..=299 => took("Microsoft took it"),
        // The directory is the master of synced accounts: what was done there comes by itself.
        400 | 403 if known.synced && deed != Deed::Revoke && mastered(said.as_ref()) => {
            took("Microsoft takes this from the directory only: the next sync brings it")
        }
        403 => Answer::Refused {
            says: says(&format!(
                "Microsoft refused{codes}: our app lacks {}, or the account is a privileged one",
                deed.right()
            )),
        },
        409 | 412 => Answer::Changed {
            says: says("Microsoft says that the account has just been changed; nothing was done"),
        },
        400..=499 => Answer::Refused {
            says: says(&format!("Microsoft refused with {}{codes}", reply.status)),
        },
        status => Answer::NoAnswer { says: says(&format!("Microsoft answered {status}{codes}")) },
    }
}

/// Whether Microsoft refuses because the object is the directory's. Its code for that says as much of
/// anything that it does not like; only its sentence tells.
fn mastered(said: Option<&Said>) -> bool {
    said.is_some_and(|said| said.is_any(&["Request_BadRequest"]) && said.is_mastered_elsewhere())
}

fn cannot_read(trouble: Trouble) -> Refused {
    Refused::CannotRead(trouble.why)
}

impl Known {
    fn read(user: User, immutable_id: &str) -> Result<Self, Trouble> {
        let time = |seen: Seen<String>, name: &str| match seen.nullable(name)? {
            None => Ok(None),
            Some(text) => text
                .parse::<Timestamp>()
                .map(Some)
                .map_err(|_| Trouble::malformed(format!("{name} is not a time with a zone"))),
        };
        if user.on_premises_immutable_id.need("onPremisesImmutableId")? != immutable_id {
            return Err(Trouble::malformed("Microsoft answers with another account"));
        }
        let id = user.id.need("id")?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if id.is_empty() || !id.chars().all(plain) {
            return Err(Trouble::malformed("the account's id in Microsoft 365 is none"));
        }
        let (sync, from) =
            (user.on_premises_last_sync_date_time, user.sign_in_sessions_valid_from_date_time);
        Ok(Self {
            id,
            enabled: user.account_enabled.need("accountEnabled")?,
            synced: user.on_premises_sync_enabled.nullable("onPremisesSyncEnabled")? == Some(true),
            last_sync: time(sync, "onPremisesLastSyncDateTime")?,
            sessions_from: time(from, "signInSessionsValidFromDateTime")?,
        })
    }
}

impl Member {
    /// That it is known, and no role and no way to one.
    fn harmless(&self) -> Result<(), Refused> {
        let protected = |why: &str| Err(Refused::Protected(format!("protected: {why}")));
        let Some(kind) = self.kind.value() else {
            return Err(Refused::CannotRead(
                "Microsoft does not say what the account is a member of".into(),
            ));
        };
        if kind.eq_ignore_ascii_case("#microsoft.graph.directoryRole") {
            return protected("it holds an administrator's role in Microsoft 365");
        }
        if self.assignable.value() == Some(&true) {
            return protected("it is in a group that administrators' roles are given to");
        }
        // Where our app may not read a group, everything but its id is left out.
        if self.name.value().is_none() {
            return Err(Refused::CannotRead(
                "Microsoft hides a group of the account from our app: grant GroupMember.Read.All"
                    .into(),
            ));
        }
        Ok(())
    }
}
