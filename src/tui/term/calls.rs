//! How an operator who looks elsewhere is called, and the title of the terminal's window.
//!
//! No terminal answers whether it did anything. One that does not know a sequence ignores it, but for the
//! Linux console, which gets none.

use super::Between;
use crate::config::CallBy;

/// What calls the operator by `by` with a line of text.
///
/// `bell`: BEL (ECMA-48, 8.3.3), which tmux and screen take note of themselves. `osc9` is iTerm2's
/// notification, known to kitty, `WezTerm`, Windows Terminal and others; `osc777` is urxvt's, known to foot,
/// Ghostty, `WezTerm` and others.
#[must_use]
pub fn call(by: CallBy, text: &str, between: Between) -> String {
    let text = plain(text);
    match by {
        CallBy::Bell => "\u{7}".to_owned(),
        CallBy::Osc9 => between.through(&format!("\u{1b}]9;caretaker: {text}\u{7}")),
        CallBy::Osc777 => {
            between.through(&format!("\u{1b}]777;notify;caretaker;{}\u{7}", text.replace(';', ",")))
        }
    }
}

/// Sets the title of the window (OSC 2 of xterm; of the pane in tmux and screen).
#[must_use]
pub fn title(text: &str) -> String {
    format!("\u{1b}]2;{}\u{7}", plain(text))
}

/// Whether the terminal has a title that can be set without harm.
#[must_use]
pub fn has_title(get: impl Fn(&str) -> Option<String>) -> bool {
    let term = get("TERM").unwrap_or_default();
    !matches!(term.as_str(), "" | "dumb" | "linux" | "vt52" | "vt100" | "vt102" | "vt220")
}

/// Without what would end the sequence early.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_leave_its_sequence() {
        let odd = "Elm; Park\u{7}\u{1b}[2J\u{9c}x";
        assert_eq!(call(CallBy::Bell, odd, Between::Tmux), "\u{7}");
        assert_eq!(
            call(CallBy::Osc9, odd, Between::Nothing),
            "\u{1b}]9;caretaker: Elm; Park[2Jx\u{7}"
        );
        assert_eq!(
            call(CallBy::Osc777, odd, Between::Nothing),
            "\u{1b}]777;notify;caretaker;Elm, Park[2Jx\u{7}"
        );
        assert_eq!(
            call(CallBy::Osc9, "a", Between::Tmux),
            "\u{1b}Ptmux;\u{1b}\u{1b}]9;caretaker: a\u{7}\u{1b}\\"
        );
        assert_eq!(title(odd), "\u{1b}]2;Elm; Park[2Jx\u{7}");
    }

    #[test]
    fn a_console_without_a_window_gets_no_title() {
        let has = |term: &str| has_title(|_| Some(term.to_owned()));
        assert!(has("xterm-256color") && has("tmux-256color") && has("foot"));
        assert!(!has("linux") && !has("dumb") && !has_title(|_| None));
    }
}
