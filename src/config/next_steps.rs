//! `[next_steps]`: what the desk has written down to do about a check that is not ok.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::error::ConfigError;
use crate::config::load::Config;
use crate::model::health::Reason;
use crate::model::ids::CheckId;
use crate::model::nearest::nearest;
use crate::model::next_step::{NextStep, NextSteps};
use crate::model::text::Clean;

/// The longest text, in characters.
const LONGEST_TEXT: usize = 200;
/// The longest address, in characters.
const LONGEST_URL: usize = 300;

/// `[next_steps.SERVICE.CHECK]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NextStepSettings {
    /// What to do, in one line of at most 200 characters.
    pub text: String,
    /// Where it is written at length; `https` only.
    pub url: Option<Url>,
    /// Instead of these where the check is unknown, by the reason: `no_answer`, `unauthorised`,
    /// `malformed`, `stale`, `throttled`, `paused`, `never_seen`.
    pub reasons: BTreeMap<Reason, ReasonStepSettings>,
}

/// `[next_steps.SERVICE.CHECK.reasons]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReasonStepSettings {
    /// What to do, in one line of at most 200 characters.
    pub text: String,
    /// Where it is written at length; `https` only.
    pub url: Option<Url>,
}

impl Config {
    /// What is written down, by check, and what is wrong with it. `known`: every check that there can be.
    #[must_use]
    pub fn next_steps(&self, known: &[String]) -> (BTreeMap<CheckId, NextSteps>, Vec<ConfigError>) {
        let (mut all, mut wrong) = (BTreeMap::new(), Vec::new());
        for (service, checks) in &self.settings.next_steps {
            for (check, settings) in checks {
                let id = format!("{service}.{check}");
                let at = format!("next_steps.{id}");
                match id.parse::<CheckId>().ok().filter(|_| known.contains(&id)) {
                    Some(id) => {
                        drop(all.insert(id, self.steps_at(&at, settings, &mut wrong)));
                    }
                    None => {
                        let mut error = self.error_at(&at, "there is no such check", "");
                        error.nearest = nearest(&id, known.iter().map(String::as_str));
                        error.remedy =
                            "name a check as docs/connectors.md does, SERVICE.CHECK".into();
                        wrong.push(error);
                    }
                }
            }
        }
        (all, wrong)
    }

    fn steps_at(
        &self,
        at: &str,
        settings: &NextStepSettings,
        wrong: &mut Vec<ConfigError>,
    ) -> NextSteps {
        let NextStepSettings { text, url, reasons } = settings;
        let by_reason = reasons.iter().map(|(reason, own)| {
            let at = format!("{at}.reasons.{}", reason.word());
            (*reason, self.step_at(&at, (&own.text, own.url.as_ref()), wrong))
        });
        let by_reason = by_reason.collect::<BTreeMap<_, _>>();
        let says_nothing = text.is_empty() && url.is_none() && !by_reason.is_empty();
        let usual = (!says_nothing).then(|| self.step_at(at, (text, url.as_ref()), wrong));
        NextSteps { usual, by_reason }
    }

    fn step_at(
        &self,
        at: &str,
        (text, url): (&str, Option<&Url>),
        wrong: &mut Vec<ConfigError>,
    ) -> NextStep {
        let step = NextStep {
            text: Clean::new(text.trim()),
            link: Clean::new(url.map_or("", Url::as_str)),
        };
        let mut refuse = |key: &str, found: &str, remedy: &str| {
            wrong.push(self.error_at(&format!("{at}{key}"), found, remedy));
        };
        if step.text.is_empty() && step.link.is_empty() {
            refuse("", "this step says nothing", "give text, url, or both");
        }
        if text.contains('\n') || text.trim().chars().count() > LONGEST_TEXT {
            refuse(
                ".text",
                "too long for a screen",
                "one line of at most 200 characters; link the rest",
            );
        }
        let Some(url) = url else { return step };
        if url.scheme() != "https" || !url.has_host() {
            refuse(".url", "not an https address", "link a page that begins with https://");
        } else if !url.username().is_empty() || url.as_str().chars().count() > LONGEST_URL {
            refuse(".url", "not an address for a screen", "without a user, at most 300 characters");
        }
        step
    }
}
