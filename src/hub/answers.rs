//! Answers with sentences and evidence, read from the world itself.

use std::collections::BTreeMap;

use crate::hub::task::Held;
use crate::model::calendar::london_date;
use crate::model::cell::{Cell, CheckView, Handling, Row, Summary};
use crate::model::check::Scope;
use crate::model::desk::CellName;
use crate::model::estate::{Estate, NotWatched};
use crate::model::health::Health;
use crate::model::ids::{CheckId, Laestab, ServiceKey};
use crate::model::next_step::NextStep;
use crate::model::observation::{Target, Window};
use crate::model::text::Clean;
use crate::wire::VERSION;
use crate::wire::page::{CheckPage, Page, Planned, ServiceView};
use crate::wire::status::{CellStatus, CheckStatus, EstateStatus, SchoolStatus, Status};

/// What a status is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Narrow {
    /// Only this service's estate fact and checks; every school keeps all keys.
    pub service: Option<ServiceKey>,
}

impl Narrow {
    fn wants(&self, service: &ServiceKey) -> bool {
        self.service.as_ref().is_none_or(|only| only == service)
    }
}

/// How a cell stands for whoever wants to take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stand {
    /// The row takes the service, and something watches it.
    pub taken: bool,
    /// It is in trouble.
    pub trouble: bool,
    /// The trouble waits to be confirmed.
    pub soft: bool,
    /// The service that it only follows from.
    pub follows: Option<ServiceKey>,
    /// Who has it.
    pub handling: Option<Handling>,
    /// Whether a hold on it is planned.
    pub planned: bool,
}

impl Held {
    /// The page of a school, or of the estate; its history and its tickets are left empty. `None` if there is no
    /// such school.
    #[must_use]
    pub fn page(&self, row: Row) -> Option<Page> {
        let estate = self.world().estate();
        let laestab = match row {
            Row::Estate => None,
            Row::School(laestab) => Some(laestab),
        };
        let school = match laestab {
            None => None,
            Some(laestab) => Some(estate.schools.get(&laestab)?.clone()),
        };
        let subscription = laestab.and_then(|l| estate.subscriptions.get(&l));
        let calendar = match laestab {
            Some(laestab) => estate.calendar(laestab),
            None => estate.calendars.get("").cloned().unwrap_or_default(),
        };
        Some(Page {
            version: VERSION,
            revision: self.world().revision(),
            as_of: self.now(),
            school,
            contact: subscription.map(|s| s.contact.clone()).unwrap_or_default(),
            note: subscription.map(|s| s.note.clone()).unwrap_or_default(),
            school_day: calendar.is_school_day(london_date(self.now())),
            services: (0_u16..)
                .zip(&self.shape().columns)
                .map(|(column, _)| self.service_view(row, column))
                .collect::<Option<Vec<_>>>()?,
            history: Vec::new(),
            desk: Vec::new(),
            incidents: self.incidents_of(row),
            not_watched: gaps(estate, laestab),
            past: None,
            replay: false,
        })
    }

    fn service_view(&self, row: Row, column: u16) -> Option<ServiceView> {
        let columns = &self.shape().columns;
        let head = columns.get(usize::from(column))?;
        let affects = self.world().affects(row, column);
        let checks = self.world().checks(row, column);
        let estate = match row {
            Row::Estate => Vec::new(),
            Row::School(_) => self.world().checks(Row::Estate, column),
        };
        let windows = checks.iter().chain(&estate).flat_map(|c| c.windows.iter().cloned());
        let mut windows: Vec<Window> = windows.collect();
        windows.sort_by_key(|w| w.from);
        windows.dedup();
        let next_steps = next_steps(self.world().estate(), &checks);
        let key = |c: u16| columns.get(usize::from(c)).map(|head| head.key.clone());
        Some(ServiceView {
            service: head.key.clone(),
            label: head.label.clone(),
            code: head.code.clone(),
            cell: self.world().cell(row, column),
            checks,
            elsewhere: self.world().elsewhere(row, column),
            in_common: self.world().in_common(row, column),
            takers: self.shape().takers.get(usize::from(column)).copied().unwrap_or(0),
            affects: affects.into_iter().filter_map(key).collect(),
            planned: self.planned(row, &head.key),
            windows,
            days: String::new(),
            tickets: Vec::new(),
            next_steps,
        })
    }

    /// What is planned for a cell: the next of it, and how much follows.
    fn planned(&self, row: Row, service: &ServiceKey) -> Option<Planned> {
        let mut all = self.world().planned_for(row, service);
        let (from, handling) = all.next()?;
        let mut next = Planned { from, handling: handling.clone(), times: 1, last: handling.until };
        for (_, later) in all {
            next.times = next.times.saturating_add(1);
            next.last = next.last.max(later.until);
        }
        Some(next)
    }

    /// How many more holds may be planned.
    #[must_use]
    pub fn may_plan(&self) -> usize {
        self.world().may_plan()
    }

    /// How cells stand for whoever wants to take them; `None` for one that does not exist.
    #[must_use]
    pub fn stands(&self, names: &[CellName]) -> Vec<Option<Stand>> {
        let columns = &self.shape().columns;
        let stand = |name: &CellName| {
            let column = columns.iter().position(|c| c.key == name.service)?;
            self.shape().place(name.row)?;
            let cell = self.world().cell(name.row, u16::try_from(column).ok()?);
            let cause = cell.follows_from.filter(|_| cell.health.is_trouble());
            Some(Stand {
                taken: cell.health != Health::NotSubscribed,
                trouble: cell.health.is_trouble(),
                soft: cell.soft,
                follows: cause.map(|c| c.service),
                handling: cell.handling,
                planned: self.world().planned_for(name.row, &name.service).next().is_some(),
            })
        };
        names.iter().map(stand).collect()
    }

