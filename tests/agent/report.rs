//! Reports over the socket: what another run kept, what nobody saw, and what happens now.

use caretaker::link::Link;
use caretaker::model::cell::{Cell, Row, StateChange};
use caretaker::model::desk::{CellName, DeskEntry, DeskKind};
use caretaker::model::health::Health;
use caretaker::model::incident::{Incident, IncidentState, KeptIncident, Member};
use caretaker::model::kept::KeptCell;
use caretaker::model::observation::Verdict;
use caretaker::ports::store::Save;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::stage::{Stage, school, until};

/// Minutes after six, when another run of the agent began.
fn six(minutes: i64) -> Timestamp {
    let six: Timestamp = "2026-11-23T06:00:00Z".parse().unwrap();
    six + SignedDuration::from_mins(minutes)
}

fn cell(n: usize) -> CellName {
    CellName { row: Row::School(school(n)), service: "aqua".parse().unwrap() }
}

fn change(at: i64, from: Health, to: Health) -> (Row, StateChange) {
    let change = StateChange {
        at: six(at),
        service: cell(1).service,
        from,
        to,
        reason: None,
        follows: false,
        first: at == 0,
        why: "as invented".into(),
    };
    (cell(1).row, change)
}

fn entry(at: i64, kind: DeskKind, until: i64) -> DeskEntry {
    DeskEntry {
        again: Vec::new(),
        id: u64::try_from(at).unwrap(),
        at: six(at),
        by: "asha".into(),
        kind,
        from: None,
        until: Some(six(until)),
        filter: "".into(),
        why: "".into(),
        cells: vec![cell(1)],
    }
}

/// An hour of another run: a school is well, critical from 06:10 on (since 06:02), claimed at 06:15,
/// under planned work from 06:20 to 06:30, well at 06:40. At 07:00 nobody looks any more.
fn lived(stage: &Stage) {
    let store = stage.store();
    let keep = |at: i64, save: Save| {
        store.keep(Save { at: six(at), revision: 1, ..save });
        store.flush().unwrap();
    };
    let history = |change| Save { history: vec![change], ..Save::default() };
    let desk = |entry| Save { desk: vec![entry], ..Save::default() };
    keep(0, history(change(0, Health::Unknown, Health::Ok)));
    keep(10, history(change(10, Health::Ok, Health::Critical)));
    keep(15, desk(entry(15, DeskKind::Claim, 18)));
    keep(20, desk(entry(20, DeskKind::Downtime, 30)));
    keep(30, Save::default());
    let well = Cell {
        health: Health::Ok,
        since: Some(six(40)),
        state_since: Some(six(40)),
        ..Cell::default()
    };
    let known = KeptCell { row: cell(1).row, service: cell(1).service, cell: well };
    let member = Member {
        cell: cell(1),
        root: cell(1),
        from: six(10),
        since: Some(six(2)),
        until: Some(six(40)),
        health: Health::Critical,
        reason: None,
        worst: Health::Critical,
        spells: 1,
        moved: None,
        parted: false,
    };
    let incident = Incident {
        id: 1,
        opened_at: six(10),
        since: Some(six(2)),
        first: cell(1),
        why: "as invented".into(),
        worst: Health::Critical,
        state: IncidentState::Over { at: six(40) },
        quiet_since: Some(six(40)),
        kinds: Vec::new(),
    };
    // What only follows counts with its root, and nowhere else.
    let follower = Member { cell: cell(0), from: six(1), until: Some(six(59)), ..member.clone() };
    let over = KeptIncident { incident, members: vec![member, follower], entries: Vec::new() };
    let save = Save { cells: vec![known], incidents: vec![over], ..Save::default() };
    keep(40, Save { history: vec![change(40, Health::Critical, Health::Ok)], ..save });
    keep(50, Save::default());
    keep(60, Save::default());
}

