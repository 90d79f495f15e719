//! The demo's config: what an administrator would write, with the simulators' addresses.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Weekday;

use crate::app::demo::Folder;
use crate::model::calendar::london_date;
use crate::simulators::training::Setting;
use crate::simulators::{Facts, Running};

/// Schools that are asked about in one second of the demo; a larger estate is asked less often.
const SCHOOLS_PER_SECOND: usize = 25;

/// A larger estate has no directory.
const MOST_WITH_DIRECTORY: usize = 2_000;

/// The whole config.
pub(super) fn text(
    folder: &Folder,
    vendors: &Running,
    setting: &Setting,
    now: Timestamp,
) -> String {
    let book = Book { folder, vendors, facts: &vendors.invented.facts };
    [
        book.ours(),
        book.welearn365(),
        book.groupcall(),
        book.redstor(),
        book.future_digital(),
        book.smoothwall(),
        book.web_services(),
        book.credentials(),
        training(setting, now),
    ]
    .concat()
}

/// What a training asks for: a half-term that lies around today, and the days on which credentials end.
fn training(setting: &Setting, now: Timestamp) -> String {
    let today = london_date(now);
    let day = |days: i32| today.saturating_add(jiff::Span::new().days(days));
    let mut out = String::new();
    if !setting.ends.is_empty() {
        out.push_str("\n[credentials.expires]\n");
        for (name, days) in &setting.ends {
            out.push_str(&format!("{} = {}\n", quoted(name), day(*days)));
        }
    }
    if setting.closed {
        // From a Saturday that lies so long ago that data of four days is of the holiday.
        let from = (4..=10).map(|days| day(-days)).find(|d| d.weekday() == Weekday::Saturday);
        let (from, to) = (from.unwrap_or(day(-10)), day(10));
        out.push_str(&format!(
            "\n[calendars.default]\nclosures = [{{ from = {from}, to = {to} }}]\n"
        ));
    }
    out
}

/// A TOML string. What goes in are paths, URLs and words of ours.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Where the simulated Groupcall calls when it is done; nowhere, if no port is free.
fn callback() -> Option<String> {
    let free = std::net::TcpListener::bind("127.0.0.1:0").ok()?;
    let at = free.local_addr().ok()?;
    Some(format!("callback = {{ listen = \"{at}\", public_url = \"http://{at}/\" }}\n"))
}

/// What the sections are written from.
struct Book<'a> {
    folder: &'a Folder,
    vendors: &'a Running,
    facts: &'a Facts,
}

