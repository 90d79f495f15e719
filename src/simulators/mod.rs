//! The vendors, played from their pages, for the demo and the tests. Never shares a type or a
//! parser with `services`: a misreading must not cancel itself out.
//!
//! [`start`] invents an estate and serves seven vendors on loopback ports, over TLS from a
//! throw-away authority. What goes wrong is a pure function of seed, scenario, school and time.

mod backups;
mod cast;
mod chance;
mod directory;
mod drops;
mod estate;
mod fault;
mod future_digital;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
mod groupcall;
mod invented;
mod just2easy;
mod mail_server;
mod names;
mod own_ways;
mod purple_mash;
mod redapi;
mod redstor;
mod redstor_faults;
mod reply;
mod running;
mod scenario;
mod script;
mod server;
mod smoothwall;
mod stage;
mod statuspage;
mod ticket_desk;
mod times;
mod tokens;
pub mod training;
mod ways;
mod welearn365;
mod whom;
mod wonde;

pub use backups::Redstor;
pub use estate::invent;
pub use fault::Fault;
pub use groupcall::{Groupcall, GroupcallFault};
pub use invented::{Appliance, Facts, Invented, SERVICES};
pub use mail_server::{Certificate, Door, Instead, MailHost};
pub use names::PERSONAL_NAMES;
pub use own_ways::{
    ControllerFault, DirectoryFault, FilterFault, ListFault, PageFault, PortalFault, StationsFault,
    StatusFault,
};
pub use redstor_faults::RedstorFault;
pub use running::{Plan, Running, StartError, start};
pub use scenario::{Scenario, UnknownScenario};
pub use script::{Script, ScriptError};
pub use ticket_desk::{TicketDesk, TicketDeskFault};
pub use times::TimeSource;
pub use ways::{UnknownWay, Way};
pub use welearn365::{GraphFault, Microsoft};
pub use wonde::wonde_id;
