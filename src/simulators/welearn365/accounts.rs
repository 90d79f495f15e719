//! The accounts of the invented schools: who there is, under which OU, and whom the directory sync
//! holds back at a time. Nothing is kept but what a test has changed; all else follows from the seed.

use std::collections::BTreeMap;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::model::ids::Laestab;
use crate::model::school::School;
use crate::simulators::chance::guid;
use crate::simulators::directory;
use crate::simulators::invented::Invented;
use crate::simulators::names::PERSONAL_NAMES;
use crate::simulators::stage::{Stage, lock};
use crate::simulators::times::{moved, rounded_down, utc};

/// Schools above which each has a handful of accounts only.
const MANY_SCHOOLS: usize = 2_000;
/// Accounts of a school then.
const HANDFUL: usize = 6;
/// Accounts that are under no school's OU: of the service itself, and of the cloud alone.
const STRANGERS: usize = 4;
/// Accounts of a morning's troubled school that are held back.
const MORNINGS: usize = 3;

/// What a test has changed.
#[derive(Debug, Clone, Copy)]
enum Change {
    /// So many of the school's accounts are held back from now on.
    Held(Laestab, usize),
    /// This account of the school is deleted.
    Gone(Laestab, usize, bool),
    /// It was brought again.
    Back(Laestab, usize),
}

/// What was written to an account, and when.
#[derive(Debug, Clone, Default)]
struct Own {
    enabled: Option<(bool, Timestamp)>,
    sessions_from: Option<Timestamp>,
    synced_at: Option<Timestamp>,
    immutable_id: Option<String>,
    administrator: bool,
}

/// Who there is.
pub(super) struct Accounts {
    /// Each school and the number of its first account.
    schools: Vec<(Laestab, usize)>,
    total: usize,
    /// In their order; how many there were is how a delta token knows where it stands.
    changes: Mutex<Vec<Change>>,
    own: Mutex<BTreeMap<usize, Own>>,
}

/// Where an account belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Home {
    /// The n-th account of a school.
    School(Laestab, usize),
    /// Under an OU of no school.
    Service,
    /// Of the cloud alone.
    Cloud,
}

/// A change of an account between two moments.
pub(super) enum Changed {
    /// It has changed, and is now as its row says.
    Now(usize),
    /// It is gone, restorably or for good.
    Gone(usize, &'static str),
}

/// Accounts of a school: a sixth of its pupils stand for all, so that a demo is not spent on reading.
fn heads(school: &School, many: bool) -> usize {
    let pupils = usize::try_from(school.pupils.unwrap_or(100)).unwrap_or(100);
    if many { HANDFUL } else { pupils / 6 + HANDFUL }
}

impl Accounts {
    pub(super) fn new(invented: &Invented) -> Self {
        let many = invented.schools.len() > MANY_SCHOOLS;
        let mut first = 0;
        let mut schools = Vec::new();
        for (school, _) in invented.takers("welearn365") {
            schools.push((school.laestab, first));
            first += heads(school, many);
        }
        Self { schools, total: first + STRANGERS, changes: Mutex::default(), own: Mutex::default() }
    }

    /// How many accounts there ever were.
    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// How many accounts `school` has.
    pub(super) fn of(&self, school: Laestab) -> usize {
        let Ok(at) = self.schools.binary_search_by_key(&school, |(l, _)| *l) else { return 0 };
        let first = self.schools.get(at).map_or(0, |(_, first)| *first);
        let end = self.schools.get(at + 1).map_or(self.total - STRANGERS, |(_, first)| *first);
        end - first
    }

    fn home(&self, number: usize) -> Home {
        let strangers = self.total - STRANGERS;
        if number >= strangers {
            return if number - strangers < STRANGERS / 2 { Home::Service } else { Home::Cloud };
        }
        let after = self.schools.partition_point(|(_, first)| *first <= number);
        match after.checked_sub(1).and_then(|at| self.schools.get(at)) {
            Some((school, first)) => Home::School(*school, number - first),
            None => Home::Service,
        }
    }

    /// From now on so many accounts of the school are held back.
    pub(super) fn hold(&self, school: Laestab, many: usize) {
        lock(&self.changes).push(Change::Held(school, many));
    }

