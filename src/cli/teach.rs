//! What the command line says of itself: help with examples, shell completions, man pages and
//! `docs/commands.md`, all from the same definitions.
//!
//! An example stands here beside its command's path; a test parses every one of them.

use std::io;

use clap::{Command, CommandFactory};
use clap_complete::Shell;

use crate::cli::args::Cli;

/// A line that can be typed, and what it is for.
pub type Example = (&'static str, &'static str);

/// Examples by the words after `caretaker`; the first row is `caretaker` alone.
pub const EXAMPLES: &[(&str, &[Example])] = &[
    (
        "",
        &[
            ("caretaker", "the console, attached to the desk's agent or with its own"),
            ("caretaker demo", "the same with an invented estate; nothing in it is real"),
        ],
    ),
    ("agent", &[("caretaker --config /etc/caretaker/config.toml agent", "as a service runs it")]),
    (
        "status",
        &[
            ("caretaker status fernhollow", "one school, by a part of its name"),
            (
                "caretaker status --service redstor; echo $?",
                "the worst of one service, for a script",
            ),
            ("caretaker status --csv > board.csv", "the whole board as a table"),
            (
                "caretaker status --filter 'has:nobody gc:c' --csv",
                "what the board shows under this filter",
            ),
            ("caretaker status --at 22:00", "the whole board as it was last night"),
        ],
    ),
    ("watch", &[("caretaker watch --service smoothwall", "each change of one service, as a line")]),
    (
        "handle",
        &[
            (
                "caretaker handle acknowledge fernhollow --service groupcall --why \"rang them\"",
                "known until the end of the shift",
            ),
            (
                "caretaker handle downtime --filter kind:secondary --until 22:00..02:00 --why CHG0012",
                "planned work at every secondary school",
            ),
        ],
    ),
    ("expiring", &[("caretaker expiring", "what is nobody's again, and from when")]),
    (
        "refresh",
        &[("caretaker refresh fernhollow --service groupcall", "one service at one school")],
    ),
    (
        "strike",
        &[
            ("caretaker strike fernhollow", "what was written about a school, with its numbers"),
            (
                "caretaker strike fernhollow 1764314000123456",
                "a note that names somebody: its text goes",
            ),
        ],
    ),
    (
        "incidents",
        &[("caretaker incidents --ended 12h", "what is broken, and what ended in the last shift")],
    ),
    ("incident", &[("caretaker incident show 14", "its root, its cells, and what happened when")]),
    ("incident show", &[("caretaker incident show 14 --json", "for a program")]),
    (
        "incident export",
        &[
            ("caretaker incident export 14 > review.md", "the report for the review afterwards"),
            (
                "caretaker incident export 14 --recording incident-14.jsonl",
                "what `caretaker replay` plays, with names masked",
            ),
        ],
    ),
    (
        "record",
        &[(
            "caretaker record --from 22:00 --until 06:00 night.jsonl",
            "the board of a night, with names masked",
        )],
    ),
    (
        "replay",
        &[
            ("caretaker replay incident-14.jsonl", "a minute of it in a second, on the screens"),
            ("caretaker replay night.jsonl --speed 600 --plain", "fast, and line by line"),
        ],
    ),
    (
        "incident claim",
        &[("caretaker incident claim 14 --until 17:00 --why \"on the phone\"", "you work on it")],
    ),
    ("incident give-back", &[("caretaker incident give-back 14", "nobody has it any more")]),
    (
        "incident note",
        &[("caretaker incident note 14 \"the trust moves its server\"", "for whoever comes next")],
    ),
    (
        "incident merge",
        &[("caretaker incident merge 15 14 --why \"one line was cut\"", "15 becomes part of 14")],
    ),
    (
        "incident split",
        &[(
            "caretaker incident split 14 9991001/groupcall --why \"another cause\"",
            "a cell that does not belong to it",
        )],
    ),
    (
        "incident resolve",
        &[("caretaker incident resolve 14 --why \"the vendor mended it\"", "it is over")],
    ),
    (
        "incident strike",
        &[
            ("caretaker incident strike 14", "what was written about it, with its numbers"),
            (
                "caretaker incident strike 14 1764314000123456",
                "a text that names somebody: it goes",
            ),
        ],
    ),
    (
        "diff",
        &[
            ("caretaker diff 22:00 06:00", "what the night changed"),
            ("caretaker diff -8h", "since eight hours ago"),
        ],
    ),
    (
        "handover",
        &[
            ("caretaker handover", "since the end of your last shift"),
            ("caretaker handover --since 06:00 --markdown", "for a mail"),
        ],
    ),
    (
        "report",
        &[
            ("caretaker report", "the last 30 days, for a terminal"),
            (
                "caretaker report --from 2026-11-01T00:00 --until 2026-12-01T00:00 --format html --out \
                 november.html",
                "a month as one page with charts, for whoever has no terminal",
            ),
            ("caretaker report --school fernhollow --format csv", "one school, for a spreadsheet"),
            ("caretaker report --filter 'kind:secondary' --format csv", "the schools that match"),
        ],
    ),
    ("runs", &[("caretaker runs 9991001", "the days from which a restore can be asked")]),
    (
        "statements",
        &[
            ("caretaker statements --service redstor", "what Redstor states, and what is not held"),
            ("caretaker statements --markdown > statements.md", "all of it, for a document"),
        ],
    ),
    ("config", &[("caretaker config check", "everything that is wrong with the configuration")]),
    (
        "config check",
        &[(
            "caretaker --config /etc/caretaker/config.toml config check",
            "before the agent takes a change in",
        )],
    ),
    ("config schema", &[("caretaker config schema > schema.json", "for an editor that completes")]),
    ("connector", &[("caretaker connector list", "what is asked, and by which connector")]),
    (
        "connector try",
        &[("caretaker connector try groupcall --school 9991001", "one question, asked for real")],
    ),
    ("connector list", &[("caretaker connector list", "what is asked, and by which connector")]),
    ("account", &[("caretaker account why 9991001 m.sharp12", "why a person cannot sign in")]),
    (
        "account find",
        &[("caretaker account find 9991001 shar", "accounts whose login or name holds `shar`")],
    ),
    (
        "account why",
        &[
            ("caretaker account why 9991001 sam:m.sharp12", "in one sentence, then in full"),
            (
                "caretaker account why 9991001 m.sharp12 --show --reason \"the parent rang\"",
                "with the whole names; recorded first",
            ),
        ],
    ),
    ("actions", &[("caretaker actions --json", "what can be done, with the keys of what is open")]),
    (
        "plan",
        &[
            (
                "caretaker plan welearn365.lock_account 9991001/sam:m.sharp12 --reason \"mail in the \
                 pupil's name\"",
                "says what would be done; sends nothing",
            ),
            (
                "caretaker plan desk.raise_ticket 9991001/groupcall --reason \"no data since Saturday\"",
                "a ticket about one cell",
            ),
        ],
    ),
    ("apply", &[("caretaker apply P7K2", "asks for the plan's words, then does it")]),
    (
        "approve",
        &[("caretaker approve P7K2", "shows somebody else's plan, and asks for its words")],
    ),
    ("cancel", &[("caretaker cancel P7K2", "takes a plan back that has not begun")]),
    (
        "tell",
        &[(
            "caretaker tell K41 --step 2 --not-there --how \"looked in Entra\"",
            "after an outcome that is unknown",
        )],
    ),
    (
        "continue",
        &[(
            "caretaker continue 8c1f0a3be2d94c6f8a7711d05a4be390 --reason \"the directory is back\"",
            "what is missing of a lock that was partly done",
        )],
    ),
    (
        "close",
        &[("caretaker close 10482 --reason \"the desk solved it\"", "a ticket, by its number")],
    ),
    (
        "arm",
        &[
            (
                "caretaker arm 15m --reason \"INC0041233, lock an account\"",
                "opens your own actions",
            ),
            ("caretaker arm --off", "closes them again"),
        ],
    ),
    (
        "emergency",
        &[(
            "caretaker emergency --reason \"accounts are taken over at a trust\"",
            "everybody is told, and the policy's brakes are lifted for a while",
        )],
    ),
    ("audit", &[("caretaker audit list --since 2d", "who did what in the last two days")]),
    (
        "audit list",
        &[("caretaker audit list --by asha --about 9991001", "one person at one school")],
    ),
    (
        "audit show",
        &[
            ("caretaker audit show 812", "one entry, without personal details"),
            (
                "caretaker audit show 812 --reveal \"complaint 17\"",
                "with them, for a lead or an auditor; recorded first",
            ),
        ],
    ),
    (
        "audit erase",
        &[(
            "caretaker audit erase 812 account --reason \"request of the data subject\"",
            "one detail; the chain stays whole",
        )],
    ),
    (
        "audit reconcile",
        &[("caretaker audit reconcile --since 2d", "daily, from a timer, as an auditor")],
    ),
    ("audit export", &[("caretaker audit export > audit.jsonl", "every entry, a line each")]),
    (
        "audit verify",
        &[(
            "caretaker audit verify audit.jsonl --key ledger.pub.pem",
            "on any host, without an agent",
        )],
    ),
    ("policy", &[("caretaker policy test", "before the agent takes a new policy in")]),
    ("policy test", &[("caretaker policy test policy.toml", "the policy by its own examples")]),
    (
        "policy explain",
        &[(
            "caretaker policy explain welearn365.lock_account --kind pupil --targets 3",
            "what it would say, and by which rule",
        )],
    ),
    (
        "doctor",
        &[
            (
                "sudo -u caretaker caretaker --config /etc/caretaker/config.toml doctor",
                "as the agent's account, which reads the credentials",
            ),
            ("caretaker doctor --offline --json", "nothing leaves the host"),
        ],
    ),
    ("secret", &[("caretaker secret list", "where each credential is found; never a value")]),
    (
        "secret set",
        &[
            ("caretaker secret set welearn365", "typed or pasted without echo"),
            ("caretaker secret set redstor < redstor.jwk", "from a file"),
        ],
    ),
    ("secret list", &[("caretaker secret list", "where each credential is found; never a value")]),
    ("secret delete", &[("caretaker secret delete welearn365", "from the keyring")]),
    ("setup", &[("caretaker setup", "a first configuration, asked for step by step")]),
    (
        "demo",
        &[
            ("caretaker demo", "an ordinary morning at 250 invented schools"),
            ("caretaker demo --scenario storm --schools 60", "an outage on a school day"),
            ("caretaker demo --scenario list", "every scenario and training, a line each"),
            ("caretaker demo --scenario filter-open", "a training: brief, hints, debrief"),
        ],
    ),
    (
        "training",
        &[
            ("caretaker --agent SOCKET training", "the brief, in a second terminal"),
            ("caretaker --agent SOCKET training --hint", "one more hint"),
            ("caretaker --agent SOCKET training --debrief", "what was done so far, and when"),
        ],
    ),
    (
        "simulate",
        &[("caretaker simulate --schools 20 --for 10m", "the vendors, for a program of your own")],
    ),
    ("bench", &[("caretaker bench world --schools 250", "the rules of the board")]),
    (
        "bench sweep",
        &[(
            "caretaker bench sweep --base https://127.0.0.1:8443 --schools 250 --services 7 \
             --delay 50 --conc 64",
            "against a fixture server that waits 50 ms",
        )],
    ),
    ("bench board", &[("caretaker bench board --schools 250", "a board to attach to")]),
    ("bench world", &[("caretaker bench world --schools 250 --runs 3", "changes per second")]),
    ("bench store", &[("caretaker bench store --schools 250", "restoring and saving")]),
    ("bench ledger", &[("caretaker bench ledger --intents 100", "an intent on disk")]),
    (
        "completions",
        &[(
            "caretaker completions bash > ~/.local/share/bash-completion/completions/caretaker",
            "for your own account, from the next session on",
        )],
    ),
    (
        "man",
        &[
            ("caretaker man | man -l -", "this program's page, without installing it"),
            ("caretaker man /usr/local/share/man/man1", "a page for each command"),
        ],
    ),
];

