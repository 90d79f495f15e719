//! Systemd's folder and files for real; keyrings by a stand-in, and for real where one is reached.
//! What is not there is said, or fails where `CARETAKER_REQUIRE` names it.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::ExposeSecret;

use crate::model::ids::CredentialName;
use crate::ports::secrets::{SecretError, SecretPlace, Secrets};
use crate::secrets::SecretStores;
use crate::secrets::keyring::Keyring;

const CANARY: &str = "canary-7Qx-never-shown";

fn name(text: &str) -> CredentialName {
    text.parse().unwrap()
}

/// Whether whoever runs the tests says that `what` is there.
fn required(what: &str) -> bool {
    std::env::var("CARETAKER_REQUIRE").is_ok_and(|r| r.split(',').any(|r| r.trim() == what))
}

fn folder(mode: u32) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(mode)).unwrap();
    dir
}

fn put(folder: &Path, file: &str, text: &[u8], mode: u32) -> PathBuf {
    let path = folder.join(file);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    path
}

fn files(entries: &[(&str, &Path)]) -> BTreeMap<CredentialName, PathBuf> {
    entries.iter().map(|(n, path)| (name(n), path.to_path_buf())).collect()
}

/// A keyring in memory.
fn memory(place: SecretPlace) -> Keyring {
    let store = keyring::mock::Store::new().unwrap();
    Keyring::new(place, false, move || Ok(store.clone()))
}

fn broken(place: SecretPlace) -> Keyring {
    Keyring::new(place, false, || Err(keyring::Error::NoStorageAccess("access denied".into())))
}

fn value_of(stores: &SecretStores, of: &str) -> (String, SecretPlace) {
    let found = stores.find(&name(of)).unwrap();
    (found.value.expose_secret().to_owned(), found.place)
}

#[test]
fn systemd_answers_before_keyrings_and_keyrings_before_files() {
    let (given, own) = (folder(0o500), folder(0o700));
    std::fs::set_permissions(given.path(), PermissionsExt::from_mode(0o700)).unwrap();
    put(given.path(), "graph", b"from systemd\n", 0o440);
    let file = put(own.path(), "graph", b"from file\r\n", 0o600);
    let keyring = memory(SecretPlace::Kernel);
    keyring.set(&name("graph"), &"from keyring".into()).unwrap();
    let all = files(&[("graph", &file)]);
    let systemd = Some(given.path().to_owned());
    let stores = SecretStores::of(systemd.clone(), vec![keyring.clone()], all.clone());
    assert_eq!(value_of(&stores, "graph"), ("from systemd".into(), SecretPlace::Systemd));
    let stores = SecretStores::of(None, vec![keyring.clone()], all.clone());
    assert_eq!(value_of(&stores, "graph"), ("from keyring".into(), SecretPlace::Kernel));
    let stores = SecretStores::of(None, vec![broken(SecretPlace::SecretService)], all);
    assert_eq!(value_of(&stores, "graph"), ("from file".into(), SecretPlace::File));
    let hidden = SecretStores::of(systemd, vec![keyring], BTreeMap::new());
    let stored = hidden.set(&name("graph"), &"new".into()).unwrap();
    assert_eq!((stored.place, stored.hidden_by), (SecretPlace::Kernel, Some(SecretPlace::Systemd)));
}

