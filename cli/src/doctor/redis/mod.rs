//! Checks the Redis server through which the instances of a fleet share tokens.

mod finding;
mod server;

pub(super) use server::check;
