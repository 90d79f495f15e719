//! Small pieces that every check's sentence is made with.

use crate::model::observation::{Observation, Verdict};

/// `bare` with a verdict and its sentence.
pub(super) fn with(bare: Observation, verdict: Verdict, detail: &str) -> Observation {
    Observation { verdict, detail: detail.into(), ..bare }
}

/// How bad a verdict is beside others: critical, unknown, warning, ok.
pub(super) fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Ok | Verdict::Quiet => 0,
        Verdict::Warning => 1,
        Verdict::Unknown(_) => 2,
        Verdict::Critical => 3,
    }
}

/// `12345` as people read it: `12,345`.
pub(super) fn thousands(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    if n < 0 { format!("-{out}") } else { out }
}

/// Text without tags, and with the usual entities read.
pub(super) fn without_html(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in text.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                out.push(' ');
            }
            _ if inside => {}
            _ => out.push(c),
        }
    }
    for (entity, c) in [
        ("&nbsp;", " "),
        ("&lt;", "‹"),
        ("&gt;", "›"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ] {
        out = out.replace(entity, c);
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_loses_its_tags() {
        assert_eq!(
            without_html("<p>Mail &amp; <b>calendar</b></p>are slow"),
            "Mail & calendar are slow"
        );
        assert_eq!(without_html("a <script>alert(1)"), "a alert(1)");
        assert_eq!(without_html("&lt;img&gt;"), "‹img›");
    }

    #[test]
    fn numbers_are_grouped() {
        for (n, text) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (-12, "-12"), (1_234_567, "1,234,567")]
        {
            assert_eq!(thousands(n), text);
        }
    }
}
