//! Acting: what `x` is about, the plan and its answers, and what the guard tells.
//!
//! Invariant: an act is bound to the cell that stood under the cursor when the last frame was
//! written; what is hidden is not acted on, and is named.

use std::time::Duration;

use super::{Console, Effect};
use crate::tui::keymap::{Chord, Command};
use crate::tui::screens::Layer;
use crate::tui::screens::account::FindScreen;
use crate::tui::screens::act::Aimed;
use crate::tui::screens::act::menu::MenuScreen;
use crate::tui::screens::act::plan::{PlanScreen, Purpose};
use crate::tui::screens::act::run::RunScreen;
use crate::tui::screens::act::secret::SecretScreen;
use crate::tui::screens::approvals::{ApprovalsScreen, waits_until};
use crate::tui::screens::audit::AuditScreen;
use crate::tui::screens::expiring::ExpiringScreen;
use crate::tui::screens::look::LookScreen;
use crate::tui::screens::statements::StatementsScreen;
use crate::tui::screens::training::TrainingScreen;
use crate::tui::times;
use crate::tui::wish::{Heard, Unconfirmed};
use crate::wire::action::{Actions, Confirmed, PlanPage};
use crate::wire::board::Row;
use crate::wire::desk::CellName;
use crate::wire::{Ask, Clean};

impl Console {
    /// The terminal has no second screen: what is shown may stay on it.
    pub fn has_no_alternate(&mut self) {
        self.has_alternate = false;
    }

    // ---- what is meant

    /// The cell under the cursor of the place on top.
    pub(super) fn at_cursor(&self) -> Option<CellName> {
        let rows = self.rows.as_ref()?;
        let (row, column) = match self.layers.last() {
            Some(Layer::Page(page)) => (page.row(), page.service()),
            None => (self.board.row()?, self.board.column(rows)),
            Some(_) => return None,
        };
        let service = rows.columns.get(column)?.key.clone();
        Some(CellName { row, service })
    }

    /// Opens the menu of actions for what was seen.
    pub(super) fn act_on(&mut self) {
        let aimed = match self.layers.last() {
            Some(Layer::Account(screen)) => Ok(screen.aimed()),
            Some(Layer::Find(screen)) => screen.aimed().ok_or("no account is marked or chosen"),
            _ => self.aimed(),
        };
        match aimed {
            Ok(aimed) => {
                self.layers.push(Layer::Menu(MenuScreen::new(aimed)));
                if self.acts.page().is_none() {
                    self.acts.outdate();
                }
            }
            Err(why) => self.message = Some(why.to_owned()),
        }
    }

    /// Opens the search for an account of the school that was seen.
    pub(super) fn find_account(&mut self) {
        let cell = self.seen.take().and_then(|seen| seen.at).or_else(|| self.at_cursor());
        match cell.and_then(FindScreen::new) {
            Some(screen) => self.layers.push(Layer::Find(Box::new(screen))),
            None => self.message = Some("accounts belong to a school: choose one".to_owned()),
        }
    }

