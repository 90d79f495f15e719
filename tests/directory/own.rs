//! What the account that watches may do beside reading, as `caretaker doctor` asks: against the simulated
//! controllers, and a stub that says what no simulator does.

use caretaker::directory::{DirectoryFailure, Own};
use caretaker::model::health::Reason;
use caretaker::simulators::{Fault, Scenario};

use secrecy::SecretString;

use crate::checks::Stage;
use crate::samba::Authority;
use crate::stub::{Act, Asked, Door, Part, Stub, done, entry_of, page_done, welcome};
use crate::{controllers, directory, settings};

#[tokio::test]
async fn the_doctor_is_told_of_an_account_that_may_write_and_of_one_that_only_reads() {
    let stage = Stage::new(Scenario::Calm, 6).await;
    let told = async |settings: &str| {
        let all = stage.watch_by(settings).rights().await;
        all.into_iter().find(|r| r.credential.as_str() == "welearn365.directory").unwrap()
    };
    let ours = stage.settings("");
    let reader = told(&ours).await;
    assert!(reader.beyond.is_empty() && reader.untold.is_none(), "{reader:?}");
    assert!(reader.used[0].starts_with("it reads, is in no group"), "{reader:?}");

    // The account that may write, taken for watching as well.
    let facts = &stage.running.invented;
    let password = facts.credentials["welearn365.directory.act"].clone();
    stage.secrets.0.lock().unwrap().insert("welearn365.directory".into(), password);
    let writes = ours.replace(&facts.facts.directory_account, "svc-caretaker-act@desk.test");
    let writer = told(&writes).await;
    assert_eq!(writer.beyond.len(), 1, "{writer:?}");
    let beyond = &writer.beyond[0];
    assert!(beyond.contains("it may write to ") && beyond.contains("lockoutTime"), "{beyond}");

    for of in ["welearn365.dc1", "welearn365.dc2"] {
        stage.running.set_fault(of, None, Fault::Unauthorised);
    }
    let mute = told(&ours).await;
    assert!(mute.untold.is_some() && mute.used.is_empty(), "{mute:?}");
}

fn password() -> SecretString {
    "made-up".to_owned().into()
}

/// A SID of the domain of the stub, or one that every domain has.
fn sid(parts: &[u32]) -> Vec<u8> {
    let mut out = vec![1, u8::try_from(parts.len()).unwrap(), 0, 0, 0, 0, 0, 5];
    out.extend(parts.iter().flat_map(|part| part.to_le_bytes()));
    out
}

/// What a stub says: the token, our own entry, the schools' OU, and one account.
#[derive(Clone)]
struct Said {
    token: Vec<Vec<u8>>,
    own: Vec<(&'static str, Vec<Vec<u8>>)>,
    ou: Vec<(&'static str, Vec<Vec<u8>>)>,
    account: Vec<(&'static str, Vec<Vec<u8>>)>,
}

impl Said {
    /// Of an account that only reads.
    fn good() -> Self {
        let none = vec![("sDRightsEffective", vec![b"0".to_vec()])];
        let token = vec![sid(&[21, 1, 2, 3, 1_101]), sid(&[21, 1, 2, 3, 513]), sid(&[32, 545])];
        Self { token, own: Vec::new(), ou: none.clone(), account: none }
    }

    fn answer(&self, asked: &Asked) -> Act {
        let paged = |part: Part| Act::Say(vec![part, page_done(b"")]);
        match asked {
            Asked::Bind => welcome(),
            Asked::Search { base, .. } if base.is_empty() => {
                let domain = ("defaultNamingContext", vec![b"DC=desk,DC=test".to_vec()]);
                let root = entry_of("", &[("tokenGroups", self.token.clone()), domain]);
                Act::Say(vec![root, done(0, "")])
            }
            asked if asked.wants("adminCount") => {
                paged(entry_of("CN=ours,DC=desk,DC=test", &self.own))
            }
            Asked::Search { page: Some(_), .. } => {
                paged(entry_of("CN=Zoe,OU=Schools,DC=desk,DC=test", &self.account))
            }
            _ => Act::Say(vec![entry_of("OU=Schools,DC=desk,DC=test", &self.ou), done(0, "")]),
        }
    }

    async fn own(self) -> Result<Own, DirectoryFailure> {
        let authority = Authority::new();
        let stub = Stub::start(&authority, Door::Tls, move |asked| self.answer(asked)).await;
        let of = controllers(&settings(&[&stub.url()], authority.file()));
        let of = directory(of, "OU=Schools,DC=desk,DC=test", &[]);
        of.own_rights(&password()).await.map(|told| told.value)
    }
}

#[tokio::test]
async fn a_right_is_seen_wherever_the_controller_tells_it() {
    let good = Said::good().own().await.unwrap();
    assert_eq!((good.looked_at, good.writable, good.changes_ou), (1, 0, false));
    assert_eq!((good.runs.len(), good.admin_count), (0, Some(false)));

    let mut said = Said::good();
    said.token.extend([sid(&[21, 1, 2, 3, 512]), sid(&[32, 551])]);
    let runs = said.own().await.unwrap().runs;
    assert_eq!(runs, ["Domain Admins (S-1-5-21-1-2-3-512)", "Backup Operators (S-1-5-32-551)"]);

    for (count, told) in [("1", true), ("0", false)] {
        let mut said = Said::good();
        said.own = vec![("adminCount", vec![count.into()])];
        assert_eq!(said.own().await.unwrap().admin_count, Some(told));
    }
    // A right by any of the three ways, on the OU or on an account.
    let one = |name: &'static str, value: &str| (name, vec![value.as_bytes().to_vec()]);
    for more in [
        one("allowedAttributesEffective", "lockoutTime"),
        one("allowedAttributesEffective;range=0-0", "lockoutTime"),
        one("allowedChildClassesEffective", "user"),
        one("sDRightsEffective", "4"),
    ] {
        let with = |mut all: Vec<(&'static str, Vec<Vec<u8>>)>| {
            all.retain(|(name, _)| *name != more.0);
            all.push(more.clone());
            all
        };
        let said = Said::good();
        let own = Said { ou: with(said.ou.clone()), ..said.clone() }.own().await.unwrap();
        assert!(own.changes_ou && own.writable == 0, "{more:?}");
        let own = Said { account: with(said.account.clone()), ..said }.own().await.unwrap();
        assert!(!own.changes_ou && own.writable == 1, "{more:?}");
    }
}

#[tokio::test]
async fn a_controller_that_does_not_tell_is_no_proof_that_nothing_may_be_written() {
    for silent in [
        Said { token: Vec::new(), ..Said::good() },
        Said { token: vec![b"S-1-5-32-545".to_vec()], ..Said::good() },
        Said { ou: Vec::new(), ..Said::good() },
        Said { ou: vec![("sDRightsEffective", vec![b"none".to_vec()])], ..Said::good() },
        Said { account: Vec::new(), ..Said::good() },
    ] {
        let failed = silent.own().await.unwrap_err();
        assert_eq!(failed.reason(), Reason::Malformed, "{failed}");
        assert!(failed.to_string().contains("does not tell"), "{failed}");
    }
}
