//! The invented directory: an OU for each school, with pupils and staff. Made anew for each question, a
//! pure function of seed, scenario, school and time.

use jiff::Timestamp;

use crate::model::ids::Laestab;
use crate::model::school::Subscription;
use crate::simulators::cast::DirectoryPart;
use crate::simulators::chance::{below, roll};
use crate::simulators::names::PERSONAL_NAMES;
use crate::simulators::stage::Stage;

/// The domain.
pub(super) const DOMAIN: &str = "DC=welearn,DC=example";
/// Where the schools are.
pub(super) const SCHOOLS: &str = "OU=Schools,DC=welearn,DC=example";
/// The account that the console signs in with, as a user principal name.
pub(super) const ACCOUNT: &str = "svc-caretaker@welearn.example";

const NORMAL: i64 = 0x200;
const DISABLED: i64 = 0x2;
/// Ticks of 100 ns between 1601 and 1970.
const EPOCH: i64 = 116_444_736_000_000_000;
/// How long a lock stays, in seconds.
const LOCK: i64 = 30 * 60;

/// An entry with everything that is known of it.
pub(super) struct Entry {
    pub(super) dn: String,
    /// Names as the directory spells them.
    attributes: Vec<(&'static str, Vec<Vec<u8>>)>,
}

impl Entry {
    fn new(dn: String, classes: &[&str]) -> Self {
        let classes = classes.iter().map(|c| c.as_bytes().to_vec()).collect();
        Self { dn, attributes: vec![("objectClass", classes)] }
    }

    fn with(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.attributes.push((name, vec![value.into()]));
        self
    }

    /// The values of an attribute, named in small letters.
    pub(super) fn values(&self, name: &str) -> &[Vec<u8>] {
        let found = self.attributes.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map_or(&[], |(_, values)| values.as_slice())
    }

