//! Writing to the invented directory: what was delegated, all of a change or nothing.

use std::collections::BTreeMap;
use std::sync::Mutex;

use jiff::Timestamp;

use crate::simulators::directory::ber::{elements, number};
use crate::simulators::directory::people::{DOMAIN, Entry, ticks};
use crate::simulators::directory::query::decimal;
use crate::simulators::directory::{Answer, Controller, Talk, message, result_of};
use crate::simulators::fault::Fault;
use crate::simulators::stage::lock;

/// The fewest characters of a password.
const SHORTEST: usize = 8;

pub(in crate::simulators) type Attributes = BTreeMap<String, Vec<Vec<u8>>>;

/// When an account was switched on or off.
type Switched = Vec<(Timestamp, bool)>;

/// What was written since the start, by the id of the object.
#[derive(Default)]
pub(in crate::simulators) struct Written {
    of: Mutex<BTreeMap<Vec<u8>, Attributes>>,
    changes: Mutex<i64>,
    /// When an account was disabled or enabled, the oldest first.
    switched: Mutex<BTreeMap<Vec<u8>, Switched>>,
}

impl Written {
    /// The attributes of an object that were written to.
    pub(super) fn to(&self, guid: &[u8]) -> Attributes {
        lock(&self.of).get(guid).cloned().unwrap_or_default()
    }

    /// The values of an attribute that was written to.
    pub(super) fn values(&self, guid: &[u8], name: &str) -> Option<Vec<Vec<u8>>> {
        lock(&self.of).get(guid)?.get(name).cloned()
    }

    /// Whether an account that was ever switched was disabled at `at`; of one that was switched only
    /// later, what it was before is not kept.
    pub(in crate::simulators) fn disabled_as_of(&self, guid: &[u8], at: Timestamp) -> Option<bool> {
        let switched = lock(&self.switched);
        switched.get(guid)?.iter().rev().find(|(then, _)| *then <= at).map(|(_, off)| *off)
    }

    /// Keeps what was written to the object of this id at `at`.
    pub(in crate::simulators) fn put(&self, guid: &[u8], values: Attributes, at: Timestamp) {
        if let Some(flags) = values.get("userAccountControl").and_then(|v| v.first()) {
            let off = decimal(flags).is_some_and(|f| f & 2 != 0);
            lock(&self.switched).entry(guid.to_vec()).or_default().push((at, off));
        }
        let mut changes = lock(&self.changes);
        *changes += 1;
        let mut of = lock(&self.of);
        let own = of.entry(guid.to_vec()).or_default();
        own.extend(values);
        own.insert("uSNChanged".to_owned(), vec![(5_000 + *changes).to_string().into_bytes()]);
    }
}

/// The bytes of an id in its text form.
pub(super) fn guid_bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| *c != '-')
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks(2).map(|p| p.iter().fold(0, |n, d| n << 4 | d)).collect();
    const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    (bytes.len() == 16).then(|| ORDER.iter().filter_map(|at| bytes.get(*at).copied()).collect())
}

/// One part of a change as it was sent.
struct Part {
    operation: i64,
    attribute: String,
    values: Vec<Vec<u8>>,
}

fn parts(content: &[u8]) -> Option<(String, Vec<Part>)> {
    let outer = elements(content)?;
    let [(_, dn), (_, list)] = outer.as_slice() else { return None };
    let part = |content: &[u8]| {
        let both = elements(content)?;
        let [(_, operation), (_, attribute)] = both.as_slice() else { return None };
        let inner = elements(attribute)?;
        let [(_, name), (_, values)] = inner.as_slice() else { return None };
        Some(Part {
            operation: number(operation),
            attribute: std::str::from_utf8(name).ok()?.to_owned(),
            values: elements(values)?.into_iter().map(|(_, v)| v.to_vec()).collect(),
        })
    };
    let list = elements(list)?.into_iter().map(|(_, c)| part(c)).collect::<Option<_>>()?;
    Some((std::str::from_utf8(dn).ok()?.to_owned(), list))
}

