//! Settings that make no sense are refused, with their key and the remedy.

use super::{declare, of_estate, read, unreadable};

/// The first error of a document: key below the connector and why.
fn wrong(toml: &str) -> (String, String) {
    match read(toml) {
        Ok(_) => panic!("this was taken:\n{toml}"),
        Err(errors) => (errors[0].key.clone(), errors[0].why.clone()),
    }
}

const GOOD: &str = "[connectors.c.json]\nendpoint = { url = 'https://v.example' }\n\
                    health = { jq = '.s' }\n";

#[test]
fn a_connector_needs_exactly_one_source_that_fits_its_scope() {
    assert!(read(&of_estate(GOOD)).is_ok());
    let (key, why) = wrong(&of_estate(""));
    assert!(key == "scope" && why.contains("give one source"), "{key}: {why}");
    let tcp = "[connectors.c.probe.tcp]\nhost = 'h.example'\nport = 1\n";
    let (key, _) = wrong(&of_estate(&format!("{GOOD}{tcp}")));
    assert_eq!(key, "probe");
    assert!(read(&of_estate(tcp)).is_ok());
    assert_eq!(wrong(&declare("bulk", tcp)).0, "probe.scope");
    let page = "[connectors.c.statuspage]\nendpoint = { url = 'https://s.example' }\n";
    assert!(read(&of_estate(page)).is_ok());
    assert_eq!(wrong(&declare("school", page)).0, "scope");
    for (scope, source, key) in [
        ("bulk", GOOD.to_owned(), "json.rows"),
        ("bulk", format!("{GOOD}rows = '.[]'\n"), "json.key"),
        ("estate", format!("{GOOD}key = {{ jq = '.k', by = 'urn' }}\n"), "json.key"),
        ("estate", format!("{GOOD}path = '{{laestab}}'\n"), "json.scope"),
        ("estate", format!("{GOOD}pages = {{ next = '.n' }}\n"), "json.pages"),
    ] {
        assert_eq!(wrong(&declare(scope, &source)).0, key, "{scope} {source}");
    }
}

#[test]
fn what_could_show_a_wrong_green_is_refused() {
    let never_bad =
        GOOD.replace("health = { jq = '.s' }", "health = { jq = '.s', words = { ok = ['up'] } }");
    let (key, why) = wrong(&of_estate(&never_bad));
    assert!(key == "json" && why.contains("nothing could ever be bad"), "{key}: {why}");
    let only_a_number = GOOD.replace("health = { jq = '.s' }", "numbers = { n = { jq = '.n' } }");
    assert!(wrong(&of_estate(&only_a_number)).1.contains("nothing could ever be bad"));
    let limited = only_a_number.replace("jq = '.n'", "jq = '.n', critical_below = 1");
    assert!(read(&of_estate(&limited)).is_ok());
    let page = "[connectors.c.probe.http]\nendpoint = { url = 'https://v.example' }\n";
    assert!(wrong(&of_estate(page)).1.contains("an error page that answers 200"));
    assert!(read(&of_estate(&format!("{page}contains = ['id=\"login\"']\n"))).is_ok());
    for (more, key) in [
        ("contains = [' ']", "probe.http.contains"),
        ("contains = ['x']\nstatus = [302]", "probe.http.status"),
        ("contains = ['x']\nstatus = []", "probe.http.status"),
        ("contains = ['x']\nlacks = ['']", "probe.http.lacks"),
        ("contains = ['{name}']", "probe.scope"),
    ] {
        assert_eq!(wrong(&of_estate(&format!("{page}{more}\n"))).0, key, "{more}");
    }
    let age = "age = { warning = '26h', critical = '50h' }\n";
    let (key, why) = wrong(&of_estate(&format!("{age}{GOOD}")));
    assert!(key == "age" && why.contains("tells no time"), "{key}: {why}");
    let timed = format!("{age}{GOOD}time = {{ jq = '.at' }}\n");
    assert!(read(&of_estate(&timed)).is_ok());
}

