//! The demo's config: what an administrator would write, with the simulators' addresses.

use std::fmt::Write;

use crate::app::demo::Folder;
use crate::simulators::Running;

/// Schools that are asked about in one second of the demo; a larger estate is asked less often.
const SCHOOLS_PER_SECOND: usize = 25;

/// Seconds between two questions about one school, and three times that until an answer is stale.
fn interval_s(schools: usize) -> usize {
    (schools / SCHOOLS_PER_SECOND).max(10)
}

/// A TOML string. What goes in are paths, URLs and words of ours.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The whole config.
pub(super) fn text(folder: &Folder, vendors: &Running) -> String {
    let facts = &vendors.invented.facts;
    let url = |key: &str| quoted(vendors.urls.get(key).map_or("", String::as_str));
    let ca = quoted(&vendors.ca_file.display().to_string());
    let at = |key: &str| format!("{{ url = {}, ca_file = {ca} }}", url(key));
    let drop =
        |key: &str| vendors.drops.get(key).map(|p| p.display().to_string()).unwrap_or_default();
    let every = format!("{}s", interval_s(vendors.invented.schools.len()));
    let slow = format!("{}s", interval_s(vendors.invented.schools.len()) * 3);
    let status_page = |service: &str| {
        let (_, name) = facts.components.get(service)?;
        let page = format!("{service}.status");
        vendors.urls.contains_key(&page).then(|| {
            let (page, name) = (at(&page), quoted(name));
            format!("status_page = {{ endpoint = {page}, components = [{name}] }}\n")
        })
    };
    let mut out = format!(
        r#"# The demo: nothing in it is real.
la_codes = [{la_codes}]

[schools]
list_file = "schools.csv"
subscriptions_file = "subscriptions.csv"

[agent]
socket = {socket}
state_dir = "state"
refresh_floor = "2s"

[transport]
per_second = 0
concurrency = 64
breaker_longest = "10s"

[services.welearn365]
tenant_id = {tenant}
client_id = {client}
graph = {graph}
login = {login}
site_check = true
[services.welearn365.checks]
service_health = {{ interval = "5s" }}
sign_in = {{ interval = "5s" }}
directory_sync = {{ interval = "5s" }}
site = {{ interval = "{slow}" }}

[services.groupcall]
relying_party = {party}
xod = {xod}
login = {xod_login}
xvault = {xvault}
cme = {cme}
[services.groupcall.idaas]
page = {idaas}
contains = {idaas_word}
[services.groupcall.checks]
xporter_data = {{ interval = "{every}" }}
authorisation = {{ interval = "{slow}" }}
counts = {{ interval = "{slow}" }}
idaas = {{ interval = "5s" }}
xvault = {{ interval = "{every}" }}
cme = {{ interval = "{every}" }}

[services.redstor]
api = "storage_platform"
user = {backup_user}
storage_platform = {backup}
[services.redstor.checks]
documents = {{ interval = "{every}" }}
sims = {{ interval = "{every}" }}

[services.future_digital]
stations = {{ folder = {stations}, settle = "0s" }}
[services.future_digital.checks]
coverage = {{ interval = "{every}" }}
"#,
        la_codes = la_codes(vendors),
        socket = quoted(&folder.socket().display().to_string()),
        tenant = quoted(&facts.tenant_id),
        client = quoted(&facts.client_id),
        graph = at("welearn365"),
        login = at("welearn365.login"),
        party = quoted(&facts.relying_party),
        xod = at("groupcall"),
        xod_login = at("groupcall.token"),
        xvault = quoted(&format!("{}/xvault.json", drop("groupcall"))),
        cme = quoted(&format!("{}/cme.json", drop("groupcall"))),
        idaas = at("groupcall.idaas"),
        idaas_word = quoted(&facts.idaas_word),
        backup_user = quoted(&facts.redstor_user),
        backup = at("redstor"),
        stations = quoted(&drop("future_digital")),
    );
    out.push_str(&smoothwall(vendors, &every, &drop("smoothwall")));
    let j2e_page = status_page("just2easy").unwrap_or_default();
    let written = write!(
        out,
        r#"
[services.just2easy]
sign_in = {{ endpoint = {j2e}, expected_word = {j2e_word} }}
{j2e_page}[services.just2easy.checks]
sign_in = {{ interval = "5s" }}

[services.purple_mash]
endpoint = {mash}
[services.purple_mash.checks]
portal = {{ interval = "{every}" }}

[credentials.files]
"#,
        j2e = at("just2easy"),
        j2e_word = quoted(&facts.just2easy_word),
        mash = at("purple_mash"),
    );
    debug_assert!(written.is_ok(), "writing to a String does not fail");
    for name in vendors.invented.credentials.keys() {
        let file = quoted(&folder.credential(name).display().to_string());
        out.push_str(&format!("{} = {file}\n", quoted(name)));
    }
    out
}

fn la_codes(vendors: &Running) -> String {
    let codes: std::collections::BTreeSet<u16> =
        vendors.invented.schools.iter().map(|s| s.laestab.la()).collect();
    codes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The web filter: each appliance is proved through its own proxy, over plain HTTP, without any
/// credential.
fn smoothwall(vendors: &Running, every: &str, folder: &str) -> String {
    let facts = &vendors.invented.facts;
    let mut out = format!(
        "\n[services.smoothwall]\nalerts = {{ drop = {{ folder = {}, settle = \"0s\" }} }}\n\
         block_marks = [{}]\n",
        quoted(folder),
        quoted(&facts.block_word),
    );
    for (i, appliance) in facts.appliances.iter().enumerate() {
        let proxy = vendors.urls.get(&format!("smoothwall.{}", appliance.name));
        out.push_str(&format!(
            "[[services.smoothwall.appliances]]\nname = {}\nshared = {}\nhosts = [{}]\n\
             filtering = {{ vantage = {{ proxy = {} }}, blocked_url = \"http://filter.invalid/blocked\", \
             plain_url = \"http://filter.invalid/plain\", plain_word = {} }}\n",
            quoted(&appliance.name),
            i == 0,
            quoted(&appliance.host),
            quoted(proxy.map_or("", String::as_str)),
            quoted(&facts.plain_word),
        ));
    }
    out.push_str(&format!(
        "[services.smoothwall.checks]\nfiltering = {{ interval = \"{every}\" }}\n\
         alerts = {{ interval = \"5s\" }}\n"
    ));
    out
}
