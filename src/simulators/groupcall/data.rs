//! What Xporter on Demand has of a school.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{F, XOD, Xod, failure};
use crate::model::ids::Laestab;
use crate::model::school::School;
use crate::simulators::cast::GroupcallPart;
use crate::simulators::chance::{below, roll};
use crate::simulators::fault::Fault;
use crate::simulators::names::PERSONAL_NAMES;
use crate::simulators::reply::{Refused, field, json as reply};
use crate::simulators::server::{cut, instead};
use crate::simulators::stage::lock;
use crate::simulators::times::{last_daily, moved, seconds, seven_digits, unzoned};

const HOUR: i64 = 3_600;
/// Parameters that a data call may have.
const PARAMETERS: [&str; 5] = ["page", "pageSize", "changedRows", "onlygetDBStatus", "callbackUrl"];

impl Xod {
    /// When the cache of `area` of `school` was made.
    pub(super) fn made_at(&self, school: Laestab, area: &str) -> Timestamp {
        let nightly = self.made_by_night(school, area);
        self.freshened(school, area).map_or(nightly, |fresh| fresh.max(nightly))
    }

    fn made_by_night(&self, school: Laestab, area: &str) -> Timestamp {
        let (stage, started) = (&self.stage, self.stage.started);
        let jitter = |n| i64::from(below(stage.seed, area, school, n));
        let ago = |hours: i64| moved(stage.now(), -hours * HOUR - jitter(1_800));
        let has = |fault| self.has(school, fault);
        if has(F::TimeAhead) || has(F::TimeFarAhead) {
            let minutes = if has(F::TimeAhead) { 50 } else { 300 };
            return moved(stage.now(), minutes * 60);
        }
        if has(F::CountsOld) && area == "Counts" {
            return ago(7 * 24);
        }
        if has(F::DataLate) {
            return ago(28);
        }
        if has(F::DataOld) {
            return ago(96);
        }
        if has(F::RowIsNew) {
            return ago(8 * 24);
        }
        match stage.parts(school).groupcall {
            Some(GroupcallPart::LateData) => moved(started, -27 * HOUR - jitter(1_800)),
            Some(GroupcallPart::StaleData) => moved(started, -76 * HOUR - jitter(7_200)),
            _ => {
                let minute = i8::try_from(jitter(26)).unwrap_or_default();
                last_daily(stage.now(), 3, minute, i8::try_from(jitter(60)).unwrap_or_default())
            }
        }
    }

    fn meta(&self, school: Laestab, area: &str) -> Value {
        let at = moved_millis(self.made_at(school, area), roll(0, area, school) % 1_000);
        let mut text = unzoned(at);
        if self.has(school, F::TimeShort) {
            text.truncate(text.len().saturating_sub(2));
        }
        let row = match self.has(school, F::TimeMissing) {
            true => json!({"Id": 1, "MIS": "simsnet", "Version": "4", "DateTime": null}),
            false => json!({"Id": 1, "MIS": "simsnet", "Version": "4", "DateTime": text}),
        };
        match () {
            () if self.has(school, F::MetaEmpty) => json!([]),
            () if self.has(school, F::MetaTwice) => json!([row, row]),
            () => json!([row]),
        }
    }

    /// Pupils that Xporter has: what the register says, or fewer.
    fn pupils(&self, school: &School) -> u32 {
        let all = school.pupils.unwrap_or_default();
        let l = school.laestab;
        let none = self.stage.parts(l).groupcall == Some(GroupcallPart::NoPupils);
        if none || self.has(l, F::PupilsNone) {
            return 0;
        }
        if self.has(l, F::PupilsDwindle) {
            let days = seconds(self.stage.started, self.stage.now()) / (24 * HOUR);
            let lost = u32::try_from(days.clamp(0, 18)).unwrap_or_default() * 5;
            return all - all * lost / 100;
        }
        if self.has(l, F::PupilsFewer) { all - all / 5 } else { all }
    }
}

fn moved_millis(at: Timestamp, millis: u64) -> Timestamp {
    let millis = i64::try_from(millis).unwrap_or_default();
    at.checked_add(SignedDuration::from_millis(millis)).unwrap_or(at)
}

pub(super) async fn usage(
    State(xod): State<Arc<Xod>>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
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

/// What is wrong with the parameters of a data call.
fn wrong_parameters(query: &str) -> Option<&'static str> {
    let names = url::form_urlencoded::parse(query.as_bytes());
    if names.into_iter().any(|(n, _)| !PARAMETERS.iter().any(|p| p.eq_ignore_ascii_case(&n))) {
        return Some("an unknown parameter");
    }
    let number = |name: &str| field(query, name).map(|v| v.parse::<u32>().ok());
    match (number("pageSize"), number("page")) {
        (Some(None | Some(0)), _) | (_, Some(None | Some(0))) => {
            Some("page and pageSize are numbers from 1 on")
        }
        (Some(Some(501..)), _) => Some("pageSize is at most 500"),
        _ => None,
    }
}

