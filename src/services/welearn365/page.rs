//! Why can this person not sign in? Read with the account and the app that can only read.
//!
//! Four requests of the directory and one of Microsoft Graph for a page; one of the directory for a
//! search. Graph needs User.Read.All; without it the page says so and stands on the directory alone.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::Deserialize;

use crate::directory::{Account, Directory, Fence, Here, Kinds};
use crate::model::account::{AccountPage, CloudView, Hit, Hits, MOST_HITS, MailView};
use crate::model::ids::{CredentialName, Laestab};
use crate::model::plan::{AccountName, masked};
use crate::model::text::Clean;
use crate::ports::accounts::Accounts;
use crate::ports::act::Refused;
use crate::ports::clock::Boxed;
use crate::ports::secrets::Secrets;
use crate::services::accounts::places;
use crate::services::answer::{ListRow, Seen, Trouble, credential};
use crate::services::welearn365::accounts::DirectorySettings;
use crate::services::welearn365::budget::Budget;
use crate::services::welearn365::describe::{KEY, Settings};
use crate::services::welearn365::graph::Graph;
use crate::services::welearn365::odata;
use crate::services::{Context, ServiceError};
use crate::transport::Request;

const FIELDS: &str = "id,mail,accountEnabled,onPremisesImmutableId,onPremisesLastSyncDateTime,\
                      onPremisesProvisioningErrors";
const RIGHT: &str = "User.Read.All";
/// What the sync could not bring, of one account, is told of at most.
const MOST_ERRORS: usize = 5;

/// Looks accounts up.
pub(super) struct Pages {
    directory: Directory,
    credential: CredentialName,
    kinds: Kinds,
    fence: Fence,
    graph: Graph,
    secrets: Arc<dyn Secrets>,
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pages(..)")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct User {
    id: Seen<String>,
    mail: Seen<String>,
    account_enabled: Seen<bool>,
    on_premises_immutable_id: Seen<String>,
    on_premises_last_sync_date_time: Seen<String>,
    on_premises_provisioning_errors: Seen<Vec<SyncError>>,
}

/// What the sync could not bring. Its value may be somebody's address, and is not read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SyncError {
    category: Seen<String>,
    property_causing_error: Seen<String>,
}

impl From<Trouble> for Refused {
    fn from(trouble: Trouble) -> Self {
        Self::CannotRead(trouble.why)
    }
}

impl Pages {
    /// As the settings say.
    pub(super) fn new(
        settings: &Settings,
        own: &DirectorySettings,
        app: CredentialName,
        context: &Context,
    ) -> Result<Self, ServiceError> {
        let refuse = |key: &str, why: String| ServiceError::Setting {
            service: KEY,
            key: format!("directory.{key}"),
            why,
        };
        let (places, _) =
            places(&own.schools, context, KEY).map_err(|why| refuse("schools", why))?;
        let controllers = context
            .transport
            .directory(&own.ldap(&context.folder))
            .map_err(|e| refuse("controllers", e.to_string()))?;
        let fence = match &own.act {
            Some(writer) => {
                writer.fence(Some(&own.bind_as)).map_err(|why| refuse("act.never", why))?
            }
            None => Fence::default(),
        };
        Ok(Self {
            directory: Directory::new(controllers, places),
            credential: own.credential().map_err(|e| refuse("credential", e.to_string()))?,
            kinds: own.kinds.kinds(),
            fence,
            graph: Graph::reading(settings, app, context, Budget::new(1))?,
            secrets: context.secrets.clone(),
        })
    }

    async fn password(&self) -> Result<SecretString, Refused> {
        Ok(credential(&self.secrets, &self.credential).await?)
    }

    async fn hits(&self, school: Laestab, part: &str, show: bool) -> Result<Hits, Refused> {
        let password = self.password().await?;
        let most = u16::try_from(MOST_HITS).unwrap_or(u16::MAX);
        let found = self.directory.matching(&password, school, part, most).await?;
        let (matches, more) = found.value;
        let hit = |one: crate::directory::Match| Hit {
            guid: Clean::new(&one.guid.to_string()),
            label: match show {
                true => Clean::new(&format!("{}   {}", one.login, one.name)),
                false => Clean::new(&masked(one.login.as_str())),
            },
            kind: self.kinds.by_folders(&one.folders),
            folder: Clean::new(&one.folders.join(" / ")),
            disabled: one.disabled,
            locked_out: one.locked_out,
        };
        let hits = matches.into_iter().map(hit).collect();
        Ok(Hits { hits, more, by: Clean::new(&found.by) })
    }

    async fn one(
        &self,
        school: Laestab,
        name: &AccountName,
        show: bool,
    ) -> Result<AccountPage, Refused> {
        let password = self.password().await?;
        let found = self.directory.account(&password, school, name).await?;
        let (account, here) = &found.value;
        let (cloud, mail) = match self.user(&account.immutable_id).await {
            Ok(Some((cloud, mail))) => (cloud, Some(mail)),
            Ok(None) => (CloudView::NotThere, None),
            Err(trouble) => (CloudView::NotKnown { why: Clean::new(&trouble.why) }, None),
        };
        let mail = judged(&account.mail, mail.as_ref());
        let page = self.page_of(school, account, here, show)?;
        Ok(AccountPage { by: Clean::new(&found.by), cloud, mail, ..page }.told())
    }

