//! Tells what looks like a secret, or names a person, from the long words that texts rightly hold.
//!
//! It errs on the side of refusing: what looks like a key is named in a credential store, and
//! identifiers stand under keys that say so (`_id`, `_url`, `_file` and their plurals).

use std::borrow::Cow;

/// A run of at most this many characters is too short to be told from a word.
const SHORT: usize = 20;

/// Why `value` under `key` looks like a secret, if it does.
#[must_use]
pub fn looks_like_secret(key: &str, value: &str) -> Option<&'static str> {
    if value.contains("-----BEGIN ") {
        return Some("this looks like a secret (a PEM block; its value is not shown)");
    }
    if value.split_whitespace().any(is_jwt) {
        return Some("this looks like a secret (a signed token; its value is not shown)");
    }
    if value.split_whitespace().any(has_password) {
        return Some("this address holds a password (its value is not shown)");
    }
    if is_identifier(key) {
        return None;
    }
    value.split_whitespace().any(is_random).then_some(
        "this looks like a secret (over 20 characters at random; its value is not shown)",
    )
}

fn is_identifier(key: &str) -> bool {
    ["url", "file", "id"].iter().any(|kind| {
        let stem = key.strip_suffix('s').unwrap_or(key);
        stem.strip_suffix(kind).is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
    })
}

/// Three parts of base64url, the first of which is an encoded `{"`.
fn is_jwt(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    parts.len() == 3
        && parts.first().is_some_and(|head| head.starts_with("eyJ"))
        && parts.iter().all(|p| {
            p.len() >= 4 && p.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_=".contains(&b))
        })
}

/// `scheme://user:password@host`.
fn has_password(word: &str) -> bool {
    word.split_once("://")
        .and_then(|(_, rest)| rest.split(['/', '?', '#']).next())
        .and_then(|host| host.rsplit_once('@'))
        .is_some_and(|(user, _)| user.split_once(':').is_some_and(|(_, p)| !p.is_empty()))
}

/// Whether letters and digits alternate as they do at random and never in names, paths, domains
/// or distinguished names. Counted are the changes from lower to upper case and between letters
/// and digits, within runs of both: about 45 in 100 at random, under 20 in names.
fn is_random(word: &str) -> bool {
    if word.chars().count() <= SHORT {
        return false;
    }
    let (mut pairs, mut changes) = (0_usize, 0_usize);
    let mut seen = std::collections::BTreeSet::new();
    for run in word.split(|c: char| !c.is_ascii_alphanumeric()) {
        seen.extend(run.bytes());
        for (a, b) in run.bytes().zip(run.bytes().skip(1)) {
            pairs += 1;
            changes += usize::from(
                a.is_ascii_digit() != b.is_ascii_digit()
                    || (a.is_ascii_lowercase() && b.is_ascii_uppercase()),
            );
        }
    }
    pairs >= 12 && seen.len() >= 8 && changes * 4 >= pairs
}

/// Stands for what is left out of a line.
const LEFT_OUT: &str = "[left out]";
/// What follows one of these, after `:` or `=`, is left out.
const TELLING: [&str; 7] =
    ["password", "passwd", "pwd", "secret", "token", "authorization", "credential"];

