//! Scheduler, routes, changes as server-sent events. Never decides health.