impl Book<'_> {
    fn url(&self, key: &str) -> String {
        quoted(self.vendors.urls.get(key).map_or("", String::as_str))
    }

    /// An endpoint with the throw-away authority.
    fn at(&self, key: &str) -> String {
        let ca = quoted(&self.vendors.ca_file.display().to_string());
        format!("{{ url = {}, ca_file = {ca} }}", self.url(key))
    }

    fn drop_folder(&self, key: &str) -> String {
        self.vendors.drops.get(key).map(|p| p.display().to_string()).unwrap_or_default()
    }

    /// Between two questions about one school; three times that until an answer is stale.
    fn every(&self) -> String {
        format!("{}s", (self.vendors.invented.schools.len() / SCHOOLS_PER_SECOND).max(10))
    }

    /// For what seldom changes.
    fn seldom(&self) -> String {
        format!("{}s", (self.vendors.invented.schools.len() / SCHOOLS_PER_SECOND).max(10) * 3)
    }

    fn ours(&self) -> String {
        let codes: BTreeSet<u16> =
            self.vendors.invented.schools.iter().map(|s| s.laestab.la()).collect();
        let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
        format!(
            r#"# The demo: nothing in it is real.
la_codes = [{codes}]
policy = "policy.toml"

[tickets.api]
endpoint = {desk}
auth = {{ bearer = "ticket_desk" }}
[tickets.api.create]
path = "tickets"
number = "/ticket/id"
[tickets.api.create.body]
subject = "{{subject}}"
description = "{{text}}"
external_id = "{{key}}"
custom = {{ school = "{{school}}", requester = "{{by}}" }}
[tickets.api.search]
path = "tickets"
query = {{ external_id = "{{key}}" }}
rows = "/tickets"
key = "/external_id"
number = "/id"

[next_steps.groupcall]
xporter_data = {{ text = "Ring the school: is the SIMS server on, and does Xporter run?", url = "https://wiki.example.org/xporter" }}
[next_steps.redstor]
documents = {{ text = "Read the last report in Redstor's console", url = "https://wiki.example.org/redstor" }}
sims = {{ text = "Read the last report in Redstor's console", url = "https://wiki.example.org/redstor" }}
[next_steps.smoothwall.filtering]
text = "Ring the filter's hotline; safeguarding lead to be told the same hour"
[next_steps.smoothwall.filtering.reasons]
no_answer = {{ text = "Look first whether the school's line is down" }}
[next_steps.future_digital]
coverage = {{ text = "Ask the school which rooms were off; then future_digital.client_check" }}

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
"#,
            codes = codes.join(", "),
            desk = self.at("ticket_desk"),
            socket = quoted(&self.folder.socket().display().to_string()),
        )
    }

    fn welearn365(&self) -> String {
        format!(
            r#"
[services.welearn365]
tenant_id = {tenant}
client_id = {client}
graph = {graph}
login = {login}
site_check = true
licences = {{}}
provisioning = {{}}
# Far more eager than a desk: the demo's Microsoft allows ten times what the real one does.
announcement_calls_per_hour = 8000
[services.welearn365.checks]
service_health = {{ interval = "5s" }}
sign_in = {{ interval = "5s" }}
directory_sync = {{ interval = "5s" }}
licences = {{ interval = "15s" }}
site = {{ interval = "{seldom}" }}
provisioning = {{ interval = "{seldom}" }}
"#,
            tenant = quoted(&self.facts.tenant_id),
            client = quoted(&self.facts.client_id),
            graph = self.at("welearn365"),
            login = self.at("welearn365.login"),
            seldom = self.seldom(),
        ) + &self.directory()
    }

    /// The Active Directory. Its bulk searches read every account, which a stress test of the board is
    /// not about: a very large estate goes without, and says so.
    fn directory(&self) -> String {
        if self.vendors.invented.schools.len() > MOST_WITH_DIRECTORY {
            return String::new();
        }
        let [principal, job, rule] = &self.facts.sync_ids;
        format!(
            r#"accounts = {{ interval = "{seldom}" }}
lockouts = {{ interval = "{every}" }}
controllers = {{ interval = "{every}" }}
[services.welearn365.directory]
controllers = [{one}, {two}]
ca_file = {ca}
bind_as = {account}
schools = {schools}
[services.welearn365.directory.act]
bind_as = {writer}
[services.welearn365.act]
client_id = {act}
resync = {{ service_principal_id = {principal}, job_id = {job}, rule_id = {rule} }}
# No runbook: there is no sync server here that one could start.
"#,
            one = self.url("welearn365.dc1"),
            two = self.url("welearn365.dc2"),
            ca = quoted(&self.vendors.ca_file.display().to_string()),
            account = quoted(&self.facts.directory_account),
            schools = quoted(&self.facts.directory_schools),
            writer = quoted(&self.facts.directory_writer),
            act = quoted(&self.facts.act_client_id),
            principal = quoted(principal),
            job = quoted(job),
            rule = quoted(rule),
            every = self.every(),
            seldom = self.seldom(),
        )
    }

    fn groupcall(&self) -> String {
        let loads = self.drop_folder("groupcall");
        format!(
            r#"
[services.groupcall]
relying_party = {party}
xod = {xod}
login = {login}
xvault = {xvault}
cme = {cme}
idaas = {{ page = {idaas}, contains = {word} }}
{callback}[services.groupcall.checks]
xporter_data = {{ interval = "{every}" }}
authorisation = {{ interval = "{seldom}" }}
counts = {{ interval = "{seldom}" }}
idaas = {{ interval = "5s" }}
xvault = {{ interval = "{every}" }}
cme = {{ interval = "{every}" }}
"#,
            callback = callback().unwrap_or_default(),
            party = quoted(&self.facts.relying_party),
            xod = self.at("groupcall"),
            login = self.at("groupcall.token"),
            xvault = quoted(&format!("{loads}/xvault.json")),
            cme = quoted(&format!("{loads}/cme.json")),
            idaas = self.at("groupcall.idaas"),
            word = quoted(&self.facts.idaas_word),
            every = self.every(),
            seldom = self.seldom(),
        )
    }

    fn redstor(&self) -> String {
        format!(
            r#"
[services.redstor]
api = "storage_platform"
user = {user}
storage_platform = {api}
[services.redstor.checks]
documents = {{ interval = "{every}" }}
sims = {{ interval = "{every}" }}
"#,
            user = quoted(&self.facts.redstor_user),
            api = self.at("redstor"),
            every = self.every(),
        )
    }

    fn future_digital(&self) -> String {
        format!(
            r#"
[services.future_digital]
stations = {{ folder = {folder}, settle = "0s" }}
[services.future_digital.checks]
coverage = {{ interval = "{every}" }}
"#,
            folder = quoted(&self.drop_folder("future_digital")),
            every = self.every(),
        )
    }

    /// The groups that the filter maps, by the last word of their names.
    fn filter_groups(&self) -> String {
        let groups = self.facts.directory_groups.iter().map(|(name, dn)| {
            let word = name.split_whitespace().last().unwrap_or(name);
            format!("{word} = {}", quoted(dn))
        });
        groups.collect::<Vec<_>>().join(", ")
    }

    /// Each appliance is proved through its own proxy, over plain HTTP, without any credential.
    fn smoothwall(&self) -> String {
        let mut out = format!(
            r#"
[services.smoothwall]
alerts = {{ drop = {{ folder = {folder}, settle = "0s" }} }}
block_marks = [{mark}]
[services.smoothwall.checks]
filtering = {{ interval = "{every}" }}
alerts = {{ interval = "5s" }}
[services.smoothwall.directory]
controllers = [{one}, {two}]
ca_file = {ca}
schools = {schools}
act = {{ bind_as = {writer}, credential = "welearn365.directory.act" }}
groups = {{ {groups} }}
"#,
            one = self.url("welearn365.dc1"),
            two = self.url("welearn365.dc2"),
            ca = quoted(&self.vendors.ca_file.display().to_string()),
            schools = quoted(&self.facts.directory_schools),
            writer = quoted(&self.facts.directory_writer),
            groups = self.filter_groups(),
            folder = quoted(&self.drop_folder("smoothwall")),
            mark = quoted(&self.facts.block_word),
            every = self.every(),
        );
        for (i, appliance) in self.facts.appliances.iter().enumerate() {
            out.push_str(&format!(
                r#"[[services.smoothwall.appliances]]
name = {name}
shared = {shared}
hosts = [{host}]
[services.smoothwall.appliances.filtering]
vantage = {{ proxy = {proxy} }}
blocked_url = "http://filter.invalid/blocked"
plain_url = "http://filter.invalid/plain"
plain_word = {word}
"#,
                name = quoted(&appliance.name),
                shared = i == 0,
                host = quoted(&appliance.host),
                proxy = self.url(&format!("smoothwall.{}", appliance.name)),
                word = quoted(&self.facts.plain_word),
            ));
        }
        out
    }

    fn web_services(&self) -> String {
        format!(
            r#"
[services.just2easy]
sign_in = {{ endpoint = {j2e}, expected_word = {word}, hours = "always" }}
{page}[services.just2easy.checks]
sign_in = {{ interval = "5s" }}

[services.purple_mash]
endpoint = {mash}
hours = "always"
[services.purple_mash.checks]
portal = {{ interval = "{every}" }}
"#,
            j2e = self.at("just2easy"),
            word = quoted(&self.facts.just2easy_word),
            page = self.status_page("just2easy").unwrap_or_default(),
            mash = self.at("purple_mash"),
            every = self.every(),
        )
    }

    fn status_page(&self, service: &str) -> Option<String> {
        let (_, name) = self.facts.components.get(service)?;
        let key = format!("{service}.status");
        self.vendors.urls.contains_key(&key).then(|| {
            let (page, name) = (self.at(&key), quoted(name));
            format!("status_page = {{ endpoint = {page}, components = [{name}] }}\n")
        })
    }

    fn credentials(&self) -> String {
        let mut out = "\n[credentials.files]\n".to_owned();
        for name in self.vendors.invented.credentials.keys() {
            let file = quoted(&self.folder.credential(name).display().to_string());
            out.push_str(&format!("{} = {file}\n", quoted(name)));
        }
        out
    }
}
