//! Whether a database could be written where it is. Asks the kernel, and writes nothing.

use std::path::Path;

use rustix::fs::{Access, access};
use rustix::io::Errno;

/// Why the database at `file` cannot be written by this process: its folder or the file itself is
/// read-only. `None` where it can, or where another reason will show when it is opened.
#[must_use]
pub fn unwritable(file: &Path) -> Option<String> {
    [file.parent()?, file].into_iter().find_map(|path| {
        let why = match access(path, Access::WRITE_OK) {
            Err(Errno::ROFS) => "the file system is read-only",
            Err(Errno::ACCESS | Errno::PERM) => "this account may not write there",
            Ok(()) | Err(_) => return None,
        };
        Some(format!("{} cannot be written: {why}", path.display()))
    })
}
