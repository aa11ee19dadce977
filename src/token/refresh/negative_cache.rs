//! Remembers that the server refuses the client credentials.
//!
//! If the server does not name the cause of a refusal, the credentials are blocked only after
//! refusals of three different scope sets without a success in between. After a pause, one request
//! at a time (the probe) checks whether the server still refuses the credentials.
//!
//! All times are in milliseconds of the monotonic clock.

use std::{collections::VecDeque, hash::BuildHasher as _, sync::PoisonError, time::Duration};

use crate::{
    Error,
    clock::millis,
    sync::{Mutex, MutexGuard, RandomState},
    token::fingerprint::Fingerprint,
};

const EVIDENCE: usize = 3;
const CAPACITY: usize = 1_024;

#[derive(Debug)]
pub(in crate::token) struct NegativeCache {
    ttl: Duration,
    hasher: RandomState,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    credentials: Option<Fingerprint>,
    refusal: Option<Refusal>,
    suspects: VecDeque<u64>,
    /// These scope sets were refused while other scope sets succeeded, so the credentials are not
    /// the cause.
    cleared: VecDeque<u64>,
}

#[derive(Debug)]
struct Refusal {
    error: Error,
    until: u64,
    /// The hash of the scope set whose request is the probe, and the time until which the probe may
    /// run, in milliseconds.
    probe: Option<(u64, u64)>,
    /// Whether the last probe was for one of the `suspects`. If so, the suspects wait longer than
    /// the other scope sets before the next probe.
    is_suspect_probed: bool,
}

