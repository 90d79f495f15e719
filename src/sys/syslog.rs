//! One line to the host's system log.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

/// Where the host's system log listens.
pub const SYSLOG: &str = "/dev/log";
/// Facility `authpriv` (10), severity `notice` (5): RFC 5424, section 6.2.1.
const PRIORITY: u8 = 10 * 8 + 5;

/// Sends `line` to the system log that listens at `socket`, in the form that local system logs read
/// (RFC 3164): they add time and host themselves.
///
/// # Errors
/// When nothing listens there, or it does not take the line.
pub fn to_syslog(socket: &Path, line: &str) -> io::Result<()> {
    let from = UnixDatagram::unbound()?;
    from.connect(socket)?;
    let pid = std::process::id();
    from.send(format!("<{PRIORITY}>caretaker[{pid}]: {line}").as_bytes()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_arrives_with_its_priority() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let log = UnixDatagram::bind(&path).unwrap();
        to_syslog(&path, "a line").unwrap();
        let mut buffer = [0; 200];
        let n = log.recv(&mut buffer).unwrap();
        let text = std::str::from_utf8(&buffer[..n]).unwrap();
        assert_eq!(text, format!("<85>caretaker[{}]: a line", std::process::id()));
        assert!(to_syslog(&folder.path().join("none"), "a line").is_err());
    }
}
