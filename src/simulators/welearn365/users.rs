//! Accounts: the list, one of them, and what changed.
//!
//! Sources: the pages on listing users, advanced queries, paging and the delta query of users.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::accounts::{BY_DEFAULT, Changed, PROPERTIES, account_id};
use super::query::{Filter, Query, body, chosen, token_of};
use super::{Graph, GraphFault};
use crate::simulators::reply::{Refused, set, with};
use crate::simulators::times::seconds;

const RIGHTS: [&str; 2] = ["User.Read.All", "Directory.Read.All"];
/// Rows of a page unless `$top` says otherwise, and the most.
const PAGE: usize = 100;
const LARGEST: usize = 999;
/// Rows of a page of a delta query, which takes no `$top`.
const DELTA_PAGE: usize = 200;
/// Seconds that a delta token of the directory lives.
const TOKEN_LIVES: i64 = 7 * 86_400;

impl Graph {
    /// The chosen properties, or those that come by default.
    fn properties(&self, query: &Query) -> Result<Vec<String>, Refused> {
        let usual = || PROPERTIES.iter().take(BY_DEFAULT).map(|p| (*p).to_owned()).collect();
        let chosen = query.select(PROPERTIES).map_err(|r| self.refused(r))?;
        match chosen {
            Some(_) if self.is(GraphFault::PropertiesLeftOut) => Ok(usual()),
            Some(chosen) => Ok(chosen),
            None => Ok(usual()),
        }
    }

    fn account(&self, number: usize, properties: &[String], mark: usize) -> Value {
        let mut row = chosen(&self.accounts.row(&self.stage, number, mark), properties);
        // The id comes whatever is selected.
        set(&mut row, "id", json!(account_id(&self.stage, number)));
        row
    }
}

fn number_in(token: &Value, name: &str) -> usize {
    let number = token.get(name).and_then(Value::as_u64).unwrap_or_default();
    usize::try_from(number).unwrap_or(usize::MAX)
}

pub(super) async fn list(
    State(graph): State<Arc<Graph>>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    graph.entered(&headers, &RIGHTS)?;
    let refused = |r| graph.refused(r);
    let query = Query::of(raw.as_deref(), &headers);
    query
        .only(&["select", "filter", "top", "count", "orderby", "search", "skiptoken"])
        .map_err(refused)?;
    let properties = graph.properties(&query)?;
    let top = query.top(PAGE, LARGEST).map_err(refused)?;
    let filter = query.get("filter").filter(|f| !f.trim().is_empty());
    let filter = filter.map(|f| Filter::parse(f, PROPERTIES)).transpose().map_err(refused)?;
    let token = query.token("skiptoken").transpose().map_err(refused)?;
    let advanced = filter.as_ref().is_some_and(Filter::advanced)
        || query.get("search").is_some()
        || query.get("orderby").is_some()
        || token.as_ref().is_some_and(|t| t.get("advanced") == Some(&json!(true)));
    // A link does not carry the header: it must come with each page.
    if advanced && !(query.eventual() && query.wants_count()) {
        return Err(graph.error(
            400,
            "Request_UnsupportedQuery",
            "The required parameters might be missing. Try adding $count=true query parameter and \
             ConsistencyLevel:eventual header.",
        ));
    }
    let cost = graph.directory_units(if query.get("select").is_some() { 1 } else { 2 })?;
    let now = graph.accounts.mark();
    if let Some(Filter::Equal(name, Value::String(id))) = &filter
        && name == "onPremisesImmutableId"
    {
        // Found without looking through everybody.
        let found = graph.accounts.of_immutable_id(&graph.stage, id).into_iter();
        let there = found.filter(|n| graph.accounts.exists(*n));
        let rows = there.map(|n| graph.account(n, &properties, now)).collect();
        let out = body(&query, &format!("users({})", properties.join(",")), rows);
        return Ok(cost.told(graph.ok(&headers, &out)));
    }
    let from = token.as_ref().map_or(0, |t| number_in(t, "next"));
    let mut rows = Vec::new();
    let mut next = from;
    while rows.len() < top && next < graph.accounts.total() {
        let takes = |f: &Filter| f.takes(&graph.accounts.row(&graph.stage, next, now));
        if graph.accounts.exists(next) && filter.as_ref().is_none_or(takes) {
            rows.push(graph.account(next, &properties, now));
        }
        next += 1;
    }
    if graph.is(GraphFault::EmptyPage)
        && from > 0
        && token.as_ref().is_some_and(|t| t.get("empty").is_none())
    {
        (rows, next) = (Vec::new(), from);
    }
    let emptied = rows.is_empty() && next == from;
    let mut out = body(&query, &format!("users({})", properties.join(",")), rows);
    // Without the header, `$count` is left out in silence.
    let counted = query.wants_count() && query.eventual() && token.is_none();
    if counted && !graph.is(GraphFault::CountLeftOut) {
        let count = match &filter {
            None => graph.accounts.count(),
            Some(filter) => (0..graph.accounts.total())
                .filter(|n| graph.accounts.exists(*n))
                .filter(|n| filter.takes(&graph.accounts.row(&graph.stage, *n, now)))
                .count(),
        };
        set(&mut out, "@odata.count", json!(count));
    }
    let more = next < graph.accounts.total() && !graph.is(GraphFault::ListCutShort);
    if more {
        let mut token = json!({"next": next, "advanced": advanced});
        if emptied {
            set(&mut token, "empty", json!(true));
        }
        let kept = ["select", "filter", "count", "top"];
        let link = query.link("/v1.0/users", &kept, ("$skiptoken", &token_of(&token)));
        set(&mut out, "@odata.nextLink", json!(graph.led_astray(link, &query)));
    }
    Ok(cost.told(graph.ok(&headers, &out)))
}

