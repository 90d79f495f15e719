//! Acting on accounts: reading one to plan for, doing one step, looking for its effect.
//!
//! Each of these signs in anew, with an account of its own that may write. What a step wrote is looked
//! for on the controller that took it.
//!
//! Invariant: right before each write the account is read again, in the school's own OU, and the fence
//! is asked again. Invariant: one call of `step` sends at most one change.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use super::Directory;
use super::account::{self, Account, Here, NoAccount};
use super::deed::Deed;
use super::dn::Dn;
use super::failure::DirectoryFailure;
use super::fence::Fence;
use super::group::{self, Group};
use super::kinds::Kinds;
use super::password;
use super::value::{Flags, Ticks};
use crate::model::ids::{CredentialName, Laestab};
use crate::model::plan::{AccountName, Aim, Item, Kind, Operator};
use crate::model::text::Clean;
use crate::ports::act::{Answer, Refused, Seen};
use crate::ports::chance::Entropy;
use crate::ports::secrets::Secrets;
use crate::transport::Failure;
use crate::transport::ldap::{Change, LdapFailure, Session, Written};

/// How long another controller may lack what one has taken.
const COPIED_WITHIN: SignedDuration = SignedDuration::from_mins(15);
/// A controller tells its time in whole seconds.
const SECOND: SignedDuration = SignedDuration::from_secs(1);
/// Steps whose notes are kept; the oldest go first.
const NOTES: usize = 1_000;

/// Who acts, and on what terms.
pub struct Terms {
    /// Who is not touched.
    pub fence: Fence,
    /// How kinds of accounts are told.
    pub kinds: Kinds,
    /// The credential of the account that may write.
    pub credential: CredentialName,
    /// Where it is kept.
    pub secrets: Arc<dyn Secrets>,
    /// For passwords.
    pub entropy: Arc<dyn Entropy>,
}

/// Acts on accounts of one directory.
pub struct Acting {
    directory: Directory,
    terms: Terms,
    notes: Mutex<Notes>,
}

/// An account that may be acted on.
pub struct Found {
    /// The account.
    pub account: Account,
    /// What is known of the domain.
    pub here: Here,
    /// Whose it is.
    pub kind: Kind,
    /// The school.
    pub school: Laestab,
    /// The controller that was asked.
    pub by: String,
}

/// What is remembered of a step between doing it and looking for it. A restart forgets it.
#[derive(Debug, Clone, Copy)]
struct Note {
    /// The controller that it was sent to.
    place: usize,
    /// As it was just before.
    password_set: Ticks,
    changed: i64,
    /// Whether the controller said that it took it.
    taken: bool,
}

#[derive(Default)]
struct Notes {
    of: BTreeMap<(Clean, usize), (u64, Note)>,
    serial: u64,
}

impl Notes {
    fn put(&mut self, key: &Clean, step: usize, note: Note) {
        self.serial += 1;
        self.of.insert((key.clone(), step), (self.serial, note));
        if self.of.len() > NOTES {
            let oldest = self.of.iter().min_by_key(|(_, (serial, _))| *serial);
            if let Some(oldest) = oldest.map(|(at, _)| at.clone()) {
                self.of.remove(&oldest);
            }
        }
    }

    fn get(&self, key: &Clean, step: usize) -> Option<Note> {
        self.of.get(&(key.clone(), step)).map(|(_, note)| *note)
    }

    /// When the password was set as it was read just before the next of `steps` was written after this
    /// one; `None` where none was.
    fn before_next(&self, key: &Clean, step: usize, steps: &[usize]) -> Option<Ticks> {
        let (own, _) = self.of.get(&(key.clone(), step))?;
        let others = steps.iter().filter_map(|n| self.of.get(&(key.clone(), *n)));
        let next = others.filter(|(serial, _)| serial > own).min_by_key(|(serial, _)| *serial);
        next.map(|(_, note)| note.password_set)
    }
}

