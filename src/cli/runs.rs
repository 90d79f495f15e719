//! Runs that ended well, in plain text.

use crate::cli::when::moment;
use crate::wire::runs::Runs;

/// Days of one school from which a restore can be asked, newest first, a check at a time.
#[must_use]
pub fn runs_text(runs: &Runs) -> String {
    let mut out = String::new();
    if runs.checks.is_empty() {
        out.push_str("nothing of this school is backed up that anybody here watches\n");
    }
    for check in &runs.checks {
        out.push_str(&format!(
            "{} ({}), kept {} days\n",
            check.label, check.check, check.keeps_days
        ));
        for run in &check.runs {
            out.push_str(&format!("  {}\n", moment(*run)));
        }
        let looked: Vec<String> = check
            .watched
            .iter()
            .map(|w| format!("{} to {}", moment(w.from), moment(w.until)))
            .collect();
        let none = if check.runs.is_empty() { "  no run that ended well was seen\n" } else { "" };
        let looked = if looked.is_empty() { "never yet".to_owned() } else { looked.join("; ") };
        out.push_str(&format!("{none}  watched: {looked}; any other time is not known to us\n"));
    }
    out
}
