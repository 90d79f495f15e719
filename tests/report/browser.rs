//! The page in a real headless Chromium: it is drawn, complains of nothing and asks nobody.
//!
//! Without it this test says so and passes, unless `CARETAKER_REQUIRE` names `chromium`.

use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use caretaker::cli::report_html;

use crate::report;
use crate::required::here;

fn chromium() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let all = std::env::split_paths(&folders).flat_map(|f| names.map(|name| f.join(name)));
    all.into_iter().find(|path| path.is_file())
}

/// What the browser says of a page: its document, and its complaints.
struct Shown {
    document: String,
    console: Vec<String>,
}

/// Opens a page; `proxy` is where everything that it asks for goes.
fn open(browser: &Path, page: &Path, folder: &Path, proxy: u16, more: &[&str]) -> Shown {
    let mut command = Command::new(browser);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .args(["--no-first-run", "--disable-background-networking", "--disable-component-update"])
        .args(["--disable-sync", "--disable-extensions", "--disable-default-apps"])
        .args(["--enable-logging=stderr", "--window-size=1000,3200", "--hide-scrollbars"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("--proxy-server=http://127.0.0.1:{proxy}"))
        .arg("--proxy-bypass-list=<-loopback>")
        .args(more)
        .arg(format!("file://{}", page.display()))
        .env("HOME", folder)
        .stdin(Stdio::null());
    let said = command.output().unwrap();
    let errors = String::from_utf8_lossy(&said.stderr);
    let console = errors.lines().filter(|line| line.contains("CONSOLE")).map(Into::into);
    Shown {
        document: String::from_utf8_lossy(&said.stdout).into_owned(),
        console: console.collect(),
    }
}

/// Counts the requests for an address that the page names; the browser's own are no matter of it.
fn listener() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let mut head = [0; 1_024];
            let read = stream.read(&mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            if head.contains(".example") {
                seen.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    (port, count)
}

#[test]
fn a_real_browser_draws_the_page_and_asks_nobody() {
    let found = chromium();
    let lacking = found.is_none().then(|| "no chromium: install it to open the page".to_owned());
    if !here("chromium", lacking) {
        return;
    }
    let browser = found.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (proxy, asked) = listener();
    let put = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let html = report_html(&report()).unwrap();
    let page = put("report.html", &html);

    let shown = open(&browser, &page, folder.path(), proxy, &["--dump-dom"]);
    assert_eq!(shown.console, Vec::<String>::new());
    let document = &shown.document;
    assert_eq!(document.matches("<svg role=\"img\"").count(), 3, "{document}");
    assert!(!document.contains("<script") && !document.contains("<b>"), "names stay text");
    assert!(document.contains("&lt;script&gt;alert('x')&lt;/script&gt; | Alder"), "{document}");
    assert_eq!(document.matches("<table").count(), html.matches("<table").count());
    assert_eq!(asked.load(Ordering::SeqCst), 0, "nothing was asked for");

    for (name, scheme) in [("light.png", "1"), ("dark.png", "0")] {
        let picture = folder.path().join(name);
        let (shot, scheme) = (
            format!("--screenshot={}", picture.display()),
            format!("--blink-settings=preferredColorScheme={scheme}"),
        );
        open(&browser, &page, folder.path(), proxy, &[&shot, &scheme]);
        let picture = std::fs::read(&picture).unwrap();
        assert!(picture.starts_with(b"\x89PNG") && picture.len() > 20_000, "{}", picture.len());
        if let Some(keep) = std::env::var_os("CARETAKER_PICTURES") {
            std::fs::write(Path::new(&keep).join(name), &picture).unwrap();
        }
    }

    // What this test would see: a page that asks, and one whose policy says no to it.
    let image = "<main><img alt=\"\" src=\"http://pictures.example/x.png\">";
    let refused = put("refused.html", &html.replacen("<main>", image, 1));
    let shown = open(&browser, &refused, folder.path(), proxy, &["--dump-dom"]);
    assert!(
        shown.console.iter().any(|line| line.contains("Content Security Policy")),
        "{:?}",
        shown.console
    );
    assert_eq!(asked.load(Ordering::SeqCst), 0, "the page's own policy");
    let policy = "http-equiv=\"Content-Security-Policy\"";
    let open_page = html.replacen(policy, "name=\"none\"", 1).replacen("<main>", image, 1);
    let open_page = put("open.html", &open_page);
    open(&browser, &open_page, folder.path(), proxy, &["--dump-dom"]);
    assert!(asked.load(Ordering::SeqCst) > 0, "a request would be seen");
}
