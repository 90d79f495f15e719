//! Tests of plan and sieve.

use std::time::Duration;

use jiff::Timestamp;

use crate::agent::schedule::plan::{Choice, Plan};
use crate::agent::schedule::sift::{no_answer, sift};
use crate::agent::settings::Concurrency;
use crate::model::check::{CheckSpec, Coverage, Scope, ServiceSpec};
use crate::model::health::Reason;
use crate::model::ids::Laestab;
use crate::model::observation::{Observation, Target, Verdict};
use crate::model::span::Span;
use crate::ports::watch::Job;

const FLOOR: Duration = Duration::from_secs(30);

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn laestab(n: usize) -> Laestab {
    (9_990_000 + n).to_string().parse().unwrap()
}

fn jobs(count: usize, interval: u64) -> Vec<Job> {
    (0..count)
        .map(|n| Job {
            id: format!("school/{n}").into(),
            checks: vec!["mail.ask".parse().unwrap()],
            targets: [Target::School(laestab(n))].into(),
            interval: Span::from_secs(interval),
        })
        .collect()
}

fn plan(services: Vec<Vec<Job>>, overall: usize, per_service: usize) -> Plan {
    Plan::new(services.into_iter(), Concurrency { overall, per_service }, FLOOR, Duration::ZERO)
}

fn all() -> Choice {
    Choice { target: None, service: None }
}

#[test]
fn the_first_sweep_starts_at_once_within_the_limits_and_services_take_turns() {
    let mut plan = plan(vec![jobs(10, 60), jobs(10, 60)], 6, 4);
    let mut started = Vec::new();
    while let Some((number, service, _)) = plan.start(s(0)) {
        started.push((number, service));
    }
    assert_eq!(started.iter().map(|x| x.1).collect::<Vec<_>>(), [0, 1, 0, 1, 0, 1]);
    plan.finished(started[0].0, s(1), 0.5);
    assert_eq!(plan.start(s(1)).map(|x| x.1), Some(0), "one place, one more");
    assert!(plan.start(s(1)).is_none());
}

#[test]
fn one_service_cannot_take_every_place() {
    let mut plan = plan(vec![jobs(10, 60), jobs(1, 60)], 6, 4);
    let mut of_first = 0;
    while let Some((_, service, _)) = plan.start(s(0)) {
        of_first += usize::from(service == 0);
    }
    assert_eq!(of_first, 4);
}

#[test]
fn the_second_sweep_is_spread_and_later_ones_are_jittered() {
    let chances = [0.0, 0.5, 0.999];
    let mut due = Vec::new();
    for chance in chances {
        let mut plan = plan(vec![jobs(1, 1_000)], 1, 1);
        let (number, ..) = plan.start(s(0)).unwrap();
        plan.finished(number, s(1), chance);
        let second = plan.next_due().unwrap();
        plan.wake(second);
        plan.start(second).unwrap();
        plan.finished(number, second + s(1), chance);
        due.push((second.as_secs(), (plan.next_due().unwrap() - second).as_secs()));
    }
    assert_eq!(due, [(500, 950), (750, 1_000), (999, 1_049)]);
}

#[test]
fn a_job_that_runs_is_not_started_again() {
    let mut plan = plan(vec![jobs(1, 60)], 9, 9);
    let (number, ..) = plan.start(s(0)).unwrap();
    assert_eq!(plan.refresh(all(), s(0), s(5)), (0, 1), "it is under way");
    plan.wake(s(500));
    assert!(plan.start(s(500)).is_none());
    plan.finished(number, s(501), 0.5);
    plan.finished(number, s(501), 0.5);
    plan.wake(s(502));
    assert!(plan.start(s(502)).is_some());
    assert!(plan.start(s(502)).is_none());
}

#[test]
fn refresh_respects_its_floor_and_counts() {
    let mut plan = plan(vec![jobs(3, 600), jobs(2, 600)], 9, 9);
    while let Some((number, ..)) = plan.start(s(0)) {
        plan.finished(number, s(1), 0.5);
    }
    assert_eq!(plan.refresh(all(), s(10), s(9)), (0, 5));
    let one = Choice { target: Some(Target::School(laestab(1))), service: Some(0) };
    assert_eq!(plan.refresh(one, s(10), s(10)), (1, 0));
    plan.wake(s(10));
    assert_eq!(plan.start(s(10)).unwrap().2.id.as_ref(), "school/1");
    assert!(plan.start(s(10)).is_none(), "and nothing else");
}

#[test]
fn jobs_that_are_outdated_are_due_at_once_and_only_those_of_their_service() {
    let mut plan = plan(vec![jobs(3, 600), jobs(3, 600)], 9, 9);
    while let Some((number, ..)) = plan.start(s(0)) {
        plan.finished(number, s(1), 0.5);
    }
    plan.bring_forward(1, &["school/2".into(), "school/9".into()], s(5));
    plan.wake(s(5));
    let (_, service, job) = plan.start(s(5)).unwrap();
    assert_eq!((service, job.id.as_ref()), (1, "school/2"));
    // One that runs is not due again by that.
    plan.bring_forward(1, &["school/2".into()], s(6));
    plan.wake(s(6));
    assert!(plan.start(s(6)).is_none());
}

