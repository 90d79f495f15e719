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
        optional: Vec::new(),
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
        optional: Vec::new(),
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

    fn service(key: &str) -> &'static crate::services::Service {
        crate::services::SERVICES.iter().find(|s| s.key == key).unwrap()
    }

    #[tokio::test]
    async fn microsofts_token_shows_what_our_app_may_do() {
        use crate::services::contract::{Bench, Play, Vendor};
        let vendor = Vendor::start().await;
        let bench =
            Bench::new(service("welearn365"), "2026-11-24T09:00:00Z").secret("welearn365", "s");
        let watch = bench.build(&format!(
            "tenant_id = 't'\nclient_id = 'c'\ngraph = {{ url = '{0}' }}\nlogin = {{ url = '{0}' }}",
            vendor.url
        ));
        let claims = r#"{"aud":"g","roles":["ServiceHealth.Read.All","User.ReadWrite.All"]}"#;
        let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
        let answer = |token: &str| {
            format!(r#"{{"token_type":"Bearer","expires_in":3600,"access_token":"{token}"}}"#)
        };
        vendor.on("/t/oauth2/v2.0/token", [Play::json(answer(&token))]);
        let told = watch.rights().await.remove(0);
        assert_eq!(told.beyond, ["User.ReadWrite.All"]);
        assert_eq!(told.missing, ["Organization.Read.All"]);
        assert_eq!(told.untold, None);
        assert!(told.optional[0].contains("no AuditLog.Read.All, which is optional"), "{told:?}");
        let claims = claims.replace("User.ReadWrite.All", "AuditLog.Read.All");
        let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
        vendor.on("/t/oauth2/v2.0/token", [Play::json(answer(&token))]);
        bench.clock.advance(3_600);
        let told = watch.rights().await.remove(0);
        assert!(told.beyond.is_empty() && told.optional.is_empty(), "{told:?}");
        // A token that shows nothing is no proof of anything.
        vendor.on("/t/oauth2/v2.0/token", [Play::json(answer("opaque"))]);
        bench.clock.advance(3_600);
        let told = watch.rights().await.remove(0);
        assert!(told.untold.unwrap().contains("cannot be told"));
    }

    #[tokio::test]
    async fn a_schools_scopes_are_compared_with_those_that_are_asked_for() {
        use crate::services::contract::{Bench, Play, Vendor};
        let vendor = Vendor::start().await;
        let bench = Bench::new(service("groupcall"), "2026-11-24T09:00:00Z")
            .school("9991234", &[])
            .secret("xod.9991234", "s");
        let watch = bench.build(&format!(
            "relying_party = 'r'\nxod = {{ url = '{0}' }}\nlogin = {{ url = '{0}/token' }}",
            vendor.url
        ));
        let token = r#"{"token":"t","expires":"2026-11-28T00:00:00Z"}"#;
        vendor.on("/token", [Play::json(token)]);
        let details = r#"{"Estab":"9991234","Expires":"2026-11-28T00:00:00Z",
            "Scopes":["School","Student","StudentExtended"]}"#;
        vendor.on("/TokenDetails", [Play::json(details)]);
        let told = watch.rights().await.remove(0);
        assert_eq!(told.credential.as_str(), "xod.9991234");
        assert_eq!(
            (told.beyond, told.missing),
            (vec!["StudentExtended".into()], vec!["Staff".into()])
        );
        vendor.on("/TokenDetails", [Play::json(r#"{"Scopes":"all"}"#)]);
        assert!(watch.rights().await.remove(0).untold.is_some());
    }

    #[tokio::test]
    async fn redstor_tells_scopes_by_one_api_and_nothing_by_the_other() {
        use crate::services::contract::{Bench, Play, Vendor};
        let vendor = Vendor::start().await;
        let jwk = include_str!("redstor/examples/jwk_made_for_tests.json");
        let bench = Bench::new(service("redstor"), "2026-11-24T09:00:00Z").secret("redstor", jwk);
        let watch = bench.build(&format!(
            "api = 'redapi'\nclient_id = 'c'\ncompany_id = 'co'\nredapi = {{ url = '{0}' }}\n\
             login = {{ url = '{0}/token' }}",
            vendor.url
        ));
        let answer = |scope: &str| {
            format!(
                r#"{{"token_type":"Bearer","expires_in":3600,"access_token":"t","scope":"{scope}"}}"#
            )
        };
        vendor.on("/token", [Play::json(answer("api.read api.write"))]);
        assert_eq!(watch.rights().await.remove(0).beyond, ["api.write"]);
        let storage = bench.build("api = 'storage_platform'\nuser = 'u'");
        assert!(storage.rights().await.remove(0).untold.unwrap().contains("administers"));
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
