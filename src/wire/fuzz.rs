//! Reads any bytes as what crosses the socket, for fuzzing. What can be read is the same when it is
//! written and read again.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::wire::action::{Actions, Confirmed, PlanRequest};
use crate::wire::board::{Board, Change};
use crate::wire::desk::{Handle, Handled};
use crate::wire::page::{AgentHealth, CheckPage, Page, Problem, Refresh};
use crate::wire::recording;
use crate::wire::status::Status;

/// As a body of each kind, both ways.
pub fn wire(bytes: &[u8]) {
    same::<Board>(bytes);
    same::<Change>(bytes);
    same::<Handle>(bytes);
    same::<Handled>(bytes);
    same::<PlanRequest>(bytes);
    same::<Confirmed>(bytes);
    same::<Actions>(bytes);
    same::<Refresh>(bytes);
    same::<AgentHealth>(bytes);
    same::<Problem>(bytes);
    same::<Status>(bytes);
    // Their numbers are not read to the last bit.
    drop(serde_json::from_slice::<Page>(bytes));
    drop(serde_json::from_slice::<CheckPage>(bytes));
}

/// As a recording: as it is, and with a last line that fits whatever stands before it.
pub fn recorded(bytes: &[u8]) {
    played(bytes);
    played(&recording::ended(bytes));
}

fn played(bytes: &[u8]) {
    let Ok(read) = recording::read(bytes) else { return };
    let again = read.write().ok().and_then(|bytes| recording::read(&bytes).ok());
    assert_eq!(again.as_ref(), Some(&read));
}

fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(bytes) else { return };
    let again = serde_json::to_vec(&read).and_then(|text| serde_json::from_slice::<T>(&text));
    assert_eq!(again.as_ref().ok(), Some(&read), "{again:?}");
}
