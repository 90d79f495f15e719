//! The shapes of Xporter on Demand's answers, and what they say.
//!
//! By the vendor's pages and public recordings of its traffic: a failure may come as HTTP 200 with
//! a filled `ExceptionMessage`; `meta[0].DateTime` (without a zone) is when the data was taken over,
//! while a row's `LastUpdated` is not; every part of an answer is a list.
//!
//! Fields that the verdicts read. All: `Message`, `ExceptionType`, `ExceptionMessage`,
//! `InnerException`, `AuthorisationPaused`. `xporter_data`: `SchoolInfo[0].EstabId`,
//! `meta[0].DateTime`. `authorisation`: `Estab`, `Expires`, `Scopes`. `counts`: `Area` and `Count`
//! of the rows Students and Staff. Token: `token`, `expires`.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::model::health::Reason;
use crate::model::ids::Laestab;
use crate::model::observation::{Observation, SourceTime, Verdict};
use crate::services::answer::{ListRow, Seen, Trouble, json, time};
use crate::services::token::{Grant, renew_after};
use crate::transport::Reply;

/// The parts of an answer that say that it is none.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Complaint {
    message: Seen<String>,
    exception_type: Seen<String>,
    exception_message: Seen<String>,
    inner_exception: Seen<String>,
    authorisation_paused: Seen<bool>,
}

impl Complaint {
    fn trouble(&self, origin: &str, status: u16) -> Option<Trouble> {
        let texts =
            [&self.exception_message, &self.message, &self.exception_type, &self.inner_exception];
        let said: Vec<&str> = texts
            .iter()
            .filter_map(|t| t.value())
            .map(|t| t.trim())
            .filter(|t| !t.is_empty())
            .collect();
        let paused_flag = self.authorisation_paused.value() == Some(&true);
        let odd = texts.iter().any(|t| matches!(t, Seen::Wrong))
            || self.authorisation_paused == Seen::Wrong;
        if said.is_empty() && !paused_flag && !odd {
            return None;
        }
        let first = said.first().map_or("no text", |t| *t);
        let short: String = first.chars().take(160).collect();
        let all = said.join(" ").to_lowercase();
        let says = |words: &[&str]| words.iter().any(|w| all.contains(w));
        Some(if paused_flag || says(&["paused"]) {
            Trouble::new(
                Reason::Paused,
                "authorisation is paused until the school has chosen whose data it shares; \
                 ask the school to finish in Groupcall's portal",
            )
        } else if says(&["token", "authoris", "authoriz", "secret", "relying party", "denied"]) {
            Trouble::new(Reason::Unauthorised, format!("Groupcall refused: {short}"))
        } else {
            Trouble::malformed(format!("{origin} answered {status} with an error inside: {short}"))
        })
    }
}

/// The trouble that an answer tells of, whatever its status; `None` for a 2xx without any.
pub(super) fn complaint(reply: &Reply) -> Option<Trouble> {
    let inside = json::<Complaint>(reply);
    if let Ok(Some(trouble)) = inside.as_ref().map(|c| c.trouble(&reply.origin, reply.status)) {
        return Some(trouble);
    }
    match reply.clone().success() {
        Err(failure) => Some(failure.into()),
        Ok(_) => inside.err(),
    }
    .map(|t| t.fact("http status", reply.status.to_string()))
    .map(|t| t.fact("request id", reply.request_id.clone()))
}

/// The reply of `GetToken`.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct TokenAnswer {
    token: Seen<SecretString>,
    expires: Seen<String>,
}

/// The token of `GetToken`'s reply, renewed ahead of its end: between a tenth and three tenths of
/// its life early by `chance`, so that 250 tokens asked for together do not end together.
pub(super) fn grant(reply: &Reply, chance: f64) -> Result<Grant, Trouble> {
    if let Some(trouble) = complaint(reply) {
        return Err(trouble);
    }
    let answer: TokenAnswer = json(reply)?;
    let secret = answer.token.need("token")?;
    let expires = answer.expires.need("expires")?;
    let ends_at = time(&expires, &TimeZone::UTC)
        .ok_or_else(|| Trouble::malformed("expires of the token is not a time"))?
        .at;
    let life = ends_at.duration_since(reply.received_at);
    if secret.expose_secret().is_empty() || life <= SignedDuration::ZERO {
        return Err(Trouble::malformed(format!("{} gave a token that has ended", reply.origin)));
    }
    let early = life.mul_f64(0.1 + 0.2 * chance.clamp(0.0, 1.0));
    Ok(Grant { secret, renew_at: reply.received_at + renew_after(life, early), ends_at })
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

fn cache_made(meta: Seen<Vec<ListRow<MetaRow>>>) -> Result<SourceTime, Trouble> {
    let text = one(meta.need("meta")?, "meta")?.date_time.need("meta.DateTime")?;
    // Written without a zone. The one recording fits UTC; the page leaves it open.
    time(&text, &TimeZone::UTC).ok_or_else(|| Trouble::malformed("meta.DateTime is not a time"))
}

/// What the answer to `SchoolInfo` says of `school`; `bare` is the observation to fill. `is_ours`
/// tells the schools of the register.
pub(super) fn xporter_data(
    reply: &Reply,
    (school, is_ours): (Laestab, impl Fn(Laestab) -> bool),
    bare: Observation,
) -> Result<Observation, Trouble> {
    let answer: SchoolInfoAnswer = json(reply)?;
    let made = cache_made(answer.meta)?;
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
    let seen = bare.source(made.at, made.zone);
    Ok(if named == school {
        with(seen.good(Some(made.at)), Verdict::Ok, "pupil data is taken over")
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
    if ends <= bare.observed_at {
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
    let bare = bare.fact("token ends", ends.to_string());
    Ok(if lost.is_empty() {
        with(bare, Verdict::Ok, "authorisation is in force with all its scopes")
    } else {
        let words = format!(
            "the school's authorisation has lost {}: ask the school to grant it again",
            lost.join(", ")
        );
        with(bare, Verdict::Warning, &words)
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CountsAnswer {
    #[serde(rename = "Counts")]
    rows: Seen<Vec<ListRow<CountRow>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct CountRow {
    area: Seen<String>,
    count: Seen<u32>,
}

/// What the answer to `Counts` says.
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
    let bare = bare.number("pupils", f64::from(pupils)).number("staff", f64::from(staff));
    let words = format!("{pupils} pupils, {staff} staff");
    Ok(match (pupils, staff) {
        (0, _) => with(bare, Verdict::Critical, &format!("{words}: the feed is broken")),
        (_, 0) => with(bare, Verdict::Warning, &format!("{words}: the staff are missing")),
        _ => with(bare, Verdict::Ok, &words),
    })
}

/// `bare` with a verdict and its sentence.
pub(super) fn with(bare: Observation, verdict: Verdict, detail: &str) -> Observation {
    Observation { verdict, detail: detail.into(), ..bare }
}

/// The observation of `check` about `target` that is still to be filled; unknown until then.
pub(super) fn bare(
    check: &crate::model::ids::CheckId,
    target: crate::model::observation::Target,
    reply: &Reply,
) -> Observation {
    let verdict = Verdict::Unknown(Reason::Malformed);
    let at: Timestamp = reply.received_at;
    Observation::new(check.clone(), target, at, verdict, "not judged")
        .fact("http status", reply.status.to_string())
        .fact("request id", &reply.request_id)
}
