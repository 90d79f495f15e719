//! How the controllers agree: do all answer, what do their clocks say, and does each have what the
//! others have had for a while.
//!
//! A controller's change numbers are its own, and the lists of its partners need rights that a reading
//! account does not have. So the content itself is compared: some passwords set a while ago on one
//! controller must be as new on every other. No name is asked for; accounts are told apart by id.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::Directory;
use super::census::people;
use super::failure::DirectoryFailure;
use super::root::Root;
use super::value::{Guid, Ticks, generalised_time};
use crate::model::text::Clean;
use crate::ports::clock::Clock;
use crate::transport::ldap::{Entry, Filter, Scope, Search, Session, Take};

/// Accounts that are taken as a sample on each controller.
const SAMPLE: u16 = 40;
/// Ids that are looked for by one request.
const IDS: usize = 40;
/// How far the clocks of two controllers may differ without making a change look newer than it is.
const SLACK: SignedDuration = SignedDuration::from_mins(5);

/// One controller, asked by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controller {
    /// Scheme, host and port, as configured.
    pub name: String,
    /// How it stands.
    pub standing: Result<Standing, DirectoryFailure>,
}

/// A controller that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What it says of itself.
    pub root: Root,
    /// Its clock minus ours, to the second; positive when it is ahead.
    pub ahead: SignedDuration,
    /// Accounts of other controllers that were looked for here.
    pub compared: usize,
    /// What it lacks.
    pub behind: Vec<Behind>,
}

/// Changes that one controller has and another does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// The controller that has them, by its own name.
    pub of: Clean,
    /// How many of the sample.
    pub changes: usize,
    /// When the newest of them was made.
    pub newest: Timestamp,
}

/// A password that was set: whose, and when.
type Marks = BTreeMap<Guid, Ticks>;

/// How an account stands on the controller that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Here {
    set: Option<Ticks>,
    changed: Option<Timestamp>,
}

/// A controller that answered, with its connection and its sample.
struct Asked {
    session: Session,
    root: Root,
    ahead: SignedDuration,
    marks: Marks,
}

impl Directory {
    /// Asks every controller by itself: two requests each, and one more where others have a sample to
    /// look for. What is younger than `allowed` is not looked at.
    pub async fn agreement(
        &self,
        password: &SecretString,
        clock: &dyn Clock,
        allowed: SignedDuration,
    ) -> Vec<Controller> {
        let names: Vec<String> = self.controllers().names().map(str::to_owned).collect();
        let asked = (0..names.len()).map(|place| self.ask_one(place, password, clock, allowed));
        let asked = join_all(asked).await;
        // What each of them has, for the others to be held against.
        let samples: Vec<Option<(Clean, Marks)>> = asked
            .iter()
            .map(|a| a.as_ref().ok().map(|a| (a.root.host.clone(), a.marks.clone())))
            .collect();
        let compared = asked.into_iter().enumerate().map(|(place, asked)| {
            let others: Vec<(Clean, Marks)> = samples
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != place)
                .filter_map(|(_, sample)| sample.clone())
                .collect();
            async move { compare(asked?, self, others).await }
        });
        let standings = join_all(compared).await;
        names
            .into_iter()
            .zip(standings)
            .map(|(name, standing)| Controller { name, standing })
            .collect()
    }

    async fn ask_one(
        &self,
        place: usize,
        password: &SecretString,
        clock: &dyn Clock,
        allowed: SignedDuration,
    ) -> Result<Asked, DirectoryFailure> {
        let mut session = self.controllers().open(place, password).await?;
        let before = clock.now();
        let root = Root::of(&mut session).await?;
        let took = clock.now().duration_since(before);
        let ours = before.checked_add(took / 2).unwrap_or(before);
        let ahead = SignedDuration::from_secs(root.now.duration_since(ours).as_secs());
        let base = self.places().base().to_string();
        let marks = sample(&mut session, &base, &root, allowed).await?;
        Ok(Asked { session, root, ahead, marks })
    }
}

