//! Faults that a scenario or a test puts on a vendor.

/// What goes wrong with the calls of a service, of one of its endpoints, or about one school.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Nobody there: connections are dropped without an answer; a drop folder is gone.
    Down,
    /// The right answer, so many milliseconds late.
    Slow(u64),
    /// This HTTP status and a page of HTML.
    Status(u16),
    /// Status 200 and a page of HTML that has nothing to do with it.
    Html200,
    /// Status 200 and the vendor's own way to say that something failed.
    ErrorInside200,
    /// A complete HTTP answer whose body is cut in half.
    Truncated,
    /// An answer whose connection ends half-way.
    HalfSent,
    /// Status 200 without a body.
    Empty200,
    /// The vendor's own way to refuse a credential.
    Unauthorised,
    /// 429, to be tried again after so many seconds.
    Throttled(u32),
}