impl NegativeCache {
    pub(in crate::token) fn new(ttl: Duration) -> Self {
        Self { ttl, hasher: RandomState::default(), state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::token) fn retain(&self, credentials: Fingerprint) {
        let mut state = self.lock();
        if state.credentials != Some(credentials) {
            *state = State { credentials: Some(credentials), ..State::default() };
        }
    }

    fn id(&self, scopes: &str) -> u64 {
        self.hasher.hash_one(scopes)
    }

    fn end(&self, now: u64) -> u64 {
        now.saturating_add(millis(self.ttl))
    }

    pub(in crate::token) fn check(&self, scopes: &str, now: u64, patience: Duration) -> Result<(), Error> {
        let (id, end) = (self.id(scopes), self.end(now));
        let mut state = self.lock();
        let is_suspect = state.suspects.contains(&id);
        let Some(refusal) = &mut state.refusal else { return Ok(()) };
        let until = match refusal.probe {
            Some((probe, _)) if probe == id => return Ok(()),
            Some((_, until)) if now < until => end.min(until),
            _ if is_suspect && refusal.is_suspect_probed => refusal.until.saturating_add(millis(self.ttl)),
            _ => refusal.until,
        };
        if now < until {
            return Err(refusal.error.clone().held_for(Duration::from_millis(until - now)));
        }
        refusal.probe = Some((id, now.saturating_add(millis(patience))));
        refusal.is_suspect_probed = is_suspect;
        Ok(())
    }

    pub(in crate::token) fn peek(&self, now: u64) -> Result<(), Error> {
        match &self.lock().refusal {
            Some(refusal) if now < refusal.until => {
                Err(refusal.error.clone().held_for(Duration::from_millis(refusal.until - now)))
            }
            _ => Ok(()),
        }
    }

    pub(in crate::token) fn succeeded(&self, scopes: Option<&str>) {
        let id = scopes.map(|scopes| self.id(scopes));
        let mut state = self.lock();
        state.refusal = None;
        let suspects = std::mem::take(&mut state.suspects);
        state.cleared.extend(suspects);
        state.cleared.retain(|cleared| Some(*cleared) != id);
        let excess = state.cleared.len().saturating_sub(CAPACITY);
        state.cleared.drain(..excess);
    }

    pub(in crate::token) fn refused(&self, now: u64, left: Duration, error: Error) {
        let until = now.saturating_add(millis(left));
        if until > now {
            self.lock().refusal = Some(Refusal { error, until, probe: None, is_suspect_probed: false });
        }
    }

    pub(in crate::token) fn suspected(&self, scopes: &str, now: u64, error: Error) {
        let (id, until) = (self.id(scopes), self.end(now));
        if until == now {
            return;
        }
        let mut state = self.lock();
        let is_known = state.suspects.contains(&id) || state.cleared.contains(&id);
        if !is_known && state.suspects.len() < CAPACITY {
            state.suspects.push_back(id);
        }
        let has_evidence = state.suspects.len() >= EVIDENCE;
        match &mut state.refusal {
            Some(refusal) => (refusal.until, refusal.probe) = (refusal.until.max(until), None),
            None if has_evidence && !is_known => {
                state.refusal = Some(Refusal { error, until, probe: None, is_suspect_probed: false });
            }
            None => {}
        }
    }

    pub(in crate::token) fn failed(&self, scopes: &str, now: u64, wait: Duration) {
        let id = self.id(scopes);
        if let Some(refusal) = &mut self.lock().refusal
            && refusal.probe.is_some_and(|(probe, _)| probe == id)
        {
            refusal.probe = None;
            refusal.until = refusal.until.max(now.saturating_add(millis(wait)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn cache() -> NegativeCache {
        NegativeCache::new(Duration::from_secs(10))
    }

    fn error() -> Error {
        Error::new(ErrorKind::Unauthorized, "test").with_sent(true)
    }

    fn passes(cache: &NegativeCache, scopes: &str, now: u64) -> bool {
        cache.check(scopes, now, PATIENCE).is_ok()
    }

    #[test]
    fn credentials_are_blocked_after_three_different_scope_sets_are_refused() {
        let cache = cache();
        for _ in 0..9 {
            cache.suspected("a", 0, error());
        }
        cache.suspected("b", 0, error());
        assert!(passes(&cache, "d", 0));
        cache.suspected("c", 0, error());
        let refusal = cache.check("d", 9_000, PATIENCE).unwrap_err();
        assert_eq!(refusal.retry_after(), Some(Duration::from_secs(1)));
        assert!(!refusal.may_have_been_sent());
    }

    #[test]
    fn success_resets_the_count_of_refused_scope_sets() {
        let cache = cache();
        cache.suspected("a", 0, error());
        cache.suspected("b", 0, error());
        cache.succeeded(Some("d"));
        for scopes in ["a", "b", "c", "e"] {
            cache.suspected(scopes, 0, error());
            assert!(passes(&cache, "d", 0), "{scopes}");
        }
        cache.suspected("f", 0, error());
        assert!(!passes(&cache, "d", 0));
    }

    #[test]
    fn only_one_probe_is_sent_at_a_time_and_a_success_unblocks_all_requests() {
        let cache = cache();
        cache.refused(0, Duration::from_secs(10), error());
        assert!(!passes(&cache, "a", 9_999));
        assert!(passes(&cache, "a", 10_000));
        assert!(passes(&cache, "a", 10_001), "it is the probe");
        assert!(!passes(&cache, "b", 10_001));
        cache.refused(10_100, Duration::from_secs(10), error());
        assert!(!passes(&cache, "a", 20_099) && passes(&cache, "b", 20_100) && !passes(&cache, "a", 20_100));
        cache.succeeded(Some("b"));
        assert!(passes(&cache, "a", 20_101) && passes(&cache, "c", 20_101));
    }

    #[test]
    fn new_probe_is_allowed_if_a_probe_hangs_or_fails_without_a_refusal() {
        let cache = cache();
        cache.refused(0, Duration::from_secs(10), error());
        assert!(passes(&cache, "a", 10_000));
        cache.failed("b", 10_000, Duration::ZERO);
        assert!(!passes(&cache, "b", 10_000), "this one was not the probe");
        cache.failed("a", 10_000, Duration::from_secs(1));
        assert!(!passes(&cache, "b", 10_999) && passes(&cache, "b", 11_000));
        assert!(!passes(&cache, "c", 40_999) && passes(&cache, "c", 41_000));
    }

    #[test]
    fn refused_probe_is_followed_by_a_probe_with_another_scope_set() {
        let cache = cache();
        for scopes in ["a", "b", "c"] {
            cache.suspected(scopes, 0, error());
        }
        assert!(passes(&cache, "a", 10_000));
        cache.suspected("a", 10_000, error());
        assert!(!passes(&cache, "a", 20_000) && !passes(&cache, "b", 29_999));
        assert!(passes(&cache, "d", 20_000));
    }

    #[test]
    fn ttl_of_zero_disables_the_negative_cache() {
        let cache = NegativeCache::new(Duration::ZERO);
        for scopes in ["a", "b", "c", "d"] {
            cache.suspected(scopes, 0, error());
        }
        cache.refused(0, Duration::ZERO, error());
        assert!(passes(&cache, "e", 0));
    }

    #[test]
    fn cached_refusals_are_removed_when_the_credentials_change() {
        let cache = cache();
        let [old, new] = ["old", "new"].map(|secret| Fingerprint::of([secret]));
        cache.retain(old);
        cache.refused(0, Duration::from_secs(10), error());
        cache.retain(old);
        assert!(!passes(&cache, "a", 5_000));
        cache.retain(new);
        assert!(passes(&cache, "a", 5_000));
        for scopes in ["a", "b"] {
            cache.suspected(scopes, 5_000, error());
        }
        cache.retain(old);
        cache.suspected("c", 5_000, error());
        assert!(passes(&cache, "d", 5_000), "the first of these credentials");
    }
}
