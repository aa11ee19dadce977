//! MoneyKit's commands, a file each.

pub(crate) mod introspect;
pub(crate) mod jwks;
pub(crate) mod token;
pub(crate) mod verify;
