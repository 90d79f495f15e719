//! What can be looked at of a recording.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;

use super::Stage;
use super::incident;
use super::player::Player;
use crate::agent::problem::{Refusal, json};
use crate::agent::routes::{
    Answer, body_of, no_school, pairs, school_or_estate, unknown_parameter,
};
use crate::model::cell::{Cell, Row};
use crate::model::estate::NotWatched;
use crate::model::school::School;
use crate::model::text::Clean;
use crate::wire::VERSION;
use crate::wire::board::{AgentInfo, Board, Change, CompactCell, SchoolRow};
use crate::wire::page::{AgentHealth, Page, ServiceView};
use crate::wire::recording::RecordedCell;
use crate::wire::replay::ReplayOrder;

/// Between two looks of whoever follows.
const PACE: Duration = Duration::from_millis(200);
/// So many of them without a change, while it stands still, until a beat says that it lives.
const QUIET: u32 = 20;
/// Why nothing is done.
const NOTHING_DONE: &str = "this is a recording that is played: nothing can be done in it";
/// Why something is not told.
const NOT_IN_IT: &str = "this is a recording that is played: it holds the board, what changed, and the \
                         incident it was made of; anything else is not in it";

type At = State<Arc<Stage>>;

pub(super) fn router(stage: Arc<Stage>) -> Router {
    Router::new()
        .route("/v1/board", get(board))
        .route("/v1/changes", get(follow))
        .route("/v1/schools/{school}", get(page))
        .route("/v1/incidents", get(incidents))
        .route("/v1/incidents/{id}", get(one_incident))
        .route("/v1/health", get(health))
        .route("/v1/replay", get(told).post(order))
        .fallback(nowhere)
        .method_not_allowed_fallback(nowhere)
        .with_state(stage)
}

async fn nowhere(method: Method) -> Refusal {
    match method {
        Method::GET | Method::HEAD => Refusal::not_found(NOT_IN_IT),
        _ => Refusal::forbidden(NOTHING_DONE),
    }
}

async fn told(State(stage): At) -> Response {
    json(StatusCode::OK, &stage.now(|player| player.told()))
}

async fn order(State(stage): At, body: Result<Bytes, BytesRejection>) -> Answer {
    let order: ReplayOrder =
        body_of(body)?.ok_or_else(|| Refusal::bad_request("the body is empty"))?;
    let mono = stage.clock.monotonic();
    let told = stage.now(|player| {
        player.order(order, mono);
        player.told()
    });
    Ok(json(StatusCode::OK, &told))
}

async fn health(State(stage): At) -> Response {
    let health = stage.now(|player| AgentHealth {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        wire: VERSION,
        pid: std::process::id(),
        revision: player.revision(),
        settled: true,
        store_ok: true,
        refused_events: 0,
        foreign_answers: 0,
        readers: 0,
        configured_at: None,
        reload_refused: None,
    });
    json(StatusCode::OK, &health)
}

fn compact(cells: &[RecordedCell]) -> Vec<CompactCell> {
    cells.iter().map(CompactCell::from).collect()
}

async fn board(State(stage): At, RawQuery(query): RawQuery) -> Answer {
    for (key, _) in pairs(query.as_deref()) {
        match key.as_str() {
            // All of it is at hand.
            "first" => {}
            "at" => {
                return Err(Refusal::bad_request(
                    "a recording shows where it stands; /v1/replay goes elsewhere",
                ));
            }
            other => return Err(unknown_parameter(other, "first")),
        }
    }
    Ok(json(StatusCode::OK, &stage.now(|player| whole(player))))
}

fn whole(player: &Player) -> Board {
    let tape = &player.tape;
    let head = &tape.recording().head;
    let (summary, schools_summary, split) = tape.totals();
    let schools = tape.schools().map(|(school, cells)| SchoolRow {
        laestab: school.laestab,
        name: school.name.clone(),
        phase: school.phase.clone(),
        town: school.town.clone(),
        postcode: Clean::default(),
        trust: Clean::default(),
        urn: None,
        telephone: Clean::default(),
        website: Clean::default(),
        pupils: None,
        set_up: school.set_up,
        cells: compact(cells),
    });
    Board {
        version: VERSION,
        revision: player.revision(),
        as_of: player.at(),
        agent: AgentInfo {
            version: head.program.to_string(),
            demo: head.demo,
            started_at: head.from,
            embedded: true,
            training: false,
        },
        settled: true,
        restored_from: None,
        summary,
        schools_summary,
        split,
        columns: head.columns.clone(),
        estate: compact(tape.cells(Row::Estate).unwrap_or_default()),
        schools: schools.collect(),
        not_watched: Vec::new(),
        first_of: None,
        past: None,
        replay: Some(player.told()),
    }
}

async fn page(State(stage): At, Path(name): Path<String>, RawQuery(query): RawQuery) -> Answer {
    if let Some((key, _)) = pairs(query.as_deref()).into_iter().next() {
        return Err(unknown_parameter(&key, "none, in a recording"));
    }
    let row = school_or_estate(&name)?.map_or(Row::Estate, Row::School);
    let page = stage.now(|player| page_of(player, row));
    Ok(json(StatusCode::OK, &page.ok_or_else(|| no_school(&name))?))
}

