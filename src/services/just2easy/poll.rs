//! Looks at the sign-in page of Just2easy.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize as _;

use crate::model::check::ServiceSpec;
use crate::model::estate::NotWatched;
use crate::model::ids::CheckId;
use crate::model::observation::{Observation, Target};
use crate::ports::clock::Boxed;
use crate::ports::watch::{Job, Place, Watch};
use crate::services::declared::notes::Notes;
use crate::services::declared::sign_in::SignIn;
use crate::services::declared::{only_sensible, service_key};
use crate::services::errand::HandOff;
use crate::services::just2easy::actions::{CHECK_LIST, RESYNC};
use crate::services::just2easy::describe::{CHECKS, KEY, Settings, spec};
use crate::services::sync_by_hand::SyncByHand;
use crate::services::{Brought, Configured, Context, Hands, ServiceError, check_id};

pub(super) fn configure(
    settings: toml::de::ValueDeserializer<'_>,
) -> Result<Configured, toml::de::Error> {
    let settings = Settings::deserialize(settings)?;
    Ok(Configured {
        credentials: Vec::new(),
        hands: Some(hands(&settings)),
        build: Box::new(move |ctx| Ok(Arc::new(Watcher::new(ctx, &settings)?))),
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

struct Watcher {
    spec: ServiceSpec,
    check: CheckId,
    sign_in: SignIn,
    notes: Option<Notes>,
}

impl Watcher {
    fn new(ctx: &Context, settings: &Settings) -> Result<Self, ServiceError> {
        let (key, check) = (service_key(KEY)?, check_id(KEY, "sign_in")?);
        only_sensible(KEY, &settings.checks, CHECKS)?;
        Ok(Self {
            spec: spec(settings, &key, &check)?,
            sign_in: SignIn::new(
                ctx,
                KEY,
                "sign_in",
                &settings.sign_in,
                settings.status_page.as_ref(),
            )?,
            notes: settings.sync_notes.as_deref().map(|file| Notes::new(&ctx.folder, file)),
            check,
        })
    }

    async fn look(&self, now: Timestamp) -> Observation {
        let seen = self.sign_in.observe(self.check.clone(), now).await;
        match &self.notes {
            None => seen,
            Some(notes) => match notes.read(now).await {
                Ok(noted) => seen.fact("sync notes", noted.in_short()),
                Err(e) => seen.fact("sync notes", e),
            },
        }
    }
}

impl Watch for Watcher {
    fn describe(&self) -> ServiceSpec {
        self.spec.clone()
    }

    fn not_watched(&self) -> Vec<NotWatched> {
        Vec::new()
    }

    fn places(&self) -> Vec<Place> {
        self.notes.iter().map(Notes::place).collect()
    }

    fn jobs(&self) -> Vec<Job> {
        let checks = &self.spec.checks;
        checks
            .iter()
            .map(|check| Job {
                id: "sign_in".into(),
                checks: vec![check.id.clone()],
                targets: [Target::Estate].into(),
                interval: check.interval,
            })
            .collect()
    }

    fn poll<'a>(&'a self, _job: &'a Job, now: Timestamp) -> Boxed<'a, Vec<Observation>> {
        Box::pin(async move { vec![self.look(now).await] })
    }
}
