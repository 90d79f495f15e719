//! The routes of the guard with people whose groups change, and accounts that tell what was in the
//! audit when they were asked.

use std::sync::{Arc, Mutex};

use caretaker::guard::policy::Policy;
use caretaker::guard::{Guard, Parts};
use caretaker::ledger::Draft;
use caretaker::model::account::{AccountPage, Hits};
use caretaker::model::ids::Laestab;
use caretaker::model::plan::{AccountName, Operator};
use caretaker::model::text::Clean;
use caretaker::ports::accounts::Accounts;
use caretaker::ports::act::Refused;
use caretaker::ports::clock::Boxed;
use caretaker::ports::ledger::{AuditQuery, Ledger};
use caretaker::ports::people::{Nobody, People, Person};
use caretaker::store::SqliteLedger;
use caretaker::sys::SystemEntropy;
use serde_json::{Value, json};

use crate::contract::Wire;
use crate::stage::{Live, Stage, school};

const POLICY: &str = "[roles]\nviewer = [\"looks\"]\noperator = [\"desk\"]\napprover = [\"second\"]\n\
    lead = [\"heads\", \"deputies\"]\nauditor = [\"audit\"]\n\
    [[rule]]\nname = \"plain\"\nactions = [\"groupcall.resync\"]\nroles = [\"operator\"]\n\
    per_plan = 5\nsecond = \"approver\"\n";

/// Somebody who asked for something before.
const ASKER: u32 = 4_242_001;

/// Everybody is the same person, in the groups that a test says; and the one who asked, in theirs.
#[derive(Debug, Default)]
struct Groups(Mutex<Vec<String>>, Mutex<Vec<String>>);

impl People for Groups {
    fn person(&self, uid: u32, _: Option<i32>) -> Result<Person, Nobody> {
        let operator = Operator { uid, login: Some(uid), name: Clean::new("tomr") };
        let groups = if uid == ASKER { &self.1 } else { &self.0 };
        Ok(Person { operator, groups: groups.lock().unwrap().clone() })
    }
}

/// How often an unmasking stood in the audit each time somebody's name was asked for.
struct Names {
    ledger: Arc<SqliteLedger>,
    seen: Mutex<Vec<(bool, usize)>>,
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Names(..)")
    }
}

fn unmasked(ledger: &dyn Ledger) -> usize {
    let query = AuditQuery { kind: Some("unmasked".into()), limit: 99, ..AuditQuery::default() };
    // None where nothing can be read.
    ledger.entries(&query).map_or(0, |entries| entries.len())
}

impl Names {
    fn note(&self, show: bool) -> Refused {
        self.seen.lock().unwrap().push((show, unmasked(&*self.ledger)));
        Refused::NotOne("nobody is here".into())
    }
}

impl Accounts for Names {
    fn find<'a>(&'a self, _: Laestab, _: &'a str, show: bool) -> Boxed<'a, Result<Hits, Refused>> {
        let told = self.note(show);
        Box::pin(async move { Err(told) })
    }
    fn page<'a>(
        &'a self,
        _: Laestab,
        _: &'a AccountName,
        show: bool,
    ) -> Boxed<'a, Result<AccountPage, Refused>> {
        let told = self.note(show);
        Box::pin(async move { Err(told) })
    }
}

struct Desk {
    stage: Stage,
    agent: Live,
    wire: Wire,
    groups: Arc<Groups>,
    ledger: Arc<SqliteLedger>,
    names: Arc<Names>,
}

impl Desk {
    async fn new() -> Self {
        let mut stage = Stage::new(1);
        let file = stage.folder.path().join("ledger.db");
        let ledger = Arc::new(SqliteLedger::open(&file).unwrap());
        let names = Arc::new(Names { ledger: ledger.clone(), seen: Mutex::default() });
        let groups = Arc::new(Groups::default());
        stage.settings.guard = Ok(Guard::new(Parts {
            ledger: ledger.clone(),
            acts: Vec::new(),
            policy: Ok(Policy::new(
                toml::from_str(POLICY).unwrap(),
                "p1",
                &["groupcall.resync".parse().unwrap()],
            )
            .unwrap()),
            clock: stage.clock.clone(),
            entropy: Arc::new(SystemEntropy),
            alone: false,
        }));
        stage.settings.people = groups.clone();
        stage.settings.accounts = Some(names.clone());
        let (agent, wire) = stage.settled().await;
        Self { stage, agent, wire, groups, ledger, names }
    }

