//! The simulated domain controllers, asked by a plain LDAP client: do they behave as the vendor's page
//! says? Nothing here uses the program's own way out.
#![cfg(test)]

use std::collections::HashSet;
use std::sync::Arc;

use caretaker::simulators::{Scenario, Script};
use ldap3::controls::{MakeCritical, PagedResults, RawControl};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, Mod, Scope, SearchEntry};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::played::{Played, TUESDAY, played};

/// A connection to the controller, not signed in.
async fn connected(p: &Played, key: &str) -> Ldap {
    let mut roots = rustls::RootCertStore::empty();
    let pem = std::fs::read(&p.running.ca_file).unwrap();
    roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let settings = LdapConnSettings::new().set_config(Arc::new(config));
    let (driver, ldap) = LdapConnAsync::with_settings(settings, p.url(key)).await.unwrap();
    tokio::spawn(driver.drive());
    ldap
}

async fn signed_in(p: &Played) -> Ldap {
    let mut ldap = connected(p, "welearn365.dc1").await;
    let account = &p.running.invented.facts.directory_account;
    let bound = ldap.simple_bind(account, p.credential("welearn365.directory")).await.unwrap();
    assert_eq!(bound.rc, 0);
    ldap
}

async fn found(
    ldap: &mut Ldap,
    base: &str,
    scope: Scope,
    filter: &str,
    attributes: Vec<&str>,
) -> (u32, Vec<SearchEntry>) {
    let result = ldap.search(base, scope, filter, attributes).await.unwrap();
    (result.1.rc, result.0.into_iter().map(SearchEntry::construct).collect())
}

#[tokio::test]
async fn a_sign_in_comes_first_and_refusals_have_their_numbers() {
    let p = played(Scenario::Calm, 6, TUESDAY).await;
    let mut ldap = connected(&p, "welearn365.dc2").await;
    let (rc, root) =
        found(&mut ldap, "", Scope::Base, "(objectClass=*)", vec!["dnsHostName", "currentTime"])
            .await;
    assert_eq!((rc, root[0].attrs["dnsHostName"][0].as_str()), (0, "dc2.desk.test"));
    assert_eq!(root[0].attrs["currentTime"][0], "20270202091000.0Z");
    assert_eq!(root[0].attrs.len(), 2, "what was asked for and no more");
    let schools = p.running.invented.facts.directory_schools.clone();
    let refused =
        ldap.search(&schools, Scope::Subtree, "(objectClass=*)", vec!["1.1"]).await.unwrap().1;
    assert_eq!(refused.rc, 1);
    assert!(refused.text.starts_with("000004DC: "), "{}", refused.text);

    let account = &p.running.invented.facts.directory_account;
    // Without a password it is an anonymous sign-in, which succeeds and may read nothing.
    assert_eq!(ldap.simple_bind(account, "").await.unwrap().rc, 0);
    let anonymous =
        ldap.search(&schools, Scope::Subtree, "(objectClass=*)", vec!["1.1"]).await.unwrap().1;
    assert_eq!(anonymous.rc, 1);
    let wrong = ldap.simple_bind(account, "wrong").await.unwrap();
    assert!(wrong.rc == 49 && wrong.text.contains("data 52e, "), "{}", wrong.text);
    assert!(ldap.simple_bind("nobody@desk.test", "x").await.unwrap().text.contains("data 52e"));
    for _ in 0..4 {
        ldap.simple_bind(account, "wrong").await.unwrap();
    }
    let locked = ldap.simple_bind(account, p.credential("welearn365.directory")).await.unwrap();
    assert!(
        locked.rc == 49 && locked.text.contains("data 775, "),
        "five wrong ones lock: {}",
        locked.text
    );
}

#[tokio::test]
async fn a_thousand_entries_come_at_once_and_the_rest_by_pages() {
    let p = played(Scenario::Calm, 120, TUESDAY).await;
    let mut ldap = signed_in(&p).await;
    let schools = p.running.invented.facts.directory_schools.clone();
    let everybody = "(&(objectCategory=person)(objectClass=user))";
    let (rc, first) = found(&mut ldap, &schools, Scope::Subtree, everybody, vec!["1.1"]).await;
    assert_eq!((rc, first.len()), (4, 1_000), "size limit exceeded");
    let (mut cookie, mut seen, mut pages) = (Vec::new(), HashSet::new(), 0);
    loop {
        let control = PagedResults { size: 5_000, cookie }.critical();
        let page = ldap.with_controls(RawControl::from(control));
        let page =
            page.search(&schools, Scope::Subtree, everybody, vec!["objectGUID"]).await.unwrap();
        assert_eq!(page.1.rc, 0);
        assert!(page.0.len() <= 1_000, "no page is larger");
        for entry in page.0.into_iter().map(SearchEntry::construct) {
            let id = entry.bin_attrs.get("objectGUID").map(|v| v[0].clone());
            let id = id.unwrap_or_else(|| entry.attrs["objectGUID"][0].clone().into_bytes());
            assert_eq!(id.len(), 16);
            assert!(seen.insert(id), "twice: {}", entry.dn);
        }
        pages += 1;
        let control = page.1.ctrls.iter().find(|c| c.1.ctype == "1.2.840.113556.1.4.319").unwrap();
        cookie = control.1.parse::<PagedResults>().cookie;
        if cookie.is_empty() {
            break;
        }
    }
    assert!(seen.len() > 1_000 && pages == seen.len().div_ceil(1_000), "{} in {pages}", seen.len());
}

