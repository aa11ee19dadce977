//! The part of the crate's module `webhook` that the webhook key cache needs.

#[path = "../../../src/webhook/error.rs"]
mod error;
#[path = "../../../src/webhook/tolerance.rs"]
mod tolerance;

pub(crate) use error::Reason;
pub use error::{VerifyError, VerifyErrorKind};
pub use tolerance::Tolerance;
