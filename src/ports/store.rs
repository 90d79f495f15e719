//! What outlives the process: the last known board and the history of states.
