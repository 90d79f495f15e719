//! Who is on the other side of the socket.

use tokio::net::UnixStream;

use crate::agent::problem::Refusal;

/// Admits the agent's own account and, where one is configured, the members of a group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gate {
    pub uid: u32,
    pub group: Option<u32>,
}

/// Who connected, by the kernel's word; given to every request of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PeerId {
    pub uid: u32,
    pub pid: Option<i32>,
}

impl Gate {
    pub fn new(group: Option<u32>) -> Self {
        Self { uid: rustix::process::geteuid().as_raw(), group }
    }

    /// The kernel says who connected; nobody can claim another name.
    pub fn admit(self, stream: &UnixStream) -> Result<PeerId, Refusal> {
        let refuse = |why: &str| Refusal::forbidden(why);
        let peer = stream
            .peer_cred()
            .map_err(|_| refuse("the system does not say who connected: not admitted"))?;
        let member = |gid: u32| {
            peer.gid() == gid || peer.pid().is_some_and(|pid| groups_of(pid).contains(&gid))
        };
        if peer.uid() == self.uid || self.group.is_some_and(member) {
            return Ok(PeerId { uid: peer.uid(), pid: peer.pid() });
        }
        Err(refuse(
            "this agent does not serve your account; an administrator can name a group of yours as \
             agent.group in its configuration",
        ))
    }
}

/// The supplementary groups of a process, from the kernel's own table; none if it is gone.
fn groups_of(pid: i32) -> Vec<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Groups:"));
    line.unwrap_or_default().split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn admits_its_own_account_and_the_named_group_only() {
        let (here, _there) = UnixStream::pair().unwrap();
        let me = Gate::new(None);
        assert!(me.admit(&here).is_ok());
        let other = Gate { uid: me.uid + 1, group: None };
        assert_eq!(other.admit(&here).unwrap_err().problem.code, "forbidden");
        let gid = rustix::process::getegid().as_raw();
        assert!(Gate { group: Some(gid), ..other }.admit(&here).is_ok());
        assert!(Gate { group: Some(gid + 4_242), ..other }.admit(&here).is_err());
    }
}
