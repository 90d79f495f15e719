//! Where configuration, state and sockets are (XDG Base Directory Specification 0.8).

use std::ffi::OsString;
use std::path::{Path, PathBuf};

const OURS: &str = "caretaker";
const CONFIG_FILE: &str = "config.toml";
const SOCKET: &str = "agent.sock";

/// The places of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    named_config: Option<PathBuf>,
    named_agent: Option<PathBuf>,
    config: Option<PathBuf>,
    state: Option<PathBuf>,
    runtime: PathBuf,
}

impl Places {
    /// From the process's environment.
    #[must_use]
    pub fn from_env() -> Self {
        Self::new(|name| std::env::var_os(name), rustix::process::geteuid().as_raw(), Path::is_dir)
    }

    fn new(
        variable: impl Fn(&str) -> Option<OsString>,
        uid: u32,
        is_dir: impl Fn(&Path) -> bool,
    ) -> Self {
        let given = |name: &str| variable(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        // The specification wants relative paths ignored.
        let absolute = |name: &str| given(name).filter(|path| path.is_absolute());
        let home = |rest: &str| absolute("HOME").map(|home| home.join(rest));
        let under = |base: Option<PathBuf>| base.map(|base| base.join(OURS));
        // Without a login session there is no runtime folder of the user's; the last resort is one
        // whose owner and mode are checked by `private_dir` before it is used.
        let session = PathBuf::from(format!("/run/user/{uid}"));
        let runtime = under(absolute("XDG_RUNTIME_DIR"))
            .or_else(|| is_dir(&session).then(|| session.join(OURS)))
            .unwrap_or_else(|| PathBuf::from(format!("/tmp/{OURS}-{uid}")));
        Self {
            named_config: given("CARETAKER_CONFIG"),
            named_agent: given("CARETAKER_AGENT"),
            config: under(absolute("XDG_CONFIG_HOME").or_else(|| home(".config"))),
            // systemd made it for this service alone.
            state: absolute("STATE_DIRECTORY")
                .or_else(|| under(absolute("XDG_STATE_HOME").or_else(|| home(".local/state")))),
            runtime,
        }
    }

    /// Where the configuration may be; the first that exists is taken. One that was named, by
    /// `flag` or by `CARETAKER_CONFIG`, is the only one.
    #[must_use]
    pub fn config_files(&self, flag: Option<&Path>) -> Vec<PathBuf> {
        if let Some(named) = flag.or(self.named_config.as_deref()) {
            return vec![named.to_owned()];
        }
        let system = Path::new("/etc").join(OURS).join(CONFIG_FILE);
        self.config.iter().map(|dir| dir.join(CONFIG_FILE)).chain([system]).collect()
    }

    /// Where an agent may listen; the first that exists is taken, and answers or is an error. One
    /// that was named, by `flag` or by `CARETAKER_AGENT`, is the only one.
    #[must_use]
    pub fn agent_sockets(&self, flag: Option<&Path>) -> Vec<PathBuf> {
        if let Some(named) = flag.or(self.named_agent.as_deref()) {
            return vec![named.to_owned()];
        }
        vec![self.runtime.join(SOCKET), Path::new("/run").join(OURS).join(SOCKET)]
    }

    /// The folder of the user's configuration and themes.
    #[must_use]
    pub fn config_dir(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// The folder of databases and logs, if the user has a home. To be made by
    /// [`super::private_dir`].
    #[must_use]
    pub fn state_dir(&self) -> Option<&Path> {
        self.state.as_deref()
    }

    /// The folder of sockets and locks. To be made by [`super::private_dir`].
    #[must_use]
    pub fn runtime_dir(&self) -> &Path {
        &self.runtime
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(set: &[(&str, &str)], session: bool) -> Places {
        let variable = |name: &str| {
            set.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value))
        };
        Places::new(variable, 1234, |_| session)
    }

    fn paths(of: &[&str]) -> Vec<PathBuf> {
        of.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn flag_before_environment_before_user_before_system() {
        let user = [("HOME", "/home/asha"), ("XDG_RUNTIME_DIR", "/run/user/1234")];
        let plain = places(&user, true);
        assert_eq!(
            plain.config_files(None),
            paths(&["/home/asha/.config/caretaker/config.toml", "/etc/caretaker/config.toml"])
        );
        assert_eq!(
            plain.agent_sockets(None),
            paths(&["/run/user/1234/caretaker/agent.sock", "/run/caretaker/agent.sock"])
        );
        assert_eq!(plain.state_dir(), Some(Path::new("/home/asha/.local/state/caretaker")));

        let named = [("CARETAKER_CONFIG", "c.toml"), ("CARETAKER_AGENT", "/run/x.sock")];
        let named = places(&[user.as_slice(), named.as_slice()].concat(), true);
        assert_eq!(named.config_files(None), paths(&["c.toml"]));
        assert_eq!(named.agent_sockets(None), paths(&["/run/x.sock"]));
        assert_eq!(named.config_files(Some(Path::new("f.toml"))), paths(&["f.toml"]));
        assert_eq!(named.agent_sockets(Some(Path::new("f.sock"))), paths(&["f.sock"]));
    }

    #[test]
    fn follows_xdg_and_ignores_what_is_empty_or_relative() {
        let own = places(
            &[
                ("HOME", "/home/asha"),
                ("XDG_CONFIG_HOME", "/cfg"),
                ("XDG_STATE_HOME", "relative"),
                ("XDG_RUNTIME_DIR", ""),
                ("CARETAKER_CONFIG", ""),
            ],
            true,
        );
        assert_eq!(own.config_dir(), Some(Path::new("/cfg/caretaker")));
        assert_eq!(own.state_dir(), Some(Path::new("/home/asha/.local/state/caretaker")));
        assert_eq!(own.runtime_dir(), Path::new("/run/user/1234/caretaker"));
        assert_eq!(own.config_files(None).len(), 2);
    }

    #[test]
    fn does_without_a_home_and_without_a_session() {
        let bare = places(&[], false);
        assert_eq!(bare.config_files(None), paths(&["/etc/caretaker/config.toml"]));
        assert_eq!(bare.state_dir(), None);
        assert_eq!(bare.runtime_dir(), Path::new("/tmp/caretaker-1234"));
    }
}
