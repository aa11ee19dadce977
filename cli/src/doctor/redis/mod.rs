//! Checks the Redis server through which several instances share tokens.

mod finding;
mod server;

pub(super) use server::check;
