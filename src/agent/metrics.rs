//! Counters for `/v1/metrics`, in the OpenMetrics text format.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::model::health::Health;
use crate::model::ids::ServiceKey;
use crate::wire::board::Summary;

/// Seconds: from a local answer to the longest that a poll may take.
const BUCKETS: [f64; 10] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PollLabels {
    service: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServiceLabel {
    service: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HealthLabel {
    health: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabel {
    status: u16,
}

/// The counters of one service's polls.
#[derive(Clone)]
pub(super) struct PollCounters {
    answered: Counter,
    late: Counter,
    panicked: Counter,
    seconds: Histogram,
}

impl PollCounters {
    pub fn answered(&self, took: Duration) {
        self.answered.inc();
        self.seconds.observe(took.as_secs_f64());
    }

    pub fn late(&self, took: Duration) {
        self.late.inc();
        self.seconds.observe(took.as_secs_f64());
    }

    pub fn panicked(&self, took: Duration) {
        self.panicked.inc();
        self.seconds.observe(took.as_secs_f64());
    }
}

/// What is read only when somebody asks.
pub(super) struct Standing {
    pub revision: u64,
    pub settled: bool,
    pub readers: u32,
    pub store_ok: bool,
    pub history_lost: u64,
    pub refused_events: u64,
    pub cells: Summary,
    pub schools: Summary,
}

pub(super) struct Metrics {
    registry: Registry,
    polls: Family<PollLabels, Counter>,
    poll_seconds: Family<ServiceLabel, Histogram>,
    foreign: Counter,
    missing: Counter,
    asked: Counter,
    too_soon: Counter,
    turned_away: Counter,
    answers: Family<AnswerLabel, Counter>,
    cells: Family<HealthLabel, Gauge>,
    schools: Family<HealthLabel, Gauge>,
    revision: Gauge<u64, AtomicU64>,
    settled: Gauge,
    readers: Gauge,
    store_ok: Gauge,
    history_lost: Gauge<u64, AtomicU64>,
    refused_events: Gauge<u64, AtomicU64>,
}

impl Metrics {
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("caretaker"),
            polls: Family::default(),
            poll_seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            foreign: Counter::default(),
            missing: Counter::default(),
            asked: Counter::default(),
            too_soon: Counter::default(),
            turned_away: Counter::default(),
            answers: Family::default(),
            cells: Family::default(),
            schools: Family::default(),
            revision: Gauge::default(),
            settled: Gauge::default(),
            readers: Gauge::default(),
            store_ok: Gauge::default(),
            history_lost: Gauge::default(),
            refused_events: Gauge::default(),
        };
        metrics.register_counters();
        metrics.register_gauges();
        metrics
    }

    fn register_counters(&mut self) {
        let r = &mut self.registry;
        r.register("polls", "Polls by service and outcome", self.polls.clone());
        r.register_with_unit(
            "poll",
            "Time that polls took",
            Unit::Seconds,
            self.poll_seconds.clone(),
        );
        r.register(
            "foreign_answers",
            "Answers about what was not asked; dropped",
            self.foreign.clone(),
        );
        r.register(
            "missing_answers",
            "Targets that an answer left out; made unknown",
            self.missing.clone(),
        );
        r.register("refresh_asked", "Jobs asked again by an operator", self.asked.clone());
        r.register("refresh_too_soon", "Jobs left alone: asked just now", self.too_soon.clone());
        r.register("turned_away", "Connections that were refused", self.turned_away.clone());
        r.register("answers", "Answers on the socket by status", self.answers.clone());
    }

    fn register_gauges(&mut self) {
        let r = &mut self.registry;
        r.register("cells", "Cells of schools by health", self.cells.clone());
        r.register("schools", "Schools by their worst cell", self.schools.clone());
        r.register("revision", "Revision of the board", self.revision.clone());
        r.register("settled", "1 once every check was tried", self.settled.clone());
        r.register("readers", "Consoles that follow changes", self.readers.clone());
        r.register("store_ok", "1 while the store can be written", self.store_ok.clone());
        r.register(
            "history_lost",
            "State changes that could not be kept",
            self.history_lost.clone(),
        );
        r.register(
            "refused_events",
            "Answers that came after the end",
            self.refused_events.clone(),
        );
    }

    pub fn polls_of(&self, service: &ServiceKey) -> PollCounters {
        let service = service.to_string();
        let of = |outcome| {
            self.polls.get_or_create_owned(&PollLabels { service: service.clone(), outcome })
        };
        PollCounters {
            answered: of("answered"),
            late: of("late"),
            panicked: of("panicked"),
            seconds: self
                .poll_seconds
                .get_or_create_owned(&ServiceLabel { service: service.clone() }),
        }
    }

    pub fn foreign(&self, count: u64) {
        self.foreign.inc_by(count);
    }

    /// Answers dropped because nobody asked for them.
    pub fn foreign_so_far(&self) -> u64 {
        self.foreign.get()
    }

    pub fn missing(&self, count: u64) {
        self.missing.inc_by(count);
    }

    pub fn refreshes(&self, asked: u32, too_soon: u32) {
        self.asked.inc_by(u64::from(asked));
        self.too_soon.inc_by(u64::from(too_soon));
    }

    pub fn turned_away(&self) {
        self.turned_away.inc();
    }

    pub fn answered(&self, status: u16) {
        self.answers.get_or_create(&AnswerLabel { status }).inc();
    }

    /// The text. One scrape at a time sees its own figures.
    pub fn text(&self, now: &Standing) -> String {
        set(&self.cells, &now.cells);
        set(&self.schools, &now.schools);
        self.revision.set(now.revision);
        self.settled.set(i64::from(now.settled));
        self.readers.set(i64::from(now.readers));
        self.store_ok.set(i64::from(now.store_ok));
        self.history_lost.inner().store(now.history_lost, Ordering::Relaxed);
        self.refused_events.inner().store(now.refused_events, Ordering::Relaxed);
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            tracing::error!("the metrics could not be written");
        }
        text
    }
}

fn set(family: &Family<HealthLabel, Gauge>, summary: &Summary) {
    let mut summary = *summary;
    for health in Health::ALL {
        let count = i64::from(*summary.of_mut(health));
        family.get_or_create(&HealthLabel { health: health.word() }).set(count);
    }
}