    /// How the cells of rows stand, in the order of the columns; none of a school that does not exist.
    #[must_use]
    pub fn cells(&self, rows: &[Row]) -> Vec<Vec<Cell>> {
        let width = u16::try_from(self.shape().columns.len()).unwrap_or(u16::MAX);
        let of = |row: &Row| {
            self.shape().place(*row)?;
            Some((0..width).map(|column| self.world().cell(*row, column)).collect())
        };
        rows.iter().map(|row| of(row).unwrap_or_default()).collect()
    }

    /// One check of a school, or of the estate; `None` if there is none of that name there.
    #[must_use]
    pub fn check_page(&self, laestab: Option<Laestab>, check: &CheckId) -> Option<CheckPage> {
        let target = laestab.map_or(Target::Estate, Target::School);
        self.world().check(target, check).map(|check| CheckPage { laestab, check })
    }

    /// The contract document with an empty list of schools; they come from
    /// [`Self::school_statuses`].
    #[must_use]
    pub fn status_head(&self, narrow: &Narrow) -> Status {
        let world = self.world();
        let estate = world.estate();
        let facts = (0_u16..).zip(&estate.services).filter(|(_, spec)| {
            narrow.wants(&spec.key) && spec.checks.iter().any(|c| c.scope == Scope::Estate)
        });
        Status {
            version: VERSION,
            as_of: self.now(),
            revision: world.revision(),
            settled: world.settled(),
            summary: world.summary(),
            schools_summary: world.schools_summary(),
            not_watched: estate.not_watched.clone(),
            estate: facts
                .map(|(column, spec)| {
                    let cell = world.cell(Row::Estate, column);
                    EstateStatus {
                        service: spec.key.clone(),
                        health: cell.health,
                        why: cell.why.clone(),
                        since: cell.since,
                        reason: cell.reason,
                        soft: cell.soft,
                        tickets: Vec::new(),
                        checks: statuses(world.checks(Row::Estate, column)),
                    }
                })
                .collect(),
            schools: Vec::new(),
            past: None,
        }
    }

    /// The statuses of `schools`; one that does not exist is left out.
    #[must_use]
    pub fn school_statuses(&self, schools: &[Laestab], narrow: &Narrow) -> Vec<SchoolStatus> {
        let estate = self.world().estate();
        let known = schools.iter().filter_map(|laestab| estate.schools.get(laestab));
        known
            .map(|school| SchoolStatus {
                laestab: school.laestab,
                name: school.name.clone(),
                cells: self.cell_statuses(Row::School(school.laestab), narrow),
            })
            .collect()
    }

    fn cell_statuses(&self, row: Row, narrow: &Narrow) -> BTreeMap<ServiceKey, CellStatus> {
        let columns = (0_u16..).zip(&self.shape().columns);
        columns
            .map(|(column, head)| {
                let cell = self.world().cell(row, column);
                let checks = if narrow.wants(&head.key) {
                    statuses(self.world().checks(row, column))
                } else {
                    Vec::new()
                };
                let status = CellStatus {
                    health: cell.health,
                    reason: cell.reason,
                    why: cell.why.clone(),
                    since: cell.since,
                    state_since: cell.state_since,
                    soft: cell.soft,
                    handling: cell.handling.clone(),
                    follows_from: cell.follows_from.clone(),
                    tickets: Vec::new(),
                    checks,
                };
                (head.key.clone(), status)
            })
            .collect()
    }

    /// Totals of cells and of schools.
    #[must_use]
    pub fn totals(&self) -> (Summary, Summary) {
        (self.world().summary(), self.world().schools_summary())
    }
}

/// What is written down for the checks that are in trouble, the worst first, each once.
fn next_steps(estate: &Estate, checks: &[CheckView]) -> Vec<NextStep> {
    let mut bad: Vec<&CheckView> = checks.iter().filter(|c| c.health.is_trouble()).collect();
    bad.sort_by_key(|check| std::cmp::Reverse(check.health));
    let mut out: Vec<NextStep> = Vec::new();
    for check in bad {
        let step = estate.next_steps.get(&check.check).and_then(|s| s.of(check.reason));
        out.extend(step.filter(|step| !out.contains(step)).cloned());
    }
    out
}

fn statuses(checks: Vec<CheckView>) -> Vec<CheckStatus> {
    let each = checks.into_iter().map(|view| CheckStatus {
        check: view.check,
        health: view.health,
        reason: view.reason,
        why: view.why,
        observed_at: view.observed_at,
        source_at: view.source_at.map(|s| s.at),
        fresh_until: view.fresh_until,
    });
    each.collect()
}

/// The gaps of one school: those that name it, and those of the services that it takes. All of
/// them for the estate.
fn gaps(estate: &Estate, laestab: Option<Laestab>) -> Vec<NotWatched> {
    let Some(laestab) = laestab else { return estate.not_watched.clone() };
    let number = laestab.to_string();
    let subscription = estate.subscriptions.get(&laestab);
    let mut out: Vec<NotWatched> = Vec::new();
    if subscription.is_none() {
        out.push(NotWatched {
            what: Clean::new(&number),
            why: Clean::new("not set up: it has no row in the subscriptions table"),
        });
    }
    let concerns = |gap: &&NotWatched| {
        let what = gap.what.as_str();
        let service = what.split_once('.').map_or("", |(service, _)| service);
        (what.contains(&number) && subscription.is_some())
            || subscription.is_some_and(|s| s.services.iter().any(|k| k.as_str() == service))
    };
    out.extend(estate.not_watched.iter().filter(concerns).cloned());
    out
}
