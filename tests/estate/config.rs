//! One configuration with all seven services at full depth, and two connectors that need no code.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use caretaker::config::schools::{write_schools_csv, write_subscriptions_csv};
use caretaker::simulators::Running;

use crate::samba;

/// Where everything is that is not simulated.
pub struct Real<'a> {
    /// The controllers.
    pub controllers: [String; 2],
    /// The authority that signed their certificates.
    pub authority: &'a Path,
    /// The mail server's settings of IMAP.
    pub mailbox: String,
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Writes it with the tables of schools below `home`.
pub fn put(home: &Path, vendors: &Running, real: &Real<'_>) {
    let mut taken = vendors.invented.subscriptions.clone();
    for row in taken.values_mut() {
        let host = &vendors.invented.facts.site_host;
        let site = row.parameters.get("welearn365.site").unwrap();
        let address = format!("https://{host}/{site}");
        row.parameters.insert("welearn365.site", address);
    }
    write(&home.join("schools.csv"), &write_schools_csv(&vendors.invented.schools));
    write(&home.join("subscriptions.csv"), &write_subscriptions_csv(&taken));
    let parts = [
        "la_codes = [999]\n\
         schools = { list_file = 'schools.csv', subscriptions_file = 'subscriptions.csv' }\n\
         agent = { socket = 'agent.sock', state_dir = 'state' }\n\
         transport = { per_second = 0, concurrency = 64, breaker_longest = '5s' }\n"
            .to_owned(),
        welearn365(vendors, real),
        groupcall(vendors),
        backup(vendors),
        monitoring_and_filter(vendors, real),
        classroom(vendors),
    ];
    write(&home.join("config.toml"), &parts.concat());
}

/// How often `checks` are asked, and that a busy machine makes no answer stale.
fn every(service: &str, seconds: u32, checks: &[&str]) -> String {
    let row = |name| format!("{name} = {{ interval = '{seconds}s', fresh_for = '2m' }}\n");
    let rows: String = checks.iter().map(row).collect();
    format!("[services.{service}.checks]\n{rows}")
}

fn at(vendors: &Running, key: &str) -> String {
    format!("{{ url = '{}', ca_file = '{}' }}", vendors.urls[key], vendors.ca_file.display())
}

fn welearn365(vendors: &Running, real: &Real<'_>) -> String {
    let facts = &vendors.invented.facts;
    format!(
        "[services.welearn365]\ntenant_id = '{}'\nclient_id = '{}'\n\
         authentication = 'certificate'\ncredential = 'welearn365.certificate'\n\
         graph = {}\nlogin = {}\nsite_check = true\nlicences = {{}}\nprovisioning = {{}}\n\
         announcement_calls_per_hour = 8000\n\
         [services.welearn365.directory]\ncontrollers = ['{}', '{}']\nca_file = '{}'\n\
         bind_as = 'svc-read@desk.test'\nschools = '{}'\nconnect_timeout = '20s'\n\
         operation_timeout = '60s'\n{}",
        facts.tenant_id,
        facts.client_id,
        at(vendors, "welearn365"),
        at(vendors, "welearn365.login"),
        real.controllers[0],
        real.controllers[1],
        real.authority.display(),
        samba::SCHOOLS,
        every(
            "welearn365",
            3,
            &[
                "service_health",
                "sign_in",
                "directory_sync",
                "licences",
                "site",
                "provisioning",
                "accounts",
                "lockouts",
                "controllers",
            ],
        ),
    )
}

fn groupcall(vendors: &Running) -> String {
    let facts = &vendors.invented.facts;
    let loads = vendors.drops["groupcall"].display();
    format!(
        "[services.groupcall]\nrelying_party = '{}'\nxod = {}\nlogin = {}\n\
         xvault = '{loads}/xvault.json'\ncme = '{loads}/cme.json'\n\
         idaas = {{ page = {}, contains = '{}' }}\nbeside = ['health', 'usage']\n{}",
        facts.relying_party,
        at(vendors, "groupcall"),
        at(vendors, "groupcall.token"),
        at(vendors, "groupcall.idaas"),
        facts.idaas_word,
        every(
            "groupcall",
            3,
            &["xporter_data", "authorisation", "counts", "idaas", "xvault", "cme"]
        ),
    )
}

fn backup(vendors: &Running) -> String {
    let facts = &vendors.invented.facts;
    format!(
        "[services.redstor]\napi = 'storage_platform'\nuser = '{}'\nstorage_platform = {}\n{}\
         [connectors.redstor_status]\nservice = 'redstor'\ncheck = 'status_page'\n\
         label = 'status page'\nscope = 'estate'\ninterval = '3s'\nfresh_for = '2m'\n\
         statuspage = {{ endpoint = {}, components = ['{}'] }}\n",
        facts.redstor_user,
        at(vendors, "redstor"),
        every("redstor", 3, &["documents", "sims"]),
        at(vendors, "redstor.status"),
        facts.components["redstor"].1,
    )
}

fn monitoring_and_filter(vendors: &Running, real: &Real<'_>) -> String {
    let facts = &vendors.invented.facts;
    let mut out = format!(
        "[services.future_digital]\nstations = {{ folder = '{}', settle = '0s' }}\n\
         alert_mail = {{ mailbox = {mailbox}, senders = ['alerts@monitoring.example'] }}\n{}\
         [services.smoothwall]\nalerts = {{ mailbox = {mailbox}, \
         senders = ['@filter.example'] }}\nblock_marks = ['{}']\n{}",
        vendors.drops["future_digital"].display(),
        every("future_digital", 3, &["coverage"]),
        facts.block_word,
        every("smoothwall", 3, &["filtering", "alerts"]),
        mailbox = real.mailbox,
    );
    for appliance in &facts.appliances {
        let name = &appliance.name;
        out.push_str(&format!(
            "[[services.smoothwall.appliances]]\nname = '{name}'\nhosts = ['{}']\n\
             [services.smoothwall.appliances.filtering]\nvantage = {{ proxy = '{}' }}\n\
             blocked_url = 'http://filter.invalid/blocked'\n\
             plain_url = 'http://filter.invalid/plain'\nplain_word = '{}'\n",
            appliance.host,
            vendors.urls[&format!("smoothwall.{name}")],
            facts.plain_word,
        ));
    }
    out
}

fn classroom(vendors: &Running) -> String {
    let facts = &vendors.invented.facts;
    format!(
        "[services.just2easy]\nsign_in = {{ endpoint = {}, expected_word = '{}', hours = 'always' }}\n\
         status_page = {{ endpoint = {}, components = ['{}'] }}\n{}\
         [services.purple_mash]\nendpoint = {}\nhours = 'always'\n{}",
        at(vendors, "just2easy"),
        facts.just2easy_word,
        at(vendors, "just2easy.status"),
        facts.components["just2easy"].1,
        every("just2easy", 3, &["sign_in"]),
        at(vendors, "purple_mash"),
        every("purple_mash", 3, &["portal"]),
    )
}