    /// The n-th account of the school is deleted.
    pub(super) fn delete(&self, school: Laestab, n: usize, restorable: bool) {
        lock(&self.changes).push(Change::Gone(school, n, restorable));
    }

    /// Where the changes stand.
    pub(super) fn mark(&self) -> usize {
        lock(&self.changes).len()
    }

    /// How many accounts of `school` were held back at a mark: the first ones.
    fn held(&self, stage: &Stage, school: Laestab, mark: usize) -> usize {
        let changes = lock(&self.changes);
        let last = changes.iter().take(mark).rev().find_map(|change| match change {
            Change::Held(of, many) if *of == school => Some(*many),
            Change::Held(..) | Change::Gone(..) | Change::Back(..) => None,
        });
        let morning = if stage.parts(school).accounts_held { MORNINGS } else { 0 };
        last.unwrap_or(morning)
    }

    /// Whether the account exists.
    pub(super) fn exists(&self, number: usize) -> bool {
        let Home::School(school, n) = self.home(number) else { return number < self.total };
        let is = |of: &Laestab, which: &usize| *of == school && *which == n;
        let last = lock(&self.changes).iter().rev().find_map(|change| match change {
            Change::Gone(of, which, _) if is(of, which) => Some(false),
            Change::Back(of, which) if is(of, which) => Some(true),
            Change::Held(..) | Change::Gone(..) | Change::Back(..) => None,
        });
        last.unwrap_or(true)
    }

    /// How many exist.
    pub(super) fn count(&self) -> usize {
        (0..self.total).filter(|n| self.exists(*n)).count()
    }

    /// The number of the account with this id.
    pub(super) fn find(&self, stage: &Stage, id: &str) -> Option<usize> {
        (0..self.total).find(|n| account_id(stage, *n) == id)
    }

    /// What changed between two marks.
    pub(super) fn changed(&self, stage: &Stage, since: usize, until: usize) -> Vec<Changed> {
        let recent: Vec<Change> =
            lock(&self.changes).iter().take(until).skip(since).copied().collect();
        let (mut out, mut seen) = (Vec::new(), Vec::new());
        for change in recent {
            match change {
                Change::Held(school, _) if !seen.contains(&school) => {
                    seen.push(school);
                    let (then, now) =
                        (self.held(stage, school, since), self.held(stage, school, until));
                    let first = self.first(school);
                    let (low, high) = (then.min(now), then.max(now).min(self.of(school)));
                    out.extend(
                        (low..high)
                            .map(|n| first + n)
                            .filter(|n| self.exists(*n))
                            .map(Changed::Now),
                    );
                }
                Change::Held(..) => {}
                Change::Gone(school, n, restorable) => {
                    let reason = if restorable { "changed" } else { "deleted" };
                    out.push(Changed::Gone(self.first(school) + n, reason));
                }
                Change::Back(school, n) => out.push(Changed::Now(self.first(school) + n)),
            }
        }
        out
    }

    /// The number of the n-th account of the school.
    pub(super) fn nth(&self, school: Laestab, n: usize) -> usize {
        self.first(school) + n
    }

    pub(super) fn adopt(&self, school: Laestab, n: usize, immutable_id: &str) {
        let at = self.nth(school, n);
        lock(&self.own).entry(at).or_default().immutable_id = Some(immutable_id.to_owned());
    }

    pub(super) fn make_administrator(&self, school: Laestab, n: usize) {
        let at = self.nth(school, n);
        lock(&self.own).entry(at).or_default().administrator = true;
    }

    fn own(&self, number: usize) -> Own {
        lock(&self.own).get(&number).cloned().unwrap_or_default()
    }

    pub(super) fn is_administrator(&self, number: usize) -> bool {
        self.own(number).administrator
    }

    /// Opens or blocks its sign-in.
    pub(super) fn set_enabled(&self, number: usize, enabled: bool, at: Timestamp) {
        lock(&self.own).entry(number).or_default().enabled = Some((enabled, at));
    }

    /// Ends its sessions.
    pub(super) fn revoke(&self, number: usize, at: Timestamp) {
        lock(&self.own).entry(number).or_default().sessions_from = Some(at);
    }