fn page_of(player: &Player, row: Row) -> Option<Page> {
    let tape = &player.tape;
    let (recording, cells) = (tape.recording(), tape.cells(row)?);
    let services = recording.head.columns.iter().zip(cells).map(|(column, cell)| ServiceView {
        service: column.key.clone(),
        label: column.label.clone(),
        code: column.code.clone(),
        cell: Cell::from(cell),
        checks: Vec::new(),
        elsewhere: 0,
        in_common: Vec::new(),
        takers: 0,
        affects: Vec::new(),
        planned: None,
        windows: Vec::new(),
        days: String::new(),
        tickets: Vec::new(),
        next_steps: Vec::new(),
    });
    let school = match row {
        Row::Estate => None,
        Row::School(laestab) => recording.schools.iter().find(|s| s.laestab == laestab),
    };
    let school = school.map(|school| School {
        laestab: school.laestab,
        urn: None,
        name: school.name.clone(),
        phase: school.phase.clone(),
        town: school.town.clone(),
        postcode: Clean::default(),
        district: Clean::default(),
        trust: Clean::default(),
        pupils: None,
        telephone: Clean::default(),
        website: Clean::default(),
        opened: None,
        closing: false,
    });
    Some(Page {
        version: VERSION,
        revision: player.revision(),
        as_of: player.at(),
        school,
        contact: Clean::default(),
        note: Clean::default(),
        school_day: true,
        services: services.collect(),
        history: tape.history(row),
        desk: Vec::new(),
        incidents: incident::of_row(player, row),
        not_watched: vec![NotWatched {
            what: Clean::new("recording"),
            why: Clean::new(
                "checks, evidence, contacts, tickets and anybody's words are not in it",
            ),
        }],
        past: None,
        replay: true,
    })
}

async fn incidents(State(stage): At) -> Answer {
    Ok(json(StatusCode::OK, &stage.now(|player| incident::list(player))?))
}

async fn one_incident(State(stage): At, Path(id): Path<String>) -> Answer {
    Ok(json(StatusCode::OK, &stage.now(|player| incident::page(player, &id))?))
}

/// Whoever follows, and what they were told.
struct Following {
    stage: Arc<Stage>,
    turn: u32,
    place: usize,
    quiet: u32,
    begun: bool,
    over: bool,
}

/// `GET /v1/changes`. Whoever knows another turn of the board fetches it anew.
async fn follow(State(stage): At, headers: HeaderMap, RawQuery(query): RawQuery) -> Answer {
    let since =
        pairs(query.as_deref()).into_iter().find(|(key, _)| key == "since").map(|(_, value)| value);
    let header = headers.get("last-event-id").and_then(|id| id.to_str().ok().map(str::to_owned));
    let last = header.or(since).map(|text| text.parse::<u64>());
    let last =
        last.transpose().map_err(|_| Refusal::bad_request("a revision is a whole number"))?;
    let (turn, place) = match last {
        Some(last) => {
            let turn = u32::try_from(last >> 32).unwrap_or_default();
            (turn, usize::try_from(last & u64::from(u32::MAX)).unwrap_or_default())
        }
        None => stage.now(|player| (player.turn(), player.tape.place())),
    };
    let state = Following { stage, turn, place, quiet: 0, begun: false, over: false };
    let events = Sse::new(stream::unfold(state, |mut state| async move {
        let event = state.next().await?;
        Some((Ok::<Event, Infallible>(event), state))
    }));
    Ok(([(header::CONNECTION, "close")], events).into_response())
}

impl Following {
    async fn next(&mut self) -> Option<Event> {
        if self.over {
            return None;
        }
        loop {
            if self.begun {
                self.stage.clock.sleep(PACE).await;
            }
            let stage = Arc::clone(&self.stage);
            let change = stage.now(|player| self.look(player));
            self.begun = true;
            let Some((change, revision)) = change else { continue };
            self.over = matches!(change, Change::Reset { .. });
            let text = serde_json::to_string(&change).ok()?;
            return Some(Event::default().id(revision.to_string()).data(text));
        }
    }

    /// What there is to tell.
    fn look(&mut self, player: &Player) -> Option<(Change, u64)> {
        let revision = player.revision();
        if player.turn() != self.turn || player.tape.place() < self.place {
            let why = Clean::new("the recording was moved, or plays otherwise");
            return Some((Change::Reset { why }, revision));
        }
        let cells = player.tape.changed(self.place);
        self.place = player.tape.place();
        self.quiet += 1;
        let as_of = player.at();
        if !cells.is_empty() {
            self.quiet = 0;
            let (summary, schools_summary, split) = player.tape.totals();
            let settled = true;
            let cells =
                Change::Cells { revision, as_of, cells, summary, schools_summary, split, settled };
            return Some((cells, revision));
        }
        let is_due = player.plays() || !self.begun || self.quiet >= QUIET;
        is_due.then(|| {
            self.quiet = 0;
            (Change::Beat { revision, as_of, settled: true, acts: 0 }, revision)
        })
    }
}
