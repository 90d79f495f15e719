//! The OpenAPI document: assembled from the types of the wire, so that it cannot lag behind them.

mod guarded;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use crate::agent::recording::RECORDING_TYPE;
use crate::wire::VERSION;
use crate::wire::board::{Board, Change};
use crate::wire::days::LastDays;
use crate::wire::desk::{Handle, Handled, StruckOut};
use crate::wire::incident::{IncidentDone, IncidentOrder, IncidentPage, Incidents};
use crate::wire::page::{AgentHealth, CheckPage, Page, Problem, Refresh, Refreshed};
use crate::wire::past::{Diff, Handover};
use crate::wire::report::Report;
use crate::wire::runs::Runs;
use crate::wire::status::Status;
use crate::wire::training::TrainingPage;

/// The type of `/v1/metrics`.
pub(super) const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The document that `/v1/openapi.json` serves, written out.
pub(super) fn text() -> bytes::Bytes {
    document().to_string().into()
}

/// The document that `/v1/openapi.json` serves.
#[must_use]
pub(super) fn document() -> Value {
    let mut answers = generator(false);
    let mut requests = generator(true);
    let paths = paths(&mut answers, &mut requests);
    let mut schemas: Map<String, Value> = requests.take_definitions(true);
    schemas.extend(answers.take_definitions(true));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "caretaker agent",
            "version": env!("CARGO_PKG_VERSION"),
            "description": format!(
                "The live board of a schools' ICT support desk, over a Unix socket. Version \
                 {VERSION} of the wire: fields are added, never renamed or removed. Times are UTC."
            ),
        },
        "servers": [{"url": "http://caretaker", "description": "curl --unix-socket PATH http://caretaker/v1/board"}],
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

fn generator(requests: bool) -> SchemaGenerator {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    if !requests {
        // What is always written is then required, though a reader could do without.
        settings = settings.for_serialize();
    }
    settings.into_generator()
}

/// One route.
struct Route<'a> {
    path: &'a str,
    method: &'a str,
    summary: &'a str,
    parameters: Vec<Value>,
    body: Option<Value>,
    /// Type and schema of the good answer.
    answer: (&'a str, Value),
    /// Statuses of problems that this route has besides the usual ones.
    problems: &'a [u16],
}

fn paths(answers: &mut SchemaGenerator, requests: &mut SchemaGenerator) -> Value {
    let routes = reads(answers)
        .into_iter()
        .chain(others(answers, requests))
        .chain(guarded::plans(answers, requests))
        .chain(guarded::acts(answers, requests))
        .chain(guarded::accounts(answers, requests))
        .chain(guarded::audits(answers, requests))
        .chain(training(answers))
        .chain(kept(answers))
        .chain(incidents(answers, requests));
    let problem = answers.subschema_for::<Problem>().to_value();
    let mut paths = Map::new();
    for route in routes {
        let methods = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(methods) = methods.as_object_mut() {
            methods.insert(route.method.to_owned(), operation(&route, &problem));
        }
    }
    Value::Object(paths)
}

/// The parameter of a past moment.
fn at() -> Value {
    let what = "A past moment (RFC 3339); now if absent. See `past` in the answer";
    parameter("at", "query", false, what)
}

/// The routes that tell of the board.
fn reads(answers: &mut SchemaGenerator) -> [Route<'static>; 5] {
    let school = parameter("school", "path", true, "LAESTAB, seven digits, or `estate`");
    let rows = "Only so many rows, worst first: for a first look at a large estate. See `first_of`";
    let first = parameter("first", "query", false, rows);
    let check = parameter("check", "path", true, "Check, such as `groupcall.xporter_data`");
    [
        Route {
            parameters: vec![at(), first],
            problems: &[400],
            ..get(
                "/v1/board",
                "The whole board at a revision, without sentences; or as it was at a past moment",
                answers.subschema_for::<Board>().to_value(),
            )
        },
        Route {
            parameters: vec![
                parameter("Last-Event-ID", "header", false, "Revision to go on from"),
                parameter("since", "query", false, "The same, where a header is hard to send"),
            ],
            answer: ("text/event-stream", answers.subschema_for::<Change>().to_value()),
            problems: &[400],
            ..get(
                "/v1/changes",
                "Changes as server-sent events: the data of each is one of these, its id the \
                 revision. After `reset` fetch /v1/board and come back with its revision; the \
                 stream ends after `reset` and `bye`",
                Value::Null,
            )
        },
        Route {
            parameters: vec![school.clone(), at()],
            problems: &[400, 404],
            ..get(
                "/v1/schools/{school}",
                "The page of a school or of the estate: sentences, checks, evidence, history",
                answers.subschema_for::<Page>().to_value(),
            )
        },
        Route {
            parameters: vec![school, check],
            problems: &[400, 404],
            ..get(
                "/v1/checks/{school}/{check}",
                "One check with its evidence",
                answers.subschema_for::<CheckPage>().to_value(),
            )
        },
        Route {
            parameters: vec![
                parameter("schools", "query", false, "LAESTABs with commas between; all if absent"),
                parameter(
                    "service",
                    "query",
                    false,
                    "Only this service's checks and estate fact; every school keeps every key",
                ),
                at(),
            ],
            problems: &[400, 404],
            ..get(
                "/v1/status",
                "The document of `caretaker status --json`",
                answers.subschema_for::<Status>().to_value(),
            )
        },
    ]
}

