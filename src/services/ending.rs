//! When a credential ends: on a date that the desk knows, or that stands in the credential itself
//! (a certificate, a JWK, a signed token).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jiff::civil::Date;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::model::calendar::london_date;
use crate::model::observation::Verdict;

/// From so many days on it is a warning.
pub(super) const SOON: i32 = 30;
/// From so many days on it is said loudly.
const NEAR: i32 = 7;
/// From so many days on it is critical.
const LAST: i32 = 1;
const BEGIN_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";
const END_CERTIFICATE: &str = "-----END CERTIFICATE-----";
/// Blocks or keys of one credential that are read.
const PARTS: usize = 32;

/// How a date is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It stands in the configuration.
    Config,
    /// It is the end of a certificate in the credential.
    Certificate,
    /// It stands in a JWK or a signed token.
    Token,
}

impl Known {
    /// In words, for evidence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Config => "by credentials.expires",
            Self::Certificate => "by its certificate",
            Self::Token => "by the token itself",
        }
    }
}

/// When a credential ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// The day in London.
    pub day: Date,
    /// The moment, where one is known; else any moment of the day may be its last.
    pub at: Option<Timestamp>,
    /// How it is known.
    pub known: Known,
}

/// How near an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// More than 30 days.
    Far,
    /// 8 to 30 days.
    Soon,
    /// 2 to 7 days.
    Near,
    /// Today or tomorrow.
    Last,
    /// It has ended.
    Over,
}

impl Ending {
    /// On a day that the configuration gives.
    #[must_use]
    pub fn on(day: Date) -> Self {
        Self { day, at: None, known: Known::Config }
    }

    fn at(at: Timestamp, known: Known) -> Self {
        Self { day: london_date(at), at: Some(at), known }
    }

    /// Whole days from today to its last day; negative if that is past.
    #[must_use]
    pub fn days_left(&self, now: Timestamp) -> i32 {
        (self.day - london_date(now)).get_days()
    }

    /// How near it is.
    #[must_use]
    pub fn stage(&self, now: Timestamp) -> Stage {
        let days = self.days_left(now);
        if days < 0 || self.at.is_some_and(|at| at <= now) {
            return Stage::Over;
        }
        if days <= LAST {
            Stage::Last
        } else if days <= NEAR {
            Stage::Near
        } else if days <= SOON {
            Stage::Soon
        } else {
            Stage::Far
        }
    }

    /// `Sun 31 Jan 2027`.
    #[must_use]
    pub fn day_words(&self) -> String {
        self.day.strftime("%a %-d %b %Y").to_string()
    }
}

impl Stage {
    /// What it means for the check.
    pub(super) fn verdict(self) -> Verdict {
        match self {
            Self::Far => Verdict::Ok,
            Self::Soon | Self::Near => Verdict::Warning,
            Self::Last | Self::Over => Verdict::Critical,
        }
    }
}

/// What a look into a credential found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// It ends.
    Ends(Ending),
    /// No date stands in it.
    NoDate,
    /// It looks as if a date stood in it, which cannot be read.
    Unreadable(&'static str),
    /// No store gave it, or none in time; the sentence says what each said.
    NotHad(String),
}

/// The earliest end that stands in a credential.
#[must_use]
pub fn look_into(value: &SecretString) -> Looked {
    let text = value.expose_secret().trim();
    if text.contains(BEGIN_CERTIFICATE) {
        return certificates(text);
    }
    if text.starts_with('{') {
        return match serde_json::from_str::<Value>(text) {
            Ok(document) => keys(&document),
            Err(_) => Looked::NoDate,
        };
    }
    match text.split('.').collect::<Vec<_>>().as_slice() {
        [head, claims, _] if head.starts_with("eyJ") => {
            let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok();
            match claims.and_then(|c| serde_json::from_slice::<Value>(&c).ok()) {
                Some(claims) => earliest(vec![expiry(&claims)]),
                None => Looked::NoDate,
            }
        }
        _ => Looked::NoDate,
    }
}

