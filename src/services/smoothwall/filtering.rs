//! Proves that an appliance filters: what must be blocked is, and what must pass does.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::health::Reason;
use crate::model::observation::Verdict;
use crate::ports::clock::Clock;
use crate::services::declared::probe::{Look, Sight, look};
use crate::services::declared::words::folded;
use crate::services::declared::{in_folder, refused};
use crate::services::smoothwall::describe::{Filtering, KEY, Vantage};
use crate::services::{Context, ServiceError};
use crate::transport::{Endpoint, EndpointSettings, TransportSettings};

/// The proof of one appliance.
pub(super) struct Proof {
    blocked: Endpoint,
    plain: Endpoint,
    /// A page that answers only behind the appliance, and its word.
    place: Option<(Endpoint, String)>,
    settings: Filtering,
    block_marks: Vec<String>,
    clock: Arc<dyn Clock>,
}

/// What a proof showed.
pub(super) struct Proved {
    pub(super) verdict: Verdict,
    pub(super) detail: String,
    /// When, by our clock.
    pub(super) at: Timestamp,
    /// What the address that must be blocked did, and the one that must pass.
    pub(super) blocked: String,
    pub(super) plain: String,
    pub(super) latency_ms: Option<f64>,
}

/// What the address that must be blocked did.
enum Blocked {
    ByPage,
    ByRefusal,
    Passed,
    Silent(String),
    Unclear(Reason, String),
}

/// What the address that must pass did.
enum Plain {
    Passed,
    Blocked,
    Silent(String),
    Unclear(Reason, String),
}

