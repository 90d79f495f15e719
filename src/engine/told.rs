//! The numbers and the evidence of an answer in one piece of memory, names as small numbers.

use std::collections::HashMap;

use crate::model::observation::{Fact, Number};
use crate::model::text::Clean;

/// Names that are told apart; there are some dozens of them, written in the connectors and in the
/// configuration. A name beyond that is kept in full.
const MAX_NAMES: usize = 4_096;
/// Places of the texts that come again and again.
const MAX_TEXTS: usize = 4_096;
/// Stands for a name that is kept in full.
const IN_FULL: u16 = u16::MAX;

/// Every name of a number or of a fact once, and the texts that were seen last.
#[derive(Debug, Default)]
pub(super) struct Names {
    all: Vec<Clean>,
    places: HashMap<Clean, u16>,
    /// By their hash; another text of the same place replaces the first.
    texts: Vec<Option<Clean>>,
}

impl Names {
    /// The number of `name`; none when too many are known.
    fn number(&mut self, name: &Clean) -> Option<u16> {
        if let Some(place) = self.places.get(name) {
            return Some(*place);
        }
        let place = u16::try_from(self.all.len()).ok().filter(|p| usize::from(*p) < MAX_NAMES)?;
        self.all.push(name.clone());
        self.places.insert(name.clone(), place);
        Some(place)
    }

    /// `text`, in the memory of an equal one if that was seen lately: most schools are well in the
    /// same words.
    pub(super) fn shared(&mut self, text: Clean) -> Clean {
        if self.texts.is_empty() {
            self.texts.resize(MAX_TEXTS, None);
        }
        let place = usize::try_from(hash(text.as_str())).unwrap_or(0) % MAX_TEXTS;
        let Some(known) = self.texts.get_mut(place) else { return text };
        match known {
            Some(same) if *same == text => same.clone(),
            _ => {
                *known = Some(text.clone());
                text
            }
        }
    }
}

/// FNV-1a: quick for short texts, and the same in every run.
fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |h, byte| (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// How many numbers in two bytes, the numbers, then facts to the end. Of each the name first: two
/// bytes, or [`IN_FULL`] and a text. A number is eight bytes, a text two of length and as many as
/// that. Nothing at all is no byte.
#[derive(Debug, Default)]
pub(super) struct Told(Box<[u8]>);

impl Told {
    pub(super) fn new(names: &mut Names, numbers: &[Number], evidence: &[Fact]) -> Self {
        if numbers.is_empty() && evidence.is_empty() {
            return Self::default();
        }
        let mut bytes = Vec::with_capacity(2 + numbers.len() * 10 + evidence.len() * 40);
        // More than sixty-five thousand numbers in one answer are none that a person reads.
        let count = u16::try_from(numbers.len()).unwrap_or(u16::MAX);
        bytes.extend_from_slice(&count.to_le_bytes());
        for number in numbers.iter().take(usize::from(count)) {
            put_name(names, &mut bytes, &number.name);
            bytes.extend_from_slice(&number.value.to_le_bytes());
        }
        for fact in evidence {
            put_name(names, &mut bytes, &fact.name);
            put_text(&mut bytes, &fact.value);
        }
        Self(bytes.into_boxed_slice())
    }

    /// As they were told.
    pub(super) fn unpacked(&self, names: &Names) -> (Vec<Number>, Vec<Fact>) {
        let (mut numbers, mut evidence) = (Vec::new(), Vec::new());
        let mut rest: &[u8] = &self.0;
        let count = take(&mut rest).map_or(0, u16::from_le_bytes);
        for _ in 0..count {
            let Some((name, value)) = take_name(names, &mut rest).zip(take::<8>(&mut rest)) else {
                break;
            };
            numbers.push(Number { name, value: f64::from_le_bytes(value) });
        }
        while let Some(name) = take_name(names, &mut rest) {
            let Some(value) = take_text(&mut rest) else { break };
            evidence.push(Fact { name, value });
        }
        (numbers, evidence)
    }
}

fn put_name(names: &mut Names, bytes: &mut Vec<u8>, name: &Clean) {
    match names.number(name) {
        Some(place) => bytes.extend_from_slice(&place.to_le_bytes()),
        None => {
            bytes.extend_from_slice(&IN_FULL.to_le_bytes());
            put_text(bytes, name);
        }
    }
}

/// A clean text is always short enough for two bytes of length.
fn put_text(bytes: &mut Vec<u8>, text: &Clean) {
    let text = text.as_str().as_bytes();
    let length = u16::try_from(text.len()).unwrap_or(0);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(text.get(..usize::from(length)).unwrap_or_default());
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*first)
}

