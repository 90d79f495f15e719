//! How deep arrays and objects stand within one another, before anything is built of them.

/// Whether no more than `deepest` arrays and objects stand within one another in `body`, counted
/// outside of strings. Tells nothing of a body that is no JSON, which is for the parser.
pub(super) fn is_within(deepest: usize, body: &[u8]) -> bool {
    // Most answers have too few brackets to be too deep: counting them takes a tenth of the time.
    let opening = body.iter().filter(|byte| matches!(byte, b'[' | b'{')).count();
    opening <= deepest || is_within_by_bytes(deepest, body)
}

fn is_within_by_bytes(deepest: usize, body: &[u8]) -> bool {
    let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
    for byte in body {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                if depth > deepest {
                    return false;
                }
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
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

    proptest! {
        #[test]
        fn few_brackets_are_never_too_deep(
            deepest in 0_usize..6,
            body in "[\\[\\]{}\"\\\\ a|Z;\u{e9}:,0]{0,300}",
        ) {
            let body = body.as_bytes();
            prop_assert_eq!(is_within(deepest, body), is_within_by_bytes(deepest, body));
        }
    }
}
