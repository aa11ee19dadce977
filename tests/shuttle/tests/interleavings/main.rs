//! What the token cache promises, in many interleavings of its tasks.
//!
//! CONTRIBUTING.md says how to run these tests and how to replay a failing schedule.

mod callers;
mod explore;
mod failures;
mod fleet;
mod limits;
mod revocation;
mod server;
mod slow;
