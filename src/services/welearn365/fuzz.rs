//! Reads any bytes as each of Microsoft's answers, for fuzzing.

use std::collections::BTreeSet;
use std::hint::black_box;

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use crate::model::reconcile::{Initiator, VendorAudit, VendorEntry};
use crate::services::answer::{ListRow, json};
use crate::services::fuzz::{Asked, asked, never_well_without_json};
use crate::services::welearn365::actions::fuzzed;
use crate::services::welearn365::audits::{Ours, Row};
use crate::services::welearn365::dn::{Dn, Ous};
use crate::services::welearn365::error::{Said, believed, with_facts};
use crate::services::welearn365::graph::Page;
use crate::services::welearn365::health::{Issue, Overview, health, wants_issues};
use crate::services::welearn365::licences::{LicenceSettings, Sku, licences};
use crate::services::welearn365::picture::{Account, Picture};
use crate::services::welearn365::sites::{Site, site};
use crate::transport::Reply;

/// The id of our app, as the seeds have it.
const OUR_APP: &str = "0b1a2c3d-0000-4000-8000-00000000a001";

pub(super) fn read(bytes: &[u8]) {
    audits(bytes);
    let text = String::from_utf8_lossy(bytes);
    let mut ous = Ous::default();
    for status in [200, 403, 404] {
        let Some(Asked { school, bare, reply, .. }) = asked(status, bytes) else { return };
        let said = Said::of(&reply);
        if let Err(trouble) = believed(reply.clone(), "Some.Right") {
            drop(with_facts(trouble, &reply, said.as_ref()));
        }
        fuzzed(&reply);
        let watch = ["Exchange".to_owned(), "microsoftteams".to_owned()];
        let (overviews, issues) = (rows::<Overview>(&reply), rows::<Issue>(&reply));
        black_box(wants_issues(&watch, &overviews));
        let seen = health(&watch, &overviews, Some(&issues), bare.clone());
        never_well_without_json(bytes, &Ok(seen));
        let settings = LicenceSettings::default();
        let seen = licences(rows::<Sku>(&reply), &settings, bare.clone());
        never_well_without_json(bytes, &seen);
        if let Some(ou) = Dn::parse("OU=Alder,OU=Schools,DC=example,DC=org") {
            ous.put(ou, school);
        }
        let (mut picture, mut changed) = (Picture::default(), Picture::default());
        for row in rows::<Account>(&reply) {
            drop(picture.take(row.clone(), &ous));
            drop(changed.change(row, &ous));
        }
        drop((picture.tallies(), changed.tallies()));
        for asked in ["https://tenant.example/sites/alder", text.as_ref()] {
            if let Some(asked) = Site::parse(asked) {
                let seen = site(reply.clone(), &asked, |_| bare.clone());
                never_well_without_json(bytes, &seen);
            }
        }
    }
    drop(Dn::parse(&text));
}

/// As a page of Microsoft's audit. Of each entry something comes, or nothing if its id came before; what is ours is
/// said by ours alone.
///
/// # Panics
/// When an entry is lost, or one that does not name our app is taken for ours.
fn audits(bytes: &[u8]) {
    let Some(Asked { reply, .. }) = asked(200, bytes) else { return };
    let text = String::from_utf8_lossy(bytes);
    let span = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
    let ours = Ours { apps: vec![OUR_APP.to_owned()], principal: None };
    let (mut audit, mut seen) = (VendorAudit::default(), BTreeSet::new());
    let all = rows::<Row>(&reply);
    let count = all.len();
    for row in all.into_iter().chain(rows::<Row>(&reply)) {
        ours.take(row, span, &mut audit, &mut seen);
    }
    let others: u64 = audit.others.values().sum();
    let told =
        audit.entries.len() + audit.not_understood.len() + usize::try_from(others).unwrap_or(0);
    assert!(count == 0 || told > 0, "nothing is told of {count} entries");
    let by_us = |entry: &VendorEntry| matches!(entry.by, Initiator::OurApp(_));
    let named = text.to_ascii_lowercase().contains(OUR_APP);
    // A text may be written in escapes.
    assert!(
        named || text.contains('\\') || !audit.entries.iter().any(by_us),
        "not named, and ours"
    );
}

fn rows<T: DeserializeOwned>(reply: &Reply) -> Vec<ListRow<T>> {
    json::<Page<T>>(reply).map(|page| page.value).unwrap_or_default()
}