    /// All of them.
    pub(super) fn attributes(&self) -> &[(&'static str, Vec<Vec<u8>>)] {
        &self.attributes
    }
}

/// A moment as the directory writes it.
fn ticks(at: i64) -> i64 {
    at * 10_000_000 + EPOCH
}

/// What stands beside the schools: the domain and the account of the console.
pub(super) fn frame() -> Vec<Entry> {
    let ou = |dn: &str| Entry::new(dn.to_owned(), &["top", "organizationalUnit"]);
    let account = Entry::new(
        format!("CN=svc-caretaker,OU=Services,{DOMAIN}"),
        &["top", "person", "organizationalPerson", "user"],
    );
    vec![
        Entry::new(DOMAIN.to_owned(), &["top", "domain", "domainDNS"])
            .with("lockoutThreshold", "5")
            .with("lockoutDuration", (-LOCK * 10_000_000).to_string())
            .with("lockOutObservationWindow", (-LOCK * 10_000_000).to_string()),
        ou(SCHOOLS),
        ou(&format!("OU=Services,{DOMAIN}")),
        account
            .with("objectCategory", format!("CN=Person,CN=Schema,CN=Configuration,{DOMAIN}"))
            .with("userPrincipalName", ACCOUNT)
            .with("userAccountControl", (NORMAL | 0x10000).to_string()),
    ]
}

/// What a controller says of itself.
pub(super) fn root(host: &str, now: Timestamp) -> Entry {
    Entry::new(String::new(), &["top"])
        .with("currentTime", stamp(now))
        .with("defaultNamingContext", DOMAIN)
        .with("dnsHostName", host)
        .with("highestCommittedUSN", (now.as_second() - 1_600_000_000).to_string())
        .with("isSynchronized", "TRUE")
        .with("supportedControl", "1.2.840.113556.1.4.319")
}

/// The OUs and accounts of one school.
pub(super) fn school(stage: &Stage, school: Laestab, taken: &Subscription) -> Vec<Entry> {
    let part = stage.parts(school).directory;
    let Some(home) = taken.parameters.get("welearn365.ou") else { return Vec::new() };
    if part == Some(DirectoryPart::OuMissing) {
        return Vec::new();
    }
    let ou = |dn: String| Entry::new(dn, &["top", "organizationalUnit"]);
    let mut out =
        vec![ou(home.clone()), ou(format!("OU=Pupils,{home}")), ou(format!("OU=Staff,{home}"))];
    let many = 8 + below(stage.seed, "accounts", school, 18);
    let many = if part == Some(DirectoryPart::Spray) { many.max(16) } else { many };
    out.extend((0..many).map(|n| account(stage, school, home, n, part)));
    out
}

fn account(
    stage: &Stage,
    school: Laestab,
    home: &str,
    n: u32,
    part: Option<DirectoryPart>,
) -> Entry {
    let number = u64::from(school.number()) * 1_000 + u64::from(n);
    let at = usize::try_from(number % 97).unwrap_or_default();
    let name = PERSONAL_NAMES.get(at % PERSONAL_NAMES.len()).copied().unwrap_or_default();
    let (first, last) = name.split_once(' ').unwrap_or((name, ""));
    let folder = if n % 5 == 4 { "Staff" } else { "Pupils" };
    let disabled = part == Some(DirectoryPart::AllDisabled) || n % 11 == 3;
    let control = NORMAL | if disabled { DISABLED } else { 0 };
    let started = stage.started.as_second();
    let (now, locked) = (stage.now(), lock(stage, n, part));
    let mut guid = roll(stage.seed, "object", school).to_be_bytes().to_vec();
    guid.extend(number.to_be_bytes());
    let computed = match locked {
        Some(at) if at > 0 && now.as_second() < at + LOCK => 0x10,
        _ => 0,
    };
    let entry = Entry::new(
        format!("CN={last}\\, {first} {number},OU={folder},{home}"),
        &["top", "person", "organizationalPerson", "user"],
    )
    .with("objectCategory", format!("CN=Person,CN=Schema,CN=Configuration,{DOMAIN}"))
    .with("objectGUID", guid)
    .with("displayName", name)
    .with("sAMAccountName", format!("u{number}"))
    .with("userAccountControl", control.to_string())
    .with("accountExpires", i64::MAX.to_string())
    .with("pwdLastSet", if n % 17 == 7 { 0 } else { ticks(started - 86_400 * 40) }.to_string())
    .with("whenChanged", stamp(stage.started))
    .with("msDS-User-Account-Control-Computed", computed.to_string());
    let entry = match n % 13 {
        5 => entry,
        _ => entry.with("mail", format!("u{number}@welearn.example")),
    };
    let entry = match n % 9 {
        8 => entry,
        _ => entry.with("lastLogonTimestamp", ticks(started - 86_400 * 3).to_string()),
    };
    match locked {
        None => entry,
        Some(0) => entry.with("lockoutTime", "0"),
        Some(at) => entry.with("lockoutTime", ticks(at).to_string()),
    }
}

/// When an account was locked out, in seconds; 0 when a lock was taken away.
fn lock(stage: &Stage, n: u32, part: Option<DirectoryPart>) -> Option<i64> {
    let started = stage.started.as_second();
    // Each hour anew, ten minutes before it begins.
    let round = (stage.now().as_second() - started).max(0) / 3_600 * 3_600;
    match (part, n) {
        (Some(DirectoryPart::Spray), 0..14) => Some(started + round - 600 + i64::from(n) * 25),
        // One that has run out.
        (_, 1) => Some(started - 3 * 3_600),
        (_, n) if n % 4 == 0 => Some(0),
        _ => None,
    }
}

/// A moment in the directory's other form.
pub(super) fn stamp(at: Timestamp) -> String {
    at.to_zoned_datetime(jiff::tz::TimeZone::UTC).strftime("%Y%m%d%H%M%S.0Z").to_string()
}
