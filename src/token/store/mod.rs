//! The interface of a token store, which keeps tokens outside of a cache.

pub(super) mod circuit_breaker;
mod memory;
#[cfg(feature = "redis")]
pub mod redis;
pub(super) mod sync;
pub(super) mod tombstones;

pub use memory::MemoryStore;

use std::{fmt, future::Future, pin::Pin, time::Duration};

use tokio::sync::broadcast;

use crate::{
    Secret,
    sync::time::{Instant, sleep},
    token::{
        fingerprint::Fingerprint,
        id::{TokenId, token_id},
    },
};

/// The return type of the methods of [`TokenStore`]. The future is boxed, so that stores can be
/// trait objects.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The error of a token store. After an error, the cache continues without the store.
#[derive(Debug)]
pub struct StoreError(Box<dyn std::error::Error + Send + Sync>);

impl StoreError {
    /// Creates an error with its cause. The cause must not contain a secret.
    pub fn new(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token store failed")
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

/// The key of a token: its source and its scopes. A key contains no secret.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct StoreKey {
    /// The fingerprint of the source, see
    /// [`TokenSource::fingerprint`](super::TokenSource::fingerprint).
    pub source: Fingerprint,
    /// The scopes, sorted, without duplicates, and separated by spaces.
    pub scopes: Box<str>,
}

impl StoreKey {
    /// Creates a key. `scopes` must be sorted, without duplicates, and separated by spaces.
    pub fn new(source: Fingerprint, scopes: impl Into<Box<str>>) -> Self {
        Self { source, scopes: scopes.into() }
    }
}

/// A token in a store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredToken {
    /// The access token.
    pub access_token: Secret,
    /// The refresh token that was issued with this token. `None` after a process has taken the
    /// refresh token.
    pub refresh_token: Option<Secret>,
    /// The id of the refresh token. The id is kept even after a process has taken the refresh
    /// token.
    pub refresh_token_id: Option<TokenId>,
    /// The granted scopes, if the response contained them.
    pub scope: Option<String>,
    /// The time since the token was requested. The caller of [`TokenStore::put`] measures the age
    /// of the new token. The store computes the age of each token that it returns. Ages are used
    /// instead of timestamps, so that the clocks of different machines are never compared.
    pub age: Duration,
    /// The lifetime of the token, counted from the time at which the token was requested.
    pub lifetime: Duration,
    /// The id of the access token.
    pub id: TokenId,
}

impl StoredToken {
    /// Creates a token without a refresh token and without granted scopes.
    pub fn new(access_token: Secret, age: Duration, lifetime: Duration) -> Self {
        let id = token_id(&access_token);
        Self { access_token, refresh_token: None, refresh_token_id: None, scope: None, age, lifetime, id }
    }

    /// Sets the refresh token that was issued with this token.
    #[must_use]
    pub fn with_refresh_token(mut self, refresh_token: Option<Secret>) -> Self {
        self.refresh_token_id = refresh_token.as_ref().map(token_id);
        self.refresh_token = refresh_token;
        self
    }

    /// Returns the remaining lifetime of the token.
    pub fn remaining(&self) -> Duration {
        self.lifetime.saturating_sub(self.age)
    }
}

/// A time-limited right to request a token for a key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Lease {
    /// The number of the lease. Each lease of a key has a higher number than all earlier leases of
    /// this key. The store rejects a token that is put under this lease if a later lease was
    /// granted for the key.
    pub fence: u64,
    /// The ids of the tokens that the holder of the lease may refresh to get the new token. When
    /// the store grants the lease, it sets `parents` to the ids of the access token and of the
    /// refresh token in the entry. If one of the tokens in `parents` is revoked, the store rejects
    /// each token that is put under this lease.
    pub parents: Vec<TokenId>,
    granted: Instant,
}

impl Lease {
    /// Creates a lease that was granted just now.
    pub fn new(fence: u64) -> Self {
        Self { fence, parents: Vec::new(), granted: Instant::now() }
    }

