//! How many accounts each school has, and how they stand: bulk searches for all schools together.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::Timestamp;

use super::dn::Dn;
use super::failure::DirectoryFailure;
use super::places::{Finder, Places};
use super::root::{Lockout, Root};
use super::value::{Flags, Ticks};
use crate::model::ids::Laestab;
use crate::transport::ldap::{Entry, Filter, Scope, Search, Session, Take};

/// More accounts than this are not counted: the largest authority has a tenth of it.
const MOST_ACCOUNTS: usize = 1_000_000;
/// More OUs than this are not looked through.
const MOST_OUS: usize = 100_000;

/// The accounts of one school.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// All of them.
    pub accounts: usize,
    /// Those that are not disabled.
    pub enabled: usize,
    /// Disabled.
    pub disabled: usize,
    /// Locked out now, after too many wrong passwords; enabled or not.
    pub locked: usize,
    /// Enabled, but past the day on which the account ends.
    pub expired: usize,
    /// Enabled, but the password must be changed first.
    pub must_change: usize,
    /// Enabled, and never signed in to the domain. Who signs in to the cloud alone is among them.
    pub never_signed_in: usize,
    /// Enabled, and without a mail address: never provisioned.
    pub without_mail: usize,
    /// Accounts with a value that is missing: our account may not read it.
    pub hidden: usize,
    /// Accounts with a value that cannot be read.
    pub unreadable: usize,
}

/// What a census found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Census {
    /// The accounts of each school whose OU is there; a school without an account has zeros.
    pub counts: BTreeMap<Laestab, Counts>,
    /// Accounts below the schools' OU that are in no school's.
    pub strangers: usize,
    /// The folders that they stand in, directly below the schools' OU: the first few names.
    pub strange_folders: BTreeSet<String>,
    /// The controller.
    pub root: Root,
    /// How the domain locks.
    pub lockout: Lockout,
    /// Whether anybody has a `lockoutTime` that we may read. If nobody has, `locked` says nothing.
    pub sees_locks: bool,
    /// Requests that it took.
    pub requests: usize,
}

/// The most folders that are remembered by name.
const MOST_NAMED: usize = 20;
const STATE: &[&str] =
    &["userAccountControl", "accountExpires", "pwdLastSet", "lastLogonTimestamp"];
const LOCK: &[&str] = &["lockoutTime", "msDS-User-Account-Control-Computed"];

/// People, and not machines, which are users to a directory as well.
pub(super) fn people() -> Vec<Filter> {
    vec![Filter::equals("objectCategory", "person"), Filter::equals("objectClass", "user")]
}

pub(super) async fn take(
    session: &mut Session,
    places: &Places,
) -> Result<Census, DirectoryFailure> {
    let root = Root::of(session).await?;
    let lockout = Lockout::of(session, &root.domain).await?;
    let base = places.base().to_string();
    let mut requests = 2;

    let present = present(session, places, &mut requests).await?;
    let sees_locks = sees_locks(session, &base).await?;
    requests += 1;
    let mut count = Count {
        counts: present.into_iter().map(|school| (school, Counts::default())).collect(),
        strangers: 0,
        strange_folders: BTreeSet::new(),
        base: places.base(),
        finder: places.finder(),
    };
    let now = root.now;

    let everybody = Filter::and(&people());
    let mut each = |entry: Entry| count.state(&entry, now);
    requests += all(session, &base, &everybody, STATE, &mut each).await?;

    let mut parts = people();
    parts.push(Filter::at_least("lockoutTime", 1));
    let mut each = |entry: Entry| count.lock(&entry, &lockout, now);
    requests += all(session, &base, &Filter::and(&parts), LOCK, &mut each).await?;

    let mut parts = people();
    parts.push(Filter::has_bits("userAccountControl", Flags::DISABLED.0).negate());
    parts.push(Filter::present("mail").negate());
    let mut each = |entry: Entry| count.add(&entry, |c| c.without_mail += 1);
    requests += all(session, &base, &Filter::and(&parts), &[], &mut each).await?;

    let Count { counts, strangers, strange_folders, .. } = count;
    Ok(Census { counts, strangers, strange_folders, root, lockout, sees_locks, requests })
}

