//! How deep arrays and objects stand within one another, before anything is built of them.

/// Whether no more than `deepest` arrays and objects stand within one another in `body`, counted
/// outside of strings. Tells nothing of a body that is no JSON, which is for the parser.
pub(super) fn is_within(deepest: usize, body: &[u8]) -> bool {
    let (mut depth, mut bytes) = (0_usize, body.iter());
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => leave_string(&mut bytes),
            b'[' | b'{' => {
                depth += 1;
                if depth > deepest {
                    return false;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

/// Goes on behind the quotation mark that ends a string. A loop of its own takes a third of the time that
/// it takes to ask of each byte whether it stands in a string.
fn leave_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_brackets_outside_of_strings_count() {
        for text in
            [r#"[["[[[[", {"a\"[[": [1]}]]"#, r#"[[{"a\\": ["]]["]}]]"#, r#"["\\\"[[[", [[[]]]]"#]
        {
            assert!(is_within(4, text.as_bytes()), "{text}");
            assert!(!is_within(3, text.as_bytes()), "{text}");
        }
    }

    /// Byte by byte, with what is known of each.
    fn deepest_of(body: &[u8]) -> usize {
        let (mut deepest, mut depth, mut in_string, mut is_escaped) = (0, 0_usize, false, false);
        for byte in body {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = in_string,
                b'"' => in_string = !in_string,
                b'[' | b'{' if !in_string => depth += 1,
                b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
                _ => {}
            }
            deepest = deepest.max(depth);
        }
        deepest
    }

    proptest! {
        #[test]
        fn it_is_within_its_own_depth_and_within_no_less(
            body in "[\\[\\]{}\"\\\\ a|Z;\u{e9}:,0]{0,300}",
        ) {
            let body = body.as_bytes();
            let depth = deepest_of(body);
            prop_assert!(is_within(depth, body));
            prop_assert!(depth == 0 || !is_within(depth - 1, body));
        }
    }
}