    /// Sets the parents: the ids of the access token and of the refresh token that were in the
    /// entry when the lease was granted.
    #[must_use]
    pub fn with_parents(mut self, parents: impl IntoIterator<Item = TokenId>) -> Self {
        self.parents = parents.into_iter().collect();
        self
    }

    /// Returns the time from the grant of the lease to the request of the token. Returns zero if
    /// the token was requested before the grant. A store that uses its own clock adds this time to
    /// the time of the grant, to calculate when the token was requested.
    pub fn until_requested(&self, token: &StoredToken) -> Duration {
        (Instant::now() - self.granted).saturating_sub(token.age)
    }
}

/// The maximum number of token requests in any period of a given length.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RateLimit {
    /// The number of requests. Must be at least 1.
    pub calls: usize,
    /// The length of the period.
    pub per: Duration,
}

impl RateLimit {
    /// Creates a limit of `calls` requests in any period of length `per`. If `calls` is 0, the
    /// limit is one request.
    pub fn new(calls: usize, per: Duration) -> Self {
        Self { calls: calls.max(1), per }
    }
}

/// The reason why no token request may be sent. Each variant contains the time until the next
/// request may be sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Block {
    /// The server asked the client to wait.
    CoolDown(Duration),
    /// The server refused the credentials.
    Refused(Duration),
    /// The rate limit allows the next request only after this time, but the caller cannot wait that
    /// long.
    RateLimit(Duration),
}

/// The decision of a store about one token request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Permit {
    /// The request may be sent after this time. The store has counted the request against the rate
    /// limit.
    Granted(Duration),
    /// The request must not be sent. The store has not counted the request against the rate limit.
    Denied(Block),
    /// The store has no rate limit, so the cache applies the rate limit within its own process.
    Unlimited,
}

/// The response of a store to a process that needs a token for a key.
#[non_exhaustive]
pub enum Claim<'a> {
    /// The store has a token.
    Token(StoredToken),
    /// There is no token, and the process may request a token.
    Leased {
        /// The right to request a token.
        lease: Lease,
        /// The refresh token, which the store has removed from the entry, so that only this process
        /// can send the refresh token.
        refresh_token: Option<Secret>,
        /// The permit for one token request, as in [`TokenStore::acquire_permit`]. The permit is
        /// never [`Denied`](Permit::Denied): if no request may be sent, the store returns
        /// [`Claim::Blocked`] instead. The lease lasts longer than the wait that the permit
        /// requires.
        permit: Permit,
    },
    /// There is no token, and another process is requesting a token. The future completes when the
    /// entry of the key changes or when the lease ends. The future may also complete earlier. It
    /// also completes if the entry changed between the claim and the first poll of the future.
    Held(Pin<Box<dyn Future<Output = ()> + Send + 'a>>),
    /// There is no token, and no process may request a token now.
    Blocked(Block),
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(token) => f.debug_tuple("Token").field(token).finish(),
            Self::Leased { lease, refresh_token, permit } => f
                .debug_struct("Leased")
                .field("lease", lease)
                .field("refresh_token", refresh_token)
                .field("permit", permit)
                .finish(),
            Self::Held(_) => f.write_str("Held"),
            Self::Blocked(block) => f.debug_tuple("Blocked").field(block).finish(),
        }
    }
}

/// A notice from a store that a token was revoked or invalidated, usually by another process.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Notice {
    /// The access token or refresh token was revoked.
    Revoked(TokenId),
    /// The access token was invalidated.
    Invalidated(TokenId),
    /// Notices may have been lost. The receiver must check its tokens with [`TokenStore::marks`].
    Missed,
}

pub(in crate::token) const POLL: Duration = Duration::from_millis(500);
pub(in crate::token) const INVALIDATED: Duration = Duration::from_secs(60);

