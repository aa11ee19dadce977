//! Caches the tokens of one process, and shares each token request among all waiting callers.
//!
//! No lock is held across an await.

pub(super) mod entries;
pub(super) mod entry;
pub(super) mod guard;
pub(super) mod inner;
pub(super) mod key;
pub(super) mod options;
mod place;
mod shutdown;
pub(super) mod state;
pub(super) mod stats;

pub use options::TokenOptions;
pub use stats::Stats;

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    Error,
    retry::Idempotency,
    token::{
        as_token::AsToken,
        cache::{entry::CacheEntry, inner::CacheInner, key::ScopeKey, state::Hold},
        refresh::renewal::Replacement,
        rejection::Rejection,
        scope::Scope,
        source::TokenSource,
        token::Token,
    },
};

/// Caches the tokens of one source, with one entry per scope set. A cache is cheap to clone, and
/// clones share all state.
///
/// See the [module](super) for the lifecycle of a token. Dropping the last clone cancels running
/// refreshes.
#[derive(Clone)]
pub struct TokenCache {
    inner: CacheInner,
}

impl TokenCache {
    /// Creates an empty cache. To use the source outside the cache too, pass the source in an
    /// [`Arc`].
    pub fn new(source: impl TokenSource, options: TokenOptions) -> Self {
        Self { inner: CacheInner::new(Arc::new(source), options) }
    }

    /// Returns a valid token for these scopes. The order of the scopes does not matter, and
    /// duplicates are ignored.
    ///
    /// The token comes from memory if possible. Otherwise all callers that wait for the same scopes
    /// share one token request. The call waits at most [`TokenOptions::with_max_wait`].
    ///
    /// # Errors
    ///
    /// - [`InvalidConfig`](crate::ErrorKind::InvalidConfig) if the joined scopes are longer than
    ///   16 KiB.
    /// - The error of the source, after retries.
    /// - [`RateLimited`](crate::ErrorKind::RateLimited) at once if the cool-down or the wait for
    ///   the rate limit is longer than the time that the call may wait.
    /// - [`Timeout`](crate::ErrorKind::Timeout) if no token was received in time.
    /// - [`Unavailable`](crate::ErrorKind::Unavailable) if the source panicked or the cache was
    ///   shut down.
    ///
    /// If a token request failed, calls that find no valid token return the error of that request
    /// until the next attempt is due. [`Error::retry_after`] returns the time until the next
    /// attempt.
    ///
    /// # Cancellation
    ///
    /// Cancel safe: a request that was started continues in its own task, and its token is cached.
    #[inline]
    pub async fn token(&self, scopes: &[Scope]) -> Result<Token, Error> {
        match self.cached(scopes) {
            Some(token) => Ok(token),
            None => self.inner.wait(&self.inner.shared.entry(scopes)?, None).await,
        }
    }

    /// Works like [`TokenCache::token`], but waits at most `max_wait`.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`TokenCache::token`].
    ///
    /// # Cancellation
    ///
    /// Cancel safe, like [`TokenCache::token`].
    pub async fn token_within(&self, scopes: &[Scope], max_wait: Duration) -> Result<Token, Error> {
        match self.cached(scopes) {
            Some(token) => Ok(token),
            None => self.inner.wait(&self.inner.shared.entry(scopes)?, Some(max_wait)).await,
        }
    }

    /// Returns a fresh token from memory, if there is one. Never waits, and sends no request.
    #[inline]
    pub fn cached(&self, scopes: &[Scope]) -> Option<Token> {
        self.inner.shared.cached(scopes)
    }

    /// Removes this token from memory and from the store. A newer token for the same scopes is not
    /// removed. Call this method after a response with status 401. The next caller gets a new
    /// token.
    pub async fn invalidate(&self, token: &Token) {
        self.inner.invalidate(token).await;
    }

