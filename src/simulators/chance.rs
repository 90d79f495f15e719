//! Reproducible chance: the same seed and the same question give the same answer, in any order.

use crate::model::ids::Laestab;

/// A number that depends on nothing but its arguments.
pub(super) fn roll(seed: u64, question: &str, school: Laestab) -> u64 {
    mixed(seed ^ named(question) ^ u64::from(school.number()).wrapping_mul(0x9E37_79B9))
}

/// As [`roll`], below `n` (which must not be 0; 0 gives 0).
pub(super) fn below(seed: u64, question: &str, school: Laestab, n: u32) -> u32 {
    let n = u64::from(n.max(1));
    u32::try_from(roll(seed, question, school) % n).unwrap_or_default()
}

/// True in `percent` of all schools.
pub(super) fn share(seed: u64, question: &str, school: Laestab, percent: u32) -> bool {
    below(seed, question, school, 100) < percent
}

/// A version 4 shaped GUID that depends on its arguments only.
pub(super) fn guid(seed: u64, question: &str, number: u64) -> String {
    let high = mixed(seed ^ named(question) ^ number);
    let low = mixed(high ^ 0xA5A5_5A5A);
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}

/// A throw-away password: hexadecimal, from the seed and its purpose.
pub(super) fn password(seed: u64, purpose: &str, number: u64) -> String {
    let first = mixed(seed ^ named(purpose) ^ number);
    format!("demo-{first:016x}{:08x}", mixed(first) >> 32)
}

fn named(text: &str) -> u64 {
    // FNV-1a, 64 bit.
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3))
}

fn mixed(x: u64) -> u64 {
    // The finaliser of splitmix64.
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}
