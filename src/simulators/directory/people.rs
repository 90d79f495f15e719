//! The invented directory: an OU for each school, with pupils and staff. Made anew for each question, a
//! pure function of seed, scenario, school and time.

use jiff::Timestamp;

use crate::model::ids::Laestab;
use crate::model::school::Subscription;
use crate::simulators::cast::DirectoryPart;
use crate::simulators::chance::{below, roll};
use crate::simulators::directory::Copies;
use crate::simulators::directory::query::decimal;
use crate::simulators::directory::write::Attributes;
use crate::simulators::names::PERSONAL_NAMES;
use crate::simulators::stage::Stage;
use crate::simulators::times::moved;

/// The domain.
pub(super) const DOMAIN: &str = "DC=desk,DC=test";
/// Where the schools are.
pub(super) const SCHOOLS: &str = "OU=Schools,DC=desk,DC=test";
/// The account that the console signs in with, as a user principal name.
pub(super) const ACCOUNT: &str = "svc-caretaker@desk.test";
/// The one that may write.
pub(super) const WRITER: &str = "svc-caretaker-act@desk.test";
/// The domain in SIDs: `S-1-5-21-1-2-3`.
const DOMAIN_SID: [u32; 4] = [21, 1, 2, 3];
/// Groups that the web filter maps, with the last number of each one's SID.
pub(super) const GROUPS: [(&str, u32); 3] =
    [("Filter restricted", 7_001), ("Filter exams", 7_002), ("Filter sixth form", 7_003)];
/// Domain Users, and Domain Admins.
const USERS: u32 = 513;
const ADMINS: u32 = 512;
/// The account that the console signs in with; the one that may write comes next.
const OURS: u32 = 1_101;

