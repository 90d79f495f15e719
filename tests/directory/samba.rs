//! A real Active Directory: Samba's domain controller, built once for each machine, copied for each
//! test, each copy on an address of its own in a network namespace of this test's.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    SanType,
};

/// The domain.
pub const DOMAIN: &str = "DC=desk,DC=test";
/// Where the schools are.
pub const SCHOOLS: &str = "OU=Schools,DC=desk,DC=test";
/// The password of every account of the seed.
pub const PASSWORD: &str = "Made-Up-Pass-77!";
/// Wrong passwords that lock an account.
pub const LOCKS_AFTER: usize = 4;
/// Accounts of the large school.
pub const MANY: usize = 1_150;
/// How long a controller may take to answer for the first time.
const PATIENCE: Duration = Duration::from_secs(90);

/// The account that may write, by rights that were delegated to it.
pub const WRITER: &str = "svc-write";
/// Where it may write to groups.
pub const GROUPS: &str = "OU=Groups,DC=desk,DC=test";

/// A change of the seed asks for a new one.
const VERSION: &str = "3";

/// Programs without which there is no directory.
const PROGRAMS: &[&str] = &["samba", "samba-tool", "ldbmodify", "ldbsearch", "unshare", "ip"];

fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    let places = path.split(':').chain(["/usr/sbin", "/sbin"]).map(Path::new);
    places.map(|p| p.join(program)).find(|p| p.is_file())
}

/// Why no directory can be had on this machine.
pub fn lacking() -> Option<String> {
    let missing: Vec<_> = PROGRAMS.iter().filter(|p| found(p).is_none()).collect();
    if !missing.is_empty() {
        return Some(format!("{missing:?} not installed"));
    }
    let tried = namespace(Command::new("unshare")).arg("true").output();
    match tried {
        Ok(done) if done.status.success() => None,
        Ok(done) => {
            Some(format!("no network namespace: {}", String::from_utf8_lossy(&done.stderr).trim()))
        }
        Err(e) => Some(format!("no network namespace: {e}")),
    }
}

fn is_root() -> bool {
    let out = Command::new("id").arg("-u").output();
    out.is_ok_and(|o| o.stdout == b"0\n")
}

/// A namespace with nothing but a loopback, whose processes end with it.
pub fn namespace(mut unshare: Command) -> Command {
    if !is_root() {
        unshare.args(["-U", "-r"]);
    }
    unshare.args(["-n", "-m", "-p", "-f", "--kill-child"]);
    unshare
}

