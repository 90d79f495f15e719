//! One message at a time to one server.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use lettre::Message;
use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{self, Data, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::settings::{SmtpSecurity, SmtpSettings};
use super::stream::{Encrypted, NoTls, start_tls};
use crate::model::text::Clean;
use crate::ports::clock::Clock;
use crate::transport::client::system_roots;
use crate::transport::exchange::tls_words;

/// How long the server's goodbye is waited for.
const GOODBYE: Duration = Duration::from_secs(1);

/// An address with or without a name: `Service desk <desk@example.org>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailAddress(Mailbox);

/// Why an address cannot be written to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a mail address: write desk@example.org, or Service desk <desk@example.org>")]
pub struct NotAnAddress(String);

impl FromStr for MailAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let refuse = || NotAnAddress(text.chars().take(80).collect());
        let mailbox: Mailbox = text.parse().map_err(|_| refuse())?;
        let address: &str = mailbox.email.as_ref();
        if !address.is_ascii() || text.contains(char::is_control) {
            return Err(refuse());
        }
        Ok(Self(mailbox))
    }
}

impl std::fmt::Display for MailAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.email.as_ref())
    }
}

impl MailAddress {
    /// What stands behind the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.email.domain()
    }
}

/// A message.
#[derive(Debug, Clone)]
pub struct Mail {
    /// `KEY@domain`, without the angle brackets: letters, digits, `.`, `-`, `_`, `@`.
    pub message_id: String,
    /// From whom.
    pub from: MailAddress,
    /// To whom; at least one.
    pub to: Vec<MailAddress>,
    /// One line.
    pub subject: Clean,
    /// Its lines.
    pub body: Vec<Clean>,
}

/// How far a message came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    /// The server has it, and said this.
    Taken(Clean),
    /// The server refused it for good; it has nothing.
    Refused(Clean),
    /// It was certainly not taken, and may be sent again.
    NotSent(Clean),
    /// It was on its way when the answer failed to come: nobody knows.
    NoAnswer(Clean),
}

/// Sends messages to one server. Cheap to clone.
#[derive(Clone)]
pub struct Postman {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    settings: SmtpSettings,
    server: ServerName<'static>,
    /// `None` for the system's.
    roots: Option<RootCertStore>,
    clock: Arc<dyn Clock>,
}

impl Postman {
    pub(in crate::transport) fn new(
        settings: SmtpSettings,
        server: ServerName<'static>,
        roots: Option<RootCertStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let scheme = match settings.security {
            SmtpSecurity::Tls => "smtps",
            SmtpSecurity::Starttls => "smtp",
        };
        let name = format!("{scheme}://{}:{}", settings.host, settings.port());
        Self { inner: Arc::new(Inner { name, settings, server, roots, clock }) }
    }

    /// Scheme, host and port, for messages.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.inner.name
    }

    /// Sends `mail`, once, within the deadline of the settings. `password` is that of the account,
    /// where the settings name one. Cancel-safe: but what was sent was sent.
    pub async fn post(
        &self,
        mail: &Mail,
        password: Option<&SecretString>,
        now: Timestamp,
    ) -> Posted {
        let inner = &*self.inner;
        let message = match message(mail, now) {
            Ok(message) => message,
            Err(why) => {
                return Posted::Refused(inner.says(&format!("it cannot be written: {why}")));
            }
        };
        let began = inner.clock.monotonic();
        // Set before the first byte of the content leaves.
        let on_its_way = AtomicBool::new(false);
        let posted = tokio::select! {
            biased;
            posted = inner.posted(&message, password, &on_its_way) => posted,
            () = inner.clock.sleep(inner.settings.deadline.duration()) => {
                let why = format!("no answer within {} s", inner.settings.deadline.as_secs());
                Err(Broken::Lost(why))
            }
        };
        let took = inner.clock.monotonic().saturating_sub(began);
        let posted = posted.unwrap_or_else(|broken| match broken {
            Broken::Never(why) => Posted::Refused(inner.says(&why)),
            Broken::NotNow(why) => Posted::NotSent(inner.says(&why)),
            Broken::Lost(why) if on_its_way.load(Ordering::SeqCst) => {
                Posted::NoAnswer(inner.says(&format!("the mail was sent, and then: {why}")))
            }
            Broken::Lost(why) => Posted::NotSent(inner.says(&why)),
        });
        tracing::debug!(
            server = inner.name,
            took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            outcome = match &posted {
                Posted::Taken(_) => "taken",
                Posted::Refused(_) => "refused",
                Posted::NotSent(_) => "not sent",
                Posted::NoAnswer(_) => "no answer",
            },
            "mail"
        );
        posted
    }
}