/// Refresh, and the routes that tell of the agent itself.
fn others(answers: &mut SchemaGenerator, requests: &mut SchemaGenerator) -> [Route<'static>; 6] {
    [
        Route {
            method: "post",
            body: Some(requests.subschema_for::<Refresh>().to_value()),
            problems: &[400, 404, 413],
            ..get(
                "/v1/refresh",
                "Asks the vendors again now, within their limits",
                answers.subschema_for::<Refreshed>().to_value(),
            )
        },
        Route {
            method: "post",
            body: Some(requests.subschema_for::<Handle>().to_value()),
            problems: &[400, 413],
            ..get(
                "/v1/handling",
                "Acknowledges, claims, sets a downtime, notes, or gives back: in the name of the \
                 account behind the socket",
                answers.subschema_for::<Handled>().to_value(),
            )
        },
        Route {
            problems: &[400, 404],
            ..post(
                "/v1/desk/{id}/strike",
                "Strikes out the text of an entry of the desk's book, in the name of the account \
                 behind the socket; who wrote it and who struck it out stays",
                Some(&parameter("id", "path", true, "The entry's number")),
                None,
                answers.subschema_for::<StruckOut>().to_value(),
            )
        },
        get("/v1/health", "How the agent is", answers.subschema_for::<AgentHealth>().to_value()),
        Route {
            answer: (METRICS_TYPE, json!({"type": "string"})),
            ..get("/v1/metrics", "Counters in the OpenMetrics text format", Value::Null)
        },
        get("/v1/openapi.json", "This document", json!({"type": "object"})),
    ]
}

/// A route that changes something.
fn post(
    path: &'static str,
    summary: &'static str,
    parameter: Option<&Value>,
    body: Option<Value>,
    answer: Value,
) -> Route<'static> {
    Route {
        method: "post",
        parameters: parameter.cloned().into_iter().collect(),
        body,
        problems: &[400, 404, 409, 413],
        ..get(path, summary, answer)
    }
}

/// The routes of what was kept: runs, two moments compared, what is handed over, and reports.
fn kept(answers: &mut SchemaGenerator) -> [Route<'static>; 6] {
    let since = "Since when (RFC 3339); the end of your last shift if absent, else 12 hours ago";
    let handover = Route {
        parameters: vec![parameter("since", "query", false, since)],
        problems: &[400, 409],
        ..get(
            "/v1/handover",
            "What broke, what was done, what is open and whose: for whoever comes next",
            answers.subschema_for::<Handover>().to_value(),
        )
    };
    let diff = Route {
        parameters: vec![
            parameter("from", "query", true, "The first moment (RFC 3339)"),
            parameter("to", "query", false, "The second; now if absent"),
        ],
        problems: &[400],
        ..get(
            "/v1/diff",
            "Two moments compared: what became worse, better, was worse meanwhile; worst first",
            answers.subschema_for::<Diff>().to_value(),
        )
    };
    let runs = Route {
        parameters: vec![parameter("laestab", "path", true, "LAESTAB, seven digits")],
        problems: &[400, 404],
        ..get(
            "/v1/runs/{laestab}",
            "Runs of a school that ended well and are kept for a time: what a restore can be asked from",
            answers.subschema_for::<Runs>().to_value(),
        )
    };
    let report = Route {
        parameters: vec![
            parameter("from", "query", false, "The beginning (RFC 3339); 30 days ago if absent"),
            parameter("to", "query", false, "The end; now if absent"),
            parameter("schools", "query", false, "LAESTABs with commas between; all if absent"),
            parameter("services", "query", false, "Keys with commas between; all if absent"),
        ],
        problems: &[400, 404],
        ..get(
            "/v1/report",
            "How services stood through a period (availability, freshness), and how long trouble took to be \
             noticed, claimed and resolved",
            answers.subschema_for::<Report>().to_value(),
        )
    };
    let rows = "LAESTABs or `estate`, with commas between; at most 200";
    let days = Route {
        parameters: vec![parameter("rows", "query", true, rows)],
        problems: &[400, 404],
        ..get(
            "/v1/days",
            "A letter for the worst of each of the last 14 days of rows of the board",
            answers.subschema_for::<LastDays>().to_value(),
        )
    };
    let recording = Route {
        parameters: vec![
            parameter("incident", "query", false, "The number of an incident, or a period instead"),
            parameter("from", "query", false, "The beginning of a period (RFC 3339)"),
            parameter("to", "query", false, "Its end; now if absent"),
            parameter("names", "query", false, "`masked`, or `schools`; persons never are named"),
        ],
        problems: &[400, 404],
        answer: (RECORDING_TYPE, json!({"type": "string"})),
        ..get("/v1/recording", "A recording that `caretaker replay` plays", Value::Null)
    };
    [days, diff, handover, runs, report, recording]
}

