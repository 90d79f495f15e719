//! The signed assertion by which RedAPI's token is asked for: RS256 with the service account's JWK
//! (RFC 7523; vendor's help article 1607).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use pkcs1::der::SecretDocument;
use pkcs1::{RsaPrivateKey, UintRef};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::model::health::Reason;
use crate::services::answer::Trouble;

/// How long an assertion may be used, in seconds.
const LIFETIME_S: i64 = 300;

/// A private key as the vendor's portal hands it out.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: String,
    n: String,
    e: String,
    d: SecretString,
    p: SecretString,
    q: SecretString,
    dp: SecretString,
    dq: SecretString,
    qi: SecretString,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// An assertion of `client_id` for the token endpoint `audience`, valid for five minutes.
pub(super) fn sign(
    jwk: &SecretString,
    client_id: &str,
    audience: &str,
    now: Timestamp,
) -> Result<SecretString, Trouble> {
    let jwk: Jwk = serde_json::from_str(jwk.expose_secret())
        .map_err(|_| refuse("is not a private JWK with kid, n, e, d, p, q, dp, dq and qi"))?;
    if jwk.kty != "RSA" {
        return Err(refuse("is not an RSA key"));
    }
    let der = der(&jwk).ok_or_else(|| refuse("holds numbers that cannot be read"))?;
    let key = EncodingKey::from_rsa_der(der.as_bytes());
    let header = Header { kid: Some(jwk.kid), ..Header::new(Algorithm::RS256) };
    let iat = now.as_second();
    let claims = Claims {
        iss: client_id,
        sub: client_id,
        aud: audience,
        jti: uuid::Uuid::new_v4().to_string(),
        iat,
        nbf: iat,
        exp: iat + LIFETIME_S,
    };
    jsonwebtoken::encode(&header, &claims, &key)
        .map(SecretString::from)
        .map_err(|_| refuse("is refused by the signing library"))
}

fn refuse(why: &str) -> Trouble {
    Trouble::new(
        Reason::Unauthorised,
        format!("Redstor's credential {why}; store the JWK file of the service account again"),
    )
}

/// The key in the form that the signing library reads.
fn der(jwk: &Jwk) -> Option<SecretDocument> {
    let number = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
    let secret = |text: &SecretString| number(text.expose_secret());
    let (n, e) = (number(&jwk.n)?, number(&jwk.e)?);
    let (d, p, q) = (secret(&jwk.d)?, secret(&jwk.p)?, secret(&jwk.q)?);
    let (dp, dq, qi) = (secret(&jwk.dp)?, secret(&jwk.dq)?, secret(&jwk.qi)?);
    let key = RsaPrivateKey {
        modulus: UintRef::new(&n).ok()?,
        public_exponent: UintRef::new(&e).ok()?,
        private_exponent: UintRef::new(&d).ok()?,
        prime1: UintRef::new(&p).ok()?,
        prime2: UintRef::new(&q).ok()?,
        exponent1: UintRef::new(&dp).ok()?,
        exponent2: UintRef::new(&dq).ok()?,
        coefficient: UintRef::new(&qi).ok()?,
        other_prime_infos: None,
    };
    SecretDocument::encode_msg(&key).ok()
}
