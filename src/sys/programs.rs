//! Runs programs that the configuration names: without a shell, with an environment of our own, in a
//! process group of their own that ends with them.
//!
//! Invariant: nothing that a program has started in its group outlives it, its deadline, or whoever
//! waits for it. What leaves the group by itself (a daemon) does.

use std::io::{self, pipe};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;

use crate::ports::clock::{Boxed, Clock};
use crate::ports::program::{Command, Ended, NotRun, Programs, Ran};
use crate::sys::trust::trusted_program;

/// All that a program finds in its environment.
pub const ENVIRONMENT: [(&str, &str); 2] = [("PATH", "/usr/bin:/bin"), ("LANG", "C.UTF-8")];
/// Bytes of its output that are kept: the last ones.
const KEPT: usize = 16 * 1024;
/// How long the rest of the output is waited for once its group was ended: one that left the group may
/// hold the pipe for ever.
const REST: Duration = Duration::from_secs(1);

/// Programs of this host.
pub struct SystemPrograms {
    clock: Arc<dyn Clock>,
}

impl SystemPrograms {
    /// With the clock that tells when one is late.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }

    async fn ran(&self, command: &Command) -> Result<Ran, NotRun> {
        self.trusted(&command.program)?;
        let not_started = |e: io::Error| NotRun::NotStarted {
            program: command.program.display().to_string(),
            why: e.to_string(),
        };
        let late = self.clock.sleep(command.deadline);
        let own = command.clone();
        let started = tokio::task::spawn_blocking(move || Group::start(&own)).await;
        let (group, output) = started.map_err(io::Error::other).flatten().map_err(not_started)?;
        let mut output = match Receiver::from_owned_fd(output) {
            Ok(output) => output,
            Err(e) => return Ok(Ran { ended: Ended::Lost(e.to_string()), output: Vec::new() }),
        };
        let mut tail = Vec::new();
        let reading = async {
            read_on(&mut output, &mut tail).await;
            std::future::pending().await
        };
        let ended = tokio::select! {
            biased;
            ended = group.ends() => ended,
            () = late => Ended::Late,
            never = reading => never,
        };
        group.kill();
        tokio::select! {
            () = read_on(&mut output, &mut tail) => {}
            () = self.clock.sleep(REST) => {}
        }
        Ok(Ran { ended, output: tail })
    }
}

impl Programs for SystemPrograms {
    fn trusted(&self, program: &Path) -> Result<(), NotRun> {
        trusted_program(program).map_err(|e| NotRun::Untrusted(e.to_string()))
    }

    fn run<'a>(&'a self, command: &'a Command) -> Boxed<'a, Result<Ran, NotRun>> {
        Box::pin(self.ran(command))
    }
}

/// Reads to the end, and keeps the last bytes.
async fn read_on(output: &mut Receiver, tail: &mut Vec<u8>) {
    let mut part = vec![0; 4096];
    while let Ok(n @ 1..) = output.read(&mut part).await {
        tail.extend_from_slice(part.get(..n).unwrap_or_default());
        tail.drain(..tail.len().saturating_sub(KEPT));
    }
}

/// A program and what it has started. Dropping it ends them all.
struct Group {
    /// Not waited for before the drop: as long as it is not, its number is nobody else's.
    leader: Option<Child>,
    id: Pid,
}

impl Group {
    /// Starts it; with the end of the pipe where its output comes.
    fn start(command: &Command) -> io::Result<(Self, OwnedFd)> {
        let (output, input) = pipe()?;
        let leader = std::process::Command::new(&command.program)
            .args(&command.arguments)
            .env_clear()
            .envs(ENVIRONMENT)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(input.try_clone()?)
            .stderr(input)
            .process_group(0)
            .spawn()?;
        let id = Pid::from_child(&leader);
        Ok((Self { leader: Some(leader), id }, output.into()))
    }

