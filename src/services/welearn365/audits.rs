//! Microsoft's own audit of the tenant: who changed which account, by ids alone.
//!
//! Names, addresses and the values of properties are not kept; of a changed property only whether
//! sign-in is open is read. What is of another kind is counted by Microsoft's word for it.
//!
//! Read with the app that only reads: AuditLog.Read.All. Entries come minutes to hours late, and are
//! kept 7 days, or 30 with a P1 licence. Microsoft takes five calls of it in ten seconds from one app.
//! Sources: the pages on listing directoryAudits, on its resource, on the audit's categories and
//! activities, and on throttling, read 2026-11.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::model::health::Reason;
use crate::model::reconcile::{
    BrokeOff, Change, Initiator, NotUnderstood, VendorAudit, VendorEntry,
};
use crate::model::text::Clean;
use crate::ports::clock::{Boxed, Clock};
use crate::ports::vendor_audit::VendorAudits;
use crate::services::answer::{ListRow, Seen, Trouble};
use crate::services::welearn365::graph::{Graph, Walk};
use crate::transport::Request;

/// The right that it needs; the app may do without it.
pub(super) const RIGHT: &str = "AuditLog.Read.All";
/// Entries of a page.
const PAGE: &str = "999";
/// More pages than can be read in the time.
const MOST_PAGES: usize = 100;
/// Between two pages: five calls in ten seconds are taken.
const PAUSE: Duration = Duration::from_secs(2);
/// The agent answers within 30 s; one more page has to fit.
const LONGEST: Duration = Duration::from_secs(18);
/// Microsoft's clock may be ahead of ours by so much.
const AHEAD: SignedDuration = SignedDuration::from_mins(2);
/// Kinds of other entries that are told apart.
const MOST_KINDS: usize = 200;

/// Reads the audit.
pub(super) struct Audits {
    graph: Graph,
    clock: Arc<dyn Clock>,
    ours: Ours,
}

/// By what our own changes are told from others'.
pub(super) struct Ours {
    /// The ids of our apps.
    pub(super) apps: Vec<String>,
    /// The id of the acting app's service principal, by which Microsoft names it at times.
    pub(super) principal: Option<String>,
}

