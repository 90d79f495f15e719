//! Starting, stopping, restarting; one agent for each socket.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use caretaker::agent::AgentError;
use caretaker::model::cell::{Row, StateChange};
use caretaker::model::desk::DeskEntry;
use caretaker::model::ids::CheckId;
use caretaker::model::incident::KeptIncident;
use caretaker::model::kept::{KeptCell, KnownRuns};
use caretaker::model::observation::{Target, Verdict};
use caretaker::ports::store::{KeptBoard, Save, Store, StoreError};
use caretaker::store::SqliteStore;
use jiff::Timestamp;
use tokio::net::UnixListener;

use crate::contract::Wire;
use crate::raw::Events;
use crate::stage::{Manner, Stage, StageClock, school, until};

/// A store that can be read and not written.
pub struct FullDisk;

impl FullDisk {
    fn error() -> StoreError {
        StoreError::Unusable { place: "an invented disk".into(), why: "it is full".into() }
    }
}

impl Store for FullDisk {
    fn load(&self) -> Result<KeptBoard, StoreError> {
        Ok(KeptBoard::default())
    }
    fn keep(&self, _: Save) {}
    fn history(&self, _: Row, _: usize) -> Result<Vec<StateChange>, StoreError> {
        Err(Self::error())
    }
    fn desk(&self, _: Row, _: usize) -> Result<Vec<DeskEntry>, StoreError> {
        Ok(Vec::new())
    }
    fn incidents(&self, _: Timestamp, _: usize) -> Result<Vec<KeptIncident>, StoreError> {
        Ok(Vec::new())
    }
    fn incident(&self, _: u64) -> Result<Option<KeptIncident>, StoreError> {
        Ok(None)
    }
    fn runs(&self, _: Target, _: &CheckId, _: Timestamp) -> Result<KnownRuns, StoreError> {
        Ok(KnownRuns::default())
    }
    fn flush(&self) -> Result<(), StoreError> {
        Err(Self::error())
    }
    fn trouble(&self) -> Option<StoreError> {
        Some(Self::error())
    }
    fn lost(&self) -> u64 {
        7
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_agent_says_who_holds_the_socket() {
    let stage = Stage::new(1);
    let (agent, wire) = stage.settled().await;
    let Err(error) = stage.start_with(Arc::new(FullDisk)).await else { panic!("two agents") };
    let said = error.to_string();
    assert!(matches!(error, AgentError::Held { .. }), "{said}");
    assert!(said.contains(&format!("process {}", std::process::id())), "{said}");
    assert!(said.contains(env!("CARGO_PKG_VERSION")), "{said}");
    wire.get("/v1/health").await;
    agent.stop().await.unwrap();
    assert!(!stage.settings.socket.exists(), "the socket goes with its agent");
    stage.start_with(Arc::new(FullDisk)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_without_a_listener_is_replaced_and_anything_else_is_not() {
    let stage = Stage::new(1);
    let socket = stage.settings.socket.clone();
    let folder = socket.parent().unwrap();
    std::fs::create_dir(folder).unwrap();
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    drop(UnixListener::bind(&socket).unwrap());
    assert!(socket.exists());
    let agent = stage.start_with(Arc::new(FullDisk)).await.unwrap();
    assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    agent.stop().await.unwrap_err();

    // A listener without a lock, such as another program's, is left alone.
    let other = UnixListener::bind(&socket).unwrap();
    let refused = stage.start_with(Arc::new(FullDisk)).await.err().unwrap();
    assert!(matches!(refused, AgentError::Held { .. }), "{refused}");
    drop(other);
    std::fs::remove_file(&socket).unwrap();

    std::fs::write(&socket, "letters").unwrap();
    let refused = stage.start_with(Arc::new(FullDisk)).await.err().unwrap();
    assert!(refused.to_string().contains("no socket"), "{refused}");
    assert_eq!(std::fs::read(&socket).unwrap(), b"letters");
    std::fs::remove_file(&socket).unwrap();

    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    let refused = stage.start_with(Arc::new(FullDisk)).await.err().unwrap();
    assert!(refused.to_string().contains("chmod go-w"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_14_the_folder_is_made_for_its_account_alone() {
    let stage = Stage::new(1);
    let agent = stage.start_with(Arc::new(FullDisk)).await.unwrap();
    let folder = stage.settings.socket.parent().unwrap().metadata().unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
    agent.stop().await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_lets_a_poll_finish_and_keeps_what_it_saw() {
    let stage = Stage::new(1);
    stage.vendors[0].says(0, Verdict::Critical);
    // One service is done sooner than the other.
    *stage.vendors[0].takes.lock().unwrap() = Duration::from_millis(600);
    *stage.vendors[1].takes.lock().unwrap() = Duration::from_millis(200);
    let agent = stage.start_with(stage.store()).await.unwrap();
    let mut slow = Events::open(agent.socket(), None).await;
    let polls = || stage.vendors[0].polls.load(Ordering::SeqCst);
    until("both polls run", || async { polls() == 2 }).await;
    agent.stop().await.unwrap();
    slow.next_of("bye").await;
    assert_eq!(polls(), 2, "none was started after the order to stop");
    let kept = SqliteStore::open(&stage.board_file()).unwrap().load().unwrap();
    let of_slow = |c: &&KeptCell| c.row == Row::School(school(0)) && c.service.as_str() == "aqua";
    let cell = kept.cells.iter().find(of_slow).unwrap();
    assert_eq!(cell.cell.health, caretaker::model::health::Health::Critical);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_cancels_a_poll_that_hangs() {
    let mut stage = Stage::new(1);
    stage.settings.drain_time = Duration::from_millis(100);
    stage.vendors[0].behaves(Manner::Hangs);
    let agent = stage.start_with(stage.store()).await.unwrap();
    tokio::time::timeout(crate::raw::LIMIT, agent.stop()).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_the_last_board_is_there_before_any_answer() {
    let mut stage = Stage::new(2);
    stage.vendors[0].says(1, Verdict::Critical);
    let (agent, wire) = stage.settled().await;
    let before = wire.get("/v1/board").await;
    let page = wire.get(&format!("/v1/schools/{}", school(1))).await;
    agent.stop().await.unwrap();

    // Ten minutes later, and no vendor answers.
    stage.clock = StageClock::new("2026-11-23T10:10:00Z");
    for vendor in &stage.vendors {
        vendor.behaves(Manner::Hangs);
    }
    let agent = stage.start_with(stage.store()).await.unwrap();
    let wire = Wire::to(agent.socket()).await;
    let board = wire.get("/v1/board").await;
    assert_eq!(board["settled"], false);
    assert!(board["restored_from"].as_str().unwrap().starts_with("2026-11-23T10:00:"), "{board}");
    assert_eq!(board["schools"][1]["cells"][0]["h"], "critical");
    assert_eq!(board["schools"][1]["cells"][0]["s"], before["schools"][1]["cells"][0]["s"]);
    assert!(board["revision"].as_u64() > before["revision"].as_u64());
    let again = wire.get(&format!("/v1/schools/{}", school(1))).await;
    let changed = |page: &serde_json::Value| page["history"][0]["at"].clone();
    assert_eq!(changed(&again), changed(&page), "history outlives the process");
    drop(agent.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_dropped_leaves_nothing_running() {
    let stage = Stage::new(2);
    let (agent, wire) = stage.settled().await;
    let mut slow = Events::open(agent.socket(), None).await;
    let polls = || stage.vendors[1].polls.load(Ordering::SeqCst);
    drop(agent);
    while slow.next().await.is_some() {}
    assert!(!wire.socket.exists());
    let before = polls();
    // The place is free, and the new agent's polls are the only ones.
    let agent = stage.start_with(stage.store()).await.unwrap();
    Wire::to(agent.socket()).await.until_settled().await;
    assert_eq!(polls(), before + 1);
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_age_of_a_restored_board_goes_once_everything_was_tried() {
    let stage = Stage::new(1);
    let (agent, _) = stage.settled().await;
    agent.stop().await.unwrap();
    let (agent, wire) = stage.settled().await;
    assert_eq!(wire.get("/v1/board").await["restored_from"], serde_json::Value::Null);
    agent.stop().await.unwrap();
}