impl Graph {
    /// A next-page link, as the faults in force would have it.
    fn led_astray(&self, link: String, query: &Query) -> String {
        if self.is(GraphFault::ForeignLink) {
            return link.replacen(query.base(), "https://graph.microsoft.com.example.net", 1);
        }
        if self.is(GraphFault::LoopingLink) {
            let token = token_of(&json!({"next": 0}));
            return query.link("/v1.0/users", &["select", "count", "top"], ("$skiptoken", &token));
        }
        link
    }
}

pub(super) async fn one(
    State(graph): State<Arc<Graph>>,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    graph.entered(&headers, &RIGHTS)?;
    let query = Query::of(raw.as_deref(), &headers);
    query.only(&["select", "expand"]).map_err(|r| graph.refused(r))?;
    let properties = graph.properties(&query)?;
    let cost = graph.directory_units(1)?;
    let now = graph.accounts.mark();
    let found = graph.accounts.find(&graph.stage, &id).filter(|n| graph.accounts.exists(*n));
    let Some(number) = found else {
        let why = format!(
            "Resource '{id}' does not exist or one of its queried reference-property objects are \
             not present."
        );
        return Err(graph.error(404, "Request_ResourceNotFound", &why));
    };
    let mut body = graph.account(number, &properties, now);
    let context =
        format!("{}/v1.0/$metadata#users({})/$entity", query.base(), properties.join(","));
    set(&mut body, "@odata.context", json!(context));
    Ok(cost.told(graph.ok(&headers, &body)))
}

/// Where a delta query stands.
struct Round {
    /// Changes after this mark; `None` is everything there is.
    since: Option<usize>,
    /// The round's own mark: what comes later belongs to the next.
    until: usize,
    skip: usize,
    /// An empty page has been sent.
    after_empty: bool,
    select: Vec<String>,
}

