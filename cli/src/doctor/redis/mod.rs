//! The checks of the Redis that a fleet shares its tokens through, where one is configured.

mod finding;
mod server;

pub(super) use server::check;
