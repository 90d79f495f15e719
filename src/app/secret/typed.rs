//! What is typed or pasted at the prompt of `caretaker secret set`: bytes in, one value out.
//!
//! Enter ends a value of one line. A key of several lines (PEM or JSON) goes on until it is whole,
//! or until Ctrl-D. Nothing that is typed is shown.

use secrecy::SecretString;
use secrecy::zeroize::Zeroize;

use crate::tui::term::paste::{self, ESCAPE};

/// How it ended.
#[derive(Debug)]
pub enum End {
    /// With this text, which may be empty.
    Value(SecretString),
    /// By Ctrl-C.
    Cancelled,
    /// It became longer than the limit.
    TooLong,
    /// It is not text.
    NotText,
}

/// A longer sequence of the terminal's is none that we know.
const LONGEST_SEQUENCE: usize = 16;

/// What was typed so far. `Debug` shows nothing of it; its memory is overwritten when it goes.
pub struct Typed {
    /// As large as it may become, so that growing leaves no copy behind.
    text: Vec<u8>,
    limit: usize,
    /// A sequence of the terminal's that has begun.
    sequence: Vec<u8>,
    pasting: bool,
    /// Whether the last byte was a carriage return, whose line feed says nothing new.
    returned: bool,
}

impl std::fmt::Debug for Typed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Typed").field("pasting", &self.pasting).finish_non_exhaustive()
    }
}

impl Drop for Typed {
    fn drop(&mut self) {
        self.text.zeroize();
        self.sequence.zeroize();
    }
}

impl Typed {
    /// Nothing yet; `limit` in bytes.
    pub fn new(limit: usize) -> Self {
        let text = Vec::with_capacity(limit.saturating_add(1));
        let sequence = Vec::with_capacity(LONGEST_SEQUENCE);
        Self { text, limit, sequence, pasting: false, returned: false }
    }

    /// Whether a key of several lines has begun, which Enter does not end.
    pub fn has_lines(&self) -> bool {
        self.is_pem() || self.is_json()
    }

    /// Takes one byte; how it ended, if that was the last one.
    pub fn push(&mut self, byte: u8) -> Option<End> {
        if !self.sequence.is_empty() || byte == ESCAPE {
            return self.in_sequence(byte);
        }
        let after_return = std::mem::replace(&mut self.returned, byte == b'\r');
        match byte {
            b'\n' if after_return => None,
            b'\r' | b'\n' if self.pasting => self.put(b'\n'),
            b'\r' | b'\n' => self.enter(),
            _ if self.pasting => self.put(byte),
            0x03 => Some(End::Cancelled),
            0x04 => Some(self.value()),
            0x15 => {
                self.text.zeroize();
                None
            }
            0x08 | 0x7f => {
                // One character back, whatever its number of bytes.
                while self.text.pop().is_some_and(|b| b & 0xc0 == 0x80) {}
                None
            }
            b'\t' | 0x20.. => self.put(byte),
            _ => None,
        }
    }

    /// An escape sequence is no part of the value: only the two that frame a paste mean anything.
    fn in_sequence(&mut self, byte: u8) -> Option<End> {
        self.sequence.push(byte);
        let pasted = self.sequence.as_slice();
        if pasted == paste::BEGINS || pasted == paste::ENDS {
            self.pasting = pasted == paste::BEGINS;
            self.returned = false;
            self.sequence.clear();
            return None;
        }
        let over = match pasted {
            [ESCAPE] | [ESCAPE, b'[' | b'O'] => false,
            [ESCAPE, b'[', rest @ ..] => rest.last().is_some_and(|b| (0x40..=0x7e).contains(b)),
            _ => true,
        };
        if over || self.sequence.len() >= LONGEST_SEQUENCE {
            self.sequence.clear();
        }
        None
    }

    fn put(&mut self, byte: u8) -> Option<End> {
        if self.text.len() >= self.limit {
            return Some(End::TooLong);
        }
        self.text.push(byte);
        None
    }

    fn enter(&mut self) -> Option<End> {
        let whole = if self.is_json() {
            serde_json::from_slice::<serde::de::IgnoredAny>(&self.text).is_ok()
        } else if self.is_pem() {
            self.ends_as_pem()
        } else {
            true
        };
        if whole { Some(self.value()) } else { self.put(b'\n') }
    }

    fn value(&mut self) -> End {
        let text = std::str::from_utf8(&self.text).map(SecretString::from);
        text.map_or(End::NotText, End::Value)
    }

    fn is_pem(&self) -> bool {
        self.text.trim_ascii_start().starts_with(b"-----BEGIN ")
    }

    fn is_json(&self) -> bool {
        matches!(self.text.trim_ascii_start().first(), Some(b'{' | b'['))
    }