impl std::fmt::Debug for Audits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Audits(..)")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Row {
    id: Seen<String>,
    activity_date_time: Seen<String>,
    activity_display_name: Seen<String>,
    category: Seen<String>,
    correlation_id: Seen<String>,
    result: Seen<String>,
    initiated_by: Seen<By>,
    target_resources: Seen<Vec<Target>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct By {
    app: Seen<App>,
    user: Seen<Person>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct App {
    app_id: Seen<String>,
    service_principal_id: Seen<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Person {
    id: Seen<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Target {
    id: Seen<String>,
    #[serde(rename = "type")]
    kind: Seen<String>,
    modified_properties: Seen<Vec<Property>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Property {
    display_name: Seen<String>,
    new_value: Seen<String>,
}

/// What a row is.
enum Read {
    Compared(VendorEntry),
    /// Of a kind that we never make, by somebody else.
    Other(String),
}

/// An id: Microsoft's are GUIDs and words; nothing that may hold an address or a name is one.
fn plain(text: &str) -> Option<Clean> {
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    (!text.is_empty() && text.len() <= 200 && text.chars().all(ok)).then(|| Clean::new(text))
}

fn id_in(seen: &Seen<String>) -> Option<Clean> {
    seen.value().and_then(|text| plain(text))
}

/// The id of the step of ours that makes such a change.
fn step_of(change: Change) -> Option<Clean> {
    let id = match change {
        Change::Disabled => "graph_block",
        Change::Enabled => "graph_open",
        Change::SessionsRevoked => "graph_revoke",
        Change::Synced => "graph_provision",
        // Passwords are reset in the directory only.
        Change::PasswordReset | Change::Other => return None,
    };
    Some(Clean::new(id))
}

impl Row {
    /// The account that it is about.
    fn account(&self) -> Option<&Target> {
        let is = |t: &&Target| t.kind.value().is_some_and(|k| k.eq_ignore_ascii_case("User"));
        self.target_resources.value()?.iter().find(is)
    }

    /// What was changed, as far as it is a kind that we make, too.
    fn change(&self, activity: &str) -> Result<Option<Change>, String> {
        Ok(Some(match activity.to_ascii_lowercase().as_str() {
            "disable account" => Change::Disabled,
            "enable account" => Change::Enabled,
            "reset user password" | "reset password (by admin)" => Change::PasswordReset,
            "update stsrefreshtokenvalidfrom timestamp" => Change::SessionsRevoked,
            "update user" => return self.switched(),
            _ => return Ok(None),
        }))
    }

    /// Whether an update opened or blocked sign-in.
    fn switched(&self) -> Result<Option<Change>, String> {
        let unreadable = || "what was updated cannot be read".to_owned();
        let Some(target) = self.account() else { return Err("it names no account".to_owned()) };
        let properties = match &target.modified_properties {
            Seen::Value(properties) => properties,
            Seen::Null | Seen::Missing => return Ok(None),
            Seen::Wrong => return Err(unreadable()),
        };
        for property in properties {
            let name = property.display_name.value().ok_or_else(unreadable)?;
            if !name.eq_ignore_ascii_case("AccountEnabled") {
                continue;
            }
            let value = property.new_value.value().map(String::as_str).unwrap_or_default();
            let bare = value.trim_matches(|c: char| "[]\" ".contains(c)).to_ascii_lowercase();
            return match bare.as_str() {
                "true" => Ok(Some(Change::Enabled)),
                "false" => Ok(Some(Change::Disabled)),
                _ => Err("whether sign-in was opened or blocked cannot be read".to_owned()),
            };
        }
        Ok(None)
    }
}

impl Audits {
    /// `apps`: the ids of our apps, the one that acts among them.
    pub(super) fn new(
        graph: Graph,
        clock: Arc<dyn Clock>,
        apps: Vec<String>,
        principal: Option<String>,
    ) -> Self {
        Self { graph, clock, ours: Ours { apps, principal } }
    }

    async fn walk(&self, since: Timestamp, until: Timestamp) -> VendorAudit {
        let filter = format!("activityDateTime ge {since} and activityDateTime le {until}");
        let first =
            Request::get("auditLogs/directoryAudits").query("$filter", filter).query("$top", PAGE);
        let mut walk = Walk::new(first, RIGHT, MOST_PAGES);
        let (mut audit, mut seen) = (VendorAudit::default(), BTreeSet::new());
        let began = self.clock.monotonic();
        loop {
            let page = match walk.next::<Row>(&self.graph).await {
                Ok(Some((page, _))) => page,
                Ok(None) => return audit,
                Err(trouble) => return broken(audit, &trouble),
            };
            for row in page.value {
                audit.read = audit.read.saturating_add(1);
                self.ours.take(row, (since, until), &mut audit, &mut seen);
            }
            if !walk.goes_on() {
                return audit;
            }
            if self.clock.monotonic().saturating_sub(began) >= LONGEST {
                let why = format!(
                    "Microsoft's audit has more than can be read at once ({} entries so far): ask \
                     for a shorter time",
                    audit.read
                );
                return broken(audit, &Trouble::new(Reason::NoAnswer, why));
            }
            self.clock.sleep(PAUSE).await;
        }
    }
}

impl Ours {
    /// Who did it; an error where it may be us and cannot be told.
    fn by(&self, row: &Row) -> Result<Initiator, String> {
        let by = row.initiated_by.value();
        let app = by.and_then(|by| by.app.value());
        let named = |seen: &Seen<String>| seen.value().is_some_and(|id| !id.is_empty());
        if let Some(app) = app.filter(|app| named(&app.app_id)) {
            let id = id_in(&app.app_id).ok_or("the app's id is none")?;
            let ours = self.apps.iter().any(|own| own.eq_ignore_ascii_case(id.as_str()));
            return Ok(if ours { Initiator::OurApp(id) } else { Initiator::App(id) });
        }
        if let Some(app) = app.filter(|app| named(&app.service_principal_id)) {
            let id =
                id_in(&app.service_principal_id).ok_or("the service principal's id is none")?;
            let Some(own) = &self.principal else {
                return Err("it names a service principal and not its app: set \
                     services.welearn365.act.principal_id, so that ours is told from others"
                    .into());
            };
            let ours = own.eq_ignore_ascii_case(id.as_str());
            return Ok(if ours { Initiator::OurApp(id) } else { Initiator::App(id) });
        }
        let person = by.and_then(|by| by.user.value()).and_then(|user| id_in(&user.id));
        person.map(Initiator::Person).ok_or_else(|| "it does not say who did it".to_owned())
    }

    fn read_row(&self, row: &Row, (since, until): (Timestamp, Timestamp)) -> Result<Read, String> {
        let id = id_in(&row.id).ok_or("it has no id")?;
        let at = row.time().ok_or("its time is none")?;
        if at < since || at > until.checked_add(AHEAD).unwrap_or(until) {
            return Err("its time lies outside what was asked for".into());
        }
        let activity = row.activity_display_name.value().filter(|a| !a.is_empty());
        let activity = activity.ok_or("it does not say what was done")?;
        let by = self.by(row);
        let ours = matches!(by, Ok(Initiator::OurApp(_)));
        let sync =
            row.category.value().is_some_and(|c| c.eq_ignore_ascii_case("ProvisioningManagement"));
        let change = match row.change(activity)? {
            Some(change) => change,
            None if ours && sync => Change::Synced,
            None if ours => Change::Other,
            None => return Ok(Read::Other(Clean::new(activity).to_string())),
        };
        let target = row.account().and_then(|target| id_in(&target.id));
        if target.is_none() && change != Change::Other {
            return Err("it names no account".into());
        }
        Ok(Read::Compared(VendorEntry {
            id,
            at,
            change,
            activity: Clean::new(activity),
            target,
            by: by?,
            result: Clean::new(row.result.value().map_or("not told", String::as_str)),
            correlation: id_in(&row.correlation_id),
            step: step_of(change),
        }))
    }

    /// Puts an entry of the answer to where it belongs; pages may overlap, so `seen` holds the ids so far.
    pub(super) fn take(
        &self,
        row: ListRow<Row>,
        asked: (Timestamp, Timestamp),
        audit: &mut VendorAudit,
        seen: &mut BTreeSet<Clean>,
    ) {
        let ListRow::Read(row) = row else {
            let why = Clean::new("the entry is no object, or one with a key twice");
            audit.not_understood.push(NotUnderstood { id: None, at: None, why });
            return;
        };
        let (id, at) = (id_in(&row.id), row.time());
        // Pages may overlap.
        if id.clone().is_some_and(|id| !seen.insert(id)) {
            return;
        }
        audit.newest = audit.newest.max(at);
        match self.read_row(&row, asked) {
            Ok(Read::Compared(entry)) => audit.entries.push(entry),
            Ok(Read::Other(activity)) => {
                let known = audit.others.len() < MOST_KINDS || audit.others.contains_key(&activity);
                let name = if known { activity } else { "others".to_owned() };
                let count = audit.others.entry(name).or_default();
                *count = count.saturating_add(1);
            }
            Err(why) => {
                audit.not_understood.push(NotUnderstood { id, at, why: Clean::new(&why) });
            }
        }
    }
}

impl Row {
    fn time(&self) -> Option<Timestamp> {
        self.activity_date_time.value()?.parse().ok()
    }
}

fn broken(mut audit: VendorAudit, trouble: &Trouble) -> VendorAudit {
    audit.broke_off = Some(BrokeOff { reason: trouble.reason, why: Clean::new(&trouble.why) });
    audit
}

impl VendorAudits for Audits {
    fn read(&self, since: Timestamp, until: Timestamp) -> Boxed<'_, VendorAudit> {
        Box::pin(self.walk(since, until))
    }
}
