//! The checks of the Redis that a fleet shares its tokens through, where one is configured.

#[cfg(feature = "redis")]
mod finding;
#[cfg(feature = "redis")]
mod server;

use std::time::Duration;

use super::check::Checks;
use crate::{exit::Failure, fleet::Fleet};

/// Asks it, within this time for each question.
#[cfg(feature = "redis")]
pub(super) async fn check(checks: &mut Checks<'_>, fleet: &Fleet, time: Duration) -> Result<(), Failure> {
    server::check(checks, fleet, time).await
}

/// Says that it cannot be asked.
#[cfg(not(feature = "redis"))]
#[expect(clippy::unused_async, reason = "it has the shape of its twin")]
pub(super) async fn check(checks: &mut Checks<'_>, _: &Fleet, _: Duration) -> Result<(), Failure> {
    let found = "one is configured, and this program is built without the feature redis";
    checks.tell("configured", super::check::Verdict::Skip, found, "build it with --features cli,redis")
}
