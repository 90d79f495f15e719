//! What the free text of a backup run says, to be held against its number.
//!
//! Known texts are "Successful", "Backup completed successfully", "Completed with errors" and the
//! like; longer ones are read word by word.

use crate::services::redstor::account::Outcome;

/// What words of a message speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Said {
    completed: bool,
    warnings: bool,
    errors: bool,
    failed: bool,
    /// Trouble of an unnamed degree: "2 files were not saved".
    trouble: bool,
}

impl Said {
    /// Reads `message`, upper and lower case alike. "No errors" and "errors: 0" speak of none.
    pub(super) fn of(message: &str) -> Self {
        let text = message.to_lowercase().replace('’', "'");
        let mut said = Self::default();
        for clause in text.split([',', ';', '.', '(', ')', '\n']) {
            let words = clause.split(|c: char| !c.is_alphanumeric() && c != '\'');
            let words: Vec<&str> = words.filter(|w| !w.is_empty()).collect();
            said.read(&words);
        }
        said
    }

    fn read(&mut self, words: &[&str]) {
        // Whether a "no" stands before, and whether what it denies is still to come.
        let (mut denies, mut open) = (false, false);
        let counted = |w: Option<&&str>| matches!(w, Some(&("errors" | "warnings" | "failures")));
        for (n, word) in words.iter().enumerate() {
            let starts = |list: &[&str]| list.iter().any(|l| word.starts_with(l));
            let is_trouble = starts(&["warn", "error", "fail", "problem", "issue", "miss", "skip"]);
            let none_counted = counted(Some(word)) && words.get(n + 1) == Some(&"0");
            let counts = n > 0 && counted(words.get(n - 1));
            match *word {
                "no" | "without" => (denies, open) = (true, true),
                "0" if counts => denies = false,
                "0" | "zero" => denies = true,
                "any" | "or" | "further" => {}
                _ if is_trouble && (denies || none_counted) => open = false,
                "of" | "files" | "file" | "items" if denies && !open => {}
                _ => {
                    // "No data", "no backup": what is missing is not an error.
                    self.trouble |= open && !starts(&["change", "new", "modifi"]);
                    (denies, open) = (false, false);
                    self.note(word, &starts);
                }
            }
        }
    }

    fn note(&mut self, word: &str, starts: &dyn Fn(&[&str]) -> bool) {
        self.failed |= starts(&["fail", "unsuccess", "abort", "cancel", "stopp", "terminat"]);
        self.errors |= starts(&["error"]);
        self.warnings |= starts(&["warn"]);
        self.trouble |= matches!(word, "not" | "cannot" | "never" | "unable" | "but" | "only")
            || word.ends_with("n't")
            || starts(&[
                "miss",
                "skip",
                "incomplet",
                "partial",
                "problem",
                "issue",
                "corrupt",
                "denied",
                "reject",
                "timeout",
                "timed",
                "expir",
                "offline",
                "exceed",
                "invalid",
                "except",
            ]);
        self.completed |= starts(&["succe", "complet", "finish"])
            || matches!(word, "ok" | "done" | "passed" | "healthy");
    }

    /// Whether the text fits what the number means; `None` where it says nothing that we know and
    /// the number alone would make it good.
    pub(super) fn agrees_with(self, by_code: Outcome) -> Option<bool> {
        let Self { completed, warnings, errors, failed, trouble } = self;
        let any = warnings || errors || failed || trouble;
        match by_code {
            Outcome::Completed if any => Some(false),
            Outcome::Completed => completed.then_some(true),
            Outcome::Warnings => Some(warnings || !(errors || failed || (completed && !trouble))),
            Outcome::Errors => Some(
                errors || (failed && completed) || !(failed || warnings || (completed && !trouble)),
            ),
            Outcome::Failed => Some(failed || !completed || (trouble && !errors && !warnings)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(code: Outcome, text: &str) -> Option<bool> {
        Said::of(text).agrees_with(code)
    }

    #[test]
    fn a_longer_text_of_success_is_success() {
        for text in [
            "Successful",
            "Backup completed successfully",
            "BACKUP COMPLETED SUCCESSFULLY.",
            "Backup of 3 volumes succeeded (1,204 files)",
            "Completed with no errors",
            "Completed without any errors or warnings",
            "Backup finished: 0 errors, 0 warnings",
            "Finished. Errors: 0, Warnings: 0",
            "Completed, no changes",
            "Completed: 0 files failed",
            "Completed (0 files changed)",
            "OK",
        ] {
            assert_eq!(fits(Outcome::Completed, text), Some(true), "{text}");
        }
    }

    #[test]
    fn a_text_that_says_otherwise_is_never_a_success() {
        for text in [
            "Completed with errors",
            "Completed with 10 errors",
            "Completed. Errors: 10",
            "completed with Warnings",
            "Backup failed",
            "Unsuccessful",
            "Not completed",
            "Backup did not complete",
            "Completed, but 2 files were skipped",
            "Completed: no data was sent",
            "Partially completed",
            "Cancelled by user",
            "Completed with no warnings and 3 errors",
            "Incomplete",
            "Completed. Errors: 0. Failed: 3",
            "Completed, errors: 0 failed: 3",
            "Completed with no errors but warnings",
            "Completed: no backup set",
            "Backup didn't finish",
        ] {
            assert_eq!(fits(Outcome::Completed, text), Some(false), "{text}");
        }
        for text in ["", "Sauvegarde", "Running", "7"] {
            assert_eq!(fits(Outcome::Completed, text), None, "{text}");
        }
    }

    #[test]
    fn bad_news_needs_no_text_that_we_know() {
        for (code, text) in [
            (Outcome::Failed, "VSS writer timed out"),
            (Outcome::Failed, "Error 0x80042306"),
            (Outcome::Failed, ""),
            (Outcome::Failed, "Backup failed after errors"),
            (Outcome::Failed, "Backup not completed"),
            (Outcome::Errors, "3 files could not be read"),
            (Outcome::Errors, "Completed with errors: 2 files failed"),
            (Outcome::Errors, "Backup completed, 2 files not saved"),
            (Outcome::Warnings, "Completed with warnings, 2 files were skipped"),
            (Outcome::Warnings, "Open files"),
        ] {
            assert_eq!(fits(code, text), Some(true), "{code:?} {text}");
        }
        for (code, text) in [
            (Outcome::Failed, "Successful"),
            (Outcome::Failed, "Completed with errors"),
            (Outcome::Errors, "Backup completed successfully"),
            (Outcome::Errors, "Backup failed"),
            (Outcome::Errors, "Completed with warnings"),
            (Outcome::Warnings, "Completed with errors"),
            (Outcome::Warnings, "Backup completed successfully"),
        ] {
            assert_eq!(fits(code, text), Some(false), "{code:?} {text}");
        }
    }
}
