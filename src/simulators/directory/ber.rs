//! LDAP's encoding, both ways, as far as a domain controller of the demo needs it (RFC 4511, 5.1).

/// The longest request that is read.
const LONGEST: usize = 256 * 1_024;

/// Tags.
pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// One element: tag and content.
pub(super) type Element<'a> = (u8, &'a [u8]);

/// The length of the request that begins `bytes`; `Err` when it is none, `Ok(None)` for more bytes.
pub(super) fn whole(bytes: &[u8]) -> Result<Option<usize>, ()> {
    match bytes {
        [] | [SEQUENCE] => Ok(None),
        [SEQUENCE, rest @ ..] => match length(rest) {
            Ok(Some((length, used))) if length <= LONGEST => Ok(Some(1 + used + length)),
            Ok(None) if rest.len() < 5 => Ok(None),
            _ => Err(()),
        },
        _ => Err(()),
    }
}

fn length(bytes: &[u8]) -> Result<Option<(usize, usize)>, ()> {
    match bytes {
        [] => Ok(None),
        [short @ 0..0x80, ..] => Ok(Some((usize::from(*short), 1))),
        [long, rest @ ..] => {
            let count = usize::from(long & 0x7f);
            if !(1..=4).contains(&count) {
                return Err(());
            }
            let digits = rest.get(..count);
            Ok(digits.map(|d| (d.iter().fold(0, |n, b| n << 8 | usize::from(*b)), count + 1)))
        }
    }
}

/// The elements of a constructed one; `None` when one is cut.
pub(super) fn elements(mut bytes: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut out = Vec::new();
    while let Some((tag, rest)) = bytes.split_first() {
        let (length, used) = length(rest).ok()??;
        out.push((*tag, rest.get(used..used + length)?));
        bytes = rest.get(used + length..)?;
    }
    Some(out)
}

/// A whole number.
pub(super) fn number(content: &[u8]) -> i64 {
    let negative = content.first().is_some_and(|b| *b >= 0x80);
    let start = if negative { -1 } else { 0 };
    content.iter().take(8).fold(start, |n, b| n << 8 | i64::from(*b))
}

/// An element with this content.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    match length {
        short @ 0..0x80 => out.push(u8::try_from(short).unwrap_or_default()),
        long => {
            out.push(0x84);
            out.extend(long.to_be_bytes());
        }
    }
    out.extend_from_slice(content);
    out
}

/// A constructed element of these.
pub(super) fn of(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    element(tag, &parts.concat())
}

/// A number as an element. Four bytes, which is not the shortest form but a right one.
pub(super) fn int(tag: u8, n: u32) -> Vec<u8> {
    element(tag, &(n & 0x7fff_ffff).to_be_bytes())
}

/// A text as an element.
pub(super) fn text(text: &str) -> Vec<u8> {
    element(OCTETS, text.as_bytes())
}
