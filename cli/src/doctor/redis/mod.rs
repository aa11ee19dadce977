//! The checks for the Redis server through which a fleet shares its tokens.

mod finding;
mod server;

pub(super) use server::check;
