//! What becomes of answers that do not fit, and how often vendors are asked.

use std::sync::atomic::Ordering;
use std::time::Duration;

use caretaker::model::observation::Target;

use crate::contract::Wire;
use crate::stage::{Manner, Stage, Vendor, school, until};

async fn reason(wire: &Wire, n: usize, check: &str) -> (String, String) {
    let page = wire.get(&format!("/v1/checks/{}/{check}", school(n))).await;
    let text = |field: &str| page["check"][field].as_str().unwrap_or_default().to_owned();
    (text("reason"), text("why"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_school_that_the_answer_left_out_is_malformed() {
    let stage = Stage::new(3);
    stage.vendors[1].behaves(Manner::LeavesOut(school(1).number()));
    let (agent, wire) = stage.settled().await;
    let (why, sentence) = reason(&wire, 1, "bolt.own").await;
    assert_eq!(why, "malformed");
    assert!(sentence.contains("left this school out"), "{sentence}");
    assert_eq!(reason(&wire, 0, "bolt.own").await.0, "", "its neighbours are well");
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_31_an_answer_that_nobody_asked_for_is_dropped_and_counted() {
    let mut stage = Stage::new(2);
    stage.settings.refresh_floor = Duration::ZERO;
    stage.vendors[1].behaves(Manner::Gossips);
    let (agent, wire) = stage.settled().await;
    assert_eq!(wire.get("/v1/health").await["foreign_answers"], 3);
    assert_eq!(wire.get("/v1/board").await["schools"].as_array().unwrap().len(), 3);
    // Once more, when the other vendor has long answered for itself.
    let (status, _) = wire.ask("POST", "/v1/refresh", b"{\"service\":\"bolt\"}").await;
    assert!((200..300).contains(&status), "{status}");
    let counted = || async { wire.get("/v1/health").await["foreign_answers"] == 6 };
    until("asked again", counted).await;
    let (_, told) = reason(&wire, 0, "aqua.own").await;
    assert!(!told.contains("gossip"), "{told}");
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_answers_that_disagree_are_malformed() {
    let stage = Stage::new(1);
    stage.vendors[1].behaves(Manner::Contradicts);
    let (agent, wire) = stage.settled().await;
    assert_eq!(reason(&wire, 0, "bolt.own").await.0, "malformed");
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_that_panics_or_hangs_is_no_answer() {
    let mut stage = Stage::new(2);
    stage.settings.poll_time = Duration::from_millis(100);
    stage.vendors[0].behaves(Manner::Panics);
    stage.vendors[1].behaves(Manner::Hangs);
    let (agent, wire) = stage.settled().await;
    for check in ["aqua.own", "bolt.own"] {
        assert_eq!(reason(&wire, 0, check).await.0, "no_answer", "{check}");
    }
    // The agent lives, and the vendor may recover.
    stage.vendors[0].behaves(Manner::Answers);
    wire.refresh().await;
    until("recovered", || async { reason(&wire, 0, "aqua.own").await.0.is_empty() }).await;
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn polls_stay_within_their_limits_and_never_overlap_themselves() {
    let vendors =
        vec![Vendor::new("aqua", 30, false, false), Vendor::new("bolt", 30, false, false)];
    for vendor in &vendors {
        *vendor.takes.lock().unwrap() = Duration::from_millis(10);
    }
    let mut stage = Stage::with(30, vendors);
    stage.settings.concurrency.overall = 6;
    stage.settings.concurrency.per_service = 4;
    let agent = stage.start_with(stage.store()).await.unwrap();
    let wire = Wire::to(agent.socket()).await;
    let polls = |v: &Vendor| v.polls.load(Ordering::SeqCst);
    until("several sweeps", || async {
        wire.refresh().await;
        stage.vendors.iter().all(|v| polls(v) > 90)
    })
    .await;
    for vendor in &stage.vendors {
        assert!(vendor.most.load(Ordering::SeqCst) <= 4, "a service within its limit");
        assert!(vendor.most.load(Ordering::SeqCst) >= 2, "and not one by one");
        assert_eq!(vendor.most_of_one.load(Ordering::SeqCst), 1, "no job beside itself");
    }
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_leaves_alone_what_was_asked_just_now() {
    let mut stage = Stage::new(3);
    stage.settings.refresh_floor = Duration::from_secs(3_600);
    let (agent, wire) = stage.settled().await;
    let answer = wire.refresh().await;
    assert_eq!((answer["asked"].as_u64(), answer["too_soon"].as_u64()), (Some(0), Some(5)));
    let one = format!("{{\"school\":\"{}\",\"service\":\"aqua\"}}", school(1));
    let (_, answer) = wire.ask("POST", "/v1/refresh", one.as_bytes()).await;
    assert_eq!((answer["asked"].as_u64(), answer["too_soon"].as_u64()), (Some(0), Some(1)));
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn vendors_hear_who_asks_again_and_what_they_call_outdated_is_asked_at_once() {
    let mut stage = Stage::new(3);
    stage.settings.refresh_floor = Duration::ZERO;
    let (agent, wire) = stage.settled().await;
    let [aqua, bolt] = [&stage.vendors[0], &stage.vendors[1]];
    let polls = || aqua.polls.load(Ordering::SeqCst);
    let before = polls();
    *aqua.outdated.lock().unwrap() = vec![format!("own/{}", Target::School(school(2))).into()];
    let one = format!("{{\"school\":\"{}\",\"service\":\"aqua\"}}", school(1));
    let (_, answer) = wire.ask("POST", "/v1/refresh", one.as_bytes()).await;
    assert_eq!(answer["asked"].as_u64(), Some(1));
    // In an hour it would be due by itself.
    until("school 2 as well", || async { polls() == before + 2 }).await;
    assert_eq!(*aqua.asked.lock().unwrap(), [Some(school(1))]);
    assert!(bolt.asked.lock().unwrap().is_empty(), "another service was meant");
    wire.refresh().await;
    assert_eq!(aqua.asked.lock().unwrap().last(), Some(&None));
    assert_eq!(*bolt.asked.lock().unwrap(), [None]);
    agent.stop().await.unwrap();
}