impl From<NoAccount> for Refused {
    fn from(why: NoAccount) -> Self {
        match why {
            NoAccount::NotOne(why) => Self::NotOne(why),
            NoAccount::CannotRead(why) => Self::CannotRead(why),
        }
    }
}

fn says(text: &str) -> Clean {
    Clean::new(text)
}

/// The steps of an item that set a password that nobody sees.
fn passwords(item: &Item) -> Vec<usize> {
    let unseen = |step| matches!(Deed::of(step), Some(Deed::Unseen(_)));
    item.steps.iter().enumerate().filter(|(_, step)| unseen(step)).map(|(n, _)| n).collect()
}

/// Where an item of the directory aims.
fn aim(item: &Item) -> Option<(Laestab, &AccountName)> {
    match &item.aim {
        Aim::Account(school, name @ AccountName::Guid(_)) => Some((*school, name)),
        _ => None,
    }
}

impl Acting {
    /// Acts on the accounts of `directory`, whose account to sign in with may write.
    #[must_use]
    pub fn new(directory: Directory, terms: Terms) -> Self {
        Self { directory, terms, notes: Mutex::default() }
    }

    /// The OU of a school.
    #[must_use]
    pub fn ou(&self, school: Laestab) -> Option<&Dn> {
        self.directory.places().ous().get(&school)
    }

    async fn password(&self) -> Result<SecretString, String> {
        let (secrets, name) = (self.terms.secrets.clone(), self.terms.credential.clone());
        let found = tokio::task::spawn_blocking(move || secrets.find(&name)).await;
        let name = &self.terms.credential;
        match found {
            Ok(Ok(found)) => Ok(found.value),
            Ok(Err(e)) => Err(format!("{e}; store it with `caretaker secret set {name}`")),
            Err(_) => Err(format!("the credential stores did not answer for `{name}`")),
        }
    }

    /// A signed-in session and its controller: the one at `first` if it answers, else the first that
    /// does.
    async fn open(&self, first: Option<usize>) -> Result<(Session, usize), String> {
        let password = self.password().await?;
        let controllers = self.directory.controllers();
        if let Some(place) = first
            && let Ok(session) = controllers.open(place, &password).await
        {
            return Ok((session, place));
        }
        let mut route = controllers.route();
        let session = route.open(&password).await.map_err(|e| e.to_string())?;
        Ok((session, route.place()))
    }

    /// The account that `name` names in `school`, if somebody called `by` may act on it.
    ///
    /// # Errors
    /// Why not: it is not one, it is protected, or something cannot be read.
    pub async fn find(
        &self,
        school: Laestab,
        name: &AccountName,
        by: &Operator,
    ) -> Result<Found, Refused> {
        let (mut session, _) = self.open(None).await.map_err(Refused::CannotRead)?;
        let account = self.allowed(&mut session, school, name, Some(by)).await?;
        let here = account::here(&mut session).await.map_err(NoAccount::from)?;
        let by = session.controller().to_owned();
        session.close().await;
        let kind = self.ou(school).map_or(Kind::Other, |ou| self.terms.kinds.of(&account, ou));
        Ok(Found { account, here, kind, school, by })
    }

    /// The account, read whole and let through by the fence.
    async fn allowed(
        &self,
        session: &mut Session,
        school: Laestab,
        name: &AccountName,
        by: Option<&Operator>,
    ) -> Result<Account, Refused> {
        let account = account::read(session, self.directory.places(), school, name).await?;
        if !account.admin_count {
            let root = super::Root::of(session).await.map_err(NoAccount::from)?;
            account::sees_admin_count(session, &root.domain).await?;
        }
        let by = by.map(|by| by.name.as_str());
        self.terms.fence.allows(&account, by).map_err(Refused::Protected)?;
        Ok(account)
    }

