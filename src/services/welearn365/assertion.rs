//! The signed assertion by which a token is asked for with a certificate: PS256 over the header
//! `x5t#S256` and the claims that Microsoft's page on certificate credentials names.
//!
//! The credential is one PEM text: the RSA private key, not encrypted, and the certificate, in any
//! order, further certificates of its chain among them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, crypto};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::{Digest, Sha256};
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::model::calendar::london;
use crate::model::health::Reason;
use crate::model::ids::CredentialName;
use crate::services::answer::Trouble;

/// What is sent as `client_assertion_type` (RFC 7523).
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How long an assertion may be used, in seconds: Microsoft's page says five to ten minutes. Ten,
/// because our clock may be slow.
const LIFETIME_S: i64 = 600;
/// More PEM blocks than a key and a chain have.
const MOST_BLOCKS: usize = 16;
/// Longer than a key and a chain are.
const LONGEST: usize = 128 * 1024;

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    nbf: i64,
    iat: i64,
    exp: i64,
}

/// An assertion of `client` for the token address `audience`, valid for ten minutes.
pub(super) fn sign(
    credential: &SecretString,
    name: &CredentialName,
    client: &str,
    audience: &str,
    now: Timestamp,
) -> Result<SecretString, Trouble> {
    let refuse = |why: &str| {
        Trouble::new(
            Reason::Unauthorised,
            format!(
                "the credential `{name}` {why}: store the certificate and its RSA private key, not \
                 encrypted, as one PEM text"
            ),
        )
    };
    let blocks = blocks(credential.expose_secret()).map_err(&refuse)?;
    let key = private_key(&blocks).map_err(&refuse)?;
    let der = certificate_of(&blocks, &key).map_err(&refuse)?;
    in_force(&der, name, now)?;

    let mut header = Header::new(Algorithm::PS256);
    header.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(Sha256::digest(&der)));
    let iat = now.as_second();
    let claims = Claims {
        aud: audience,
        iss: client,
        sub: client,
        jti: uuid::Uuid::new_v4().to_string(),
        nbf: iat,
        iat,
        exp: iat + LIFETIME_S,
    };
    jsonwebtoken::encode(&header, &claims, &key)
        .map(SecretString::from)
        .map_err(|_| refuse("is refused by the signing library"))
}

/// One block of a PEM text: what it calls itself, and what stands between its two lines.
struct Block<'a> {
    label: &'a str,
    inside: &'a str,
}

impl Block<'_> {
    /// Itself as a PEM text of one block in lines, whatever became of its line ends: a credential
    /// store may hold one line only, with spaces, `\n` or nothing where they were.
    fn pem(&self) -> SecretString {
        let mut out = format!("-----BEGIN {}-----", self.label);
        let plain = self.inside.split("\\n").flat_map(str::chars);
        for (i, c) in plain.filter(|c| !c.is_whitespace()).enumerate() {
            if i % 64 == 0 {
                out.push('\n');
            }
            out.push(c);
        }
        out.push_str(&format!("\n-----END {}-----\n", self.label));
        SecretString::from(out)
    }
}

fn blocks(text: &str) -> Result<Vec<Block<'_>>, &'static str> {
    if text.len() > LONGEST {
        return Err("is longer than a key and a certificate");
    }
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((_, block)) = rest.split_once("-----BEGIN ") {
        let Some((label, block)) = block.split_once("-----") else {
            return Err("holds a broken PEM block");
        };
        let Some((inside, after)) = block.split_once(&format!("-----END {label}-----")) else {
            return Err("holds a PEM block without its end");
        };
        if out.len() >= MOST_BLOCKS {
            return Err("holds too many PEM blocks");
        }
        out.push(Block { label, inside });
        rest = after;
    }
    Ok(out)
}

fn private_key(blocks: &[Block<'_>]) -> Result<EncodingKey, &'static str> {
    let mut keys = blocks.iter().filter(|b| b.label.ends_with("PRIVATE KEY"));
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err("does not hold exactly one private key");
    };
    match key.label {
        "ENCRYPTED PRIVATE KEY" => return Err("holds a private key that is encrypted"),
        "PRIVATE KEY" | "RSA PRIVATE KEY" => {}
        _ => return Err("holds a private key that is not RSA"),
    }
    if key.inside.contains("Proc-Type:") {
        return Err("holds a private key that is encrypted");
    }
    EncodingKey::from_rsa_pem(key.pem().expose_secret().as_bytes())
        .map_err(|_| "holds a private key that cannot be read as RSA")
}

/// The certificate (DER) whose key is `key`: the one by which a signature of it is verified.
fn certificate_of(blocks: &[Block<'_>], key: &EncodingKey) -> Result<Vec<u8>, &'static str> {
    const PROBE: &[u8] = b"whose key is it";
    let signature = crypto::sign(PROBE, key, Algorithm::PS256)
        .map_err(|_| "holds a private key of a size that cannot sign (2048 to 4096 bits can)")?;
    let mut seen = false;
    for block in blocks.iter().filter(|b| b.label == "CERTIFICATE") {
        seen = true;
        let (_, pem) = parse_x509_pem(block.pem().expose_secret().as_bytes())
            .map_err(|_| "holds a certificate that cannot be read")?;
        let (_, certificate) = X509Certificate::from_der(&pem.contents)
            .map_err(|_| "holds a certificate that cannot be read")?;
        let public = &certificate.public_key().subject_public_key.data;
        let public = DecodingKey::from_rsa_der(public);
        if crypto::verify(&signature, PROBE, &public, Algorithm::PS256).unwrap_or(false) {
            return Ok(pem.contents);
        }
    }
    Err(if seen { "holds a certificate of another key" } else { "holds no certificate" })
}

fn in_force(der: &[u8], name: &CredentialName, now: Timestamp) -> Result<(), Trouble> {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return Err(Trouble::new(Reason::Unauthorised, "the certificate cannot be read"));
    };
    let validity = certificate.validity();
    let day = |second: i64| {
        Timestamp::from_second(second).map_or_else(
            |_| "an unknown day".to_owned(),
            |at| at.to_zoned_datetime(london()).strftime("%-d %B %Y").to_string(),
        )
    };
    let (from, until) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    let why = match now.as_second() {
        at if at > until => format!(
            "the certificate `{name}` of our app ended on {}: make a new one, let an administrator \
             of the tenant upload it, and store it with `caretaker secret set {name}`",
            day(until)
        ),
        at if at < from => format!(
            "the certificate `{name}` of our app begins on {}: is this host's clock right?",
            day(from)
        ),
        _ => return Ok(()),
    };
    Err(Trouble::new(Reason::Unauthorised, why))
}