    /// Enter on an empty line after an END line: another block may follow an END at once.
    fn ends_as_pem(&self) -> bool {
        let Some(before) = self.text.strip_suffix(b"\n") else { return false };
        let last = before.trim_ascii_end().rsplit(|b| *b == b'\n').next().unwrap_or_default();
        last.starts_with(b"-----END ") && last.ends_with(b"-----")
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    /// What the bytes make: the value, or in words how it ended, or how far it got.
    fn typed(bytes: &[u8]) -> String {
        let mut typed = Typed::new(400);
        for (n, byte) in bytes.iter().enumerate() {
            match typed.push(*byte) {
                None => {}
                Some(end) => {
                    assert_eq!(n, bytes.len() - 1, "ended before its last byte");
                    return match end {
                        End::Value(text) => text.expose_secret().to_owned(),
                        other => format!("{other:?}"),
                    };
                }
            }
        }
        "not ended".to_owned()
    }

    #[test]
    fn enter_ends_one_line_however_it_is_sent() {
        assert_eq!(typed(b"hunter two\r"), "hunter two");
        assert_eq!(typed(b"hunter two\n"), "hunter two");
        assert_eq!(typed(b"hunter\x04"), "hunter");
        assert_eq!(typed(b"\r"), "");
        assert_eq!(
            typed("h\u{fc}x\x7f\x7fi\r".as_bytes()),
            "hi",
            "a letter of two bytes goes whole"
        );
        assert_eq!(typed(b"wrong\x15right\r"), "right");
        assert_eq!(typed(b"a\x1b[D\x1bOP\x1b[3~b\x00\r"), "ab", "keys that are no text");
        assert_eq!(typed(b"abc\x03"), "Cancelled");
        assert_eq!(typed(b"\xff\r"), "NotText");
        assert_eq!(typed(&[b'x'; 401]), "TooLong");
        assert_eq!(typed(b"a-----BEGIN \r"), "a-----BEGIN ");
    }

    const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n";

    #[test]
    fn a_key_of_several_lines_goes_on_until_it_is_whole() {
        let two = PEM.repeat(2);
        for lines in [PEM, two.as_str()] {
            assert_eq!(typed(lines.as_bytes()), "not ended", "another block may follow");
            assert_eq!(typed(format!("{lines}\n").as_bytes()), lines);
            assert_eq!(typed(format!("{lines}\x04").as_bytes()), lines);
            let carriage = format!("{lines}\n").replace('\n', "\r\n");
            let carriage = carriage.strip_suffix('\n').unwrap();
            assert_eq!(typed(carriage.as_bytes()), lines);
        }
        assert_eq!(typed(b"-----BEGIN X-----\n\n\n"), "not ended");
        assert_eq!(typed(b"{\"kty\":\n\"RSA\"}\n"), "{\"kty\":\n\"RSA\"}");
        assert_eq!(typed(b"{\"kty\":\n"), "not ended");
        assert_eq!(typed(b"{\"kty\":\n\x04"), "{\"kty\":\n");
    }

    #[test]
    fn a_paste_is_taken_as_it_is() {
        let paste = |text: &str| format!("\x1b[200~{text}\x1b[201~");
        assert_eq!(typed(format!("{}\r", paste("secret")).as_bytes()), "secret");
        assert_eq!(typed(paste("one\rtwo\r").as_bytes()), "not ended", "Enter ends, not a paste");
        assert_eq!(typed(format!("{}\r", paste("one\rtwo")).as_bytes()), "one\ntwo");
        assert_eq!(typed(format!("{}\r", paste(&PEM.replace('\n', "\r"))).as_bytes()), PEM);
        assert_eq!(typed(format!("{}\r", paste("a\x03\x04\x15b")).as_bytes()), "a\x03\x04\x15b");
        assert_eq!(typed(format!("{}\r", paste("{\"a\":1}")).as_bytes()), "{\"a\":1}");
    }

    #[test]
    fn no_debug_shows_what_was_typed() {
        let mut typed = Typed::new(400);
        for byte in *b"canary\x1b[20" {
            assert!(typed.push(byte).is_none());
        }
        assert!(!format!("{typed:?}").contains("canary"));
        assert!(!format!("{:?}", typed.value()).contains("canary"));
    }

    proptest::proptest! {
        /// Whatever comes, it ends or waits, and never holds more than its limit.
        #[test]
        fn any_bytes_end_or_wait(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600)) {
            let mut typed = Typed::new(100);
            for byte in bytes {
                if typed.push(byte).is_some() {
                    break;
                }
                proptest::prop_assert!(typed.text.len() <= 100);
                proptest::prop_assert!(typed.sequence.len() < LONGEST_SEQUENCE);
            }
        }
    }
}