#[test]
fn a_missing_credential_says_what_each_store_said() {
    let own = folder(0o700);
    let none = own.path().join("none");
    let stores = SecretStores::of(
        None,
        vec![broken(SecretPlace::SecretService), memory(SecretPlace::Kernel)],
        files(&[("graph", &none)]),
    );
    let said = stores.find(&name("graph")).unwrap_err().to_string();
    let said = said.replace(&own.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!(said, @"credential `graph` was not found: systemd credential: $CREDENTIALS_DIRECTORY is not set; Secret Service keyring: no access: access denied; kernel keyring: not in it; credential file: FOLDER/none does not exist; run: caretaker secret set graph, or name a file under [credentials] files");
}

#[test]
fn refuses_a_file_that_others_can_read_or_replace() {
    for (file_mode, folder_mode, words) in [
        (0o600, 0o700, None),
        (0o400, 0o755, None),
        (0o640, 0o700, Some("chmod 600")),
        (0o604, 0o700, Some("chmod 600")),
        (0o620, 0o700, Some("chmod 600")),
        (0o600, 0o770, Some("chmod go-w")),
        (0o600, 0o1777, Some("chmod go-w")),
    ] {
        let own = folder(folder_mode);
        let file = put(own.path(), "s", CANARY.as_bytes(), file_mode);
        let found = SecretStores::files_only(files(&[("s", &file)])).find(&name("s"));
        match words {
            None => assert_eq!(found.unwrap().value.expose_secret(), CANARY),
            Some(words) => {
                let error = found.unwrap_err();
                assert!(matches!(error, SecretError::Refused { .. }), "{file_mode:o}");
                assert!(error.to_string().contains(words), "{error}");
            }
        }
    }
}

#[test]
fn refuses_a_link_out_of_a_folder_that_others_can_write_to() {
    let (open, own) = (folder(0o777), folder(0o700));
    let target = put(open.path(), "s", CANARY.as_bytes(), 0o600);
    let link = own.path().join("s");
    std::os::unix::fs::symlink(target, &link).unwrap();
    let found = SecretStores::files_only(files(&[("s", &link)])).find(&name("s"));
    assert!(found.unwrap_err().to_string().contains("others can put files into"));
}

#[test]
fn refuses_what_is_no_credential() {
    let own = folder(0o700);
    let says = |path: &Path| {
        SecretStores::files_only(files(&[("s", path)])).find(&name("s")).unwrap_err().to_string()
    };
    assert!(says(own.path()).contains("is not a file"));
    assert!(says(&put(own.path(), "empty", b"\n", 0o600)).contains("is empty"));
    assert!(says(&put(own.path(), "bytes", b"a\xff", 0o600)).contains("not UTF-8"));
    assert!(says(&put(own.path(), "huge", &[b'a'; 65_537], 0o600)).contains("64 KiB"));
    let other = put(own.path(), "other", b"x", 0o600);
    // Only root may give a file away.
    if std::os::unix::fs::chown(&other, Some(4_242), None).is_ok() {
        assert!(says(&other).contains("uid 4242; run: chown"));
    }
}

#[test]
fn sets_lists_and_deletes_in_the_first_keyring_that_works() {
    let own = folder(0o700);
    let file = put(own.path(), "xod", b"x", 0o600);
    let stores = SecretStores::of(
        None,
        vec![broken(SecretPlace::SecretService), memory(SecretPlace::Kernel)],
        files(&[("xod", &file)]),
    );
    let stored = stores.set(&name("graph"), &"value\n".into()).unwrap();
    assert_eq!((stored.place, stored.hidden_by), (SecretPlace::Kernel, None));
    stores.set(&name("graph"), &"value\n".into()).unwrap();
    assert_eq!(value_of(&stores, "graph").0, "value", "the newline of a pipe is not part of it");
    stores.set(&name("abc"), &"x".into()).unwrap();
    let list = stores.list();
    assert_eq!(
        list.names,
        [
            (name("abc"), SecretPlace::Kernel),
            (name("graph"), SecretPlace::Kernel),
            (name("xod"), SecretPlace::File),
        ]
    );
    let service = SecretPlace::SecretService;
    assert_eq!(list.unasked, [(service, "no access: access denied".to_owned())]);
    assert_eq!(stores.delete(&name("graph")).unwrap().from, [SecretPlace::Kernel]);
    assert_eq!(stores.list().names.len(), 2);
    let again = stores.delete(&name("graph")).unwrap_err().to_string();
    assert!(again.contains("kernel keyring: not in it"), "{again}");
    let owned = stores.delete(&name("xod")).unwrap_err().to_string();
    assert!(owned.contains("credential file: holds it, but only its owner"), "{owned}");
    assert!(stores.set(&name("e"), &"\n".into()).unwrap_err().to_string().contains("empty"));
}

#[test]
fn without_a_keyring_it_says_where_else_to_put_it() {
    let stores = SecretStores::of(None, vec![broken(SecretPlace::Kernel)], BTreeMap::new());
    let said = stores.set(&name("graph"), &CANARY.into()).unwrap_err().to_string();
    assert!(said.contains("kernel keyring: no access: access denied"), "{said}");
    assert!(said.contains("[credentials] files"), "{said}");
    assert!(!said.contains(CANARY));
}

#[test]
fn files_only_has_nothing_else_to_ask() {
    let said = SecretStores::files_only(BTreeMap::new()).find(&name("graph")).unwrap_err();
    assert!(!said.to_string().contains("keyring:"), "{said}");
}

#[test]
fn a_keyring_that_hangs_is_left_alone_until_it_answers() {
    let (hold, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let store = keyring::mock::Store::new().unwrap();
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let count = asked.clone();
    let stuck = Keyring::new(SecretPlace::SecretService, true, move || {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        // Ends when the person unlocks it; afterwards the channel is closed and never waits again.
        assert!(wait.lock().unwrap().recv().is_err());
        Ok(store.clone())
    })
    .impatient(Duration::from_millis(10));
    let stores = SecretStores::of(None, vec![stuck], BTreeMap::new());
    let says = || stores.find(&name("a")).unwrap_err().to_string();
    assert!(says().contains("is it locked?"));
    assert!(says().contains("has not answered yet"));
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1, "asked while it hung");
    drop(hold);
    // It is asked again once the first call has come back, which the scheduler decides.
    let answered = (0..30_000).any(|_| {
        std::thread::park_timeout(Duration::from_millis(1));
        says().contains("not in it")
    });
    assert!(answered, "still left alone: {}", says());
}

#[test]
fn no_error_and_no_debug_shows_a_value() {
    let own = folder(0o700);
    let bad = put(own.path(), "bad", format!("{CANARY}\u{0}").as_bytes(), 0o644);
    let torn = put(own.path(), "torn", &[CANARY.as_bytes(), b"\xff"].concat(), 0o600);
    let keyring = memory(SecretPlace::Kernel);
    keyring.set(&name("kept"), &CANARY.into()).unwrap();
    let bytes = keyring::mock::Store::new().unwrap();
    let entry = keyring::api::CredentialStoreApi::build(&*bytes, "caretaker", "raw", None).unwrap();
    entry.set_secret(&[CANARY.as_bytes(), b"\xff"].concat()).unwrap();
    let raw = Keyring::new(SecretPlace::SecretService, false, move || Ok(bytes.clone()));
    let stores =
        SecretStores::of(None, vec![raw, keyring], files(&[("bad", &bad), ("torn", &torn)]));
    let mut seen = format!("{stores:?} {:?}", stores.list());
    for of in ["kept", "bad", "torn", "raw", "none"] {
        let found = stores.find(&name(of));
        seen.push_str(&format!("{found:?}"));
        if let Err(e) = found {
            seen.push_str(&e.to_string());
        }
    }
    seen.push_str(&format!("{:?}", stores.set(&name("kept"), &CANARY.into())));
    assert!(!seen.contains(CANARY), "{seen}");
    assert!(seen.contains("not text") && seen.contains("not UTF-8"), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_keyrings_answer_or_say_why_inside_a_runtime_too() {
    // The client of the Secret Service panics on a runtime's own thread: see `keyring`.
    let stores = SecretStores::of(None, Keyring::all(), BTreeMap::new());
    let said = stores.find(&name("caretaker-test-not-there")).unwrap_err().to_string();
    assert!(said.contains("kernel keyring:"), "{said}");
    assert!(!said.contains("its client failed"), "{said}");
}

/// Its own prefix: what the person who runs the tests keeps there is not touched.
fn kernel() -> Keyring {
    Keyring::new(SecretPlace::Kernel, false, || {
        let own = std::collections::HashMap::from([("prefix", "caretaker-test:")]);
        let store = linux_keyutils_keyring_store::Store::new_with_configuration(&own)?;
        Ok(store)
    })
}

/// A kernel that lets nobody keep keys says so by EACCES, EPERM or ENOSYS; the place, the error, what it
/// means and the remedy are told.
fn assert_names_the_kernels_refusal(why: &str, errors: &[&str]) {
    let meanings = [
        ("EACCES", "this process has no login session of its own"),
        ("EPERM", "this container or its rules let nobody keep keys"),
        ("ENOSYS", "this kernel has no keyring, or the container hides it"),
    ];
    let begin = "was not stored: kernel keyring: no access ";
    let told = |(error, means): &(&str, &str)| {
        errors.contains(error) && why.contains(&format!("{begin}({error}): {means}"))
    };
    assert!(meanings.iter().any(told), "which refusal: {why}");
    let cut = why.contains("; put it into a file");
    assert!(cut, "the whole sentence, then the remedy: {why}");
    assert!(why.contains("chmod 600") && !why.contains(CANARY), "the remedy, not the value: {why}");
}

/// Runs under the filter of [`a_kernel_that_refuses_keys_is_named`].
#[test]
#[ignore = "needs the filter that another test sets"]
fn inside_a_container_without_keys() {
    let stores = SecretStores::of(None, vec![kernel()], BTreeMap::new());
    let why = stores.set(&name("caretaker-test-refused"), &CANARY.into()).unwrap_err().to_string();
    let error = std::env::var("CARETAKER_TEST_REFUSAL").unwrap();
    assert_names_the_kernels_refusal(&why, &[&error]);
}

/// Containers answer the three calls for keys with EPERM, some with ENOSYS: a filter of ours does so.
#[test]
fn a_kernel_that_refuses_keys_is_named() {
    const FILTER: &str = "
import ctypes, os, platform, struct, sys
calls = {'x86_64': (248, 249, 250), 'aarch64': (217, 218, 219)}[platform.machine()]
op = lambda code, yes, no, k: struct.pack('HBBI', code, yes, no, k)
lines = [op(0x20, 0, 0, 0)]
lines += [op(0x15, len(calls) - i, 0, call) for i, call in enumerate(calls)]
lines += [op(0x06, 0, 0, 0x7fff0000), op(0x06, 0, 0, 0x00050000 | int(sys.argv[1]))]
held = ctypes.create_string_buffer(b''.join(lines))
program = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', len(lines), ctypes.addressof(held)))
call = ctypes.CDLL(None, use_errno=True).prctl
for given in ((38, 1, 0, 0, 0), (22, 2, ctypes.addressof(program), 0, 0)):
    if call(*map(ctypes.c_ulong, given)) != 0:
        sys.exit('no filter: ' + os.strerror(ctypes.get_errno()))
os.execv(sys.argv[2], sys.argv[2:])
";
    for (name, error) in [("EPERM", "1"), ("EACCES", "13"), ("ENOSYS", "38")] {
        let ran = std::process::Command::new("python3")
            .args(["-c", FILTER, error])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "secrets::tests::inside_a_container_without_keys", "--ignored"])
            .arg("--nocapture")
            .env("CARETAKER_TEST_REFUSAL", name)
            .output();
        let Ok(output) = ran else {
            assert!(!required("python3"), "python3 is required");
            println!("not tested: python3 is not installed");
            return;
        };
        let said =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("1 passed"), "{error}: {said}");
    }
}

