//! Invents the estate: schools, subscriptions, credentials. The same seed gives the same estate.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::model::ids::Laestab;
use crate::model::school::{Parameters, School, Subscription};
use crate::model::text::Clean;
use crate::simulators::chance::{below, guid, password, share};
use crate::simulators::invented::{Appliance, Facts, Invented, SERVICES, service_key};
use crate::simulators::names::{
    DISTRICTS, PLACE_FIRST, PLACE_SECOND, PREFIXES, SAINTS, TOWNS, TRUSTS,
};

/// Schools of one LA code before the next one is taken.
const PER_LA: usize = 8_000;
/// The first LA code; it and those below it, down to 950, belong to no authority.
const FIRST_LA: usize = 999;
/// More computers than these per school are not invented when there are very many schools.
const MANY_SCHOOLS: usize = 2_000;

/// Long on purpose: the longest that the board must cope with.
const LONG_NAME: &str = "The Blessed Wilfreda of Upper Quintford-under-Edge and Nether Marlbrook \
                         Church of England Voluntary Aided Infant and Nursery School";
/// With letters that are wider than one byte.
const ACCENTED_NAME: &str = "Ysgol Gynradd Llŷn-y-Frân a Chôr Primary School";

/// The most schools that can be invented: down to LA code 950.
pub(super) const MOST_SCHOOLS: usize = PER_LA * 50;

/// The estate of `count` schools, at most 24,000: the one that [`start`](crate::simulators::start)
/// plays with this seed.
pub fn invent(count: usize, seed: u64) -> Invented {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut schools: Vec<School> = (0..count.min(MOST_SCHOOLS))
        .filter_map(|index| laestab(index).map(|l| school(index, l, seed, &mut taken)))
        .collect();
    schools.sort_by_key(|s| s.laestab);
    let facts = facts(schools.len(), seed);
    let many = schools.len() > MANY_SCHOOLS;
    let subscriptions: BTreeMap<Laestab, Subscription> = schools
        .iter()
        .map(|s| (s.laestab, subscription(s, seed, &facts.appliances, many)))
        .collect();
    let credentials = credentials(&subscriptions, seed);
    Invented { schools, subscriptions, credentials, facts }
}

fn laestab(index: usize) -> Option<Laestab> {
    let la = u16::try_from(FIRST_LA.checked_sub(index / PER_LA)?).ok()?;
    Laestab::from_parts(la, u16::try_from(2_000 + index % PER_LA).ok()?)
}

