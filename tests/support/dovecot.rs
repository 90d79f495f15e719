//! A real mail server, where one is installed: `dovecot` (Debian: `dovecot-imapd`).

use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use caretaker::model::span::Span;
use caretaker::transport::{ImapSecurity, ImapSettings};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// The password of the account.
pub const PASSWORD: &str = "open sesame";
/// Long enough that only a test that is going to fail waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running dovecot with one account, `alerts`, whose password is [`PASSWORD`]; it ends with this.
pub struct Dovecot {
    child: Child,
    folder: tempfile::TempDir,
    tls_port: u16,
    clear_port: u16,
    owner: Option<(u32, u32)>,
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Why no mail server can be had on this machine.
pub fn lacking() -> Option<String> {
    let found = Command::new("dovecot")
        .arg("--version")
        .env("PATH", "/usr/sbin:/usr/local/sbin:/usr/bin:/bin")
        .output()
        .is_ok_and(|o| o.status.success());
    (!found).then(|| "dovecot is not installed (apt-get install dovecot-imapd)".to_owned())
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn id(of: &[&str]) -> String {
    let output = Command::new("id").args(of).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Dovecot {
    /// Starts one on free ports of 127.0.0.1.
    pub async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("dc").tempdir_in("/tmp").unwrap();
        let path = folder.path();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        certificate(path);
        let root = id(&["-u"]) == "0";
        // No mail process runs as root: the mail then belongs to nobody.
        let mailman = if root { "nobody".to_owned() } else { id(&["-un"]) };
        let (uid, gid) = (id(&["-u", &mailman]), id(&["-g", &mailman]));
        let owner = root.then(|| (uid.parse().unwrap(), gid.parse().unwrap()));
        let (login, group) = match root {
            true => ("dovenull".to_owned(), "dovecot".to_owned()),
            false => (mailman.clone(), id(&["-gn"])),
        };
        let internal = if root { "dovecot" } else { login.as_str() };
        let (tls_port, clear_port) = (free_port(), free_port());
        let config = format!(
            "base_dir = {run}\nstate_dir = {run}\nlog_path = {log}\nprotocols = imap\n\
             listen = 127.0.0.1\nssl = required\nssl_cert = <{cert}\nssl_key = <{key}\n\
             mail_location = maildir:{mail}\ndefault_login_user = {login}\n\
             default_internal_user = {internal}\ndefault_internal_group = {group}\n\
             first_valid_uid = 1\nfirst_valid_gid = 1\n\
             passdb {{\n driver = passwd-file\n args = {users}\n}}\n\
             userdb {{\n driver = static\n args = uid={uid} gid={gid} home={home}\n}}\n\
             mail_plugins = acl\nprotocol imap {{\n mail_plugins = acl imap_acl\n}}\n\
             plugin {{\n acl = vfile\n}}\n\
             namespace inbox {{\n inbox = yes\n separator = /\n}}\n\
             service imap-login {{\n chroot =\n inet_listener imap {{\n port = {clear_port}\n }}\n \
             inet_listener imaps {{\n port = {tls_port}\n ssl = yes\n }}\n}}\n\
             service anvil {{\n chroot =\n}}\nservice stats {{\n chroot =\n}}\n",
            run = path.join("run").display(),
            log = path.join("log").display(),
            cert = path.join("cert.pem").display(),
            key = path.join("key.pem").display(),
            mail = path.join("mail").display(),
            users = path.join("users").display(),
            home = path.join("home").display(),
        );
        std::fs::write(path.join("users"), format!("alerts:{{PLAIN}}{PASSWORD}\n")).unwrap();
        let file = path.join("dovecot.conf");
        std::fs::write(&file, config).unwrap();
        for sub in ["mail", "mail/new", "mail/cur", "mail/tmp", "home"] {
            std::fs::create_dir_all(path.join(sub)).unwrap();
            if let Some((uid, gid)) = owner {
                chown(path.join(sub), Some(uid), Some(gid)).unwrap();
            }
        }
        let child = Command::new("dovecot")
            .args(["-F", "-c"])
            .arg(&file)
            .env("PATH", "/usr/sbin:/usr/local/sbin:/usr/bin:/bin")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let dovecot = Self { child, folder, tls_port, clear_port, owner };
        // As an owner has it without being told.
        dovecot.allows("lrwstipekxa");
        dovecot.answers().await;
        dovecot
    }

    async fn answers(&self) {
        let waiting = async {
            while tokio::net::TcpStream::connect(("127.0.0.1", self.tls_port)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            panic!("dovecot does not answer:\n{log}");
        }
    }

    /// How it is reached.
    pub fn settings(&self, security: ImapSecurity) -> ImapSettings {
        let port = match security {
            ImapSecurity::Tls => self.tls_port,
            ImapSecurity::Starttls => self.clear_port,
        };
        ImapSettings {
            host: "localhost".to_owned(),
            port: Some(port),
            security,
            user: "alerts".to_owned(),
            credential: "alerts-mailbox".parse().unwrap(),
            oauth: None,
            folder: "INBOX".to_owned(),
            ca_file: Some(self.folder.path().join("ca.pem")),
            deadline: Span::from_secs(60),
        }
    }

    fn own(&self, path: &Path) {
        if let Some((uid, gid)) = self.owner {
            chown(path, Some(uid), Some(gid)).unwrap();
        }
    }

    /// From now on the account may do no more with its inbox than these letters say (RFC 4314).
    pub fn allows(&self, rights: &str) {
        let file = self.folder.path().join("mail/dovecot-acl");
        std::fs::write(&file, format!("owner {rights}\n")).unwrap();
        self.own(&file);
    }

    /// Delivers as a mail server does: written aside, then moved.
    pub fn deliver(&self, sub: &str, name: &str, text: &str) {
        let maildir = self.folder.path().join("mail").join(sub);
        for part in ["new", "cur", "tmp"] {
            std::fs::create_dir_all(maildir.join(part)).unwrap();
            self.own(&maildir.join(part));
        }
        self.own(&maildir);
        let aside = maildir.join("tmp").join(name);
        let mut file = std::fs::File::create(&aside).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        self.own(&aside);
        std::fs::rename(aside, maildir.join("new").join(name)).unwrap();
    }

    /// The files of all letters.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for part in ["new", "cur"] {
            let folder: PathBuf = self.folder.path().join("mail").join(part);
            for entry in std::fs::read_dir(folder).unwrap() {
                names.push(entry.unwrap().file_name().to_string_lossy().into_owned());
            }
        }
        names
    }
}

fn certificate(folder: &Path) {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().unwrap();
    let ca = params.self_signed(&ca_key).unwrap();
    let issuer = Issuer::new(params, ca_key);
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let key = KeyPair::generate().unwrap();
    let signed = leaf.signed_by(&key, &issuer).unwrap();
    std::fs::write(folder.join("ca.pem"), ca.pem()).unwrap();
    std::fs::write(folder.join("cert.pem"), signed.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}
