//! The shapes of Xporter on Demand's answers, and what they say.
//!
//! By the vendor's pages and public recordings of its traffic: `meta[0].DateTime` (without a zone)
//! is when the data was taken over, while a row's `LastUpdated` is not; `meta` stands on the first
//! page only; every part of an answer is a list.
//!
//! Fields that the verdicts read. All: `Message`, `ExceptionType`, `ExceptionMessage`,
//! `InnerException`, `AuthorisationPaused`. `xporter_data`: `SchoolInfo[0].EstabId`,
//! `meta[0].DateTime`. `authorisation`: `Estab`, `Expires`, `Scopes`. `counts`: `Area` and `Count`
//! of the rows Students and Staff, `meta[0].DateTime`; or `RowCount`, `PageSize`, `PageNumber` and
//! `PageCount` of `__pagination__[0]`. Token: `token`, `expires`.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::model::health::Reason;
use crate::model::ids::{CheckId, Laestab};
use crate::model::observation::{Observation, SourceTime, Target, Verdict};
use crate::services::answer::{ListRow, Seen, Trouble, answered, json, time};
use crate::services::token::{Grant, renew_after};
use crate::transport::Reply;

/// A vendor's clock that differs by more is told in the evidence.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(2);
/// A `Date` that differs by more is that of a cache or of no clock at all.
const NO_CLOCK: SignedDuration = SignedDuration::from_hours(12);

/// The vendor's clock when it answered, by its `Date` header; ours where that tells nothing.
fn vendors_now(reply: &Reply) -> Timestamp {
    let ours = reply.received_at;
    let date = reply.header("date").and_then(|d| httpdate::parse_http_date(d.trim()).ok());
    date.and_then(|d| Timestamp::try_from(d).ok())
        .filter(|at| at.duration_since(ours).abs() <= NO_CLOCK)
        .unwrap_or(ours)
}

/// The reply of `GetToken`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenAnswer {
    token: Seen<SecretString>,
    expires: Seen<String>,
}

