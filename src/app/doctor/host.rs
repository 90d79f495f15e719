//! The terminal and the environment, as far as they matter to this program.

use crate::cli::doctor::{Area, Finding};
use crate::tui::theme::Depth;

/// Columns and rows in which the console shows everything.
const WHOLE: (u16, u16) = (80, 24);
/// Fewer cannot be drawn on.
const LEAST: (u16, u16) = (40, 12);
/// Variables that many programs take a proxy from.
const PROXIES: [&str; 6] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Colours, letters, size, tmux and screen. `size` is none where there is no terminal.
pub fn terminal(variable: Variable<'_>, size: Option<(u16, u16)>) -> Vec<Finding> {
    let mut out = vec![colours(variable), letters(variable)];
    match size {
        None => out.push(Finding::note(
            Area::Terminal,
            "",
            "standard input is no terminal: its size cannot be told",
        )),
        Some(size) => out.push(room(size)),
    }
    out.extend(multiplexer(variable));
    out
}

fn colours(variable: Variable<'_>) -> Finding {
    let term = variable("TERM").unwrap_or_default();
    if term.is_empty() || term == "dumb" {
        return Finding::warning(
            Area::Terminal,
            "",
            format!("TERM is {term:?}: the console cannot draw"),
            "set TERM as your terminal says, such as xterm-256color; `caretaker watch` needs none",
        );
    }
    let (colours, text) = match Depth::from_environment(variable) {
        Depth::Full => ("full", "all colours"),
        Depth::C256 => ("256", "256 colours"),
        Depth::C16 => ("16", "16 colours"),
        Depth::None => ("none", "no colours, as NO_COLOR asks"),
    };
    Finding::ok(Area::Terminal, "", format!("{text} (TERM={term})")).fact("colours", colours)
}

/// Whether the locale says that bytes are UTF-8 (POSIX: LC_ALL, then LC_CTYPE, then LANG).
fn letters(variable: Variable<'_>) -> Finding {
    let set = |name: &str| variable(name).filter(|v| !v.is_empty());
    let found = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|n| Some((n, set(n)?)));
    let (name, value) = found.unwrap_or(("LANG", String::new()));
    let plain = value.to_lowercase().replace('-', "");
    if plain.contains("utf8") {
        return Finding::ok(Area::Terminal, "", format!("UTF-8 ({name}={value})"))
            .fact("utf8", true);
    }
    Finding::warning(
        Area::Terminal,
        "",
        format!("{name} is {value:?}: names with accents may come out wrong"),
        "export LANG=C.UTF-8 (and have ssh send it: SendEnv LANG)",
    )
    .fact("utf8", false)
}

fn room(size: (u16, u16)) -> Finding {
    let (columns, rows) = size;
    let text = format!("{columns} columns by {rows} rows");
    let finding = if columns < LEAST.0 || rows < LEAST.1 {
        let remedy = format!("make it {} by {} or larger", WHOLE.0, WHOLE.1);
        Finding::warning(Area::Terminal, "", format!("{text}: too small for the console"), remedy)
    } else if columns < WHOLE.0 || rows < WHOLE.1 {
        Finding::note(Area::Terminal, "", format!("{text}: columns are left out"))
    } else {
        Finding::ok(Area::Terminal, "", text)
    };
    finding.fact("columns", columns).fact("rows", rows)
}

fn multiplexer(variable: Variable<'_>) -> Option<Finding> {
    let term = variable("TERM").unwrap_or_default();
    let set = |name: &str| variable(name).is_some_and(|v| !v.is_empty());
    let name = match (set("TMUX"), set("STY")) {
        (true, _) => "tmux",
        (false, true) => "screen",
        (false, false) => return None,
    };
    let finding = if term.starts_with("tmux") || term.starts_with("screen") {
        Finding::ok(Area::Terminal, "", format!("inside {name}"))
    } else {
        let remedy = match name {
            "tmux" => "put into ~/.tmux.conf: set -g default-terminal tmux-256color",
            _ => "put into ~/.screenrc: term screen-256color",
        };
        let text = format!("inside {name}, but TERM is {term}: keys and colours may be wrong");
        Finding::warning(Area::Terminal, "", text, remedy)
    };
    Some(finding.fact("multiplexer", name))
}

