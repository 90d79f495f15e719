//! Groupcall: Xporter on Demand (token, school information, counts, students, usage), the IDaaS
//! sign-in page, and what XVault and CME drop as files.
//!
//! Sources: xporterdocs.groupcall.com on tokens and endpoints, and the recordings in public client
//! tests, as restated in the vendor notes. XVault's and CME's files have no vendor page: their form
//! is ours.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::model::ids::Laestab;
use crate::model::school::School;
use crate::simulators::cast::GroupcallPart;
use crate::simulators::chance::{below, guid, roll};
use crate::simulators::names::PERSONAL_NAMES;
use crate::simulators::reply::{Refused, field, json as reply, page, set, text};
use crate::simulators::server::{Endpoint, Manners, nobodys};
use crate::simulators::stage::{Stage, lock};
use crate::simulators::times::{last_daily, moved, seven_digits, unzoned};

/// Seconds that a token lives: five days, as in the one recording.
const TOKEN_LIVES: i64 = 5 * 86_400;
/// .NET's smallest date, which stands where there is no token.
const NEVER: &str = "0001-01-01T00:00:00";
const THIRD_PARTY: &str = "XporterOnDemand";
const REFUSED: &str = "Relying Party not found for estab or secret not correct";
const PAUSED: &str = "Authorisation is currently paused while the school finalises the selection \
                      of people they wish to include in this feed.";

pub(super) struct Xod {
    stage: Arc<Stage>,
    /// Tokens: whose (none for the management token), and when each expires.
    tokens: Mutex<BTreeMap<String, (Option<Laestab>, Timestamp)>>,
    /// Data calls per school.
    used: Mutex<BTreeMap<Laestab, u64>>,
}

impl Xod {
    pub(super) fn new(stage: Arc<Stage>) -> Arc<Self> {
        Arc::new(Self { stage, tokens: Mutex::default(), used: Mutex::default() })
    }

    /// Forgets every token that was given out.
    pub(super) fn forget_tokens(&self) {
        lock(&self.tokens).clear();
    }

    pub(super) fn endpoints(self: &Arc<Self>) -> Vec<Endpoint> {
        let xod = Router::new()
            .route("/api/oauth/GetToken", post(token))
            .route("/api/v1/TokenDetails", get(token_details))
            .route("/api/v1/Usage", get(usage))
            .route("/api/v1/School/{estab}/{area}", get(area))
            .route("/api/v1/School/{estab}/{area}/", get(area))
            .with_state(self.clone());
        let idaas = Router::new().route("/", get(sign_in)).with_state(self.clone());
        let endpoint = |key: &str, router, manners| Endpoint {
            key: key.to_owned(),
            router,
            manners,
            tls: true,
        };
        vec![
            endpoint("groupcall", xod, XOD),
            endpoint("groupcall.idaas", idaas, Manners { school_of: nobodys, ..XOD }),
        ]
    }
}

const XOD: Manners = Manners {
    school_of,
    error_inside: |_| failure(200, "Something went wrong"),
    refusal: |_| refused(REFUSED, None),
    throttled: |_| failure(429, "Too many requests"),
};

/// By address, or for a token by the body.
fn school_of(_: &Stage, uri: &Uri, body: &[u8]) -> Option<Laestab> {
    let estab = match uri.path().strip_prefix("/api/v1/School/") {
        Some(rest) => rest.split('/').next()?.to_owned(),
        None => serde_json::from_slice::<Value>(body).ok()?.get("estab")?.as_str()?.to_owned(),
    };
    estab.parse().ok()
}

/// A failure as every call reports it: in fields of the body.
fn failure(status: u16, why: &str) -> Response {
    reply(
        status,
        &json!({
            "Message": null, "ExceptionType": null, "ExceptionMessage": why, "InnerException": null,
        }),
    )
}

/// No token, inside status 200. Some servers add a flag when the school has paused.
fn refused(why: &str, paused: Option<bool>) -> Response {
    let mut body = json!({
        "token": null, "expires": NEVER,
        "Message": null, "ExceptionType": null, "ExceptionMessage": why, "InnerException": null,
    });
    if let Some(flag) = paused {
        set(&mut body, "AuthorisationPaused", json!(flag));
    }
    reply(200, &body)
}