fn take_name(names: &Names, rest: &mut &[u8]) -> Option<Clean> {
    match u16::from_le_bytes(take(rest)?) {
        IN_FULL => take_text(rest),
        place => names.all.get(usize::from(place)).cloned(),
    }
}

fn take_text(rest: &mut &[u8]) -> Option<Clean> {
    let length = usize::from(u16::from_le_bytes(take(rest)?));
    let (text, after) = rest.split_at_checked(length)?;
    *rest = after;
    std::str::from_utf8(text).ok().map(Clean::new)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(name: &str, value: f64) -> Number {
        Number { name: name.into(), value }
    }
    fn fact(name: &str, value: &str) -> Fact {
        Fact { name: name.into(), value: value.into() }
    }

    #[test]
    fn nothing_takes_no_memory_and_a_name_is_kept_once() {
        assert_eq!(size_of::<Told>(), 16);
        let mut names = Names::default();
        assert!(Told::new(&mut names, &[], &[]).0.is_empty());
        for value in ["200", "404", "200"] {
            let told =
                Told::new(&mut names, &[number("pupils", 7.0)], &[fact("http status", value)]);
            assert_eq!(told.0.len(), 2 + 10 + 4 + 3);
        }
        assert_eq!(names.all.len(), 2);
    }

    #[test]
    fn names_beyond_the_limit_are_kept_in_full() {
        let mut names = Names::default();
        for n in 0..MAX_NAMES + 50 {
            let name = format!("name {n}");
            let (numbers, facts) = ([number(&name, 0.5)], [fact(&name, "")]);
            let told = Told::new(&mut names, &numbers, &facts);
            assert_eq!(told.unpacked(&names), (numbers.to_vec(), facts.to_vec()));
        }
        assert_eq!(names.all.len(), MAX_NAMES);
    }

    #[test]
    fn equal_texts_share_their_memory() {
        let mut names = Names::default();
        let first = names.shared("answered, as it should".into());
        let again = names.shared("answered, as it should".into());
        assert_eq!(first.as_str().as_ptr(), again.as_str().as_ptr());
        for n in 0..20_000 {
            let text = Clean::new(&format!("text {n}"));
            assert_eq!(names.shared(text.clone()), text);
        }
        assert_eq!(names.texts.len(), MAX_TEXTS);
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(
            numbers in prop::collection::vec((".{0,12}", any::<f64>()), 0..6),
            facts in prop::collection::vec((".{0,12}", ".{0,500}"), 0..6),
        ) {
            let numbers: Vec<Number> = numbers.iter().map(|(n, v)| number(n, *v)).collect();
            let facts: Vec<Fact> = facts.iter().map(|(n, v)| fact(n, v)).collect();
            let mut names = Names::default();
            let told = Told::new(&mut names, &numbers, &facts);
            let (back, evidence) = told.unpacked(&names);
            prop_assert_eq!(evidence, facts);
            prop_assert_eq!(back.len(), numbers.len());
            for (a, b) in back.iter().zip(&numbers) {
                prop_assert!(a.name == b.name && a.value.to_bits() == b.value.to_bits());
            }
        }
    }
}