/// Whether `url` is on this machine.
fn is_own(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

impl Proof {
    pub(super) fn new(
        ctx: &Context,
        name: &str,
        settings: &Filtering,
        block_marks: &[String],
    ) -> Result<Self, ServiceError> {
        let key = |field: &str| format!("appliances.{name}.filtering.{field}");
        if folded(&settings.plain_word).is_empty() {
            let why = "must not be empty: a captive portal could not be told from the page";
            return Err(refused(KEY, &key("plain_word"), why));
        }
        let nobody = settings.block_hosts.is_empty() && !settings.refused_is_blocked;
        if nobody && block_marks.iter().all(|m| folded(m).is_empty()) {
            return Err(refused(
                KEY,
                "block_marks",
                "nothing would tell that an address is blocked",
            ));
        }
        if settings.blocked_url == settings.plain_url {
            return Err(refused(KEY, &key("plain_url"), "must not be the blocked address"));
        }
        let proxied = matches!(settings.vantage, Vantage::Proxy(_));
        if proxied && [&settings.blocked_url, &settings.plain_url].into_iter().any(is_own) {
            let why = "addresses of this machine never go through a proxy: they prove nothing";
            return Err(refused(KEY, &key("vantage"), why));
        }
        // Its own way out: the vantage is the point of the proof, and its breakers are its own.
        let way = ctx.transport.beside(TransportSettings {
            proxy_url: match &settings.vantage {
                Vantage::Direct => None,
                Vantage::Proxy(url) => Some(url.clone()),
            },
            tries: 1,
            ..TransportSettings::default()
        });
        let of = |url: &url::Url| EndpointSettings {
            url: url.clone(),
            ca_file: settings.ca_file.as_deref().map(|file| in_folder(&ctx.folder, file)),
            deadline: settings.deadline,
            concurrency: None,
            per_second: None,
        };
        let refuse = |source| ServiceError::Endpoint { service: KEY, source };
        let place = match &settings.place {
            Some(place) if folded(&place.word).is_empty() => {
                let why = "must not be empty: any page would prove the place";
                return Err(refused(KEY, &key("place.word"), why));
            }
            Some(place) => {
                let endpoint = way.probe_endpoint(&of(&place.url)).map_err(refuse)?;
                Some((endpoint, folded(&place.word)))
            }
            None => None,
        };
        Ok(Self {
            place,
            blocked: way.bait_endpoint(&of(&settings.blocked_url)).map_err(refuse)?,
            plain: way.probe_endpoint(&of(&settings.plain_url)).map_err(refuse)?,
            settings: settings.clone(),
            block_marks: block_marks.to_vec(),
            clock: ctx.clock.clone(),
        })
    }

    /// Two requests: one that must be blocked, one that must pass.
    pub(super) async fn prove(&self) -> Proved {
        let plain_look = look(&self.plain, "", &self.block_marks).await;
        let blocked_look = look(&self.blocked, "", &self.block_marks).await;
        let (blocked, plain) = (self.blocked(&blocked_look), self.plain(&plain_look));
        let (mut verdict, mut detail) = self.judge(&blocked, &plain, &plain_look);
        if matches!(blocked, Blocked::Passed) && !self.is_behind_it().await {
            let line = "filtering not confirmed: the test address passed, but the place of the \
                        proof is not behind the appliance";
            (verdict, detail) = (Verdict::Unknown(Reason::Malformed), line.to_owned());
        }
        Proved {
            verdict,
            detail,
            at: self.clock.now(),
            blocked: match blocked {
                Blocked::ByPage => "blocked, with the block page".to_owned(),
                Blocked::ByRefusal => "connection refused, which counts as blocked".to_owned(),
                Blocked::Passed => "passed".to_owned(),
                Blocked::Silent(why) | Blocked::Unclear(_, why) => why,
            },
            plain: match plain {
                Plain::Passed => "passed".to_owned(),
                Plain::Blocked => "blocked".to_owned(),
                Plain::Silent(why) | Plain::Unclear(_, why) => why,
            },
            latency_ms: plain_look.latency_ms(),
        }
    }

    /// Whether the place of the proof is behind the appliance; asked only when what must be blocked
    /// passes. Believed where nothing can tell.
    async fn is_behind_it(&self) -> bool {
        let Some((endpoint, word)) = &self.place else { return true };
        match look(endpoint, "", &[]).await.sight {
            Sight::Page { text } => folded(&text).contains(word),
            _ => false,
        }
    }

    fn blocked(&self, seen: &Look) -> Blocked {
        match &seen.sight {
            Sight::BlockPage => Blocked::ByPage,
            Sight::Redirect { host: Some(host) } if self.is_block_host(host) => Blocked::ByPage,
            Sight::Redirect { .. } => {
                Blocked::Unclear(Reason::Malformed, "redirected elsewhere".to_owned())
            }
            Sight::Page { .. } => Blocked::Passed,
            Sight::Down { refused: true, .. } if self.settings.refused_is_blocked => {
                Blocked::ByRefusal
            }
            Sight::Down { why, .. } => Blocked::Silent(why.clone()),
            Sight::Unclear { reason, why } => Blocked::Unclear(*reason, why.clone()),
        }
    }

    fn plain(&self, seen: &Look) -> Plain {
        match &seen.sight {
            Sight::BlockPage => Plain::Blocked,
            Sight::Redirect { host: Some(host) } if self.is_block_host(host) => Plain::Blocked,
            Sight::Redirect { .. } => {
                Plain::Unclear(Reason::Malformed, "redirected: a captive portal?".to_owned())
            }
            Sight::Page { text } if folded(text).contains(&folded(&self.settings.plain_word)) => {
                Plain::Passed
            }
            Sight::Page { .. } => {
                Plain::Unclear(Reason::Malformed, "another page: a captive portal?".to_owned())
            }
            Sight::Down { why, .. } => Plain::Silent(why.clone()),
            Sight::Unclear { reason, why } => Plain::Unclear(*reason, why.clone()),
        }
    }

    fn is_block_host(&self, host: &str) -> bool {
        self.settings.block_hosts.iter().any(|h| h.eq_ignore_ascii_case(host))
    }

    fn judge(&self, blocked: &Blocked, plain: &Plain, seen: &Look) -> (Verdict, String) {
        let unclear = |reason: &Reason, which: &str, why: &str| {
            (Verdict::Unknown(*reason), format!("filtering not confirmed: {which}: {why}"))
        };
        let critical = |line: &str| (Verdict::Critical, line.to_owned());
        match (blocked, plain) {
            (_, Plain::Unclear(reason, why)) => unclear(reason, "plain address", why),
            (Blocked::Passed, _) => {
                critical("not filtering: the test address passed, children are unfiltered")
            }
            (Blocked::ByPage, Plain::Passed) => self.well("filtering", seen),
            (Blocked::ByRefusal, Plain::Passed) => {
                self.well("filtering: the test address is refused", seen)
            }
            (Blocked::Silent(why), Plain::Passed) => {
                unclear(&Reason::NoAnswer, "test address", why)
            }
            (Blocked::Unclear(reason, why), Plain::Passed) => unclear(reason, "test address", why),
            (_, Plain::Blocked) => critical("nobody can browse: even the plain address is blocked"),
            (Blocked::ByPage, Plain::Silent(_)) => {
                critical("nobody can browse: the filter answers but the plain address does not")
            }
            (Blocked::ByRefusal | Blocked::Silent(_) | Blocked::Unclear(..), Plain::Silent(_)) => {
                critical("nobody can browse from there, filtering not confirmed")
            }
        }
    }

    fn well(&self, line: &str, plain: &Look) -> (Verdict, String) {
        let limit = self.settings.slow_after;
        if plain.is_slow(limit.duration()) {
            return (Verdict::Warning, format!("{line}, but a plain page takes more than {limit}"));
        }
        (Verdict::Ok, line.to_owned())
    }
}
