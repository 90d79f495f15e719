//! The vendors, played from their pages, for the demo and the tests. Never shares a type or a parser with services.