/// The command line's definition, with the examples in the long help.
#[must_use]
pub fn command() -> Command {
    EXAMPLES.iter().fold(Cli::command(), |root, (path, examples)| {
        let words: Vec<&str> = path.split_whitespace().collect();
        with_help(root, &words, &in_words(examples))
    })
}

/// Puts `help` behind the long help of the command at `path`; a path that does not exist changes
/// nothing.
fn with_help(command: Command, path: &[&str], help: &str) -> Command {
    let Some((first, rest)) = path.split_first() else {
        return command.after_long_help(help.to_owned());
    };
    if command.find_subcommand(first).is_none() {
        return command;
    }
    let first: &str = first;
    command.mut_subcommand(first, |sub| with_help(sub, rest, help))
}

fn in_words(examples: &[Example]) -> String {
    let lines = examples.iter().map(|(line, what)| format!("  {line}\n      {what}"));
    format!("Examples:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// A completion script for `shell`, UTF-8.
#[must_use]
pub fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "caretaker", &mut script);
    script
}

/// The page of `caretaker` itself, in roff.
///
/// # Errors
/// Never on a growing buffer; the renderer writes through `io::Write`.
pub fn man_page() -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(built()).render(&mut page)?;
    Ok(page)
}

/// A page for each command that is shown in help: its file name, such as `caretaker-audit-list.1`,
/// and its roff.
///
/// # Errors
/// As [`man_page`].
pub fn man_pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut pages = Vec::new();
    add_pages(&built(), &mut pages)?;
    Ok(pages)
}