/// Whether anybody has a `lockoutTime` that we may read. An attribute that we may not read looks like
/// one that is not there, and a search for locked accounts finds none. In a domain that is in use, some
/// account has had one: it stays, as 0, when a lock is taken away.
pub(super) async fn sees_locks(
    session: &mut Session,
    base: &str,
) -> Result<bool, DirectoryFailure> {
    let mut parts = people();
    parts.push(Filter::present("lockoutTime"));
    let filter = Filter::and(&parts);
    let take = Take::First(1);
    let search = Search { base, scope: Scope::Subtree, filter: &filter, attributes: &[], take };
    Ok(session.search(&search, &mut drop).await?.entries > 0)
}

/// The schools whose OU is there.
pub(super) async fn present(
    session: &mut Session,
    places: &Places,
    requests: &mut usize,
) -> Result<BTreeSet<Laestab>, DirectoryFailure> {
    let keys = ous(session, &places.base().to_string(), requests).await?;
    let there = places.ous().iter().filter(|(_, ou)| keys.contains(&ou.key()));
    Ok(there.map(|(school, _)| *school).collect())
}

/// The keys of all OUs and containers below `base`.
async fn ous(
    session: &mut Session,
    base: &str,
    requests: &mut usize,
) -> Result<HashSet<String>, DirectoryFailure> {
    let filter = Filter::or(&[
        Filter::equals("objectClass", "organizationalUnit"),
        Filter::equals("objectClass", "container"),
    ]);
    let search = Search {
        base,
        scope: Scope::Subtree,
        filter: &filter,
        attributes: &[],
        take: Take::All(MOST_OUS),
    };
    let mut keys = HashSet::new();
    let mut odd = false;
    let mut each = |entry: Entry| match Dn::parse(entry.dn()) {
        Ok(dn) => drop(keys.insert(dn.key())),
        Err(_) => odd = true,
    };
    *requests += session.search(&search, &mut each).await?.pages;
    if odd {
        // An OU that cannot be read might be a school's.
        tracing::warn!(controller = session.controller(), "the name of an OU cannot be read");
    }
    Ok(keys)
}

async fn all(
    session: &mut Session,
    base: &str,
    filter: &Filter,
    attributes: &[&str],
    each: &mut (dyn FnMut(Entry) + Send),
) -> Result<usize, DirectoryFailure> {
    let search =
        Search { base, scope: Scope::Subtree, filter, attributes, take: Take::All(MOST_ACCOUNTS) };
    Ok(session.search(&search, each).await?.pages)
}

struct Count<'a> {
    counts: BTreeMap<Laestab, Counts>,
    strangers: usize,
    strange_folders: BTreeSet<String>,
    base: &'a Dn,
    finder: Finder<'a>,
}

impl Count<'_> {
    fn add(&mut self, entry: &Entry, add: impl FnOnce(&mut Counts)) {
        if let Some(counts) =
            self.finder.school(entry.dn()).and_then(|school| self.counts.get_mut(&school))
        {
            add(counts);
        }
    }

    fn state(&mut self, entry: &Entry, now: Timestamp) {
        let state = State::read(entry, now);
        if matches!(state, Err(Unread::NoPerson)) {
            return;
        }
        if self.finder.school(entry.dn()).is_none() {
            self.strangers += 1;
            // The leaf may be a person's name; what stands above it is none.
            let name = Dn::parse(entry.dn()).ok();
            let folder = name.as_ref().and_then(|n| n.between(self.base).first().copied());
            if let Some(folder) = folder.filter(|_| self.strange_folders.len() < MOST_NAMED) {
                self.strange_folders.insert(folder.to_owned());
            }
            return;
        }
        self.add(entry, |counts| {
            counts.accounts += 1;
            match state {
                Ok(state) => state.count(counts),
                Err(Unread::Hidden) => counts.hidden += 1,
                Err(Unread::Odd | Unread::NoPerson) => counts.unreadable += 1,
            }
        });
    }

    fn lock(&mut self, entry: &Entry, lockout: &Lockout, now: Timestamp) {
        let locked = is_locked(entry, lockout, now);
        self.add(entry, |counts| match locked {
            Some(true) => counts.locked += 1,
            Some(false) => {}
            None => counts.unreadable += 1,
        });
    }
}