#[test]
fn what_is_looked_at_runs_five_times_as_often_down_to_the_floor() {
    for (interval, expected) in [(600, 120), (60, 30), (20, 20)] {
        let mut plan = plan(vec![jobs(2, interval)], 9, 9);
        while let Some((number, ..)) = plan.start(s(1)) {
            plan.finished(number, s(1), 0.999_999);
        }
        plan.looked_at(Target::School(laestab(0)), s(2));
        plan.wake(s(1) + s(expected));
        let first = plan.start(s(1) + s(expected)).expect("the one that is looked at");
        assert_eq!(first.2.id.as_ref(), "school/0");
        if expected < interval {
            assert!(plan.start(s(1) + s(expected)).is_none(), "its neighbour keeps its pace");
        }
        // The look ends.
        plan.finished(first.0, s(500), 0.5);
        let next = plan.next_due().unwrap();
        assert!(next >= s(1) + s(expected).mul_f64(0.9));
    }
}

#[test]
fn a_place_in_the_heap_that_was_overtaken_starts_nothing() {
    let mut plan = plan(vec![jobs(1, 600)], 9, 9);
    let (number, ..) = plan.start(s(0)).unwrap();
    plan.finished(number, s(1), 0.5);
    plan.refresh(all(), s(0), s(2));
    plan.wake(s(2));
    plan.start(s(2)).unwrap();
    // The place of 450 s is still in the heap.
    plan.wake(s(450));
    assert!(plan.start(s(450)).is_none());
}

fn spec() -> ServiceSpec {
    let check =
        |id: &str, scope| CheckSpec::new(id.parse().unwrap(), "label", scope, Span::from_mins(5));
    let mut few = check("mail.few", Scope::School);
    few.covers = Coverage::Only([laestab(1)].into());
    ServiceSpec {
        key: "mail".parse().unwrap(),
        label: "Mail".into(),
        code: "ML".into(),
        checks: vec![check("mail.ask", Scope::School), check("mail.tenant", Scope::Estate), few],
        depends: vec![],
    }
}

fn bulk() -> Job {
    Job {
        id: "bulk".into(),
        checks: ["mail.ask", "mail.tenant", "mail.few"].map(|c| c.parse().unwrap()).into(),
        targets: [Target::Estate, Target::School(laestab(0)), Target::School(laestab(1))].into(),
        interval: Span::from_mins(5),
    }
}

fn now() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn answer(check: &str, target: Target, verdict: Verdict) -> Observation {
    Observation::new(check.parse().unwrap(), target, now(), verdict, "said")
}

fn told(observations: &[Observation]) -> Vec<(String, Target, Verdict)> {
    let mut out: Vec<_> =
        observations.iter().map(|o| (o.check.to_string(), o.target, o.verdict)).collect();
    out.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    out
}

#[test]
fn each_covered_pair_gets_one_observation_and_no_other_any() {
    let (zero, one) = (Target::School(laestab(0)), Target::School(laestab(1)));
    let raw = vec![
        answer("mail.ask", zero, Verdict::Ok),
        answer("mail.tenant", Target::Estate, Verdict::Warning),
        // Foreign: another school, another check, a check that does not cover this school, the
        // wrong scope.
        answer("mail.ask", Target::School(laestab(7)), Verdict::Ok),
        answer("mail.other", zero, Verdict::Ok),
        answer("mail.few", zero, Verdict::Ok),
        answer("mail.ask", Target::Estate, Verdict::Ok),
        // Said twice, alike.
        answer("mail.ask", zero, Verdict::Ok),
    ];
    let sifted = sift(&bulk(), &spec(), raw, now());
    let malformed = Verdict::Unknown(Reason::Malformed);
    assert_eq!(
        told(&sifted.answers),
        [
            ("mail.ask".into(), zero, Verdict::Ok),
            ("mail.ask".into(), one, malformed),
            ("mail.few".into(), one, malformed),
            ("mail.tenant".into(), Target::Estate, Verdict::Warning),
        ]
    );
    assert_eq!((sifted.foreign, sifted.missing), (4, 2));
}

#[test]
fn two_verdicts_of_one_school_are_neither_believed() {
    let one = Target::School(laestab(1));
    let raw =
        vec![answer("mail.ask", one, Verdict::Critical), answer("mail.ask", one, Verdict::Ok)];
    let sifted = sift(&bulk(), &spec(), raw, now());
    let found = sifted.answers.iter().find(|o| o.target == one && o.check.name() == "ask").unwrap();
    assert_eq!(found.verdict, Verdict::Unknown(Reason::Malformed));
}

#[test]
fn no_answer_is_unknown_for_everything_that_was_asked() {
    let out = no_answer(&bulk(), &spec(), now(), "nobody there");
    assert_eq!(out.len(), 4);
    assert!(out.iter().all(|o| o.verdict == Verdict::Unknown(Reason::NoAnswer)));
}