    /// The account of an item, read again and let through again, for a step that another system does.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn again(&self, item: &Item) -> Result<Account, Refused> {
        let none = || Refused::NotOne("the item aims at no account".into());
        let (school, name) = aim(item).ok_or_else(none)?;
        let (mut session, _) = self.open(None).await.map_err(Refused::CannotRead)?;
        let account = self.allowed(&mut session, school, name, None).await?;
        session.close().await;
        Ok(account)
    }

    /// The groups of these names, if all are there and none of them runs the domain.
    ///
    /// # Errors
    /// Which is not, or cannot be read.
    pub async fn groups(&self, names: &[&Dn]) -> Result<Vec<Group>, Refused> {
        let (mut session, _) = self.open(None).await.map_err(Refused::CannotRead)?;
        let mut out = Vec::new();
        for name in names {
            out.push(group::read(&mut session, &name.to_string()).await?);
        }
        session.close().await;
        Ok(out)
    }

    /// Does step `n` of `item`; `None` when it is not one of the directory's.
    pub async fn step(&self, item: &Item, n: usize) -> Option<Answer> {
        let deed = item.steps.get(n).and_then(Deed::of)?;
        let Some((school, name)) = aim(item) else {
            return Some(Answer::Refused { says: says("the item aims at no account") });
        };
        Some(match self.begin(&deed, school, name).await {
            Ok(Ready::Write(mut ready)) => self.write(item, n, &deed, &mut ready).await,
            Ok(Ready::Already) => Answer::Took {
                says: says(&format!("{} already", deed.seen_as())),
                reference: None,
                secret: None,
            },
            Err(answer) => answer,
        })
    }

    /// Everything before the write: signed in, read again, let through again.
    async fn begin(
        &self,
        deed: &Deed,
        school: Laestab,
        name: &AccountName,
    ) -> Result<Ready, Answer> {
        let not_sent = |why: String| Answer::NotSent { says: says(&why) };
        let (mut session, place) = self.open(None).await.map_err(not_sent)?;
        let account = match self.allowed(&mut session, school, name, None).await {
            Ok(account) => account,
            Err(Refused::CannotRead(why)) => return Err(not_sent(why)),
            Err(changed) => return Err(Answer::Changed { says: says(&changed.to_string()) }),
        };
        let group = match deed.group() {
            None => None,
            Some(guid) => match group::read(&mut session, &guid.as_dn()).await {
                Ok(group) => Some(group),
                Err(NoAccount::CannotRead(why)) => return Err(not_sent(why)),
                Err(gone) => return Err(Answer::Changed { says: says(&gone.to_string()) }),
            },
        };
        let in_group = group.as_ref().is_some_and(|g| account.is_in(&g.dn));
        if deed.shows(&account, in_group) == Some(true) {
            return Ok(Ready::Already);
        }
        if !deed.still_fits(&account) {
            let why = "the account is no longer as the plan read it; nothing was written";
            return Err(Answer::Changed { says: says(why) });
        }
        Ok(Ready::Write(Box::new(Writing { session, place, account, group })))
    }

    async fn write(&self, item: &Item, n: usize, deed: &Deed, ready: &mut Writing) -> Answer {
        let (changes, secret) = match self.changes(deed, ready) {
            Ok(made) => made,
            Err(why) => return Answer::NotSent { says: says(&why) },
        };
        let dn = ready.group.as_ref().map_or(ready.account.guid, |g| g.guid).as_dn();
        let mut note = Note {
            place: ready.place,
            password_set: ready.account.password_set,
            changed: ready.account.changed,
            taken: false,
        };
        self.note(&item.key, n, note);
        let written = ready.session.modify(&dn, &changes).await;
        let at = ready.session.controller().to_owned();
        match written {
            Written::Taken => {
                note.taken = true;
                self.note(&item.key, n, note);
                Answer::Took { says: says(&format!("{at} took it")), reference: None, secret }
            }
            // Somebody else was faster: to the same end, perhaps.
            Written::Changed => self.compared(deed, ready, &at, None).await,
            Written::Refused(failure) => match failure {
                LdapFailure::Call(Failure::Throttled { .. } | Failure::NoAnswer { .. }) => {
                    Answer::NotSent { says: says(&failure.to_string()) }
                }
                failure => self.compared(deed, ready, &at, Some(failure)).await,
            },
            Written::NoAnswer(failure) => Answer::NoAnswer { says: says(&failure.to_string()) },
        }
    }

    /// After a refusal: the account is read once more, in case it is so already.
    async fn compared(
        &self,
        deed: &Deed,
        ready: &mut Writing,
        at: &str,
        refused: Option<LdapFailure>,
    ) -> Answer {
        let name = AccountName::Guid(ready.account.guid.to_string());
        let places = self.directory.places();
        let school = places.school(&ready.account.raw_dn);
        if let Some(school) = school
            && let Ok(now) = account::read(&mut ready.session, places, school, &name).await
        {
            let in_group = ready.group.as_ref().is_some_and(|g| now.is_in(&g.dn));
            if deed.shows(&now, in_group) == Some(true) {
                let text = format!("{at}: {} already", deed.seen_as());
                return Answer::Took { says: says(&text), reference: None, secret: None };
            }
        }
        match refused {
            None => Answer::Changed {
                says: says(&format!("{at}: the value had just been changed; nothing was written")),
            },
            Some(failure) => Answer::Refused { says: says(&refusal(&failure, deed)) },
        }
    }

    /// What is sent, and the password that is to be shown.
    fn changes(
        &self,
        deed: &Deed,
        ready: &Writing,
    ) -> Result<(Vec<Change>, Option<SecretString>), String> {
        let account = &ready.account;
        let flags = |to: Flags| {
            let new = to.0.cast_signed().to_string();
            Change::swap("userAccountControl", &account.flags_text, new.as_bytes()).into()
        };
        let set = |password: &SecretString| {
            Change::replace("unicodePwd", &password::encoded(password.expose_secret()))
        };
        let chance = |e: crate::ports::chance::NoChance| e.to_string();
        Ok(match deed {
            Deed::Disable(_) => (flags(Flags(account.flags.0 | Flags::DISABLED.0)), None),
            Deed::Enable(_) => (flags(Flags(account.flags.0 & !Flags::DISABLED.0)), None),
            Deed::Unlock(at) => {
                let old = at.0.to_string();
                (Change::swap("lockoutTime", old.as_bytes(), b"0").into(), None)
            }
            Deed::Unseen(_) => {
                let unseen = password::unseen(&*self.terms.entropy).map_err(chance)?;
                (vec![set(&unseen)], None)
            }
            Deed::Reset => {
                let names =
                    [account.login.as_str(), account.name.as_str(), account.principal.as_str()];
                let shown = password::readable(&*self.terms.entropy, &names).map_err(chance)?;
                // In one change: nobody can sign in with it without changing it.
                (vec![set(&shown), Change::replace("pwdLastSet", b"0")], Some(shown))
            }
            Deed::Join(_) => (vec![Change::add("member", account.raw_dn.as_bytes())], None),
            Deed::Leave(_) => (vec![Change::delete("member", account.raw_dn.as_bytes())], None),
        })
    }

    fn note(&self, key: &Clean, step: usize, note: Note) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).put(key, step, note);
    }

    /// Reads what became of step `n`; `None` when it is not one of the directory's.
    pub async fn look(
        &self,
        item: &Item,
        n: usize,
        sent_at: Timestamp,
        now: Timestamp,
    ) -> Option<Seen> {
        let deed = item.steps.get(n).and_then(Deed::of)?;
        let (school, name) = aim(item)?;
        let (note, before_next) = {
            let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
            (notes.get(&item.key, n), notes.before_next(&item.key, n, &passwords(item)))
        };
        if deed == Deed::Reset && !note.is_some_and(|n| n.taken) {
            return Some(Seen::CannotTell(says(
                "whether it was set cannot be told, and nobody has the new password: close this, \
                 and reset it again",
            )));
        }
        Some(match self.read(&deed, school, name, note).await {
            Err(why) => Seen::CannotTell(says(&why)),
            Ok(mut read) => {
                // What another password of this chain did after this one is not this one's effect.
                read.account.password_set = before_next.unwrap_or(read.account.password_set);
                read.judged(&deed, note, sent_at, now, self.alone())
            }
        })
    }

    /// Whether there is one controller only, so that what is not there was written nowhere.
    fn alone(&self) -> bool {
        self.directory.controllers().names().len() == 1
    }

    async fn read(
        &self,
        deed: &Deed,
        school: Laestab,
        name: &AccountName,
        note: Option<Note>,
    ) -> Result<Read, String> {
        let (mut session, place) = self.open(note.map(|n| n.place)).await?;
        let places = self.directory.places();
        let read = account::read(&mut session, places, school, name).await;
        let account = read.map_err(|e| e.to_string())?;
        let in_group = match deed.group() {
            None => false,
            Some(guid) => {
                let group = group::read(&mut session, &guid.as_dn()).await;
                account.is_in(&group.map_err(|e| e.to_string())?.dn)
            }
        };
        let root =
            super::Root::of(&mut session).await.map_err(|e: DirectoryFailure| e.to_string())?;
        let at = session.controller().to_owned();
        session.close().await;
        Ok(Read { account, in_group, clock: root.now, place, at })
    }
}