/// Keeps tokens for several processes, or across restarts.
///
/// **Leases.** For each [`StoreKey`], at most one process holds the lease at a time. Only that
/// process requests a token and stores it. The other processes wait until the entry of the key
/// changes, and then check the entry again. A lease ends when it is released or expires, so a
/// crashed process blocks the other processes only until its lease expires.
///
/// **Marks.** A store keeps two kinds of marks. A mark contains only the id of a token, so a
/// process can mark a token that the process does not have.
///
/// - *Revoked* ([`Self::revoke`]): the store marks the token as revoked, for a time that the caller
///   sets. The store neither returns nor accepts a token that has this mark, or whose refresh token
///   has this mark. The store also accepts no token under a lease with a revoked
///   [parent](Lease::parents). This mark takes precedence over all other rules.
/// - *Invalidated* ([`Self::invalidate`]): the store removes the token and marks it as invalidated,
///   for at most 60 s. The token can be stored again only under a lease that was granted after the
///   invalidation. Storing the token removes the mark, because a server may issue the same token
///   again.
///
/// With the feature `emulator`, `emulator::store_contract::check` tests an implementation against
/// this interface.
///
/// A store must implement the seven methods up to [`Self::release`]. The other methods have a
/// default implementation. A store with a high latency should implement `claim` in one round trip.
/// To share cool-downs, refused credentials and the rate limit, and to notify other processes of
/// revocations, a store must override the default implementations.
pub trait TokenStore: fmt::Debug + Send + Sync {
    /// Returns the token of a key. Returns `None` if the store has no token, or if the token has
    /// expired.
    fn get<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredToken>>;

