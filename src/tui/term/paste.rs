//! Framed pastes: the terminal marks what is pasted, so that a line end in it is not taken for Enter.

/// Asks the terminal to frame pastes.
pub const FRAMED: &str = "\x1b[?2004h";
/// Asks it to stop.
pub const PLAIN: &str = "\x1b[?2004l";
/// Before what is pasted.
pub const BEGINS: &[u8] = b"\x1b[200~";
/// Behind it.
pub const ENDS: &[u8] = b"\x1b[201~";
/// The byte that begins any sequence of the terminal's.
pub const ESCAPE: u8 = 0x1b;