/// What is sent next, or that nothing has to be.
enum Ready {
    Write(Box<Writing>),
    Already,
}

/// An account about to be written to.
struct Writing {
    session: Session,
    place: usize,
    account: Account,
    group: Option<Group>,
}

/// What a look found.
struct Read {
    account: Account,
    in_group: bool,
    /// The controller's clock.
    clock: Timestamp,
    place: usize,
    at: String,
}

impl Read {
    fn judged(
        &self,
        deed: &Deed,
        note: Option<Note>,
        sent_at: Timestamp,
        now: Timestamp,
        alone: bool,
    ) -> Seen {
        let there = || Seen::There(says(&format!("{}: {}", self.at, deed.seen_as())));
        let same_place = alone || note.is_some_and(|n| n.place == self.place);
        let shows = match deed.shows(&self.account, self.in_group) {
            Some(shows) => shows,
            None => self.password_is_new(deed, note, sent_at, now),
        };
        if shows {
            return there();
        }
        let text = says(&format!("{}: {}", self.at, deed.not_seen_as()));
        // Another controller may not have heard of it yet.
        if !same_place && now.duration_since(sent_at) < COPIED_WITHIN {
            return Seen::NotYet(text);
        }
        Seen::NotThere(text)
    }

    fn password_is_new(
        &self,
        deed: &Deed,
        note: Option<Note>,
        sent_at: Timestamp,
        now: Timestamp,
    ) -> bool {
        let set = self.account.password_set;
        match note.filter(|n| n.place == self.place) {
            Some(note) if *deed == Deed::Reset => {
                self.account.changed > note.changed && (set == Ticks(0) || set > note.password_set)
            }
            Some(note) => set > note.password_set,
            // By the clocks: a repetition does no harm, a missing one would.
            None => {
                let ahead = self.clock.duration_since(now) + SECOND;
                let set = set.at().and_then(|set| set.checked_sub(ahead).ok());
                set.is_some_and(|set| set >= sent_at)
            }
        }
    }
}

/// What a refusal means for the desk.
fn refusal(failure: &LdapFailure, deed: &Deed) -> String {
    match failure {
        LdapFailure::Denied { controller } => format!(
            "{controller} refused: our account may not change this (is the right delegated to it, \
             or is the account protected?)"
        ),
        LdapFailure::Refused { controller, code: 19, .. } => {
            format!("{controller} refused: the domain's rules for passwords do not take it")
        }
        LdapFailure::Refused { controller, code: 53, .. }
            if matches!(deed, Deed::Unseen(_) | Deed::Reset) =>
        {
            format!("{controller} refused the password: the domain's rules do not take it")
        }
        other => other.to_string(),
    }
}