    fn is_in(&self, groups: &[&str]) {
        *self.groups.0.lock().unwrap() = groups.iter().map(|g| (*g).to_owned()).collect();
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.wire.ask("POST", path, body.to_string().as_bytes()).await
    }

    /// An entry with the reason of a lock, which may name a pupil.
    fn entry(&self) -> u64 {
        let value = Clean::new("m.invented said so");
        let detail = caretaker::ledger::Detail { value, salt: [7; 32] };
        let draft = Draft {
            at: self.stage.clock.now(),
            kind: "plan",
            by: None,
            about: Clean::new("a plan"),
            body: Default::default(),
            private: [("reason".to_owned(), detail)].into(),
        };
        self.ledger.append(draft).unwrap().number
    }

    /// A request by somebody else, that waits for a second person.
    fn request(&self) {
        let (now, aim) = (self.stage.clock.now(), school(0).to_string());
        let until = now + jiff::SignedDuration::from_mins(30);
        let step = json!({ "id": "do", "system": "Groupcall", "says": "do it", "class": "set_state",
            "undoable": false, "patience_s": 60, "with": {} });
        let item = json!({ "key": "k1", "aim": aim, "also": [], "kind": "school", "lease": "l1",
            "now": [], "steps": [step], "protective": false, "will_not": [], "beware": [],
            "undo": null, "sends": [], "second_person": null });
        let ask = json!({ "action": "groupcall.resync", "targets": [aim], "reason": "a test",
            "ticket": null, "choices": {}, "continues": null });
        let plan = json!({ "id": "r1", "ask": ask, "items": [item], "left_out": [],
            "by": { "uid": ASKER, "login": ASKER, "name": "asker" },
            "ruling": { "policy": "p1", "rule": "plain", "second": "approver", "says": [] },
            "made_at": now.to_string(), "expires_at": until.to_string(), "digest": "d1" });
        let plan = serde_json::from_value(plan).unwrap();
        let draft = Draft {
            at: now,
            kind: "confirmed",
            by: None,
            about: Clean::new("r1"),
            body: Default::default(),
            private: Default::default(),
        };
        self.ledger.request(&plan, now, until, draft).unwrap();
    }

