//! What a plan for an account says: how it stands now, what would be done, what would not, and what to
//! beware of. Pure, but for the account that it is given.
//!
//! Invariant: nothing here but what is only shown names a person.

use crate::directory::{Account, Deed, Flags, Found};
use crate::model::observation::Fact;
use crate::model::plan::{AccountName, Aim, Ask, IF_LEFT_OPEN, Item, Step};
use crate::model::text::Clean;
use crate::ports::act::{Prepared, Refused};
use crate::services::accounts::shown;
use crate::services::welearn365::actions::cloud::{Deed as CloudDeed, Known, Sky};
use crate::services::welearn365::actions::on_demand;

/// What follows from a lock that did not reach the directory.
const SYNC_REOPENS: &str =
    "as long as the account is open in the directory, the next sync reopens WeLearn365";

/// Of an account, where nothing acts in Microsoft 365.
const ROLES_UNSEEN: &str = "roles in Microsoft 365 were not looked at (no services.welearn365.act): whether it \
    is an administrator's there is not known";

/// What an action makes of an account.
struct Draft {
    steps: Vec<Step>,
    protective: bool,
    will_not: Vec<&'static str>,
    beware: Vec<String>,
    undo: Option<&'static str>,
}

/// The item for `ask`, whose target was named `name`.
pub(super) fn prepared(
    ask: &Ask,
    name: &AccountName,
    found: &Found,
    sky: &Sky,
    show: bool,
) -> Result<Prepared, Refused> {
    if let Some(choice) = ask.choices.keys().next() {
        return Err(Refused::Choice(format!("{} takes no choice {choice:?}", ask.action)));
    }
    let draft = match ask.action.as_str() {
        "welearn365.lock_account" => Ok(lock(&found.account, sky)),
        "welearn365.restore_account" => restore(&found.account, sky),
        "welearn365.clear_lockout" => clear(&found.account),
        "welearn365.reset_password" => reset(ask, &found.account),
        "welearn365.resync_account" => resync(ask, &found.account, sky),
        other => Err(Refused::Choice(format!("{other} is not about an account"))),
    }?;
    let account = &found.account;
    let mut beware = draft.beware;
    if matches!(sky, Sky::NotOurs) {
        beware.push(ROLES_UNSEEN.to_owned());
    }
    beware.extend(last_sync(sky));
    beware.push(format!("read from {}", found.by));
    let clean = |text: &String| Clean::new(text);
    let item = Item {
        key: Clean::new(""),
        aim: Aim::Account(found.school, AccountName::Guid(account.guid.to_string())),
        also: Vec::new(),
        kind: found.kind,
        lease: Clean::new(&format!("ad:{}", account.guid)),
        now: facts(found, sky),
        steps: draft.steps,
        protective: draft.protective,
        will_not: draft.will_not.into_iter().map(Clean::new).collect(),
        beware: beware.iter().map(clean).collect(),
        undo: draft.undo.map(Clean::new),
        sends: Vec::new(),
        second_person: None,
    };
    Ok(Prepared {
        item,
        private: shown(account, name, show),
        groups: Some(account.groups.iter().map(|g| Clean::new(&g.to_string())).collect()),
    })
}

/// How the account stands, in what is compared again just before the first step. Nothing that changes
/// by itself from one minute to the next.
fn facts(found: &Found, sky: &Sky) -> Vec<Fact> {
    let account = &found.account;
    let locked = match (account.is_disabled(), account.is_locked_out()) {
        (false, false) => "no",
        (true, false) => "disabled: stays so until somebody enables it",
        (false, true) => "locked out after too many wrong passwords: ends by itself",
        (true, true) => "both: disabled, and locked out after too many wrong passwords",
    };
    let password = match (account.must_change(), account.flags.has(Flags::NEVER_EXPIRES)) {
        (true, false) => "must be changed at the next sign-in",
        (true, true) => "must be changed at the next sign-in (but is set to never expire)",
        (false, true) => "set; never expires",
        (false, false) => "set",
    };
    let expired = if account.has_ended(found.here.root.now) { "yes" } else { "no" };
    let mut out = vec![
        ("AD id", account.guid.to_string()),
        ("locked", locked.to_owned()),
        ("expired", expired.to_owned()),
        ("password", password.to_owned()),
    ];
    match sky {
        Sky::NotOurs => out.push(("WeLearn365", "not asked".to_owned())),
        Sky::Unknown => out.push(("WeLearn365", "has no such account".to_owned())),
        Sky::Known(known) => {
            let open = if known.enabled { "sign-in is open" } else { "sign-in is blocked" };
            out.push(("WeLearn365", open.to_owned()));
            out.push(("WeLearn365 id", known.id.clone()));
        }
    }
    let fact = |(name, value): (&str, String)| Fact { name: name.into(), value: value.into() };
    out.into_iter().map(fact).collect()
}

