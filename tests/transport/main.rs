//! Each defence of the transport against a hostile server of our own on loopback.
#![cfg(test)]

mod answers;
mod clocks;
mod limits;
mod links;
mod proxies;
mod reach;
mod secrets;
mod server;
mod throttling;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use caretaker::model::span::Span;
use caretaker::ports::clock::Clock;
use caretaker::sys::SystemClock;
use caretaker::transport::{Endpoint, EndpointSettings, Transport, TransportSettings, install_tls};

/// Long enough that only a test that is going to fail waits for it.
const PATIENCE: Duration = Duration::from_secs(120);

/// Settings without limits and with time to spare, so that each test sets what it is about.
fn roomy() -> TransportSettings {
    TransportSettings {
        deadline: Span::from_secs(100),
        read_timeout: Span::from_secs(100),
        concurrency: 0,
        per_second: 0,
        breaker_failures: 1_000,
        ..TransportSettings::default()
    }
}

fn transport(settings: TransportSettings) -> Transport {
    with_clock(settings, Arc::new(SystemClock::new()))
}

fn with_clock(settings: TransportSettings, clock: Arc<dyn Clock>) -> Transport {
    install_tls();
    Transport::new(settings, clock)
}

fn at(url: &str) -> EndpointSettings {
    EndpointSettings {
        url: url.parse().unwrap(),
        ca_file: None,
        deadline: None,
        concurrency: None,
        per_second: None,
    }
}

fn endpoint(settings: TransportSettings, url: &str) -> Endpoint {
    transport(settings).endpoint(&at(url)).unwrap()
}

/// Waits for a condition that must come true.
async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}