    /// From now on the audit takes no entry.
    fn audit_takes_nothing(&self) {
        let db = rusqlite::Connection::open(self.stage.folder.path().join("ledger.db")).unwrap();
        db.execute_batch("ALTER TABLE entry RENAME TO gone").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_14_roles_come_from_the_groups_of_the_moment_and_from_no_other() {
    let desk = Desk::new().await;
    let cases: [(&[&str], &[&str]); 9] = [
        (&[], &[]),
        (&["looks"], &["viewer"]),
        (&["desk"], &["operator"]),
        (&["second"], &["approver"]),
        (&["heads"], &["lead"]),
        (&["deputies"], &["lead"]),
        (&["audit"], &["auditor"]),
        (&["audit", "desk"], &["operator", "auditor"]),
        (&["operator", "lead", "Desk", "desk2", "root", "wheel"], &[]),
    ];
    for (groups, roles) in cases {
        desk.is_in(groups);
        assert_eq!(desk.wire.get("/v1/actions").await["me"]["roles"], json!(roles), "{groups:?}");
    }
    // Asked anew for each request: what was lost a moment ago is lost.
    let number = desk.entry();
    let path = format!("/v1/audit/{number}");
    desk.is_in(&["desk"]);
    assert_eq!(desk.wire.ask("GET", &path, b"").await.0, 200);
    desk.is_in(&["looks"]);
    assert_eq!(desk.wire.ask("GET", &path, b"").await.0, 403);
    assert_eq!(desk.wire.ask("GET", "/v1/audit", b"").await.0, 403);
    desk.agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_29_a_name_on_the_account_page_is_in_the_audit_before_it_is_read() {
    let desk = Desk::new().await;
    let account = format!("{}/sam:m.invented", school(0));
    let page = |show: bool, why: &str| json!({"account": account, "show": show, "why": why});
    let find = |show: bool, why: &str| json!({"school": school(0).to_string(), "part": "inv", "show": show, "why": why});
    let seen = || std::mem::take(&mut *desk.names.seen.lock().unwrap());
    for (path, masked, shown, mute) in [
        ("/v1/accounts/page", page(false, ""), page(true, "she rang"), page(true, "")),
        ("/v1/accounts/find", find(false, ""), find(true, "she rang"), find(true, "")),
    ] {
        desk.is_in(&["looks", "audit"]);
        assert_eq!(desk.post(path, shown.clone()).await.0, 403, "{path}");
        desk.is_in(&["desk"]);
        let before = unmasked(&*desk.ledger);
        assert_eq!(desk.post(path, mute).await.0, 400, "{path}: without a reason");
        assert!(seen().is_empty(), "{path}: nobody was asked");
        desk.post(path, masked).await;
        assert_eq!(seen(), [(false, before)], "{path}: masked, and nothing to record");
        desk.post(path, shown).await;
        assert_eq!(seen(), [(true, before + 1)], "{path}: recorded before it was read");
    }
    desk.audit_takes_nothing();
    let (status, told) = desk.post("/v1/accounts/page", page(true, "she rang")).await;
    assert_eq!(status, 503, "{told}");
    assert!(seen().is_empty(), "what cannot be recorded is not read");
    desk.agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_29_details_are_revealed_and_erased_by_the_right_people_and_recorded() {
    let desk = Desk::new().await;
    let number = desk.entry();
    let (reveal, erase) =
        (format!("/v1/audit/{number}/reveal"), format!("/v1/audit/{number}/erase"));
    let why = json!({"why": "the family asked"});
    let gone = json!({"field": "reason", "why": "the family asked"});
    for groups in [&["desk"][..], &["second"], &["looks"], &[]] {
        desk.is_in(groups);
        assert_eq!(desk.post(&reveal, why.clone()).await.0, 403, "{groups:?}");
        assert_eq!(desk.post(&erase, gone.clone()).await.0, 403, "{groups:?}");
    }
    desk.is_in(&["audit"]);
    let shown = desk.wire.get(&format!("/v1/audit/{number}")).await;
    assert_eq!((&shown["kept"], shown["details"]["reason"].as_str()), (&json!(["reason"]), None));
    assert!(!shown.to_string().contains("m.invented"));
    assert_eq!(desk.post(&reveal, json!({"why": ""})).await.0, 400);
    assert_eq!(unmasked(&*desk.ledger), 0);
    let (status, page) = desk.post(&reveal, why.clone()).await;
    assert_eq!((status, &page["details"]["reason"]), (200, &json!("m.invented said so")));
    assert_eq!(unmasked(&*desk.ledger), 1);

    desk.is_in(&["deputies"]);
    assert_eq!(desk.post(&erase, json!({"field": "reason", "why": ""})).await.0, 400);
    assert_eq!(desk.post(&erase, gone.clone()).await.0, 200);
    let (_, page) = desk.post(&reveal, why.clone()).await;
    assert_eq!((&page["kept"], &page["details"]), (&json!([]), &json!({})));
    let erased = desk.wire.get("/v1/audit?kind=erased").await;
    assert_eq!(erased["entries"][0]["about"], json!(format!("entry {number}")));

    let second = desk.entry();
    desk.audit_takes_nothing();
    let (status, told) = desk.post(&format!("/v1/audit/{second}/reveal"), why).await;
    assert!(status == 503 && !told.to_string().contains("m.invented"), "{status} {told}");
    desk.agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_approved_only_as_long_as_whoever_asked_has_the_role() {
    let desk = Desk::new().await;
    desk.request();
    desk.is_in(&["second"]);
    let body = json!({ "digest": "d1", "typed": "" });
    let (code, refused) = desk.post("/v1/plans/r1/approve", body.clone()).await;
    assert_eq!(code, 403, "{refused}");
    assert!(refused.to_string().contains("whoever asked"), "{refused}");
    let denied = AuditQuery { kind: Some("denied".into()), limit: 9, ..AuditQuery::default() };
    assert_eq!(desk.ledger.entries(&denied).unwrap().len(), 1);
    *desk.groups.1.lock().unwrap() = vec!["desk".to_owned()];
    let (code, approved) = desk.post("/v1/plans/r1/approve", body).await;
    assert_eq!(code, 200, "{approved}");
    desk.agent.stop().await.unwrap();
}