    /// The account that the directory has at this distinguished name, if it has one.
    pub(super) fn at(&self, stage: &Stage, dn: &str) -> Option<usize> {
        (0..self.total).find(|number| {
            let Home::School(school, n) = self.home(*number) else { return false };
            let ou = stage.invented.subscriptions.get(&school);
            let ou = ou.and_then(|s| s.parameters.get("welearn365.ou"));
            let known = u32::try_from(n).ok().filter(|n| *n < directory::many(stage, school));
            let own = known.zip(ou).map(|(n, ou)| directory::dn_of(school, ou, n));
            own.is_some_and(|own| own.eq_ignore_ascii_case(dn))
        })
    }

    /// The sync takes the account now; makes it if it is not there.
    pub(super) fn sync(&self, number: usize, at: Timestamp) {
        lock(&self.own).entry(number).or_default().synced_at = Some(at);
        if !self.exists(number)
            && let Home::School(school, n) = self.home(number)
        {
            lock(&self.changes).push(Change::Back(school, n));
        }
    }

    /// When the directory last reached it.
    fn synced(&self, number: usize, now: Timestamp) -> Timestamp {
        let last = last_sync(now);
        self.own(number).synced_at.map_or(last, |at| at.max(last))
    }

    /// The id of the n-th account of the school in the directory, if it has as many.
    fn directory_id(stage: &Stage, school: Laestab, n: usize) -> Option<Vec<u8>> {
        let n = u32::try_from(n).ok().filter(|n| *n < directory::many(stage, school))?;
        Some(directory::guid_of(stage.seed, Some(school), directory::number_of(school, n)))
    }

    /// The accounts with this immutable id.
    pub(super) fn of_immutable_id(&self, stage: &Stage, wanted: &str) -> Vec<usize> {
        let adopted = lock(&self.own);
        let own =
            |(n, own): (&usize, &Own)| (own.immutable_id.as_deref() == Some(wanted)).then_some(*n);
        let mut out: Vec<usize> = adopted.iter().filter_map(own).collect();
        for (school, first) in &self.schools {
            for n in 0..self.of(*school) {
                let Some(id) = Self::directory_id(stage, *school, n) else { break };
                let number = first + n;
                let other = adopted.get(&number).is_some_and(|o| o.immutable_id.is_some());
                if !other && STANDARD.encode(id) == wanted && !out.contains(&number) {
                    out.push(number);
                }
            }
        }
        out
    }

    /// Whether it may sign in: what was written there last, until a sync brings the directory's word.
    pub(super) fn is_enabled(&self, stage: &Stage, number: usize) -> bool {
        let synced = self.synced(number, stage.now());
        if let Some((enabled, at)) = self.own(number).enabled
            && at > synced
        {
            return enabled;
        }
        let usual = !number.is_multiple_of(31);
        let Home::School(school, n) = self.home(number) else { return usual };
        let known = u32::try_from(n).ok().filter(|n| *n < directory::many(stage, school));
        let Some(n) = known else { return usual };
        let id = directory::guid_of(stage.seed, Some(school), directory::number_of(school, n));
        let disabled = stage.written.disabled_as_of(&id, synced);
        !disabled.unwrap_or_else(|| directory::begins_disabled(stage, school, n))
    }

    fn first(&self, school: Laestab) -> usize {
        let at = self.schools.binary_search_by_key(&school, |(l, _)| *l);
        at.ok().and_then(|at| self.schools.get(at)).map_or(0, |(_, first)| *first)
    }