fn run(command: &mut Command, input: &str) {
    let name = format!("{:?}", command.get_program());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let done = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(
        done.status.success(),
        "{name} failed\n{}\n{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}

fn program(name: &str) -> Command {
    Command::new(found(name).unwrap_or_else(|| PathBuf::from(name)))
}

/// The Python that Samba's own programs run with: another one does not know its modules.
fn interpreter() -> String {
    let tool = std::fs::read_to_string(found("samba-tool").unwrap()).unwrap();
    let line = tool.lines().next().and_then(|l| l.strip_prefix("#!")).unwrap();
    line.split_whitespace().last().unwrap().to_owned()
}

// ------------------------------------------------------------------ what it holds

/// An entry to add.
pub fn entry(dn: &str, class: &str, attributes: &[(&str, String)]) -> String {
    let mut out = format!("{}\nobjectClass: {class}\n", line("dn", dn));
    for (name, value) in attributes {
        out.push_str(&line(name, value));
        out.push('\n');
    }
    out + "\n"
}

/// As LDIF: in base64 where it is not plain.
fn line(name: &str, value: &str) -> String {
    use base64::Engine;
    let plain =
        value.bytes().all(|b| (b' '..=b'~').contains(&b)) && !value.starts_with([' ', ':', '<']);
    match plain && !value.ends_with(' ') {
        true => format!("{name}: {value}"),
        false => format!("{name}:: {}", base64::engine::general_purpose::STANDARD.encode(value)),
    }
}

fn password(text: &str) -> String {
    use base64::Engine;
    let quoted: Vec<u8> = format!("\"{text}\"").encode_utf16().flat_map(u16::to_le_bytes).collect();
    format!("unicodePwd:: {}", base64::engine::general_purpose::STANDARD.encode(quoted))
}

/// An account with a password. `cn` is written as it stands in a DN.
pub fn account(sam: &str, cn: &str, ou: &str, control: u32, mail: Option<&str>) -> String {
    let mut attributes = vec![
        ("sAMAccountName", sam.to_owned()),
        ("userPrincipalName", format!("{sam}@desk.test")),
        ("userAccountControl", control.to_string()),
    ];
    if let Some(mail) = mail {
        attributes.push(("mail", mail.to_owned()));
    }
    let text = entry(&format!("CN={cn},{ou}"), "user", &attributes);
    format!("{}\n{}\n\n", text.trim_end(), password(PASSWORD))
}

fn modify(dn: &str, attribute: &str, value: &str) -> String {
    format!(
        "{}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n\n",
        line("dn", dn)
    )
}

/// Ticks of 100 ns since 1601.
#[expect(clippy::disallowed_methods, reason = "the seed is made for the time at which it is made")]
fn ticks(seconds_ago: i64) -> String {
    let now = jiff::Timestamp::now().as_second() - seconds_ago;
    ((now + 11_644_473_600) * 10_000_000).to_string()
}

/// The OU of the first school, whose name does its worst.
pub const HOSTILE: &str = "OU=Ash\\, Brook \\+ Elm (North) \\\"*\\\" é";

fn seed() -> String {
    let mut out = String::new();
    let ou = |name: &str, below: &str| entry(&format!("{name},{below}"), "organizationalUnit", &[]);
    let first = format!("{HOSTILE},{SCHOOLS}");
    let pupils = format!("OU=Pupils,{first}");
    let year = format!("OU=Year 3\\, afternoons,{pupils}");
    out += &entry(SCHOOLS, "organizationalUnit", &[]);
    out += &ou("OU=Services", DOMAIN);
    out += &ou("OU=Groups", DOMAIN);
    out += &ou(HOSTILE, SCHOOLS);
    out += &ou("OU=Pupils", &first);
    out += &ou("OU=Year 3\\, afternoons", &pupils);
    for school in ["Locks", "Many", "Empty", "Closed", "Quiet", "Acts"] {
        out += &ou(&format!("OU={school}"), SCHOOLS);
    }
    out += &ou("OU=Everybody", &format!("OU=Many,{SCHOOLS}"));
    out += &ou("OU=Pupils", &format!("OU=Acts,{SCHOOLS}"));
    out += "#----\n";

    // The first school: five enabled, of whom two have no mail; one disabled.
    out += &account("z.pupil", "Zoë Ŷnyr-Púpil", &year, 512, Some("z.pupil@desk.test"));
    out +=
        &account("o.neill", "O'Neill\\, Orla (Year 4) \\*", &year, 512, Some("o.neill@desk.test"));
    out += &account("p.plain", "Pat Plain", &pupils, 66_048, None);
    out += &account("m.change", "Mo Change", &pupils, 512, Some("m.change@desk.test"));
    out += &account("e.ended", "Eve Ended", &first, 512, None);
    out += &account("d.gone", "Dee Gone", &first, 514, None);
    // The school where accounts are locked out.
    let locks = format!("OU=Locks,{SCHOOLS}");
    for n in 0..8 {
        let mail = format!("lock{n}@desk.test");
        out += &account(&format!("lock{n}"), &format!("Lock {n}"), &locks, 512, Some(&mail));
    }
    out += &account("stale", "Stale Lock", &locks, 512, Some("stale@desk.test"));
    out += &account("both", "Both Locked", &locks, 514, Some("both@desk.test"));
    // Nobody is enabled here.
    out += &account("closed", "Cleo Closed", &format!("OU=Closed,{SCHOOLS}"), 514, None);
    out +=
        &account("quiet", "Quin Quiet", &format!("OU=Quiet,{SCHOOLS}"), 512, Some("q@desk.test"));
    // In no school's OU, but below it.
    out += &account("stray", "Stu Stray", SCHOOLS, 512, None);
    acted_on(&mut out);
    let services = format!("OU=Services,{DOMAIN}");
    for name in
        ["svc-read", "svc-disabled", "svc-ended", "svc-change", "svc-locked", "svc-wrong", WRITER]
    {
        let control = match name {
            "svc-disabled" => 66_050,
            // A password that never expires need not be changed either.
            "svc-change" => 512,
            _ => 66_048,
        };
        out += &account(name, name, &services, control, None);
    }
    out += "#----\n";

    // Without a password, which takes its time.
    for n in 0..MANY {
        let attributes = [
            ("sAMAccountName", format!("many{n:04}")),
            ("userAccountControl", if n % 10 == 0 { "546" } else { "544" }.to_owned()),
            ("mail", format!("many{n:04}@desk.test")),
        ];
        let dn = format!("CN=Many {n:04},OU=Everybody,OU=Many,{SCHOOLS}");
        out += &entry(&dn, "user", &attributes);
    }
    out += "#----\n#modify\n";
    protect(&mut out);
    out += &modify(&format!("CN=Mo Change,{pupils}"), "pwdLastSet", "0");
    out += &modify(&format!("CN=Eve Ended,{first}"), "accountExpires", &ticks(86_400));
    out += &modify(&format!("CN=svc-ended,{services}"), "accountExpires", &ticks(86_400));
    out += &modify(&format!("CN=svc-change,{services}"), "pwdLastSet", "0");
    out += &modify(DOMAIN, "lockoutThreshold", &LOCKS_AFTER.to_string());
    out += &modify(DOMAIN, "lockoutDuration", "-18000000000");
    out += &modify(DOMAIN, "lockOutObservationWindow", "-18000000000");
    out + &granted()
}

/// The school whose accounts are acted on, and those of them that nobody touches.
fn acted_on(out: &mut String) {
    let acts = format!("OU=Acts,{SCHOOLS}");
    let pupils = format!("OU=Pupils,{acts}");
    for n in 0..4 {
        *out += &account(&format!("act{n}"), &format!("Act {n}"), &pupils, 512, None);
    }
    *out += &account("forever", "Never Expires", &pupils, 66_048, None);
    for name in ["nested", "primary", "was", "svc-boiler", "spn"] {
        *out += &account(name, &format!("Not {name}"), &acts, 512, None);
    }
    for name in ["Restricted", "Other", "Leads"] {
        let attributes = [("sAMAccountName", name.to_owned())];
        *out += &entry(&format!("CN={name},{GROUPS}"), "group", &attributes);
    }
}

/// Makes them what they are: in a group that is in Domain Admins; with that as primary group; with
/// an `adminCount` left over; a service by its login; a service by its name.
fn protect(out: &mut String) {
    let acts = format!("OU=Acts,{SCHOOLS}");
    let admins = format!("CN=Domain Admins,CN=Users,{DOMAIN}");
    let add = |group: &str, member: &str| {
        format!("dn: {group}\nchangetype: modify\nadd: member\nmember: {member}\n\n")
    };
    let leads = format!("CN=Leads,{GROUPS}");
    *out += &add(&leads, &format!("CN=Not nested,{acts}"));
    *out += &add(&admins, &leads);
    *out += &add(&admins, &format!("CN=Not primary,{acts}"));
    *out += &modify(&format!("CN=Not primary,{acts}"), "primaryGroupID", "512");
    *out += &modify(&format!("CN=Not was,{acts}"), "adminCount", "1");
    *out += &modify(&format!("CN=Not spn,{acts}"), "servicePrincipalName", "HTTP/boiler.desk.test");
}

/// The rights that the administrator's guide tells to delegate, and no others: who, where, and what
/// as the directory writes it.
fn granted() -> String {
    const USERS: &str = "bf967aba-0de6-11d0-a285-00aa003049e2";
    let mut out = "#----\n#grant\n".to_owned();
    let mut grant = |at: &str, ace: &str| out += &format!("{WRITER}\t{at}\t{ace}\n");
    let acts = format!("OU=Acts,{SCHOOLS}");
    for attribute in [
        // userAccountControl, lockoutTime, pwdLastSet.
        "bf967a68-0de6-11d0-a285-00aa003049e2",
        "28630ebf-41d5-11d1-a9c1-0000f80367c1",
        "bf967a0a-0de6-11d0-a285-00aa003049e2",
    ] {
        grant(&acts, &format!("(OA;CIIO;RPWP;{attribute};{USERS};SID)"));
    }
    // Reset Password.
    grant(&acts, &format!("(OA;CIIO;CR;00299570-246d-11d0-a768-00aa006e0529;{USERS};SID)"));
    // member, of the one group.
    let member = "bf9679c0-0de6-11d0-a285-00aa003049e2";
    grant(&format!("CN=Restricted,{GROUPS}"), &format!("(OA;;RPWP;{member};;SID)"));
    out
}

// ------------------------------------------------------------------ the seed

/// Builds the seed unless it is there, and says where it is.
pub fn built() -> PathBuf {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let place = cache.join(format!("samba-{VERSION}"));
    if place.join("ok").is_file() {
        return place;
    }
    let making = cache.join(format!("samba-making-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&making));
    std::fs::create_dir_all(&making).unwrap();
    run(
        namespace(Command::new("unshare"))
            .args(["sh", "-c", "ip link set lo up; exec \"$@\"", "sh"])
            .arg(found("samba-tool").unwrap())
            .args(["domain", "provision", "--configfile=/dev/null", "--realm=DESK.TEST"])
            .args(["--domain=DESK", "--server-role=dc", "--dns-backend=NONE"])
            .args(["--adminpass=Made-Up-Adm1n!", "--host-name=dc1", "--host-ip=127.0.0.1"])
            .arg(format!("--targetdir={}", making.display())),
        "",
    );
    // Not needed, and its attributes hinder copies.
    drop(std::fs::remove_dir_all(making.join("state/sysvol")));
    std::fs::create_dir_all(making.join("state/sysvol")).unwrap();
    for folder in ["cache", "lock", "pid", "dns", "ncalrpc", "wb", "ntp", "tls"] {
        std::fs::create_dir_all(making.join(folder)).unwrap();
    }
    let conf = configure(&making, "127.0.0.1");
    run(
        Command::new(interpreter())
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/directory/seed.py"))
            .arg(making.join("private/sam.ldb"))
            .arg(&conf),
        &seed(),
    );
    std::fs::write(making.join("ok"), "").unwrap();
    // Another run may have been faster, which is as good.
    if std::fs::rename(&making, &place).is_err() {
        drop(std::fs::remove_dir_all(&making));
    }
    assert!(place.join("ok").is_file(), "the seed is not at {}", place.display());
    place
}

fn configure(folder: &Path, address: &str) -> PathBuf {
    let at = folder.display();
    let text = format!(
        "[global]\n workgroup = DESK\n realm = DESK.TEST\n netbios name = DC1\n \
         server role = active directory domain controller\n server services = ldap, cldap\n \
         interfaces = {address}\n bind interfaces only = yes\n private dir = {at}/private\n \
         state directory = {at}/state\n cache directory = {at}/cache\n lock directory = {at}/lock\n \
         pid directory = {at}/pid\n binddns dir = {at}/dns\n ncalrpc dir = {at}/ncalrpc\n \
         winbindd socket directory = {at}/wb\n ntp signd socket directory = {at}/ntp\n \
         log file = {at}/log\n panic action =\n tls keyfile = {at}/tls/key.pem\n \
         tls certfile = {at}/tls/cert.pem\n tls cafile = {at}/tls/ca.pem\n \
         ldap server require strong auth = yes\n"
    );
    let path = folder.join("smb.conf");
    std::fs::write(&path, text).unwrap();
    path
}

// ------------------------------------------------------------------ a controller

/// An authority of our own.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "Authority of the desk's tests");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Certificate and key for these names.
    pub fn signed(&self, names: &[&str]) -> (rcgen::Certificate, KeyPair) {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        assert!(
            params
                .subject_alt_names
                .iter()
                .all(|n| matches!(n, SanType::DnsName(_) | SanType::IpAddress(_)))
        );
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

/// Runs the controller whose files are at this place.
fn launch(at: &Path) -> Child {
    let log = std::fs::File::create(at.join("out")).unwrap();
    program("samba")
        .args(["-i", "--debug-stdout", "--model=single"])
        .arg(format!("--configfile={}", at.join("smb.conf").display()))
        .env("KRB5_CONFIG", at.join("private/krb5.conf"))
        .stdin(Stdio::null())
        .stderr(log.try_clone().unwrap())
        .stdout(log)
        .spawn()
        .unwrap()
}

/// A controller at work; it ends when this is dropped.
pub struct Dc {
    child: Child,
    folder: tempfile::TempDir,
    /// 1 to 29: `dc3.desk.test`, 10.77.0.3.
    number: u8,
}

impl Dc {
    /// Starts a copy of the seed, with a certificate for `dcN.desk.test` and its address.
    pub fn start(number: u8, authority: &Authority) -> Self {
        let host = format!("dc{number}.desk.test");
        let address = format!("10.77.0.{number}");
        Self::named(number, authority, &[&host, &address])
    }

    /// The same with a certificate for these names.
    pub fn named(number: u8, authority: &Authority, names: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("dc");
        run(program("cp").args(["-a", "--sparse=always"]).arg(built()).arg(&at), "");
        configure(&at, &format!("10.77.0.{number}"));
        let (certificate, key) = authority.signed(names);
        let put = |name: &str, text: String, mode| {
            let path = at.join("tls").join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        };
        put("cert.pem", certificate.pem(), 0o644);
        put("key.pem", key.serialize_pem(), 0o600);
        put("ca.pem", std::fs::read_to_string(authority.file()).unwrap(), 0o644);
        let locks = format!("OU=Locks,{SCHOOLS}");
        let mut change =
            modify(&format!("CN=Stale Lock,{locks}"), "lockoutTime", &ticks(2 * 3_600));
        change += &modify(&format!("CN=Both Locked,{locks}"), "lockoutTime", &ticks(60));
        run(program("ldbmodify").arg("-H").arg(at.join("private/sam.ldb")), &change);
        let mut dc = Self { child: launch(&at), folder, number };
        dc.wait();
        dc
    }

    /// Starts it again after [`Dc::kill`], with all that it held.
    pub fn start_again(&mut self) {
        self.child = launch(&self.folder.path().join("dc"));
        self.wait();
    }

    #[expect(clippy::disallowed_methods, reason = "a harness has only the real clock")]
    fn wait(&mut self) {
        let began = Instant::now();
        let at = (format!("10.77.0.{}", self.number), 636);
        while std::net::TcpStream::connect((at.0.as_str(), at.1)).is_err() {
            let ended = self.child.try_wait().unwrap();
            if ended.is_some() || began.elapsed() > PATIENCE {
                let log = std::fs::read_to_string(self.folder.path().join("dc/out"));
                panic!("no controller at {at:?} ({ended:?}):\n{}", log.unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn ldaps(&self) -> String {
        format!("ldaps://dc{}.desk.test", self.number)
    }

    pub fn start_tls(&self) -> String {
        format!("ldap://dc{}.desk.test", self.number)
    }

    /// Changes the database beneath the running controller.
    pub fn change(&self, dn: &str, attribute: &str, value: &str) {
        self.apply("ldbmodify", &modify(dn, attribute, value));
    }

    /// Adds entries to it.
    pub fn add(&self, entries: &str) {
        self.apply("ldbadd", entries);
    }

    fn apply(&self, tool: &str, ldif: &str) {
        let sam = self.folder.path().join("dc/private/sam.ldb");
        run(program(tool).arg("-H").arg(sam), ldif);
    }

    /// Sets another password, on this controller alone.
    pub fn reset_password(&self, sam: &str) {
        let at = self.folder.path().join("dc");
        run(
            program("samba-tool")
                .args(["user", "setpassword", sam, "--newpassword=Another-Made-Up-88!"])
                .arg(format!("--URL={}", at.join("private/sam.ldb").display()))
                .arg(format!("--configfile={}", at.join("smb.conf").display())),
            "",
        );
    }

    /// Passwords of the account that the controller remembers, the present one included.
    pub fn passwords(&self, sam: &str) -> usize {
        let at = self.folder.path().join("dc/private/sam.ldb");
        let done = program("ldbsearch")
            .arg("-H")
            .arg(at)
            .args([&format!("(sAMAccountName={sam})"), "ntPwdHistory"])
            .output()
            .unwrap();
        let text = String::from_utf8(done.stdout).unwrap().replace("\n ", "");
        let value = text.lines().find_map(|l| l.strip_prefix("ntPwdHistory:: ")).unwrap();
        use base64::Engine;
        // Hashes of 16 bytes.
        base64::engine::general_purpose::STANDARD.decode(value.trim()).unwrap().len() / 16
    }

    /// How the accounts of the service's tests stand: passwords set since they were made, whether
    /// they are enabled, whether they are locked out.
    pub fn state(&self) -> std::collections::BTreeMap<String, u64> {
        let done = program("ldbsearch")
            .arg("-H")
            .arg(self.folder.path().join("dc/private/sam.ldb"))
            .arg("(sAMAccountName=kill*)")
            .args(["sAMAccountName", "ntPwdHistory", "userAccountControl", "lockoutTime"])
            .output()
            .unwrap();
        let text = String::from_utf8(done.stdout).unwrap().replace("\n ", "");
        let mut state = std::collections::BTreeMap::new();
        for entry in text.split("\n\n") {
            let value =
                |name: &str| entry.lines().find_map(|l| l.strip_prefix(name)).map(str::trim);
            let Some(login) = value("sAMAccountName:") else { continue };
            let mut put = |what: &str, n: u64| state.insert(format!("ad {what} {login}"), n);
            // Hashes of 16 bytes, in Base64.
            let passwords =
                value("ntPwdHistory::").map_or(0, |v| v.trim_end_matches('=').len() * 6 / 8 / 16);
            put("password", u64::try_from(passwords).unwrap());
            let flags: u64 = value("userAccountControl:").unwrap().parse().unwrap();
            put(if flags & 2 == 0 { "enabled" } else { "disabled" }, 1);
            let open = value("lockoutTime:").is_none_or(|at| at == "0");
            put("unlock", u64::from(open));
        }
        state
    }

    /// Takes the controller away.
    pub fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Dc {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs the tests of the module `real` in a namespace of their own, and says what they said.
pub fn in_namespace(tests: &str) {
    built();
    let hosts = tempfile::NamedTempFile::new().unwrap();
    let mut text = "127.0.0.1 localhost\n".to_owned();
    let mut addresses = String::new();
    for n in 1..=29 {
        text.push_str(&format!("10.77.0.{n} dc{n}.desk.test\n"));
        addresses.push_str(&format!("ip addr add 10.77.0.{n}/32 dev lo; "));
    }
    std::fs::write(hosts.path(), text).unwrap();
    let setup = format!(
        "set -e; ip link set lo up; {addresses} mount --make-rprivate /; \
         mount --bind {} /etc/hosts; exec \"$@\"",
        hosts.path().display()
    );
    let done = namespace(Command::new("unshare"))
        .args(["sh", "-c", &setup, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--show-output", "--test-threads=2", tests])
        .env("CARETAKER_TEST_NAMESPACE", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success() && said.contains("test result: ok") && !said.contains(" 0 passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&done.stderr)
    );
    println!("{said}");
}
