//! Against a real mail transfer agent, where one is installed: Exim (Debian: `exim4-daemon-light`), run
//! without privileges on loopback.
//!
//! Without it this test says so and passes, unless `CARETAKER_REQUIRE` names `smtp`.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use caretaker::model::plan::{Outcome, StepState};

use crate::guarded::{guard, raise, until};
use crate::post_office::certificate;

const PATIENCE: Duration = Duration::from_secs(60);

/// A running Exim that takes mail for one domain and keeps it in its queue.
struct Exim {
    child: Child,
    folder: tempfile::TempDir,
    tls_port: u16,
    clear_port: u16,
}

impl Drop for Exim {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn program() -> Option<PathBuf> {
    let places = ["/usr/sbin/exim4", "/usr/sbin/exim", "/usr/local/sbin/exim"];
    let found = places.iter().map(PathBuf::from).find(|path| path.exists());
    let required = std::env::var("CARETAKER_REQUIRE").unwrap_or_default();
    let required = required.split(',').any(|name| name.trim() == "smtp");
    assert!(found.is_some() || !required, "CARETAKER_REQUIRE=smtp, but there is no exim");
    if found.is_none() {
        eprintln!("skipped: exim is not installed (apt-get install exim4-daemon-light)");
    }
    found
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn open_to_all(path: &Path) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
}

impl Exim {
    async fn start(program: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("ex").tempdir_in("/tmp").unwrap();
        let path = folder.path();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        drop(certificate(path));
        for file in ["cert.pem", "key.pem"] {
            let mode = std::fs::Permissions::from_mode(0o644);
            std::fs::set_permissions(path.join(file), mode).unwrap();
        }
        for sub in ["spool", "log"] {
            std::fs::create_dir(path.join(sub)).unwrap();
            // It gives up its privileges, and then writes there.
            open_to_all(&path.join(sub));
        }
        let (tls_port, clear_port) = (free_port(), free_port());
        let config = format!(
            "primary_hostname = localhost\nspool_directory = {dir}/spool\n\
             log_file_path = {dir}/log/%slog\npid_file_path = {dir}/log/pid\n\
             local_interfaces = 127.0.0.1\ndaemon_smtp_ports = {tls_port} : {clear_port}\n\
             tls_on_connect_ports = {tls_port}\ntls_advertise_hosts = *\n\
             tls_certificate = {dir}/cert.pem\ntls_privatekey = {dir}/key.pem\n\
             auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}\n\
             acl_smtp_mail = from\nacl_smtp_rcpt = to\nkeep_environment =\nqueue_only = true\n\
             begin acl\n\
             from:\n  deny !encrypted = *\n  deny !authenticated = *\n  accept\n\
             to:\n  accept domains = example.org\n  deny message = relay not permitted\n\
             begin routers\nbegin transports\nbegin retry\nbegin rewrite\n\
             begin authenticators\n\
             plain:\n  driver = plaintext\n  public_name = PLAIN\n  server_prompts = :\n  \
             server_condition = ${{if and {{{{eq{{$auth2}}{{desk}}}}{{eq{{$auth3}}{{{password}}}}}}}}}\n  \
             server_set_id = $auth2\n",
            dir = path.display(),
            password = crate::post_office::PASSWORD
        );
        let file = path.join("exim.conf");
        std::fs::write(&file, config).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let child = Command::new(program)
            .arg("-C")
            .arg(&file)
            .arg("-bdf")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let exim = Self { child, folder, tls_port, clear_port };
        let waiting = async {
            while tokio::net::TcpStream::connect(("127.0.0.1", clear_port)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let up = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(up.is_ok(), "exim does not answer: {}", exim.log());
        exim
    }

    fn log(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.folder.path().join(name));
        ["log/mainlog", "log/paniclog", "log/rejectlog"]
            .map(|name| read(name).unwrap_or_default())
            .concat()
    }

    /// What lies in its queue: head and text of each message.
    fn queue(&self) -> Vec<(String, String)> {
        let input = self.folder.path().join("spool/input");
        let mut found = Vec::new();
        for entry in std::fs::read_dir(input).into_iter().flatten().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            let Some(id) = name.strip_suffix("-D") else { continue };
            let read = |suffix: &str| {
                let path = entry.path().with_file_name(format!("{id}-{suffix}"));
                String::from_utf8(std::fs::read(path).unwrap()).unwrap()
            };
            found.push((read("H"), read("D")));
        }
        found
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_mail_server_takes_a_ticket_once_by_tls_and_by_starttls() {
    let Some(program) = program() else { return };
    let exim = Exim::start(&program).await;
    let ways = [("tls", exim.tls_port), ("starttls", exim.clear_port)];
    for (n, (security, port)) in ways.into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let settings = |to: &str, user: &str| {
            format!(
                "[mail]\nfrom = 'ICT desk <desk@example.org>'\nto = ['{to}']\n[mail.server]\n\
                 host = 'localhost'\nport = {port}\nsecurity = '{security}'\nuser = '{user}'\n\
                 credential = 'tickets'\nca_file = '{}'\n",
                exim.folder.path().join("ca.pem").display()
            )
        };
        let well = guard(folder.path(), &settings("help@example.org", "desk"));
        raise(&well, &[("text", ". a dot at its start, and \u{e9}")]).await;
        let held = until(&well, |held| held.outcome.is_some()).await;
        let told = format!("{:?}\n{}", held.steps[0], exim.log());
        assert_eq!(held.outcome, Some(Outcome::Accepted), "{told}");
        assert_eq!(exim.queue().len(), n + 1, "{told}");
        let key = held.item.key.as_str();
        let (head, _) =
            exim.queue().into_iter().find(|(head, _)| head.contains(key)).expect("by its id");
        assert!(head.contains(&format!("<{key}@example.org>")), "{head}");
        assert!(head.contains("help@example.org"), "{head}");
        let refused =
            [settings("help@elsewhere.example", "desk"), settings("help@example.org", "x")];
        for settings in refused {
            let other = tempfile::tempdir().unwrap();
            let guard = guard(other.path(), &settings);
            raise(&guard, &[]).await;
            let held = until(&guard, |held| held.outcome.is_some()).await;
            let step = &held.steps[0];
            assert_eq!((held.outcome, step.state), (Some(Outcome::Rejected), StepState::Refused));
            assert_eq!(step.sent, 1, "a refusal for good: {}", step.says);
        }
        assert_eq!(exim.queue().len(), n + 1);
    }
}
