//! The values of Active Directory's attributes: numbers, moments, ids and flags. What cannot be read is
//! `None`, never a guess.
//!
//! Source: the vendor's pages on each attribute, MS-ADTS and MS-DTYP, read 2026-11.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use crate::transport::ldap::Filter;

/// Ticks of 100 ns between 1601-01-01 and 1970-01-01.
const EPOCH: i64 = 116_444_736_000_000_000;
const PER_SECOND: i64 = 10_000_000;

/// A whole number in decimal text, as every number of a directory is written.
#[must_use]
pub fn number(value: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?;
    // `+5` and ` 5` are read by the standard library or by people, and written by no directory.
    let digits = text.strip_prefix('-').unwrap_or(text);
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// A moment in ticks of 100 ns since 1601-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticks(pub i64);

impl Ticks {
    /// From decimal text; a moment before 1601 is none.
    #[must_use]
    pub fn read(value: &[u8]) -> Option<Self> {
        number(value).filter(|n| *n >= 0).map(Self)
    }

    /// Of a moment.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        let ticks = at.as_nanosecond().div_euclid(100).saturating_add(i128::from(EPOCH));
        Self(i64::try_from(ticks).unwrap_or(i64::MAX))
    }

    /// Whether it stands for "never": 0, or the largest number.
    #[must_use]
    pub fn is_never(self) -> bool {
        matches!(self.0, 0 | i64::MAX)
    }

    /// As a moment; `None` for "never" and beyond the years that we reckon with.
    #[must_use]
    pub fn at(self) -> Option<Timestamp> {
        if self.is_never() {
            return None;
        }
        let since = self.0.checked_sub(EPOCH)?;
        let nanos = i32::try_from(since.rem_euclid(PER_SECOND) * 100).ok()?;
        Timestamp::new(since.div_euclid(PER_SECOND), nanos).ok()
    }
}

/// A length of time in negative ticks, as policies are written.
#[must_use]
pub fn span(value: &[u8]) -> Option<SignedDuration> {
    let ticks = number(value)?;
    if ticks > 0 {
        return None;
    }
    // The smallest number has no opposite.
    let ticks = ticks.checked_neg().unwrap_or(i64::MAX);
    let nanos = i32::try_from(ticks % PER_SECOND * 100).ok()?;
    Some(SignedDuration::new(ticks / PER_SECOND, nanos))
}

/// `20261124024309.0Z`, or with an offset: `202611240243+0100`.
#[must_use]
pub fn generalised_time(value: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(value).ok()?;
    if !text.is_ascii() {
        return None;
    }
    let zone_at = text.find(['Z', '+', '-'])?;
    let (moment, zone) = text.split_at(zone_at);
    let (digits, fraction) = moment.split_once(['.', ',']).unwrap_or((moment, "0"));
    let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(digits) || !all_digits(fraction) || !matches!(digits.len(), 12 | 14) {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i16>().ok();
    let small = |from: usize, to: usize| i8::try_from(part(from, to)?).ok();
    let second = if digits.len() == 14 { small(12, 14)? } else { 0 };
    let civil = jiff::civil::DateTime::new(
        part(0, 4)?,
        small(4, 6)?,
        small(6, 8)?,
        small(8, 10)?,
        small(10, 12)?,
        second,
        0,
    )
    .ok()?;
    let utc = civil.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    let minutes = match zone {
        "Z" => 0,
        zone => {
            let digits = zone.get(1..).filter(|d| d.len() == 4 && all_digits(d))?;
            let (hours, minutes) = digits.split_at(2);
            let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
            if hours > 14 || minutes > 59 {
                return None;
            }
            let all = hours * 60 + minutes;
            if zone.starts_with('+') { all } else { -all }
        }
    };
    utc.checked_sub(SignedDuration::from_mins(minutes)).ok()
}

/// `TRUE` or `FALSE`.
#[must_use]
pub fn truth(value: &[u8]) -> Option<bool> {
    match value {
        b"TRUE" => Some(true),
        b"FALSE" => Some(false),
        _ => None,
    }
}

/// An object's lasting id: names and DNs change, this does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid([u8; 16]);

impl Guid {
    /// From the 16 bytes of `objectGUID`.
    #[must_use]
    pub fn read(value: &[u8]) -> Option<Self> {
        value.try_into().ok().map(Self)
    }

    /// The filter that finds this object and no other.
    #[must_use]
    pub fn filter(self) -> Filter {
        Filter::bytes("objectGUID", &self.0)
    }

    /// The 16 bytes, as the directory keeps them.
    #[must_use]
    pub fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// What stands for the object's DN, whatever it is called now (MS-ADTS 3.1.1.3.1.2.4).
    #[must_use]
    pub fn as_dn(self) -> String {
        format!("<GUID={self}>")
    }
}

/// The order in which the bytes are written: the first three fields are little-endian.
const GUID_ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, place) in GUID_ORDER.into_iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{:02x}", self.0.get(place).copied().unwrap_or_default())?;
        }
        Ok(())
    }
}

