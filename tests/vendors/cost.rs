//! What each service asks in a day, from the intervals of the code: the table in the documentation is
//! held against it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use caretaker::model::ids::Laestab;
use caretaker::ports::watch::Job;
use caretaker::simulators::Running;

use crate::desk::{Desk, endpoint};
use crate::{groupcall, redstor, scenario};

/// The schools for which the table is made.
const SCHOOLS: usize = 250;
const DAY: u64 = 86_400;
const HALF_HOUR: u64 = 1_800;
const BEGIN: &str = "<!-- requests a day: computed -->\n";
const END: &str = "<!-- requests a day: end -->\n";

/// What is asked: its name in the table, the service, and its settings with every optional source that
/// the vendors' simulators play, at the intervals and hours of the code.
type Asked = (&'static str, &'static str, fn(&Running) -> String);

const ASKED: [Asked; 9] = [
    ("`welearn365`", "welearn365", graph),
    ("`welearn365`, Active Directory", "welearn365", scenario::directory),
    ("`groupcall`", "groupcall", groupcall::settings),
    ("`redstor`, Storage Platform", "redstor", redstor::platform),
    ("`redstor`, RedAPI", "redstor", redstor::redapi),
    ("`future_digital`", "future_digital", scenario::stations),
    ("`smoothwall`", "smoothwall", scenario::filters),
    ("`just2easy`", "just2easy", |running| at_its_hours(&scenario::sign_in(running))),
    ("`purple_mash`", "purple_mash", |running| at_its_hours(&scenario::portals(running))),
];

fn at_its_hours(settings: &str) -> String {
    settings.replace(", hours = \"always\"", "").replace("hours = \"always\"\n", "")
}

fn graph(running: &Running) -> String {
    let facts = &running.invented.facts;
    format!(
        "tenant_id = \"{}\"\nclient_id = \"{}\"\ngraph = {}\nlogin = {}\nsite_check = true\n\
         licences = {{}}\nprovisioning = {{}}\n",
        facts.tenant_id,
        facts.client_id,
        endpoint(running, "welearn365"),
        endpoint(running, "welearn365.login"),
    )
}

/// Calls but for those that sign in.
fn questions(desk: &Desk) -> u64 {
    let signs_in = |call: &str| {
        ["oauth", ".token ", ".login ", " BIND"].iter().any(|part| call.contains(part))
    };
    let served = desk.running.served();
    served.iter().filter(|(call, _)| !signs_in(call)).map(|(_, n)| n).sum()
}

/// What one job asks in a day that begins now; one that is `even` asks the same at any hour.
async fn of_a_day(desk: &mut Desk, job: &Job, even: bool) -> u64 {
    let every = job.interval.as_secs();
    if even {
        desk.sweep(|one| one.id == job.id).await;
        let before = questions(desk);
        desk.sweep(|one| one.id == job.id).await;
        return (questions(desk) - before) * DAY / every;
    }
    // A check that is asked often costs the same within half an hour, whose middle is taken.
    let (step, times) = if every < HALF_HOUR { (HALF_HOUR, HALF_HOUR / every) } else { (every, 1) };
    let mut asked = 0;
    for n in 0..DAY / step {
        let before = questions(desk);
        let seen = desk.sweep(|one| one.id == job.id).await;
        assert!(!seen.is_empty());
        asked += (questions(desk) - before) * times;
        // By day it asks nobody: it reads files.
        if n == 1 && asked == 0 {
            break;
        }
        desk.forward(u32::try_from(step).unwrap());
    }
    asked
}

/// `1,440`.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// The rows of one service: what is asked, how often, and how many requests a day that makes.
async fn rows((name, service, settings): Asked) -> String {
    let mut desk = Desk::new(service, SCHOOLS, settings).await;
    // A quarter past nine, so that half hours have their middle at a quarter.
    desk.forward(300);
    let mut kinds: BTreeMap<String, Vec<Job>> = BTreeMap::new();
    // The directory by itself: Microsoft is another row, and is not played here.
    let of_directory = |kind: &str| matches!(kind, "accounts" | "lockouts" | "controllers");
    let alone = name.contains("Directory");
    for job in desk.watch.jobs() {
        let kind = job.id.split('/').next().unwrap_or_default().to_owned();
        if !alone || of_directory(&kind) {
            kinds.entry(kind).or_default().push(job);
        }
    }
    let (mut out, mut sum) = (String::new(), 0);
    for (kind, jobs) in kinds {
        let one = of_a_day(&mut desk, &jobs[0], alone).await;
        let names: BTreeSet<&str> = jobs[0].checks.iter().map(|c| c.name()).collect();
        let of_a_school =
            jobs[0].id.rsplit('/').next().is_some_and(|n| n.parse::<Laestab>().is_ok());
        let (many, whose) = match (of_a_school, jobs.len() as u64) {
            (true, _) => (SCHOOLS as u64, format!(" of {SCHOOLS} schools")),
            (false, 1) => (1, String::new()),
            (false, n) => (n, format!(" of {n} appliances")),
        };
        sum += one * many;
        let what = match kind.as_str() {
            "filtering" | "alerts" => kind,
            _ => names.into_iter().collect::<Vec<_>>().join(", "),
        };
        out.push_str(&format!(
            "| {name} | {what}{whose}, each {} | {} |\n",
            jobs[0].interval,
            grouped(one * many)
        ));
    }
    out.push_str(&format!("| {name} | **in all** | **{}** |\n", grouped(sum)));
    out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_of_requests_a_day_is_what_the_code_asks() {
    let mut table = "| service | asked | requests a day |\n|---|---|---|\n".to_owned();
    for asked in ASKED {
        table.push_str(&rows(asked).await);
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/connectors.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (told, after) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(told, table, "UPDATE_DOCS=1 writes it");
}
