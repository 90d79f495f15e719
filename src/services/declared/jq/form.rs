//! What a value looks like, without the value: letters become `a` and `A`, digits `9`. It tells a date with
//! the day first from one with the year first, and a number with a unit from a bare one; it tells nobody's
//! name.

use serde_json::Value;

/// Characters of one text whose form is shown.
const SHOWN: usize = 40;

/// The kind, the length and the form of a text: ``text(10 `99/99/9999`)``.
pub(super) fn of_text(text: &str) -> String {
    let mut form: String = text.chars().take(SHOWN).map(masked).collect();
    let length = text.chars().count();
    if length > SHOWN {
        form.push('…');
    }
    format!("text({length} `{form}`)")
}

/// As [`of_text`], of any single value; numbers, booleans and null as they are.
pub(super) fn of_value(value: &Value) -> String {
    match value {
        Value::String(text) => of_text(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(_) => "[…]".to_owned(),
        Value::Object(_) => "{…}".to_owned(),
    }
}

fn masked(c: char) -> char {
    match c {
        ' ' => ' ',
        c if c.is_numeric() => '9',
        c if c.is_uppercase() => 'A',
        c if c.is_alphabetic() => 'a',
        // It would end the form.
        '`' => '·',
        c if c.is_ascii_punctuation() => c,
        // Marks, pictures and what cannot be seen.
        _ => '·',
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_form_tells_how_something_is_written_and_not_what() {
        for (text, form) in [
            ("2026-11-24T09:00:00Z", "text(20 `9999-99-99A99:99:99A`)"),
            ("24.11.2026", "text(10 `99.99.9999`)"),
            ("12 %", "text(4 `99 %`)"),
            ("Zoë Ω", "text(5 `Aaa A`)"),
            ("a`b\u{202e}\n\u{1b}[2J", "text(9 `a·a···[9A`)"),
            ("", "text(0 ``)"),
        ] {
            assert_eq!(of_text(text), form);
        }
        assert_eq!(of_text(&"x".repeat(41)), format!("text(41 `{}…`)", "a".repeat(40)));
        assert_eq!(of_value(&serde_json::json!(2.5)), "2.5");
        assert_eq!(of_value(&serde_json::json!([1])), "[…]");
    }

    proptest! {
        #[test]
        fn no_letter_and_no_digit_of_the_text_is_left(text in "\\PC{0,60}") {
            let form = of_text(&text);
            let inside = form.split_once('`').unwrap().1;
            prop_assert!(inside.chars().all(|c| {
                matches!(c, 'a' | 'A' | '9' | '·' | '…' | ' ') || c.is_ascii_punctuation()
            }), "{}", form);
        }
    }
}
