//! The config file: settings, defaults, and messages that say what to do.
//!
//! Sections of the services and of the transport are kept as spanned TOML and handed over, so that
//! their owners' errors carry file and line too. Never holds a password.

mod calendars;
mod console;
mod draft;
mod error;
mod file;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
mod load;
mod next_steps;
mod read;
mod schema;
pub mod schools;
mod secret;
mod settings;
mod source;

pub use calendars::{CalendarSettings, CalendarWords, Calendars, Imported};
pub use console::{CallBy, CallSettings, ConsoleSettings, GroupBy, ViewSettings};
pub use draft::{Draft, as_toml, key_of};
pub use error::{ConfigError, ConfigErrors};
pub use file::{error_in, read_file};
pub use load::Config;
pub use next_steps::{NextStepSettings, ReasonStepSettings};
pub use schema::{Sections, generator, schema};
pub use settings::{
    AgentSettings, CredentialsSettings, LogLevel, LogSettings, SchoolsSettings, Section, Settings,
    TimeOfDay,
};
pub use source::Source;
