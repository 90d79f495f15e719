//! A sign-in page, one for all schools: is it there, as far as we can see from outside?
//!
//! It proves that the page answers with what it should hold, or that it hands over to Microsoft's
//! sign-in; it does not prove that anybody can sign in.

use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::calendar::Calendar;
use crate::model::health::Reason;
use crate::model::ids::CheckId;
use crate::model::observation::{Observation, Target, Verdict};
use crate::model::span::Span;
use crate::ports::clock::Clock;
use crate::services::declared::hours::{Hours, Opening};
use crate::services::declared::probe::{Look, Sight, default_block_marks, look};
use crate::services::declared::refused;
use crate::services::declared::statuspage::{StatusPage, StatusPageSettings};
use crate::services::declared::words::folded;
use crate::services::{Context, ServiceError};
use crate::transport::{Endpoint, EndpointSettings};

/// Bad answers in a row after which trouble is certain, as the checks of sign-in pages have it.
const TRIES: u8 = 3;

/// A sign-in page and what it must hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInSettings {
    /// The page.
    pub endpoint: EndpointSettings,
    /// A piece of the page that an error page does not have, such as `id="login"`. Upper and lower
    /// case are the same. An error page that answers 200 is told by its absence.
    pub expected_word: String,
    /// Hosts to which a redirect counts as up, as far as the hand-over.
    #[serde(default = "default_hand_over_hosts")]
    pub hand_over_hosts: Vec<String>,
    /// Slower is a warning.
    #[serde(default = "default_slow_after")]
    pub slow_after: Span,
    /// Sentences of a web filter's block page: the probe was blocked, the service is not judged.
    #[serde(default = "default_block_marks")]
    pub block_marks: Vec<String>,
    /// When the page is looked at, by the default calendar: 07:30 to 18:00 on school days unless set;
    /// `"always"` for any time.
    #[serde(default)]
    pub hours: Opening,
}

fn default_hand_over_hosts() -> Vec<String> {
    vec!["login.microsoftonline.com".to_owned()]
}

fn default_slow_after() -> Span {
    Span::from_secs(5)
}

/// A sign-in page that can be asked, with the vendor's status page where there is one.
pub struct SignIn {
    endpoint: Endpoint,
    settings: SignInSettings,
    status_page: Option<StatusPage>,
    hours: Option<Hours>,
    calendar: Calendar,
    clock: Arc<dyn Clock>,
}

impl SignIn {
    /// From its settings; `service` and `key` are for errors.
    ///
    /// # Errors
    /// When an endpoint cannot be used, or the expected word is empty: it would stand in any page.
    pub fn new(
        ctx: &Context,
        service: &'static str,
        key: &str,
        settings: &SignInSettings,
        status_page: Option<&StatusPageSettings>,
    ) -> Result<Self, ServiceError> {
        if folded(&settings.expected_word).is_empty() {
            return Err(refused(
                service,
                &format!("{key}.expected_word"),
                "must not be empty: an error page that answers 200 could not be told",
            ));
        }
        let hours = settings.hours.hours(TRIES);
        Ok(Self {
            hours: hours.map_err(|why| refused(service, &format!("{key}.hours"), why))?,
            calendar: ctx.estate.calendars.get("").cloned().unwrap_or_default(),
            endpoint: ctx.endpoint(service, Some(&settings.endpoint), "")?,
            settings: settings.clone(),
            status_page: status_page.map(|page| StatusPage::new(ctx, service, page)).transpose()?,
            clock: ctx.clock.clone(),
        })
    }

    /// Asks the page, and the vendor's status page; outside its hours nobody.
    pub async fn observe(&self, check: CheckId, now: Timestamp) -> Observation {
        match &self.hours {
            None => self.ask(check, now).await,
            Some(hours) if !hours.open(&self.calendar, now) => {
                hours.outside(&check, Target::Estate, now)
            }
            Some(hours) => {
                let seen = self.ask(check, now).await;
                hours.saw(&seen);
                seen
            }
        }
    }

    async fn ask(&self, check: CheckId, now: Timestamp) -> Observation {
        let seen = look(&self.endpoint, "", &self.settings.block_marks).await;
        let (probed, mut detail) = self.judge(&seen);
        let says = match &self.status_page {
            Some(page) => Some(page.ask(now).await),
            None => None,
        };
        let mut verdict = probed;
        if let Some(says) = &says {
            verdict = says.worsen(probed);
            if verdict != probed {
                detail = format!("{detail}, but {}", says.line);
            }
        }
        let at = seen.at.unwrap_or_else(|| self.clock.now());
        let mut seen_as = Observation::new(check, Target::Estate, at, verdict, &detail)
            .fact("probed", self.endpoint.origin());
        for (name, value) in &seen.facts {
            seen_as = seen_as.fact(name, value);
        }
        if let Some(ms) = seen.latency_ms() {
            seen_as = seen_as.number("latency_ms", ms);
        }
        let Some(says) = says else { return seen_as };
        let seen_as = seen_as.fact("status page", says.line.as_str());
        says.windows.into_iter().fold(seen_as, Observation::window)
    }

    fn judge(&self, seen: &Look) -> (Verdict, String) {
        let unclear = Verdict::Unknown(Reason::Malformed);
        let (verdict, line) = match &seen.sight {
            Sight::Page { text }
                if folded(text).contains(&folded(&self.settings.expected_word)) =>
            {
                (Verdict::Ok, "sign-in page answers".to_owned())
            }
            Sight::Page { .. } => (
                Verdict::Critical,
                "sign-in page answers with an error page: its expected word is missing".to_owned(),
            ),
            Sight::Redirect { host: Some(host) } if self.hands_over_to(host) => {
                (Verdict::Ok, format!("up as far as the hand-over to {host}"))
            }
            Sight::Redirect { host } => (
                unclear,
                format!(
                    "sign-in page redirects to {}: not followed",
                    host.as_deref().unwrap_or("a place without TLS or name")
                ),
            ),
            Sight::BlockPage => {
                (unclear, "probe blocked by a web filter: sign-in page not seen".to_owned())
            }
            // Between us and the page anything may be cut: only an answer says that it fails.
            Sight::Down { why, .. } if seen.status.is_none() => {
                (Verdict::Unknown(Reason::NoAnswer), format!("sign-in page does not answer: {why}"))
            }
            Sight::Down { why, .. } => (Verdict::Critical, format!("sign-in page is down: {why}")),
            Sight::Unclear { reason, why } => {
                (Verdict::Unknown(*reason), format!("sign-in page not seen: {why}"))
            }
        };
        if verdict == Verdict::Ok && seen.is_slow(self.settings.slow_after.duration()) {
            return (
                Verdict::Warning,
                format!("{line}, but slower than {}", self.settings.slow_after),
            );
        }
        (verdict, line)
    }

    fn hands_over_to(&self, host: &str) -> bool {
        self.settings.hand_over_hosts.iter().any(|h| h.eq_ignore_ascii_case(host))
    }
}