/// Why a message was not taken.
enum Broken {
    /// The server said no, and will say so again.
    Never(String),
    /// The server said not now.
    NotNow(String),
    /// Nothing, or nothing that is SMTP, came back.
    Lost(String),
}

impl From<lettre::transport::smtp::Error> for Broken {
    fn from(error: lettre::transport::smtp::Error) -> Self {
        let text = error.to_string();
        if error.is_permanent() {
            Self::Never(text)
        } else if error.is_transient() {
            Self::NotNow(text)
        } else {
            Self::Lost(text)
        }
    }
}

impl Inner {
    fn says(&self, text: &str) -> Clean {
        Clean::new(&format!("{}: {text}", self.name))
    }

    async fn posted(
        &self,
        message: &Message,
        password: Option<&SecretString>,
        on_its_way: &AtomicBool,
    ) -> Result<Posted, Broken> {
        let stream = Box::new(self.encrypted().await?);
        let hello = ClientId::default();
        let mut line = AsyncSmtpConnection::connect_with_transport(stream, &hello).await?;
        if let (Some(user), Some(password)) = (&self.settings.user, password) {
            let secret = password.expose_secret();
            if [user.as_str(), secret].iter().any(|s| s.contains(['\r', '\n', '\0'])) {
                let why = "user name or password holds a line end: store the credential again";
                return Err(Broken::Never(why.to_owned()));
            }
            let credentials = Credentials::new(user.clone(), secret.to_owned());
            line.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await?;
        }
        let envelope = message.envelope();
        line.command(commands::Mail::new(envelope.from().cloned(), Vec::new())).await?;
        for to in envelope.to() {
            line.command(Rcpt::new(to.clone(), Vec::new())).await?;
        }
        line.command(Data).await?;
        on_its_way.store(true, Ordering::SeqCst);
        let answer = line.message(&message.formatted()).await?;
        let said = answer.message().collect::<Vec<_>>().join(" ");
        tokio::select! {
            // Whatever comes of the goodbye, the message was taken.
            bye = line.quit() => drop(bye),
            () = self.clock.sleep(GOODBYE) => {}
        }
        Ok(Posted::Taken(self.says(&said)))
    }

    async fn encrypted(&self) -> Result<Encrypted, Broken> {
        let place = (self.settings.host.as_str(), self.settings.port());
        // Tries the addresses of the name in turn.
        let connected = TcpStream::connect(place).await;
        let mut stream = connected.map_err(|e| Broken::NotNow(format!("cannot connect: {e}")))?;
        let greeted = self.settings.security == SmtpSecurity::Starttls;
        if greeted {
            let hello = ClientId::default().to_string();
            start_tls(&mut stream, &hello).await.map_err(|no| match no {
                NoTls::Lost(why) => Broken::Lost(why),
                NoTls::Refused(why) => Broken::Never(why),
            })?;
        }
        let tls = TlsConnector::from(Arc::new(self.tls().await.map_err(Broken::Never)?));
        let shaken = tls.connect(self.server.clone(), stream).await;
        let stream = shaken.map_err(|e| {
            match e.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
                Some(tls) => Broken::Never(format!("TLS was refused: {}", tls_words(tls))),
                None => Broken::Lost(e.to_string()),
            }
        })?;
        Ok(Encrypted::new(stream, greeted))
    }

    async fn tls(&self) -> Result<ClientConfig, String> {
        let roots = match &self.roots {
            Some(roots) => roots.clone(),
            None => {
                let read = tokio::task::spawn_blocking(system_roots).await;
                read.map_err(|e| e.to_string())??
            }
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?;
        Ok(config.with_root_certificates(roots).with_no_client_auth())
    }
}

