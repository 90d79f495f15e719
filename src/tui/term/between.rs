//! What stands between the console and the terminal, and how an escape sequence comes through it: a text
//! to the clipboard (OSC 52) above all.
//!
//! Whether it arrives cannot be known: terminal and multiplexer may both refuse it without a word.

use base64::Engine as _;

/// Bytes that GNU screen lets through in one piece.
const PIECE: usize = 256;

/// What stands between the console and the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Between {
    /// Nothing that we know of.
    #[default]
    Nothing,
    /// tmux: takes the sequence itself where `set-clipboard` is on, and hands a wrapped one through where
    /// `allow-passthrough` is on. Neither can be asked, so it gets both.
    Tmux,
    /// GNU screen: hands through what is wrapped, in pieces.
    Screen,
}

impl Between {
    /// Judged by the environment. Behind SSH only `TERM` is left, and `screen` is what tmux says by
    /// default as well; what is wrapped for screen does no harm in tmux.
    #[must_use]
    pub fn of(get: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name| get(name).is_some_and(|value| !value.is_empty());
        let term = get("TERM").unwrap_or_default();
        if set("TMUX") || term.starts_with("tmux") {
            Self::Tmux
        } else if set("STY") || term.starts_with("screen") {
            Self::Screen
        } else {
            Self::Nothing
        }
    }

    /// What is written to the terminal so that `text` may come to its clipboard.
    #[must_use]
    pub fn copy(self, text: &str) -> String {
        let coded = base64::engine::general_purpose::STANDARD.encode(text);
        let plain = format!("\u{1b}]52;c;{coded}\u{7}");
        match self {
            Self::Nothing => plain,
            Self::Tmux | Self::Screen => plain.clone() + &self.through(&plain),
        }
    }

    /// An escape sequence, wrapped so that what stands between hands it through.
    #[must_use]
    pub fn through(self, sequence: &str) -> String {
        match self {
            Self::Nothing => sequence.to_owned(),
            Self::Tmux => {
                // Every escape inside is doubled.
                format!("\u{1b}Ptmux;{}\u{1b}\\", sequence.replace('\u{1b}', "\u{1b}\u{1b}"))
            }
            Self::Screen => {
                let mut pieces = vec![String::new()];
                for c in sequence.chars() {
                    if pieces.last().is_none_or(|p| p.len() + c.len_utf8() > PIECE) {
                        pieces.push(String::new());
                    }
                    pieces.last_mut().into_iter().for_each(|p| p.push(c));
                }
                format!("\u{1b}P{}\u{1b}\\", pieces.join("\u{1b}\\\u{1b}P"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_gets_what_it_hands_through() {
        let bare = "\u{1b}]52;c;U0FZ\u{7}";
        assert_eq!(Between::Nothing.copy("SAY"), bare);
        assert_eq!(
            Between::Tmux.copy("SAY"),
            format!("{bare}\u{1b}Ptmux;\u{1b}\u{1b}]52;c;U0FZ\u{7}\u{1b}\\")
        );
        assert_eq!(Between::Screen.copy("SAY"), format!("{bare}\u{1b}P{bare}\u{1b}\\"));
        let long = "s".repeat(400);
        let wrapped = Between::Screen.copy(&long);
        let (_, wrapped) = wrapped.split_once("\u{7}").unwrap();
        let pieces: Vec<&str> = wrapped.split("\u{1b}P").skip(1).collect();
        assert!(
            pieces.len() > 2
                && pieces.iter().all(|p| p.len() < PIECE + 16 && p.ends_with("\u{1b}\\"))
        );
        let joined: String = pieces.iter().map(|p| p.trim_end_matches("\u{1b}\\")).collect();
        let coded = joined.trim_start_matches("\u{1b}]52;c;").trim_end_matches('\u{7}');
        let back = base64::engine::general_purpose::STANDARD.decode(coded).unwrap();
        assert_eq!(back, long.as_bytes());
    }

    #[test]
    fn the_environment_tells_what_is_between() {
        let of = |pairs: &[(&str, &str)]| {
            Between::of(|name| {
                pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(of(&[("TERM", "xterm-256color")]), Between::Nothing);
        assert_eq!(of(&[("TERM", "screen-256color"), ("TMUX", "/tmp/x,1,0")]), Between::Tmux);
        assert_eq!(of(&[("TERM", "tmux-256color")]), Between::Tmux, "behind SSH");
        assert_eq!(of(&[("TERM", "xterm"), ("STY", "1.pts-0.host")]), Between::Screen);
        assert_eq!(of(&[("TERM", "screen")]), Between::Screen);
        assert_eq!(of(&[("TMUX", "")]), Between::Nothing);
    }
}