fn certificates(text: &str) -> Looked {
    // The line ends of a PEM text may have become spaces on its way into a keyring.
    let each = text.split(BEGIN_CERTIFICATE).skip(1).take(PARTS).map(|rest| {
        let unreadable = Looked::Unreadable("its PEM cannot be read");
        let Some((body, _)) = rest.split_once(END_CERTIFICATE) else { return unreadable };
        let body: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        STANDARD.decode(body).map_or(unreadable, |der| certificate(&der))
    });
    earliest(each.collect())
}

fn certificate(der: &[u8]) -> Looked {
    let unreadable = Looked::Unreadable("its certificate cannot be read");
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return unreadable };
    let end = certificate.validity().not_after.timestamp();
    match Timestamp::from_second(end) {
        Ok(at) => Looked::Ends(Ending::at(at, Known::Certificate)),
        Err(_) => unreadable,
    }
}

/// A JWK or a set of them: `exp`, and the certificates of `x5c`.
fn keys(document: &Value) -> Looked {
    let set = document.get("keys").and_then(Value::as_array);
    let keys: Vec<&Value> = match set {
        Some(set) => set.iter().take(PARTS).collect(),
        None => vec![document],
    };
    let mut found = Vec::new();
    for key in keys {
        found.push(expiry(key));
        for chain in key.get("x5c").and_then(Value::as_array).into_iter().flatten().take(PARTS) {
            let der = chain.as_str().and_then(|text| STANDARD.decode(text).ok());
            found.push(match der {
                Some(der) => certificate(&der),
                None => Looked::Unreadable("its x5c cannot be read"),
            });
        }
    }
    earliest(found)
}

/// `exp`, in seconds since 1970 (RFC 7519, 4.1.4).
fn expiry(document: &Value) -> Looked {
    let Some(exp) = document.get("exp") else { return Looked::NoDate };
    // Beyond the year 2200 it is no number of seconds.
    let seconds = exp.as_f64().filter(|s| (0.0..7.3e9).contains(s));
    #[expect(clippy::cast_possible_truncation, reason = "its range was looked at")]
    let at = seconds.and_then(|s| Timestamp::from_second(s as i64).ok());
    match at {
        Some(at) => Looked::Ends(Ending::at(at, Known::Token)),
        None => Looked::Unreadable("its exp is not a time"),
    }
}

fn earliest(found: Vec<Looked>) -> Looked {
    let mut first: Option<Ending> = None;
    for looked in found {
        match looked {
            Looked::Ends(ending) => {
                first = Some(first.map_or(ending, |f| sooner(f, ending)));
            }
            Looked::NoDate => {}
            other @ (Looked::Unreadable(_) | Looked::NotHad(_)) => return other,
        }
    }
    first.map_or(Looked::NoDate, Looked::Ends)
}