/// A text is not a GUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a GUID: 32 hex digits in groups of 8, 4, 4, 4 and 12")]
pub struct NoGuid;

impl FromStr for Guid {
    type Err = NoGuid;
    fn from_str(text: &str) -> Result<Self, NoGuid> {
        let lengths: Vec<usize> = text.split('-').map(str::len).collect();
        let digits: Vec<u8> = text
            .chars()
            .filter(|c| *c != '-')
            .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
            .collect::<Option<_>>()
            .ok_or(NoGuid)?;
        if lengths != [8, 4, 4, 4, 12] || digits.len() != 32 {
            return Err(NoGuid);
        }
        let mut out = [0; 16];
        for (pair, place) in digits.chunks(2).zip(GUID_ORDER) {
            if let ([high, low], Some(byte)) = (pair, out.get_mut(place)) {
                *byte = high * 16 + low;
            }
        }
        Ok(Self(out))
    }
}

/// A security identifier: `S-1-5-21-..`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sid {
    authority: u64,
    parts: Vec<u32>,
}

impl Sid {
    /// From its bytes, as `objectSid` and `tokenGroups` hold it.
    #[must_use]
    pub fn read(value: &[u8]) -> Option<Self> {
        let (head, rest) = value.split_at_checked(8)?;
        let [1, count, authority @ ..] = head else { return None };
        if *count > 15 || rest.len() != usize::from(*count) * 4 {
            return None;
        }
        let authority = authority.iter().fold(0, |n, b| n << 8 | u64::from(*b));
        let parts = rest
            .chunks_exact(4)
            .map(|c| c.try_into().ok().map(u32::from_le_bytes))
            .collect::<Option<_>>()?;
        Some(Self { authority, parts })
    }

    /// The last number of an account or group of a domain (`S-1-5-21-a-b-c-RID`), whichever domain.
    #[must_use]
    pub fn of_domain(&self) -> Option<u32> {
        match (self.authority, self.parts.as_slice()) {
            (5, [21, _, _, _, rid]) => Some(*rid),
            _ => None,
        }
    }

    /// The last number of a group that every machine has (`S-1-5-32-RID`).
    #[must_use]
    pub fn built_in(&self) -> Option<u32> {
        match (self.authority, self.parts.as_slice()) {
            (5, [32, rid]) => Some(*rid),
            _ => None,
        }
    }
}

/// A text is not a SID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a SID: S-1-5-21- and so on, as the directory shows it")]
pub struct NoSid;

impl FromStr for Sid {
    type Err = NoSid;
    fn from_str(text: &str) -> Result<Self, NoSid> {
        let rest = text.strip_prefix("S-1-").or_else(|| text.strip_prefix("s-1-")).ok_or(NoSid)?;
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let mut parts = rest.split('-');
        let authority = parts.next().filter(|p| plain(p)).and_then(|p| p.parse().ok());
        let authority = authority.filter(|a| *a < 1 << 48).ok_or(NoSid)?;
        let parts: Vec<u32> = parts
            .map(|p| p.parse().ok().filter(|_| plain(p)))
            .collect::<Option<_>>()
            .ok_or(NoSid)?;
        if (1..=15).contains(&parts.len()) { Ok(Self { authority, parts }) } else { Err(NoSid) }
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S-1-{}", self.authority)?;
        self.parts.iter().try_for_each(|part| write!(f, "-{part}"))
    }
}