fn seconds(counted: &Value) -> Value {
    counted["round_the_clock"]["seconds"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_run_kept_is_counted_and_what_nobody_saw_is_not() {
    let stage = Stage::new(3);
    lived(&stage);
    let (agent, wire) = stage.settled().await;
    let named = format!("schools={}&services=aqua", school(1));
    let report = wire.get(&format!("/v1/report?from={}&to={}&{named}", six(0), six(120))).await;
    assert_eq!(report["kept_since"], six(0).to_string());
    assert_eq!(
        report["nobody_looked"],
        json!([{"from": six(60).to_string(), "until": six(120).to_string()}])
    );
    let want = json!({
        "ok": 1_800, "warning": 0, "followed": 0, "critical": 1_200, "unknown": 0, "planned": 600,
        "not_recorded": 3_600, "not_taken": 0, "old": 0, "stale": 0,
    });
    let service = &report["services"][0];
    for counted in
        [&report["schools_together"], &service["schools"], &report["schools"][0]["counted"]]
    {
        assert_eq!(seconds(counted), want, "{report}");
        assert_eq!(counted["round_the_clock"]["availability"], 0.6);
        assert_eq!(counted["school_days"], counted["round_the_clock"], "a Monday");
    }
    assert_eq!((&service["takers"], &service["estate"]), (&json!(1), &Value::Null));
    assert_eq!(service["days"], json!([{"date": "2026-11-23", "availability": 0.6}]));
    let one = |seconds: u64| json!({"count": 1, "median": seconds, "p90": seconds});
    let times = json!({
        "incidents": 1, "unresolved": 0, "notice": one(480), "claim": one(300), "resolve": one(2_280),
    });
    for told in [&report["times"], &service["times"], &report["schools"][0]["times"]] {
        assert_eq!(*told, times);
    }

    // Of the others nobody had looked at anything; the incident is not theirs.
    let others = wire.get(&format!("/v1/report?from={}&to={}", six(0), six(120))).await;
    let schools = others["schools"].as_array().unwrap();
    assert_eq!(schools.len(), 3, "the fourth takes nothing: {others}");
    let unknown = &schools[0];
    assert_eq!(unknown["counted"]["round_the_clock"]["availability"], Value::Null, "first of all");
    assert_eq!(unknown["times"]["incidents"], 0);
    assert_eq!(seconds(&unknown["cells"][0]["counted"])["not_recorded"], 7_200);
    assert!(others["services"][0]["estate"].is_object(), "{others}");
    // A longer period only adds what is not recorded; nothing else is asked for as well.
    let longer = wire.get(&format!("/v1/report?from={}&to={}&{named}", six(-60), six(120))).await;
    let mut want = want;
    want["not_recorded"] = json!(7_200);
    assert_eq!(seconds(&longer["schools_together"]), want);
    let later = wire.get(&format!("/v1/report?from={}&to={}&{named}", six(11), six(20))).await;
    assert_eq!(later["times"]["incidents"], 0, "it opened before that");
    assert_eq!(later["schools_together"]["round_the_clock"]["availability"], 0.0);
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_now_is_not_resolved() {
    let stage = Stage::new(3);
    let (agent, wire) = stage.settled().await;
    stage.vendors[0].says(1, Verdict::Critical);
    wire.refresh().await;
    until("critical", || async {
        wire.get("/v1/board").await["schools"][1]["cells"][0]["h"] == "critical"
    })
    .await;
    // A period is in whole seconds; the next one holds what just opened.
    let opened = stage.clock.now();
    until("a second later", || async {
        stage.clock.now().duration_since(opened) > SignedDuration::from_secs(1)
    })
    .await;
    let link = Link::new(agent.socket()).unwrap();
    let period = (opened - SignedDuration::from_mins(5), stage.clock.now());
    let report = link.report(period, &[], &["aqua".parse().unwrap()]).await.unwrap();
    assert_eq!(report.services.len(), 1);
    let times = report.services[0].times;
    assert_eq!((times.incidents, times.unresolved, times.claim.count), (1, 1, 0), "{report:?}");
    let ill = &report.schools.iter().find(|s| s.row == Row::School(school(1))).unwrap().counted;
    assert!(ill.round_the_clock.seconds.critical > 0, "{ill:?}");
    assert!(ill.round_the_clock.seconds.not_recorded >= 290, "before the agent's start: {ill:?}");
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_that_cannot_be_told_is_refused_with_the_remedy() {
    let stage = Stage::new(1);
    let (agent, wire) = stage.settled().await;
    for (query, status, why) in [
        ("to=2026-11-25T00:00:00Z", 400, "lies in the future"),
        ("from=2026-11-23T09:00:00Z&to=2026-11-23T08:00:00Z", 400, "exchange the two"),
        ("from=2020-11-23T09:00:00Z", 400, "400 days at most"),
        ("from=yesterday", 400, "RFC 3339"),
        ("since=2026-11-23T09:00:00Z", 400, "from, to, schools, services"),
        ("services=post", 404, "no service of that key"),
        ("schools=9997777", 404, "no school has the number"),
        ("schools=x", 400, "estate"),
    ] {
        let (told, problem) = wire.ask("GET", &format!("/v1/report?{query}"), b"").await;
        assert_eq!(told, status, "{query}: {problem}");
        assert!(problem["message"].as_str().unwrap().contains(why), "{problem}");
    }
    let usual = wire.get("/v1/report").await;
    assert_eq!(usual["services"][0]["days"].as_array().unwrap().len(), 31, "30 days and a part");
    agent.stop().await.unwrap();
}
