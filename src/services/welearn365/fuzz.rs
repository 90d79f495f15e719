//! Reads any bytes as each of Microsoft's answers, for fuzzing.

use std::hint::black_box;

use serde::de::DeserializeOwned;

use crate::services::answer::{ListRow, json};
use crate::services::fuzz::{Asked, asked, never_well_without_json};
use crate::services::welearn365::actions::fuzzed;
use crate::services::welearn365::dn::{Dn, Ous};
use crate::services::welearn365::error::{Said, believed, with_facts};
use crate::services::welearn365::graph::Page;
use crate::services::welearn365::health::{Issue, Overview, health, wants_issues};
use crate::services::welearn365::licences::{LicenceSettings, Sku, licences};
use crate::services::welearn365::picture::{Account, Picture};
use crate::services::welearn365::sites::{Site, site};
use crate::transport::Reply;

pub(super) fn read(bytes: &[u8]) {
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
        let seen = health(&watch, &overviews, &issues, bare.clone());
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

fn rows<T: DeserializeOwned>(reply: &Reply) -> Vec<ListRow<T>> {
    json::<Page<T>>(reply).map(|page| page.value).unwrap_or_default()
}
