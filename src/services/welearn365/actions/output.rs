//! What a runbook wrote, as it may be shown and kept: line by line, without escape sequences and
//! control characters, without what looks like a secret or may name a person, and only its end.

use crate::model::secret::without_secrets;
use crate::model::text::Clean;

/// Lines that are kept, and characters of all of them together.
const LINES: usize = 8;
const CHARS: usize = 300;

/// The end of what it wrote.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Output {
    lines: Vec<String>,
}

impl Output {
    /// Of bytes as they came; the first line may lack its beginning.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let text = without_escapes(&String::from_utf8_lossy(bytes));
        let lines = text.split(['\n', '\r']);
        let lines = lines.map(|line| without_secrets(Clean::new(line).as_str()));
        let all: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
        let mut kept: Vec<String> = Vec::new();
        let mut room = CHARS;
        for line in all.into_iter().rev().take(LINES) {
            let cut: String = line.chars().take(room).collect();
            room -= cut.chars().count();
            if cut.is_empty() {
                break;
            }
            kept.insert(0, cut);
        }
        Self { lines: kept }
    }

    /// All that is kept, in one line.
    pub(super) fn told(&self) -> String {
        match self.lines.as_slice() {
            [] => "it wrote nothing".to_owned(),
            lines => format!("it wrote: {}", lines.join(" | ")),
        }
    }

    /// The last line.
    pub(super) fn last(&self) -> &str {
        self.lines.last().map_or("it wrote nothing", String::as_str)
    }
}

/// Without escape sequences (ECMA-48): what they hold is no text. One that is not ended takes the rest
/// of its line.
fn without_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let kind = match c {
            '\u{1b}' => chars.next_if(|c| *c != '\n'),
            '\u{9b}' => Some('['),
            '\u{9d}' => Some(']'),
            '\u{90}' | '\u{98}' | '\u{9e}' | '\u{9f}' => Some('P'),
            other => {
                out.push(other);
                continue;
            }
        };
        match kind {
            // Parameters, then one final character.
            Some('[') => {
                while chars.next_if(|c| (' '..='?').contains(c)).is_some() {}
                chars.next_if(|c| ('@'..='~').contains(c));
            }
            // A string up to its terminator.
            Some(']' | 'P' | 'X' | '^' | '_') => {
                while let Some(c) = chars.next_if(|c| *c != '\n') {
                    let ends = match c {
                        '\u{7}' | '\u{9c}' => true,
                        '\u{1b}' => chars.next_if_eq(&'\\').is_some(),
                        _ => false,
                    };
                    if ends {
                        break;
                    }
                }
            }
            // A sequence of an intermediate and a final character, such as a character set.
            Some(' '..='/') => drop(chars.next_if(|c| ('0'..='~').contains(c))),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threat_01_a_runbooks_output_holds_no_escapes() {
        for (bytes, told) in [
            (&b"Result\r\n\r\n  Success \n"[..], "it wrote: Result | Success"),
            (
                b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07x\x1b]52;c;Y2FuYXJ5\x1b\\y",
                "it wrote: red xy",
            ),
            ("\u{9b}31mC1\u{9d}8;;http://x\u{9c}link".as_bytes(), "it wrote: C1link"),
            (b"\x1b(Bplain \x1bPdevice\x1b\\\x1b]never ended\nnext", "it wrote: plain | next"),
            (b"a\x00b\x08c \xff\xfe", "it wrote: a b c \u{fffd}\u{fffd}"),
            ("x\u{202e}y\u{200b}z".as_bytes(), "it wrote: xyz"),
            (b"\x1b", "it wrote nothing"),
            (b"", "it wrote nothing"),
        ] {
            assert_eq!(Output::of(bytes).told(), told);
        }
    }

    #[test]
    fn secrets_and_names_are_left_out_and_only_the_end_is_kept() {
        let text = "exported amber.pupil@wolds.example\nBearer q83vEjRWeJCrze8SNFZ4kKvN7xI0\nbusy";
        let output = Output::of(text.as_bytes());
        assert_eq!(output.told(), "it wrote: exported [left out] | Bearer [left out] | busy");
        assert_eq!(output.last(), "busy");
        let many = "line of many\n".repeat(5_000) + &"é".repeat(5_000);
        let told = Output::of(many.as_bytes()).told();
        assert_eq!(told.chars().count(), "it wrote: ".chars().count() + CHARS);
        let lines = (0..50).map(|n| format!("{n}\n")).collect::<String>();
        assert_eq!(
            Output::of(lines.as_bytes()).told(),
            "it wrote: 42 | 43 | 44 | 45 | 46 | 47 | 48 | 49"
        );
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(64))]
        #[test]
        fn threat_01_whatever_it_writes_is_plain_and_short(
            bytes in proptest::collection::vec(
                proptest::prop_oneof![
                    proptest::num::u8::ANY,
                    proptest::sample::select(&b"\x1b[]P\\\n\x07;m"[..])
                ],
                0..400,
            ),
        ) {
            let told = Output::of(&bytes).told();
            proptest::prop_assert!(!told.chars().any(char::is_control), "{told:?}");
            proptest::prop_assert!(told.chars().count() < 400);
        }
    }
}
