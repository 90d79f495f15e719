//! The child: reads a program and an answer from its standard input, which is a socket, and writes
//! back what the program gave, until the other side is gone.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Resource, Rlimit, Signal, getpid, kill_process, setrlimit};

use super::eval::Compiled;
use super::{Program, frame};

/// Address space of the child: an answer of the largest size, many times over.
const MEMORY: u64 = 1024 * 1024 * 1024;
/// Evaluation nests as deep as an answer and an expression do.
const STACK: usize = 64 * 1024 * 1024;
/// Compiled programs that are kept.
const KEPT: usize = 32;

/// Serves until the other side closes. Returns whether it came to an orderly end.
#[must_use]
pub fn serve() -> bool {
    if limit().is_err() {
        return false;
    }
    let Ok(socket) = std::io::stdin().as_fd().try_clone_to_owned() else { return false };
    let Ok(watched) = socket.try_clone() else { return false };
    let watch = std::thread::Builder::new().spawn(move || end_with(&watched));
    if watch.is_err() {
        return false;
    }
    let work = std::thread::Builder::new().stack_size(STACK);
    let Ok(work) = work.spawn(move || answer_all(UnixStream::from(socket))) else { return false };
    work.join().unwrap_or(false)
}

/// Whatever an expression does, it writes no file, leaves no core and takes no more than its share
/// of memory and time.
fn limit() -> rustix::io::Result<()> {
    let to = |n| Rlimit { current: Some(n), maximum: Some(n) };
    setrlimit(Resource::As, to(MEMORY))?;
    setrlimit(Resource::Core, to(0))?;
    setrlimit(Resource::Fsize, to(0))?;
    rustix::process::nice(10).map(drop)
}

/// Ends the process when the parent's end of the socket is closed: an expression that never ends
/// would not notice.
fn end_with(socket: &OwnedFd) {
    let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::RDHUP;
    loop {
        let mut watched = [PollFd::new(socket, PollFlags::RDHUP)];
        let polled = poll(&mut watched, None);
        let seen = watched.iter().any(|fd| fd.revents().intersects(gone));
        if seen || polled.is_err_and(|e| e != rustix::io::Errno::INTR) {
            if kill_process(getpid(), Signal::KILL).is_err() {
                std::process::abort();
            }
            return;
        }
    }
}

fn answer_all(mut socket: UnixStream) -> bool {
    let mut compiled: BTreeMap<Program, Result<Compiled, String>> = BTreeMap::new();
    loop {
        let Some(program) = read(&mut socket) else { return true };
        let Some(body) = read(&mut socket) else { return false };
        let Ok(program) = serde_json::from_slice::<Program>(&program) else { return false };
        if compiled.len() >= KEPT && !compiled.contains_key(&program) {
            compiled.clear();
        }
        let ready = compiled.entry(program).or_insert_with_key(Compiled::new);
        let answer = match ready {
            Ok(ready) => Ok(ready.apply(&body)),
            Err(why) => Err(why.clone()),
        };
        let Ok(answer) = serde_json::to_vec(&answer) else { return false };
        let Some(head) = frame::head(answer.len()) else { return false };
        if socket.write_all(&head).and_then(|()| socket.write_all(&answer)).is_err() {
            return false;
        }
    }
}

fn read(socket: &mut UnixStream) -> Option<Vec<u8>> {
    let mut head = [0; 4];
    socket.read_exact(&mut head).ok()?;
    let mut bytes = vec![0; frame::length(head)?];
    socket.read_exact(&mut bytes).ok()?;
    Some(bytes)
}
