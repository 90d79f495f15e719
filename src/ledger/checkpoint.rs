//! Signed checkpoints: the head of the chain, vouched for by a key, written where the host's owner
//! says, so that a chain which was cut or begun anew is found out.

use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePublicKey};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ledger::chain::hex;
use crate::model::text::Clean;

/// Why a key cannot be used. Never holds the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadKey(&'static str);

/// The head of the chain at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Number of the newest entry.
    pub number: u64,
    /// Its hash.
    pub hash: Clean,
    /// When it was signed.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Ed25519 over `caretaker-checkpoint-1\n<number>\n<hash>\n<at>\n`, in hex.
    pub signature: Clean,
}

fn message(number: u64, hash: &str, at: Timestamp) -> String {
    format!("caretaker-checkpoint-1\n{number}\n{hash}\n{at}\n")
}

/// Signs checkpoints. `Debug` never shows the key.
pub struct Signer(SigningKey);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer(..)")
    }
}

impl Signer {
    /// From a private key as `openssl genpkey -algorithm ed25519` writes it (PKCS #8, PEM).
    ///
    /// # Errors
    /// When it is none.
    pub fn from_pem(pem: &str) -> Result<Self, BadKey> {
        SigningKey::from_pkcs8_pem(pem.trim()).map(Self).map_err(|_| {
            BadKey(
                "not an Ed25519 private key in PEM: make one with `openssl genpkey -algorithm ed25519`",
            )
        })
    }

    /// The public half, for whoever verifies.
    ///
    /// # Errors
    /// Never in practice: encoding a key that exists.
    pub fn public_pem(&self) -> Result<String, BadKey> {
        self.0
            .verifying_key()
            .to_public_key_pem(ed25519_dalek::pkcs8::spki::der::pem::LineEnding::LF)
            .map_err(|_| BadKey("the public key cannot be written"))
    }

    /// Signs the head of the chain.
    #[must_use]
    pub fn sign(&self, number: u64, hash: &str, at: Timestamp) -> Checkpoint {
        let signature = self.0.sign(message(number, hash, at).as_bytes());
        Checkpoint {
            number,
            hash: Clean::new(hash),
            at,
            signature: Clean::new(&hex(&signature.to_bytes())),
        }
    }
}

/// Verifies checkpoints.
#[derive(Debug, Clone)]
pub struct Verifier(VerifyingKey);

impl Verifier {
    /// From a public key (SPKI, PEM).
    ///
    /// # Errors
    /// When it is none.
    pub fn from_pem(pem: &str) -> Result<Self, BadKey> {
        VerifyingKey::from_public_key_pem(pem.trim())
            .map(Self)
            .map_err(|_| BadKey("not an Ed25519 public key in PEM"))
    }

    /// Whether this key signed `checkpoint`.
    #[must_use]
    pub fn vouches(&self, checkpoint: &Checkpoint) -> bool {
        let Some(bytes) = unhex(checkpoint.signature.as_str()) else { return false };
        let text = message(checkpoint.number, checkpoint.hash.as_str(), checkpoint.at);
        self.0.verify_strict(text.as_bytes(), &Signature::from_bytes(&bytes)).is_ok()
    }
}

fn unhex(text: &str) -> Option<[u8; 64]> {
    let mut out = [0_u8; 64];
    if text.len() != 128 || !text.is_ascii() {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(out)
}
