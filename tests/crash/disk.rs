//! A disk that is full: nothing is sent that is not on it, and it goes on once there is room.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use caretaker::guard::{Denied, Guard, Parts};
use caretaker::model::plan::Role;
use caretaker::store::SqliteLedger;
use caretaker::sys::{SystemClock, SystemEntropy};

use crate::child::{ask, policy, who};
use crate::vendor::{CHAINS, Mood, Points, Vendor, effects};

/// Plans that are tried before the disk must be full.
const ENOUGH: usize = 2_000;

/// Starts [`child`] on a small disk of its own, in a namespace in which that may be made.
pub fn parent() {
    let outside = tempfile::tempdir().unwrap();
    let disk = outside.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let script =
        "mount -t tmpfs -o size=600k none \"$1\" || exit 99; exec \"$0\" --full \"$1\" \"$2\"";
    let status = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .args([&disk, outside.path()])
        .status();
    match status.map(|s| s.code()) {
        Ok(Some(0)) => println!("threat_21_a_full_disk: nothing was sent without its intent"),
        Ok(Some(99)) | Err(_) => {
            let required = std::env::var("CARETAKER_REQUIRE").unwrap_or_default();
            assert!(!required.split(',').any(|r| r == "tmpfs"), "tmpfs is required");
            println!("threat_21_a_full_disk: skipped: no small disk can be made here");
        }
        Ok(other) => panic!("threat_21_a_full_disk: {other:?}"),
    }
}

/// `DISK OUTSIDE`: acts until the disk is full, makes room, and acts again.
pub fn child(args: &[String]) {
    let [disk, outside] = args else { panic!("{args:?}") };
    let (disk, outside) = (Path::new(disk), Path::new(outside));
    let chain = *CHAINS.iter().find(|c| c.name == "reset").unwrap();
    let ballast = disk.join("ballast");
    std::fs::write(&ballast, vec![7; 200_000]).unwrap();
    let file = outside.join("effects");
    let vendor =
        Vendor { chain, mood: Mood::Well, file: file.clone(), points: Points::new(u64::MAX) };
    let guard = Guard::new(Parts {
        ledger: Arc::new(SqliteLedger::open(&disk.join("ledger.db")).unwrap()),
        acts: vec![Arc::new(vendor)],
        policy: Ok(policy(chain)),
        clock: Arc::new(SystemClock::new()),
        entropy: Arc::new(SystemEntropy),
        alone: false,
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut full = None;
        for n in 0..ENOUGH {
            if let Err(denied) = once(&guard, n).await {
                full = Some(denied);
                break;
            }
        }
        assert!(matches!(full, Some(Denied::Ledger(_))), "the disk never was full: {full:?}");
        let intents = guard.recent(10_000).await.unwrap();
        let done = effects(&file);
        for effect in &done {
            assert!(intents.iter().any(|h| h.item.key.as_str() == effect.key), "{effect:?}");
        }
        assert!(!done.is_empty() && done.len() <= intents.len());
        let trouble = guard.trouble().await.expect("everybody is told that nobody can act");
        assert!(trouble.as_str().contains("full"), "{trouble}");
        std::fs::remove_file(&ballast).unwrap();
        assert_eq!(guard.trouble().await, None, "and that they can again");
        once(&guard, ENOUGH).await.unwrap();
        assert_eq!(effects(&file).len(), done.len() + 1, "it goes on once there is room");
    });
}

/// One action; its effect, if it may begin, has happened when this returns.
async fn once(guard: &Guard, n: usize) -> Result<(), Denied> {
    let me = who(1000, Role::Operator);
    let mut asked = ask(CHAINS.iter().find(|c| c.name == "reset").unwrap());
    asked.targets = vec![format!("{:07}", 9_990_000 + n).parse().unwrap()];
    let plan = guard.plan(&me, asked, false).await?.plan;
    guard.confirm(&me, plan.id.as_str(), plan.digest.as_str()).await?;
    let mut news = guard.news();
    loop {
        let settled =
            guard.recent(1).await?.iter().any(|h| h.plan == plan.id && h.outcome.is_some());
        let left = guard.left(1).await?.iter().any(|l| l.plan.id == plan.id);
        if settled {
            return Ok(());
        }
        if left {
            return Err(Denied::Ledger("it was left".to_owned()));
        }
        let waited = tokio::time::timeout(std::time::Duration::from_secs(3), news.changed()).await;
        if waited.is_err() {
            return Err(Denied::Ledger("the ledger took nothing more".to_owned()));
        }
    }
}
