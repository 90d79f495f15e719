//! What is logged of a panic.

use std::any::Any;
use std::backtrace::Backtrace;
use std::panic::{PanicHookInfo, set_hook};

/// Replaces the panic hook by one that logs and prints nothing. Whoever owns the terminal takes
/// this hook afterwards, restores the terminal and then calls it.
///
/// A message that was put together while running may quote a value, so only fixed ones are kept;
/// place and back-trace tell the rest.
pub fn log_panics() {
    set_hook(Box::new(log));
}

fn log(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    tracing::error!(
        place,
        thread = thread.name().unwrap_or("unnamed"),
        message = fixed(info.payload()),
        backtrace = %Backtrace::force_capture(),
    );
}

fn fixed(payload: &(dyn Any + Send)) -> &'static str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("panicked; the message was made from values and is withheld")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_fixed_messages_and_withholds_made_ones() {
        assert_eq!(fixed(&"queue without a reader"), "queue without a reader");
        let made: Box<dyn Any + Send> = Box::new("bad name Zora Quill".to_owned());
        assert!(!fixed(&*made).contains("Zora"));
    }
}
