//! Tickets as files, from the command line on.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use crate::desk::Desk;

fn desk() -> Desk {
    let mut desk = Desk::new("[tickets.folder]\npath = 'tickets'\n");
    std::fs::create_dir(desk.path("tickets")).unwrap();
    desk.open();
    desk
}

/// The files that lie there.
fn files(desk: &Desk) -> Vec<PathBuf> {
    let all = std::fs::read_dir(desk.path("tickets")).unwrap().map(|e| e.unwrap().path());
    all.filter(|path| path.is_file()).collect()
}

#[test]
fn a_ticket_for_a_cell_is_what_the_plan_showed() {
    let desk = desk();
    let (plan, applied) =
        desk.act("desk.raise_ticket", &["9991001/groupcall"], &["text=rang the office"]);
    assert_eq!(applied.code, 0, "seen in the folder: {applied:?}");
    let row = applied.json()["actions"][0].clone();
    assert_eq!((row["outcome"].as_str(), row["closed"].as_bool()), (Some("done"), Some(true)));
    let [file] = &files(&desk)[..] else { panic!("{:?}", files(&desk)) };
    assert_eq!(file.metadata().unwrap().mode() & 0o7777, 0o640);
    let text = std::fs::read_to_string(file).unwrap();
    let (head, body) = text.split_once("\n\n").unwrap();
    let reference = row["reference"].as_str().unwrap();
    assert!(head.contains(&format!("Reference: {reference}")), "{head}");
    assert!(head.contains(&format!("Key: {}", row["key"].as_str().unwrap())), "{head}");
    let sends: Vec<&str> =
        plan["items"][0]["sends"].as_array().unwrap().iter().map(|l| l.as_str().unwrap()).collect();
    assert_eq!(head.lines().next(), Some(format!("Subject: {}", sends[0]).as_str()));
    assert_eq!(body.lines().collect::<Vec<_>>(), sends[1..]);
    assert!(body.contains("Fernhollow Primary (999 1001)") && body.contains("rang the office"));
    assert!(body.contains("not watched: no source is configured"), "the cell's sentence: {body}");
    assert!(!text.contains("since Saturday"), "the operator's reason is the audit's");
}

#[test]
fn many_schools_get_one_ticket_or_one_each_and_each_counts() {
    let desk = desk();
    let both = ["9991001/groupcall", "9991002/groupcall"];
    let (plan, applied) = desk.act("desk.raise_ticket", &both, &[]);
    assert_eq!(applied.code, 0, "{applied:?}");
    assert_eq!(plan["items"].as_array().unwrap().len(), 1);
    assert_eq!(plan["items"][0]["also"][0], "9991002/groupcall");
    let [file] = &files(&desk)[..] else { panic!("one for both") };
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains("Fernhollow Primary") && text.contains("Oakmere"), "{text}");
    let (plan, applied) = desk.act("desk.raise_ticket", &both, &["each=yes"]);
    assert_eq!((applied.code, plan["items"].as_array().unwrap().len()), (0, 2), "{applied:?}");
    assert_eq!(files(&desk).len(), 3);
    // The policy allows two targets in a plan, and one ticket for three would be three.
    let three = ["9991001/groupcall", "9991002/groupcall", "9991001/redstor"];
    let mut args = vec!["plan", "desk.raise_ticket"];
    args.extend(three);
    args.extend(["--reason", "r"]);
    let denied = desk.run(&args);
    assert_eq!(denied.code, 14, "{denied:?}");
    assert!(denied.err.contains("3 targets in one plan"), "{denied:?}");
    assert_eq!(files(&desk).len(), 3);
}

#[test]
fn what_cannot_be_a_ticket_is_left_out_or_refused() {
    let desk = desk();
    let plan = |args: &[&str]| {
        desk.run(&[&["plan", "desk.raise_ticket", "--reason", "r", "--json"], args].concat())
    };
    let well = plan(&["9991001/groupcall", "9991001/nothing", "9998888/groupcall"]);
    let plan_of = well.json()["plan"].clone();
    assert_eq!(plan_of["items"].as_array().unwrap().len(), 1);
    let left: Vec<&str> = plan_of["left_out"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["why"].as_str().unwrap())
        .collect();
    assert_eq!(left, ["there is no service nothing", "there is no school 9998888"]);
    let nothing = plan(&["9991001"]);
    assert!(nothing.err.contains("nothing is in trouble"), "{nothing:?}");
    let odd = plan(&["9991001/groupcall", "--set", "each=perhaps"]);
    assert!(odd.err.contains("yes or no"), "{odd:?}");
    assert_eq!(files(&desk).len(), 0, "a plan sends nothing");
}

#[test]
fn without_tickets_in_the_configuration_there_is_no_such_action() {
    let mut desk = Desk::new("");
    desk.open();
    let said = desk.run(&["plan", "desk.raise_ticket", "9991001/groupcall", "--reason", "r"]);
    assert_eq!(said.code, 64, "{said:?}");
    assert!(said.err.contains("not possible here"), "{said:?}");
}

#[test]
fn what_is_wrong_with_the_section_is_told_with_its_line() {
    let wrong = |section: &str| desk_says(section);
    assert!(wrong("[tickets]\n").contains("say once where tickets go"));
    assert!(wrong("[tickets.folder]\npaht = 'x'\n").contains("did you mean `path`?"));
    let twice = "[tickets]\nfolder = { path = 'x' }\nmail = { from = 'a@b', to = ['c@d'], server = { host = 'h' } }\n";
    assert!(wrong(twice).contains("say once where tickets go"));
    let bad = twice.replace("folder = { path = 'x' }\n", "");
    assert!(wrong(&bad.replace("c@d", "c@d\\nBcc: e@f")).contains("is not a mail address"));
    assert!(wrong(&bad.replace("'h'", "'h', user = 'u'")).contains("a user and a credential"));
    let odd = wrong("[tickets]\nbody = \"{lines}\\n{pupil}\"\nfolder = { path = 'x' }\n");
    assert!(odd.contains("config.toml:10:") && odd.contains("there is no {pupil}"), "{odd}");
}

fn desk_says(section: &str) -> String {
    let said = Desk::new(section).run(&["config", "check"]);
    assert_eq!(said.code, 78, "{said:?}");
    said.err
}
