//! Which tickets stand, by a real agent: over its death, until the trouble is over, until somebody says so.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use caretaker::link::Link;
use caretaker::wire::page::ServiceView;
use serde_json::Value;

use crate::desk::Desk;

/// What both schools reach over: Groupcall is well where somebody listens on it.
struct Line {
    port: u16,
    listener: Option<TcpListener>,
}

impl Line {
    fn cut() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { port, listener: None }
    }

    fn mend(&mut self) {
        self.listener = Some(TcpListener::bind(("127.0.0.1", self.port)).unwrap());
    }

    fn config(&self) -> String {
        format!(
            "[tickets.folder]\npath = 'tickets'\n[connectors.line]\nservice = 'groupcall'\n\
             check = 'line'\nlabel = 'line'\nscope = 'school'\ninterval = '1s'\ntries = 1\n\
             [connectors.line.probe.tcp]\nhost = '127.0.0.1'\nport = {}\n\
             [next_steps.groupcall.line]\ntext = 'Ring the school'\n\
             url = 'https://wiki.example.org/line'\n\
             [next_steps.groupcall.line.reasons]\n\
             no_answer = {{ text = 'Look whether the line is cut' }}\n",
            self.port
        )
    }
}

fn desk(line: &Line) -> Desk {
    let pcs = "[services.future_digital]\nstations = { folder = 'stations' }\n";
    let mut desk = Desk::new(&format!("{}{pcs}", line.config()));
    std::fs::create_dir(desk.path("stations")).unwrap();
    std::fs::create_dir(desk.path("tickets")).unwrap();
    desk.open();
    desk
}

/// The cell of a school's service, once it fits.
fn until(desk: &Desk, school: &str, service: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let status = desk.run(&["status", school, "--json"]).json();
        let cell = status["schools"][0]["cells"][service].clone();
        if fits(&cell) {
            return cell;
        }
        assert!(Instant::now() < end, "never: {cell}");
    }
}

fn is_bad(cell: &Value) -> bool {
    cell["reason"] == "no_answer"
}

fn numbers(cell: &Value) -> Vec<String> {
    cell["tickets"].as_array().unwrap().iter().map(|n| n.as_str().unwrap().to_owned()).collect()
}

/// What the page has of a service.
fn view(desk: &Desk, school: &str, service: &str) -> ServiceView {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let link = Link::new(&desk.path("run/agent.sock")).unwrap();
    let page = runtime.block_on(link.page(Some(school.parse().unwrap()))).unwrap();
    page.services.into_iter().find(|view| view.service.as_str() == service).unwrap()
}

/// Raises a ticket; its number.
fn raise(desk: &Desk, targets: &[&str]) -> String {
    let (_, applied) = desk.act("desk.raise_ticket", targets, &[]);
    assert_eq!(applied.code, 0, "{applied:?}");
    applied.json()["actions"][0]["reference"].as_str().unwrap().to_owned()
}

#[test]
fn a_ticket_stands_over_a_restart_and_is_over_with_its_trouble() {
    let mut line = Line::cut();
    let mut desk = desk(&line);
    until(&desk, "9991001", "groupcall", is_bad);
    until(&desk, "9991002", "groupcall", is_bad);
    assert_eq!(numbers(&until(&desk, "9991001", "groupcall", is_bad)), Vec::<String>::new());
    // One school as a whole, the other by its cell: both have it.
    let number = raise(&desk, &["9991001", "9991002/groupcall"]);
    for school in ["9991001", "9991002"] {
        assert_eq!(numbers(&until(&desk, school, "groupcall", is_bad)), [number.as_str()]);
    }
    assert_eq!(numbers(&until(&desk, "9991001", "redstor", |_| true)), Vec::<String>::new());
    let view = view(&desk, "9991001", "groupcall");
    let [ticket] = &view.tickets[..] else { panic!("{view:?}") };
    assert_eq!((ticket.number.as_str(), ticket.action.as_str()), (&*number, "desk.raise_ticket"));
    let [step] = &view.next_steps[..] else { panic!("{view:?}") };
    assert_eq!(step.text.as_str(), "Look whether the line is cut");

    desk.kill();
    desk.open();
    assert_eq!(numbers(&until(&desk, "9991001", "groupcall", is_bad)), [number.as_str()]);
    line.mend();
    let well = until(&desk, "9991001", "groupcall", |cell| cell["health"] == "ok");
    assert_eq!(numbers(&well), Vec::<String>::new());
    assert!(self::view(&desk, "9991001", "groupcall").next_steps.is_empty(), "it is well");
    line.listener = None;
    let again = until(&desk, "9991001", "groupcall", is_bad);
    assert_eq!(numbers(&again), Vec::<String>::new(), "that was another trouble");
    desk.kill();
    desk.open();
    assert_eq!(numbers(&until(&desk, "9991001", "groupcall", is_bad)), Vec::<String>::new());
}

