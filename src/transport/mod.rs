//! The only way out of the process over HTTP: TLS always verified, redirects never followed, every
//! read bounded in time and size, retries only where the call is safe.
//!
//! Invariant: no header and no body of ours goes to an origin other than the endpoint's own.
//! Invariant: this room never knows a service.

mod endpoint;
mod failure;
mod reply;
mod request;

pub use endpoint::{
    Endpoint, EndpointSettings, SetupError, Transport, TransportSettings, install_tls,
};
pub use failure::Failure;
pub use reply::Reply;
pub use request::Request;