    /// Every property of an account, as at a mark.
    pub(super) fn row(&self, stage: &Stage, number: usize, mark: usize) -> Value {
        let at = stage.now();
        let home = self.home(number);
        let (given, surname) = name(number);
        let login = format!("{}{}.{number}", initial(given), surname.to_lowercase());
        let mail = format!("{login}@wolds.example");
        let known = match home {
            Home::School(school, n) => u32::try_from(n)
                .ok()
                .filter(|n| *n < directory::many(stage, school))
                .map(|n| (school, n)),
            Home::Service | Home::Cloud => None,
        };
        let sync = self.synced(number, at);
        let own = self.own(number);
        let (ou, department, held) = match home {
            Home::School(school, n) => {
                let ou = stage
                    .invented
                    .subscriptions
                    .get(&school)
                    .and_then(|s| s.parameters.get("welearn365.ou").map(str::to_owned));
                (ou, Some(school.to_string()), n < self.held(stage, school, mark))
            }
            Home::Service => (Some("OU=Service,DC=desk,DC=test".to_owned()), None, false),
            Home::Cloud => (None, None, false),
        };
        let from_directory = ou.is_some();
        // The accounts that the simulated directory has are the same ones here.
        let dn = known.zip(ou.as_deref()).map(|((school, n), ou)| directory::dn_of(school, ou, n));
        let login = match known {
            Some((school, n)) => format!("u{}", directory::number_of(school, n)),
            None => login,
        };
        let id = known.map(|(school, n)| {
            directory::guid_of(stage.seed, Some(school), directory::number_of(school, n))
        });
        let id = own.immutable_id.clone().or_else(|| id.map(|id| STANDARD.encode(id)));
        let id = id.unwrap_or_else(|| format!("im{number:08}=="));
        let part = if number.is_multiple_of(9) { "Staff" } else { "Pupils" };
        // A comma in a name is escaped; every seventh account has one.
        let common = match number % 7 {
            0 => format!("{surname}\\, {given} {number}"),
            _ => format!("{given} {surname} {number}"),
        };
        let errors = match held {
            true => json!([{
                "category": "PropertyConflict",
                "propertyCausingError": if number.is_multiple_of(2) { "ProxyAddresses" } else { "UserPrincipalName" },
                "occurredDateTime": utc(moved(rounded_down(stage.started, 30), -1_800)),
                "value": format!("SMTP:{mail}"),
            }]),
            false => json!([]),
        };
        let only = |value: Value| if from_directory { value } else { Value::Null };
        json!({
            "id": account_id(stage, number),
            "businessPhones": [],
            "displayName": format!("{given} {surname}"),
            "givenName": given,
            "surname": surname,
            "jobTitle": null,
            "mail": mail,
            "mobilePhone": null,
            "officeLocation": null,
            "preferredLanguage": null,
            "userPrincipalName": mail,
            "department": department,
            "accountEnabled": self.is_enabled(stage, number),
            "onPremisesSyncEnabled": only(json!(true)),
            "onPremisesDistinguishedName":
                dn.or_else(|| ou.map(|ou| format!("CN={common},OU={part},{ou}"))),
            "onPremisesSamAccountName": only(json!(login)),
            "onPremisesImmutableId": only(json!(id)),
            "onPremisesLastSyncDateTime": only(json!(utc(sync))),
            "onPremisesProvisioningErrors": errors,
            "signInSessionsValidFromDateTime":
                utc(own.sessions_from.unwrap_or(moved(stage.started, -86_400 * 40))),
        })
    }
}

/// When the last sync was done: one starts every 30 minutes and takes about a minute and a half.
pub(super) fn last_sync(now: Timestamp) -> Timestamp {
    moved(rounded_down(moved(now, -95), 30), 95)
}

/// Every property, and those that come without `$select`.
pub(super) const PROPERTIES: &[&str] = &[
    "id",
    "businessPhones",
    "displayName",
    "givenName",
    "surname",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "userPrincipalName",
    "department",
    "accountEnabled",
    "onPremisesSyncEnabled",
    "onPremisesDistinguishedName",
    "onPremisesSamAccountName",
    "onPremisesImmutableId",
    "onPremisesLastSyncDateTime",
    "onPremisesProvisioningErrors",
    "signInSessionsValidFromDateTime",
];
pub(super) const BY_DEFAULT: usize = 11;

pub(super) fn account_id(stage: &Stage, number: usize) -> String {
    guid(stage.seed, "account", u64::try_from(number).unwrap_or_default())
}

fn name(number: usize) -> (&'static str, &'static str) {
    let whole = PERSONAL_NAMES.get(number % PERSONAL_NAMES.len()).copied().unwrap_or_default();
    whole.rsplit_once(' ').unwrap_or((whole, whole))
}

fn initial(name: &str) -> String {
    name.chars().next().map(|c| c.to_lowercase().to_string()).unwrap_or_default()
}