/// Variables that other programs obey and this one does not, and those that it does obey. Values are
/// never shown: a proxy's may hold a password.
pub fn environment(variable: Variable<'_>, has_proxy: bool) -> Vec<Finding> {
    let set = |name: &&str| variable(name).is_some_and(|v| !v.is_empty());
    let mut out = Vec::new();
    for name in PROXIES.into_iter().filter(|n| set(n)) {
        let mut finding = Finding::note(Area::Environment, name, "is set, and ignored");
        if !has_proxy {
            let remedy = "where vendors are reached through a proxy alone: [transport] proxy_url";
            finding.remedy = Some(remedy.to_owned());
        }
        out.push(finding.fact("ignored", true));
    }
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().filter(|n| set(n)) {
        let text = "is set: the system's certificate authorities are read from there";
        out.push(Finding::note(Area::Environment, name, text));
    }
    for (name, what) in [
        ("CARETAKER_CONFIG", "the configuration"),
        ("CARETAKER_AGENT", "the agent's socket"),
        ("CARETAKER_LOG", "the log level"),
        ("CARETAKER_THEME", "the theme"),
    ] {
        if set(&name) {
            out.push(Finding::note(Area::Environment, name, format!("is set, and names {what}")));
        }
    }
    if out.is_empty() {
        out.push(Finding::ok(Area::Environment, "", "no variable changes what this program does"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Severity;

    fn with<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
    }

    fn told(findings: &[Finding]) -> Vec<(Severity, &str)> {
        findings.iter().map(|f| (f.severity, f.text.as_str())).collect()
    }

    #[test]
    fn a_good_terminal_is_fine() {
        let set = [("TERM", "xterm-256color"), ("LANG", "en_GB.UTF-8")];
        let seen = terminal(&with(&set), Some((120, 40)));
        assert_eq!(
            told(&seen),
            [
                (Severity::Ok, "256 colours (TERM=xterm-256color)"),
                (Severity::Ok, "UTF-8 (LANG=en_GB.UTF-8)"),
                (Severity::Ok, "120 columns by 40 rows"),
            ]
        );
    }

    #[test]
    fn each_fault_of_a_terminal_has_its_remedy() {
        let set = [("TERM", "dumb"), ("LC_ALL", "C"), ("LANG", "en_GB.UTF-8"), ("TMUX", "/tmp/x")];
        let seen = terminal(&with(&set), Some((39, 24)));
        assert_eq!(seen.len(), 4);
        for finding in &seen {
            assert_eq!(finding.severity, Severity::Warning, "{finding:?}");
            assert!(finding.remedy.as_ref().is_some_and(|r| r.len() > 10), "{finding:?}");
        }
        let set = [("TERM", "screen"), ("LC_CTYPE", "en_GB.utf8"), ("STY", "1"), ("NO_COLOR", "1")];
        let seen = terminal(&with(&set), Some((60, 24)));
        let severities: Vec<_> = seen.iter().map(|f| f.severity).collect();
        assert_eq!(severities, [Severity::Ok, Severity::Ok, Severity::Note, Severity::Ok]);
        assert_eq!(seen[3].facts["multiplexer"], "screen");
        assert_eq!(terminal(&with(&set), None)[2].severity, Severity::Note);
    }

    #[test]
    fn proxies_of_the_environment_are_said_to_be_ignored_without_their_passwords() {
        let set = [("https_proxy", "http://u:canary@proxy.example:1"), ("ALL_PROXY", "")];
        let seen = environment(&with(&set), false);
        assert_eq!(told(&seen), [(Severity::Note, "is set, and ignored")]);
        assert_eq!(seen[0].subject, "https_proxy");
        assert!(seen[0].remedy.as_ref().unwrap().contains("proxy_url"));
        assert!(!format!("{seen:?}").contains("canary"));
        assert_eq!(environment(&with(&set), true)[0].remedy, None);
        assert_eq!(environment(&with(&[]), false)[0].severity, Severity::Ok);
        let set = [("SSL_CERT_FILE", "/x"), ("CARETAKER_CONFIG", "/y")];
        assert_eq!(environment(&with(&set), false).len(), 2);
    }
}
