//! Reads any bytes as a mail server's replies, for fuzzing.

use lettre::transport::smtp::response::Response;

use super::stream::start_tls;

/// As what is said before TLS begins, and as a reply to a command afterwards. Whether TLS may begin.
pub(in crate::transport) async fn replies(bytes: &[u8]) -> bool {
    drop(String::from_utf8_lossy(bytes).parse::<Response>());
    let mut stream = tokio::io::join(bytes, tokio::io::sink());
    start_tls(&mut stream, "desk.example").await.is_ok()
}