/// The routes of incidents.
fn incidents(answers: &mut SchemaGenerator, requests: &mut SchemaGenerator) -> [Route<'static>; 3] {
    let number = || vec![parameter("id", "path", true, "The incident's number")];
    [
        Route {
            parameters: vec![
                parameter(
                    "ended",
                    "query",
                    false,
                    "Those too that ended not longer ago than this, such as 24h; at most 200",
                ),
                parameter(
                    "places",
                    "query",
                    false,
                    "true: of each open one the schools in trouble",
                ),
            ],
            problems: &[400],
            ..get(
                "/v1/incidents",
                "What is broken: cells that went bad together or share a root, what nobody has first",
                answers.subschema_for::<Incidents>().to_value(),
            )
        },
        Route {
            parameters: number(),
            problems: &[400, 404],
            ..get(
                "/v1/incidents/{id}",
                "One incident with its cells and its time line: changes, notes, actions, the vendor's \
                 own incidents",
                answers.subschema_for::<IncidentPage>().to_value(),
            )
        },
        Route {
            method: "post",
            parameters: number(),
            body: Some(requests.subschema_for::<IncidentOrder>().to_value()),
            problems: &[400, 404, 409, 413],
            ..get(
                "/v1/incidents/{id}",
                "Claims, gives back, notes, merges, splits or resolves it: in the name of the account \
                 behind the socket",
                answers.subschema_for::<IncidentDone>().to_value(),
            )
        },
    ]
}

/// The routes that a training has.
fn training(answers: &mut SchemaGenerator) -> [Route<'static>; 2] {
    let page = answers.subschema_for::<TrainingPage>().to_value();
    [
        Route {
            problems: &[404],
            ..get(
                "/v1/training",
                "The training that a demo runs: brief, hints so far, and what was done",
                page.clone(),
            )
        },
        Route {
            method: "post",
            problems: &[404],
            ..get("/v1/training/hint", "The same with one more hint", page)
        },
    ]
}

fn get<'a>(path: &'a str, summary: &'a str, schema: Value) -> Route<'a> {
    Route {
        path,
        method: "get",
        summary,
        parameters: Vec::new(),
        body: None,
        answer: ("application/json", schema),
        problems: &[],
    }
}

fn operation(route: &Route<'_>, problem: &Value) -> Value {
    let (kind, schema) = &route.answer;
    let mut responses = Map::new();
    responses.insert(
        "200".into(),
        json!({"description": route.summary, "content": {*kind: {"schema": schema}}}),
    );
    let refused = json!({
        "description": "A problem, with its remedy",
        "content": {"application/json": {"schema": problem}}
    });
    for status in [403, 405, 408, 503].iter().chain(route.problems) {
        responses.insert(status.to_string(), refused.clone());
    }
    let mut operation = json!({
        "summary": route.summary, "parameters": route.parameters, "responses": responses,
    });
    if let (Some(body), Some(fields)) = (&route.body, operation.as_object_mut()) {
        fields.insert(
            "requestBody".into(),
            json!({"required": false, "content": {"application/json": {"schema": body}}}),
        );
    }
    operation
}

fn parameter(name: &str, place: &str, required: bool, description: &str) -> Value {
    json!({
        "name": name, "in": place, "required": required, "description": description,
        "schema": {"type": "string"},
    })
}