/// Whether an account is locked out now. What the controller computes goes before our own reckoning:
/// it knows the policies of single groups.
fn is_locked(entry: &Entry, lockout: &Lockout, now: Timestamp) -> Option<bool> {
    match entry.one("msDS-User-Account-Control-Computed") {
        Some(computed) => Flags::read(computed).map(|flags| flags.has(Flags::LOCKED)),
        None if entry.count("msDS-User-Account-Control-Computed") > 0 => None,
        None => entry.one("lockoutTime").and_then(Ticks::read).map(|at| lockout.stands(at, now)),
    }
}

/// How one account stands.
struct State {
    disabled: bool,
    expired: bool,
    must_change: bool,
    never_signed_in: bool,
}

/// Why an account does not say how it stands.
enum Unread {
    /// The value is not there.
    Hidden,
    /// The value is no number.
    Odd,
    /// It is the account of a machine or of another domain.
    NoPerson,
}

impl State {
    fn read(entry: &Entry, now: Timestamp) -> Result<Self, Unread> {
        let flags = match (entry.one("userAccountControl"), entry.count("userAccountControl")) {
            (Some(value), _) => Flags::read(value).ok_or(Unread::Odd)?,
            (None, 0) => return Err(Unread::Hidden),
            (None, _) => return Err(Unread::Odd),
        };
        if flags.has(Flags::NO_PERSON) {
            return Err(Unread::NoPerson);
        }
        // An account that never had one of these has no such attribute.
        let ticks = |name| match (entry.one(name), entry.count(name)) {
            (Some(value), _) => Ticks::read(value).map(Some).ok_or(Unread::Odd),
            (None, 0) => Ok(None),
            (None, _) => Err(Unread::Odd),
        };
        let ends = ticks("accountExpires")?;
        let set = ticks("pwdLastSet")?;
        let signed_in = ticks("lastLogonTimestamp")?;
        Ok(Self {
            disabled: flags.has(Flags::DISABLED),
            expired: ends.is_some_and(|t| !t.is_never() && t <= Ticks::of(now)),
            must_change: set == Some(Ticks(0)),
            never_signed_in: signed_in.is_none_or(Ticks::is_never),
        })
    }