#[test]
fn expressions_and_places_are_read_when_the_configuration_is() {
    for (from, to, key) in [
        ("jq = '.s'", "jq = '.s |'", "json.health.jq"),
        ("jq = '.s'", "jq = 'nosuch'", "json.health.jq"),
        ("jq = '.s'", "jq = 'env'", "json.health.jq"),
        ("jq = '.s'", "column = 's'", "json.health"),
        ("jq = '.s'", "jq = '.s', column = 's'", "json.health"),
        ("health =", "error = '('\nhealth =", "json.error"),
        ("health =", "detail = {}\nhealth =", "json.detail"),
        ("health =", "path = '{nothing}'\nhealth =", "json.path"),
        ("health =", "query = { token = 'x' }\nhealth =", "json.query.token"),
        ("health =", "headers = { Authorization = 'x' }\nhealth =", "json.headers.Authorization"),
        ("health =", "auth = { bearer = 'Not A Name' }\nhealth =", "json.auth.bearer"),
        ("health =", "auth = { bearer = 'a.{laestab}' }\nhealth =", "json.auth.bearer"),
        ("health =", "body_limit = 0\nhealth =", "json.body_limit"),
        ("health =", "status = [302]\nhealth =", "json.status"),
    ] {
        let found = wrong(&of_estate(&GOOD.replace(from, to)));
        assert_eq!(found.0, key, "{to}: {}", found.1);
    }
}

#[test]
fn names_times_and_numbers_make_sense() {
    for (more, key) in [
        ("interval = '0s'", "interval"),
        ("fresh_for = '1m'", "fresh_for"),
        ("tries = 0", "tries"),
        ("reaches = ['just2easy']", "reaches"),
        ("emits = ['sign_in']\nreaches = ['nobody']", "reaches"),
        ("emits = ['sign_in']\nreaches = ['x']", "reaches"),
        ("depends = [{ flow = 'traffic', from = 'nobody' }]", "depends"),
        ("service_code = 'W'", "service_code"),
        ("service_code = 'J2'", "service_code"),
        ("service_label = ''", "service_label"),
        ("hours = { from = '09:00', to = '08:00' }", "hours"),
    ] {
        assert_eq!(wrong(&of_estate(&format!("{more}\n{GOOD}"))).0, key, "{more}");
    }
    let of = |from: &str, to: &str| wrong(&of_estate(GOOD).replace(from, to));
    assert_eq!(of("check = 'y'", "check = 'Y'").0, "check");
    assert_eq!(of("label = 'why'", "label = ''").0, "label");
    assert_eq!(of("label = 'why'", "label = \"a\\u0007b\"").0, "label");
    let fine = "emits = ['new_accounts']\nreaches = ['just2easy', 'purple_mash']\n\
                depends = [{ flow = 'traffic', from = 'smoothwall' }]\n";
    assert!(read(&of_estate(&format!("{fine}{GOOD}"))).is_ok());
}

#[test]
fn two_connectors_do_not_ask_the_same_or_deny_one_another() {
    let one = of_estate(GOOD);
    let other = one.replace("connectors.c", "connectors.d");
    let (key, why) = wrong(&format!("{one}{other}"));
    assert_eq!((key.as_str(), why.as_str()), ("check", "x.y is asked by [connectors.c] already"));
    let other = other.replace("check = 'y'", "check = 'z'");
    assert!(read(&format!("{one}{other}")).is_ok());
    let named = |text: &str, label: &str| {
        text.replace("check =", &format!("service_label = '{label}'\ncheck ="))
    };
    let both = format!("{}{}", named(&one, "Ex"), named(&other, "Why"));
    assert_eq!(wrong(&both).0, "service_label");
    // A built-in service that is configured asks its own checks; another takes the free ones.
    let built_in = |check: &str, service: &str| {
        one.replace("service = 'x'", &format!("service = '{service}'"))
            .replace("check = 'y'", &format!("check = '{check}'"))
    };
    let (key, why) = wrong(&built_in("sign_in", "just2easy"));
    assert!(key == "check" && why.contains("[services.just2easy]"), "{key}: {why}");
    assert!(read(&built_in("status", "just2easy")).is_ok());
    assert!(read(&built_in("cme", "groupcall")).is_ok(), "not configured: the name is free");
    let labelled = named(&built_in("status", "just2easy"), "J");
    assert_eq!(wrong(&labelled).0, "service_label");
}

