//! A line in which text is typed. Pasted text and typed text are limited alike.

use crate::wire::Clean;

/// The longest text that is taken, in characters.
const MAX: usize = 200;

/// What is typed so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Field {
    text: String,
}

impl Field {
    /// A field that begins with this.
    #[must_use]
    pub fn with(text: &str) -> Self {
        let mut field = Self::default();
        field.insert(text);
        field
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Adds what was typed or pasted; what could not be shown is left out.
    pub fn insert(&mut self, text: &str) {
        let room = MAX.saturating_sub(self.text.chars().count());
        let ends_in_space = text.ends_with(' ');
        let starts_with_space = text.starts_with(' ');
        let clean = Clean::new(text);
        let mut add = String::new();
        if starts_with_space && !clean.is_empty() {
            add.push(' ');
        }
        add.push_str(clean.as_str());
        if ends_in_space {
            add.push(' ');
        }
        self.text.extend(add.chars().take(room));
    }

    /// Another text.
    pub fn set(&mut self, text: &str) {
        self.text.clear();
        self.insert(text);
    }

    /// Rubs out the last character; `false` if there was none.
    pub fn rub_out(&mut self) -> bool {
        self.text.pop().is_some()
    }

    /// Rubs out the last word.
    pub fn rub_out_word(&mut self) {
        let kept = self.text.trim_end().rfind(' ').map_or(0, |at| at + 1);
        self.text.truncate(kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_typed_pasted_and_rubbed_out() {
        let mut field = Field::with("gc:c ");
        field.insert("oak\ngreen\u{1b}[2J");
        assert_eq!(field.text(), "gc:c oak green [2J");
        field.rub_out_word();
        assert_eq!(field.text(), "gc:c oak green ");
        field.rub_out_word();
        assert!(field.rub_out());
        assert_eq!(field.text(), "gc:c oak");
        field.insert(&"x".repeat(500));
        assert_eq!(field.text().chars().count(), MAX);
        field.set("");
        assert!(!field.rub_out());
    }
}
