//! Whether the terminal has a second screen that leaves nothing behind.

/// Terminals without one, by the `TERM` that they set (terminfo has no `smcup` for them).
const WITHOUT: [&str; 9] =
    ["", "dumb", "unknown", "linux", "ansi", "cons25", "vt100", "vt102", "vt220"];

/// Judged by the environment: GNU screen has one only where its configuration says so, which cannot
/// be seen from inside, so it counts as without.
#[must_use]
pub fn has_alternate(get: impl Fn(&str) -> Option<String>) -> bool {
    let term = get("TERM").unwrap_or_default();
    let in_screen = get("STY").is_some_and(|sty| !sty.is_empty());
    let in_tmux = get("TMUX").is_some_and(|tmux| !tmux.is_empty());
    !WITHOUT.contains(&term.as_str()) && (!in_screen || in_tmux)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_console_of_the_host_and_gnu_screen_keep_what_they_show() {
        let with = |pairs: &[(&str, &str)]| {
            has_alternate(|name| {
                pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert!(with(&[("TERM", "xterm-256color")]));
        assert!(with(&[("TERM", "tmux-256color"), ("TMUX", "/tmp/tmux-0/default,1,0")]));
        assert!(with(&[("TERM", "screen"), ("TMUX", "/tmp/x,1,0"), ("STY", "1.pts-0.host")]));
        assert!(!with(&[("TERM", "screen"), ("STY", "1.pts-0.host")]));
        assert!(!with(&[("TERM", "linux")]) && !with(&[("TERM", "dumb")]) && !with(&[]));
    }
}