impl Graph {
    fn round(&self, query: &Query) -> Result<Round, Refused> {
        let until = self.accounts.mark();
        let latest = query.get("deltatoken").is_some_and(|t| t.eq_ignore_ascii_case("latest"));
        let token = match query.token("deltatoken") {
            _ if latest => None,
            Some(token) => Some(token),
            None => query.token("skiptoken"),
        };
        let Some(token) = token.transpose().map_err(|r| self.refused(r))? else {
            let (since, select) = (latest.then_some(until), self.properties(query)?);
            return Ok(Round { since, until, skip: 0, after_empty: false, select });
        };
        let made = token.get("made").and_then(Value::as_i64);
        let made = made.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let old = made.is_none_or(|at| seconds(at, self.stage.now()) > TOKEN_LIVES);
        if old || self.is(GraphFault::DeltaGone) {
            let response = super::error(
                &self.stage,
                410,
                "resyncRequired",
                "Resync required. Replace any local items with the server's version (including \
                 deletes).",
            );
            let from = format!("{}/v1.0/users/delta?$deltatoken=", query.base());
            return Err(with(response, "location", &from).into());
        }
        if self.is(GraphFault::DeltaStateLost) {
            return Err(self.error(400, "syncStateNotFound", "The sync state is not found."));
        }
        let select = token.get("select").and_then(Value::as_array).cloned().unwrap_or_default();
        let select = select.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let after_empty = token.get("after_empty") == Some(&json!(true));
        let reached = number_in(&token, "until");
        // A delta token begins a round now; a skip token goes on with its own.
        let (since, until) = match query.get("deltatoken") {
            Some(_) => (Some(reached), until),
            None => {
                let since = token.get("since").and_then(Value::as_u64);
                (since.and_then(|n| usize::try_from(n).ok()), reached)
            }
        };
        let skip = number_in(&token, "skip");
        Ok(Round { since, until, skip, after_empty, select })
    }

    /// Every row of a round.
    fn rows_of(&self, round: &Round) -> Vec<Value> {
        let at = round.until;
        let Some(since) = round.since else {
            return (0..self.accounts.total())
                .filter(|n| self.accounts.exists(*n))
                .map(|n| self.account(n, &round.select, at))
                .collect();
        };
        let changed = self.accounts.changed(&self.stage, since, at);
        let mut rows = Vec::new();
        if self.is(GraphFault::DeltaReplay) {
            // The older state first, and some of what the last round told already.
            rows.extend(changed.iter().filter_map(|change| match change {
                Changed::Now(n) => Some(self.account(*n, &round.select, since)),
                Changed::Gone(..) => None,
            }));
        }
        rows.extend(changed.into_iter().map(|change| match change {
            Changed::Now(n) => self.account(n, &round.select, at),
            Changed::Gone(n, reason) => {
                json!({"id": account_id(&self.stage, n), "@removed": {"reason": reason}})
            }
        }));
        rows
    }
}

pub(super) async fn delta(
    State(graph): State<Arc<Graph>>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    graph.entered(&headers, &RIGHTS)?;
    let query = Query::of(raw.as_deref(), &headers);
    if graph.is(GraphFault::DeltaUnsupported) {
        return Err(graph.error(400, "Request_UnsupportedQuery", "Not supported."));
    }
    // Neither $top nor $orderby nor $expand; $filter by id only, which is not played.
    query.only(&["select", "deltatoken", "skiptoken"]).map_err(|r| graph.refused(r))?;
    let round = graph.round(&query)?;
    let cost = graph.directory_units(1)?;
    let all = graph.rows_of(&round);
    let page: Vec<Value> = all.iter().skip(round.skip).take(DELTA_PAGE).cloned().collect();
    let next = round.skip.saturating_add(page.len());
    // A page may be empty and still not be the last.
    let empty = graph.is(GraphFault::EmptyPage) && !round.after_empty && !all.is_empty();
    let (page, next) = if empty { (Vec::new(), round.skip) } else { (page, next) };
    let mut out = body(&query, &format!("users({})", round.select.join(",")), page);
    let token = |skip: usize, after_empty: bool| {
        token_of(&json!({
            "made": graph.stage.now().as_millisecond(),
            "since": round.since,
            "until": round.until,
            "skip": skip,
            "select": round.select,
            "after_empty": after_empty,
        }))
    };
    let path = "/v1.0/users/delta";
    let (name, link) = if next < all.len() {
        (
            "@odata.nextLink",
            query.link(path, &[], ("$skiptoken", &token(next, empty || round.after_empty))),
        )
    } else {
        ("@odata.deltaLink", query.link(path, &[], ("$deltatoken", &token(0, false))))
    };
    let link = if name == "@odata.nextLink" { graph.led_astray(link, &query) } else { link };
    set(&mut out, name, json!(link));
    Ok(cost.told(graph.ok(&headers, &out)))
}
