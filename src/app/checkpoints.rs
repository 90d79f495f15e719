//! Signed heads of the audit's chain, written where the host's owner says.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use tokio::task::JoinHandle;

use crate::app::failed::Failed;
use crate::config::Config;
use crate::guard::Guard;
use crate::ledger::{Line, Signer};
use crate::ports::clock::Clock;
use crate::ports::ledger::{AuditQuery, Ledger};
use crate::ports::secrets::Secrets;
use crate::sys::{SYSLOG, to_syslog};

/// Who signs, and where the checkpoints go.
pub struct Checkpoints {
    signer: Signer,
    file: Option<PathBuf>,
    syslog: bool,
    every: Duration,
    clock: Arc<dyn Clock>,
}

impl Checkpoints {
    /// As `[audit]` says; `None` where it names no key. Blocking: a keyring may be asked.
    ///
    /// # Errors
    /// When the key cannot be had or is none, or there is no place to write to.
    pub fn of(
        config: &Config,
        secrets: &dyn Secrets,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<Self>, Failed> {
        let audit = &config.settings.audit;
        let wrong = |key: &str, why: &str, remedy: &str| {
            Failed::config(config.error_at(&format!("audit.{key}"), why, remedy))
        };
        let Some(name) = &audit.signing_key else { return Ok(None) };
        let file = audit.checkpoint_file.as_ref().map(|file| config.resolve(file));
        if file.is_none() && !audit.checkpoint_syslog {
            let remedy = "name a checkpoint_file, or set checkpoint_syslog = true";
            return Err(wrong("signing_key", "checkpoints have no place to go", remedy));
        }
        let found = secrets.find(name).map_err(|e| wrong("signing_key", &e.to_string(), ""))?;
        let signer = Signer::from_pem(found.value.expose_secret())
            .map_err(|e| wrong("signing_key", &e.to_string(), ""))?;
        let (syslog, every) = (audit.checkpoint_syslog, audit.checkpoint_every.duration());
        Ok(Some(Self { signer, file, syslog, every, clock }))
    }

    /// Signs the head of `ledger` if it is another one than `last`, and writes it to every place.
    /// Returns the number that was vouched for last. Blocking.
    ///
    /// # Errors
    /// When the ledger cannot be read, or a place does not take it: then it is tried again.
    pub fn write(&self, ledger: &dyn Ledger, last: u64) -> Result<u64, String> {
        let newest = AuditQuery { limit: 1, ..AuditQuery::default() };
        let head = ledger.entries(&newest).map_err(|e| e.to_string())?.pop();
        let Some(head) = head.filter(|head| head.number != last) else { return Ok(last) };
        let checkpoint = self.signer.sign(head.number, head.hash.as_str(), self.clock.now());
        let line = Line::Checkpoint(checkpoint);
        let line = serde_json::to_string(&line).map_err(|e| e.to_string())?;
        if let Some(file) = &self.file {
            append(file, &line).map_err(|e| format!("{}: {e}", file.display()))?;
        }
        if self.syslog {
            to_syslog(Path::new(SYSLOG), &line).map_err(|e| format!("{SYSLOG}: {e}"))?;
        }
        Ok(head.number)
    }

    /// Writes one at once and whenever the configured time is over, and never the same twice; until
    /// the task is aborted.
    pub fn start(self, guard: Guard) -> JoinHandle<()> {
        let this = Arc::new(self);
        tokio::spawn(async move {
            let mut last = 0;
            loop {
                let (me, ledger) = (Arc::clone(&this), guard.ledger());
                let written = tokio::task::spawn_blocking(move || me.write(&*ledger, last)).await;
                match written {
                    Ok(Ok(number)) => last = number,
                    Ok(Err(why)) => {
                        tracing::error!("a checkpoint of the audit was not written: {why}")
                    }
                    Err(error) => tracing::error!("a checkpoint of the audit failed: {error}"),
                }
                this.clock.sleep(this.every).await;
            }
        })
    }
}

/// One line more, on the disk when it returns.
fn append(file: &Path, line: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new().create(true).append(true).mode(0o640).open(file)?;
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_all()
}