const NORMAL: i64 = 0x200;
const DISABLED: i64 = 0x2;
/// Ticks of 100 ns between 1601 and 1970.
const EPOCH: i64 = 116_444_736_000_000_000;
/// The number of the account in each larger school that administers the domain.
const ADMINISTRATOR: u32 = 9;
/// How long ago the passwords were set that one controller may lack, in seconds.
const NIGHT: i64 = 6 * 3_600;
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

    fn with(self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.having(name, vec![value.into()])
    }

    fn having(mut self, name: &'static str, values: Vec<Vec<u8>>) -> Self {
        if !values.is_empty() {
            self.attributes.push((name, values));
        }
        self
    }

    /// With the values of these attributes instead of its own; what it has none of stays away.
    fn rewritten(mut self, written: &Attributes) -> Self {
        for (name, values) in &mut self.attributes {
            if let Some(new) = written.get(*name) {
                values.clone_from(new);
            }
        }
        self
    }

    /// The one value of an attribute, as text.
    pub(super) fn text(&self, name: &str) -> &str {
        let value = self.values(name).first();
        value.and_then(|v| std::str::from_utf8(v).ok()).unwrap_or_default()
    }

    /// Whether it may be written to by nobody from outside.
    pub(super) fn is_protected(&self) -> bool {
        let admins = sid(ADMINS);
        self.values("adminCount").iter().any(|v| v != b"0")
            || self.values("tokenGroups").contains(&admins)
    }

    /// With what whoever asks may write to it, as a controller computes that.
    pub(super) fn seen_by(self, writer: bool) -> Self {
        let is = |class: &[u8]| self.values("objectclass").iter().any(|c| c == class);
        let all: &[&str] = match (writer && !self.is_protected(), is(b"user"), is(b"group")) {
            (true, true, _) => &["userAccountControl", "lockoutTime", "pwdLastSet"],
            (true, _, true) => &["member"],
            _ => &[],
        };
        let all = all.iter().map(|name| name.as_bytes().to_vec()).collect();
        self.having("allowedAttributesEffective", all).with("sDRightsEffective", "0")
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

/// A SID of the domain.
fn sid(rid: u32) -> Vec<u8> {
    let mut out = vec![1, 5, 0, 0, 0, 0, 0, 5];
    for part in DOMAIN_SID.into_iter().chain([rid]) {
        out.extend(part.to_le_bytes());
    }
    out
}

/// A SID of the domain as it is shown.
pub(super) fn shown(sid: &[u8]) -> Option<String> {
    let parts = sid.get(8..)?.chunks_exact(4).map(|c| c.try_into().ok().map(u32::from_le_bytes));
    let parts = parts.collect::<Option<Vec<u32>>>()?;
    Some(parts.iter().fold("S-1-5".to_owned(), |all, part| format!("{all}-{part}")))
}

/// The DN of one of the filter's groups.
pub(super) fn group_dn(name: &str) -> String {
    format!("CN={name},OU=Groups,{DOMAIN}")
}

/// The id of an account or a group.
pub(in crate::simulators) fn guid_of(seed: u64, school: Option<Laestab>, number: u64) -> Vec<u8> {
    let high = match school {
        Some(school) => roll(seed, "object", school),
        None => seed ^ 0x6b5f_1c2d_3e4f_5a6b,
    };
    high.to_be_bytes().into_iter().chain(number.to_be_bytes()).collect()
}

/// The number of the n-th account of a school, as its login holds it.
pub(in crate::simulators) fn number_of(school: Laestab, n: u32) -> u64 {
    u64::from(school.number()) * 1_000 + u64::from(n)
}

/// How many accounts the directory has of a school.
pub(in crate::simulators) fn many(stage: &Stage, school: Laestab) -> u32 {
    let part = stage.parts(school).directory;
    if part == Some(DirectoryPart::OuMissing) {
        return 0;
    }
    let many = 8 + below(stage.seed, "accounts", school, 18);
    if part == Some(DirectoryPart::Spray) { many.max(16) } else { many }
}

/// Whether the n-th account of a school is disabled as long as nobody has changed it.
pub(in crate::simulators) fn begins_disabled(stage: &Stage, school: Laestab, n: u32) -> bool {
    stage.parts(school).directory == Some(DirectoryPart::AllDisabled) || n % 11 == 3
}

/// First and last name of the account of this number.
fn name_of(number: u64) -> (&'static str, &'static str) {
    let at = usize::try_from(number % 97).unwrap_or_default();
    let name = PERSONAL_NAMES.get(at % PERSONAL_NAMES.len()).copied().unwrap_or_default();
    name.split_once(' ').unwrap_or((name, ""))
}

/// Where the n-th account of a school stands.
pub(in crate::simulators) fn dn_of(school: Laestab, home: &str, n: u32) -> String {
    let number = number_of(school, n);
    let (first, last) = name_of(number);
    let folder = if n % 5 == 4 { "Staff" } else { "Pupils" };
    format!("CN={last}\\, {first} {number},OU={folder},{home}")
}

/// A moment as the directory writes it.
pub(super) fn ticks(at: i64) -> i64 {
    at * 10_000_000 + EPOCH
}

/// What stands beside the schools: the domain, its groups, and the accounts of the console.
pub(super) fn frame(stage: &Stage) -> Vec<Entry> {
    let ou = |dn: &str| Entry::new(dn.to_owned(), &["top", "organizationalUnit"]);
    let account = |name: &str, rid: u32| {
        Entry::new(
            format!("CN={},OU=Services,{DOMAIN}", name.split('@').next().unwrap_or(name)),
            &["top", "person", "organizationalPerson", "user"],
        )
        .with("objectCategory", format!("CN=Person,CN=Schema,CN=Configuration,{DOMAIN}"))
        .with("objectSid", sid(rid))
        .with("userPrincipalName", name)
        .with("userAccountControl", (NORMAL | 0x10000).to_string())
    };
    let group = |dn: String, rid: u32| {
        let guid = guid_of(stage.seed, None, u64::from(rid));
        let members = stage.written.values(&guid, "member").unwrap_or_default();
        Entry::new(dn, &["top", "group"])
            .with("objectGUID", guid)
            .with("objectSid", sid(rid))
            .having("member", members)
    };
    let mut out = vec![
        Entry::new(DOMAIN.to_owned(), &["top", "domain", "domainDNS"])
            .with("lockoutThreshold", "5")
            .with("lockoutDuration", (-LOCK * 10_000_000).to_string())
            .with("lockOutObservationWindow", (-LOCK * 10_000_000).to_string()),
        ou(SCHOOLS),
        ou(&format!("OU=Services,{DOMAIN}")),
        ou(&format!("OU=Groups,{DOMAIN}")),
        account(ACCOUNT, OURS),
        account(WRITER, OURS + 1),
        group(format!("CN=Domain Admins,CN=Users,{DOMAIN}"), ADMINS).with("adminCount", "1"),
    ];
    out.extend(GROUPS.map(|(name, rid)| group(group_dn(name), rid)));
    out
}

/// What a controller says of itself, and of the groups of whoever asks.
pub(super) fn root(host: &str, now: Timestamp, whole: bool, writes: bool) -> Entry {
    let own = OURS + u32::from(writes);
    Entry::new(String::new(), &["top"])
        .with("currentTime", stamp(now))
        .with("defaultNamingContext", DOMAIN)
        .with("dnsHostName", host)
        .with("highestCommittedUSN", (now.as_second() - 1_600_000_000).to_string())
        .with("isSynchronized", if whole { "TRUE" } else { "FALSE" })
        .with("supportedControl", "1.2.840.113556.1.4.319")
        .having("tokenGroups", vec![sid(own), sid(USERS)])
}

/// The OUs and accounts of one school.
pub(super) fn school(
    stage: &Stage,
    school: Laestab,
    taken: &Subscription,
    copies: Copies,
) -> Vec<Entry> {
    let part = stage.parts(school).directory;
    let Some(home) = taken.parameters.get("welearn365.ou") else { return Vec::new() };
    if part == Some(DirectoryPart::OuMissing) {
        return Vec::new();
    }
    let ou = |dn: String| Entry::new(dn, &["top", "organizationalUnit"]);
    let mut out =
        vec![ou(home.to_owned()), ou(format!("OU=Pupils,{home}")), ou(format!("OU=Staff,{home}"))];
    out.extend((0..many(stage, school)).map(|n| account(stage, school, home, n, (part, copies))));
    out
}

fn account(
    stage: &Stage,
    school: Laestab,
    home: &str,
    n: u32,
    (part, copies): (Option<DirectoryPart>, Copies),
) -> Entry {
    let number = number_of(school, n);
    let (first, last) = name_of(number);
    let guid = guid_of(stage.seed, Some(school), number);
    let written = stage.written.to(&guid);
    let disabled = begins_disabled(stage, school, n);
    let control = NORMAL | if disabled { DISABLED } else { 0 };
    let started = stage.started.as_second();
    let now = stage.now();
    let locked = match written.get("lockoutTime").and_then(|values| decimal(values.first()?)) {
        Some(0) => Some(0),
        Some(ticks) => Some((ticks - EPOCH) / 10_000_000),
        None => lock(stage, n, part),
    };
    // Some passwords were set in the night, where one controller has not heard of it.
    let set = match n {
        _ if n % 17 == 7 => 0,
        _ if n % 10 == 2 && copies == Copies::Ahead => ticks(now.as_second() - NIGHT),
        _ => ticks(started - 86_400 * 40),
    };
    let dn = dn_of(school, home, n);
    let groups = GROUPS.iter().filter(|(_, rid)| {
        let members = stage.written.values(&guid_of(stage.seed, None, u64::from(*rid)), "member");
        members.unwrap_or_default().iter().any(|m| m.eq_ignore_ascii_case(dn.as_bytes()))
    });
    let groups: Vec<_> = groups.collect();
    // One of each larger school's staff is an administrator, by a group in a group.
    let own = if n == ADMINISTRATOR { vec![USERS, ADMINS] } else { vec![USERS] };
    let tokens = own.into_iter().chain(groups.iter().map(|(_, rid)| *rid)).map(sid).collect();
    let computed = match locked {
        Some(at) if at > 0 && now.as_second() < at + LOCK => 0x10,
        _ => 0,
    };
    let changed = match copies {
        Copies::Same | Copies::Ahead => stage.started,
        Copies::Lags => moved(stage.started, -86_400 * 40),
    };
    let entry = Entry::new(dn, &["top", "person", "organizationalPerson", "user"])
        .with("objectCategory", format!("CN=Person,CN=Schema,CN=Configuration,{DOMAIN}"))
        .with("objectGUID", guid.clone())
        .with("objectSid", sid(u32::try_from(number % 1_000_000).unwrap_or_default() + 10_000))
        .with("displayName", format!("{first} {last}"))
        .with("sAMAccountName", format!("u{number}"))
        .with("userPrincipalName", format!("u{number}@desk.test"))
        .with("userAccountControl", control.to_string())
        .with("accountExpires", i64::MAX.to_string())
        .with("pwdLastSet", set.to_string())
        .with("whenChanged", stamp(changed))
        .with("uSNChanged", "4000")
        .having("memberOf", groups.iter().map(|(name, _)| group_dn(name).into_bytes()).collect())
        .having("tokenGroups", tokens)
        .with("msDS-User-Account-Control-Computed", computed.to_string());
    let entry = match n % 13 {
        5 => entry,
        _ => entry.with("mail", format!("u{number}@desk.test")),
    };
    let entry = match n % 9 {
        8 => entry,
        _ => entry.with("lastLogonTimestamp", ticks(started - 86_400 * 3).to_string()),
    };
    let entry = match locked {
        None => entry,
        Some(0) => entry.with("lockoutTime", "0"),
        Some(at) => entry.with("lockoutTime", ticks(at).to_string()),
    };
    entry.rewritten(&written)
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
