//! Looks at each school's portal page of Purple Mash.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize as _;

use crate::model::calendar::london_date;
use crate::model::check::ServiceSpec;
use crate::model::estate::{Estate, NotWatched};
use crate::model::health::Reason;
use crate::model::ids::{CheckId, Laestab, ServiceKey};
use crate::model::observation::{Observation, Target, Verdict};
use crate::model::text::Clean;
use crate::ports::clock::{Boxed, Clock};
use crate::ports::watch::{Job, Place, Watch};
use crate::services::declared::hours::Hours;
use crate::services::declared::notes::{Duplicates, Notes, State};
use crate::services::declared::probe::{Look, Sight, look};
use crate::services::declared::sign_in::SignIn;
use crate::services::declared::words::{folded, names, visible};
use crate::services::declared::{only_sensible, refused, service_key};
use crate::services::errand::HandOff;
use crate::services::purple_mash::actions::{CHECK_LIST, RESYNC};
use crate::services::purple_mash::describe::{CHECKS, KEY, Settings, spec};
use crate::services::sync_by_hand::SyncByHand;
use crate::services::{Brought, Configured, Context, Hands, ServiceError, check_id};
use crate::transport::Endpoint;

pub(super) fn configure(
    settings: toml::de::ValueDeserializer<'_>,
) -> Result<Configured, toml::de::Error> {
    let settings = Settings::deserialize(settings)?;
    Ok(Configured {
        credentials: Vec::new(),
        hands: Some(hands(&settings)),
        build: Box::new(move |ctx| Ok(Arc::new(Watcher::new(ctx, settings)?))),
    })
}

/// The sync that an administrator of the school starts.
fn hands(settings: &Settings) -> Hands {
    let file = settings.sync_notes.clone();
    Box::new(move |ctx| {
        let notes = file.as_deref().map(|file| Notes::new(&ctx.folder, file));
        let sync = SyncByHand { spec: RESYNC, check_list: CHECK_LIST, notes };
        let act = HandOff::new(sync, service_key(KEY)?, ctx);
        Ok(Brought { acts: vec![Arc::new(act)], ..Brought::default() })
    })
}

/// Bad answers in a row after which trouble is certain, as the check has it.
const TRIES: u8 = 3;

/// One school's portal page.
struct Portal {
    path: String,
    /// How the page names the school.
    word: String,
    packages: Option<String>,
}

struct Watcher {
    spec: ServiceSpec,
    portal: CheckId,
    sign_in: CheckId,
    endpoint: Endpoint,
    front: Option<SignIn>,
    portals: BTreeMap<Laestab, Portal>,
    not_watched: Vec<NotWatched>,
    notes: Option<Notes>,
    hours: Option<Hours>,
    estate: Arc<Estate>,
    settings: Settings,
    clock: Arc<dyn Clock>,
}

impl Watcher {
    fn new(ctx: &Context, settings: Settings) -> Result<Self, ServiceError> {
        let key = service_key(KEY)?;
        let (portal, sign_in) = (check_id(KEY, "portal")?, check_id(KEY, "sign_in")?);
        only_sensible(KEY, &settings.checks, CHECKS)?;
        if settings.endpoint.url.path().trim_matches('/').starts_with("ql") {
            return Err(refused(
                KEY,
                "endpoint.url",
                "quick-login links are not probed; give the site's root",
            ));
        }
        if settings.sso && folded(&settings.sso_word).is_empty() {
            return Err(refused(KEY, "sso_word", "must not be empty where sso is true"));
        }
        let front = match (&settings.sign_in, &settings.status_page) {
            (Some(page), status) => Some(SignIn::new(ctx, KEY, "sign_in", page, status.as_ref())?),
            (None, Some(_)) => {
                let why = "needs sign_in as well: a status page alone proves nothing";
                return Err(refused(KEY, "status_page", why));
            }
            (None, None) => None,
        };
        let hours = settings.hours.hours(TRIES);
        let (portals, not_watched) = portals(ctx, &key);
        let schools: BTreeSet<_> = portals.keys().copied().collect();
        Ok(Self {
            spec: spec(&settings, &key, [&portal, &sign_in], schools)?,
            endpoint: ctx.endpoint(KEY, Some(&settings.endpoint), "")?,
            notes: settings.sync_notes.as_deref().map(|file| Notes::new(&ctx.folder, file)),
            hours: hours.map_err(|why| refused(KEY, "hours", why))?,
            estate: ctx.estate.clone(),
            clock: ctx.clock.clone(),
            portal,
            sign_in,
            front,
            portals,
            not_watched,
            settings,
        })
    }