fn pick<'a>(words: &'a [&'a str], seed: u64, question: &str, l: Laestab) -> &'a str {
    let n = u32::try_from(words.len()).unwrap_or(1);
    let at = usize::try_from(below(seed, question, l, n)).unwrap_or_default();
    words.get(at).copied().unwrap_or_default()
}

/// Kinds of school: (phase in the register's words, what its name ends in, fewest, most pupils).
type Kind = (&'static str, &'static str, u32, u32);
const PRIMARY: Kind = ("Primary", "Primary School", 60, 630);
const INFANT: Kind = ("Primary", "Infant School", 30, 270);
const JUNIOR: Kind = ("Primary", "Junior School", 120, 360);
const SECONDARY: Kind = ("Secondary", "School", 400, 1_500);
const ALL_THROUGH: Kind = ("All-through", "Academy", 500, 1_500);
const SPECIAL: Kind = ("Not applicable", "Special School", 30, 220);
const NURSERY: Kind = ("Nursery", "Nursery School", 30, 110);

fn kind(index: usize, seed: u64, l: Laestab) -> Kind {
    // The second school is a secondary whatever the seed, so that every estate has a cell that is
    // not subscribed; the first and the three with difficult names are primaries.
    match index {
        1 => return SECONDARY,
        0 | 2..=4 => return PRIMARY,
        _ => {}
    }
    match below(seed, "kind", l, 100) {
        0..=53 => PRIMARY,
        54..=67 => INFANT,
        68..=77 => JUNIOR,
        78..=91 => SECONDARY,
        92..=93 => ALL_THROUGH,
        94..=97 => SPECIAL,
        _ => NURSERY,
    }
}

fn name(index: usize, kind: Kind, seed: u64, l: Laestab, taken: &mut BTreeSet<String>) -> String {
    let place = |salt: &str| {
        let q = |part: &str| format!("{part}{salt}");
        format!(
            "{}{}{}",
            pick(PREFIXES, seed, &q("prefix"), l),
            pick(PLACE_FIRST, seed, &q("first"), l),
            pick(PLACE_SECOND, seed, &q("second"), l)
        )
    };
    let saintly = kind.0 == "Primary" && share(seed, "saint", l, 22);
    let name = match index {
        2 => format!("St Cuthwin's Church of England {}", kind.1),
        3 => LONG_NAME.to_owned(),
        4 => ACCENTED_NAME.to_owned(),
        _ if saintly => {
            let denomination = if share(seed, "rc", l, 40) { "Catholic" } else { "C of E" };
            let saint = pick(SAINTS, seed, "which saint", l);
            format!("{saint} {denomination} {}, {}", kind.1, place(""))
        }
        _ => format!("{} {}", place(""), kind.1),
    };
    if taken.insert(name.clone()) {
        return name;
    }
    // Two places of one name are told apart by a third word, and at last by the number.
    for salt in ["b", "c", "d"] {
        let other = format!("{} and {}", place(salt), name);
        if taken.insert(other.clone()) {
            return other;
        }
    }
    let last = format!("{name} ({l})");
    taken.insert(last.clone());
    last
}

fn school(index: usize, laestab: Laestab, seed: u64, taken: &mut BTreeSet<String>) -> School {
    let kind = kind(index, seed, laestab);
    let name = name(index, kind, seed, laestab, taken);
    let (fewest, most) = (kind.2, kind.3);
    let number = laestab.number();
    // Numbers that nobody has: the URN and the postcode area are not given out, and 01632 960 is
    // kept for fiction by Ofcom.
    School {
        laestab,
        urn: Some(900_000 + number % 100_000),
        name: Clean::new(&name),
        phase: Clean::new(kind.0),
        town: Clean::new(pick(TOWNS, seed, "town", laestab)),
        postcode: Clean::new(&format!("ZZ{} {}ZZ", 1 + number % 40, number % 10)),
        district: Clean::new(pick(DISTRICTS, seed, "district", laestab)),
        trust: Clean::new(if index == 0 || share(seed, "trust", laestab, 42) {
            // The first school is in the first trust, so that a storm always has somebody to hit.
            if index == 0 {
                TRUSTS.first().copied().unwrap_or_default()
            } else {
                pick(TRUSTS, seed, "which trust", laestab)
            }
        } else {
            ""
        }),
        pupils: Some(fewest + below(seed, "pupils", laestab, most - fewest + 1)),
        telephone: Clean::new(&format!("01632 960{:03}", number % 1_000)),
        website: Clean::new(&format!("https://{}.example", slug(&name, laestab))),
        opened: Date::new(1960 + i16::try_from(number % 55).unwrap_or_default(), 9, 1).ok(),
        closing: share(seed, "closing", laestab, 1),
    }
}

/// A name for addresses: ASCII, at most 40 characters, unique by its number.
fn slug(name: &str, laestab: Laestab) -> String {
    let mut out = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        let c = match c {
            'â' => 'a',
            'ŷ' => 'y',
            'ô' => 'o',
            '\'' => continue,
            c if c.is_ascii_alphanumeric() => c,
            _ => '-',
        };
        if out.len() >= 32 {
            break;
        }
        if c != '-' || !(out.is_empty() || out.ends_with('-')) {
            out.push(c);
        }
    }
    format!("{}-{}", out.trim_end_matches('-'), short_number(laestab))
}

/// The establishment number; with the end of the LA code where that is not the first one.
fn short_number(l: Laestab) -> String {
    if usize::from(l.la()) == FIRST_LA {
        format!("{:04}", l.number() % 10_000)
    } else {
        format!("{:06}", l.number() % 1_000_000)
    }
}

/// Capital letters of the name, for names of computers.
pub(super) fn initials(school: &School) -> String {
    let letters: String = school
        .name
        .as_str()
        .split(|c: char| !c.is_alphanumeric())
        .filter_map(|word| word.chars().next())
        .filter(char::is_ascii_uppercase)
        .take(4)
        .collect();
    format!("{letters}{}", short_number(school.laestab))
}

fn takes(school: &School, service: &str, seed: u64) -> bool {
    let l = school.laestab;
    // The first schools take everything that their phase allows.
    let sure = l.number() % 10_000 < 2_005;
    match service {
        "welearn365" => true,
        "groupcall" => sure || share(seed, service, l, 98),
        "redstor" => sure || share(seed, service, l, 85),
        "future_digital" => sure || share(seed, service, l, 92),
        "smoothwall" => sure || share(seed, service, l, 97),
        "just2easy" => sure || share(seed, service, l, 88),
        "purple_mash" => {
            school.phase.as_str() == "Primary" && (sure || share(seed, service, l, 94))
        }
        _ => false,
    }
}