#[test]
fn files_and_logs_make_sense() {
    let file = "[connectors.c.file]\ndrop = { folder = 'd', pattern = 'x-*.csv' }\n\
                format = 'csv'\nhealth = { column = 'state' }\n";
    assert!(read(&of_estate(file)).is_ok());
    for (scope, from, to, key) in [
        ("estate", "column = 'state'", "jq = '.state'", "file.health"),
        ("estate", "column = 'state'", "column = ' '", "file.health"),
        ("estate", "x-*.csv", "sub/x.csv", "file.drop.pattern"),
        ("estate", "x-*.csv", "{laestab}.csv", "file.drop.pattern"),
        ("school", "x-*.csv", "x-*.csv", "file.drop.pattern"),
        ("bulk", "x-*.csv", "x-*.csv", "file.key"),
        ("estate", "format = 'csv'", "format = 'text'", "file.health"),
        ("estate", "format = 'csv'", "format = 'csv'\ndelimiter = 'é'", "file.delimiter"),
        ("estate", "format = 'csv'", "format = 'csv'\nrows = '.[]'", "file.rows"),
        ("bulk", "format = 'csv'", "format = 'text'", "file.format"),
    ] {
        let found = wrong(&declare(scope, &file.replace(from, to)));
        assert_eq!(found.0, key, "{to}: {}", found.1);
    }
    let log = "[connectors.c.syslog]\nfile = 'log'\nparam = 'host'\n\
               events = [{ name = 'stopped', raised = ['stopped'], health = 'critical' }]\n";
    assert!(read(&declare("bulk", log)).is_ok());
    for (scope, from, to, key) in [
        ("school", "file = 'log'", "file = 'log'", "syslog.file"),
        ("estate", "file = 'log'", "file = 'log'", "syslog.param"),
        ("bulk", "param = 'host'\n", "", "syslog.param"),
        ("bulk", "param = 'host'", "hosts = ['a']", "syslog.hosts"),
        ("bulk", "['stopped']", "[]", "syslog.events"),
        ("bulk", "['stopped']", "['']", "syslog.events"),
        ("bulk", "file = 'log'", "file = 'log'\nzone = 'given'", "syslog.zone"),
        ("bulk", "file = 'log'", "file = 'log'\nlongest_line = 1", "syslog.longest_line"),
        ("bulk", "file = 'log'", "file = 'log'\nsilent_after = '0s'", "syslog.silent_after"),
    ] {
        let found = wrong(&declare(scope, &log.replace(from, to)));
        assert_eq!(found.0, key, "{to}: {}", found.1);
    }
}

#[test]
fn unknown_keys_and_words_are_refused_where_they_stand() {
    let section = |text: &str| {
        let all = of_estate(text);
        all.replace("[connectors.c]\n", "").replace("connectors.c.", "")
    };
    for (more, words) in [
        ("colour = 'red'\n", "colour"),
        ("[json]\nendpoint = { url = 'https://v.example' }\nport = 1\n", "port"),
        ("[probe.ftp]\nhost = 'x'\n", "ftp"),
        ("[json]\nendpoint = { url = 'https://v.example' }\nauth = { magic = 'x' }\n", "magic"),
        (
            "[json]\nendpoint = { url = 'https://v.example' }\nhealth = { words = { okay = [] } }\n",
            "okay",
        ),
        (
            "[json]\nendpoint = { url = 'https://v.example' }\nhealth = { words = { ok = [[]] } }\n",
            "a word, a number, true or false",
        ),
    ] {
        let said = unreadable(&section(more));
        assert!(said.contains(words), "{more}: {said}");
    }
    assert!(unreadable("service = 'x'").contains("check"));
}

#[test]
fn parameters_and_credentials_are_told() {
    let toml = format!(
        "{}[connectors.d]\nservice = 'just2easy'\ncheck = 'page'\nlabel = 'page'\nscope = 'school'\n\
         [connectors.d.probe.http]\nendpoint = {{ url = 'https://v.example' }}\n\
         path = 'sch/{{param:portal}}'\ncontains = ['{{param:word}}']\n",
        declare(
            "bulk",
            &format!(
                "{GOOD}rows = '.[]'\nkey = {{ jq = '.k', by = 'param', param = 'id' }}\n\
                 auth = {{ bearer = 'x.key' }}\n"
            )
        )
    );
    let connectors = read(&toml).unwrap();
    let columns: Vec<_> = connectors.parameters().into_iter().collect();
    assert_eq!(columns, ["just2easy.portal", "just2easy.word", "x.id"]);
    assert_eq!(connectors.plans()[0].credentials()[0].as_str(), "x.key");
    let new = connectors.new_services();
    assert_eq!(new, [("x".parse().unwrap(), "x".to_owned(), "X".to_owned())]);
}
