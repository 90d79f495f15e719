//! The same over a real Active Directory, whose accounts are the count. Run in a namespace by
//! `threat_22_killed_over_a_real_active_directory`.

use std::sync::Arc;

use crate::deaths::{Counts, DEEDS, Desk, Stops, whole};
use crate::proxy::{Way, Wire};
use crate::samba::{Authority, Dc, PASSWORD, SCHOOLS, WRITER, account};
use crate::stage::{Stage, write};

/// Accounts that are acted on, one for each life.
const ACCOUNTS: u32 = 40;

/// Where they are.
pub fn pupils() -> String {
    format!("OU=Pupils,OU=Acts,{SCHOOLS}")
}

/// A desk whose directory is this controller.
async fn desk(dc: Dc, authority: &Authority) -> Desk {
    let mut stage = Stage::new().await;
    let wire = Wire::new();
    let door = wire.lead("10.77.0.1", [636]).await[&636];
    let own = stage.vendors.invented.subscriptions[&stage.school].clone();
    let (own, base) = (
        own.parameters.get("welearn365.ou").unwrap().to_owned(),
        stage.vendors.invented.facts.directory_schools.clone(),
    );
    let table = stage.folder().join("subscriptions.csv");
    let text = std::fs::read_to_string(&table).unwrap();
    let text = text.replace(&own, &format!("OU=Acts,{SCHOOLS}")).replace(&base, SCHOOLS);
    write(&table, &text);
    let directory = format!(
        "[services.welearn365.directory]\ncontrollers = ['{}:{door}']\nca_file = '{}'\n\
         bind_as = 'svc-read@desk.test'\nschools = '{SCHOOLS}'\nconnect_timeout = '20s'\n\
         operation_timeout = '60s'\n[services.welearn365.directory.act]\n\
         bind_as = '{WRITER}@desk.test'\n",
        dc.ldaps(),
        authority.file().display()
    );
    stage.replace(("[services.welearn365.directory]", "[services.groupcall]"), &directory);
    stage.replace(("[services.smoothwall.directory]", "[[services.smoothwall"), "");
    for name in ["welearn365.directory", "welearn365.directory.act"] {
        write(&stage.folder().join("credentials").join(name), PASSWORD);
    }
    let entries = (0..ACCOUNTS)
        .map(|n| account(&format!("kill{n:02}"), &format!("Kill {n:02}"), &pupils(), 512, None));
    dc.add(&entries.collect::<String>());
    Desk::over(stage, wire, Some(Arc::new(dc)))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the namespace of `threat_22_killed_over_a_real_active_directory`"]
async fn nothing_is_done_twice_and_nothing_forgotten() {
    assert!(std::env::var("CARETAKER_TEST_NAMESPACE").is_ok(), "not in its namespace");
    let authority = Authority::new();
    let mut desk = desk(Dc::start(1, &authority), &authority).await;
    tokio::task::block_in_place(|| {
        for deed in &DEEDS[..4] {
            let (pieces, _) = whole(&mut desk, *deed);
            // Somewhere on the way, with what was under way lost or delivered.
            for part in 1..=2 {
                let at = pieces * part / 3;
                let stop: Stops = Box::new(move |_, n| n == at);
                desk.killed(*deed, &format!("at {at} of {pieces}"), part % 2 == 0, stop);
            }
            // Right after the first effect: its answer never comes.
            let dc = desk.directory.clone().unwrap();
            let mut before = None;
            let stop: Stops = Box::new(move |way, _| {
                let before = before.get_or_insert_with(|| dc.state());
                way == Way::Back && dc.state() != *before
            });
            desk.killed(*deed, "after an effect", true, stop);
        }
    });
    println!("killed over a real Active Directory: {:?}", desk.counts);
    let Counts { deaths, after_an_effect, without_intent, repeated, forgotten, untrue, .. } =
        desk.counts;
    assert!(deaths >= 10 && after_an_effect >= 4, "too few: {:?}", desk.counts);
    assert_eq!([without_intent, repeated, forgotten, untrue], [0; 4], "{:?}", desk.counts);
}
