//! Whose an account is: a pupil's, a member of staff's, a governor's; by its folders or its groups.

use super::account::Account;
use super::dn::Dn;
use super::value::Sid;
use crate::model::plan::Kind;

/// By what an account's kind is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// It stands below an OU of this name, between the school's OU and itself.
    Folder(String),
    /// It is in this group, nested ones included.
    Group(Sid),
}

/// The signs of each kind. Where several fit, the one that asks for the most care is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kinds {
    /// Of a governor's account; goes first.
    pub governor: Vec<Sign>,
    /// Of a member of staff's; goes before a pupil's.
    pub staff: Vec<Sign>,
    /// Of a pupil's.
    pub pupil: Vec<Sign>,
}

impl Sign {
    /// A SID, or else the name of an OU.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match text.parse() {
            Ok(group) => Self::Group(group),
            Err(_) => Self::Folder(text.trim().to_lowercase()),
        }
    }
}

impl Kinds {
    /// The kind that the folders of an account say, from the top down; groups are not looked at.
    #[must_use]
    pub fn by_folders(&self, folders: &[String]) -> Kind {
        let folders: Vec<String> = folders.iter().map(|f| f.trim().to_lowercase()).collect();
        self.first(|sign| matches!(sign, Sign::Folder(name) if folders.contains(name)))
    }

    fn first(&self, fits: impl Fn(&Sign) -> bool) -> Kind {
        let table = [
            (&self.governor, Kind::Governor),
            (&self.staff, Kind::Staff),
            (&self.pupil, Kind::Pupil),
        ];
        let found = table.into_iter().find(|(signs, _)| signs.iter().any(&fits));
        found.map_or(Kind::Other, |(_, kind)| kind)
    }

    /// The kind of `account`, of the school whose OU is `school`; [`Kind::Other`] where no sign fits.
    #[must_use]
    pub fn of(&self, account: &Account, school: &Dn) -> Kind {
        let folders: Vec<String> =
            account.folders(school).iter().map(|f| f.trim().to_lowercase()).collect();
        self.first(|sign| match sign {
            Sign::Folder(name) => folders.contains(name),
            Sign::Group(group) => account.groups.contains(group),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::account::tests::account;

    #[test]
    fn a_governor_in_the_folder_of_the_staff_is_a_governor() {
        let kinds = Kinds {
            governor: vec![Sign::of("S-1-5-21-1-2-3-9001")],
            staff: vec![Sign::of("Staff")],
            pupil: vec![Sign::of("Pupils"), Sign::of("Year 3")],
        };
        let school = Dn::parse("OU=Ash,DC=x").unwrap();
        let mut account = account();
        assert_eq!(kinds.of(&account, &school), Kind::Other);
        account.dn = Dn::parse("CN=Zoe,OU=YEAR 3,OU=Ash,DC=x").unwrap();
        assert_eq!(kinds.of(&account, &school), Kind::Pupil);
        account.dn = Dn::parse("CN=Zoe,OU=Pupils,OU=staff,OU=Ash,DC=x").unwrap();
        assert_eq!(kinds.of(&account, &school), Kind::Staff, "the one that asks for more care");
        account.groups.push("S-1-5-21-1-2-3-9001".parse().unwrap());
        assert_eq!(kinds.of(&account, &school), Kind::Governor);
        // A person's name is no folder.
        account.groups.clear();
        account.dn = Dn::parse("CN=Staff,OU=Ash,DC=x").unwrap();
        assert_eq!(kinds.of(&account, &school), Kind::Other);
    }
}
