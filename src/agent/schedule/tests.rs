//! Tests of plan and sieve.