    /// Stores a token until the token expires, and wakes waiting processes. The new token replaces
    /// the previous token of the key.
    ///
    /// Returns `false` and stores nothing if the lease is not the latest lease of this key, or if a
    /// mark forbids storing the token.
    fn put<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a StoredToken,
        lease: &'a Lease,
    ) -> StoreFuture<'a, bool>;

    /// Takes the refresh token out of the entry, so that the refresh token is sent only once.
    ///
    /// Returns `None` if the entry has no refresh token, or if the lease is not the latest lease.
    fn take_refresh_token<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
    ) -> StoreFuture<'a, Option<Secret>>;

    /// Marks the given access tokens and refresh tokens as revoked for the duration `time`. The
    /// token source with the fingerprint `source` must have issued all of them.
    fn revoke<'a>(
        &'a self,
        source: &'a Fingerprint,
        ids: &'a [TokenId],
        time: Duration,
    ) -> StoreFuture<'a, ()>;

    /// Marks an access token as invalidated. If the entry of this key still has the token, removes
    /// the token from the entry.
    fn invalidate<'a>(&'a self, key: &'a StoreKey, id: TokenId) -> StoreFuture<'a, ()>;

    /// Requests the lease for `time`. Returns `None` while another process holds the lease.
    fn lease<'a>(&'a self, key: &'a StoreKey, time: Duration) -> StoreFuture<'a, Option<Lease>>;

    /// Releases the lease, and wakes waiting processes.
    fn release<'a>(&'a self, key: &'a StoreKey, lease: &'a Lease) -> StoreFuture<'a, ()>;

    /// Waits until the entry of the key changes or the duration `within` has passed. May return
    /// earlier.
    ///
    /// The default implementation returns after at most 500 ms. Callers then check the entry again.
    fn changed<'a>(&'a self, key: &'a StoreKey, within: Duration) -> StoreFuture<'a, ()> {
        let _ = key;
        Box::pin(async move {
            sleep(within.min(POLL)).await;
            Ok(())
        })
    }

    /// Returns a token whose id is not in `except`. If there is no such token, grants the lease for
    /// `time`, and a permit for one token request with `credentials`, as in
    /// [`Self::acquire_permit`].
    fn claim<'a>(
        &'a self,
        key: &'a StoreKey,
        credentials: &'a Fingerprint,
        except: &'a [TokenId],
        time: Duration,
        limit: Option<RateLimit>,
        max_wait: Duration,
    ) -> StoreFuture<'a, Claim<'a>> {
        Box::pin(async move {
            let wanted = |token: &StoredToken| !except.contains(&token.id);
            if let Some(token) = self.get(key).await?.filter(wanted) {
                return Ok(Claim::Token(token));
            }
            let Some(lease) = self.lease(key, time).await? else {
                return Ok(Claim::Held(Box::pin(async move {
                    let _ = self.changed(key, POLL).await;
                })));
            };
            // The previous holder of the lease may have stored a token after the look-up above, so
            // look again.
            if let Some(token) = self.get(key).await?.filter(wanted) {
                self.release(key, &lease).await?;
                return Ok(Claim::Token(token));
            }
            let permit = self.acquire_permit(&key.source, credentials, limit, max_wait).await?;
            match permit {
                Permit::Denied(block) => {
                    self.release(key, &lease).await?;
                    return Ok(Claim::Blocked(block));
                }
                Permit::Granted(wait) if !wait.is_zero() => {
                    self.renew(key, &lease, time.saturating_add(wait)).await?;
                }
                _ => {}
            }
            let refresh_token = self.take_refresh_token(key, &lease).await?;
            Ok(Claim::Leased { lease, refresh_token, permit })
        })
    }

    /// Stores a token as [`Self::put`] does, and releases the lease.
    fn put_and_release<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a StoredToken,
        lease: &'a Lease,
    ) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let kept = self.put(key, token, lease).await?;
            self.release(key, lease).await?;
            Ok(kept)
        })
    }

    /// Sets the remaining time of the lease to `time`. Returns `false` if the lease is not the
    /// latest lease, or if the store cannot renew leases.
    fn renew<'a>(&'a self, key: &'a StoreKey, lease: &'a Lease, time: Duration) -> StoreFuture<'a, bool> {
        let _ = (key, lease, time);
        Box::pin(async { Ok(false) })
    }

    /// Reserves the earliest time at which one token request of a source may be sent. The store
    /// assigns the times in the order in which the calls arrive.
    ///
    /// At most `limit.calls` requests are sent in any period of length `limit.per`. The store
    /// measures the period with its own clock. Requests that must wait are sent at even intervals.
    /// If the request would have to wait longer than `max_wait`, the store returns
    /// [`Permit::Denied`] and reserves no time for the request.
    ///
    /// If `limit` is `None`, the store reserves no time, and only checks for a cool-down and for
    /// refused credentials.
    fn acquire_permit<'a>(
        &'a self,
        source: &'a Fingerprint,
        credentials: &'a Fingerprint,
        limit: Option<RateLimit>,
        max_wait: Duration,
    ) -> StoreFuture<'a, Permit> {
        let _ = (source, credentials, limit, max_wait);
        Box::pin(async { Ok(Permit::Unlimited) })
    }

    /// Blocks the token requests of a source in all processes.
    ///
    /// [`Block::Refused`] applies only to requests with `credentials`, because other processes may
    /// have other, valid credentials. If a longer block exists already, the longer block stays
    /// unchanged. The cache never passes [`Block::RateLimit`].
    fn block<'a>(
        &'a self,
        source: &'a Fingerprint,
        credentials: &'a Fingerprint,
        block: Block,
    ) -> StoreFuture<'a, ()> {
        let _ = (source, credentials, block);
        Box::pin(async { Ok(()) })
    }

    /// Checks the tokens with these ids. Returns a notice for each token that is marked as revoked
    /// or invalidated.
    fn marks<'a>(&'a self, source: &'a Fingerprint, ids: &'a [TokenId]) -> StoreFuture<'a, Vec<Notice>> {
        let _ = (source, ids);
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Subscribes to notices. Returns `None` if the store sends no notices. The cache calls this
    /// method within a tokio runtime, so the store may spawn a task.
    fn notices(&self) -> Option<broadcast::Receiver<Notice>> {
        None
    }
}
