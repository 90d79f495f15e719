//! Passwords: made from the system's random source, readable where somebody has to read them, and
//! written as the directory takes them.
//!
//! Invariant: a password is wiped when it is dropped, and stands in no message.

use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

use crate::ports::chance::{Entropy, NoChance};

/// Letters that are not taken for others when read aloud or typed from paper.
const CONSONANTS: &[u8] = b"bdfghjkmnprstvwz";
const VOWELS: &[u8] = b"aeu";
const DIGITS: &[u8] = b"2345679";
/// For passwords that nobody reads.
const ANY: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789!#%+-_=";
/// Characters of a password that nobody reads.
const UNSEEN: usize = 40;
/// Tries until a password holds no part of the account's name.
const TRIES: usize = 100;

/// Picks from `of`, each as likely as the other.
fn pick(entropy: &dyn Entropy, of: &[u8]) -> Result<char, NoChance> {
    let many = of.len();
    let fair = 256 - 256 % many;
    loop {
        let mut byte = [0_u8; 1];
        entropy.fill(&mut byte)?;
        let n = usize::from(byte[0]);
        if n < fair
            && let Some(found) = of.get(n % many)
        {
            return Ok(char::from(*found));
        }
    }
}

/// A password that is read once and typed: `Rubu-7429-fega-tamu-nuhe`, with letters of both sizes,
/// digits and a sign, some 60 bits, and none of `names` in it.
///
/// # Errors
/// When the system has no random bytes to give.
pub fn readable(entropy: &dyn Entropy, names: &[&str]) -> Result<SecretString, NoChance> {
    for _ in 0..TRIES {
        let mut out = Zeroizing::new(String::with_capacity(32));
        for group in 0..6 {
            if group > 0 {
                out.push('-');
            }
            if group == 1 {
                for _ in 0..4 {
                    out.push(pick(entropy, DIGITS)?);
                }
                continue;
            }
            for (n, of) in [CONSONANTS, VOWELS, CONSONANTS, VOWELS].into_iter().enumerate() {
                let c = pick(entropy, of)?;
                out.push(if group == 0 && n == 0 { c.to_ascii_uppercase() } else { c });
            }
        }
        if !holds_a_name(&out, names) {
            return Ok(SecretString::from(out.as_str()));
        }
    }
    Err(NoChance("no password without a part of the account's name came of it".to_owned()))
}

/// A password that nobody sees.
///
/// # Errors
/// When the system has no random bytes to give.
pub fn unseen(entropy: &dyn Entropy) -> Result<SecretString, NoChance> {
    // One of each kind in front, so that no rule of the domain's refuses it.
    let mut out = Zeroizing::new("Qz4-".to_owned());
    for _ in 0..UNSEEN {
        out.push(pick(entropy, ANY)?);
    }
    Ok(SecretString::from(out.as_str()))
}

/// Whether a part of a name stands in it, which a domain refuses: parts of three letters and more.
fn holds_a_name(password: &str, names: &[&str]) -> bool {
    let plain = Zeroizing::new(password.to_lowercase());
    let parts = names.iter().flat_map(|n| n.split(|c: char| !c.is_alphanumeric()));
    let long = parts.filter(|p| p.chars().count() >= 3);
    long.map(str::to_lowercase).any(|part| plain.contains(&part))
}

/// As `unicodePwd` takes it: in quotes, UTF-16 with the low byte first (MS-ADTS 3.1.1.3.1.5).
#[must_use]
pub fn encoded(password: &str) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(4 + 2 * password.len()));
    let quote = std::iter::once('"');
    let mut unit = [0_u16; 2];
    for c in quote.clone().chain(password.chars()).chain(quote) {
        for part in c.encode_utf16(&mut unit) {
            out.extend_from_slice(&part.to_le_bytes());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Bytes that look random and are not.
    struct Counted(AtomicU64);

    impl Entropy for Counted {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), NoChance> {
            for byte in bytes {
                let n = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst).to_be_bytes();
                *byte = n[0] ^ n[4];
            }
            Ok(())
        }
    }

    struct Empty;

    impl Entropy for Empty {
        fn fill(&self, _: &mut [u8]) -> Result<(), NoChance> {
            Err(NoChance("none".into()))
        }
    }

    #[test]
    fn a_password_is_readable_and_meets_what_domains_ask_for() {
        let entropy = Counted(AtomicU64::new(7));
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let made = readable(&entropy, &["z.pupil"]).unwrap();
            let text = made.expose_secret();
            assert_eq!(text.len(), 29, "{text}");
            assert!(text.contains(|c: char| c.is_ascii_uppercase()));
            assert!(text.contains(|c: char| c.is_ascii_lowercase()));
            assert!(text.contains(|c: char| c.is_ascii_digit()) && text.contains('-'));
            assert!(!text.contains(['l', 'I', 'O', '0', '1', 'o', 'i']), "{text}");
            assert!(seen.insert(text.to_owned()), "twice the same");
            let unseen = unseen(&entropy).unwrap();
            assert!(unseen.expose_secret().len() == UNSEEN + 4);
            assert!(seen.insert(unseen.expose_secret().to_owned()));
        }
        assert!(readable(&Empty, &[]).is_err() && unseen(&Empty).is_err());
    }

    #[test]
    fn no_part_of_a_name_stands_in_it() {
        assert!(holds_a_name("Rubu-7429-fega", &["O'Brien, Fega"]));
        assert!(holds_a_name("Rubu-7429-fega", &["x.RUBU"]));
        assert!(!holds_a_name("Rubu-7429-fega", &["fe.ru", "", "tomr"]));
    }

    #[test]
    fn it_is_written_in_quotes_and_two_bytes_a_letter() {
        assert_eq!(encoded("aé").as_slice(), b"\"\0a\0\xe9\0\"\0");
        assert_eq!(encoded("\u{1f511}").as_slice(), b"\"\0\x3d\xd8\x11\xdd\"\0");
    }
}