fn subscription(school: &School, seed: u64, appliances: &[Appliance], many: bool) -> Subscription {
    let l = school.laestab;
    let slug = slug(school.name.as_str(), l);
    let mut parameters = Parameters::default();
    let mut set = |name: &str, value: String| parameters.insert(name, value);
    let mut services = BTreeSet::new();
    for key in SERVICES.into_iter().filter(|key| takes(school, key, seed)) {
        services.extend(service_key(key));
        match key {
            "welearn365" => {
                set("welearn365.site", format!("sites/{slug}"));
                set("welearn365.ou", format!("OU={slug},OU=Schools,DC=desk,DC=test"));
            }
            "redstor" => {
                set("redstor.documents", documents_account(school));
                set("redstor.sims", sims_account(school));
            }
            "future_digital" => {
                set("future_digital.pcs", computers(school, seed, many).to_string());
            }
            "smoothwall" => {
                let appliance = appliance_of(l, seed, appliances);
                set("smoothwall.appliance", appliance.map_or("", |a| &a.name).to_owned());
            }
            "purple_mash" => {
                set("purple_mash.portal", slug.clone());
                let packages = match below(seed, "packages", l, 4) {
                    0 => "Serial Mash;2Simple French",
                    1 => "Serial Mash",
                    _ => "",
                };
                set("purple_mash.packages", packages.to_owned());
            }
            _ => {}
        }
    }
    let note = if share(seed, "note", l, 4) { "Ring after registration, 09:15" } else { "" };
    Subscription {
        services: services.into(),
        calendar: String::new(),
        contact: Clean::new(&format!("School office, {}", school.telephone)),
        note: Clean::new(note),
        parameters,
    }
}

/// Name of the account that holds the school's documents.
pub(super) fn documents_account(school: &School) -> String {
    format!("{}-SVR01", initials(school))
}

/// Name of the account that holds the school's SIMS data.
pub(super) fn sims_account(school: &School) -> String {
    format!("{}-SIMS01", initials(school))
}

/// How many Windows computers the school has.
pub(super) fn computers(school: &School, seed: u64, many: bool) -> u32 {
    if many {
        return 5 + below(seed, "computers", school.laestab, 4);
    }
    (school.pupils.unwrap_or(100) / 7).clamp(10, 120) + below(seed, "computers", school.laestab, 12)
}

/// Two shared appliances hold nearly everybody; the others a few schools each.
fn appliance_of(l: Laestab, seed: u64, appliances: &[Appliance]) -> Option<&Appliance> {
    let small = appliances.len().saturating_sub(2);
    let number = usize::try_from(l.number() % 10_000).unwrap_or_default();
    let own = match (small, number) {
        // The second school is always behind the first small one, which a morning strikes.
        (1.., 2_001) => Some(2),
        (1.., _) if share(seed, "own appliance", l, 4) => Some(2 + number % small),
        _ => None,
    };
    let shared = usize::try_from(below(seed, "appliance", l, 2)).unwrap_or_default();
    appliances.get(own.unwrap_or(shared))
}

fn appliances(schools: usize) -> Vec<Appliance> {
    let count = 2 + (schools / 60).clamp(1, 6);
    (1..=count)
        .map(|n| Appliance {
            name: format!("filter{n:02}"),
            host: format!("filter{n:02}.wolds.example"),
            description: if n <= 2 {
                format!("Central filter {n} (shared)")
            } else {
                format!("Campus filter {n}")
            },
        })
        .collect()
}

fn facts(schools: usize, seed: u64) -> Facts {
    let component =
        |key: &str, id: &str, name: &str| (key.to_owned(), (id.to_owned(), name.to_owned()));
    Facts {
        tenant_id: guid(seed, "tenant", 0),
        client_id: guid(seed, "client", 0),
        act_client_id: guid(seed, "client", 1),
        sync_ids: [0, 1, 2].map(|n| guid(seed, "sync", n)),
        directory_account: super::directory::ACCOUNT.to_owned(),
        directory_writer: super::directory::WRITER.to_owned(),
        directory_schools: super::directory::SCHOOLS.to_owned(),
        directory_groups: super::directory::groups(),
        site_host: "wolds.sharepoint.example".to_owned(),
        relying_party: "caretaker.wolds.example".to_owned(),
        idaas_word: "id=\"idaas-signin\"".to_owned(),
        redstor_user: "collection.admin".to_owned(),
        redapi_client_id: format!("wolds-{:08x}", seed & 0xffff_ffff),
        redapi_company_id: guid(seed, "company", 0),
        appliances: appliances(schools),
        block_word: "You are being blocked".to_owned(),
        plain_word: "plain test page".to_owned(),
        just2easy_word: "id=\"login\"".to_owned(),
        purple_mash_word: "Office 365 Login".to_owned(),
        components: BTreeMap::from([
            component("redstor", "rsbk0000api1", "Backup service (UK)"),
            component("just2easy", "jtwo0000web1", "Sign-in"),
        ]),
    }
}

