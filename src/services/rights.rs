//! What credentials may do against what they need, for `caretaker doctor`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::model::ids::CredentialName;
use crate::model::text::Clean;
use crate::ports::watch::Rights;
use crate::services::answer::Trouble;

/// Rights of one credential that are read.
const MOST: usize = 100;

/// What `granted` means for `credential`. `needed`: each right by the names that give it, the
/// narrowest first; one of them is enough, and whatever is granted beyond that is too much.
pub(super) fn compared(
    credential: &CredentialName,
    needed: &[&[&str]],
    granted: &[String],
) -> Rights {
    let mut rights = Rights {
        credential: credential.clone(),
        used: Vec::new(),
        beyond: Vec::new(),
        missing: Vec::new(),
        untold: None,
    };
    let is = |a: &str, b: &str| a.trim().eq_ignore_ascii_case(b);
    for names in needed {
        match names.iter().find(|name| granted.iter().any(|g| is(g, name))) {
            Some(name) => rights.used.push((*name).to_owned()),
            None => rights.missing.extend(names.first().map(|name| (*name).to_owned())),
        }
    }
    let used = &rights.used;
    let beyond = granted.iter().filter(|g| !used.iter().any(|u| is(g, u)));
    rights.beyond = beyond.take(MOST).map(|g| Clean::new(g).to_string()).collect();
    rights
}

/// Nothing can be told.
pub(super) fn untold(credential: &CredentialName, why: impl Into<String>) -> Rights {
    Rights {
        credential: credential.clone(),
        used: Vec::new(),
        beyond: Vec::new(),
        missing: Vec::new(),
        untold: Some(why.into()),
    }
}

/// As [`compared`], or why it cannot be told.
pub(super) fn told(
    credential: &CredentialName,
    needed: &[&[&str]],
    granted: Result<Vec<String>, Trouble>,
) -> Rights {
    match granted {
        Ok(granted) => compared(credential, needed, &granted),
        Err(trouble) => untold(credential, format!("its rights cannot be told: {}", trouble.why)),
    }
}

/// The application permissions in an access token of Microsoft's. A token is the vendor's own and
/// opaque to its holder: nothing but this advice is built on what stands in it.
pub(super) fn roles_of(token: &SecretString) -> Option<Vec<String>> {
    let claims = token.expose_secret().split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    match claims.get("roles") {
        Some(Value::Array(roles)) => {
            roles.iter().take(MOST).map(|r| r.as_str().map(str::to_owned)).collect()
        }
        // A token without any permission has no such claim.
        None if claims.get("aud").is_some() => Some(Vec::new()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(needed: &[&[&str]], granted: &[&str]) -> [String; 3] {
        let granted: Vec<String> = granted.iter().map(|g| (*g).to_owned()).collect();
        let told = compared(&"x".parse().unwrap(), needed, &granted);
        [told.used, told.missing, told.beyond].map(|list| list.join(" "))
    }

    #[test]
    fn one_name_of_each_right_is_enough_and_every_other_is_too_much() {
        let needed: &[&[&str]] =
            &[&["ServiceHealth.Read.All"], &["Sites.Selected", "Sites.Read.All"]];
        assert_eq!(
            lists(needed, &["servicehealth.read.all", "Sites.Read.All"]),
            ["ServiceHealth.Read.All Sites.Read.All", "", ""]
        );
        assert_eq!(
            lists(needed, &["Sites.Selected", "Sites.Read.All", "User.ReadWrite.All"]),
            ["Sites.Selected", "ServiceHealth.Read.All", "Sites.Read.All User.ReadWrite.All"]
        );
        assert_eq!(lists(&[], &[]), ["", "", ""]);
        assert_eq!(lists(&[], &["a\u{202e}b"])[2], "ab", "the vendor's text is cleaned");
    }

    #[test]
    fn reads_the_roles_of_a_token_and_nothing_that_is_none() {
        let token = |claims: &str| {
            SecretString::from(format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims)))
        };
        let of = |claims: &str| roles_of(&token(claims));
        assert_eq!(of(r#"{"aud":"g","roles":["A.Read.All"]}"#), Some(vec!["A.Read.All".into()]));
        assert_eq!(of(r#"{"aud":"g"}"#), Some(vec![]));
        for none in [r#"{"roles":"A"}"#, r#"{"roles":[1]}"#, "{}", "[]", "x"] {
            assert_eq!(of(none), None, "{none}");
        }
        for opaque in ["", "a", "a.b", "a.!.c", "\u{e9}.\u{e9}"] {
            assert_eq!(roles_of(&SecretString::from(opaque)), None, "{opaque}");
        }
    }
}
