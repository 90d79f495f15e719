//! The hands of WeLearn365: which actions these settings make possible, and who does which step.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::directory::Acting;
use crate::model::action::ActionSpec;
use crate::model::ids::ActionId;
use crate::model::plan::{Aim, Ask, Item, Operator};
use crate::model::text::Clean;
use crate::ports::act::{Act, Answer, Prepared, Refused, Seen};
use crate::ports::clock::Boxed;
use crate::ports::ledger::Committed;
use crate::ports::watch::Rights;
use crate::services::accounts::account_of;
use crate::services::welearn365::actions::cloud::{Cloud, Sky};
use crate::services::welearn365::actions::on_demand::{self, OnDemand};
use crate::services::welearn365::actions::sync::Sync;
use crate::services::welearn365::actions::{ACTIONS, plan};

/// What does the steps.
pub(super) struct Hands {
    /// In the Active Directory; none without an account that may write there.
    pub(super) accounts: Option<Acting>,
    /// In Microsoft 365; none without an app that may write there.
    pub(super) cloud: Option<Cloud>,
    /// Asks Microsoft's sync for single accounts; none without its ids.
    pub(super) on_demand: Option<OnDemand>,
    /// Starts a directory sync; none without a runbook.
    pub(super) sync: Option<Sync>,
}

const NO_WRITER: &str = "set services.welearn365.directory.act to an account of the Active Directory \
                         that may write (see the administrator's guide)";

const NO_RESYNC: &str = "set services.welearn365.act.resync to the ids of Microsoft's Cloud Sync: \
                         service_principal_id, job_id, rule_id (see the administrator's guide)";
const NO_RUNBOOK: &str = "set services.welearn365.runbook to the command that starts a directory sync \
                          (see the administrator's guide)";

/// What to do when Microsoft does not say whether the account holds a role: nothing is done from here,
/// and a compromised account cannot wait.
fn without_the_cloud(ask: &Ask, why: Refused) -> Refused {
    match why {
        Refused::CannotRead(why) if ask.action.as_str() == "welearn365.lock_account" => {
            Refused::CannotRead(format!(
                "{why}. Whether it holds a role in Microsoft 365 is not known, so it is not locked \
                 from here. If it cannot wait: disable it in the Active Directory by hand and reset its \
                 password twice, the way that the desk keeps for emergencies (administrator's guide, \
                 \"When Microsoft does not answer\"), and note it in the ticket; lock it from here once \
                 Microsoft answers"
            ))
        }
        other => other,
    }
}

impl Hands {
    /// Why `action` is not possible with these settings; `None` when it is.
    fn lacks(&self, action: &str) -> Option<&'static str> {
        match action {
            "welearn365.lock_account"
            | "welearn365.restore_account"
            | "welearn365.clear_lockout"
            | "welearn365.reset_password" => self.accounts.is_none().then_some(NO_WRITER),
            "welearn365.resync_account" if self.accounts.is_none() => Some(NO_WRITER),
            "welearn365.resync_account" => {
                (self.cloud.is_none() || self.on_demand.is_none()).then_some(NO_RESYNC)
            }
            "welearn365.sync_directory" => self.sync.is_none().then_some(NO_RUNBOOK),
            _ => Some("there is no such action"),
        }
    }

    async fn account(
        &self,
        ask: &Ask,
        aim: &Aim,
        by: &Operator,
        show: bool,
    ) -> Result<Prepared, Refused> {
        let Some(accounts) = &self.accounts else {
            return Err(Refused::Choice(NO_WRITER.into()));
        };
        let (school, name) = account_of(aim)?;
        let found = accounts.find(school, name, by).await?;
        let sky = match &self.cloud {
            None => Sky::NotOurs,
            Some(cloud) => {
                let found = cloud.find(&found.account.immutable_id).await;
                found.map_err(|why| without_the_cloud(ask, why))?
            }
        };
        plan::prepared(ask, name, &found, &sky, show)
    }
}

impl Act for Hands {
    fn actions(&self) -> Vec<ActionSpec> {
        ACTIONS.iter().filter(|spec| self.lacks(spec.id).is_none()).copied().collect()
    }

    fn lacking(&self) -> Vec<(ActionSpec, String)> {
        let lacks = |spec: &ActionSpec| Some((*spec, self.lacks(spec.id)?.to_owned()));
        ACTIONS.iter().filter_map(lacks).collect()
    }

    fn programs(&self) -> Vec<(&'static str, PathBuf)> {
        let own = |sync: &Sync| ("welearn365.sync_directory", sync.program().to_owned());
        self.sync.iter().map(own).collect()
    }

    fn rights(&self) -> Boxed<'_, Vec<Rights>> {
        Box::pin(async {
            match &self.cloud {
                Some(cloud) => vec![cloud.rights(self.on_demand.as_ref()).await],
                None => Vec::new(),
            }
        })
    }

    fn undoes(&self, action: &ActionId) -> Option<&'static str> {
        (action.as_str() == "welearn365.restore_account").then_some("welearn365.lock_account")
    }

    fn prepare<'a>(
        &'a self,
        ask: &'a Ask,
        aim: &'a Aim,
        by: &'a Operator,
        show: bool,
        _now: Timestamp,
    ) -> Boxed<'a, Result<Prepared, Refused>> {
        match &self.sync {
            Some(sync) if ask.action.as_str() == "welearn365.sync_directory" => {
                Box::pin(sync.prepared(aim))
            }
            _ => Box::pin(self.account(ask, aim, by, show)),
        }
    }

    fn step<'a>(
        &'a self,
        _committed: &'a Committed,
        item: &'a Item,
        step: usize,
        _now: Timestamp,
    ) -> Boxed<'a, Answer> {
        Box::pin(async move {
            if let Some(accounts) = &self.accounts
                && let Some(answer) = accounts.step(item, step).await
            {
                return answer;
            }
            if let Some(cloud) = &self.cloud
                && let Some(answer) = cloud.step(item, step).await
            {
                return answer;
            }
            if let (Some(on_demand), Some(accounts), Some(cloud)) =
                (&self.on_demand, &self.accounts, &self.cloud)
                && let Some(answer) = on_demand.step((accounts, cloud), item, step).await
            {
                return answer;
            }
            if let Some(sync) = &self.sync
                && let Some(answer) = sync.step(item, step).await
            {
                return answer;
            }
            let says = Clean::new("the settings no longer say how this step is done");
            Answer::NotSent { says }
        })
    }

    fn look<'a>(
        &'a self,
        item: &'a Item,
        step: usize,
        sent_at: Timestamp,
        now: Timestamp,
    ) -> Boxed<'a, Seen> {
        Box::pin(async move {
            if let Some(accounts) = &self.accounts
                && let Some(seen) = accounts.look(item, step, sent_at, now).await
            {
                return seen;
            }
            if let Some(cloud) = &self.cloud
                && let Some(seen) = cloud.look(item, step, sent_at, now).await
            {
                return seen;
            }
            if let Some(cloud) = &self.cloud
                && let Some(seen) = on_demand::look(cloud, item, step).await
            {
                return seen;
            }
            if let Some(sync) = &self.sync
                && let Some(seen) = sync.look(item, step).await
            {
                return seen;
            }
            Seen::CannotTell(Clean::new("the settings no longer say how this step is looked for"))
        })
    }
}
