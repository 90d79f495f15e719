//! Every route, good and bad answers alike, against the served document.

use caretaker::link::{Link, LinkError};
use caretaker::model::health::{Health, Reason};
use caretaker::model::observation::{Verdict, Window};
use caretaker::wire::page::Refresh;
use serde_json::Value;

use crate::raw::Events;
use crate::stage::{Stage, school};

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_as_the_document_says() {
    let stage = Stage::new(3);
    stage.vendors[0].says(1, Verdict::Critical);
    stage.vendors[1].says(2, Verdict::Unknown(Reason::Paused));
    stage.vendors[0].says_of_estate(Verdict::Warning);
    let (agent, wire) = stage.settled().await;
    let mut slow = Events::open(agent.socket(), None).await;

    let board = wire.get("/v1/board").await;
    assert_eq!(board["schools"].as_array().unwrap().len(), 4);
    assert_eq!(board["schools"][1]["cells"][0]["h"], "critical");
    assert_eq!(board["schools"][3]["set_up"], false);
    assert_eq!(board["estate"][0]["h"], "warning");
    assert_eq!(board["restored_from"], serde_json::Value::Null);

    let (bad, paused) = (school(1), school(2));
    let page = wire.get(&format!("/v1/schools/{bad}")).await;
    assert_eq!(page["services"][0]["cell"]["health"], "critical");
    assert_eq!(page["services"][0]["checks"][0]["evidence"][0]["name"], "http status");
    assert_eq!(page["services"][0]["takers"], 3);
    assert_eq!(page["school_day"], true);
    let history = page["history"].as_array().unwrap();
    assert!(history.iter().any(|h| h["to"] == "critical" && h["service"] == "aqua"), "{history:?}");
    assert_eq!(page["not_watched"][0]["what"], "aqua.cme");
    let page = wire.get("/v1/schools/estate").await;
    assert_eq!(page["school"], serde_json::Value::Null);
    assert_eq!(page["services"][0]["cell"]["health"], "warning");
    let bare = wire.get(&format!("/v1/schools/{}", school(3))).await;
    assert!(bare["not_watched"][0]["why"].as_str().unwrap().contains("not set up"));

    let days = wire.get(&format!("/v1/days?rows=estate,{bad},{paused}")).await;
    let last = |n: usize| days["rows"][n]["days"].as_str().unwrap();
    // Nobody had looked before today.
    assert_eq!((last(0), last(1)), ("             W", "             C"), "{days}");
    assert_eq!(last(2).chars().last(), Some('U'), "{days}");
    let page = wire.get(&format!("/v1/schools/{bad}")).await;
    assert_eq!(page["services"][0]["days"], "             C");

    let check = wire.get(&format!("/v1/checks/{paused}/bolt.own")).await;
    assert_eq!(check["check"]["reason"], "paused");
    wire.get("/v1/checks/estate/aqua.tenant").await;

    let status = wire.get("/v1/status").await;
    assert_eq!(status["version"], 1);
    assert_eq!(status["settled"], true);
    assert_eq!(status["schools"].as_array().unwrap().len(), 4);
    assert_eq!(status["estate"][0]["service"], "aqua");
    let keys: Vec<&String> = status["schools"][0]["cells"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["aqua", "bolt"], "every key is always there");
    let one = wire.get(&format!("/v1/status?schools={bad},{paused}&service=bolt")).await;
    assert_eq!(one["schools"].as_array().unwrap().len(), 2);
    assert_eq!(one["estate"].as_array().unwrap().len(), 0);
    assert_eq!(one["schools"][0]["cells"]["aqua"]["checks"].as_array().unwrap().len(), 0);
    assert_eq!(one["schools"][0]["cells"]["aqua"]["health"], "critical");

    let metrics = wire.get("/v1/metrics").await;
    assert!(metrics.as_str().unwrap().contains("caretaker_cells{health=\"critical\"} 1"));
    assert!(metrics.as_str().unwrap().ends_with("# EOF\n"));
    let health = wire.get("/v1/health").await;
    assert_eq!(health["readers"], 2);
    assert_eq!(health["store_ok"], true);
    assert_eq!(health["pid"], std::process::id());

    let beat = slow.next().await.unwrap();
    wire.check_event(&beat);
    stage.vendors[0].says(0, Verdict::Warning);
    assert_eq!(wire.refresh().await["asked"], 5);
    let cells = slow.next_of("cells").await;
    wire.check_event(&cells);
    agent.stop().await.unwrap();
    let bye = slow.next_of("bye").await;
    wire.check_event(&bye);
    assert!(slow.next().await.is_none(), "the stream ends after goodbye");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_rows_alone_are_the_worst_and_say_so() {
    let stage = Stage::new(5);
    stage.vendors[0].says(3, Verdict::Warning);
    stage.vendors[1].says(4, Verdict::Critical);
    let (agent, wire) = stage.settled().await;
    let names = |board: &Value| -> Vec<String> {
        let schools = board["schools"].as_array().unwrap().iter();
        schools.map(|row| row["laestab"].as_str().unwrap().to_owned()).collect()
    };
    let some = wire.get("/v1/board?first=3").await;
    let worst = [school(4), school(3), school(0)].map(|s| s.to_string());
    assert_eq!(names(&some), worst, "those that are well by name");
    assert_eq!(some["first_of"], 6);
    let whole = wire.get("/v1/board").await;
    assert_eq!(some["summary"], whole["summary"], "the totals are those of all schools");
    assert_eq!(some["revision"], whole["revision"]);
    for all in ["/v1/board?first=6", "/v1/board?first=99", "/v1/board"] {
        let board = wire.get(all).await;
        assert_eq!(names(&board).len(), 6, "{all}");
        assert_eq!(board["first_of"], Value::Null, "{all}");
    }
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_a_problem_with_a_remedy() {
    let stage = Stage::new(1);
    let (agent, wire) = stage.settled().await;
    let here = school(0);
    for (method, path, body, status, says) in [
        ("GET", "/", "", 404, "/v1/openapi.json"),
        ("GET", "/v2/board", "", 404, "/v1/openapi.json"),
        ("DELETE", "/v1/board", "", 405, "method"),
        ("GET", "/v1/board?first=0", "", 400, "from 1 on"),
        ("GET", "/v1/board?first=some", "", 400, "from 1 on"),
        ("GET", "/v1/board?first=1&at=2026-11-23T09:00:00Z", "", 400, "leave out `first`"),
        ("GET", "/v1/board?rows=1", "", 400, "at, first"),
        ("GET", "/v1/schools/12", "", 400, "7 digits"),
        ("GET", "/v1/schools/9997777", "", 404, "/v1/board"),
        ("GET", &format!("/v1/checks/{here}/nonsense"), "", 400, "service.check"),
        ("GET", &format!("/v1/checks/{here}/aqua.none"), "", 404, "lists its checks"),
        ("GET", "/v1/status?schools=9997777", "", 404, "no school"),
        ("GET", "/v1/status?service=none", "", 404, "aqua, bolt"),
        ("GET", "/v1/status?school=9990100", "", 400, "schools, service"),
        ("GET", "/v1/days", "", 400, "1 to 200 rows"),
        ("GET", &format!("/v1/days?rows={}", vec!["estate"; 201].join(",")), "", 400, "1 to 200"),
        ("GET", "/v1/days?rows=9997777", "", 404, "no school"),
        ("GET", "/v1/days?since=now", "", 400, "takes: rows"),
        ("GET", "/v1/changes?since=yesterday", "", 400, "whole number"),
        ("POST", "/v1/refresh", "{\"shool\":null}", 400, "unknown field"),
        ("POST", "/v1/refresh", "[", 400, "the body is not"),
        ("POST", "/v1/refresh", "{\"school\":\"9997777\"}", 404, "no school"),
        ("POST", "/v1/refresh", "{\"service\":\"none\"}", 404, "aqua, bolt"),
        ("GET", "/v1/training", "", 404, "caretaker demo --scenario list"),
        ("POST", "/v1/training/hint", "", 404, "caretaker demo --scenario list"),
        ("POST", "/v1/refresh", &" ".repeat(70_000), 413, "larger"),
    ] {
        let (got, problem) = wire.ask(method, path, body.as_bytes()).await;
        assert_eq!(got, status, "{method} {path}: {problem}");
        let message = problem["message"].as_str().unwrap();
        assert!(message.contains(says), "{method} {path}: {message}");
    }
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn announced_work_is_told_and_changes_no_health() {
    let stage = Stage::new(2);
    let window = |from: &str, until: Option<&str>, title: &str| Window {
        from: from.parse().unwrap(),
        until: until.map(|u| u.parse().unwrap()),
        title: title.into(),
    };
    *stage.vendors[0].announces.lock().unwrap() = vec![
        window("2026-11-28T22:00:00Z", Some("2026-11-29T02:00:00Z"), "later"),
        window("2026-11-24T18:00:00Z", None, "sooner"),
        window("2026-11-22T18:00:00Z", Some("2026-11-23T09:59:59Z"), "over"),
    ];
    let (agent, wire) = stage.settled().await;
    let titles = |windows: &Value| -> Vec<String> {
        let all = windows.as_array().unwrap().iter();
        all.map(|w| w["title"].as_str().unwrap().to_owned()).collect()
    };
    for row in ["estate".to_owned(), school(1).to_string()] {
        let page = wire.get(&format!("/v1/schools/{row}")).await;
        let service = &page["services"][0];
        assert_eq!(titles(&service["windows"]), ["sooner", "later"], "{row}");
        assert_eq!(service["cell"]["health"], "ok");
        assert_eq!(titles(&page["services"][1]["windows"]), Vec::<String>::new());
    }
    let check = wire.get("/v1/checks/estate/aqua.tenant").await;
    assert_eq!(titles(&check["check"]["windows"]), ["later", "sooner"]);
    let status = wire.get("/v1/status").await;
    assert!(!status.to_string().contains("sooner"), "the contract of status is as it was");
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_names_every_route_and_no_other() {
    let stage = Stage::new(1);
    let (agent, wire) = stage.settled().await;
    let mut routes = wire.routes();
    routes.sort();
    assert_eq!(
        routes,
        [
            "/v1/accounts/find",
            "/v1/accounts/page",
            "/v1/actions",
            "/v1/actions/{key}/close",
            "/v1/actions/{key}/told",
            "/v1/arm",
            "/v1/audit",
            "/v1/audit/reconcile",
            "/v1/audit/{number}",
            "/v1/audit/{number}/erase",
            "/v1/audit/{number}/reveal",
            "/v1/board",
            "/v1/changes",
            "/v1/checks/{school}/{check}",
            "/v1/days",
            "/v1/desk/{id}/strike",
            "/v1/diff",
            "/v1/emergency",
            "/v1/handling",
            "/v1/handover",
            "/v1/health",
            "/v1/incidents",
            "/v1/incidents/{id}",
            "/v1/metrics",
            "/v1/openapi.json",
            "/v1/plans",
            "/v1/plans/{plan}",
            "/v1/plans/{plan}/approve",
            "/v1/plans/{plan}/cancel",
            "/v1/plans/{plan}/confirm",
            "/v1/recording",
            "/v1/refresh",
            "/v1/report",
            "/v1/runs/{laestab}",
            "/v1/schools/{school}",
            "/v1/status",
            "/v1/training",
            "/v1/training/hint",
        ]
    );
    agent.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_reads_what_the_agent_says() {
    let stage = Stage::new(3);
    stage.vendors[0].says(1, Verdict::Critical);
    let (agent, wire) = stage.settled().await;
    let link = Link::new(agent.socket()).unwrap();
    let board = link.board().await.unwrap();
    assert_eq!(board.schools[1].cells[0].health, Health::Critical);
    assert_eq!(
        serde_json::to_value(&board.schools).unwrap(),
        wire.get("/v1/board").await["schools"]
    );
    assert!(link.page(Some(school(0))).await.unwrap().school.is_some());
    assert!(link.page(None).await.unwrap().school.is_none());
    assert_eq!(
        link.check(Some(school(1)), "aqua.own").await.unwrap().check.health,
        Health::Critical
    );
    assert_eq!(link.status(&[school(1)], None).await.unwrap().schools.len(), 1);
    assert_eq!(link.status(&[], None).await.unwrap().schools.len(), 4);
    let then = stage.clock.now();
    assert_eq!(link.board_at(then).await.unwrap().past.unwrap().at, then);
    assert_eq!(link.page_at(None, then).await.unwrap().as_of, then);
    assert_eq!(link.status(&[school(1)], Some(then)).await.unwrap().as_of, then);
    assert_eq!(link.diff(then, Some(stage.clock.now())).await.unwrap().cells, []);
    assert_eq!(link.handover(Some(then)).await.unwrap().since, then);
    assert_eq!(link.health().await.unwrap().pid, std::process::id());
    let asked = link.refresh(&Refresh { school: Some(school(1)), service: None }).await.unwrap();
    assert_eq!(asked.asked, 2, "its own job and the one for all schools");
    match link.page(Some("9997777".parse().unwrap())).await {
        Err(LinkError::Refused { code, .. }) => assert_eq!(code, "not_found"),
        other => panic!("{other:?}"),
    }
    match link.check(Some(school(0)), "../../../health").await {
        Err(LinkError::Refused { code, .. }) => assert_eq!(code, "bad_request"),
        other => panic!("{other:?}"),
    }
    agent.stop().await.unwrap();
    match link.board().await {
        Err(LinkError::NoAgent { why, .. }) => assert!(why.contains("no such socket"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_write_is_told_and_the_board_lives() {
    let stage = Stage::new(2);
    let store = std::sync::Arc::new(crate::lifecycle::FullDisk);
    let agent = stage.start_with(store).await.unwrap();
    let wire = crate::contract::Wire::to(agent.socket()).await;
    wire.until_settled().await;
    assert_eq!(wire.get("/v1/health").await["store_ok"], false);
    assert_eq!(wire.get("/v1/board").await["schools"][0]["cells"][0]["h"], "ok");
    wire.get(&format!("/v1/schools/{}", school(0))).await;
    assert!(agent.stop().await.is_err(), "whoever stops it hears that it could not be kept");
}
