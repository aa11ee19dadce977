//! Tests the guarantees of the token cache and of the webhook key cache in many interleavings of
//! their tasks.
//!
//! CONTRIBUTING.md describes how to run these tests and how to replay a failing schedule.
//!
//! # Seeded bugs
//!
//! Each of the following bugs was added to `src` once, to check the tests. Each bug made the test
//! in parentheses fail within 2,000 schedules of at least one kind: random, PCT or depth-first.
//!
//! - `CacheEntry::lookup` unlocks and relocks the state before `cold.flight.start()`, so two
//!   callers start a refresh (`callers::two_callers_without_a_cached_token_send_one_request`).
//! - `CacheEntry::publish` unlocks and relocks the state before `state.refresh_token =`, so a token
//!   is published although it was revoked after the check
//!   (`revocation::revoking_the_access_token_revokes_its_refresh_token_too`). Only a PCT schedule
//!   fails.
//! - `CacheEntry::take_refresh_token` uses `taken.filter(|_| true)`, so a revoked refresh token
//!   from the store is sent (`fleet::revoked_refresh_token_from_the_store_is_not_sent`).
//! - `RateLimiter::reserve` calls `state.turn` with index 0 and does not check for waiting
//!   requests, so a request overtakes waiting requests
//!   (`limits::waiting_calls_are_served_in_arrival_order`).
//! - `KeyCache::step` unlocks and relocks the state before `state.flight.start()`, so two callers
//!   start a fetch (all tests of `webhook_keys`).
//! - `SingleFlight::running` does not check the outcome, so a flight whose task has ended counts as
//!   running (`webhook_keys::panicking_fetch_leaves_no_webhook_waiting`).
//! - `Progress::until` calls `notified` after `is_reached`, so a waiter may miss the end of its
//!   flight (most tests of `callers`).
//! - `Flight::drop` does not call `notify_waiters`, so waiters are not woken (most tests of
//!   `callers`).
//! - `KeyCache::end` unlocks and relocks the state after `state.flight.clear()`, so a fetch ends
//!   before its result is stored (all tests of `webhook_keys`).
//! - `CacheInner::shutdown` does not call `closed_and_idle`, so a shutdown does not wait for
//!   refreshes (four tests of `shutdown`).
//! - `CacheInner::mark` calls `is_closed` before `keep_pending`, so a revocation that fails during
//!   a shutdown may be lost (`shutdown::shutdown_stores_a_revocation_or_its_caller_gets_an_error`).
//!   Only a PCT schedule fails.

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
