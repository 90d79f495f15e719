//! The desk's post office: its words, and the one way out that the configuration chose.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::text::Clean;
use crate::ports::act::{Answer, Seen};
use crate::ports::clock::Boxed;
use crate::ports::ledger::Committed;
use crate::ports::secrets::Secrets;
use crate::ports::tickets::{Letter, Matter, Tickets};
use crate::tickets::api::Api;
use crate::tickets::folder::Folder;
use crate::tickets::post::Post;
use crate::tickets::settings::{TicketSettings, Wrong};
use crate::tickets::template::Template;
use crate::transport::Transport;

/// How tickets leave.
enum Way {
    Folder(Folder),
    Post(Box<Post>),
    Api(Box<Api>),
}

/// What an office is built with.
pub struct Means<'a> {
    /// Where relative paths start.
    pub folder: &'a Path,
    /// The way out.
    pub transport: &'a Transport,
    /// Credentials by name.
    pub secrets: &'a Arc<dyn Secrets>,
}

/// Writes tickets and hands them over.
pub struct Office {
    template: Template,
    way: Way,
}

impl Office {
    /// What `settings` say.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(settings: &TicketSettings, means: &Means<'_>) -> Result<Self, Wrong> {
        let template = Template::new(&settings.subject, &settings.body)?;
        let mut ways = Vec::new();
        if let Some(into) = &settings.folder {
            ways.push(Way::Folder(Folder::new(means.folder.join(&into.path))));
        }
        if let Some(mail) = &settings.mail {
            ways.push(Way::Post(Box::new(Post::new(mail, means)?)));
        }
        if let Some(api) = &settings.api {
            ways.push(Way::Api(Box::new(Api::new(api, means)?)));
        }
        match (ways.pop(), ways.is_empty()) {
            (Some(way), true) => Ok(Self { template, way }),
            _ => {
                let why = "say once where tickets go: folder, mail or api".into();
                Err(Wrong { key: "folder", why })
            }
        }
    }
}

impl Tickets for Office {
    fn goes(&self) -> Clean {
        match &self.way {
            Way::Folder(folder) => folder.goes(),
            Way::Post(post) => post.goes(),
            Way::Api(api) => api.goes(),
        }
    }

    fn write(&self, matter: &Matter) -> Letter {
        self.template.write(matter)
    }

    fn raise<'a>(
        &'a self,
        committed: &'a Committed,
        letter: &'a Letter,
        now: Timestamp,
    ) -> Boxed<'a, Answer> {
        match &self.way {
            Way::Folder(folder) => Box::pin(folder.raise(committed.key(), letter)),
            Way::Post(post) => Box::pin(post.raise(committed.key(), letter, now)),
            Way::Api(api) => Box::pin(api.raise(committed.key(), letter)),
        }
    }

    fn look<'a>(&'a self, key: &'a Clean, sent_at: Timestamp, now: Timestamp) -> Boxed<'a, Seen> {
        match &self.way {
            Way::Folder(folder) => Box::pin(folder.look(key)),
            Way::Post(post) => Box::pin(async { post.look() }),
            Way::Api(api) => Box::pin(api.look(key, sent_at, now)),
        }
    }
}
