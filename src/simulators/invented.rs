//! What is made up for a demo: schools, what they take, credentials, and the names that a config
//! needs. No real school, person or number.

use std::collections::BTreeMap;

use crate::model::ids::{Laestab, ServiceKey};
use crate::model::school::{School, Subscription};

/// Everything that a config for the simulators needs, but for their URLs.
///
/// Without `Debug`: it holds credentials (throw-away ones).
#[derive(Clone, PartialEq)]
pub struct Invented {
    /// The schools, in order of their numbers.
    pub schools: Vec<School>,
    /// What each takes and how each vendor knows it.
    pub subscriptions: BTreeMap<Laestab, Subscription>,
    /// Credentials by the name under which the config mentions them.
    pub credentials: BTreeMap<String, String>,
    /// Names and ids for the settings.
    pub facts: Facts,
}

/// Names and ids for the settings of a config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Directory of the Microsoft tenant.
    pub tenant_id: String,
    /// Application of the console in it; its secret is the credential `welearn365`, its key and
    /// certificate are the credential `welearn365.certificate`.
    pub client_id: String,
    /// The application that may write; its secret is the credential `welearn365.act`.
    pub act_client_id: String,
    /// Microsoft's sync of the directory: its service principal, its job, its rule for users.
    pub sync_ids: [String; 3],
    /// The account of the console in the directory; its password is the credential
    /// `welearn365.directory`.
    pub directory_account: String,
    /// The account of the console that may write in the directory; its password is the credential
    /// `welearn365.directory.act`.
    pub directory_writer: String,
    /// The OU below which each school has its own in the directory.
    pub directory_schools: String,
    /// Groups of the directory that the web filter maps: a name and a DN each.
    pub directory_groups: Vec<(String, String)>,
    /// Host of the SharePoint sites, as in `sites/{host}:/{path}`.
    pub site_host: String,
    /// Who asks, in Groupcall's words; each school's secret is the credential `xod.<laestab>`.
    pub relying_party: String,
    /// A word in the body of Groupcall's IDaaS sign-in page.
    pub idaas_word: String,
    /// User of the Storage Platform API; its password is the credential `redstor`.
    pub redstor_user: String,
    /// Client of the RedAPI; its key is the credential `redstor.jwk`, a JWK.
    pub redapi_client_id: String,
    /// The partner's company in the RedAPI.
    pub redapi_company_id: String,
    /// Appliances of the web filter.
    pub appliances: Vec<Appliance>,
    /// Words of the filter's block page.
    pub block_word: String,
    /// Words of the plain test page.
    pub plain_word: String,
    /// A word in the body of Just2easy's sign-in page.
    pub just2easy_word: String,
    /// A word in the body of a Purple Mash page whose school signs in with Microsoft.
    pub purple_mash_word: String,
    /// Components of the status pages by service key: (id, name).
    pub components: BTreeMap<String, (String, String)>,
}

/// One appliance of the web filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appliance {
    /// Short name, as in `smoothwall.appliance` and in the URL key `smoothwall.<name>`.
    pub name: String,
    /// Host name, as its alerts give it.
    pub host: String,
    /// What its alerts call it.
    pub description: String,
}

impl Invented {
    /// The schools that take `service`, with what they take.
    pub(super) fn takers<'a>(
        &'a self,
        service: &'a str,
    ) -> impl Iterator<Item = (&'a School, &'a Subscription)> + 'a {
        self.schools.iter().filter_map(move |school| {
            let taken = self.subscriptions.get(&school.laestab)?;
            taken.services.iter().any(|s| s.as_str() == service).then_some((school, taken))
        })
    }

    /// The school of this number.
    pub(super) fn school(&self, laestab: Laestab) -> Option<&School> {
        let at = self.schools.binary_search_by_key(&laestab, |s| s.laestab).ok()?;
        self.schools.get(at)
    }
}

/// The keys of the seven services, in the order of the board.
pub const SERVICES: [&str; 7] = [
    "welearn365",
    "groupcall",
    "redstor",
    "future_digital",
    "smoothwall",
    "just2easy",
    "purple_mash",
];

/// A key that is known to be well-formed; `None` never happens for the seven.
pub(super) fn service_key(text: &str) -> Option<ServiceKey> {
    text.parse().ok()
}
