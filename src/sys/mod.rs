//! The operating system: clock, paths, trust in files, programs, signals, terminals, hang-ups,
//! peer credentials.

mod clock;
mod disk;
mod entropy;
mod group;
mod hangup;
mod paths;
mod peer;
mod people;
mod process;
mod programs;
mod signals;
mod syslog;
mod terminal;
mod trust;
mod writable;

pub use clock::SystemClock;
pub use disk::free_bytes;
pub use entropy::SystemEntropy;
pub use group::{NoGroup, account_name, group_id, group_name};
pub use hangup::hang_up;
pub use paths::Places;
pub use peer::Peer;
pub use people::HostPeople;
pub use process::forbid_dumps;
pub use programs::{ENVIRONMENT, SystemPrograms};
pub use signals::{Signal, Signals};
pub use syslog::{SYSLOG, to_syslog};
pub use terminal::Terminal;
pub use trust::{Untrusted, private_dir, secret_file, trusted_file, trusted_program};
pub use writable::unwritable;
