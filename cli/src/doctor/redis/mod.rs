//! The checks of the Redis through which a fleet shares its tokens.

mod finding;
mod server;

pub(super) use server::check;
