//! The way out over LDAP and the directory room: against a real Active Directory (Samba), and against a
//! stub that does what Samba does not.
//!
//! Samba's controllers run in a network namespace of this test's. Without Samba, or without the right
//! to make one, they are skipped with a line that says so; `CARETAKER_REQUIRE=samba` makes that a
//! failure.
#![cfg(test)]

mod acting;
mod checks;
mod continuing;
mod desk;
mod faults;
mod hostile;
mod moving;
mod on_demand;
mod own;
mod pages;
mod real;
mod reconcile;
#[path = "../support/required.rs"]
mod required;
#[expect(dead_code, reason = "the estate's test uses the rest of it")]
mod samba;
mod stub;
mod sync;

use std::sync::Arc;

use caretaker::directory::{Directory, Dn, Places};
use caretaker::model::span::Span;
use caretaker::ports::clock::Clock;
use caretaker::sys::SystemClock;
use caretaker::transport::ldap::{Controllers, LdapSettings};
use caretaker::transport::{Transport, TransportSettings, install_tls};

#[test]
fn against_a_real_active_directory() {
    let lacking = samba::lacking().map(|why| format!("no real Active Directory: {why}"));
    if required::here("samba", lacking) {
        samba::in_namespace("real::");
    }
}

/// Settings with time to spare.
fn settings(controllers: &[&str], ca: std::path::PathBuf) -> LdapSettings {
    LdapSettings {
        controllers: controllers.iter().map(|c| c.parse().unwrap()).collect(),
        ca_file: Some(ca),
        bind_as: "svc-read@desk.test".into(),
        connect_timeout: Span::from_secs(30),
        operation_timeout: Span::from_secs(60),
        deadline: Span::from_secs(120),
        page: 500,
    }
}

fn controllers(settings: &LdapSettings) -> Controllers {
    with_clock(settings, Arc::new(SystemClock::new()))
}

fn with_clock(settings: &LdapSettings, clock: Arc<dyn Clock>) -> Controllers {
    install_tls();
    let transport = Transport::new(TransportSettings::default(), clock);
    transport.directory(settings).unwrap()
}

/// A directory with schools at these OUs below the schools' OU.
fn directory(controllers: Controllers, base: &str, schools: &[(&str, String)]) -> Directory {
    let mut places = Places::new(Dn::parse(base).unwrap());
    for (school, ou) in schools {
        places.add(school.parse().unwrap(), ou).unwrap();
    }
    Directory::new(controllers, places)
}
