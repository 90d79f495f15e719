//! The known name that somebody meant who wrote another.

/// The known name that `word` was probably meant to be.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let lower = word.to_lowercase();
    let (mut best, mut least) = (None, (usize::MAX, usize::MAX));
    for name in known {
        let name_lower = name.to_lowercase();
        // A word that was cut or drawn out is as near as one letter wrong: warning for warn.
        let cut = lower.len().min(name_lower.len()) >= 3
            && (lower.starts_with(&name_lower) || name_lower.starts_with(&lower));
        let apart = strsim::damerau_levenshtein(&lower, &name_lower);
        let far = (if cut { 1 } else { apart }, apart);
        if far < least {
            (best, least) = (Some(name), far);
        }
    }
    // A third of the letters may differ; more is another word.
    best.filter(|name| least.0 <= (name.chars().count().max(3) / 3).max(1)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_name_that_was_meant_and_no_other() {
        let known = ["theme", "socket", "state_dir", "refresh_floor"];
        assert_eq!(nearest("theem", known).as_deref(), Some("theme"));
        assert_eq!(nearest("State-Dir", known).as_deref(), Some("state_dir"));
        assert_eq!(nearest("refreshfloor", known).as_deref(), Some("refresh_floor"));
        assert_eq!(nearest("refresh", known).as_deref(), Some("refresh_floor"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("x", []), None);
    }
}