    /// The portal page of `school`; outside the hours it is not asked for.
    async fn seen(&self, school: Laestab, portal: &Portal, now: Timestamp) -> Observation {
        match &self.hours {
            None => self.look_at(school, portal, now).await,
            Some(hours) if !hours.open(&self.estate.calendar(school), now) => {
                hours.outside(&self.portal, Target::School(school), now)
            }
            Some(hours) => {
                let seen = self.look_at(school, portal, now).await;
                hours.saw(&seen);
                seen
            }
        }
    }

    async fn look_at(&self, school: Laestab, portal: &Portal, now: Timestamp) -> Observation {
        let seen = look(&self.endpoint, &portal.path, &self.settings.block_marks).await;
        let (mut verdict, mut detail) = self.judge(&seen, portal);
        let note = match &self.notes {
            Some(notes) => Some(noted(notes, school, now).await),
            None => None,
        };
        if let Some((said, line)) = &note {
            // What the page shows for itself counts for more, unless it is milder.
            let is_worse = match said {
                Verdict::Unknown(_) => matches!(verdict, Verdict::Ok | Verdict::Warning),
                Verdict::Warning => verdict == Verdict::Ok,
                _ => false,
            };
            if is_worse {
                (verdict, detail) = (*said, format!("{detail}, but {line}"));
            }
        }
        let at = seen.at.unwrap_or_else(|| self.clock.now());
        let mut seen_as =
            Observation::new(self.portal.clone(), Target::School(school), at, verdict, &detail)
                .fact("portal", &portal.path);
        for (name, value) in &seen.facts {
            seen_as = seen_as.fact(name, value);
        }
        if let Some(ms) = seen.latency_ms() {
            seen_as = seen_as.number("latency_ms", ms);
        }
        if let Some((_, line)) = note {
            seen_as = seen_as.fact("sync note", line);
        }
        match &portal.packages {
            Some(packages) => seen_as.fact("packages", packages),
            None => seen_as,
        }
    }

    fn judge(&self, seen: &Look, portal: &Portal) -> (Verdict, String) {
        let unclear = Verdict::Unknown(Reason::Malformed);
        let text = match &seen.sight {
            Sight::Page { text } => visible(text),
            Sight::Redirect { host } => {
                let to = host.as_deref().unwrap_or("a place without TLS or name");
                return (unclear, format!("portal page redirects to {to}: not followed"));
            }
            Sight::BlockPage => {
                return (unclear, "probe blocked by a web filter: portal page not seen".to_owned());
            }
            // Between us and the page anything may be cut: only an answer says that it fails.
            Sight::Down { why, .. } if seen.status.is_none() => {
                let verdict = Verdict::Unknown(Reason::NoAnswer);
                return (verdict, format!("portal page does not answer: {why}"));
            }
            Sight::Down { why, .. } => {
                return (Verdict::Critical, format!("portal page is down: {why}"));
            }
            Sight::Unclear { reason, why } => {
                return (Verdict::Unknown(*reason), format!("portal page not seen: {why}"));
            }
        };
        let generic = self.settings.generic_marks.iter().map(|m| folded(m));
        if !names(&text, &portal.word)
            || generic.filter(|m| !m.is_empty()).any(|m| text.contains(&m))
        {
            let line = format!(
                "page does not name the school ({}): is its portal name right?",
                Clean::new(&portal.word)
            );
            return (unclear, line);
        }
        if self.settings.sso && !text.contains(&folded(&self.settings.sso_word)) {
            let line = format!("portal page is up without its {} button", self.settings.sso_word);
            return (Verdict::Warning, line);
        }
        if seen.is_slow(self.settings.slow_after.duration()) {
            let line = format!("portal page is slower than {}", self.settings.slow_after);
            return (Verdict::Warning, line);
        }
        (Verdict::Ok, "portal page is up and names the school".to_owned())
    }
}