/// The flags of `userAccountControl` and of its computed counterpart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags(pub u32);

impl Flags {
    /// The account is disabled.
    pub const DISABLED: Self = Self(0x2);
    /// Locked out now. Only the computed attribute keeps this one.
    pub const LOCKED: Self = Self(0x10);
    /// The password has expired or must be changed. Only in the computed attribute.
    pub const EXPIRED: Self = Self(0x80_0000);
    /// Accounts of machines and of other domains.
    pub const NO_PERSON: Self = Self(0x800 | 0x1000 | 0x2000);
    /// The password never expires.
    pub const NEVER_EXPIRES: Self = Self(0x1_0000);
    /// A smart card is asked for.
    pub const SMART_CARD: Self = Self(0x4_0000);
    /// May act in the name of others.
    pub const DELEGATES: Self = Self(0x8_0000 | 0x100_0000);

    /// From decimal text. Directories write the 32 bits with a sign.
    #[must_use]
    pub fn read(value: &[u8]) -> Option<Self> {
        let n = number(value)?;
        i32::try_from(n).map(i32::cast_unsigned).or_else(|_| u32::try_from(n)).ok().map(Self)
    }

    /// Whether one of the bits of `other` is set.
    #[must_use]
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal_text_and_nothing_else() {
        assert_eq!(number(b"512"), Some(512));
        assert_eq!(number(b"-18000000000"), Some(-18_000_000_000));
        for bad in
            [&b""[..], b"-", b"+5", b" 5", b"5 ", b"0x10", b"1e3", b"99999999999999999999", b"\xff"]
        {
            assert_eq!(number(bad), None, "{bad:?}");
        }
        assert_eq!(Flags::read(b"-2147483648"), Some(Flags(0x8000_0000)));
        assert_eq!(Flags::read(b"66050"), Some(Flags(66_050)));
        assert_eq!(Flags::read(b"4294967296"), None);
        assert!(Flags(66_050).has(Flags::DISABLED) && !Flags(66_048).has(Flags::DISABLED));
    }

    #[test]
    fn ticks_are_moments_and_two_numbers_are_never() {
        let at: Timestamp = "2027-02-09T11:20:00.5Z".parse().unwrap();
        let ticks = Ticks::read(b"134466456005000000").unwrap();
        assert_eq!(ticks.at(), Some(at));
        assert_eq!(Ticks::of("2027-02-09T11:20:00Z".parse().unwrap()).0, 134_466_456_000_000_000);
        assert_eq!((Ticks(0).at(), Ticks(i64::MAX).at()), (None, None));
        assert!(Ticks(0).is_never() && Ticks(i64::MAX).is_never() && !Ticks(1).is_never());
        assert_eq!(Ticks(1).at().unwrap().to_string(), "1601-01-01T00:00:00.0000001Z");
        // Beyond the years that we reckon with, but no panic.
        assert_eq!(Ticks(i64::MAX - 1).at(), None);
        assert_eq!(Ticks::read(b"-1"), None);
        assert_eq!(span(b"-18000000000"), Some(SignedDuration::from_mins(30)));
        assert_eq!(span(b"0"), Some(SignedDuration::ZERO));
        assert_eq!(span(b"-9223372036854775808").map(|s| s.as_secs()), Some(922_337_203_685));
        assert_eq!(span(b"18000000000"), None);
    }

