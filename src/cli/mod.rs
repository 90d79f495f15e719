//! Arguments, and what is printed.
