//! Texts of the configuration with names in braces, which are filled with values.
//!
//! Invariant: a value is put in as it is; a `{name}` in one stays text.

use crate::tickets::settings::Wrong;

/// One part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece<N> {
    Text(String),
    Value(N),
}

/// Reads `text`, whose names are `names`; `{{` stands for a brace.
///
/// # Errors
/// For a name that there is not, and a brace that is not closed; under `key`.
pub(super) fn pieces<N: Copy>(
    key: &'static str,
    text: &str,
    names: &[(&str, N)],
) -> Result<Vec<Piece<N>>, Wrong> {
    let (mut out, mut fixed, mut rest) = (Vec::new(), String::new(), text);
    while let Some((before, after)) = rest.split_once('{') {
        fixed.push_str(before);
        if let Some(after) = after.strip_prefix('{') {
            fixed.push('{');
            rest = after;
            continue;
        }
        let unclosed = || Wrong { key, why: "a { without its }; write {{ for a brace".into() };
        let (name, after) = after.split_once('}').ok_or_else(unclosed)?;
        let Some((_, known)) = names.iter().find(|(known, _)| *known == name) else {
            let all: Vec<String> = names.iter().map(|(name, _)| format!("{{{name}}}")).collect();
            let why = format!("there is no {{{name}}} here; there are {}", all.join(", "));
            return Err(Wrong { key, why });
        };
        if !fixed.is_empty() {
            out.push(Piece::Text(std::mem::take(&mut fixed)));
        }
        out.push(Piece::Value(*known));
        rest = after;
    }
    fixed.push_str(rest);
    if !fixed.is_empty() {
        out.push(Piece::Text(fixed));
    }
    Ok(out)
}