/// Why a write is refused: code and text.
type No = (u32, &'static str);

const NO_RIGHT: No =
    (50, "00002098: SecErr: DSID-03150F94, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0");
const NO_VALUE: No =
    (16, "00002085: AtrErr: DSID-03152395, #1: problem 1001 (NO_ATTRIBUTE_OR_VAL)");
const A_VALUE: No = (20, "00002083: AtrErr: DSID-031519F7, #1: problem 1006 (ATT_OR_VALUE_EXISTS)");
const A_MEMBER: No = (68, "00000562: UpdErr: DSID-031A11E2, problem 6005 (ENTRY_EXISTS), data 0");
const NO_MEMBER: No = (53, "00000561: SvcErr: DSID-031A1236, problem 5003 (WILL_NOT_PERFORM)");
const UNWILLING: No =
    (53, "0000001F: SvcErr: DSID-031A129B, problem 5003 (WILL_NOT_PERFORM), data 0");
const TOO_SIMPLE: No =
    (19, "0000052D: AtrErr: DSID-03191083, #1: problem 1005 (CONSTRAINT_ATT_TYPE)");
const NO_OBJECT: No = (32, "0000208D: NameErr: DSID-03100245, problem 2001 (NO_OBJECT), data 0");

/// What a change makes of an entry, and what that is in words.
struct Outcome {
    values: Attributes,
    effects: Vec<String>,
}

impl Controller {
    /// Answers a modification; the faults of `welearn365.ad_write` are put on it.
    pub(super) async fn modify(&self, talk: &Talk, id: u32, content: &[u8]) -> Option<Answer> {
        let (fault, waits) = self.stage.write_comes("welearn365.ad_write");
        if fault == Some(Fault::Down) {
            return None;
        }
        if let Some(Fault::Slow(ms)) = fault {
            tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
        }
        self.stage.may_write(waits).await;
        let (code, why) = match fault {
            Some(Fault::Empty200) => (0, ""),
            Some(Fault::Unauthorised) => NO_RIGHT,
            Some(Fault::Throttled(_)) => (51, "00002095: SvcErr: busy"),
            Some(Fault::ErrorInside200) => (80, "00002024: SvcErr: DSID-02080490"),
            _ => self.written(talk, content).err().unwrap_or((0, "")),
        };
        let mut bytes = message(id, &result_of(0x67, code, why), None);
        let half = matches!(fault, Some(Fault::HalfSent | Fault::Truncated));
        if half {
            bytes.truncate(bytes.len() / 2);
        }
        Some(Answer { bytes, goes_on: !half })
    }

    fn written(&self, talk: &Talk, content: &[u8]) -> Result<(), No> {
        let (dn, parts) = parts(content).ok_or((2, "00000057: LdapErr: Error decoding"))?;
        if !talk.may_write {
            return Err(NO_RIGHT);
        }
        let dn = dn.to_lowercase();
        let entry = match dn.starts_with("<guid=") {
            true => self.by_id(&dn),
            false => self.everything().find(|e| e.dn.to_lowercase() == dn),
        };
        let entry = entry.ok_or(NO_OBJECT)?;
        if entry.is_protected() {
            return Err(NO_RIGHT);
        }
        let Some([guid]) = entry.values("objectGUID").get(..1) else { return Err(NO_RIGHT) };
        let outcome = self.outcome(&entry, &parts)?;
        self.stage.written.put(guid, outcome.values, self.stage.now());
        for effect in outcome.effects {
            self.stage.effect(effect);
        }
        Ok(())
    }

    fn outcome(&self, entry: &Entry, parts: &[Part]) -> Result<Outcome, No> {
        let is_group = entry.dn.ends_with(&format!("OU=Groups,{DOMAIN}"));
        let login = entry.text("sAMAccountName").to_owned();
        let mut out = Outcome { values: Attributes::new(), effects: Vec::new() };
        for part in parts {
            let value = part.values.first().cloned().unwrap_or_default();
            match part.attribute.as_str() {
                "member" if is_group => self.member(entry, part, &mut out)?,
                "unicodePwd" if !is_group && part.operation == 2 => {
                    let password = password(&value).ok_or(UNWILLING)?;
                    if password.chars().count() < SHORTEST {
                        return Err(TOO_SIMPLE);
                    }
                    // Two resets within one tick of the clock are told apart all the same.
                    let now = ticks(self.stage.now().as_second())
                        .max(entry.text("pwdLastSet").parse().unwrap_or(0) + 1);
                    out.values.insert("pwdLastSet".into(), vec![now.to_string().into_bytes()]);
                    out.effects.push(format!("ad password {login}"));
                }
                "pwdLastSet" if !is_group => {
                    if value != b"0" {
                        return Err((80, "0000209A: SvcErr: only 0 is played"));
                    }
                    out.values.insert("pwdLastSet".into(), vec![value]);
                    out.effects.push(format!("ad must change {login}"));
                }
                name @ ("userAccountControl" | "lockoutTime") if !is_group => {
                    let known = entry.values(name).to_vec();
                    let pending = out.values.get(name).cloned().unwrap_or(known);
                    let next = single(&pending, part)?;
                    out.values.insert(name.to_owned(), next);
                }
                _ => return Err(NO_RIGHT),
            }
        }
        self.in_words(entry, &login, &mut out)?;
        Ok(out)
    }

    fn in_words(&self, entry: &Entry, login: &str, out: &mut Outcome) -> Result<(), No> {
        let number = |values: &[Vec<u8>]| decimal(values.first()?);
        if let Some(next) = out.values.get("userAccountControl") {
            let (old, new) = (number(entry.values("userAccountControl")), number(next));
            let new = new.ok_or(UNWILLING)?;
            let word = match (old.unwrap_or_default() & 2, new & 2) {
                (0, 2) => "disable",
                (2, 0) => "enable",
                _ => "flags",
            };
            out.effects.push(format!("ad {word} {login}"));
        }
        if let Some(next) = out.values.get("lockoutTime") {
            if number(next) != Some(0) {
                return Err(UNWILLING);
            }
            out.effects.push(format!("ad unlock {login}"));
        }
        Ok(())
    }

    fn member(&self, group: &Entry, part: &Part, out: &mut Outcome) -> Result<(), No> {
        let mut members =
            out.values.get("member").cloned().unwrap_or_else(|| group.values("member").to_vec());
        let name = group.dn.split(',').next().unwrap_or_default().trim_start_matches("CN=");
        for value in &part.values {
            let dn = String::from_utf8_lossy(value).to_lowercase();
            let account = self.everything().find(|e| e.dn.to_lowercase() == dn).ok_or(NO_OBJECT)?;
            let login = account.text("sAMAccountName");
            let at = members.iter().position(|m| m.eq_ignore_ascii_case(value));
            match (part.operation, at) {
                (0, None) => {
                    members.push(account.dn.clone().into_bytes());
                    out.effects.push(format!("ad join {name}: {login}"));
                }
                (0, Some(_)) => return Err(A_MEMBER),
                (1, Some(at)) => {
                    members.remove(at);
                    out.effects.push(format!("ad leave {name}: {login}"));
                }
                (1, None) => return Err(NO_MEMBER),
                _ => return Err(NO_RIGHT),
            }
        }
        out.values.insert("member".into(), members);
        Ok(())
    }
}

/// A single-valued attribute after one part of a change.
fn single(known: &[Vec<u8>], part: &Part) -> Result<Vec<Vec<u8>>, No> {
    let [value] = part.values.as_slice() else { return Err(UNWILLING) };
    match part.operation {
        0 if known.is_empty() => Ok(vec![value.clone()]),
        0 => Err(A_VALUE),
        1 if known.contains(value) => Ok(Vec::new()),
        1 => Err(NO_VALUE),
        2 => Ok(vec![value.clone()]),
        _ => Err(UNWILLING),
    }
}

/// The password in a value of `unicodePwd`: UTF-16 with the low byte first, in quotes.
fn password(value: &[u8]) -> Option<String> {
    let units: Vec<u16> = value
        .chunks(2)
        .map(|c| c.try_into().ok().map(u16::from_le_bytes))
        .collect::<Option<_>>()?;
    let text = String::from_utf16(&units).ok()?;
    Some(text.strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_in_quotes_and_utf16() {
        let utf16 =
            |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
        assert_eq!(password(&utf16("\"Zoë\"")).as_deref(), Some("Zoë"));
        assert_eq!(password(&utf16("Zoe")), None);
        assert_eq!(password(b"\"Zoe\""), None);
    }

    #[test]
    fn an_id_is_read_from_its_text() {
        let bytes: Vec<u8> = (1..=16).collect();
        assert_eq!(guid_bytes("04030201-0605-0807-090a-0b0c0d0e0f10"), Some(bytes));
        assert_eq!(guid_bytes("0403"), None);
    }
}