    #[test]
    fn generalised_times_say_their_zone_or_are_none() {
        for (text, at) in [
            ("20261124024309.0Z", "2026-11-24T02:43:09Z"),
            ("20261124024309Z", "2026-11-24T02:43:09Z"),
            ("202611240243Z", "2026-11-24T02:43:00Z"),
            ("20261124024309+0100", "2026-11-24T01:43:09Z"),
            ("20261124024309,5-0530", "2026-11-24T08:13:09Z"),
        ] {
            assert_eq!(generalised_time(text.as_bytes()).unwrap().to_string(), at, "{text}");
        }
        for bad in [
            "",
            "Z",
            "20261124024309",
            "20261324024309Z",
            "20261124024361Z",
            "2026-11-24T02:43:09Z",
            "20261124024309.Z",
            "20261124024309+1",
            "20261124024309+9900",
            "20261124024309Zx",
            "२०२६Z",
        ] {
            assert_eq!(generalised_time(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_guid_is_written_in_mixed_order() {
        let bytes: [u8; 16] = std::array::from_fn(|i| u8::try_from(i + 1).unwrap());
        let guid = Guid::read(&bytes).unwrap();
        assert_eq!(guid.to_string(), "04030201-0605-0807-090a-0b0c0d0e0f10");
        assert_eq!("04030201-0605-0807-090A-0B0C0D0E0F10".parse(), Ok(guid));
        assert!(guid.filter().as_str().starts_with("(objectGUID=\\01\\02"));
        assert_eq!(Guid::read(&bytes[1..]), None);
        for bad in [
            "",
            "0403",
            "04030201-0605-0807-090a-0b0c0d0e0fxx",
            "040302010605-0807-090a-0b0c-0d0e0f10",
        ] {
            assert!(bad.parse::<Guid>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_sid_is_read_whole() {
        let mut bytes = vec![1, 5, 0, 0, 0, 0, 0, 5];
        for part in [21_u32, 1_004_336_348, 1_177_238_915, 682_003_330, 512] {
            bytes.extend(part.to_le_bytes());
        }
        let sid = Sid::read(&bytes).unwrap();
        assert_eq!(sid.to_string(), "S-1-5-21-1004336348-1177238915-682003330-512");
        assert_eq!((sid.of_domain(), sid.built_in()), (Some(512), None));
        assert_eq!("s-1-5-21-1004336348-1177238915-682003330-512".parse(), Ok(sid));
        let built_in: Sid = "S-1-5-32-544".parse().unwrap();
        assert_eq!((built_in.of_domain(), built_in.built_in()), (None, Some(544)));
        for bad in ["", "S-1-5", "S-1-5-", "S-1-5-21-+1", "S-2-5-21", "S-1-5-21-4294967296", "x"] {
            assert_eq!(bad.parse::<Sid>(), Err(NoSid), "{bad}");
        }
        for bad in [&bytes[..bytes.len() - 1], &bytes[..7], &[2, 0, 0, 0, 0, 0, 0, 5]] {
            assert_eq!(Sid::read(bad), None);
        }
        assert_eq!(Sid::read(&[1, 16, 0, 0, 0, 0, 0, 5]), None);
    }

    proptest::proptest! {
        #[test]
        fn hostile_values_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..40), n: i64) {
            drop((generalised_time(&bytes), Sid::read(&bytes), span(&bytes), truth(&bytes)));
            proptest::prop_assert!(Flags::read(&bytes).is_none() || bytes.len() <= 11);
            proptest::prop_assert_eq!(Guid::read(&bytes).is_some(), bytes.len() == 16);
            let text = n.to_string();
            proptest::prop_assert_eq!(generalised_time(text.as_bytes()), None);
            proptest::prop_assert_eq!(span(text.as_bytes()).is_some(), n <= 0);
            proptest::prop_assert!(Ticks(n).at().is_none_or(|at| Ticks::of(at).0 == n));
        }

        #[test]
        fn a_moment_goes_there_and_back(second in -11_644_473_599_i64..253_402_207_200) {
            let at = Timestamp::from_second(second).unwrap();
            proptest::prop_assert_eq!(Ticks::of(at).at(), Some(at));
        }
    }
}