/// With every name worked out, and without the `help` that clap adds to each level.
fn built() -> Command {
    let mut command = command().disable_help_subcommand(true);
    command.build();
    command
}

fn add_pages(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    let man = clap_mangen::Man::new(command.clone());
    let mut page = Vec::new();
    man.render(&mut page)?;
    pages.push((man.get_filename(), page));
    command
        .get_subcommands()
        .filter(|sub| !sub.is_hide_set())
        .try_for_each(|sub| add_pages(sub, pages))
}

/// Every command that is shown in help, by the words after `caretaker`, with its own definition.
#[must_use]
pub fn commands() -> Vec<(String, Command)> {
    let mut all = Vec::new();
    add_commands("", &built(), &mut all);
    all
}

fn add_commands(path: &str, command: &Command, all: &mut Vec<(String, Command)>) {
    all.push((path.to_owned(), command.clone()));
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        add_commands(format!("{path} {}", sub.get_name()).trim_start(), sub, all);
    }
}

/// `docs/commands.md` as it must stand there.
#[must_use]
pub fn commands_page() -> String {
    let mut out = String::from(
        "# Commands\n\nMade from the command line's definitions (`src/cli/args.rs`, \
         `src/cli/teach.rs`); do not edit. A test compares\nthem; `UPDATE_DOCS=1 cargo test --test \
         command_line` writes this page again. `caretaker COMMAND --help` says more.\n",
    );
    for (path, command) in commands() {
        let name = format!("caretaker {path}");
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        out.push_str(&format!("\n## `{}`\n\n{about}\n\n", name.trim_end()));
        let examples = EXAMPLES.iter().find(|(p, _)| *p == path).map_or(&[][..], |(_, e)| e);
        for (line, what) in examples {
            out.push_str(&format!("- `{line}`: {what}\n"));
        }
    }
    out
}