/// Some accounts whose password was set within the last day, but not within `allowed`.
async fn sample(
    session: &mut Session,
    base: &str,
    root: &Root,
    allowed: SignedDuration,
) -> Result<Marks, DirectoryFailure> {
    let until = root.now.checked_sub(allowed).unwrap_or(root.now);
    let from = until.checked_sub(SignedDuration::from_hours(24)).unwrap_or(until);
    let (from, until) = (Ticks::of(from), Ticks::of(until));
    let mut parts = people();
    parts.push(Filter::at_least("pwdLastSet", from.0.max(1)));
    parts.push(Filter::at_least("pwdLastSet", until.0.max(1)).negate());
    let filter = Filter::and(&parts);
    let attributes = &["objectGUID", "pwdLastSet"];
    let take = Take::First(SAMPLE);
    let search = Search { base, scope: Scope::Subtree, filter: &filter, attributes, take };
    let mut marks = Marks::new();
    let mut odd = false;
    let mut each = |entry: Entry| match read(&entry) {
        Some((id, Here { set: Some(set), .. })) => drop(marks.insert(id, set)),
        _ => odd = true,
    };
    session.search(&search, &mut each).await?;
    if odd {
        let why = "an account has no readable objectGUID or pwdLastSet: may our account read them?";
        return Err(DirectoryFailure::malformed(session.controller(), why));
    }
    Ok(marks)
}

fn read(entry: &Entry) -> Option<(Guid, Here)> {
    let id = entry.one("objectGUID").and_then(Guid::read)?;
    let set = entry.one("pwdLastSet").map(Ticks::read);
    let changed = entry.one("whenChanged").map(generalised_time);
    // Missing is one thing, unreadable another.
    if set == Some(None) || changed == Some(None) {
        return None;
    }
    Some((id, Here { set: set.flatten(), changed: changed.flatten() }))
}

/// Looks for the others' samples on one controller.
async fn compare(
    asked: Asked,
    directory: &Directory,
    others: Vec<(Clean, Marks)>,
) -> Result<Standing, DirectoryFailure> {
    let Asked { mut session, root, ahead, .. } = asked;
    let mut ids: Vec<Guid> = others.iter().flat_map(|(_, marks)| marks.keys().copied()).collect();
    ids.sort();
    ids.dedup();
    let base = directory.places().base().to_string();
    let here = look_for(&mut session, &base, &ids).await?;
    session.close().await;
    let behind = others.iter().filter_map(|(of, marks)| lacks(of, marks, &here)).collect();
    Ok(Standing { root, ahead, compared: ids.len(), behind })
}

async fn look_for(
    session: &mut Session,
    base: &str,
    ids: &[Guid],
) -> Result<BTreeMap<Guid, Here>, DirectoryFailure> {
    let mut here = BTreeMap::new();
    for ids in ids.chunks(IDS) {
        let these: Vec<Filter> = ids.iter().map(|id| id.filter()).collect();
        let filter = Filter::or(&these);
        let attributes = &["objectGUID", "pwdLastSet", "whenChanged"];
        let take = Take::All(ids.len());
        let search = Search { base, scope: Scope::Subtree, filter: &filter, attributes, take };
        let mut odd = false;
        let mut each = |entry: Entry| odd |= !take_in(&mut here, &entry);
        session.search(&search, &mut each).await?;
        if odd {
            let why = "an account has no readable objectGUID, pwdLastSet or whenChanged";
            return Err(DirectoryFailure::malformed(session.controller(), why));
        }
    }
    Ok(here)
}

/// Whether the entry says when it was changed last, as each does to who may read it: without that, an
/// older password would look like one that was set again.
fn take_in(here: &mut BTreeMap<Guid, Here>, entry: &Entry) -> bool {
    match read(entry) {
        Some((id, state)) if state.changed.is_some() => {
            here.insert(id, state);
            true
        }
        _ => false,
    }
}