/// The token of `GetToken`'s reply, without its complaint. Renewed ahead of its end, by `chance`
/// between a tenth and three tenths of its life; and at the latest after `prove_every`, by chance
/// up to half of that sooner, so that tokens that were asked for together are not again. Its life
/// is reckoned by the vendor's own clock.
pub(super) fn grant(
    reply: &Reply,
    prove_every: SignedDuration,
    chance: f64,
) -> Result<Grant, Trouble> {
    let answer: TokenAnswer = json(reply)?;
    let secret = answer.token.need("token")?;
    let expires = answer.expires.need("expires")?;
    let expires = time(&expires, &TimeZone::UTC)
        .ok_or_else(|| Trouble::malformed("expires of the token is not a time"))?
        .at;
    let life = expires.duration_since(vendors_now(reply));
    if secret.expose_secret().is_empty() || life <= SignedDuration::ZERO {
        return Err(Trouble::malformed(format!("{} gave a token that has ended", reply.origin)));
    }
    let chance = chance.clamp(0.0, 1.0);
    let early = life.mul_f64(0.1 + 0.2 * chance);
    let renewed = renew_after(life, early).min(prove_every.mul_f64(0.5 + 0.5 * chance));
    Ok(Grant {
        secret,
        renew_at: reply.received_at.saturating_add(renewed).unwrap_or(reply.received_at),
        ends_at: reply.received_at.saturating_add(life).unwrap_or(expires),
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SchoolInfoAnswer {
    #[serde(rename = "SchoolInfo")]
    rows: Seen<Vec<ListRow<InfoRow>>>,
    meta: Seen<Vec<ListRow<MetaRow>>>,
}

/// Of all that a school's row holds, only its number is read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct InfoRow {
    estab_id: Seen<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct MetaRow {
    #[serde(rename = "MIS")]
    mis: Seen<String>,
    version: Seen<String>,
    date_time: Seen<String>,
}

fn one<T>(rows: Vec<ListRow<T>>, name: &str) -> Result<T, Trouble> {
    let count = rows.len();
    let mut rows = rows.into_iter();
    match (rows.next(), rows.next()) {
        (Some(ListRow::Read(row)), None) => Ok(row),
        (Some(ListRow::Unreadable(_)), None) => {
            Err(Trouble::malformed(format!("the row of {name} cannot be read")))
        }
        (None, _) => Err(Trouble::malformed(format!("{name} is empty"))),
        (Some(_), Some(_)) => {
            Err(Trouble::malformed(format!("{name} holds {count} rows, not one")))
        }
    }
}

/// When the data was taken over, and from which system.
struct Cache {
    made: SourceTime,
    mis: Option<String>,
    version: Option<String>,
}

impl Cache {
    fn read(meta: Seen<Vec<ListRow<MetaRow>>>) -> Result<Self, Trouble> {
        let meta = meta.need("meta")?;
        if meta.is_empty() {
            return Err(Trouble::malformed(
                "the answer does not say when its data was taken over (meta is empty)",
            ));
        }
        let row = one(meta, "meta")?;
        let text = row.date_time.need("meta.DateTime")?;
        // Written without a zone. The one recording fits UTC; the page leaves it open.
        let made = time(&text, &TimeZone::UTC)
            .ok_or_else(|| Trouble::malformed("meta.DateTime is not a time"))?;
        let (mis, version) = (row.mis.value().cloned(), row.version.value().cloned());
        Ok(Self { made, mis, version })
    }

    /// `bare` with what the API tells of the school's Xporter: its last contact, and the system
    /// and version that it reads. No verdict depends on these.
    fn told(&self, bare: Observation) -> Observation {
        let bare = bare.source(self.made.at, self.made.zone);
        let bare = match &self.mis {
            Some(mis) => bare.fact("MIS", mis),
            None => bare,
        };
        match &self.version {
            Some(version) => bare.fact("Xporter's MIS interface", version),
            None => bare,
        }
    }
}

/// What the answer to `SchoolInfo` says of `school`; `bare` is the observation to fill. `is_ours`
/// tells the schools of the register.
pub(super) fn xporter_data(
    reply: &Reply,
    (school, is_ours): (Laestab, impl Fn(Laestab) -> bool),
    bare: Observation,
) -> Result<Observation, Trouble> {
    let answer: SchoolInfoAnswer = json(reply)?;
    let cache = Cache::read(answer.meta)?;
    let row = one(answer.rows.need("SchoolInfo")?, "SchoolInfo")?;
    let named: Laestab = row
        .estab_id
        .need("EstabId")?
        .parse()
        .map_err(|_| Trouble::malformed("EstabId is not an establishment number"))?;
    if named != school && is_ours(named) {
        return Err(Trouble::malformed(format!(
            "Groupcall answered for another school ({})",
            named.spaced()
        )));
    }
    let seen = cache.told(bare);
    Ok(if named == school {
        with(seen.good(Some(cache.made.at)), Verdict::Ok, "pupil data is taken over")
    } else {
        // Known to happen, an old number for one; the data is what this school's token opens.
        let words = format!(
            "Groupcall's data names establishment {}, not this school: ask Groupcall to correct it",
            named.spaced()
        );
        with(seen, Verdict::Warning, &words)
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct TokenDetails {
    estab: Seen<String>,
    expires: Seen<String>,
    scopes: Seen<Vec<String>>,
}

/// The scopes of the token, by the answer to `TokenDetails`.
pub(super) fn scopes(reply: &Reply) -> Result<Vec<String>, Trouble> {
    json::<TokenDetails>(reply)?.scopes.need("Scopes")
}

/// What the answer to `TokenDetails` says of `school`.
pub(super) fn authorisation(
    reply: &Reply,
    (school, expected): (Laestab, &[String]),
    bare: Observation,
) -> Result<Observation, Trouble> {
    let details: TokenDetails = json(reply)?;
    let estab = details.estab.need("Estab")?;
    if estab.parse::<Laestab>().ok() != Some(school) {
        return Err(Trouble::malformed(
            "the token belongs to another establishment: its secret is stored under the wrong name",
        ));
    }
    let expires = details.expires.need("Expires")?;
    let ends = time(&expires, &TimeZone::UTC)
        .ok_or_else(|| Trouble::malformed("Expires is not a time"))?
        .at;
    let vendors_now = vendors_now(reply);
    if ends <= vendors_now {
        return Err(Trouble::new(Reason::Unauthorised, "the token has ended and is still used"));
    }
    let scopes = details.scopes.need("Scopes")?;
    let lost: Vec<&str> = expected
        .iter()
        .filter(|e| !scopes.iter().any(|s| s.eq_ignore_ascii_case(e)))
        .map(String::as_str)
        .collect();
    let mut twice = scopes.clone();
    twice.sort_unstable();
    twice.dedup();
    if twice.len() != scopes.len() {
        return Err(Trouble::malformed("Scopes names one scope twice"));
    }
    let mut bare = bare.fact("token ends", ends.to_string());
    let skew = vendors_now.duration_since(bare.observed_at);
    if skew.abs() > CLOCKS_DIFFER {
        let (minutes, way) =
            (skew.abs().as_mins(), if skew.is_positive() { "ahead" } else { "behind" });
        bare = bare.fact("vendor's clock", format!("{minutes} min {way} of ours"));
    }
    Ok(if lost.is_empty() {
        let bare = bare.fact("authorisation", "in force");
        with(bare, Verdict::Ok, "authorisation is in force with all its scopes")
    } else {
        let words = format!(
            "the school's authorisation has lost {}: ask the school to grant it again",
            lost.join(", ")
        );
        with(bare.fact("authorisation", "scopes lost"), Verdict::Warning, &words)
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CountsAnswer {
    #[serde(rename = "Counts")]
    rows: Seen<Vec<ListRow<CountRow>>>,
    meta: Seen<Vec<ListRow<MetaRow>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct CountRow {
    area: Seen<String>,
    count: Seen<u32>,
}

/// What the answer to `Counts` says. Its numbers have a time of their own: each call of a school is
/// a cache of its own.
pub(super) fn counts(reply: &Reply, bare: Observation) -> Result<Observation, Trouble> {
    let answer: CountsAnswer = json(reply)?;
    let rows = answer.rows.need("Counts")?;
    let count_of = |area: &str| {
        let mut found = rows.iter().filter_map(|row| match row {
            ListRow::Read(row) => Some(row),
            ListRow::Unreadable(_) => None,
        });
        let mut own =
            found.by_ref().filter(|r| r.area.value().is_some_and(|a| a.eq_ignore_ascii_case(area)));
        match (own.next(), own.next()) {
            (Some(row), None) => row.count.clone().need(&format!("Count of {area}")),
            (None, _) => Err(Trouble::malformed(format!("Counts lacks {area}"))),
            (Some(_), Some(_)) => Err(Trouble::malformed(format!("Counts has {area} twice"))),
        }
    };
    let (pupils, staff) = (count_of("Students")?, count_of("Staff")?);
    let bare = Cache::read(answer.meta)?.told(bare);
    let bare = bare.number("pupils", f64::from(pupils)).number("staff", f64::from(staff));
    let words = format!("{pupils} pupils, {staff} staff");
    Ok(match (pupils, staff) {
        (0, _) => with(bare, Verdict::Critical, &format!("{words}: the feed is broken")),
        (_, 0) => with(bare, Verdict::Warning, &format!("{words}: the staff are missing")),
        _ => with(bare, Verdict::Ok, &words),
    })
}

/// Of a page of pupils only the paging is read: no row of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StudentsAnswer {
    meta: Seen<Vec<ListRow<MetaRow>>>,
    #[serde(rename = "__pagination__")]
    pages: Seen<Vec<ListRow<PageRow>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct PageRow {
    page_size: Seen<u32>,
    page_number: Seen<u32>,
    page_count: Seen<u32>,
    row_count: Seen<u32>,
}

/// What the first page of `Students` says of their number. Nothing is an answer too, but a critical
/// one.
pub(super) fn students(reply: &Reply, bare: Observation) -> Result<Observation, Trouble> {
    let answer: StudentsAnswer = json(reply)?;
    let page = one(answer.pages.need("__pagination__")?, "__pagination__")?;
    let (size, number) = (page.page_size.need("PageSize")?, page.page_number.need("PageNumber")?);
    let (pages, rows) = (page.page_count.need("PageCount")?, page.row_count.need("RowCount")?);
    if number != 1 {
        return Err(Trouble::malformed(format!("page {number} of the pupils came, not the first")));
    }
    if size == 0 || rows.div_ceil(size) != pages {
        return Err(Trouble::malformed(format!(
            "{rows} pupils on {pages} pages of {size} contradict each other"
        )));
    }
    let bare = Cache::read(answer.meta)?.told(bare).number("pupils", f64::from(rows));
    Ok(match rows {
        0 => with(bare, Verdict::Critical, "0 pupils: the feed is broken"),
        _ => with(bare, Verdict::Ok, &format!("{rows} pupils")),
    })
}

/// `bare` with a verdict and its sentence.
pub(super) fn with(bare: Observation, verdict: Verdict, detail: &str) -> Observation {
    Observation { verdict, detail: detail.into(), ..bare }
}

/// The observation of `check` about `target` that is still to be filled; unknown until then.
pub(super) fn bare(check: &CheckId, target: Target, reply: &Reply) -> Observation {
    let verdict = Verdict::Unknown(Reason::Malformed);
    let bare = Observation::new(check.clone(), target, reply.received_at, verdict, "not judged");
    answered(bare, reply)
}
