//! Reads any bytes as a mail server's answers, for fuzzing.

use super::wire::Wire;

/// Bytes of a literal, as for the beginning of a message.
const LITERAL: usize = 4_096;

/// As answers, one after the other, until the connection breaks.
pub(in crate::transport) async fn answers(bytes: &[u8]) {
    let mut wire = Wire::new(tokio::io::join(bytes, tokio::io::sink()));
    while wire.answer(LITERAL).await.is_ok() {}
}
