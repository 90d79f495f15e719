//! The one way in besides the socket: addresses that a vendor was told, so that it says when it is done.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::ids::CredentialName;

/// Hears that somebody called. What they said is not handed over: it is not believed.
pub trait Doorbell: Send + Sync {
    /// Somebody posted to `path`; whether that is one that a vendor was told.
    fn rung(&self, path: &str, at: Timestamp) -> bool;
}

/// A place to listen at, and who hears of it.
#[derive(Clone)]
pub struct Door {
    /// Address and port.
    pub listen: SocketAddr,
    /// Its certificate, where it speaks TLS by itself.
    pub certificate: Option<DoorCertificate>,
    /// Who hears of it.
    pub bell: Arc<dyn Doorbell>,
}

/// What a door shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoorCertificate {
    /// PEM file of the certificate and those that it is from.
    pub chain: PathBuf,
    /// Name of the credential that holds its private key, as PEM.
    pub key: CredentialName,
}
