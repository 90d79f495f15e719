//! A real Secret Service: a session bus and a GNOME keyring of this test's own, with a home of their
//! own. Nothing of the person who runs the tests is touched.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Why no Secret Service can be had on this machine.
pub fn lacking() -> Option<String> {
    let path = std::env::var("PATH").unwrap_or_default();
    let here = |program: &&str| path.split(':').any(|p| Path::new(p).join(program).is_file());
    let missing: Vec<_> =
        ["dbus-daemon", "gnome-keyring-daemon"].into_iter().filter(|p| !here(p)).collect();
    (!missing.is_empty()).then(|| format!("{missing:?} not installed"))
}

/// A session with an unlocked keyring; it ends with this.
pub struct Session {
    bus: Child,
    folder: tempfile::TempDir,
}

impl Session {
    /// Starts one.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("ss").tempdir_in("/tmp").unwrap();
        let mut bus = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address"])
            .arg(format!("--address=unix:path={}", folder.path().join("bus").display()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let session = Self { bus, folder };
        assert!(line.starts_with("unix:"), "no session bus: {line}");
        // It goes to the background when it answers.
        let mut keyring = Command::new("gnome-keyring-daemon")
            .args(["--unlock", "--components=secrets"])
            .envs(session.variables())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        keyring.stdin.take().unwrap().write_all(b"pass").unwrap();
        assert!(keyring.wait().unwrap().success(), "no keyring");
        session
    }

    /// What a program of this session finds in its environment.
    pub fn variables(&self) -> Vec<(&'static str, PathBuf)> {
        let at = self.folder.path();
        let address = format!("unix:path={}", at.join("bus").display());
        let homes =
            ["HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"];
        let homes = homes.into_iter().map(|name| (name, at.to_owned()));
        homes.chain([("DBUS_SESSION_BUS_ADDRESS", address.into())]).collect()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The keyring ends when its bus does.
        drop(self.bus.kill());
        drop(self.bus.wait());
    }
}