    /// Runs your request with a token. If the outcome is a 401 that a new token may fix, runs the
    /// request once more with a new token.
    ///
    /// [`authorize`](crate::authorize#what-happens-on-a-401) explains when a request is repeated.
    /// The method returns the outcome of the second run. If no new token is available, the method
    /// returns the outcome of the first run.
    ///
    /// `classify` returns whether the outcome rejects the token. For HTTP responses, use the
    /// function of the client, for example
    /// [`moov::Client::classify`](crate::moov::Client::classify).
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`TokenCache::token`] if there is no token for the first run.
    /// Errors of your request are part of the returned outcome.
    ///
    /// # Cancellation
    ///
    /// Cancel safe: dropping the future cancels your request, but does not cancel a refresh.
    pub async fn run<T, F: Future<Output = T>>(
        &self,
        scopes: &[Scope],
        mut request: impl FnMut(Token) -> F,
        classify: impl Fn(&T) -> Rejection,
    ) -> Result<T, Error> {
        // Keep a reference to the entry, so that the cache does not evict the entry during the
        // request. Without the entry, the token could not be renewed after a 401.
        let (entry, token) = match self.inner.shared.cached_entry(scopes) {
            Some(found) => found,
            None => {
                let entry = self.inner.shared.entry(scopes)?;
                let token = self.inner.wait(&entry, None).await?;
                (entry, token)
            }
        };
        let outcome = request(token.clone()).await;
        let rejection = classify(&outcome);
        let Some(replacement) = Box::pin(self.inner.renew(&entry, &token, rejection)).await else {
            return Ok(outcome);
        };
        let outcome = request(replacement.token().clone()).await;
        let accepted = classify(&outcome) == Rejection::None;
        Box::pin(self.inner.conclude(&entry, &replacement, accepted)).await;
        Ok(outcome)
    }

    /// Removes an access token or refresh token from memory and from the store, before the token is
    /// revoked. Also removes the tokens that were issued with this token.
    ///
    /// If a running refresh uses one of these tokens, the cache discards the result of the refresh.
    /// This method checks every scope set. After the method returns, this cache returns none of
    /// these tokens. If the [`TokenStore`](crate::token::TokenStore) sends notices, the other
    /// processes with the same store drop the tokens after receiving the notice.
    ///
    /// # Errors
    ///
    /// Returns [`Unavailable`](crate::ErrorKind::Unavailable) if the store failed. Other processes
    /// may then still return the tokens. The cache retries the call to the store with a back-off
    /// until the cache is shut down or dropped. To retry at once, call this method again.
    pub async fn forget(&self, token: &impl AsToken) -> Result<(), Error> {
        self.inner.forget(&token.as_token()).await
    }

    /// Shuts down this cache and all its clones. Call this method before the process exits. The
    /// call takes at most `within`.
    ///
    /// - No new refresh starts. If a refresh is waiting (for the rate limit, for a retry, or for
    ///   another process), the refresh stops at once.
    /// - The cache completes each request that was sent, and stores the new token and refresh
    ///   token. The cache also completes each refresh that has removed a refresh token from the
    ///   store, because otherwise the refresh token would be lost.
    /// - Revocations and invalidations that could not be written to the store earlier are written
    ///   now, with a back-off.
    /// - The task that receives notices from other processes ends.
    ///
    /// After the shutdown, the cache still returns valid tokens from memory. If there is no valid
    /// token, calls fail at once with [`Unavailable`](crate::ErrorKind::Unavailable), and no
    /// request is sent. The cache no longer receives revocations from other processes, so stop
    /// using the cache soon.
    ///
    /// Before this call, stop your server and wait until your requests that use tokens have ended.
    /// You can call this method several times, and the calls may overlap. Each call returns when
    /// the work is done, or when its own time limit is reached. The first call that reaches its
    /// time limit aborts the running token requests. Without a shutdown, dropping
    /// the last clone aborts running token requests.
    ///
    /// # Errors
    ///
    /// Returns [`Timeout`](crate::ErrorKind::Timeout) if token requests were aborted. Returns
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if a revocation or invalidation was not
    /// written to the store. Call this method again to retry the write.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the cache stays shut down and starts no new refresh. Requests
    /// that were sent continue until the last clone is dropped. To wait for these requests, call
    /// this method again.
    pub async fn shutdown(&self, within: Duration) -> Result<(), Error> {
        self.inner.shutdown(within).await
    }

    pub(crate) fn rate_limited<T, F: Future<Output = Result<T, Error>>>(
        &self,
        scopes: Option<&[Scope]>,
        call: impl Fn() -> F,
    ) -> impl Future<Output = Result<T, Error>> {
        self.inner.rate_limited(scopes, call)
    }

    pub(crate) fn with_retry<T, F: Future<Output = Result<T, Error>>>(
        &self,
        idempotency: Idempotency,
        call: impl FnMut() -> F,
    ) -> impl Future<Output = Result<T, Error>> {
        self.inner.with_retry(idempotency, call)
    }

    pub(crate) fn options(&self) -> &TokenOptions {
        &self.inner.shared.options
    }

    /// Returns the counters of this cache.
    pub fn stats(&self) -> Stats {
        self.inner.shared.stats()
    }

    /// Returns the number of cached scope sets.
    pub fn len(&self) -> usize {
        self.inner.shared.entries.len()
    }

    /// Returns whether the cache has no scope sets.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A handle to one scope set of a cache. A handle is the fastest way to get the token of a scope