impl Xod {
    /// Why a school's authorisation does not hold at the moment.
    fn barred(&self, school: Laestab) -> Option<Response> {
        let parts = self.stage.parts(school);
        if parts.groupcall == Some(GroupcallPart::Paused) {
            // Told by the message alone at every second school.
            return Some(refused(PAUSED, school.number().is_multiple_of(2).then_some(true)));
        }
        self.stage.moment().xporter_refused(parts).then(|| refused(REFUSED, None))
    }

    fn issue(&self, school: Option<Laestab>) -> Response {
        let number = self.stage.next_token();
        let token = STANDARD.encode(guid(self.stage.seed, "xod token", number));
        let now = self.stage.now();
        let expires = moved(now, TOKEN_LIVES);
        let mut tokens = lock(&self.tokens);
        if tokens.len() > 100_000 {
            tokens.retain(|_, (_, at)| *at > now);
        }
        tokens.insert(token.clone(), (school, expires));
        reply(
            200,
            &json!({
                "token": token, "expires": seven_digits(expires),
                "Message": null, "ExceptionType": null, "ExceptionMessage": null,
                "InnerException": null,
            }),
        )
    }

    /// Whose token a call brings; an error inside 200 where it brings none that holds.
    fn holder(&self, headers: &HeaderMap) -> Result<(Option<Laestab>, Timestamp), Refused> {
        let denied =
            || Refused::from(failure(200, "Authorization has been denied for this request."));
        let token = headers
            .get(AUTHORIZATION)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.strip_prefix("Idaas "))
            .ok_or_else(denied)?;
        let (school, expires) = lock(&self.tokens).get(token).copied().ok_or_else(denied)?;
        if expires <= self.stage.now() {
            return Err(failure(200, "Token has expired").into());
        }
        match school.and_then(|l| self.barred(l)) {
            Some(_) => Err(denied()),
            None => Ok((school, expires)),
        }
    }

    /// When the cache of `area` of `school` was made.
    fn made_at(&self, school: Laestab, area: &str) -> Timestamp {
        let (stage, started) = (&self.stage, self.stage.started);
        let jitter = |n| i64::from(below(stage.seed, area, school, n));
        match stage.parts(school).groupcall {
            Some(GroupcallPart::LateData) => moved(started, -27 * 3_600 - jitter(1_800)),
            Some(GroupcallPart::StaleData) => moved(started, -76 * 3_600 - jitter(7_200)),
            _ => {
                let minute = i8::try_from(jitter(26)).unwrap_or_default();
                last_daily(stage.now(), 3, minute, i8::try_from(jitter(60)).unwrap_or_default())
            }
        }
    }

    fn meta(&self, school: Laestab, area: &str) -> Value {
        let at = unzoned(moved_millis(self.made_at(school, area), roll(0, area, school) % 1_000));
        json!([{"Id": 1, "MIS": "simsnet", "Version": "4", "DateTime": at}])
    }
}

fn moved_millis(at: Timestamp, millis: u64) -> Timestamp {
    let millis = i64::try_from(millis).unwrap_or_default();
    at.checked_add(jiff::SignedDuration::from_millis(millis)).unwrap_or(at)
}

async fn token(State(xod): State<Arc<Xod>>, body: String) -> Response {
    let Ok(asked) = serde_json::from_str::<Value>(&body) else {
        return failure(400, "The request is invalid.");
    };
    let text = |name: &str| text(&asked, name);
    let invented = &xod.stage.invented;
    let third = ["thirdpartyid", "thirdPartyId"].map(text);
    if text("relyingParty") != invented.facts.relying_party || !third.contains(&THIRD_PARTY) {
        return refused(REFUSED, None);
    }
    let credential = |name: &str| xod.stage.credential(name);
    if text("estab").is_empty() {
        return if credential("groupcall.management").as_deref() == Some(text("password")) {
            xod.issue(None)
        } else {
            refused(REFUSED, None)
        };
    }
    let Ok(school) = text("estab").parse::<Laestab>() else { return refused(REFUSED, None) };
    if credential(&format!("xod.{school}")).as_deref() != Some(text("password")) {
        return refused(REFUSED, None);
    }
    match xod.barred(school) {
        Some(barred) => barred,
        None => xod.issue(Some(school)),
    }
}

