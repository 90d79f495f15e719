//! Threat 16: no credential, no token, no new password and no pupil's name in any byte that the program
//! writes, but where showing it is the point.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Instant;

use caretaker::simulators::{Certificate, Door, GraphFault, MailHost, PERSONAL_NAMES};

use crate::needles::Needles;
use crate::post_office::{At, Fault, PASSWORD, PostOffice};
use crate::session::Session;
use crate::stage::{Ends, LIMIT, PROGRAM, Stage, write};

const ALERTS: &str = "cAnArY-imap+/Zk=&%25q";
/// Folders below the desk's that the program does not write: what an administrator put there.
const OURS: [&str; 1] = ["credentials"];

/// What is looked for, by what it is called.
struct Canaries(Vec<(String, String)>);

impl Canaries {
    fn needles(&self) -> Needles {
        Needles::new(self.0.iter().map(|(n, v)| (n.as_str(), v.as_str())))
    }

    fn add(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }
}

/// The lines of a key that are no frame, each by itself, and a key's parts in JSON.
fn parts(value: &str) -> Vec<String> {
    match serde_json::from_str::<serde_json::Value>(value) {
        Ok(key) => {
            ["d", "p", "q"].iter().filter_map(|k| Some(key[k].as_str()?.to_owned())).collect()
        }
        Err(_) => {
            let key = value.split("-----BEGIN CERTIFICATE").next().unwrap();
            key.lines()
                .filter(|l| l.len() >= 40 && !l.contains("-----"))
                .map(str::to_owned)
                .collect()
        }
    }
}

/// A credential of every kind that no chance makes, at the vendors and where the administrator keeps it.
fn plant(stage: &Stage) -> Canaries {
    let mut canaries = Canaries(Vec::new());
    for (n, (name, value)) in stage.vendors.invented.credentials.iter().enumerate() {
        if name.ends_with(".certificate") || name.ends_with(".jwk") {
            let parts = parts(value);
            assert!(!parts.is_empty(), "{name} has no parts");
            parts.iter().for_each(|part| canaries.add(name, part));
            continue;
        }
        let canary = format!("cAnArY-{n:02}+/Zk=&%25q");
        stage.vendors.change_credential(name, &canary);
        write(&stage.folder().join("credentials").join(name), &canary);
        canaries.add(name, &canary);
    }
    for (name, value) in [("alerts", ALERTS), ("tickets", PASSWORD)] {
        write(&stage.folder().join("credentials").join(name), value);
        canaries.add(name, value);
    }
    canaries
}

/// The configuration with a certificate, a key, a mailbox and a runbook that tells what it finds.
fn configure(stage: &mut Stage, mailbox: &MailHost) {
    let folder = stage.folder().display().to_string();
    let runbook = stage.folder().join("start-sync");
    let script = format!(
        "#!/bin/sh\ncat /proc/$$/environ > {folder}/child-environ\n\
         cat /proc/$$/cmdline > {folder}/child-cmdline\necho started\n"
    );
    write(&runbook, &script);
    std::fs::set_permissions(&runbook, PermissionsExt::from_mode(0o700)).unwrap();
    stage.edit(
        "[services.welearn365]\n",
        &format!(
            "[services.welearn365]\nauthentication = 'certificate'\n\
             credential = 'welearn365.certificate'\nrunbook = {{ command = [{runbook:?}] }}\n"
        ),
    );
    let facts = &stage.vendors.invented.facts;
    let ca = stage.vendors.ca_file.display();
    let at = |key: &str| format!("{{ url = '{}', ca_file = '{ca}' }}", stage.vendors.urls[key]);
    let redapi = format!(
        "[services.redstor]\napi = 'redapi'\ncredential = 'redstor.jwk'\nclient_id = '{}'\n\
         company_id = '{}'\nredapi = {}\nlogin = {}\n",
        facts.redapi_client_id,
        facts.redapi_company_id,
        at("redstor.redapi"),
        at("redstor.token")
    );
    stage.replace(("[services.redstor]", "[services.redstor.checks]"), &redapi);
    let mail_ca = stage.folder().join("mail.pem");
    write(&mail_ca, &mailbox.ca_pem);
    let alerts = stage.text.lines().find(|l| l.starts_with("alerts = { drop")).unwrap().to_owned();
    let imap = format!(
        "alerts = {{ mailbox = {{ imap = {{ host = 'localhost', port = {}, user = 'alerts', folder = \
         'INBOX/Alerts', credential = 'alerts', ca_file = {mail_ca:?} }} }} }}",
        mailbox.port
    );
    stage.edit(&alerts, &imap);
    stage.edit(
        "[credentials.files]\n",
        &format!(
            "[log]\nlevel = 'trace'\n[credentials.files]\nalerts = '{folder}/credentials/alerts'\n\
             tickets = '{folder}/credentials/tickets'\n"
        ),
    );
    stage.keep();
}