    fn count(&self, counts: &mut Counts) {
        if self.disabled {
            counts.disabled += 1;
            return;
        }
        counts.enabled += 1;
        counts.expired += usize::from(self.expired);
        counts.must_change += usize::from(self.must_change);
        counts.never_signed_in += usize::from(self.never_signed_in);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::{Just, Strategy, any, prop_oneof};

    const NOW: &str = "2027-02-09T11:20:00Z";

    fn counted(attributes: &[(&str, &[u8])]) -> Counts {
        let mut places = Places::new(Dn::parse("OU=Schools,DC=x").unwrap());
        places.add("9992001".parse().unwrap(), "OU=Ash,OU=Schools,DC=x").unwrap();
        let school: Laestab = "9992001".parse().unwrap();
        let mut count = Count {
            counts: BTreeMap::from([(school, Counts::default())]),
            strangers: 0,
            strange_folders: BTreeSet::new(),
            base: places.base(),
            finder: places.finder(),
        };
        let entry = Entry::of("CN=Zoe,OU=Ash,OU=Schools,DC=x", attributes);
        count.state(&entry, NOW.parse().unwrap());
        count.counts[&school]
    }

    #[test]
    fn folders_of_no_school_are_named_and_nobody_in_them() {
        let mut places = Places::new(Dn::parse("OU=Schools,DC=x").unwrap());
        places.add("9992001".parse().unwrap(), "OU=Ash,OU=Schools,DC=x").unwrap();
        let mut count = Count {
            counts: BTreeMap::new(),
            strangers: 0,
            strange_folders: BTreeSet::new(),
            base: places.base(),
            finder: places.finder(),
        };
        let mut see = |dn: &str| {
            let entry = Entry::of(dn, &[("userAccountControl", b"512")]);
            count.state(&entry, NOW.parse().unwrap());
        };
        see("CN=Zoe,OU=Ash,OU=Schools,DC=x");
        see("CN=Poppy,OU=Year 4,OU=Elm\\, and co,OU=Schools,DC=x");
        see("CN=Quinn,OU=Schools,DC=x");
        for n in 0..100 {
            see(&format!("CN=Rory,OU=Old {n:03},OU=Schools,DC=x"));
        }
        assert_eq!(count.strangers, 102);
        assert_eq!(count.strange_folders.len(), MOST_NAMED);
        assert!(count.strange_folders.contains("Elm, and co"), "{:?}", count.strange_folders);
        let all = format!("{:?}", count.strange_folders);
        assert!(!["Poppy", "Quinn", "Rory", "Year 4", "Ash"].iter().any(|n| all.contains(n)));
    }

    #[test]
    fn an_account_is_open_only_when_it_says_so() {
        let ended = Ticks::of("2027-02-09T11:19:59Z".parse().unwrap()).0.to_string();
        let ends = Ticks::of("2027-02-09T11:20:01Z".parse().unwrap()).0.to_string();
        for (flags, expires, set, wanted) in [
            (
                "512",
                "0",
                "1",
                Counts { accounts: 1, enabled: 1, never_signed_in: 1, ..Counts::default() },
            ),
            (
                "66048",
                ends.as_str(),
                "1",
                Counts { accounts: 1, enabled: 1, never_signed_in: 1, ..Counts::default() },
            ),
            (
                "512",
                ended.as_str(),
                "1",
                Counts {
                    accounts: 1,
                    enabled: 1,
                    expired: 1,
                    never_signed_in: 1,
                    ..Counts::default()
                },
            ),
            (
                "512",
                "9223372036854775807",
                "0",
                Counts {
                    accounts: 1,
                    enabled: 1,
                    must_change: 1,
                    never_signed_in: 1,
                    ..Counts::default()
                },
            ),
            // Of a disabled one nothing else matters.
            (
                "66050",
                ended.as_str(),
                "0",
                Counts { accounts: 1, disabled: 1, ..Counts::default() },
            ),
            ("4096", "0", "1", Counts::default()),
        ] {
            let attributes: [(&str, &[u8]); 3] = [
                ("userAccountControl", flags.as_bytes()),
                ("accountExpires", expires.as_bytes()),
                ("pwdLastSet", set.as_bytes()),
            ];
            assert_eq!(counted(&attributes), wanted, "{flags} {expires} {set}");
        }
    }

    /// A value as it should be, or damaged.
    pub(in crate::directory) fn damaged_value(
        good: &'static str,
    ) -> impl Strategy<Value = Option<Vec<u8>>> {
        prop_oneof![
            Just(Some(good.as_bytes().to_vec())),
            Just(None),
            Just(Some(Vec::new())),
            Just(Some(format!("{good} ").into_bytes())),
            Just(Some(format!("0x{good}").into_bytes())),
            Just(Some(b"null".to_vec())),
            Just(Some(good.as_bytes()[..1].to_vec())),
            any::<i64>().prop_map(|n| Some(n.to_string().into_bytes())),
            proptest::collection::vec(any::<u8>(), 0..12).prop_map(Some),
        ]
    }

    proptest::proptest! {
        #[test]
        fn a_damaged_account_is_never_open(
            flags in damaged_value("512"), ends in damaged_value("9223372036854775807"), set in damaged_value("134467176000000000"), last in damaged_value("0"),
        ) {
            let all = [("userAccountControl", &flags), ("accountExpires", &ends), ("pwdLastSet", &set), ("lastLogonTimestamp", &last)];
            let there: Vec<(&str, &[u8])> = all.iter().filter_map(|(n, v)| Some((*n, v.as_deref()?))).collect();
            let counts = counted(&there);
            let sum = counts.enabled + counts.disabled + counts.hidden + counts.unreadable;
            proptest::prop_assert_eq!(counts.accounts, sum);
            if counts.enabled == 1 {
                let read = flags.as_deref().and_then(Flags::read);
                proptest::prop_assert!(read.is_some_and(|f| !f.has(Flags::DISABLED)));
                let fine = |v: &Option<Vec<u8>>| v.as_deref().is_none_or(|v| Ticks::read(v).is_some());
                proptest::prop_assert!(fine(&ends) && fine(&set) && fine(&last));
            }
        }
    }
}