/// What the controller with `here` lacks of `marks`. An account that is not there at all may have been
/// deleted or moved here first, which the other has yet to hear: that proves nothing.
fn lacks(of: &Clean, marks: &Marks, here: &BTreeMap<Guid, Here>) -> Option<Behind> {
    let late = |id: &Guid, set: Ticks| {
        let Some(state) = here.get(id) else { return false };
        if state.set.is_some_and(|s| s >= set) {
            return false;
        }
        // Changed here since: whatever it was, it came after the password of the mark.
        match (state.changed, set.at()) {
            (Some(changed), Some(set)) => changed < set - SLACK,
            _ => false,
        }
    };
    let missing: Vec<Ticks> =
        marks.iter().filter(|(id, set)| late(id, **set)).map(|(_, set)| *set).collect();
    let newest = missing.iter().max().and_then(|t| t.at())?;
    Some(Behind { of: of.clone(), changes: missing.len(), newest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::census::tests::damaged_value;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
    }

    fn id(n: u8) -> Guid {
        Guid::read(&[n; 16]).unwrap()
    }

    fn here(set: Option<i64>, changed: i64) -> Here {
        Here { set: set.map(|m| Ticks::of(at(m))), changed: Some(at(changed)) }
    }

    #[test]
    fn an_older_password_on_an_object_that_has_not_changed_since_is_behind() {
        let marks = Marks::from([(id(1), Ticks::of(at(100))), (id(2), Ticks::of(at(120)))]);
        let of = Clean::new("dc1");
        let lacks = |one, two| lacks(&of, &marks, &BTreeMap::from([(id(1), one), (id(2), two)]));
        let known = here(Some(100), 100);
        assert_eq!(lacks(known, here(Some(120), 120)), None);
        let behind = Behind { of: of.clone(), changes: 1, newest: at(120) };
        assert_eq!(lacks(known, here(Some(7), 90)), Some(behind.clone()));
        assert_eq!(lacks(known, here(None, 90)), Some(behind), "never set here");
        let both = lacks(here(Some(1), 2), here(Some(3), 4)).unwrap();
        assert_eq!((both.changes, both.newest), (2, at(120)));
    }

    proptest::proptest! {
        /// Each of these lacks the password of 14:30, and was changed last an hour before.
        #[test]
        fn a_damaged_account_is_behind_or_unreadable_or_says_that_it_is_not(
            values in proptest::collection::vec(
                (damaged_value("134455302000000000"), damaged_value("20270127133000.0Z")),
                1..12,
            ),
        ) {
            let set = Ticks(134_455_338_000_000_000);
            let (mut marks, mut here) = (Marks::new(), BTreeMap::new());
            let (mut readable, mut excused) = (true, 0);
            for (n, (old, changed)) in values.iter().enumerate() {
                let bytes = [u8::try_from(n).unwrap(); 16];
                marks.insert(Guid::read(&bytes).unwrap(), set);
                let mut there: Vec<(&str, &[u8])> = vec![("objectGUID", &bytes)];
                there.extend(old.iter().map(|v| ("pwdLastSet", v.as_slice())));
                there.extend(changed.iter().map(|v| ("whenChanged", v.as_slice())));
                readable &= take_in(&mut here, &Entry::of("CN=Zoe,DC=x", &there));
                let text = |v: &Option<Vec<u8>>| String::from_utf8(v.clone().unwrap_or_default()).unwrap_or_default();
                let is_as_new = text(old).parse::<i64>().is_ok_and(|t| t >= set.0);
                let is_changed = text(changed).get(..12).is_some_and(|t| t >= "202701271425");
                excused += usize::from(is_as_new || is_changed);
            }
            if readable {
                let behind = lacks(&Clean::new("dc1"), &marks, &here).map_or(0, |b| b.changes);
                proptest::prop_assert!(behind + excused >= values.len(), "{behind} {excused} {values:?}");
            }
        }
    }

    #[test]
    fn an_account_that_does_not_say_when_it_changed_is_not_compared() {
        let whole: [(&str, &[u8]); 3] = [
            ("objectGUID", &[7; 16]),
            ("pwdLastSet", b"134455302000000000"),
            ("whenChanged", b"20270127133000.0Z"),
        ];
        let mut here = BTreeMap::new();
        assert!(take_in(&mut here, &Entry::of("CN=Zoe,DC=x", &whole)));
        assert_eq!(here.len(), 1);
        here.clear();
        assert!(!take_in(&mut here, &Entry::of("CN=Zoe,DC=x", &whole[..2])));
        assert!(here.is_empty(), "it would look as if its password had been set again");
    }

    #[test]
    fn what_may_be_newer_here_is_not_behind() {
        let marks = Marks::from([(id(1), Ticks::of(at(100)))]);
        let lacks = |state| lacks(&Clean::new("dc1"), &marks, &BTreeMap::from([(id(1), state)]));
        assert_eq!(lacks(here(Some(101), 101)), None, "set again");
        assert_eq!(lacks(here(None, 130)), None, "marked to be changed since");
        assert_eq!(lacks(here(Some(7), 96)), None, "within what the clocks may differ");
        assert_eq!(lacks(Here { set: None, changed: None }), None);
        let nowhere = super::lacks(&Clean::new("dc1"), &marks, &BTreeMap::new());
        assert_eq!(nowhere, None, "deleted here first");
    }
}
