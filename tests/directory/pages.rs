//! Looking accounts up, against the simulated controllers and the simulated Microsoft.

use caretaker::model::account::{CloudView, MOST_HITS, MailView};
use caretaker::model::plan::{AccountName, Kind};
use caretaker::ports::act::Refused;
use caretaker::simulators::{Fault, PERSONAL_NAMES};

use crate::desk::Stage;

#[tokio::test]
async fn accounts_of_one_school_are_found_by_a_part_of_a_name_and_stay_masked() {
    let stage = Stage::new().await;
    let accounts = stage.accounts();
    let all = accounts.find(stage.school, "desk.test", false).await.unwrap();
    let one = accounts.find(stage.school, &stage.login(4), false).await.unwrap();
    let [hit] = one.hits.as_slice() else { panic!("{one:?}") };
    assert_eq!(
        (hit.label.as_str(), hit.folder.as_str(), hit.kind),
        ("u.....", "Staff", Kind::Staff)
    );
    assert!(all.hits.len() > 5 && all.hits.len() <= MOST_HITS);
    assert!(all.hits.iter().any(|h| h.disabled), "{all:?}");
    let text = format!("{all:?}");
    assert!(!text.contains(stage.login(4).get(..8).unwrap()), "{text}");
    assert!(!PERSONAL_NAMES.iter().flat_map(|n| n.split(' ')).any(|n| text.contains(n)), "{text}");
    let shown = accounts.find(stage.school, &stage.login(4), true).await.unwrap();
    assert!(shown.hits[0].label.as_str().starts_with(&stage.login(4)));
    // Another school's are not found here, and nothing hostile finds everybody.
    let other = stage.running.invented.schools.iter().find(|s| s.laestab != stage.school).unwrap();
    let none = accounts.find(other.laestab, &stage.login(4), false).await.unwrap();
    assert!(none.hits.is_empty() && !none.more);
    for hostile in ["*)(objectClass=*", "*)(|(sAMAccountName=*", "\\2a\\2a"] {
        let none = accounts.find(stage.school, hostile, false).await.unwrap();
        assert!(none.hits.is_empty(), "{hostile}");
    }
    for bad in ["", "u", " \n "] {
        assert!(matches!(accounts.find(stage.school, bad, false).await, Err(Refused::NotOne(_))));
    }
}

#[tokio::test]
async fn the_page_says_in_one_sentence_why_somebody_cannot_sign_in() {
    let stage = Stage::new().await;
    let accounts = stage.accounts();
    let page = async |n: u32| {
        let name = AccountName::Sam(stage.login(n));
        accounts.page(stage.school, &name, false).await.unwrap()
    };
    let open = page(0).await;
    assert!(open.says.as_str().starts_with("Nothing in the directory or in Microsoft 365"));
    assert!(matches!(open.cloud, CloudView::Known { enabled: true, .. }));
    assert_eq!(
        (open.folder.as_str(), open.kind, open.label.as_str()),
        ("Pupils", Kind::Pupil, "u.....")
    );
    // The simulated Microsoft and the simulated directory have addresses of two domains.
    assert_eq!(open.mail, MailView::Differs);
    assert!(open.by.as_str().contains("127.0.0.1"));
    let off = page(3).await;
    assert!(off.disabled && off.says.as_str().contains("is disabled"), "{}", off.says);
    assert!(page(7).await.says.as_str().contains("password must be changed first"));
    assert_eq!(page(5).await.mail, MailView::Missing);
    assert!(page(9).await.protected.unwrap().as_str().contains("runs the domain"));

    let at = (stage.clock_seconds() - 60 + 11_644_473_600) * 10_000_000;
    stage.running.set_in_directory(stage.school, 0, "lockoutTime", &at.to_string());
    let locked = page(0).await;
    assert!(locked.locked_out && !locked.disabled);
    assert!(locked.says.as_str().contains("wrong passwords, until 09:39"), "{}", locked.says);

    stage.running.set_fault("welearn365", None, Fault::Unauthorised);
    stage.running.set_fault("welearn365.dc1", None, Fault::Slow(0));
    stage.running.set_fault("welearn365.dc2", None, Fault::Slow(0));
    let half = page(6).await;
    assert!(matches!(half.cloud, CloudView::NotKnown { .. }));
    assert!(half.says.as_str().contains("Microsoft 365 is not known"), "{}", half.says);
    let missing = AccountName::Sam("nobody.here".into());
    let none = accounts.page(stage.school, &missing, false).await;
    assert!(matches!(none, Err(Refused::NotOne(_))), "{none:?}");
}
