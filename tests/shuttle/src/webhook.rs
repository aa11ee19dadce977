//! What the webhook key cache needs of the crate's `webhook`.

#[path = "../../../src/webhook/error.rs"]
mod error;
#[path = "../../../src/webhook/tolerance.rs"]
mod tolerance;

pub(crate) use error::Reason;
pub use error::{VerifyError, VerifyErrorKind};
pub use tolerance::Tolerance;
