//! Tests the guarantees of the token cache and of the webhook key cache in many interleavings of
//! their tasks.
//!
//! CONTRIBUTING.md describes how to run these tests and how to replay a failing schedule.
//!
//! # Seeded bugs
//!
//! Each of the following changes was made once in `src`, and a test failed. Each entry ends with
//! the number of the first schedule that failed: first for the random schedules, then for the PCT
//! schedules. "None of 2,000" means that no random schedule failed.
//!
//! - A refresh starts in a second critical section. In `CacheEntry::lookup`, before
//!   `cold.flight.start()`: `drop(state); let mut state = self.lock();`.
//!   `callers::two_callers_without_a_cached_token_send_one_request` fails: 2, 2.
//! - A token is published in a second critical section after its revocation was checked. In
//!   `CacheEntry::publish`, before `state.refresh_token =`: `drop(state); let mut state =
//!   self.lock();`. `revocation::revoking_the_access_token_revokes_its_refresh_token_too` fails:
//!   none of 2,000, 78.
//! - A revoked refresh token from the store is sent. In `CacheEntry::take_refresh_token`:
//!   `taken.filter(|_| true)`. `fleet::revoked_refresh_token_from_the_store_is_not_sent` fails: 1,
//!   1.
//! - A request overtakes waiting requests. In `RateLimiter::reserve`: `state.turn` with index 0,
//!   and no check for waiting requests. `limits::waiting_calls_are_served_in_arrival_order` fails:
//!   1, 2.
//! - A fetch of webhook keys starts in a second critical section. In `KeyCache::step`, before
//!   `state.flight.start()`: `drop(state); let mut state = self.state();`. All tests of
//!   `webhook_keys` fail: 1 to 4.
//! - A flight whose task has ended counts as running. In `SingleFlight::running`: `self.0.clone()`.
//!   `webhook_keys::panicking_fetch_leaves_no_webhook_waiting` fails: 1.
//! - A fetch ends before its result is stored. In `KeyCache::end`, after `state.flight.clear()`:
//!   `drop(state); let mut state = self.state();`. All tests of `webhook_keys` fail: 1 to 21.
//! - A shutdown does not wait for refreshes. In `CacheInner::shutdown`: the call of
//!   `closed_and_idle` is removed. Four tests of `shutdown` fail: PCT schedules 9 to 1,041.
//! - A failed revocation checks whether the cache was shut down before it keeps its tombstone. In
//!   `CacheInner::mark`: `is_closed` before `keep_pending`.
//!   `shutdown::shutdown_stores_a_revocation_or_its_caller_gets_an_error` fails: none of 2,000,
//!   1,337.

mod callers;
mod explore;
mod failures;
mod fleet;
mod limits;
mod revocation;
mod server;
mod shutdown;
mod slow;
mod webhook_keys;
