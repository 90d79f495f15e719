//! Check lists that the administrator of a school works through, watched through the desk's notes.

use crate::desk::Desk;

const CONFIG: &str = "[services.just2easy]\nsync_notes = 'notes.csv'\n\
    sign_in = { endpoint = { url = 'http://127.0.0.1:9' }, expected_word = 'x' }\n\
    [services.future_digital]\nstations = { folder = 'stations' }\n";

fn desk(tickets: &str) -> Desk {
    let mut desk = Desk::new(&format!("{tickets}{CONFIG}"));
    std::fs::create_dir(desk.path("stations")).unwrap();
    std::fs::create_dir(desk.path("tickets")).unwrap();
    desk.write_old(
        "notes.csv",
        "laestab,last_synced_on,by,result\n9991001,2026-09-03,A. Person,ok\n",
    );
    desk.open();
    desk
}

#[test]
fn a_check_list_needs_no_ticket_and_is_done_once_the_notes_say_so() {
    let desk = desk("");
    let (plan, applied) = desk.act("just2easy.resync", &["9991001"], &[]);
    let item = &plan["items"][0];
    assert_eq!(item["now"][0]["value"], "2026-09-03");
    let list = item["sends"].to_string();
    assert!(
        list.contains("press the green button") || list.contains("Press the green button"),
        "{list}"
    );
    assert_eq!(item["steps"].as_array().unwrap().len(), 1, "nothing is sent");
    assert_eq!(applied.code, 10, "{applied:?}");
    let today = caretaker::model::calendar::london_date(jiff::Timestamp::now());
    desk.write_old(
        "notes.csv",
        &format!("laestab,last_synced_on,by,result\n9991001,{today},A,ok\n"),
    );
    let key = applied.json()["actions"][0]["key"].as_str().unwrap().to_owned();
    let row = desk.until_recent(&key);
    assert_eq!(
        (row["outcome"].as_str(), row["steps"][0]["state"].as_str()),
        (Some("done"), Some("seen"))
    );
}

#[test]
fn a_check_of_pcs_is_a_ticket_with_their_names() {
    let desk = desk("[tickets.folder]\npath = 'tickets'\n");
    let set = ["stations=LIB-PC01, LIB-PC02", "text=since the half-term"];
    let (plan, applied) = desk.act("future_digital.client_check", &["9991001"], &set);
    assert_eq!(applied.code, 10, "{applied:?}");
    let sends = plan["items"][0]["sends"].to_string();
    for part in ["PCs: 2", "LIB-PC01", "LIB-PC02", "since the half-term", "monitoring client"] {
        assert!(sends.contains(part), "{part}: {sends}");
    }
    for odd in ["stations=../../etc", "stations=a b", "stations=,", "stations=x;y"] {
        let args =
            ["plan", "future_digital.client_check", "9991001", "--reason", "r", "--set", odd];
        let said = desk.run(&args);
        assert_eq!(said.code, 64, "{odd}: {said:?}");
    }
    let other = desk.run(&[
        "plan",
        "future_digital.client_check",
        "9991002",
        "--reason",
        "r",
        "--set",
        "stations=A",
    ]);
    assert!(other.err.contains("does not take future_digital"), "{other:?}");
}
