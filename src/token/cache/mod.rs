//! Remembers tokens in this process, renews them, and shares one request among all who wait.
//!
//! It knows no vendor and no HTTP: a [`TokenSource`] is asked. Nothing runs while nobody asks for a
//! token, and nothing is locked across an await.

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

/// Tokens of one source, by scope set. Cheap to clone; clones share everything.
///
/// See the [module](super) for the life of a token. Dropping the last clone ends the refreshes that
/// run.
#[derive(Clone)]
pub struct TokenCache {
    inner: CacheInner,
}

impl TokenCache {
    /// A cache with nothing in it. To go on using the source yourself, give it in an [`Arc`].
    pub fn new(source: impl TokenSource, options: TokenOptions) -> Self {
        Self { inner: CacheInner::new(Arc::new(source), options) }
    }

    /// A token for these scopes that works now; their order does not matter, nor does repetition.
    /// From memory while one serves, else by one request that all callers share. It waits for that
    /// no longer than [`TokenOptions::with_max_wait`].
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) if the scopes are longer than 16 KiB together; what the
    /// source failed with, after its retries; [`RateLimited`](crate::ErrorKind::RateLimited) at once if a
    /// cool-down, or the turn of the request in the rate limit, ends later than the caller waits;
    /// [`Timeout`](crate::ErrorKind::Timeout) if no token came in time; `Unavailable` if the source panicked. An
    /// earlier failure is returned again, with [`Error::retry_after`], until it is time for another attempt.
    ///
    /// # Cancellation
    ///
    /// Safe: a request that began goes on in a task of its own, and its token is kept.
    #[inline]
    pub async fn token(&self, scopes: &[Scope]) -> Result<Token, Error> {
        match self.cached(scopes) {
            Some(token) => Ok(token),
            None => self.inner.wait(self.inner.shared.entry(scopes)?, None).await,
        }
    }

    /// The same, waiting no longer than `max_wait`.
    ///
    /// # Errors
    ///
    /// As [`TokenCache::token`].
    ///
    /// # Cancellation
    ///
    /// As [`TokenCache::token`].
    pub async fn token_within(&self, scopes: &[Scope], max_wait: Duration) -> Result<Token, Error> {
        match self.cached(scopes) {
            Some(token) => Ok(token),
            None => self.inner.wait(self.inner.shared.entry(scopes)?, Some(max_wait)).await,
        }
    }

    /// A fresh token from memory, if there is one. Never waits, never sends.
    #[inline]
    pub fn cached(&self, scopes: &[Scope]) -> Option<Token> {
        self.inner.shared.cached(scopes)
    }

    /// Forgets exactly this token, here and in the store, and not a newer one: for a 401. The next to
    /// ask gets a new one.
    pub async fn invalidate(&self, token: &Token) {
        self.inner.invalidate(token).await;
    }

    /// Runs a request of yours with a token, and once more with a new one if the outcome is a 401 that a
    /// new token may help against: see [`authorize`](crate::authorize#what-happens-on-a-401). The second outcome
    /// stands. If no new token can be had, the first one does.
    ///
    /// `classify` returns what an outcome says about the token. For an HTTP response the clients' `classify` does
    /// it, such as [`moov::Client::classify`](crate::moov::Client::classify).
    ///
    /// # Errors
    ///
    /// As [`TokenCache::token`], if there is no token for the first run; what your request fails with is in
    /// its own outcome.
    ///
    /// # Cancellation
    ///
    /// Cancels your request, and no refresh.
    pub async fn run<T, F: Future<Output = T>>(
        &self,
        scopes: &[Scope],
        mut request: impl FnMut(Token) -> F,
        classify: impl Fn(&T) -> Rejection,
    ) -> Result<T, Error> {
        // The entry is kept: a 401 finds the token in it, even if it is evicted meanwhile.
        let (entry, token) = match self.inner.shared.cached_entry(scopes) {
            Some(found) => found,
            None => {
                let entry = self.inner.shared.entry(scopes)?;
                let token = self.inner.wait(entry.clone(), None).await?;
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

    /// Forgets an access token or refresh token that is about to be revoked, and what came with it, here
    /// and in the store. A refresh that began with it installs nothing. It looks at every scope set.
    ///
    /// When it returns, this cache does not return the token any more. The other processes of a
    /// [`TokenStore`](crate::token::TokenStore) drop it when they are told, whichever of them holds it.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if the store could not be told. Then other
    /// processes may still return the token. The cache tells the store later, with a back-off, for as
    /// long as the cache lives; calling this again tries at once.
    pub async fn forget(&self, token: &impl AsToken) -> Result<(), Error> {
        self.inner.forget(&token.as_token()).await
    }

    /// Ends the work of this cache and of all its clones, for the end of a process. It takes no longer than `within`.
    ///
    /// - No refresh begins any more. A refresh that only waits (for its turn, for a retry, for another process)
    ///   ends at once.
    /// - A request that is on the wire is finished, and its token, with the new refresh token, is put into the
    ///   store. So is a refresh whose refresh token was taken out of the store, or that refresh token would be lost.
    /// - Revocations and invalidations that a failing store has missed are written to it, with a back-off.
    /// - The task that listens to other processes ends.
    ///
    /// Afterwards a token that still works is returned from memory. Without one,
    /// [`Unavailable`](crate::ErrorKind::Unavailable) is returned at once and nothing is sent. This process is not
    /// told any more what other processes revoke, so stop using the cache soon.
    ///
    /// Before calling this, stop your server and wait for the requests that use tokens. A second call is fine,
    /// also at the same time: each returns when the work is over or its own time is, and the shortest time decides
    /// when requests are cut off. Without a shutdown, the drop of the last clone
    /// cuts off what is running.
    ///
    /// # Errors
    ///
    /// What was not finished in time: [`Timeout`](crate::ErrorKind::Timeout) if requests were cut off,
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if the store still has not been told of a revocation or an
    /// invalidation. A second call tries to write those again.
    ///
    /// # Cancellation
    ///
    /// Nothing new begins, and requests on the wire go on until the last clone is dropped. Call it again to wait for
    /// them.
    pub async fn shutdown(&self, within: Duration) -> Result<(), Error> {
        self.inner.shutdown(within).await
    }

    /// Sends a token request of a caller's own within the same limits, and learns from it: for these
    /// scopes by the client credentials, or by a refresh token.
    pub(crate) fn rate_limited<T, F: Future<Output = Result<T, Error>>>(
        &self,
        scopes: Option<&[Scope]>,
        call: impl Fn() -> F,
    ) -> impl Future<Output = Result<T, Error>> {
        self.inner.rate_limited(scopes, call)
    }

    /// Sends a call again as the policy has it.
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

    /// What it did so far.
    pub fn stats(&self) -> Stats {
        self.inner.shared.stats()
    }

    /// How many scope sets are remembered.
    pub fn len(&self) -> usize {
        self.inner.shared.entries.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A scope set of a cache, found once: the fastest way to the token that most requests use.
#[derive(Clone)]
pub struct TokenHandle {
    cache: TokenCache,
    entry: Arc<CacheEntry>,
    /// Its drop lets the cache evict the entry.
    _hold: Option<Arc<Hold>>,
}

impl TokenCache {
    /// A handle to one scope set. The cache does not evict that scope set until the last handle to it is dropped.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) if handles hold
    /// [too many](TokenOptions::with_max_handles) scope sets, or these scopes are longer than 16 KiB together.
    pub fn handle(&self, scopes: &[Scope]) -> Result<TokenHandle, Error> {
        let hold = Arc::new(Hold::new(&self.inner.shared, scopes)?);
        Ok(TokenHandle { cache: self.clone(), entry: hold.entry.clone(), _hold: Some(hold) })
    }

    /// A handle for one request, which does not keep the scope set in the cache.
    ///
    /// # Errors
    ///
    /// `InvalidConfig` if the scopes are too long.
    pub(crate) fn handle_once(&self, scopes: &[Scope]) -> Result<TokenHandle, Error> {
        Ok(TokenHandle { cache: self.clone(), entry: self.inner.shared.entry(scopes)?, _hold: None })
    }
}

impl TokenHandle {
    /// A handle to another scope set of the same cache, for one request.
    ///
    /// # Errors
    ///
    /// `InvalidConfig` if the scopes are too long.
    pub(crate) fn handle_once(&self, scopes: &[Scope]) -> Result<Self, Error> {
        self.cache.handle_once(scopes)
    }

    /// A token that works now, as [`TokenCache::token`].
    ///
    /// # Errors
    ///
    /// As [`TokenCache::token`].
    ///
    /// # Cancellation
    ///
    /// As [`TokenCache::token`].
    #[inline]
    pub async fn token(&self) -> Result<Token, Error> {
        match self.cached() {
            Some(token) => Ok(token),
            None => self.cache.inner.wait(self.entry.clone(), None).await,
        }
    }

    /// A fresh token from memory, if there is one. Never waits, never sends.
    #[inline]
    pub fn cached(&self) -> Option<Token> {
        self.cache.inner.shared.fresh(&self.entry)
    }

    /// Forgets exactly this token, as [`TokenCache::invalidate`].
    pub async fn invalidate(&self, token: &Token) {
        self.cache.invalidate(token).await;
    }

    /// Whether these are its scopes, in any order. Allocates no more than a look-up does.
    pub(in crate::token) fn is_for(&self, scopes: &[Scope]) -> bool {
        ScopeKey::with(scopes, |key| key.matches(&self.entry.scopes))
    }

    /// A token to repeat a request with, after one with `rejected` came back with a 401. `None` if the 401
    /// stands.
    pub(crate) async fn renew(&self, rejected: &Token, rejection: Rejection) -> Option<Replacement> {
        // On the heap: it is large, and rarely needed.
        Box::pin(self.cache.inner.renew(&self.entry, rejected, rejection)).await
    }

    /// For a request that cannot be repeated: a token that the server calls invalid is invalidated, as often
    /// as one may be renewed.
    pub(crate) async fn renew_for_next(&self, rejected: &Token, rejection: Rejection) {
        Box::pin(self.cache.inner.renew_for_next(&self.entry, rejected, rejection)).await;
    }

    /// Notes whether the repetition came back with anything but a 401.
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
