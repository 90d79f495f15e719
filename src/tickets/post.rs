//! Tickets by mail.
//!
//! The message's id is made from the key, so that two copies of one ticket are known for one. Nobody can
//! look into a mail server's queue: what was on its way when the answer failed to come is a person's.

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretString;

use crate::model::ids::CredentialName;
use crate::model::text::Clean;
use crate::ports::act::{Answer, Seen};
use crate::ports::secrets::Secrets;
use crate::ports::tickets::{Letter, short_of};
use crate::tickets::office::Means;
use crate::tickets::settings::{MailSettings, Wrong};
use crate::transport::{Mail, MailAddress, Posted, Postman};

/// The way by mail.
pub(super) struct Post {
    postman: Postman,
    from: MailAddress,
    to: Vec<MailAddress>,
    credential: Option<CredentialName>,
    secrets: Arc<dyn Secrets>,
}

impl Post {
    pub(super) fn new(settings: &MailSettings, means: &Means<'_>) -> Result<Self, Wrong> {
        let wrong = |key, why: String| Wrong { key, why };
        let address = |key: &'static str, text: &String| {
            text.parse::<MailAddress>().map_err(|e| wrong(key, e.to_string()))
        };
        let from = address("mail.from", &settings.from)?;
        let to: Vec<MailAddress> =
            settings.to.iter().map(|text| address("mail.to", text)).collect::<Result<_, _>>()?;
        if to.is_empty() {
            return Err(wrong("mail.to", "name at least one address".into()));
        }
        let mut server = settings.server.clone();
        if server.user.is_some() != server.credential.is_some() {
            let why = "an account has a user and a credential, or the server wants neither";
            return Err(wrong("mail.server.user", why.into()));
        }
        server.ca_file = server.ca_file.map(|path| means.folder.join(path));
        let postman = means.transport.postman(&server);
        Ok(Self {
            postman: postman.map_err(|e| wrong("mail.server", e.to_string()))?,
            from,
            to,
            credential: server.credential,
            secrets: Arc::clone(means.secrets),
        })
    }

    pub(super) fn goes(&self) -> Clean {
        let to: Vec<String> = self.to.iter().map(ToString::to_string).collect();
        Clean::new(&format!("by mail to {}", to.join(", ")))
    }

    /// The password of the account, where there is one.
    async fn password(&self) -> Result<Option<SecretString>, String> {
        let Some(name) = self.credential.clone() else { return Ok(None) };
        let secrets = Arc::clone(&self.secrets);
        let found = tokio::task::spawn_blocking(move || secrets.find(&name)).await;
        let found = found.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
        Ok(Some(found.value))
    }

    pub(super) async fn raise(&self, key: &Clean, letter: &Letter, now: Timestamp) -> Answer {
        let password = match self.password().await {
            Ok(password) => password,
            Err(why) => return Answer::NotSent { says: Clean::new(&why) },
        };
        let short = short_of(key);
        let mut body = letter.body.clone();
        body.push(Clean::default());
        body.push(Clean::new(&format!("Reference: {short}")));
        body.push(Clean::new(&format!("Key: {key}")));
        let mail = Mail {
            message_id: format!("{key}@{}", self.from.domain()),
            from: self.from.clone(),
            to: self.to.clone(),
            subject: Clean::new(&format!("{} [{short}]", letter.subject)),
            body,
        };
        match self.postman.post(&mail, password.as_ref(), now).await {
            Posted::Taken(says) => Answer::Took { says, reference: Some(short), secret: None },
            Posted::Refused(says) => Answer::Refused { says },
            Posted::NotSent(says) => Answer::NotSent { says },
            Posted::NoAnswer(says) => Answer::NoAnswer { says },
        }
    }

    pub(super) fn look(&self) -> Seen {
        let to: Vec<String> = self.to.iter().map(ToString::to_string).collect();
        let says = format!("mail cannot be looked for: ask {} whether it came", to.join(", "));
        Seen::CannotTell(Clean::new(&says))
    }
}
