//! How deep arrays and objects stand within one another, before anything is built of them.
//!
//! Every answer passes through here, so it goes by eight bytes at a time, and by single bytes only
//! where a bracket or a backslash stands among the eight: half of what every byte alone costs.

/// One in each byte.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each byte.
const HIGHS: u64 = 0x80 * ONES;
/// With this bit set `[` is `{`, backslash is `|` and `]` is `}`: three neighbours.
const CASE: u64 = 0x20 * ONES;

/// Whether no more than `deepest` arrays and objects stand within one another in `body`, counted
/// outside of strings. One pass. Tells nothing of a body that is no JSON, which is for the parser.
pub(super) fn is_within(deepest: usize, body: &[u8]) -> bool {
    let mut scan = Scan { deepest, depth: 0, in_string: false, is_escaped: false };
    // The quotes since single bytes were last looked at, by their place in the eight.
    let mut quotes = 0;
    let (words, rest) = body.as_chunks::<8>();
    for bytes in words {
        let word = u64::from_le_bytes(*bytes);
        if has_bracket_or_backslash(word) || scan.is_escaped {
            scan.pass(quotes);
            quotes = 0;
            if !scan.bytes(bytes) {
                return false;
            }
        } else {
            quotes ^= quote_marks(word);
        }
    }
    scan.pass(quotes);
    scan.bytes(rest)
}

struct Scan {
    deepest: usize,
    depth: usize,
    in_string: bool,
    /// The byte before was a backslash within a string.
    is_escaped: bool,
}

impl Scan {
    /// Passes quotes of which none is escaped: with an odd number of them a string begins or ends.
    fn pass(&mut self, quotes: u64) {
        let count = (quotes >> 7).wrapping_mul(ONES) >> 56;
        self.in_string ^= count % 2 == 1;
    }

    /// Goes on byte by byte; false as soon as it is too deep.
    fn bytes(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            if self.in_string {
                match byte {
                    _ if self.is_escaped => self.is_escaped = false,
                    b'\\' => self.is_escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'[' | b'{' => {
                    self.depth += 1;
                    if self.depth > self.deepest {
                        return false;
                    }
                }
                b']' | b'}' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        true
    }
}

/// Whether any of the eight is `[`, `]`, `{`, `}`, `|` or a backslash.
fn has_bracket_or_backslash(word: u64) -> bool {
    let folded = word | CASE;
    // From `{` on the sum reaches the highest bit, and from the one after `}` on this does.
    let (from, beyond) = ((folded & !HIGHS) + 5 * ONES, (folded & !HIGHS) + 2 * ONES);
    from & !beyond & !folded & HIGHS != 0
}

/// The highest bit of each of the eight that is a quote. No sum carries into the next byte.
fn quote_marks(word: u64) -> u64 {
    let zero_where_quote = word ^ (u64::from(b'"') * ONES);
    !(((zero_where_quote & !HIGHS) + !HIGHS) | zero_where_quote | !HIGHS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_bytes(deepest: usize, body: &[u8]) -> bool {
        Scan { deepest, depth: 0, in_string: false, is_escaped: false }.bytes(body)
    }

    #[test]
    fn every_byte_at_every_place_of_the_eight_is_told() {
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                for other in [0, b'!', b'#', b'"', 0x7f, 0x80, 0xff] {
                    let mut eight = [other; 8];
                    eight[place] = byte;
                    let word = u64::from_le_bytes(eight);
                    let special = b"[]{}|\\".contains(&byte);
                    assert_eq!(has_bracket_or_backslash(word), special, "{eight:?}");
                    let marks = eight.map(|b| if b == b'"' { 0x80 } else { 0 });
                    assert_eq!(quote_marks(word).to_le_bytes(), marks, "{eight:?}");
                }
            }
        }
    }

    #[test]
    fn finds_the_deepest_wherever_the_eights_end() {
        for before in 0..20 {
            let pad = " ".repeat(before);
            for text in [r#"[["[[[[", {"a\"[[": [1]}]]"#, r#"[[{"a\\": ["]]["]}]]"#] {
                let body = format!("{pad}{text}{pad}");
                assert!(is_within(4, body.as_bytes()), "{body}");
                assert!(!is_within(3, body.as_bytes()), "{body}");
            }
        }
    }

    #[test]
    fn a_backslash_holds_for_the_byte_after_the_eight() {
        for before in 0..20 {
            let body = format!("[\"{}\\\"[[\"]", "x".repeat(before));
            assert!(is_within(1, body.as_bytes()), "{body}");
        }
    }

    proptest! {
        #[test]
        fn by_eights_as_byte_by_byte(
            deepest in 0_usize..6,
            body in "[\\[\\]{}\"\\\\ a|Z;\u{e9}:,0]{0,300}",
        ) {
            let body = body.as_bytes();
            prop_assert_eq!(is_within(deepest, body), by_bytes(deepest, body));
        }
    }
}
