//! Room on a disk.

use std::io;
use std::path::Path;

/// Bytes that this account may still write on the disk of `path`.
///
/// # Errors
/// When the path does not exist or cannot be asked.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let about = rustix::fs::statvfs(path)?;
    Ok(about.f_bavail.saturating_mul(about.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_some_room_and_a_missing_folder_none_to_tell_of() {
        assert!(free_bytes(Path::new("/")).unwrap() > 0);
        assert!(free_bytes(Path::new("/no/such/folder")).is_err());
    }
}
