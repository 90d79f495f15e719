//! Whom nobody touches from here: administrators, services, machines, and whoever asks.
//!
//! The check is by the ids of groups (nested and primary ones included), never by their names, and
//! fails closed. It is made when a plan is made, and again right before each write.
//!
//! Source: Microsoft's list of protected accounts and groups, and well-known SIDs, read 2026-11.

use super::account::Account;
use super::value::{Flags, Sid};

/// Groups of a domain whose members run it. Numbers below 1,000 mean the same in any domain.
const OF_DOMAIN: &[(u32, &str)] = &[
    (498, "Enterprise Read-only Domain Controllers"),
    (512, "Domain Admins"),
    (516, "Domain Controllers"),
    (518, "Schema Admins"),
    (519, "Enterprise Admins"),
    (520, "Group Policy Creator Owners"),
    (521, "Read-only Domain Controllers"),
    (526, "Key Admins"),
    (527, "Enterprise Key Admins"),
];
/// Groups that every domain has and whose members run it.
const BUILT_IN: &[(u32, &str)] = &[
    (544, "Administrators"),
    (548, "Account Operators"),
    (549, "Server Operators"),
    (550, "Print Operators"),
    (551, "Backup Operators"),
    (552, "Replicator"),
];
/// Administrator, Guest, krbtgt.
const ACCOUNTS: &[u32] = &[500, 501, 502];
/// Classes of what is no person.
const NO_PERSON: &[&str] = &[
    "computer",
    "msds-managedserviceaccount",
    "msds-groupmanagedserviceaccount",
    "msds-delegatedmanagedserviceaccount",
];

/// Whether a group's members run the domain.
#[must_use]
pub fn is_privileged(group: &Sid) -> bool {
    privileged(group).is_some()
}

/// What a group is called in English whose members run the domain; none for any other group.
#[must_use]
pub fn privileged(group: &Sid) -> Option<&'static str> {
    let of = |list: &[(u32, &'static str)], number: Option<u32>| {
        list.iter().find(|(n, _)| Some(*n) == number).map(|(_, name)| *name)
    };
    of(OF_DOMAIN, group.of_domain()).or_else(|| of(BUILT_IN, group.built_in()))
}

/// What is not touched beside what never is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fence {
    /// Further groups whose members are not touched.
    pub groups: Vec<Sid>,
    /// How logins of services begin, in small letters.
    pub service_logins: Vec<String>,
    /// The accounts that we sign in with, as they are written in the settings.
    pub own: Vec<String>,
}

/// The login that a name to sign in with stands for: `DESK\tomr` and `tomr@desk.example` are `tomr`.
fn login_of(name: &str) -> String {
    let bare = name.rsplit('\\').next().unwrap_or(name);
    bare.split('@').next().unwrap_or(bare).trim().to_lowercase()
}

impl Fence {
    /// That `account` may be touched, by somebody whose login is `by`.
    ///
    /// # Errors
    /// Why it may not, in words for the desk.
    pub fn allows(&self, account: &Account, by: Option<&str>) -> Result<(), String> {
        let refuse = |why: &str| Err(format!("protected: {why}"));
        let login = account.login.as_str().to_lowercase();
        if account.flags.has(Flags::NO_PERSON)
            || account.classes.iter().any(|c| NO_PERSON.contains(&c.as_str()))
        {
            return refuse("it is a machine's or a service's account");
        }
        if self.is_service(account, &login) {
            return refuse("it is a service's account");
        }
        if account.flags.has(Flags::DELEGATES) {
            return refuse("it may act in the name of others (delegation)");
        }
        if account.sid.of_domain().is_some_and(|n| ACCOUNTS.contains(&n)) {
            return refuse("it is one of the domain's built-in accounts");
        }
        if account.admin_count {
            return refuse("it is, or was, an administrator's (adminCount is set)");
        }
        if account.groups.iter().any(is_privileged) {
            return refuse(
                "it is in a group that runs the domain, directly, nested or as primary group",
            );
        }
        if let Some(group) = account.groups.iter().find(|g| self.groups.contains(g)) {
            return refuse(&format!("it is in the group {group}, which the settings protect"));
        }
        if by.is_some_and(|by| {
            let by = login_of(by);
            by == login || by == login_of(account.principal.as_str())
        }) {
            return refuse("it is your own account");
        }
        Ok(())
    }

    fn is_service(&self, account: &Account, login: &str) -> bool {
        let own = |name: &String| {
            // By its DN, or by its name to sign in with.
            account.raw_dn.eq_ignore_ascii_case(name) || login_of(name) == login
        };
        account.serves
            || self.own.iter().any(own)
            || self.service_logins.iter().any(|start| login.starts_with(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::account::tests::account;

    fn fence() -> Fence {
        Fence {
            groups: vec!["S-1-5-21-1-2-3-7001".parse().unwrap()],
            service_logins: vec!["svc-".into()],
            own: vec!["Caretaker.Write@desk.example".into()],
        }
    }

    fn refused(change: impl Fn(&mut Account), by: &str) -> Option<String> {
        let mut account = account();
        change(&mut account);
        fence().allows(&account, Some(by)).err()
    }

    #[test]
    fn threat_24_administrators_services_machines_and_oneself_are_refused() {
        assert_eq!(refused(|_| {}, "tomr"), None);
        let group = |sid: &str| {
            let sid: Sid = sid.parse().unwrap();
            move |a: &mut Account| a.groups.push(sid.clone())
        };
        for (sid, why) in [
            ("S-1-5-21-1-2-3-512", "runs the domain"),
            ("S-1-5-21-9-9-9-519", "runs the domain"),
            ("S-1-5-32-544", "runs the domain"),
            ("S-1-5-32-548", "runs the domain"),
            ("S-1-5-21-1-2-3-7001", "settings protect"),
        ] {
            assert!(refused(group(sid), "tomr").is_some_and(|w| w.contains(why)), "{sid}");
        }
        // The same last number elsewhere means nothing.
        assert_eq!(refused(group("S-1-5-21-1-2-3-1512"), "tomr"), None);
        assert_eq!(refused(group("S-1-5-32-545"), "tomr"), None);
        assert_eq!(refused(group("S-1-12-1-2-3-512"), "tomr"), None);
        for (change, why) in [
            (&(|a: &mut Account| a.admin_count = true) as &dyn Fn(&mut Account), "adminCount"),
            (&|a: &mut Account| a.serves = true, "service"),
            (&|a: &mut Account| a.login = "SVC-backup".into(), "service"),
            (&|a: &mut Account| a.login = "caretaker.write".into(), "service"),
            (&|a: &mut Account| a.flags = Flags(0x1000), "machine"),
            (&|a: &mut Account| a.classes.push("computer".into()), "machine"),
            (&|a: &mut Account| a.flags = Flags(0x8_0200), "delegation"),
            (&|a: &mut Account| a.sid = "S-1-5-21-1-2-3-500".parse().unwrap(), "built-in"),
        ] {
            assert!(refused(change, "tomr").is_some_and(|w| w.contains(why)), "{why}");
        }
        for own in ["z.pupil", "Z.Pupil", "DESK\\z.pupil", "z.pupil@desk.example"] {
            assert!(refused(|_| {}, own).is_some_and(|w| w.contains("your own")), "{own}");
        }
        let principal = |a: &mut Account| a.principal = "zoe.p@desk.example".into();
        assert!(refused(principal, "zoe.p").is_some_and(|w| w.contains("your own")));
    }
}
