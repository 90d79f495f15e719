//! What the guard told: what is possible, what waits, runs and needs a look, and where somebody
//! acts.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::wire::action::{ActionRow, Actions, EmergencyView, LeftRow, Possible, Waiting};
use crate::wire::board::Row;
use crate::wire::{ActionId, Aim, Role, ServiceKey};

/// The guard's page as it was last told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Acts {
    page: Option<Box<Actions>>,
    /// Why the last attempt to read it failed.
    error: Option<String>,
    /// The number of the news that the agent told last; none before it was heard.
    news: Option<u64>,
    /// The number that stood when the page was last asked for.
    asked: Option<u64>,
    /// Open actions by where they act, as indices of the page.
    places: HashMap<Row, Vec<usize>>,
}

/// The row of the board that a target belongs to.
#[must_use]
pub fn row_of(aim: &Aim) -> Row {
    aim.school().map_or(Row::Estate, Row::School)
}

/// The service that an action on a target is about; none for what is about the school as a whole.
#[must_use]
pub fn service_of<'a>(action: &'a ActionId, aim: &'a Aim) -> Option<&'a str> {
    match aim {
        Aim::Cell(_, service) => Some(service.as_str()),
        _ => Some(action.service()).filter(|service| *service != "desk"),
    }
}

impl Acts {
    /// The agent told the number of its news; whether it is another one than before.
    pub fn heard(&mut self, news: u64) -> bool {
        self.news.replace(news) != Some(news)
    }

    /// What is known may be old: it is to be read again.
    pub fn outdate(&mut self) {
        self.asked = None;
    }

    /// Whether the page should be asked for.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.news.is_some() && self.news != self.asked
    }

    /// It is being asked for.
    pub fn asking(&mut self) {
        self.asked = self.news;
    }

    /// Keeps an answer; a failure keeps the page before it. Tells whether anything differs that is
    /// shown.
    pub fn keep(&mut self, answer: Result<Actions, String>) -> bool {
        let page = match answer {
            Ok(page) => page,
            Err(why) => {
                let same = self.error.as_ref() == Some(&why);
                self.error = Some(why);
                return !same;
            }
        };
        self.error = None;
        let as_of = page.as_of;
        let same = self.page.as_ref().is_some_and(|before| {
            // Only when it was read differs.
            let before = Actions { as_of, ..(**before).clone() };
            before == page
        });
        self.places.clear();
        for (n, row) in page.open.iter().enumerate() {
            self.places.entry(row_of(&row.aim)).or_default().push(n);
        }
        self.page = Some(Box::new(page));
        !same
    }

    /// The page; none before it was told.
    #[must_use]
    pub fn page(&self) -> Option<&Actions> {
        self.page.as_deref()
    }

    /// Why it could not be read.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// The open actions on a row of the board, or on one service of it.
    pub fn on<'a>(
        &'a self,
        row: Row,
        service: Option<&'a ServiceKey>,
    ) -> impl Iterator<Item = &'a ActionRow> {
        let at = self.places.get(&row).map_or(&[][..], Vec::as_slice);
        at.iter().filter_map(|n| self.page.as_ref()?.open.get(*n)).filter(move |open| {
            service.is_none_or(|wanted| {
                service_of(&open.action, &open.aim).is_none_or(|about| about == wanted.as_str())
            })
        })
    }

    /// Whether anybody acts anywhere.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.page.as_ref().is_none_or(|page| page.open.is_empty() && page.waiting.is_empty())
    }

    /// The label of an action.
    #[must_use]
    pub fn label<'a>(&'a self, action: &'a ActionId) -> &'a str {
        self.possible(action).map_or(action.as_str(), |possible| possible.label.as_str())
    }

    /// What is known of an action.
    #[must_use]
    pub fn possible(&self, action: &ActionId) -> Option<&Possible> {
        self.page.as_ref()?.possible.iter().find(|possible| possible.action == *action)
    }

    /// The actions of a plan, open and closed.
    pub fn of_plan<'a>(&'a self, plan: &'a str) -> impl Iterator<Item = &'a ActionRow> {
        let all = self.page.iter().flat_map(|page| page.open.iter().chain(&page.recent));
        all.filter(move |row| row.plan.as_str() == plan)
    }

    /// The targets of a plan that were not begun.
    pub fn not_begun<'a>(&'a self, plan: &'a str) -> impl Iterator<Item = &'a LeftRow> {
        let all = self.page.iter().flat_map(|page| &page.left);
        all.filter(move |target| target.plan.as_str() == plan)
    }

    /// Whether `waiting` is the operator's own request.
    #[must_use]
    pub fn is_own(&self, waiting: &Waiting) -> bool {
        self.page.as_ref().is_some_and(|page| page.me.operator.person() == waiting.plan.by.person())
    }

    /// Whose session it is, with their roles: `asha operator`. What another role includes is left out.
    #[must_use]
    pub fn whose(&self) -> Option<String> {
        let me = &self.page.as_ref()?.me;
        let is_lead = me.roles.contains(&Role::Lead);
        let says = |role: &&Role| match role {
            Role::Viewer => me.roles.len() == 1,
            Role::Operator | Role::Approver => !is_lead,
            Role::Lead | Role::Auditor => true,
        };
        let name = me.operator.name.to_string();
        let roles = me.roles.iter().filter(says);
        Some(roles.fold(name, |who, role| format!("{who} {}", role.word())))
    }

    /// Whether the operator has one of these roles now.
    #[must_use]
    pub fn has(&self, roles: &[Role]) -> bool {
        self.page.as_ref().is_some_and(|page| page.me.roles.iter().any(|r| roles.contains(r)))
    }

    /// Plans that still wait at `now`.
    pub fn waiting(&self, now: Timestamp) -> impl Iterator<Item = &Waiting> {
        let all = self.page.iter().flat_map(|page| &page.waiting);
        all.filter(move |waiting| waiting.until > now)
    }

    /// How many plans wait for this operator.
    #[must_use]
    pub fn to_approve(&self, now: Timestamp) -> usize {
        if !self.has(&[Role::Approver, Role::Lead]) {
            return 0;
        }
        self.waiting(now).filter(|waiting| !self.is_own(waiting)).count()
    }

    /// How many open actions need a look.
    #[must_use]
    pub fn to_look_at(&self) -> usize {
        self.page.as_ref().map_or(0, |page| page.open.iter().filter(|r| r.needs_a_look).count())
    }

    /// The emergency that holds at `now`.
    #[must_use]
    pub fn emergency(&self, now: Timestamp) -> Option<&EmergencyView> {
        self.page.as_ref()?.emergency.as_ref().filter(|declared| declared.until > now)
    }

    /// Until when the operator is armed, if they are at `now`.
    #[must_use]
    pub fn armed_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.page.as_ref()?.me.armed_until.filter(|until| *until > now)
    }

    /// Why this operator can only watch; none if they can act, or before it is known.
    #[must_use]
    pub fn only_watches(&self) -> Option<&str> {
        let page = self.page.as_ref()?;
        if let Some(trouble) = &page.trouble {
            return Some(trouble.as_str());
        }
        let acts = [Role::Operator, Role::Approver, Role::Lead];
        (!self.has(&acts)).then_some("your account has no role to act")
    }
}