    /// Everything that the directory tells.
    fn page_of(
        &self,
        school: Laestab,
        account: &Account,
        here: &Here,
        show: bool,
    ) -> Result<AccountPage, Refused> {
        let ou = self.directory.ou(school)?;
        let shown = |text: &Clean| match show {
            true => text.clone(),
            false => Clean::new(&masked(text.as_str())),
        };
        let locked_at = account.lockout.at().filter(|_| account.is_locked_out());
        let stays = here.lockout.stays.unwrap_or(SignedDuration::ZERO);
        let unlocks_at =
            locked_at.filter(|_| !stays.is_zero()).and_then(|at| at.checked_add(stays).ok());
        Ok(AccountPage {
            school,
            guid: Clean::new(&account.guid.to_string()),
            label: shown(&account.login),
            name: shown(&account.name),
            kind: self.kinds.of(account, ou),
            folder: Clean::new(&account.folders(ou).join(" / ")),
            by: Clean::default(),
            read_at: here.root.now,
            disabled: account.is_disabled(),
            locked_out: account.is_locked_out(),
            locked_at,
            unlocks_at,
            ends_at: account.ends.at(),
            ended: account.has_ended(here.root.now),
            must_change: account.must_change(),
            password_set_at: account.password_set.at(),
            signed_in_at: account.signed_in.at(),
            protected: self.fence.allows(account, None).err().map(|why| Clean::new(&why)),
            cloud: CloudView::NotThere,
            mail: MailView::NotKnown,
            stops: Vec::new(),
            says: Clean::default(),
        })
    }

    /// What Microsoft 365 has of the account, and its mail address there.
    async fn user(&self, immutable_id: &str) -> Result<Option<(CloudView, Clean)>, Trouble> {
        let first = Request::get("users")
            .query("$filter", odata::equals("onPremisesImmutableId", immutable_id))
            .query("$select", FIELDS);
        let mut rows = self.graph.list::<User>(first, RIGHT).await?.rows.into_iter();
        match (rows.next(), rows.next()) {
            (None, _) => Ok(None),
            (Some(ListRow::Read(user)), None) => user.read(immutable_id).map(Some),
            _ => Err(Trouble::malformed("Microsoft's answer is not one account that can be read")),
        }
    }
}

impl User {
    fn read(self, immutable_id: &str) -> Result<(CloudView, Clean), Trouble> {
        if self.on_premises_immutable_id.need("onPremisesImmutableId")? != immutable_id {
            return Err(Trouble::malformed("Microsoft answers with another account"));
        }
        let last = self.on_premises_last_sync_date_time.nullable("onPremisesLastSyncDateTime")?;
        let last_sync = last.map(|text| text.parse::<Timestamp>()).transpose().map_err(|_| {
            Trouble::malformed("onPremisesLastSyncDateTime is not a time with a zone")
        })?;
        let errors =
            self.on_premises_provisioning_errors.nullable("onPremisesProvisioningErrors")?;
        let errors = errors.unwrap_or_default();
        let word =
            |seen: &Seen<String>| seen.value().map_or("something", String::as_str).to_owned();
        let told = |e: &SyncError| {
            Clean::new(&format!("{} of {}", word(&e.category), word(&e.property_causing_error)))
        };
        let mail = self.mail.nullable("mail")?.unwrap_or_default();
        let view = CloudView::Known {
            id: Clean::new(&self.id.need("id")?),
            enabled: self.account_enabled.need("accountEnabled")?,
            last_sync,
            errors: errors.iter().take(MOST_ERRORS).map(told).collect(),
        };
        Ok((view, Clean::new(&mail)))
    }
}

/// Whether the address of the directory is that of Microsoft 365.
fn judged(ours: &Clean, theirs: Option<&Clean>) -> MailView {
    match theirs {
        _ if ours.is_empty() => MailView::Missing,
        None => MailView::NotKnown,
        Some(theirs) if theirs.as_str().eq_ignore_ascii_case(ours.as_str()) => MailView::Fits,
        Some(_) => MailView::Differs,
    }
}

impl Accounts for Pages {
    fn find<'a>(
        &'a self,
        school: Laestab,
        part: &'a str,
        show: bool,
    ) -> Boxed<'a, Result<Hits, Refused>> {
        Box::pin(self.hits(school, part, show))
    }

    fn page<'a>(
        &'a self,
        school: Laestab,
        name: &'a AccountName,
        show: bool,
    ) -> Boxed<'a, Result<AccountPage, Refused>> {
        Box::pin(self.one(school, name, show))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::health::Reason;

    #[test]
    fn purple_mash_matches_by_the_address() {
        let mail = |ours: &str, theirs: Option<&str>| {
            judged(&ours.into(), theirs.map(Clean::new).as_ref())
        };
        assert_eq!(mail("A@x.example", Some("a@X.example")), MailView::Fits);
        assert_eq!(mail("a@x.example", Some("a@y.example")), MailView::Differs);
        assert_eq!(mail("a@x.example", Some("")), MailView::Differs);
        assert_eq!(mail("", Some("a@x.example")), MailView::Missing);
        assert_eq!(mail("a@x.example", None), MailView::NotKnown);
    }

    #[test]
    fn the_value_of_an_error_is_never_told() {
        let user: User = serde_json::from_value(serde_json::json!({
            "id": "7", "mail": null, "accountEnabled": true, "onPremisesImmutableId": "aa==",
            "onPremisesLastSyncDateTime": null,
            "onPremisesProvisioningErrors": [{"category": "PropertyConflict",
                "propertyCausingError": "ProxyAddresses", "value": "SMTP:canary@x.example"}],
        }))
        .unwrap();
        let (view, mail) = user.read("aa==").unwrap();
        assert!(mail.is_empty() && !format!("{view:?}").contains("canary"));
        assert!(format!("{view:?}").contains("PropertyConflict of ProxyAddresses"));
        let other =
            User { on_premises_immutable_id: Seen::Value("bb==".into()), ..User::default() };
        assert_eq!(other.read("aa==").unwrap_err().reason, Reason::Malformed);
    }
}