#[tokio::test]
async fn filters_mean_what_active_directory_means() {
    let p = played(Scenario::Calm, 12, TUESDAY).await;
    let mut ldap = signed_in(&p).await;
    let schools = p.running.invented.facts.directory_schools.clone();
    let home = p.takers("welearn365")[3].1.parameters.get("welearn365.ou").unwrap().to_owned();
    let all = async |ldap: &mut Ldap, base: &str, filter: &str| {
        let (rc, seen) =
            found(ldap, base, Scope::Subtree, filter, vec!["userAccountControl"]).await;
        assert_eq!(rc, 0, "{filter}");
        seen
    };
    let people = all(&mut ldap, &home, "(objectClass=user)").await;
    assert!(people.iter().all(|e| e.dn.to_lowercase().ends_with(&home.to_lowercase())));
    let disabled = all(&mut ldap, &home, "(userAccountControl:1.2.840.113556.1.4.803:=2)").await;
    assert!(
        !disabled.is_empty() && disabled.iter().all(|e| e.attrs["userAccountControl"] == ["514"])
    );
    let open = all(
        &mut ldap,
        &home,
        "(&(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))",
    )
    .await;
    assert_eq!(open.len() + disabled.len(), people.len());
    let with = all(&mut ldap, &home, "(&(objectClass=user)(mail=*))").await;
    let without = all(&mut ldap, &home, "(&(objectClass=user)(!(mail=*)))").await;
    assert_eq!(with.len() + without.len(), people.len(), "what is absent is matched by not");
    assert!(
        !all(&mut ldap, &schools, "(lockoutTime>=1)").await.is_empty(),
        "locks that have run out stay"
    );

    // Computed: by name only, and never in a filter.
    let computed = "msDS-User-Account-Control-Computed";
    assert!(
        all(&mut ldap, &schools, &format!("({computed}:1.2.840.113556.1.4.803:=16)"))
            .await
            .is_empty()
    );
    assert!(all(&mut ldap, &schools, &format!("({computed}=0)")).await.is_empty());
    let one = people[0].dn.clone();
    let (_, everything) = found(&mut ldap, &one, Scope::Base, "(objectClass=*)", vec![]).await;
    assert!(!everything[0].attrs.contains_key(computed));
    assert!(everything[0].attrs.contains_key("displayName"), "all of it, when nothing is named");
    let (_, named) = found(&mut ldap, &one, Scope::Base, "(objectClass=*)", vec![computed]).await;
    assert_eq!(named[0].attrs[computed], ["0"]);

    let (rc, none) =
        found(&mut ldap, "OU=Nowhere,DC=desk,DC=test", Scope::Subtree, "(a=b)", vec!["1.1"]).await;
    assert_eq!((rc, none.len()), (32, 0));
    let (_, level) = found(
        &mut ldap,
        &schools,
        Scope::OneLevel,
        "(objectClass=organizationalUnit)",
        vec!["1.1"],
    )
    .await;
    assert_eq!(level.len(), 12);
}

#[tokio::test]
async fn nothing_is_written_and_no_unknown_demand_is_met() {
    let p = played(Scenario::Calm, 6, TUESDAY).await;
    let mut ldap = signed_in(&p).await;
    let schools = p.running.invented.facts.directory_schools.clone();
    let change = vec![Mod::Replace("description", HashSet::from(["x"]))];
    assert_eq!(ldap.modify(&schools, change).await.unwrap().rc, 50);
    assert_eq!(ldap.delete(&schools).await.unwrap().rc, 50);
    let assertion = RawControl { ctype: "1.3.6.1.1.12".into(), crit: true, val: None };
    let refused = ldap.with_controls(vec![assertion.clone()]);
    let refused =
        refused.search(&schools, Scope::Base, "(objectClass=*)", vec!["1.1"]).await.unwrap();
    assert_eq!(refused.1.rc, 12);
    let mild = ldap.with_controls(vec![RawControl { crit: false, ..assertion }]);
    let mild = mild.search(&schools, Scope::Base, "(objectClass=*)", vec!["1.1"]).await.unwrap();
    assert_eq!((mild.1.rc, mild.0.len()), (0, 1));
    assert_eq!(p.running.served()["welearn365.dc1 BIND"], 1);
}

#[tokio::test]
async fn a_scenario_file_puts_references_among_the_entries() {
    let p = played(Scenario::Calm, 6, TUESDAY).await;
    let mut ldap = signed_in(&p).await;
    let schools = p.running.invented.facts.directory_schools.clone();
    let references = async |ldap: &mut Ldap| {
        let found = ldap.search(&schools, Scope::OneLevel, "(objectClass=*)", vec!["1.1"]).await;
        let found = found.unwrap();
        assert_eq!(found.1.rc, 0);
        found.1.refs.len()
    };
    assert_eq!(references(&mut ldap).await, 0);
    let file = "[[fault]]\non = \"welearn365.dc1\"\nwhat = \"references\"\n";
    p.running.play(Script::read(file).unwrap()).unwrap();
    assert_eq!(references(&mut ldap).await, 1);
}