/// The one that comes first.
pub(super) fn sooner(a: Ending, b: Ending) -> Ending {
    if (b.day, b.at) < (a.day, a.at) { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A certificate, PEM, that ends at noon of a day.
    fn pem(year: i32, month: u8, day: u8) -> String {
        let mut params = rcgen::CertificateParams::new(vec!["x.example".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(year, month, day);
        params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
    }

    fn ends(text: &str) -> String {
        match look_into(&SecretString::from(text)) {
            Looked::Ends(e) => format!("{} {:?}", e.at.unwrap(), e.known),
            other => format!("{other:?}"),
        }
    }

    fn token(claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", part(r#"{"alg":"RS256"}"#), part(claims), part("signature"))
    }

    #[test]
    fn finds_the_earliest_end_that_stands_in_a_credential() {
        let (near, far) = (pem(2027, 1, 31), pem(2029, 5, 1));
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        let spaced = format!("{key}{far}{near}").replace('\n', " ");
        for text in [near.clone(), format!("{key}{far}{near}"), format!("\n{near}{key}\n"), spaced]
        {
            assert_eq!(ends(&text), "2027-01-31T00:00:00Z Certificate");
        }
        let (_, block) = x509_parser::pem::parse_x509_pem(far.as_bytes()).unwrap();
        let der = STANDARD.encode(block.contents);
        let jwk = |rest: &str| format!(r#"{{"kty":"RSA","n":"x"{rest}}}"#);
        assert_eq!(ends(&jwk(r#","exp":1801353600"#)), "2027-01-31T00:00:00Z Token");
        let chain = format!(r#","x5c":["{der}"],"exp":1901353600"#);
        assert_eq!(ends(&jwk(&chain)), "2029-05-01T00:00:00Z Certificate");
        let set = format!(r#"{{"keys":[{},{}]}}"#, jwk(""), jwk(r#","exp":1801353600.7"#));
        assert_eq!(ends(&set), "2027-01-31T00:00:00Z Token");
        assert_eq!(ends(&token(r#"{"exp":1801353600}"#)), "2027-01-31T00:00:00Z Token");
    }

    #[test]
    fn a_plain_secret_has_no_date_and_a_damaged_one_is_said_to_be() {
        for plain in ["", "hunter2", "a.b.c", "{", r#"{"kty":"RSA"}"#, &token("{}"), "eyJ.x.y"] {
            assert_eq!(ends(plain), "NoDate", "{plain}");
        }
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        assert_eq!(ends(&key), "NoDate", "a key alone");
        let whole = pem(2027, 1, 31);
        let cut = whole.split("-----END").next().unwrap();
        let spoilt = whole.replace("MII", "MIJ");
        for odd in [
            cut,
            &spoilt,
            "-----BEGIN CERTIFICATE-----",
            r#"{"exp":"tomorrow"}"#,
            r#"{"exp":1801353600000}"#,
            r#"{"exp":-1}"#,
            r#"{"x5c":["!"]}"#,
            r#"{"x5c":[1]}"#,
            &token(r#"{"exp":null}"#),
        ] {
            assert!(ends(odd).starts_with("Unreadable"), "{odd}: {}", ends(odd));
        }
    }

    #[test]
    fn the_stages_begin_30_7_and_1_days_before() {
        let ending = Ending::on("2027-01-31".parse().unwrap());
        for (now, days, stage) in [
            ("2026-12-31T23:59:00Z", 31, Stage::Far),
            ("2027-01-01T00:00:00Z", 30, Stage::Soon),
            ("2027-01-23T12:00:00Z", 8, Stage::Soon),
            ("2027-01-24T00:00:00Z", 7, Stage::Near),
            ("2027-01-29T23:00:00Z", 2, Stage::Near),
            ("2027-01-30T00:00:00Z", 1, Stage::Last),
            ("2027-01-31T23:59:59Z", 0, Stage::Last),
            ("2027-02-01T00:00:00Z", -1, Stage::Over),
        ] {
            assert_eq!((ending.days_left(at(now)), ending.stage(at(now))), (days, stage), "{now}");
        }
        // Where the moment is known it is over from then on, not at the end of its day.
        let exact = Ending::at(at("2027-01-31T09:30:00Z"), Known::Certificate);
        assert_eq!(exact.stage(at("2027-01-31T09:29:59Z")), Stage::Last);
        assert_eq!(exact.stage(at("2027-01-31T09:30:00Z")), Stage::Over);
        // London's day, not Greenwich's: half past eleven in the summer is tomorrow.
        let summer = Ending::on("2027-06-30".parse().unwrap());
        assert_eq!(summer.stage(at("2027-06-30T23:30:00Z")), Stage::Over);
    }

    proptest::proptest! {
        /// Any text is looked into without a panic, and shows no more than a date.
        #[test]
        fn any_text_can_be_looked_into(text in ".{0,200}", cut in 0_usize..900) {
            drop(look_into(&SecretString::from(text.as_str())));
            let spoilt: String = pem(2027, 1, 31).chars().take(cut).chain(text.chars()).collect();
            drop(look_into(&SecretString::from(spoilt)));
            drop(look_into(&SecretString::from(token(&text))));
        }
    }
}