    /// Ends when the leader has ended, and does not take it from the system.
    async fn ends(&self) -> Ended {
        let id = self.id;
        let waited = tokio::task::spawn_blocking(move || {
            loop {
                let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
                match waitid(WaitId::Pid(id), options) {
                    Err(Errno::INTR) => {}
                    other => return other,
                }
            }
        });
        let status = match waited.await {
            Ok(Ok(Some(status))) => status,
            Ok(Ok(None)) => return Ended::Lost("the system does not say how it ended".into()),
            Ok(Err(e)) => return Ended::Lost(e.to_string()),
            Err(e) => return Ended::Lost(e.to_string()),
        };
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Ended::Exit(code),
            (None, Some(signal)) => Ended::Signal(signal),
            (None, None) => Ended::Lost("the system does not say how it ended".into()),
        }
    }

    /// Ends everything in the group.
    fn kill(&self) {
        if let Err(e) = kill_process_group(self.id, Signal::KILL) {
            tracing::debug!("nothing was left of a program to be ended: {e}");
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
        let Some(mut leader) = self.leader.take() else { return };
        // Reaped where nobody waits for it.
        let reap = move || drop(leader.wait());
        drop(std::thread::Builder::new().spawn(reap));
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    use jiff::Timestamp;
    use tokio::sync::Notify;

    use super::*;

    /// A deadline that passes when a test says so.
    const DEADLINE: Duration = Duration::from_secs(77);

    #[derive(Default)]
    struct Hands {
        over: Arc<Notify>,
    }

    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
        fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
            let over = self.over.clone();
            Box::pin(async move {
                match span {
                    DEADLINE => over.notified().await,
                    rest => tokio::time::sleep(rest).await,
                }
            })
        }
        fn chance(&self) -> f64 {
            0.5
        }
    }

    struct Bench {
        folder: tempfile::TempDir,
        clock: Arc<Hands>,
    }

    impl Bench {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap(), clock: Arc::default() }
        }

        fn at(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn script(&self, text: &str) -> Command {
            let program = self.at("run");
            std::fs::write(&program, format!("#!/bin/sh\ncd {}\n{text}", self.at("").display()))
                .unwrap();
            std::fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
            Command { program, arguments: Vec::new(), deadline: DEADLINE }
        }

        async fn run(&self, command: &Command) -> Result<(Ended, String), NotRun> {
            let ran = SystemPrograms::new(self.clock.clone()).run(command).await?;
            Ok((ran.ended, String::from_utf8(ran.output).unwrap()))
        }

        /// Waits for a file of this name and gives what it holds.
        async fn file(&self, name: &str) -> String {
            let there = async {
                loop {
                    match std::fs::read_to_string(self.at(name)) {
                        Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
                        _ => tokio::task::yield_now().await,
                    }
                }
            };
            tokio::time::timeout(Duration::from_secs(60), there).await.unwrap()
        }
    }

    fn of(program: &str, arguments: &[&str]) -> Command {
        let arguments = arguments.iter().map(|a| (*a).to_owned()).collect();
        Command { program: program.into(), arguments, deadline: DEADLINE }
    }

    /// Waits until a process is gone, or only its exit code is left of it.
    async fn gone(pid: &str) {
        let status = PathBuf::from(format!("/proc/{pid}/stat"));
        let gone = async {
            while std::fs::read_to_string(&status).is_ok_and(|text| !text.contains(") Z ")) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), gone).await.unwrap();
    }

    #[tokio::test]
    async fn threat_18_arguments_are_handed_over_as_they_stand() {
        let bench = Bench::new();
        let odd = ["$(touch x)", "; touch x", "`touch x`", "a b", "*", "-n", ""];
        let (ended, output) =
            bench.run(&of("/usr/bin/printf", &[&["<%s>"], &odd[..]].concat())).await.unwrap();
        assert_eq!(ended, Ended::Exit(0));
        assert_eq!(output, "<$(touch x)><; touch x><`touch x`><a b><*><-n><>");
    }

    #[tokio::test]
    async fn threat_16_a_program_finds_nothing_of_ours() {
        let bench = Bench::new();
        let (_, output) = bench.run(&of("/usr/bin/env", &[])).await.unwrap();
        let mut lines: Vec<&str> = output.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["LANG=C.UTF-8", "PATH=/usr/bin:/bin"]);
        assert!(std::env::vars().count() > 2, "there is more here that could be found");
        let held = std::fs::File::create(bench.at("held")).unwrap();
        let open = bench
            .script("for fd in /proc/$$/fd/*; do readlink $fd; done; read line || echo no more");
        let (_, output) = bench.run(&open).await.unwrap();
        drop(held);
        assert!(output.starts_with("/dev/null\npipe:"), "{output}");
        assert!(!output.contains("/held") && output.ends_with("no more\n"), "{output}");
    }

    #[tokio::test]
    async fn how_it_ended_is_told_and_what_it_wrote() {
        let bench = Bench::new();
        for (text, ended, output) in [
            ("echo one; echo two >&2", Ended::Exit(0), "one\ntwo\n"),
            ("echo busy; exit 3", Ended::Exit(3), "busy\n"),
            ("kill -9 $$", Ended::Signal(9), ""),
            ("exec >&- 2>&-; exit 4", Ended::Exit(4), ""),
        ] {
            let seen = bench.run(&bench.script(text)).await.unwrap();
            assert_eq!(seen, (ended, output.to_owned()), "{text}");
        }
    }

    #[tokio::test]
    async fn one_that_is_late_is_ended_with_all_that_it_started() {
        let bench = Bench::new();
        let late = bench.script("sleep 600 & echo $! $$ >pids; echo begun; wait");
        let runs = bench.run(&late);
        let ends = async {
            let pids = bench.file("pids").await;
            bench.clock.over.notify_one();
            pids
        };
        let (seen, pids) = tokio::join!(runs, ends);
        assert_eq!(seen.unwrap(), (Ended::Late, "begun\n".to_owned()));
        for pid in pids.split(' ') {
            gone(pid).await;
        }
    }

    #[tokio::test]
    async fn nothing_in_its_group_outlives_it_or_whoever_waits() {
        let bench = Bench::new();
        let leaves = bench.script("sleep 600 & echo $! >pids");
        let (ended, _) = bench.run(&leaves).await.unwrap();
        assert_eq!(ended, Ended::Exit(0));
        gone(&bench.file("pids").await).await;
        let bench = Bench::new();
        let waits = bench.script("echo $$ >pids; sleep 600");
        let pid = tokio::select! {
            ran = bench.run(&waits) => panic!("{ran:?}"),
            pid = bench.file("pids") => pid,
        };
        gone(&pid).await;
    }

    #[tokio::test]
    async fn a_flood_is_read_and_only_its_end_is_kept() {
        let bench = Bench::new();
        let flood = bench.script("yes | head -c 300000; echo the end");
        let ran = SystemPrograms::new(bench.clock.clone()).run(&flood).await.unwrap();
        assert_eq!(ran.output.len(), KEPT);
        assert!(ran.output.ends_with(b"y\nthe end\n"));
        // One that never ends does not keep the deadline from passing.
        bench.clock.over.notify_one();
        let ran = SystemPrograms::new(bench.clock.clone()).run(&of("/usr/bin/yes", &[])).await;
        assert_eq!(ran.unwrap().ended, Ended::Late);
    }

    #[tokio::test]
    async fn threat_17_a_program_that_others_can_write_is_not_started() {
        let bench = Bench::new();
        let touches = bench.script("touch ran");
        let folder = bench.folder.path();
        for (file, dir, why) in [
            (0o757, 0o700, "chmod go-w"),
            (0o775, 0o700, "chmod go-w"),
            (0o755, 0o777, "chmod go-w"),
            (0o644, 0o700, "chmod u+x"),
        ] {
            std::fs::set_permissions(&touches.program, Permissions::from_mode(file)).unwrap();
            std::fs::set_permissions(folder, Permissions::from_mode(dir)).unwrap();
            let refused = bench.run(&touches).await.unwrap_err();
            assert!(matches!(&refused, NotRun::Untrusted(text) if text.contains(why)), "{refused}");
        }
        std::fs::set_permissions(folder, Permissions::from_mode(0o700)).unwrap();
        let missing = bench.run(&of("/nowhere/at/all", &[])).await;
        assert!(matches!(missing, Err(NotRun::Untrusted(_))));
        // Trusted, and yet no program.
        let (none, text) = (bench.at("none"), "#!/nowhere/at/all\n");
        std::fs::write(&none, text).unwrap();
        std::fs::set_permissions(&none, Permissions::from_mode(0o755)).unwrap();
        let broken = bench.run(&of(none.to_str().unwrap(), &[])).await;
        assert!(matches!(broken, Err(NotRun::NotStarted { .. })), "{broken:?}");
        assert!(!bench.at("ran").exists());
    }
}
