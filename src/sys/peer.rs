//! Who is at the other end of a Unix socket, by the kernel's word.

use std::io;

/// Credentials of the process that connected, as they were when it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// User id.
    pub uid: u32,
    /// Primary group id. Roles come from the account's groups, not from this one.
    pub gid: u32,
    /// Process id; may have been given to another process since.
    pub pid: Option<i32>,
}

impl Peer {
    /// The peer of `stream`.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn of(stream: &tokio::net::UnixStream) -> io::Result<Self> {
        let told = stream.peer_cred()?;
        Ok(Self { uid: told.uid(), gid: told.gid(), pid: told.pid() })
    }

    /// This process itself.
    #[must_use]
    pub fn own() -> Self {
        Self {
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
            pid: Some(rustix::process::getpid().as_raw_nonzero().get()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_kernel_names_the_peer() {
        let (here, _there) = tokio::net::UnixStream::pair().unwrap();
        assert_eq!(Peer::of(&here).unwrap(), Peer::own());
    }
}
