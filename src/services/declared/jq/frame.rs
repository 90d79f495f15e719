//! Frames between this program and its child: a length of four bytes and that many bytes.

/// Bytes of one frame. An answer of the largest allowed size fits, with its rows read.
pub(super) const LARGEST: usize = 96 * 1024 * 1024;

/// The bytes before a frame of `length` bytes; `None` for one that is too large.
pub(super) fn head(length: usize) -> Option<[u8; 4]> {
    let fits = u32::try_from(length).ok().filter(|_| length <= LARGEST)?;
    Some(fits.to_be_bytes())
}

/// The length that `head` announces; `None` for one that is too large.
pub(super) fn length(head: [u8; 4]) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(head)).ok().filter(|n| *n <= LARGEST)
}
