//! The desk's post office: its words, and the one way out that the configuration chose.

use std::path::Path;

use jiff::Timestamp;

use crate::model::text::Clean;
use crate::ports::act::{Answer, Seen};
use crate::ports::clock::Boxed;
use crate::ports::ledger::Committed;
use crate::ports::tickets::{Letter, Matter, Tickets};
use crate::tickets::folder::Folder;
use crate::tickets::settings::{TicketSettings, Wrong};
use crate::tickets::template::Template;

/// How tickets leave.
enum Way {
    Folder(Folder),
}

/// Writes tickets and hands them over.
pub struct Office {
    template: Template,
    way: Way,
}

impl Office {
    /// What `settings` say; relative paths start at `folder`.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(settings: &TicketSettings, folder: &Path) -> Result<Self, Wrong> {
        let template = Template::new(&settings.subject, &settings.body)?;
        let Some(into) = &settings.folder else {
            let why = "say where tickets go: add [tickets.folder]".into();
            return Err(Wrong { key: "folder", why });
        };
        Ok(Self { template, way: Way::Folder(Folder::new(folder.join(&into.path))) })
    }
}

impl Tickets for Office {
    fn goes(&self) -> Clean {
        match &self.way {
            Way::Folder(folder) => folder.goes(),
        }
    }

    fn write(&self, matter: &Matter) -> Letter {
        self.template.write(matter)
    }

    fn raise<'a>(
        &'a self,
        committed: &'a Committed,
        letter: &'a Letter,
        _: Timestamp,
    ) -> Boxed<'a, Answer> {
        match &self.way {
            Way::Folder(folder) => Box::pin(folder.raise(committed.key(), letter)),
        }
    }

    fn look<'a>(&'a self, key: &'a Clean, _: Timestamp, _: Timestamp) -> Boxed<'a, Seen> {
        match &self.way {
            Way::Folder(folder) => Box::pin(folder.look(key)),
        }
    }
}