/// set that most requests use.
#[derive(Clone)]
pub struct TokenHandle {
    cache: TokenCache,
    entry: Arc<CacheEntry>,
    _hold: Option<Arc<Hold>>,
}

impl TokenCache {
    /// Returns a handle to one scope set. The cache does not evict this scope set until its last
    /// handle is dropped.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidConfig`](crate::ErrorKind::InvalidConfig) if a new handle would exceed the
    /// limit of [`TokenOptions::with_max_handles`], or if the joined scopes are longer than 16 KiB.
    pub fn handle(&self, scopes: &[Scope]) -> Result<TokenHandle, Error> {
        let hold = Arc::new(Hold::new(&self.inner.shared, scopes)?);
        Ok(TokenHandle { cache: self.clone(), entry: hold.entry.clone(), _hold: Some(hold) })
    }

    pub(crate) fn handle_once(&self, scopes: &[Scope]) -> Result<TokenHandle, Error> {
        Ok(TokenHandle { cache: self.clone(), entry: self.inner.shared.entry(scopes)?, _hold: None })
    }
}

impl TokenHandle {
    pub(crate) fn handle_once(&self, scopes: &[Scope]) -> Result<Self, Error> {
        self.cache.handle_once(scopes)
    }

    /// Returns a valid token, like [`TokenCache::token`].
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`TokenCache::token`].
    ///
    /// # Cancellation
    ///
    /// Cancel safe, like [`TokenCache::token`].
    #[inline]
    pub async fn token(&self) -> Result<Token, Error> {
        match self.cached() {
            Some(token) => Ok(token),
            None => self.cache.inner.wait(&self.entry, None).await,
        }
    }

    /// Returns a fresh token from memory, if there is one. Never waits, and sends no request.
    #[inline]
    pub fn cached(&self) -> Option<Token> {
        self.cache.inner.shared.fresh(&self.entry)
    }

    /// Removes this token. A newer token is not removed. See [`TokenCache::invalidate`].
    pub async fn invalidate(&self, token: &Token) {
        self.cache.invalidate(token).await;
    }

    pub(in crate::token) fn is_for(&self, scopes: &[Scope]) -> bool {
        ScopeKey::with(scopes, |key| key.matches(&self.entry.scopes))
    }

    pub(crate) async fn renew(&self, rejected: &Token, rejection: Rejection) -> Option<Replacement> {
        Box::pin(self.cache.inner.renew(&self.entry, rejected, rejection)).await
    }

    pub(crate) async fn renew_for_next(&self, rejected: &Token, rejection: Rejection) {
        Box::pin(self.cache.inner.renew_for_next(&self.entry, rejected, rejection)).await;
    }

    pub(crate) async fn conclude(&self, replacement: &Replacement, accepted: bool) {
        Box::pin(self.cache.inner.conclude(&self.entry, replacement, accepted)).await;
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache")
            .field("scope_sets", &self.inner.shared.entries.len())
            .field("stats", &self.inner.shared.stats())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TokenHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenHandle").field("entry", &self.entry).finish_non_exhaustive()
    }
}
