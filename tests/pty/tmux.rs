//! In tmux, with nothing of the user's own configuration.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;

use super::{PROGRAM, board, home, slow};
use crate::session::Session;

/// Whether tmux is here; fails where it has to be.
fn is_there() -> bool {
    let required = std::env::var("CARETAKER_REQUIRE").unwrap_or_default();
    let there = Command::new("tmux").arg("-V").output().is_ok();
    assert!(
        there || !required.split(',').any(|r| r == "tmux"),
        "tmux is required and not installed"
    );
    if !there {
        eprintln!("skipped: tmux is not installed");
    }
    there
}

/// The demo in a tmux of its own, with these settings.
fn demo_in_tmux(home: &Path, settings: &str) -> Session {
    let file = home.join("tmux.conf");
    std::fs::write(&file, settings).unwrap();
    let (file, socket) = (file.display().to_string(), socket_of(home));
    let args = ["-f", &file, "-S", &socket, "new-session", PROGRAM, "demo", "--schools", "40"];
    let session = Session::start("tmux", &args, (100, 30), home, &[]);
    board(&session);
    session
}

fn socket_of(home: &Path) -> String {
    home.join("tmux.sock").display().to_string()
}

#[test]
fn the_board_is_readable() {
    if !is_there() {
        return;
    }
    let home = home();
    let mut session = demo_in_tmux(home.path(), "");
    let slow = slow(home.path());
    session.press("?");
    session.wait("help", |s| s.contains("keys in the board"));
    session.press("\x1b");
    session.wait("the board after help", |s| s.contains("whole estate"));
    slow.ends_with_the_board();
    session.press("q");
    assert_eq!(session.end(), 0);
}

/// The last text that the terminal behind tmux was given for its clipboard.
fn clipboard(raw: &[u8]) -> Option<String> {
    let raw = String::from_utf8_lossy(raw);
    let (_, last) = raw.rsplit_once("\x1b]52;")?;
    let (coded, _) = last.split_once(';')?.1.split_once(['\x07', '\x1b'])?;
    let text = base64::engine::general_purpose::STANDARD.decode(coded).ok()?;
    String::from_utf8(text).ok()
}

/// The sentence comes to the clipboard by tmux itself, and through tmux where it hands on what is wrapped;
/// by its default, which does neither, nothing comes and nothing is broken.
#[test]
fn a_copied_sentence_comes_through() {
    if !is_there() {
        return;
    }
    for (settings, arrives, kept) in [
        ("set -g set-clipboard on\n", true, true),
        ("set -g set-clipboard off\nset -g allow-passthrough on\n", true, false),
        ("set -g set-clipboard off\n", false, false),
    ] {
        let home = home();
        let mut session = demo_in_tmux(home.path(), settings);
        session.press("\r");
        let page = session.wait("a page", |s| s.contains("SAY"));
        session.press("y");
        session.wait("that it was sent", |s| s.contains("sent to the terminal"));
        if arrives {
            session.wait_raw("the sentence", |raw| clipboard(raw).is_some());
        }
        let copied = clipboard(&session.raw());
        assert_eq!(copied.is_some(), arrives, "{settings}");
        let begins = |text: &str| text.split(' ').take(3).collect::<Vec<_>>().join(" ");
        if let Some(text) = &copied {
            assert!(page.contains(&begins(text)), "{settings}: {text}\n{page}");
        }
        let buffer = Command::new("tmux")
            .args(["-S", &socket_of(home.path()), "show-buffer"])
            .output()
            .unwrap();
        let buffer = String::from_utf8_lossy(&buffer.stdout).into_owned();
        assert_eq!(Some(buffer).filter(|_| kept), copied.filter(|_| kept), "{settings}");
        session.press("\x1b");
        session.wait("the board", |s| s.contains("whole estate") && !s.contains("SAY"));
        session.press("q");
        assert_eq!(session.end(), 0);
    }
}
