//! Everything that reads bytes which somebody else wrote, by name: one function for each parser that
//! takes any bytes and must neither panic nor break its own promises. `fuzz/` throws random bytes at
//! them; a test plays their seeds, so that they go on to build.

use crate::{
    config, directory, guard, ledger, model, services, simulators, tickets, transport, tui, wire,
};

#[cfg(test)]
mod tests;

/// A parser.
pub type Target = fn(&[u8]);

/// Every parser by the name of its target.
pub const TARGETS: &[(&str, Target)] = &[
    ("audit", audit),
    ("calendar", calendar),
    ("config", config),
    ("connector", connector),
    ("connector_settings", connector_settings),
    ("credential", credential),
    ("directory_value", directory_value),
    ("distinguished_name", distinguished_name),
    ("dropped", dropped),
    ("future_digital", future_digital),
    ("groupcall", groupcall),
    ("imap", imap),
    ("jq", jq),
    ("json", json),
    ("just2easy", just2easy),
    ("ldap", ldap),
    ("mail", mail),
    ("policy", policy),
    ("purple_mash", purple_mash),
    ("recording", recording),
    ("redstor", redstor),
    ("retry_after", retry_after),
    ("scenario", scenario),
    ("smoothwall", smoothwall),
    ("smtp", smtp),
    ("statuspage", statuspage),
    ("tables", tables),
    ("theme", theme),
    ("tickets", tickets),
    ("welearn365", welearn365),
    ("wire", wire),
    ("words", words),
];

/// A domain controller's messages.
pub fn ldap(bytes: &[u8]) {
    transport::fuzz::ldap(bytes);
}

/// Names of a directory.
pub fn distinguished_name(bytes: &[u8]) {
    directory::fuzz::dn(bytes);
}

/// Values of a directory's attributes.
pub fn directory_value(bytes: &[u8]) {
    directory::fuzz::value(bytes);
}

/// A mail server's answers.
pub fn imap(bytes: &[u8]) {
    transport::fuzz::imap(bytes);
}

/// Any API's JSON body.
pub fn json(bytes: &[u8]) {
    transport::fuzz::json(bytes);
}

/// A `Retry-After` header.
pub fn retry_after(bytes: &[u8]) {
    transport::fuzz::retry_after(bytes);
}

/// Mails and bare texts.
pub fn mail(bytes: &[u8]) {
    services::fuzz::mail(bytes);
}

/// Statuspage summaries.
pub fn statuspage(bytes: &[u8]) {
    services::fuzz::statuspage(bytes);
}

/// Dropped texts, notes and web pages.
pub fn dropped(bytes: &[u8]) {
    services::fuzz::dropped(bytes);
}

/// What declared connectors read.
pub fn connector(bytes: &[u8]) {
    services::fuzz::connector(bytes);
}

/// Settings of a declared connector.
pub fn connector_settings(bytes: &[u8]) {
    services::fuzz::connector_settings(bytes);
}

/// jq expressions.
pub fn jq(bytes: &[u8]) {
    services::fuzz::jq(bytes);
}

/// Credentials, certificates and tokens.
pub fn credential(bytes: &[u8]) {
    services::fuzz::credential(bytes);
}

/// The configuration.
pub fn config(bytes: &[u8]) {
    config::fuzz::config(bytes);
}

/// iCalendar files and lists of bank holidays.
pub fn calendar(bytes: &[u8]) {
    config::fuzz::calendar(bytes);
}

/// The register, the list of schools, the subscriptions.
pub fn tables(bytes: &[u8]) {
    config::fuzz::tables(bytes);
}

/// The policy.
pub fn policy(bytes: &[u8]) {
    guard::fuzz::policy(bytes);
}

/// An export of the audit.
pub fn audit(bytes: &[u8]) {
    ledger::fuzz::audit(bytes);
}

/// What crosses the socket.
pub fn wire(bytes: &[u8]) {
    wire::fuzz::wire(bytes);
}

/// A recording.
pub fn recording(bytes: &[u8]) {
    wire::fuzz::recorded(bytes);
}

/// What people write.
pub fn words(bytes: &[u8]) {
    model::fuzz::words(bytes);
}

/// Microsoft's answers, its audit among them.
pub fn welearn365(bytes: &[u8]) {
    services::fuzz::service("welearn365", bytes);
}

/// Groupcall's answers, dropped loads, and addresses at which it calls back.
pub fn groupcall(bytes: &[u8]) {
    services::fuzz::service("groupcall", bytes);
}

/// The answers of both of Redstor's APIs.
pub fn redstor(bytes: &[u8]) {
    services::fuzz::service("redstor", bytes);
}

/// Files of stations.
pub fn future_digital(bytes: &[u8]) {
    services::fuzz::service("future_digital", bytes);
}

/// Web filters' alerts, by mail and by syslog.
pub fn smoothwall(bytes: &[u8]) {
    services::fuzz::service("smoothwall", bytes);
}

/// Just2Easy's pages and the notes of its syncs.
pub fn just2easy(bytes: &[u8]) {
    services::fuzz::service("just2easy", bytes);
}

/// Purple Mash's pages and the notes of its syncs.
pub fn purple_mash(bytes: &[u8]) {
    services::fuzz::service("purple_mash", bytes);
}

/// Scenario files.
pub fn scenario(bytes: &[u8]) {
    simulators::fuzz::scenario(bytes);
}

/// A mail server's replies to whoever sends mail.
pub fn smtp(bytes: &[u8]) {
    transport::fuzz::smtp(bytes);
}

/// Theme files.
pub fn theme(bytes: &[u8]) {
    tui::fuzz::theme(bytes);
}

/// A ticket system's answers.
pub fn tickets(bytes: &[u8]) {
    tickets::fuzz::answers(bytes);
}
