//! What others may see of this process.

use std::io;

use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// Forbids core dumps and tracing by the same user: the memory holds credentials.
///
/// Files under `/proc/<own pid>` belong to root from then on. Children that are started with
/// `exec` are not covered.
///
/// # Errors
/// When the kernel refuses.
pub fn forbid_dumps() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threat_15_the_process_cannot_be_dumped_afterwards() {
        forbid_dumps().unwrap();
        let now = rustix::process::dumpable_behavior().unwrap();
        assert_eq!(now, DumpableBehavior::NotDumpable);
    }
}