async fn token_details(
    State(xod): State<Arc<Xod>>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let (school, expires) = xod.holder(&headers)?;
    let scopes = ["Address", "EndpointInfo", "School", "Staff", "Student", "StudentExtended"];
    Ok(reply(
        200,
        &json!({
            "Estab": school.map_or(String::new(), |l| l.to_string()),
            "Expires": seven_digits(expires),
            "Name": "Wolds ICT (demo)",
            "RelyingParty": xod.stage.invented.facts.relying_party,
            "Scopes": if school.is_some() { scopes.to_vec() } else { vec!["Manage"] },
            "Message": null, "ExceptionType": null, "ExceptionMessage": null,
            "InnerException": null,
        }),
    ))
}

async fn usage(State(xod): State<Arc<Xod>>, headers: HeaderMap) -> Result<Response, Refused> {
    let (Some(school), _) = xod.holder(&headers)? else {
        return Ok(failure(200, "A management token cannot read school data"));
    };
    let today = lock(&xod.used).get(&school).copied().unwrap_or_default();
    let month = xod.stage.now().strftime("%Y-%m").to_string();
    let before = roll(xod.stage.seed, "usage", school) % 2_000;
    Ok(reply(
        200,
        &json!({"Usage": [{
            "Estab": school.to_string(),
            "RP": xod.stage.invented.facts.relying_party,
            "Areas": [{
                "Area": "request",
                "Total": before + today, "Today": today, "ThisMonth": today,
                "History": [{"month": month, "count": today}],
            }],
        }]}),
    ))
}

