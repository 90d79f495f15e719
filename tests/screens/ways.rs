//! Whoever cannot see the screens can do what they do: each command of the keymap, and each word of the
//! palette, has a word in the console line by line, a command of the command line, or needs none.

use std::collections::BTreeSet;
use std::path::Path;

use caretaker::cli::args::within;
use caretaker::config::{GroupBy, ViewSettings};
use caretaker::tui::keymap::{BINDINGS, WORDS};
use caretaker::tui::plain::{Asked, Listing, Plain};
use caretaker::tui::state::Rows;

use crate::fixture::{NOW, at, morning};

/// How something is done without a screen.
enum Way {
    /// A line in the console line by line.
    Line(&'static str),
    /// A command of the command line, which is a line there too; `.` is the open school.
    Command(&'static str),
    /// None is needed, and why.
    None(&'static str),
}
use Way::{Command, Line, None};

const ENTRIES: &str = "a list is read out entry by entry, from its top";
const LISTED: &str = "all of it is read out at once";
const TYPED: &str = "the terminal's own line is typed into";
const SCREEN: &str = "there is no screen to draw, to leave or to copy from";
const CLEARED: &str = "nothing stays set between two lines";
const NAMED: &str = "what is meant is named in the command: several schools, or --filter";
const PLAYED: &str = "a recording is told as it comes; its speed is told at its start";

#[rustfmt::skip]
const WAYS: &[(&str, Way)] = &[
    ("down", Line("next")),
    ("up", None("an entry is opened again by its number")),
    ("left", Line("why gc")),
    ("right", Line("why gc")),
    ("page_down", Line("more")),
    ("page_up", None(ENTRIES)),
    ("half_down", Line("more")),
    ("half_up", None(ENTRIES)),
    ("top", Line("list")),
    ("bottom", None(ENTRIES)),
    ("open", Line("2")),
    ("back", None(CLEARED)),
    ("clear", None(CLEARED)),
    ("next_trouble", Line("list has:nobody")),
    ("previous_trouble", Line("list has:nobody")),
    ("mark", None(NAMED)),
    ("mark_all", None(NAMED)),
    ("filter", Line("list gc:c")),
    ("school", Line("school maple")),
    ("views", Line("list @backups")),
    ("saved_view", Line("list @backups")),
    ("groups", Line("list by incident")),
    ("next_school", Line("next")),
    ("previous_school", None("an entry is opened again by its number")),
    ("acknowledge", Line("ack")),
    ("claim", Line("claim")),
    ("acknowledge_with", Command("handle acknowledge . --until 17:00 --why 'rang them'")),
    ("acknowledge_as_is", Command("handle acknowledge-as-is . --until 17:00 --why 'they know'")),
    ("claim_with", Command("handle claim . --until 17:00 --why 'on it'")),
    ("downtime", Command("handle downtime . --until 17:00 --why 'server moves'")),
    ("note", Line("note they ring back")),
    ("give_back", Line("back")),
    ("act", Command("plan desk.raise_ticket ./groupcall --reason 'no data'")),
    ("accounts", Command("account find . shar")),
    ("act_on_account", Command("plan welearn365.lock_account ./sam:m.sharp12 --reason 'misused'")),
    ("show_names", Command("account why . m.sharp12 --show --reason 'the parent rang'")),
    ("copy_account", None(SCREEN)),
    ("read_account", Command("account why . m.sharp12")),
    ("open_account", Command("account why . m.sharp12")),
    ("mark_account", None(NAMED)),
    ("mark_accounts", None(NAMED)),
    ("act_on_accounts", Command("plan welearn365.lock_account ./sam:a ./sam:b --reason 'misused'")),
    ("search_again", Command("account find . shar")),
    ("show_found", Command("account find . shar --show --reason 'the parent rang'")),
    ("approvals", Command("actions")),
    ("look", Command("actions")),
    ("open_ending", None(LISTED)),
    ("expiring", Command("expiring")),
    ("incidents", Command("incidents")),
    ("open_of_incident", Command("incident show 14")),
    ("claim_incident", Command("incident claim 14")),
    ("note_incident", Command("incident note 14 'the server moves'")),
    ("give_back_incident", Command("incident give-back 14")),
    ("merge", Command("incident merge 15 14 --why 'one line'")),
    ("split", Command("incident split 14 9991001/groupcall --why 'another cause'")),
    ("resolve", Command("incident resolve 14 --why 'mended'")),
    ("read_incidents", Command("incidents")),
    ("time", Command("status . --at 22:00")),
    ("handover", Command("handover")),
    ("report", Command("report")),
    ("earlier", Command("diff -8h")),
    ("later", Command("diff -8h")),
    ("pause_replay", None(PLAYED)),
    ("faster", None(PLAYED)),
    ("slower", None(PLAYED)),
    ("audit", Command("audit list")),
    ("open_entry", Command("audit show 812")),
    ("statements", Command("statements")),
    ("training", Command("training")),
    ("hint", Command("training --hint")),
    ("debrief", Command("training --debrief")),
    ("take_back", Command("cancel P7K2")),
    ("tell", Command("tell K41 --step 2 --not-there --how 'looked in Entra'")),
    ("continue_action", Command("continue 8c1f --reason 'the directory is back'")),
    ("close_action", Command("close 10482 --reason 'solved'")),
    ("audit_filter", Command("audit list --by asha --about 9991001")),
    ("reveal", Command("audit show 812 --reveal 'complaint 17'")),
    ("read_again", Command("audit list")),
    ("confirm", Command("apply P7K2")),
    ("leave_plan", None("a plan is left by any line that is not its words")),
    ("plan_on", None(LISTED)),
    ("plan_back", None(LISTED)),
    ("plan_down", None(LISTED)),
    ("plan_up", None(LISTED)),
    ("plan_help", Line("help")),
    ("copy", None(SCREEN)),
    ("copy_here", None(SCREEN)),
    ("refresh", Command("refresh . --service gc")),
    ("palette", Line("help")),
    ("help", Line("help")),
    ("quit", Line("quit")),
    ("interrupt", Line("quit")),
    ("redraw", None(SCREEN)),
    ("suspend", None("the shell stops it as any program")),
    ("accept", None(TYPED)),
    ("cancel", None(TYPED)),
    ("complete", None(TYPED)),
    ("next_candidate", None(TYPED)),
    ("previous_candidate", None(TYPED)),
    ("rub_out", None(TYPED)),
    ("rub_out_word", None(TYPED)),
    ("rub_out_line", None(TYPED)),
    ("rub_out_next", None(TYPED)),
    ("type_left", None(TYPED)),
    ("type_right", None(TYPED)),
    ("type_start", None(TYPED)),
    ("type_end", None(TYPED)),
    // Words of the palette.
    ("keep", None("views are kept in the configuration: [[console.views]]")),
    ("view", Line("list @backups")),
    ("group", Line("list by trust")),
    ("at", Command("status --at 22:00")),
    ("diff", Command("diff 22:00 06:00")),
    ("theme", None("nothing has a colour")),
    ("arm", Command("arm 15m --reason 'INC0041233, lock an account'")),
    ("emergency", Command("emergency --reason 'accounts are taken over'")),
    ("q", Line("quit")),
];

/// A desk at which a list was read out and a page is open.
fn opened() -> Plain {
    let rows = Rows::new(morning(60));
    let view = ViewSettings { name: "backups".into(), filter: "rs:c".into(), group: GroupBy::Town };
    let mut plain = Plain::default().with_views(vec![view]);
    plain.list(&rows, &Listing::default(), Option::None, at(NOW)).unwrap();
    plain.entry(2).unwrap();
    plain
}

#[test]
fn every_command_of_the_screens_has_a_way_without_them() {
    let words = WORDS.iter().map(|word| word.name.trim());
    let wanted: BTreeSet<&str> = BINDINGS.iter().map(|b| b.name).chain(words).collect();
    let told: BTreeSet<&str> = WAYS.iter().map(|(name, _)| *name).collect();
    assert_eq!(told, wanted, "a command has no way without a screen, or is gone");
    assert_eq!(told.len(), WAYS.len(), "told twice");
}

#[test]
fn every_way_is_one_that_can_be_typed() {
    let plain = opened();
    for (name, way) in WAYS {
        match way {
            Line(line) => {
                let asked = plain.read(line).unwrap_or_else(|why| panic!("{name}: {line}: {why}"));
                // What is handled is a command in other words.
                let is_command = matches!(&asked, Asked::Run(words) if words[0] != "handle");
                assert!(
                    !is_command && asked != Asked::Nothing,
                    "{name}: {line} is no word: {asked:?}"
                );
            }
            Command(line) => {
                let Ok(Asked::Run(words)) = plain.read(line) else { panic!("{name}: {line}") };
                let read = within(Path::new("agent.sock"), Option::None, &words);
                assert!(read.is_ok(), "{name}: {line}: {}", read.err().unwrap_or_default());
            }
            None(why) => assert!(why.contains(' '), "{name}: no reason"),
        }
    }
}