#[test]
fn a_ticket_is_over_when_somebody_says_so_and_one_for_work_stands_until_it_is_done() {
    let line = Line::cut();
    let mut desk = desk(&line);
    until(&desk, "9991001", "groupcall", is_bad);
    let number = raise(&desk, &["9991001/groupcall"]);
    let without = desk.run(&["close", "CT-00000000", "--reason", "solved"]);
    assert!(without.err.contains("no ticket of it that stands"), "{without:?}");
    let closed = desk.run(&["close", &number, "--reason", "solved by telephone"]);
    assert_eq!(closed.code, 0, "{closed:?}");
    assert_eq!(numbers(&until(&desk, "9991001", "groupcall", is_bad)), Vec::<String>::new());
    let audit = desk.run(&["audit", "list", "--kind", "ticket_closed", "--json"]);
    assert!(audit.out.contains(&number) && !audit.out.contains("telephone"), "{audit:?}");

    let (_, applied) =
        desk.act("future_digital.client_check", &["9991001"], &["stations=LIB-PC01"]);
    let row = applied.json()["actions"][0].clone();
    assert_eq!(row["closed"], false, "{row}");
    let awaited = row["reference"].as_str().unwrap().to_owned();
    let stands = |cell: &Value| numbers(cell) == [awaited.as_str()];
    until(&desk, "9991001", "future_digital", stands);
    desk.kill();
    desk.open();
    until(&desk, "9991001", "future_digital", stands);
    assert_eq!(numbers(&until(&desk, "9991001", "groupcall", is_bad)), Vec::<String>::new());
    let told = desk.run(&[
        "tell",
        row["key"].as_str().unwrap(),
        "--step",
        "2",
        "--there",
        "--how",
        "they rang",
    ]);
    assert_eq!(told.code, 0, "{told:?}");
    until(&desk, "9991001", "future_digital", |cell| numbers(cell).is_empty());
}

#[test]
fn what_is_wrong_with_next_steps_is_told_with_its_line_and_the_nearest_check() {
    let check = |section: &str| Desk::new(section).run(&["config", "check"]);
    let well = check("[next_steps.groupcall]\nxporter_data = { text = 'x' }\n");
    assert_eq!(well.code, 0, "a check that nothing asks yet is no mistake: {well:?}");
    let long = format!("[next_steps.groupcall]\ncme = {{ text = '{}' }}\n", "x".repeat(201));
    for (section, words) in [
        (
            "[next_steps.groupcall]\nxporter_date = { text = 'x' }\n",
            "config.toml:10:1: next_steps.groupcall.xporter_date: there is no such check \
             (did you mean `groupcall.xporter_data`?)",
        ),
        ("[next_steps.grupcall]\ncme = { text = 'x' }\n", "did you mean `groupcall.cme`?"),
        ("[next_steps.groupcall]\ncme = {}\n", "this step says nothing"),
        (&long, "at most 200 characters"),
        ("[next_steps.groupcall]\ncme = { url = 'http://a.example/' }\n", "not an https address"),
        ("[next_steps.groupcall]\ncme = { url = 'https://u@a.example/' }\n", "without a user"),
        (
            "[next_steps.groupcall]\ncme = { reasons = { no_anser = { text = 'x' } } }\n",
            "did you mean `no_answer`?",
        ),
    ] {
        let said = check(section);
        assert_eq!(said.code, 78, "{section}: {said:?}");
        assert!(said.err.contains(words), "{section}: {}", said.err);
    }
}
