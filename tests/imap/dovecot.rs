//! Against a real mail server, where one is installed: `dovecot` (Debian: `dovecot-imapd`).
//!
//! Without it these tests say so and pass, unless `CARETAKER_REQUIRE` names `imap`.

use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use caretaker::model::span::Span;
use caretaker::transport::{Failure, ImapSecurity, ImapSettings, Part};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::{password, refused, server};

/// Long enough that only a test that is going to fail waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running dovecot with one account; it ends with this.
struct Dovecot {
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

fn installed() -> bool {
    let found = Command::new("dovecot")
        .arg("--version")
        .env("PATH", "/usr/sbin:/usr/local/sbin:/usr/bin:/bin")
        .output()
        .is_ok_and(|o| o.status.success());
    let required = std::env::var("CARETAKER_REQUIRE").unwrap_or_default();
    let required = required.split(',').any(|name| name.trim() == "imap");
    assert!(found || !required, "CARETAKER_REQUIRE=imap, but there is no dovecot");
    if !found {
        eprintln!("skipped: dovecot is not installed (apt-get install dovecot-imapd)");
    }
    found
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
    async fn start() -> Self {
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
        std::fs::write(path.join("users"), "alerts:{PLAIN}open sesame\n").unwrap();
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

    fn settings(&self, security: ImapSecurity) -> ImapSettings {
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

    /// Delivers as a mail server does: written aside, then moved.
    fn deliver(&self, sub: &str, name: &str, text: &str) {
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

    fn names(&self) -> Vec<String> {
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

fn letter(n: usize) -> String {
    format!(
        "From: filter@example.org\r\nDate: Tue, 02 Feb 2027 10:{:02}:30 +0000\r\n\
         Subject: letter {n} — schön\r\n\r\nText of letter {n}, 8-bit: ü\r\n.\r\n)\r\n{{3}}\r\n",
        n % 60
    )
}

#[tokio::test]
async fn a_real_server_is_understood_and_nothing_in_it_changes() {
    if !installed() {
        return;
    }
    let dovecot = Dovecot::start().await;
    for n in 0..230 {
        dovecot.deliver("", &format!("1800000{n:03}.M1P1.host"), &letter(n));
    }
    for security in [ImapSecurity::Tls, ImapSecurity::Starttls] {
        let reader = server(&dovecot.settings(security));
        let mut folder = reader.open(&password()).await.unwrap();
        assert_eq!(folder.exists(), 230);
        let numbers: Vec<u32> = folder.numbers(None).await.unwrap().into_iter().collect();
        assert_eq!(numbers.len(), 230);
        let mut texts = Vec::new();
        for batch in numbers.chunks(20) {
            let got = folder.fetch(batch, Part::Whole, 4_096).await.unwrap();
            assert_eq!(got.len(), batch.len());
            for fetched in got.into_values() {
                assert_eq!(fetched.size, Some(u64::try_from(fetched.bytes.len()).unwrap()));
                assert!(fetched.received_at.is_some());
                texts.push(String::from_utf8(fetched.bytes).unwrap());
            }
        }
        texts.sort();
        let mut expected: Vec<String> = (0..230).map(letter).collect();
        expected.sort();
        assert_eq!(texts, expected, "every byte of every letter");
        let head = folder.fetch(&numbers[..1], Part::Envelope, 4_096).await.unwrap();
        let head = String::from_utf8_lossy(&head[&numbers[0]].bytes).into_owned();
        assert!(head.contains("filter@example.org") && !head.contains("letter"), "{head}");
        let part = folder.fetch(&numbers[..1], Part::Whole, 10).await.unwrap();
        assert_eq!(part[&numbers[0]].bytes, b"From: filt");
        folder.close().await;
    }
    let names = dovecot.names();
    assert_eq!(names.len(), 230);
    let seen: Vec<_> =
        names.iter().filter(|n| n.split_once(":2,").is_some_and(|(_, f)| !f.is_empty())).collect();
    assert!(seen.is_empty(), "no flag may be set: {seen:?}");
}

#[tokio::test]
async fn a_real_server_refuses_what_is_wrong_and_we_say_so() {
    if !installed() {
        return;
    }
    let dovecot = Dovecot::start().await;
    let reader = server(&dovecot.settings(ImapSecurity::Tls));
    let wrong = reader.open(&"wrong".to_owned().into()).await.err().unwrap();
    assert!(matches!(&wrong, Failure::Unauthorised { .. }), "{wrong}");
    let mut settings = dovecot.settings(ImapSecurity::Tls);
    settings.folder = "Entwürfe".to_owned();
    let none = refused(&server(&settings)).await;
    assert!(none.to_string().contains("the folder `Entwürfe` cannot be opened"), "{none}");
    dovecot.deliver(".Entw&APw-rfe", "1800000001.M1P1.host", &letter(1));
    let folder = server(&settings).open(&password()).await.unwrap();
    assert_eq!(folder.exists(), 1, "names of folders travel in modified UTF-7");
    settings.ca_file = None;
    assert!(matches!(refused(&server(&settings)).await, Failure::Tls { .. }));
}
