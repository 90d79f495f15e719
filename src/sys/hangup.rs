//! Notices that the terminal has gone.
//!
//! When an SSH connection drops and nobody forwards SIGHUP, an event source that only reads the
//! terminal spins on its end of file. So one thread sleeps in `poll` on the terminal alone.

use std::io;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::oneshot;

/// A receiver that gets one message when `terminal` hangs up.
///
/// The thread sleeps until then and ends with the process; it costs no wake-ups.
///
/// # Errors
/// When the thread cannot be started.
pub fn hang_up(terminal: impl AsFd + Send + 'static) -> io::Result<oneshot::Receiver<()>> {
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new().name("hang-up".to_owned()).spawn(move || {
        wait(&terminal);
        if sender.send(()).is_err() {
            tracing::debug!("the terminal hung up and nobody was waiting for it");
        }
    })?;
    Ok(receiver)
}

/// Returns when the terminal is gone, or cannot be watched, which comes to the same.
fn wait(terminal: &impl AsFd) {
    loop {
        // No flags asked for: hang-up and error are always told.
        let mut watched = [PollFd::new(terminal, PollFlags::empty())];
        match poll(&mut watched, None) {
            Err(rustix::io::Errno::INTR) | Ok(0) => {}
            Ok(_) | Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn tells_a_terminal_that_is_gone_and_only_then() {
        let pair = portable_pty::native_pty_system()
            .openpty(portable_pty::PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 })
            .unwrap();
        let name = pair.master.tty_name().unwrap();
        let terminal = std::fs::File::options().read(true).write(true).open(name).unwrap();
        let mut gone = hang_up(terminal).unwrap();
        let mut writer = pair.master.take_writer().unwrap();
        std::io::Write::write_all(&mut writer, b"typed\n").unwrap();
        assert!(gone.try_recv().is_err(), "input is not a hang-up");
        drop(writer);
        drop(pair);
        tokio::time::timeout(Duration::from_secs(60), gone).await.unwrap().unwrap();
    }
}