fn last_sync(sky: &Sky) -> Option<String> {
    let Sky::Known(known) = sky else { return None };
    Some(match known.last_sync {
        Some(at) => format!("the directory last reached this account in WeLearn365 at {at}"),
        None => "the directory has never reached this account in WeLearn365".to_owned(),
    })
}

/// Beware of what follows by the next sync only.
fn by_sync(sky: &Sky) -> Option<String> {
    match sky {
        Sky::NotOurs => Some(
            "WeLearn365 is not changed from here (no services.welearn365.act): it follows at the \
             next directory sync, and sessions that are open there go on"
                .to_owned(),
        ),
        Sky::Unknown => Some("WeLearn365 has no such account, so nothing is done there".to_owned()),
        Sky::Known(_) => None,
    }
}

fn cloud_step(deed: CloudDeed, says: &str, known: &Known, account: &Account) -> Step {
    deed.step(says, &known.id, &account.immutable_id)
}

/// Locks a compromised account: everything that can be shut is shut, whatever of it fails.
fn lock(account: &Account, sky: &Sky) -> Draft {
    let mut steps = Vec::new();
    let mut beware = vec![
        "what was signed in to before may go on for about an hour, in some apps for longer"
            .to_owned(),
    ];
    if account.is_disabled() {
        beware.push("it is disabled already: that step is left out".to_owned());
    } else {
        let mut disable = Deed::Disable(account.flags).step("disable");
        if matches!(sky, Sky::Known(_)) {
            disable.with.insert(IF_LEFT_OPEN.to_owned(), Clean::new(SYNC_REOPENS));
        }
        steps.push(disable);
    }
    steps.push(Deed::Unseen(1).step("new password, seen by nobody"));
    steps.push(
        Deed::Unseen(2).step("new password once more, so that the old one is no good at all"),
    );
    if let Sky::Known(known) = sky {
        if known.enabled {
            steps.push(cloud_step(CloudDeed::Block, "block sign-in", known, account));
        }
        steps.push(cloud_step(CloudDeed::Revoke, "revoke sessions", known, account));
    }
    beware.extend(by_sync(sky));
    Draft {
        steps,
        protective: true,
        will_not: vec![
            "sign out a school computer that is signed in now",
            "touch mail rules, app consents, files shared: look at them yourself",
            "take devices away that are registered to the account",
        ],
        beware,
        undo: Some(
            "restore_account, then reset_password; the old password and the sessions do not come back",
        ),
    }
}

/// Opens a locked account again.
fn restore(account: &Account, sky: &Sky) -> Result<Draft, Refused> {
    let mut steps = Vec::new();
    if account.is_disabled() {
        steps.push(Deed::Enable(account.flags).step("enable"));
    }
    if let Sky::Known(known) = sky
        && !known.enabled
    {
        steps.push(cloud_step(CloudDeed::Open, "open sign-in", known, account));
    }
    if steps.is_empty() {
        return Err(Refused::Already(match account.is_locked_out() {
            true => {
                "it is enabled; it is locked out after too many wrong passwords, which is another \
                     thing: clear_lockout"
                    .into()
            }
            false => "it is enabled already".into(),
        }));
    }
    let mut beware = vec![
        "nobody knows its password if it was locked from here: reset_password is next".to_owned(),
    ];
    if account.is_locked_out() {
        beware
            .push("it is locked out as well, after too many wrong passwords: clear_lockout".into());
    }
    if !account.ends.is_never() {
        beware.push("the account has a last day; enabling does not change that".into());
    }
    beware.extend(by_sync(sky));
    Ok(Draft {
        steps,
        protective: false,
        will_not: vec!["set a password", "give back sessions that were ended"],
        beware,
        undo: Some("lock_account"),
    })
}