/// A line of a program's output without what looks like a secret or may name a person: addresses,
/// names in distinguished names, and what follows a word such as `password:` to the line's end.
#[must_use]
pub fn without_secrets(line: &str) -> String {
    let line = without_names(told(line));
    let words = line.split_whitespace().map(|word| {
        let hidden = word.contains('@') || looks_like_secret("", word).is_some();
        if hidden { LEFT_OUT } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The line up to a word that tells of a secret, that word included.
fn told(line: &str) -> Cow<'_, str> {
    let lower = line.to_ascii_lowercase();
    let ends = TELLING.iter().flat_map(|word| lower.match_indices(word).map(|(i, w)| i + w.len()));
    let told = ends.filter(|end| {
        let rest = lower.get(*end..).unwrap_or_default().trim_start_matches(['"', '\'', ' ']);
        rest.starts_with([':', '='])
    });
    match told.min() {
        None => Cow::Borrowed(line),
        Some(end) => Cow::Owned(format!("{}: {LEFT_OUT}", line.get(..end).unwrap_or_default())),
    }
}

/// Without the values of `CN=`.
fn without_names(line: Cow<'_, str>) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest: &str = &line;
    while let Some(at) = rest.to_ascii_lowercase().find("cn=") {
        let (before, name) = rest.split_at(at + 3);
        out.push_str(before);
        out.push_str(LEFT_OUT);
        // A comma that belongs to the name has a backslash before it.
        let mut escaped = false;
        let end = name.find(|c| {
            let ends = c == ',' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        rest = name.get(end.unwrap_or(name.len())..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that a config of this program rightly holds.
    const INNOCENT: &[(&str, &str)] = &[
        ("base_dn", "OU=Abbots Green Primary,OU=Schools,DC=curriculum,DC=example,DC=org"),
        ("bind", "CN=svc-caretaker,OU=Service Accounts,OU=ICT,DC=example,DC=org"),
        ("state_dir", "/var/lib/caretaker/state/2026-09-01/board.db"),
        ("folder", "/srv/drop/9991234/xporter01/futuredigital-2026-09-01T0630.csv"),
        ("folder", r"\\files01.schools.example.org\drop$\CME-Extract-2026"),
        ("site", "https://examplecounty.sharepoint.com/sites/sch9991234-AbbotsGreen"),
        ("url", "https://api.example.org/v1/tenants/0a6f2c1e9d8b7a65/Accounts"),
        ("status_url", "https://s.example.org/8c7e1f0a4b6d4f3e9a2b1c0d5e6f7a8b.json"),
        ("tenant_id", "8f14e45f-ceea-4e7b-9d3a-5c1b7f2a9e10"),
        ("thumbprint_id", "b1946ac92492d2347c6235b4d2611184a7ffc6f8bf1ed76651c14756a061d662"),
        ("protected_ids", "S-1-5-21-3623811015-3361044348-30300820-1013"),
        ("sid", "S-1-5-21-3623811015-3361044348-30300820-1013"),
        ("host", "smoothwall-01.broadband.schools.example.org:8443"),
        ("user", "adm-caretaker.service@curriculum.schools.example.org"),
        ("group", "WarwickshireCurriculumNetworkRestrictedInternetAccess"),
        ("sku", "STANDARDWOFFPACK_STUDENT_DEVICE"),
        ("sku", "M365EDU_A3_STUUSEBNFT_RPA1"),
        ("credential", "welearn365.client-secret.2026"),
        ("note", "Ring the office before 15:30; the server room key hangs behind the door."),
        ("pattern", r"^(?P<laestab>\d{7})_(?P<date>\d{4}-\d{2}-\d{2})_backup\.csv$"),
        ("from", "2026-09-02T08:00:00+01:00"),
        ("agent", "caretaker/0.1.0 (+https://ict.example.org/contact)"),
        ("school", "Llanfairpwllgwyngyllgogerychwyrndrobwll Primary School"),
    ];

    /// Values that no config may hold.
    const SECRET: &[(&str, &str)] = &[
        ("ca_file", "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----"),
        ("site_url", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ0ZXN0In0.c2lnbmF0dXJlLWhlcmU"),
        ("client", "Qx7~8Kd.Zp2-vR9sTn4_wLb6YcHj3Fm1Ga5eUo0i"),
        ("client", "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83v"),
        ("client", "q83v/jRWeJCrze8S/FZ4kK+N7xI0Vni/q83vEj=="),
        ("token", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c"),
        ("token", "8f14e45f-ceea-4e7b-9d3a-5c1b7f2a9e10"),
        ("key", "sk_live_4eC39HqLyjWDarjtT1zdp7dc"),
        ("totp", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"),
        ("Authorization", "Bearer q83vEjRWeJCrze8SNFZ4kKvN7xI0"),
        ("proxy_url", "http://proxyuser:Pa55word@proxy.example.org:3128"),
        ("paid", "8f14e45fceea4e7b9d3a5c1b7f2a9e10"),
    ];

    #[test]
    fn lets_names_paths_and_identifiers_pass() {
        for (key, value) in INNOCENT {
            assert_eq!(looks_like_secret(key, value), None, "{key} = {value}");
        }
    }

    #[test]
    fn stops_what_looks_like_a_secret() {
        for (key, value) in SECRET {
            assert!(looks_like_secret(key, value).is_some(), "{key} = {value}");
        }
    }

    #[test]
    fn a_line_is_kept_without_secrets_and_names() {
        for (line, kept) in [
            ("Result  Success", "Result Success"),
            ("exported amber.pupil@welearn.example", "exported [left out]"),
            ("CN=Pupil\\, Amber,OU=Ash,DC=x done", "CN=[left out],OU=Ash,DC=x done"),
            ("cn=Amber, cn=Ben", "cn=[left out], cn=[left out]"),
            ("at cn=Amber Pupil", "at cn=[left out]"),
            ("using Password = hunter 2", "using Password: [left out]"),
            (r#"{"client_secret":"abc"}"#, r#"{"client_secret: [left out]"#),
            ("the password was set", "the password was set"),
            ("key Qx7~8Kd.Zp2-vR9sTn4_wLb6YcHj3Fm1Ga5eUo0i", "key [left out]"),
            ("İ cn=É", "İ cn=[left out]"),
        ] {
            assert_eq!(without_secrets(line), kept, "{line}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(32))]
        #[test]
        fn stops_most_of_what_a_generator_of_keys_makes(
            keys in proptest::collection::vec("[A-Za-z0-9+/]{32,64}", 50),
            hex in proptest::collection::vec("[0-9a-f]{32,64}", 50),
        ) {
            let missed = keys.iter().chain(&hex).filter(|k| !is_random(k)).count();
            proptest::prop_assert!(missed <= 6, "{missed} of 100 passed");
        }

        #[test]
        fn lets_words_pass_however_they_are_joined(
            words in proptest::collection::vec("[A-Z]?(school|green|primary|county|park|saint|agent|drop|backup)[0-9]{0,2}", 2..8),
            joint in proptest::sample::select(vec!["-", "_", ".", "/", ",OU=", "\\"]),
        ) {
            let value = words.join(joint);
            proptest::prop_assert_eq!(looks_like_secret("name", &value), None);
        }
    }
}