/// What the notes say of `school`, and what that makes of a page that is well.
async fn noted(notes: &Notes, school: Laestab, now: Timestamp) -> (Verdict, String) {
    let (fine, trouble) = (Verdict::Ok, Verdict::Warning);
    let noted = match notes.read(now).await {
        Ok(noted) => noted,
        Err(e) => return (trouble, format!("its sync notes cannot be read: {e}")),
    };
    let Some(note) = noted.schools.get(&school) else {
        return (fine, "no sync noted".to_owned());
    };
    match note.state {
        Some(State::Paused) => {
            let line = "its sync is paused: an approval of the school is pending, say the notes";
            return (Verdict::Unknown(Reason::Paused), line.to_owned());
        }
        Some(State::Unreadable) => {
            let line = "its sync notes have a state that is not known (paused, or nothing)";
            return (trouble, line.to_owned());
        }
        None => {}
    }
    let day = note.synced_on.map_or_else(|| "a day not noted".to_owned(), |d| d.to_string());
    match note.duplicates {
        None if note.synced_on.is_none() => (fine, "no sync noted".to_owned()),
        None => {
            (trouble, format!("the note of the sync on {day} does not say if duplicates are left"))
        }
        Some(Duplicates::Left(0)) if missed_intake(note.synced_on, now) => (
            trouble,
            format!("the last sync noted is of {day}: new starters of this year lack accounts"),
        ),
        Some(Duplicates::Left(0)) => (fine, format!("last sync noted for {day}, no duplicates")),
        Some(Duplicates::Left(n)) => (trouble, format!("the sync on {day} left {n} duplicates")),
        Some(Duplicates::Unreadable) => {
            (trouble, format!("the note of the sync on {day} has no number of duplicates"))
        }
    }
}

/// Whether no sync was noted since this September began, while the new intake arrives: only then
/// does the age of a sync mean something.
fn missed_intake(synced_on: Option<Date>, now: Timestamp) -> bool {
    let today = london_date(now);
    let of_this_year = |month, day| Date::new(today.year(), month, day).ok();
    let (Some(begin), Some(from), Some(to), Some(synced)) =
        (of_this_year(9, 1), of_this_year(9, 15), of_this_year(10, 31), synced_on)
    else {
        return false;
    };
    (from..=to).contains(&today) && synced < begin
}

/// The portal pages of the takers, and who has none.
fn portals(ctx: &Context, key: &ServiceKey) -> (BTreeMap<Laestab, Portal>, Vec<NotWatched>) {
    let (mut portals, mut gaps) = (BTreeMap::new(), Vec::new());
    for laestab in ctx.estate.takers(key) {
        let of = |name: &str| {
            ctx.estate.subscriptions.get(&laestab).and_then(|s| s.parameter(key, name))
        };
        let name = of("portal").unwrap_or_default();
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || !name.chars().all(good) || name.starts_with('.') {
            let why = if name.is_empty() {
                "no purple_mash.portal in its subscription row".to_owned()
            } else {
                format!("purple_mash.portal `{name}` is not a name such as ashbrook-vale")
            };
            gaps.push(NotWatched {
                what: Clean::new(&format!("{key}.portal of {laestab}")),
                why: Clean::new(&why),
            });
            continue;
        }
        let register = ctx.estate.schools.get(&laestab).map(|s| s.name.as_str());
        portals.insert(
            laestab,
            Portal {
                path: format!("sch/{name}"),
                word: of("portal_word").or(register).unwrap_or_default().to_owned(),
                packages: of("packages").map(str::to_owned),
            },
        );
    }
    (portals, gaps)
}

impl Watch for Watcher {
    fn describe(&self) -> ServiceSpec {
        self.spec.clone()
    }

    fn not_watched(&self) -> Vec<NotWatched> {
        self.not_watched.clone()
    }

    fn places(&self) -> Vec<Place> {
        self.notes.iter().map(Notes::place).collect()
    }

    fn jobs(&self) -> Vec<Job> {
        let job = |check: &CheckId, id: String, target| {
            let interval = self.spec.checks.iter().find(|c| c.id == *check).map(|c| c.interval)?;
            Some(Job {
                id: id.into(),
                checks: vec![check.clone()],
                targets: [target].into(),
                interval,
            })
        };
        let schools = self.portals.keys().filter_map(|school| {
            job(&self.portal, format!("portal/{school}"), Target::School(*school))
        });
        job(&self.sign_in, "sign_in".to_owned(), Target::Estate)
            .into_iter()
            .chain(schools)
            .collect()
    }

    fn poll<'a>(&'a self, job: &'a Job, now: Timestamp) -> Boxed<'a, Vec<Observation>> {
        Box::pin(async move {
            let mut seen = Vec::new();
            for target in job.targets.iter() {
                match (target, &self.front) {
                    (Target::Estate, Some(front)) => {
                        seen.push(front.observe(self.sign_in.clone(), now).await);
                    }
                    (Target::School(school), _) => {
                        if let Some(portal) = self.portals.get(school) {
                            seen.push(self.seen(*school, portal, now).await);
                        }
                    }
                    (Target::Estate, None) => {}
                }
            }
            seen
        })
    }
}