async fn area(
    State(xod): State<Arc<Xod>>,
    Path((estab, area)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let (holder, _) = xod.holder(&headers)?;
    let asked = estab.parse::<Laestab>().ok();
    let Some(school) =
        asked.filter(|l| holder == Some(*l)).and_then(|l| xod.stage.invented.school(l))
    else {
        return Ok(failure(200, "The token is not valid for this estab"));
    };
    *lock(&xod.used).entry(school.laestab).or_default() += 1;
    let query = query.unwrap_or_default();
    Ok(match area.to_ascii_lowercase().as_str() {
        "schoolinfo" => school_info(&xod, school),
        "counts" => counts(&xod, school),
        "students" => students(&xod, school, &query),
        // The body's shape is not published; this one is made up.
        "health" => reply(200, &json!({"Health": [], "meta": []})),
        _ => failure(200, "Unknown endpoint"),
    })
}

fn school_info(xod: &Xod, school: &School) -> Response {
    let l = school.laestab;
    let other = xod.stage.parts(l).groupcall == Some(GroupcallPart::OtherEstab);
    let answered =
        if other { format!("{}", 8_200_000 + l.number() % 10_000) } else { l.to_string() };
    let at = usize::try_from(roll(xod.stage.seed, "head", l)).unwrap_or_default();
    let head = PERSONAL_NAMES.get(at % PERSONAL_NAMES.len()).copied().unwrap_or_default();
    let row = json!({
        "Id": "1",
        "Name": school.name.as_str().to_uppercase(),
        "Head": head,
        "MainContact": null,
        "Telephone": school.telephone.as_str(),
        "Web": null,
        "Email": "office@school.example",
        "DeniNo": null,
        "Governance": "Community",
        "Phase": school.phase.as_str(),
        "ExamCentre": null,
        "Address": format!("1 School Lane\n{}\n{}\n", school.town, school.postcode),
        "EstabId": answered,
        "CurrentAcademicYear": "2026",
        // When the row last changed, which is not when the data came.
        "LastUpdated": "2019-09-04T03:05:20.755",
        "RowHash": format!("{:016X}", roll(1, "hash", l)),
    });
    reply(200, &json!({"SchoolInfo": [row], "meta": xod.meta(l, "SchoolInfo")}))
}

/// Pupils that Xporter has: what the register says, or none where the feed is broken.
fn pupils(xod: &Xod, school: &School) -> u32 {
    match xod.stage.parts(school.laestab).groupcall {
        Some(GroupcallPart::NoPupils) => 0,
        _ => school.pupils.unwrap_or_default(),
    }
}

fn counts(xod: &Xod, school: &School) -> Response {
    let pupils = pupils(xod, school);
    let row = |area: &str, count: u32| json!({"Area": area, "Count": count});
    let rows = [
        row("Students", pupils),
        row("Staff", 6 + school.pupils.unwrap_or_default() / 9),
        row("Contacts", pupils * 2),
        row("Groups", pupils / 8),
        row("Photos", 0),
    ];
    reply(200, &json!({"Counts": rows, "meta": xod.meta(school.laestab, "Counts")}))
}

/// Ids only: nothing that a pupil could be known by. `meta` stands on the first page only, and the
/// last page still points to a next one.
fn students(xod: &Xod, school: &School, query: &str) -> Response {
    let number = |name: &str| field(query, name).and_then(|v| v.parse::<u32>().ok());
    if let Some(changed) = field(query, "changedRows") {
        return reply(
            200,
            &json!({
                "Students": [], "StudentSiblings": [], "meta": [],
                "Students_deleted": [], "StudentSiblings_deleted": [],
                "__changedRows__": [{
                    "SnapshotDate": seven_digits(xod.made_at(school.laestab, "Students")),
                    "SnapshotRP": xod.stage.invented.facts.relying_party,
                    "PreviousChangedRows": "*",
                    "RequestedChangedRows": changed,
                    "NextChangedRows": changed,
                    "NextUrl": format!("?changedRows={changed}&page=1"),
                }],
            }),
        );
    }
    let size = number("pageSize").unwrap_or(25).clamp(1, 500);
    let at = number("page").unwrap_or(1).max(1);
    let rows = pupils(xod, school);
    let pages = rows.div_ceil(size);
    let first = (at - 1).saturating_mul(size);
    let ids: Vec<Value> = (first..rows.min(first.saturating_add(size)))
        .map(|n| json!({"Id": (3_000 + n).to_string()}))
        .collect();
    let next = (pages > 0).then(|| format!("?page={}&pageSize={size}", at + 1));
    reply(
        200,
        &json!({
            "Students": ids,
            "StudentSiblings": [],
            "meta": if at == 1 { xod.meta(school.laestab, "Students") } else { json!([]) },
            "__pagination__": [{
                "PageSize": size, "PageNumber": at, "PageCount": pages, "RowCount": rows,
                "NextPage": next,
            }],
        }),
    )
}

async fn sign_in(State(xod): State<Arc<Xod>>) -> Response {
    let word = &xod.stage.invented.facts.idaas_word;
    page(
        200,
        format!(
            "<!DOCTYPE html><html><head><title>Identity</title></head><body><form {word}>\
             <input name=\"username\"><input name=\"password\" type=\"password\"></form></body>\
             </html>"
        ),
    )
}

/// What XVault or CME (`feed`) drop: when they last loaded each school. XVault loads nightly after
/// Xporter, CME takes its extract on Sunday nights.
pub(super) fn dropped(stage: &Stage, feed: &str) -> Value {
    let now = stage.now();
    let rows = stage.invented.takers("groupcall").map(|(school, _)| {
        let minute = i8::try_from(below(stage.seed, feed, school.laestab, 50)).unwrap_or(0);
        let at = match feed {
            "xvault" => last_daily(now, 4, minute, 11),
            _ => last_sunday(now, minute),
        };
        json!({"laestab": school.laestab.to_string(), "at": crate::simulators::times::utc(at)})
    });
    rows.collect()
}

/// The latest Sunday 22:`minute` in London.
fn last_sunday(now: Timestamp, minute: i8) -> Timestamp {
    let mut at = last_daily(now, 22, minute, 40);
    for _ in 0..7 {
        if crate::model::calendar::london_date(at).weekday() == jiff::civil::Weekday::Sunday {
            break;
        }
        at = last_daily(moved(at, -1), 22, minute, 40);
    }
    at
}