    fn aimed(&mut self) -> Result<Aimed, &'static str> {
        let seen = self.seen.take().and_then(|seen| seen.at);
        let rows = self.rows.as_ref().ok_or("no board has come from the agent yet")?;
        let on_board = self.layers.is_empty();
        if !on_board || self.board.marks().is_empty() {
            let cell = seen.or_else(|| self.at_cursor()).ok_or("the cursor stands on no school")?;
            return Ok(Aimed::cell(cell));
        }
        let shown = self.board.marked_and_listed(rows);
        let hidden =
            self.board.marks().iter().copied().filter(|mark| !shown.contains(mark)).collect();
        let cells: Vec<CellName> = shown
            .into_iter()
            .filter_map(|laestab| {
                let row = Row::School(laestab);
                let service = rows.columns.get(self.board.column_of(row, rows))?.key.clone();
                Some(CellName { row, service })
            })
            .collect();
        if cells.is_empty() {
            return Err("every marked school is hidden by the filter; nothing is done");
        }
        Ok(Aimed { cells, hidden, accounts: Vec::new() })
    }

    /// Opens one of the guard's lists.
    pub(super) fn open_list(&mut self, command: Command) {
        self.acts.outdate();
        match command {
            Command::Approvals => {
                self.layers.push(Layer::Approvals(ApprovalsScreen::default()));
            }
            Command::Look => self.layers.push(Layer::Look(LookScreen::default())),
            Command::Expiring => self.layers.push(Layer::Expiring(ExpiringScreen::default())),
            Command::Statements => {
                self.layers.push(Layer::Statements(StatementsScreen::default()));
            }
            _ => {
                if let Ok((screen, wish)) = AuditScreen::open("", self.now) {
                    self.layers.push(Layer::Audit(Box::new(screen)));
                    self.effects.push(Effect::Guard(wish));
                }
            }
        }
    }

    /// Opens the training's screen, in place of the one that is open.
    pub(super) fn train(&mut self, command: Command) {
        let (screen, wish) = TrainingScreen::open(command);
        let layer = Layer::Training(Box::new(screen));
        match self.layers.last_mut() {
            Some(top @ Layer::Training(_)) => *top = layer,
            _ => self.layers.push(layer),
        }
        self.effects.push(Effect::Guard(wish));
    }

    // ---- the confirmation's defences

    /// Whether a key is taken in the place on top: a plan throws away what was not typed on it.
    pub(super) fn takes(&mut self, chord: Chord, command: Option<Command>, along: bool) -> bool {
        self.with_plan(|plan, view| plan.takes((chord, command), along, view)).unwrap_or(true)
    }

    /// The terminal's window came to the front.
    pub(super) fn came_to_front(&mut self) {
        let mono = self.mono;
        if self.with_plan(|plan, view| plan.came_to_front(mono, view)).is_some() {
            self.touch();
        }
    }

    /// A frame was written at `mono`: what it shows is what the next key is about.
    pub fn shown(&mut self, mono: Duration) {
        self.mono = mono;
        self.sees();
        self.with_plan(|plan, view| plan.shown(mono, view));
    }

    fn with_plan<T>(
        &mut self,
        work: impl FnOnce(&mut PlanScreen, &crate::tui::screens::View<'_>) -> T,
    ) -> Option<T> {
        let Some(Layer::Plan(_)) = self.layers.last() else { return None };
        let Some(Layer::Plan(mut plan)) = self.layers.pop() else { return None };
        let facts = self.facts();
        let done = work(&mut plan, &self.view(&facts));
        self.layers.push(Layer::Plan(plan));
        Some(done)
    }

    /// Closes what must not be there when the console stops or ends: a password, names, an open
    /// plan.
    pub fn forget(&mut self) {
        let before = self.layers.len();
        let shows = |layer: &Layer| match layer {
            Layer::Find(screen) => screen.shows(),
            Layer::Account(screen) => screen.shows(),
            _ => false,
        };
        let any_shown = self.layers.iter().any(shows);
        self.layers.retain(|layer| match layer {
            Layer::Secret(_) => false,
            Layer::Find(_) | Layer::Account(_) => !shows(layer),
            // They say again whose they are.
            Layer::Menu(_) | Layer::Form(_) => !any_shown,
            Layer::Plan(plan) => plan.is_sending(),
            _ => true,
        });
        if self.layers.len() != before {
            self.touch();
        }
    }

    // ---- what the guard tells

    /// Whether the guard's page should be asked for now.
    #[must_use]
    pub fn wants_acts(&self) -> bool {
        self.is_known() && self.replay().is_none() && self.acts.is_wanted()
    }

    /// It is being asked for.
    pub fn asking_acts(&mut self) {
        self.acts.asking();
    }

    /// Takes the guard's page, or why there is none.
    pub fn acts(&mut self, answer: Result<Actions, String>) {
        let declared = self.acts.emergency(self.now).cloned();
        let waited: Vec<Clean> = self.acts.waiting(self.now).map(|w| w.plan.id.clone()).collect();
        let was_known = self.acts.page().is_some();
        if !self.acts.keep(answer) {
            return;
        }
        if was_known {
            self.tell_news(declared.is_some(), &waited);
        }
        self.touch();
    }

    /// Says what everybody has to hear.
    fn tell_news(&mut self, was_emergency: bool, waited: &[Clean]) {
        if let Some(e) = self.acts.emergency(self.now).filter(|_| !was_emergency) {
            let until = times::moment(e.until, self.now);
            self.message = Some(format!("EMERGENCY declared by {} until {until}: {}", e.by, e.why));
            return;
        }
        let new = self
            .acts
            .waiting(self.now)
            .find(|w| !waited.contains(&w.plan.id) && !self.acts.is_own(w));
        if let Some(waiting) = new.filter(|_| self.acts.to_approve(self.now) > 0) {
            let plan = &waiting.plan;
            let label = self.acts.label(&plan.ask.action);
            self.message =
                Some(format!("{} asks for a second person: {label} (:approvals)", plan.by.name));
        }
    }

    /// Takes what came of a wish.
    pub fn heard(&mut self, heard: Heard, mono: Duration) {
        self.mono = mono;
        match heard {
            Heard::Planned { ask, answer } => self.planned(&ask, answer),
            Heard::Reviewed { plan, answer } => self.reviewed(&plan, answer),
            Heard::Confirmed { plan, answer } => self.confirmed(&plan, answer),
            Heard::Said(answer) => self.said(answer),
            Heard::Emergency(answer) => self.said(answer.map(|declared| {
                let until = times::moment(declared.until, self.now);
                format!("EMERGENCY declared until {until}; everybody is told")
            })),
            Heard::Armed(answer) => self.said(answer.map(|armed| match armed.until {
                Some(until) => format!("armed until {}", times::moment(until, self.now)),
                None => "not armed any more".to_owned(),
            })),
            Heard::Ordered { id, answer } => self.ordered(id, answer),
            Heard::Struck(answer) => self.struck(answer),
            Heard::Replay(answer) => self.wound(answer),
            Heard::Then { at, answer } => self.then(at, answer),
            Heard::News { from, answer } => self.news(from, answer),
            Heard::Places(answer) => self.places(answer),
            told => self.layers.iter_mut().for_each(|layer| layer.heard(&told)),
        }
        self.touch();
    }

    fn said(&mut self, answer: Result<String, String>) {
        self.acts.outdate();
        self.message = Some(answer.unwrap_or_else(|why| format!("not done: {why}")));
    }

    fn planned(&mut self, ask: &Ask, answer: Result<Box<PlanPage>, String>) {
        // A form that was left meanwhile wants no plan.
        let Some(Layer::Form(form)) = self.layers.last_mut() else { return };
        if !form.waited_for(ask) {
            return;
        }
        let hidden = form.aimed().hidden.clone();
        match answer {
            Ok(page) => {
                let until = page.plan.expires_at;
                self.open_plan(page, Purpose::Confirm, until, hidden);
            }
            Err(why) => form.refused(why),
        }
    }

    fn reviewed(&mut self, plan: &Clean, answer: Result<Box<PlanPage>, String>) {
        if !matches!(self.layers.last(), Some(Layer::Approvals(_))) {
            return;
        }
        let page = match answer {
            Ok(page) => page,
            Err(why) => {
                self.message = Some(why);
                return;
            }
        };
        let facts = self.facts();
        let Some(until) = waits_until(plan.as_str(), &self.view(&facts)) else { return };
        let me = self.acts.page().map(|acts| acts.me.operator.person());
        let purpose =
            if me == Some(page.plan.by.person()) { Purpose::Mine } else { Purpose::Approve };
        self.open_plan(page, purpose, until, Vec::new());
    }

    fn open_plan(
        &mut self,
        page: Box<PlanPage>,
        purpose: Purpose,
        until: jiff::Timestamp,
        hidden: Vec<crate::wire::Laestab>,
    ) {
        let facts = self.facts();
        let plan = PlanScreen::new(page, purpose, until, hidden, &self.view(&facts));
        self.layers.push(Layer::Plan(Box::new(plan)));
    }

    fn confirmed(&mut self, id: &Clean, answer: Result<Confirmed, Unconfirmed>) {
        self.acts.outdate();
        let at = self.layers.iter().rposition(|layer| {
            matches!(layer, Layer::Plan(plan) if plan.page().plan.id == *id && plan.is_sending())
        });
        let Some(at) = at else {
            self.message = Some("the plan was confirmed: what becomes of it is under :look".into());
            return;
        };
        if let Err(Unconfirmed::Refused(why)) = answer {
            if let Some(Layer::Plan(plan)) = self.layers.get_mut(at) {
                plan.refused(why);
            }
            return;
        }
        let Some(Layer::Plan(plan)) = self.layers.get(at) else { return };
        let page = Box::new(plan.page().clone());
        let whose = page.private.first().map(|p| p.label.clone()).unwrap_or_default();
        self.layers.truncate(at);
        self.layers.retain(|layer| !matches!(layer, Layer::Menu(_) | Layer::Form(_)));
        for layer in &mut self.layers {
            match layer {
                Layer::Account(screen) => screen.acted(),
                Layer::Find(screen) => screen.acted(),
                _ => {}
            }
        }
        let (waits, secret, lost) = match answer {
            Ok(Confirmed::Runs { once_secret }) => (None, once_secret, None),
            Ok(Confirmed::Waits { until, role }) => (Some((until, role)), None, None),
            Err(Unconfirmed::Refused(why) | Unconfirmed::Lost(why)) => (None, None, Some(why)),
        };
        self.layers.push(Layer::Run(Box::new(RunScreen::new(page, waits, lost))));
        if let Some(secret) = secret {
            let screen = SecretScreen::new(secret, whose, self.mono);
            self.layers.push(Layer::Secret(Box::new(screen)));
        }
    }
}
