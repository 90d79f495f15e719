//! Reads any bytes as each of Redstor's answers, for fuzzing.

use std::hint::black_box;

use serde::de::DeserializeOwned;

use crate::model::span::Span;
use crate::services::answer::{ListRow, json};
use crate::services::fuzz::{Asked, asked, never_well_without_json, now};
use crate::services::redstor::account::Listing;
use crate::services::redstor::describe::{DataSet, Wanted};
use crate::services::redstor::judge::{school, unmapped};
use crate::services::redstor::redapi::{
    AccountRow, CompanyRow, ErrorRow, ProductRow, RedapiPage, RestoreRow, StatusRow,
    counts_in_words, errors_in_words, joined, restores_in_words,
};
use crate::services::redstor::said::Said;
use crate::services::redstor::storage::StoragePage;
use crate::transport::Reply;

pub(super) fn read(bytes: &[u8]) {
    let Some(Asked { school: laestab, check, reply, .. }) = asked(200, bytes) else { return };
    black_box(Said::of(&String::from_utf8_lossy(bytes)));
    let mut listings = Vec::new();
    if let Ok(page) = json::<StoragePage>(&reply) {
        let mut listing = Listing::default();
        for row in page.rows().0 {
            match row {
                ListRow::Read(row) => listing.accounts.push(row.account()),
                ListRow::Unreadable(_) => listing.unreadable += 1,
            }
        }
        listings.push(listing);
    }
    let (accounts, states) = (rows::<AccountRow>(&reply), rows::<StatusRow>(&reply));
    listings.push(joined(accounts, states));
    for set in DataSet::ALL.map(|(set, _)| set) {
        let wanted = Wanted {
            check: check.clone(),
            set,
            school: laestab,
            accounts: vec!["SVR-1".to_owned(), "ALD-FILES".to_owned()],
            agent_silent: Some(Span::from_days(2)),
        };
        for listing in &listings {
            let seen = school(&wanted, listing, now());
            never_well_without_json(bytes, &Ok(seen));
            drop(unmapped(listing, std::slice::from_ref(&wanted)));
        }
    }
    drop(errors_in_words(rows::<ErrorRow>(&reply)));
    drop(restores_in_words(rows::<RestoreRow>(&reply)));
    drop(counts_in_words(rows::<ProductRow>(&reply)));
    drop(rows::<CompanyRow>(&reply));
}

fn rows<T: DeserializeOwned>(reply: &Reply) -> Vec<ListRow<T>> {
    json::<RedapiPage<T>>(reply).map(|page| page.results).unwrap_or_default()
}