/// The message as bytes know it.
fn message(mail: &Mail, now: Timestamp) -> Result<Message, String> {
    let usual = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
    if mail.message_id.is_empty() || !mail.message_id.chars().all(usual) {
        return Err("its id holds what an id may not".to_owned());
    }
    let mut builder = Message::builder()
        .date(now.try_into().map_err(|_| "its date is none".to_owned())?)
        .message_id(Some(format!("<{}>", mail.message_id)))
        .from(mail.from.0.clone())
        .subject(mail.subject.as_str());
    for to in &mail.to {
        builder = builder.to(to.0.clone());
    }
    let lines: Vec<&str> = mail.body.iter().map(Clean::as_str).collect();
    builder.singlepart(SinglePart::plain(lines.join("\r\n"))).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADERS: [&str; 8] = [
        "Date",
        "Message-ID",
        "From",
        "To",
        "Subject",
        "MIME-Version",
        "Content-Transfer-Encoding",
        "Content-Type",
    ];

    fn mail(subject: &str, body: &[String]) -> Mail {
        Mail {
            message_id: "00ff@example.org".to_owned(),
            from: "Service desk <desk@example.org>".parse().unwrap(),
            to: vec!["help@example.org".parse().unwrap()],
            subject: Clean::new(subject),
            body: body.iter().map(|line| Clean::new(line)).collect(),
        }
    }

    fn written(mail: &Mail) -> Result<Vec<u8>, String> {
        message(mail, Timestamp::UNIX_EPOCH).map(|message| message.formatted())
    }

    #[test]
    fn addresses_are_plain_ones() {
        let domain = |text: &str| text.parse::<MailAddress>().map(|a| a.domain().to_owned());
        assert_eq!(domain("Service desk <desk@example.org>").unwrap(), "example.org");
        assert_eq!(domain("desk@example.org").unwrap(), "example.org");
        for odd in ["", "desk", "a@b\r\nBcc: c@d", "<a@b>\nx", "d\u{e9}sk@example.org", "a@b, c@d"]
        {
            assert!(domain(odd).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn an_id_that_could_end_its_header_is_refused() {
        for odd in ["", "a>b@c", "a@c\r\nBcc: x@y", "a b@c"] {
            let mail = Mail { message_id: odd.to_owned(), ..mail("s", &[]) };
            assert!(written(&mail).is_err(), "{odd:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_a_letter_holds_it_is_its_subject_and_its_text(
            subject in "(\\PC|[\r\n\t\0:=?<>]){0,120}",
            body in proptest::collection::vec("(\\PC|[\r\n.=?<>-]){0,90}", 0..6),
        ) {
            let mail = mail(&subject, &body);
            let bytes = written(&mail).unwrap();
            let read = mail_parser::MessageParser::default().parse(&bytes).unwrap();
            let names: std::collections::BTreeSet<&str> =
                read.headers_raw().map(|(name, _)| name).collect();
            let known = names.iter().all(|name| HEADERS.contains(name));
            proptest::prop_assert!(known && names.len() == HEADERS.len(), "{:?}", names);
            proptest::prop_assert_eq!(read.headers_raw().count(), HEADERS.len(), "each once");
            proptest::prop_assert_eq!(read.subject().unwrap_or_default(), mail.subject.as_str());
            // How many empty lines end it is nobody's business.
            let end = ['\r', '\n'];
            let text = read.body_text(0).unwrap_or_default().replace("\r\n", "\n");
            let lines: Vec<&str> = mail.body.iter().map(Clean::as_str).collect();
            let wanted = lines.join("\n");
            proptest::prop_assert_eq!(text.trim_end_matches(end), wanted.trim_end_matches(end));
        }
    }
}