pub(super) async fn area(
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
        crate::simulators::tokens::refused(&xod.stage, "groupcall", "a token of another school");
        return Ok(xod.fails(holder, 403, "The token is not valid for this estab"));
    };
    let l = school.laestab;
    *lock(&xod.used).entry(l).or_default() += 1;
    let query = query.unwrap_or_default();
    if let Some(why) = wrong_parameters(&query) {
        return Ok(xod.wrong(why));
    }
    let area = area.to_ascii_lowercase();
    let needs = match area.as_str() {
        "schoolinfo" => Some("School"),
        "students" => Some("Student"),
        // Every scope opens these two.
        "counts" | "health" => None,
        _ => {
            crate::simulators::tokens::refused(&xod.stage, "groupcall", "an unknown endpoint");
            return Ok(xod.fails(Some(l), 404, "Unknown endpoint"));
        }
    };
    let denied = needs.is_some_and(|scope| !xod.scopes(l).contains(&scope))
        || (area != "schoolinfo" && area != "health" && xod.has(l, F::ScopeRefused));
    if denied {
        return Ok(xod.fails(Some(l), 403, "Scope not granted by the school for this endpoint"));
    }
    let callback = field(&query, "callbackUrl");
    let fault = callback.as_ref().and_then(|_| xod.stage.fault("groupcall.fresh", Some(l)));
    if let Some(instead) = fault.and_then(|fault| instead(fault, &XOD, &xod.stage)) {
        return Ok(instead);
    }
    if let Some(callback) = callback
        && let Some(instead) = xod.ask_fresh(l, &area, &callback)
    {
        return Ok(instead);
    }
    let answer = match area.as_str() {
        "schoolinfo" => school_info(&xod, school),
        "counts" => counts(&xod, school),
        "students" => students(&xod, school, &query),
        _ => health(&xod, l),
    };
    // The question is taken, whatever becomes of the answer.
    if let Some(Fault::Slow(ms)) = fault {
        tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
    }
    Ok(match fault {
        Some(Fault::Truncated) => cut(answer, false).await,
        Some(Fault::HalfSent) => cut(answer, true).await,
        _ => answer,
    })
}

/// The body's shape is not published; this one is made up.
fn health(xod: &Xod, school: Laestab) -> Response {
    let rows = match xod.has(school, F::HealthTroubled) {
        true => json!([
            {"Level": "Warning", "Source": "XodSchoolData", "Text": "Extract did not complete"},
            {"Level": "Error", "Source": "ConductPoints", "Text": "A pupil could not be read"},
        ]),
        false => json!([]),
    };
    reply(200, &json!({"Health": rows, "meta": []}))
}

fn school_info(xod: &Xod, school: &School) -> Response {
    let l = school.laestab;
    let other = xod.stage.parts(l).groupcall == Some(GroupcallPart::OtherEstab);
    let answered = if other || xod.has(l, F::EstabOther) {
        format!("{}", 8_200_000 + l.number() % 10_000)
    } else if xod.has(l, F::EstabOfNeighbour) {
        xod.neighbour(l).to_string()
    } else {
        l.to_string()
    };
    let at = usize::try_from(roll(xod.stage.seed, "head", l)).unwrap_or_default();
    let head = PERSONAL_NAMES.get(at % PERSONAL_NAMES.len()).copied().unwrap_or_default();
    // When the row last changed, which is not when the data came.
    let changed = match xod.has(l, F::RowIsNew) {
        true => unzoned(moved(xod.stage.now(), -HOUR)),
        false => "2019-09-04T03:05:20.755".to_owned(),
    };
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
        "LastUpdated": changed,
        "RowHash": format!("{:016X}", roll(1, "hash", l)),
    });
    reply(200, &json!({"SchoolInfo": [row], "meta": xod.meta(l, "SchoolInfo")}))
}

fn counts(xod: &Xod, school: &School) -> Response {
    let l = school.laestab;
    let pupils = xod.pupils(school);
    let row = |area: &str, count: u32| json!({"Area": area, "Count": count});
    let staff = match xod.has(l, F::StaffNone) {
        true => 0,
        false => 6 + school.pupils.unwrap_or_default() / 9,
    };
    let mut rows = vec![
        row("Students", pupils),
        row("Staff", staff),
        row("Contacts", pupils * 2),
        row("Groups", pupils / 8),
        row("Photos", 0),
    ];
    if xod.has(l, F::CountMissing) {
        rows.remove(0);
    }
    if xod.has(l, F::CountTwice) {
        rows.push(row("Students", pupils));
    }
    reply(200, &json!({"Counts": rows, "meta": xod.meta(l, "Counts")}))
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
    let rows = xod.pupils(school);
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