/// Takes away a lock that too many wrong passwords have put on.
fn clear(account: &Account) -> Result<Draft, Refused> {
    if !account.is_locked_out() {
        return Err(Refused::Already(match account.is_disabled() {
            true => "it is not locked out; it is disabled, which is another thing: restore_account"
                .into(),
            false => "it is not locked out".into(),
        }));
    }
    let mut beware = vec![
        "what keeps sending an old password (a phone, a saved network) locks it again".to_owned(),
    ];
    if account.is_disabled() {
        beware
            .push("the account is disabled as well: clearing the lock does not open it".to_owned());
    }
    Ok(Draft {
        steps: vec![Deed::Unlock(account.lockout).step("clear the lockout")],
        protective: false,
        will_not: vec!["change the password", "enable a disabled account"],
        beware,
        undo: None,
    })
}

/// Gives it a password that is shown once.
fn reset(ask: &Ask, account: &Account) -> Result<Draft, Refused> {
    if ask.targets.len() != 1 {
        return Err(Refused::Choice(
            "one account at a time: its new password is shown once, to you".into(),
        ));
    }
    let mut beware = vec![
        "the new password is shown once, here, and kept nowhere".to_owned(),
        "WeLearn365 has it some two minutes later; that it must be changed may not be asked there"
            .to_owned(),
    ];
    if account.is_disabled() {
        beware.push("the account is disabled: a new password does not open it".to_owned());
    }
    if account.is_locked_out() {
        beware.push("the account is locked out: a new password does not unlock it".to_owned());
    }
    if account.flags.has(Flags::NEVER_EXPIRES) {
        beware.push("its password never expires, so it will not be asked to change it".to_owned());
    }
    if account.flags.has(Flags::SMART_CARD) {
        beware.push("it signs in with a smart card: a password may be of no use".to_owned());
    }
    Ok(Draft {
        steps: vec![Deed::Reset.step("new password, to be changed at the next sign-in")],
        protective: false,
        will_not: vec!["end sessions that are open", "enable or unlock the account"],
        beware,
        undo: None,
    })
}

/// Has the sync take it now.
fn resync(ask: &Ask, account: &Account, sky: &Sky) -> Result<Draft, Refused> {
    if ask.targets.len() != 1 {
        return Err(Refused::Choice(
            "one account at a time: many at once are a sync of the directory, which counts first what \
             would be taken away"
                .into(),
        ));
    }
    let mut beware = vec![
        "WeLearn365 gets what the directory holds of this account when it is read".to_owned(),
        "done when its time of sync moves; a sync that runs by itself moves it as well".to_owned(),
    ];
    beware.extend(match sky {
        Sky::NotOurs => None,
        Sky::Unknown if account.is_disabled() => Some("it is disabled in the directory".to_owned()),
        Sky::Unknown => Some(
            "WeLearn365 has no such account: it is made, with its licences as usual".to_owned(),
        ),
        Sky::Known(known) if account.is_disabled() && known.enabled => {
            Some("it is disabled in the directory: its sign-in will be blocked".to_owned())
        }
        Sky::Known(known) if !account.is_disabled() && !known.enabled => {
            Some("it is enabled in the directory: its sign-in will be opened".to_owned())
        }
        Sky::Known(_) => None,
    });
    Ok(Draft {
        steps: vec![on_demand::step(account, sky)],
        protective: false,
        will_not: vec!["sync any other account or any group", "change anything in the directory"],
        beware,
        undo: None,
    })
}