/// A process without a login's session keyring is refused (EACCES) what it has just put in; one that
/// joins a session of its own, as a login does, is not.
#[test]
fn the_kernel_keyring_keeps_a_credential_in_a_session_of_its_own() {
    const JOIN: &str = "
import ctypes, os, platform, sys
join = {'x86_64': 250, 'aarch64': 219}[platform.machine()]
if ctypes.CDLL(None, use_errno=True).syscall(join, 1, None) < 0:
    sys.exit('no session: ' + os.strerror(ctypes.get_errno()))
os.execv(sys.argv[1], sys.argv[1:])
";
    let ran = std::process::Command::new("python3")
        .args(["-c", JOIN])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "secrets::tests::the_kernel_keyring_keeps_a_credential_where_it_lets_us"])
        .arg("--nocapture")
        .env("CARETAKER_REQUIRE", "keyutils")
        .output();
    let Ok(output) = ran else {
        assert!(!required("python3"), "python3 is required");
        println!("not tested: python3 is not installed");
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if let Some(why) = said.trim().strip_prefix("no session: ") {
        assert!(!required("keyutils"), "the kernel keyring is required: {why}");
        let refusals = ["Operation not permitted", "Permission denied", "Function not implemented"];
        assert!(refusals.contains(&why), "which refusal: {why}");
        println!("not tested: the kernel lets nobody join a session keyring: {why}");
        return;
    }
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn the_kernel_keyring_keeps_a_credential_where_it_lets_us() {
    let stores = SecretStores::of(None, vec![kernel()], BTreeMap::new());
    if let Err(why) = stores.set(&name("graph"), &CANARY.into()) {
        assert!(!required("keyutils"), "the kernel keyring is required: {why}");
        assert_names_the_kernels_refusal(&why.to_string(), &["EACCES", "EPERM", "ENOSYS"]);
        println!("not tested: {why}");
        return;
    }
    assert_eq!(value_of(&stores, "graph"), (CANARY.to_owned(), SecretPlace::Kernel));
    assert_eq!(stores.list().names, [(name("graph"), SecretPlace::Kernel)]);
    assert_eq!(stores.delete(&name("graph")).unwrap().from, [SecretPlace::Kernel]);
    assert_eq!(stores.list().names, []);
}

/// An access list as systemd writes it: the owner and one more account may read (and enter).
fn access_of(uid: u32, rights: u16) -> Vec<u8> {
    const NOBODY: u32 = u32::MAX;
    let entries: [(u16, u16, u32); 5] = [
        (1, rights, NOBODY),
        (2, rights, uid),
        (4, 0, NOBODY),
        (16, rights, NOBODY),
        (32, 0, NOBODY),
    ];
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, rights, id) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(rights.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

/// Runs as another account in the folder that [`a_folder_as_systemd_makes_it_is_read`] makes.
#[test]
#[ignore = "needs the folder that another test makes"]
fn inside_a_unit() {
    let stores = SecretStores::of_host(BTreeMap::new());
    assert_eq!(value_of(&stores, "graph"), (CANARY.to_owned(), SecretPlace::Systemd));
    assert!(stores.list().names.contains(&(name("graph"), SecretPlace::Systemd)));
}

/// systemd gives the folder to the unit's account (0500, files 0400), or keeps it as root's and adds
/// the account to its access list (0550 and 0440, as `ls` shows it).
#[test]
fn a_folder_as_systemd_makes_it_is_read() {
    const UNIT: u32 = 61_234;
    if !rustix::process::geteuid().is_root() {
        println!("not tested: only root can give a folder to another account");
        return;
    }
    // A program that the other account can run, wherever this one stands.
    let place = folder(0o755);
    let program = place.path().join("tests");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    for by_list in [false, true] {
        let given = place.path().join(if by_list { "listed" } else { "owned" });
        std::fs::create_dir(&given).unwrap();
        let file = put(&given, "graph", format!("{CANARY}\n").as_bytes(), 0o400);
        std::fs::set_permissions(&given, PermissionsExt::from_mode(0o500)).unwrap();
        if by_list {
            let flags = rustix::fs::XattrFlags::empty();
            for (path, rights) in [(&given, 5), (&file, 4)] {
                let list = access_of(UNIT, rights);
                rustix::fs::setxattr(path, "system.posix_acl_access", &list, flags).unwrap();
            }
            let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
            assert_eq!((mode(&given), mode(&file)), (0o550, 0o440), "as systemd's look");
        } else {
            for path in [&given, &file] {
                std::os::unix::fs::chown(path, Some(UNIT), Some(UNIT)).unwrap();
            }
        }
        let ran = std::process::Command::new("setpriv")
            .args(["--reuid", &UNIT.to_string(), "--regid", &UNIT.to_string(), "--clear-groups"])
            .arg(&program)
            .args(["--exact", "secrets::tests::inside_a_unit", "--ignored", "--nocapture"])
            .env("CREDENTIALS_DIRECTORY", &given)
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .output();
        let Ok(output) = ran else {
            assert!(!required("setpriv"), "setpriv is required");
            println!("not tested: setpriv is not installed");
            return;
        };
        let said =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("1 passed"), "{by_list}: {said}");
    }
}

/// `systemd-creds` at work, with a key that protects nothing (`null`; before systemd 254 `tpm2-absent`), so
/// that nothing of the host's is made or touched. Why not, where it cannot be had.
fn systemd_creds(args: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
    use std::io::Write as _;
    let mut command = std::process::Command::new("systemd-creds");
    command.args(args).stdin(std::process::Stdio::piped());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().map_err(|e| format!("systemd-creds: {e}"))?;
    child.stdin.take().unwrap().write_all(input).map_err(|e| e.to_string())?;
    let done = child.wait_with_output().map_err(|e| e.to_string())?;
    match done.status.success() {
        true => Ok(done.stdout),
        false => Err(String::from_utf8_lossy(&done.stderr).trim().to_owned()),
    }
}

/// What `LoadCredentialEncrypted=` does for a unit: decrypted into its folder under its own name.
#[test]
fn a_credential_that_systemd_creds_encrypted_is_read_once_it_is_decrypted() {
    let encrypt = |key: &str, name: &str| {
        let (key, name) = (format!("--with-key={key}"), format!("--name={name}"));
        systemd_creds(&["encrypt", &key, &name, "-", "-"], CANARY.as_bytes())
    };
    let key = if encrypt("null", "graph").is_ok() { "null" } else { "tpm2-absent" };
    let sealed = match encrypt(key, "graph") {
        Ok(sealed) => sealed,
        Err(why) => {
            assert!(!required("systemd-creds"), "systemd-creds is required: {why}");
            println!("not tested: {why}");
            return;
        }
    };
    assert!(!String::from_utf8_lossy(&sealed).contains(CANARY), "it is encrypted");
    let decrypt = |name: &str, sealed: &[u8]| {
        let name = format!("--name={name}");
        let plain = systemd_creds(&["decrypt", &name, "-", "-"], sealed);
        // Newer ones open what nothing protects only when they are told to.
        plain.or_else(|_| systemd_creds(&["decrypt", "--allow-null", &name, "-", "-"], sealed))
    };
    let opened = decrypt("graph", &sealed).unwrap();
    let given = folder(0o500);
    std::fs::set_permissions(given.path(), PermissionsExt::from_mode(0o700)).unwrap();
    put(given.path(), "graph", &opened, 0o400);
    std::fs::set_permissions(given.path(), PermissionsExt::from_mode(0o500)).unwrap();
    let stores = SecretStores::of(Some(given.path().to_owned()), Vec::new(), BTreeMap::new());
    assert_eq!(value_of(&stores, "graph"), (CANARY.to_owned(), SecretPlace::Systemd));
    // Under another name it is not opened, and so never taken for another credential.
    assert!(decrypt("redstor", &sealed).is_err());
}

/// By the service manager itself, where it runs this host.
#[test]
fn a_credential_that_systemd_loads_is_read() {
    let dir = folder(0o755);
    let file = put(dir.path(), "graph", CANARY.as_bytes(), 0o600);
    if !Path::new("/run/systemd/system").is_dir() || !rustix::process::geteuid().is_root() {
        assert!(!required("systemd"), "systemd is required");
        println!("not tested: systemd does not run this host, or the tests are not root's");
        return;
    }
    let output = std::process::Command::new("systemd-run")
        .args(["--wait", "--pipe", "--collect", "--quiet", "-p", "DynamicUser=yes", "-p"])
        .arg(format!("LoadCredential=graph:{}", file.display()))
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "secrets::tests::inside_a_unit", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// Runs inside the session that [`a_real_secret_service_keeps_a_credential`] starts.
#[cfg(feature = "secret-service")]
#[test]
#[ignore = "needs the session that another test starts"]
fn inside_a_session() {
    let stores = SecretStores::of(None, Keyring::all(), BTreeMap::new());
    let stored = stores.set(&name("graph"), &CANARY.into()).unwrap();
    assert_eq!(stored.place, SecretPlace::SecretService);
    stores.set(&name("xod.9991234"), &"other".into()).unwrap();
    assert_eq!(value_of(&stores, "graph"), (CANARY.to_owned(), SecretPlace::SecretService));
    let names: Vec<_> = stores.list().names;
    let service = SecretPlace::SecretService;
    assert_eq!(names, [(name("graph"), service), (name("xod.9991234"), service)]);
    assert!(stores.delete(&name("graph")).unwrap().from.contains(&service));
    assert!(stores.find(&name("graph")).is_err());
    assert_eq!(stores.list().names.len(), 1);
}

#[cfg(feature = "secret-service")]
#[test]
fn a_real_secret_service_keeps_a_credential() {
    let required = required("secret-service");
    let dir = folder(0o700);
    // Its own bus, home and keyring: nothing of the person who runs the tests is touched.
    let script = "command -v gnome-keyring-daemon >/dev/null || exit 77\n\
         printf pass | gnome-keyring-daemon --unlock --components=secrets >/dev/null || exit 78\n\
         exec \"$0\" --exact secrets::tests::inside_a_session --ignored --nocapture";
    let ran = std::process::Command::new("dbus-run-session")
        .args(["--", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .envs(
            ["HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"]
                .map(|variable| (variable, dir.path())),
        )
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .output();
    let absent = match &ran {
        Ok(output) => output.status.code() == Some(77),
        Err(_) => true,
    };
    if absent && !required {
        println!("not tested: dbus-run-session and gnome-keyring-daemon are not both installed");
        return;
    }
    let output = ran.unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{:?} {said}", output.status);
}