fn credentials(
    subscriptions: &BTreeMap<Laestab, Subscription>,
    seed: u64,
) -> BTreeMap<String, String> {
    let mut out = BTreeMap::from([
        ("welearn365".to_owned(), password(seed, "welearn365", 0)),
        ("welearn365.certificate".to_owned(), super::welearn365::PEM.to_owned()),
        ("welearn365.directory".to_owned(), password(seed, "directory", 0)),
        ("welearn365.directory.act".to_owned(), password(seed, "directory", 1)),
        ("welearn365.act".to_owned(), password(seed, "welearn365", 1)),
        ("redstor".to_owned(), password(seed, "redstor", 0)),
        ("wonde".to_owned(), password(seed, "wonde", 0)),
        ("ticket_desk".to_owned(), password(seed, "ticket_desk", 0)),
        ("redstor.jwk".to_owned(), super::redapi::PRIVATE_JWK.to_owned()),
        ("groupcall.management".to_owned(), password(seed, "management", 0)),
    ]);
    out.extend(
        subscriptions
            .iter()
            .filter(|(_, s)| s.services.iter().any(|k| k.as_str() == "groupcall"))
            .map(|(l, _)| (format!("xod.{l}"), password(seed, "xod", u64::from(l.number())))),
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_estate_and_another_seed_another() {
        assert!(invent(60, 7) == invent(60, 7));
        let names = |seed| invent(60, seed).schools.into_iter().map(|s| s.name).collect::<Vec<_>>();
        assert_ne!(names(7), names(8));
    }

    #[test]
    fn every_school_is_invented_and_its_own() {
        let all = invent(24_000, 3);
        assert_eq!(all.schools.len(), 24_000);
        let names: BTreeSet<_> = all.schools.iter().map(|s| s.name.clone()).collect();
        assert_eq!(names.len(), 24_000, "names are unique, so that a filter finds one school");
        for s in &all.schools {
            assert!((950..=999).contains(&s.laestab.la()), "{} could be real", s.laestab);
            assert!((30..=1_500).contains(&s.pupils.unwrap()), "{s:?}");
        }
        let sites: BTreeSet<_> = all
            .subscriptions
            .values()
            .filter_map(|s| s.parameters.get("welearn365.site"))
            .collect();
        assert_eq!(sites.len(), 24_000);
        let accounts: BTreeSet<_> =
            all.subscriptions.values().filter_map(|s| s.parameters.get("redstor.sims")).collect();
        assert_eq!(accounts.len(), all.takers("redstor").count());
    }

    #[test]
    fn has_the_names_that_break_screens_and_what_nobody_takes() {
        let all = invent(250, 1);
        let has = |f: &dyn Fn(&str) -> bool| all.schools.iter().any(|s| f(s.name.as_str()));
        assert!(has(&|n| n.contains('\'')) && has(&|n| n.len() > 120) && has(&|n| n.contains('ŷ')));
        for school in &all.schools {
            let taken = &all.subscriptions[&school.laestab].services;
            let mash = taken.iter().any(|k| k.as_str() == "purple_mash");
            assert!(!(mash && school.phase.as_str() == "Secondary"), "{school:?}");
        }
        let backed = all.takers("redstor").count();
        assert!((195..=230).contains(&backed), "{backed} of 250 take backup, about 85 % should");
        assert!(all.takers("purple_mash").count() > 150);
    }

    #[test]
    fn every_appliance_is_known_and_the_small_ones_are_small() {
        let all = invent(250, 1);
        for (school, taken) in all.takers("smoothwall") {
            let name = taken.parameters.get("smoothwall.appliance").unwrap();
            assert!(all.facts.appliances.iter().any(|a| a.name == *name), "{school:?}");
        }
        let behind = |name: &str| {
            all.takers("smoothwall")
                .filter(|(_, t)| t.parameters.get("smoothwall.appliance") == Some(name))
                .count()
        };
        assert!(behind("filter01") > 80 && behind("filter02") > 80);
        assert!((1..20).contains(&behind("filter03")), "{}", behind("filter03"));
    }
}