/// What the commands wrote, and what the socket answered.
struct Said(Vec<(String, Vec<u8>)>);

impl Said {
    fn run(&mut self, stage: &Stage, args: &[&str]) -> String {
        let output = stage.run(args);
        let name = args.join(" ");
        self.0.push((format!("stdout of {name}"), output.stdout.clone()));
        self.0.push((format!("stderr of {name}"), output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Plans, applies, and waits for its end: what was said of it.
    fn act(&mut self, stage: &Stage, action: &str, target: &str) -> String {
        let (id, digest) = stage.plan(action, target, &[]);
        let out = self.run(stage, &["apply", &id, "--digest", &digest, "--wait", "60s", "--json"]);
        assert!(out.contains("\"outcome\":"), "{action} {target}: {out}");
        out
    }

    fn ask(&mut self, stage: &Stage, path: &str) {
        let mut socket = UnixStream::connect(stage.socket()).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: caretaker\r\nconnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        assert!(
            answer.starts_with(b"HTTP/1.1 200"),
            "{path}: {}",
            String::from_utf8_lossy(&answer)
        );
        self.0.push((format!("the socket's answer to {path}"), answer));
    }
}

fn terminal(stage: &Stage, args: &[&str]) -> Session {
    let (config, socket) =
        (stage.config().display().to_string(), stage.socket().display().to_string());
    let all = [&["--config", config.as_str(), "--agent", socket.as_str()], args].concat();
    Session::start(PROGRAM, &all, (100, 30), stage.home.path(), &[])
}

/// Resets a password in a terminal; the new one, which must be there once and nowhere else.
fn reset(stage: &Stage, said: &mut Said) -> String {
    let (id, digest) = stage.plan("welearn365.reset_password", &stage.target(1), &[]);
    let apply = ["apply", &id, "--digest", &digest, "--wait", "60s"];
    // Where nobody would see it nothing is begun, nor where it would stay and nobody agreed to that.
    let unseen = stage.run(&[&apply[..], &["--shown-here"]].concat());
    let why = String::from_utf8_lossy(&unseen.stderr).into_owned();
    assert!(unseen.status.code() == Some(64) && why.contains("nothing was sent"), "{why}");
    let mut session = terminal(stage, &apply);
    session.wait("the question", |s| s.contains("Type  yes  to have it shown here: "));
    session.press("no\r");
    assert_eq!(session.end(), 64, "{}", session.screen());
    assert!(session.screen().contains("nothing was sent"), "{}", session.screen());
    assert_eq!(stage.vendors.effects(), Vec::<String>::new());

    let mut session = terminal(stage, &apply);
    session.wait("the question", |s| s.contains("Type  yes  to have it shown here: "));
    session.press("yes\r");
    assert_eq!(session.end(), 0, "{}", session.screen());
    let raw = session.raw();
    let text = String::from_utf8_lossy(&raw).into_owned();
    let marker = "new password, shown this once: ";
    let password =
        text.split(marker).nth(1).unwrap().split(['\r', '\n']).next().unwrap().to_owned();
    assert!(password.len() >= 10, "{text}");
    assert_eq!(text.matches(&password).count(), 1, "{text}");
    said.0.push(("the terminal of a reset".into(), text.replace(&password, "").into_bytes()));
    password
}

/// A pupil's name, whole, where its showing was asked for with a reason; it stands nowhere else.
fn unmask(stage: &Stage, said: &mut Said) -> String {
    let school = stage.school.to_string();
    let (target, login) = (stage.target(0), format!("u{school}000"));
    let plan = ["plan", "welearn365.lock_account", &target, "--show", "--reason", "a test"];
    let find = ["account", "find", &school, &login, "--show", "--reason", "the parent rang"];
    let out = String::from_utf8(stage.run(&plan).stdout).unwrap();
    let line = out.lines().find(|l| l.contains("  target ")).unwrap();
    let name = line.split(&login).nth(1).unwrap().trim().split("   ").next().unwrap().to_owned();
    assert!(name.contains(' '), "{out}");
    let found = String::from_utf8(stage.run(&find).stdout).unwrap();
    for (what, out) in [("a plan with names", out), ("accounts with names", found)] {
        assert_eq!(out.matches(&name).count(), 1, "{what}: {out}");
        said.0.push((what.to_owned(), out.replace(&name, "").into_bytes()));
    }
    name
}

/// The console, through the pages on which something of it could stand.
fn look_around(stage: &Stage, said: &mut Said) {
    let mut session = terminal(stage, &[]);
    session.wait("the board", |s| s.contains("LIVE"));
    for command in [":audit\r", ":look\r"] {
        session.press(command);
        session.wait(command, |s| s.contains("board > "));
        session.press("\x1b");
        session.wait("the board again", |s| s.contains("LIVE") && !s.contains("board > "));
    }
    session.press("q");
    assert_eq!(session.end(), 0, "{}", session.screen());
    said.0.push(("the console's terminal".into(), session.raw()));
}

/// Environment and arguments of the agent and of every process that it has started.
fn processes(agent: &Ends, said: &mut Said) -> usize {
    let mut family = vec![agent.0.id()];
    let mut at = 0;
    while let Some(pid) = family.get(at).copied() {
        at += 1;
        let tasks = format!("/proc/{pid}/task/{pid}/children");
        let children = std::fs::read_to_string(tasks).unwrap_or_default();
        family.extend(children.split_whitespace().map(|c| c.parse::<u32>().unwrap()));
        for kind in ["environ", "cmdline"] {
            // What cannot be dumped can be read by root alone.
            if let Ok(bytes) = std::fs::read(format!("/proc/{pid}/{kind}")) {
                said.0.push((format!("{kind} of process {pid}"), bytes));
            }
        }
    }
    family.len()
}

/// The working day of a desk, with the agent at its most talkative.
fn a_day(stage: &Stage, said: &mut Said, canaries: &mut Canaries) {
    said.run(stage, &["status", "--json", "--wait-settled", "60s"]);
    for args in [&["status"][..], &["doctor"], &["doctor", "--json"], &["connector", "list"]] {
        said.run(stage, args);
    }
    for service in ["welearn365", "groupcall", "redstor", "smoothwall"] {
        said.run(stage, &["connector", "try", service]);
    }
    canaries.add("the new password", &reset(stage, said));
    let name = unmask(stage, said);
    assert!(PERSONAL_NAMES.contains(&name.as_str()), "{name}");
    for name in PERSONAL_NAMES {
        canaries.add("a pupil's name", name);
        canaries
            .add("a pupil's name, turned", &name.split(' ').rev().collect::<Vec<_>>().join(", "));
    }
    let school = stage.school.to_string();
    said.act(stage, "welearn365.lock_account", &stage.target(2));
    said.act(stage, "welearn365.resync_account", &stage.target(3));
    said.act(stage, "welearn365.sync_directory", "estate");
    said.act(stage, "groupcall.resync", &school);
    said.act(stage, "desk.raise_ticket", &format!("{school}/groupcall"));
    said.run(stage, &["audit", "reconcile"]);
}

/// Every credential is refused, and that is told in every way in which it can be.
fn nobody_lets_us_in(stage: &Stage, said: &mut Said) {
    for name in stage.vendors.invented.credentials.keys() {
        stage.vendors.change_credential(name, "another one altogether");
    }
    stage.vendors.microsoft().set_fault(GraphFault::CertificateUnknown);
    stage.vendors.forget_tokens();
    said.run(stage, &["doctor"]);
    said.run(stage, &["doctor", "--json"]);
    for service in ["welearn365", "groupcall", "redstor", "smoothwall"] {
        let told = said.run(stage, &["connector", "try", service]);
        assert!(!told.is_empty());
    }
    let plan = ["plan", "welearn365.lock_account", &stage.target(4), "--reason", "a test"];
    said.run(stage, &plan);
    said.run(stage, &["audit", "reconcile"]);
}

/// The same desk with tickets by mail: the server refuses our password, then takes it.
async fn by_mail(stage: &mut Stage, said: &mut Said) {
    let office = PostOffice::open(stage.home.path(), false).await;
    let mail = format!(
        "[tickets.mail]\nfrom = 'desk@example.org'\nto = ['it@example.org']\n[tickets.mail.server]\n\
         host = 'localhost'\nport = {}\nuser = 'desk'\ncredential = 'tickets'\nca_file = '{}'\n\
         deadline = '60s'\n",
        office.port,
        stage.home.path().join("ca.pem").display()
    );
    stage.replace(("[tickets.api]", "[next_steps"), &mail);
    stage.keep();
    let _agent = tokio::task::block_in_place(|| stage.agent("mail"));
    office.goes_wrong(At::Auth, Fault::Never, 1);
    tokio::task::block_in_place(|| {
        // A plan is stale once the cell that it is about is judged anew.
        said.run(stage, &["status", "--json", "--wait-settled", "60s"]);
        let school = stage.school.to_string();
        for (service, outcome) in [("groupcall", "rejected"), ("redstor", "accepted")] {
            let out = said.act(stage, "desk.raise_ticket", &format!("{school}/{service}"));
            assert!(out.contains(&format!("\"outcome\":\"{outcome}\"")), "{out}");
        }
    });
    office.has(1).await;
    assert_eq!(office.mails().len(), 1, "one was refused, one was taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_16_no_secret_and_no_name_in_any_byte_that_is_written() {
    let mut stage = Stage::new().await;
    let mailbox = MailHost::start(Door::Tls, Certificate::Good).await.unwrap();
    mailbox.set_password(ALERTS);
    configure(&mut stage, &mailbox);
    let mut canaries = plant(&stage);
    let mut said = Said(Vec::new());
    let consent = ["User.Read.All", "AuditLog.Read.All", "ServiceHealth.Read.All"];
    stage.vendors.microsoft().consent(&[&consent[..], &["Organization.Read.All"]].concat());
    let agent = stage.agent("day");
    tokio::task::block_in_place(|| {
        a_day(&stage, &mut said, &mut canaries);
        let tokens = stage.vendors.given_tokens();
        assert!(tokens.len() > 3, "{} tokens", tokens.len());
        tokens.iter().for_each(|token| canaries.add("a token", token));
        look_around(&stage, &mut said);
        processes(&agent, &mut said);
        let school = stage.school.to_string();
        for path in ["board", "actions", "audit?limit=1000", "status", "metrics", "health"] {
            said.ask(&stage, &format!("/v1/{path}"));
        }
        said.ask(&stage, &format!("/v1/schools/{school}"));
        said.ask(&stage, "/v1/schools/estate");
        nobody_lets_us_in(&stage, &mut said);
        stage.vendors.given_tokens().iter().for_each(|token| canaries.add("a token", token));
        // As it is while the agent runs, its journals not yet merged.
        let running = canaries.needles().assert_none_below(&stage.folder(), &OURS);
        assert!(running > 8, "only {running} files");
    });
    end_well(agent);
    for (name, value) in &stage.vendors.invented.credentials {
        if !name.ends_with(".certificate") && !name.ends_with(".jwk") {
            let kept = std::fs::read_to_string(stage.folder().join("credentials").join(name));
            assert_ne!(&kept.unwrap(), value);
            stage.vendors.change_credential(name, value);
        }
    }
    by_mail(&mut stage, &mut said).await;

    let needles = canaries.needles();
    for (what, bytes) in &said.0 {
        needles.assert_none(what, bytes);
    }
    needles.assert_none_below(&stage.folder(), &OURS);
    for drops in stage.vendors.drops.values() {
        needles.assert_none_below(drops, &[]);
    }
    let environ = std::fs::read(stage.folder().join("child-environ")).unwrap();
    let names: Vec<_> = environ.split(|b| *b == 0).filter(|v| !v.is_empty()).collect();
    assert!(
        names.iter().all(|v| ["PATH=", "LANG=", "PWD=", "_=", "SHLVL=", "OLDPWD="]
            .iter()
            .any(|n| v.starts_with(n.as_bytes()))),
        "{names:?}"
    );
    assert!(has_log(&stage.folder()), "no log was looked through");
}

/// Ends it as a service manager does, so that it writes what it still has to.
fn end_well(mut agent: Ends) {
    agent.ends_with_the_board();
    let pid = rustix::process::Pid::from_raw(i32::try_from(agent.0.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let end = Instant::now() + LIMIT;
    while agent.0.try_wait().unwrap().is_none() {
        assert!(Instant::now() < end, "the agent does not end");
        std::thread::yield_now();
    }
}

/// Whether the agent's log is among what was looked through, and says something at its lowest level.
fn has_log(folder: &Path) -> bool {
    let below =
        |dir: &Path| std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect::<Vec<_>>();
    let mut files = below(folder);
    files.extend(below(&folder.join("state")));
    files.iter().filter(|f| f.is_file()).any(|f| {
        let text = String::from_utf8_lossy(&std::fs::read(f).unwrap()).into_owned();
        text.contains("TRACE") || text.contains("DEBUG")
    })
}
