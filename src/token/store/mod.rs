//! The contract of a token store: tokens kept outside of a cache, for a fleet or across restarts.
//!
//! A store does not decide whether a token is fresh: the cache does.

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

/// What the methods of a [`TokenStore`] return: boxed, so that any store can be used as `dyn`.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A store failed. The cache goes on without it.
#[derive(Debug)]
pub struct StoreError(Box<dyn std::error::Error + Send + Sync>);

impl StoreError {
    /// From what went wrong, which must show no secret.
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

/// Which token: whose, and for which scopes. It holds no secret.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct StoreKey {
    /// Of the source: server, client id, client type, version. See [`TokenSource::fingerprint`](super::TokenSource::fingerprint).
    pub source: Fingerprint,
    /// The scopes, sorted, each once, separated by spaces.
    pub scopes: Box<str>,
}

impl StoreKey {
    /// The key of a source and its scopes: sorted, each once, separated by spaces.
    pub fn new(source: Fingerprint, scopes: impl Into<Box<str>>) -> Self {
        Self { source, scopes: scopes.into() }
    }
}

/// A token as it is stored.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredToken {
    /// The access token.
    pub access_token: Secret,
    /// The refresh token that came with it, until a process takes it to send it.
    pub refresh_token: Option<Secret>,
    /// The id of that refresh token. It stays when the refresh token is taken.
    pub refresh_token_id: Option<TokenId>,
    /// The granted scopes, where the server named them.
    pub scope: Option<String>,
    /// How long ago the token was requested. For [`TokenStore::put`] the process that requested it
    /// says so; in what a store returns, the store does. So no two clocks are compared.
    pub age: Duration,
    /// How long the token is valid, counted from its request.
    pub lifetime: Duration,
    /// The id of the access token.
    pub id: TokenId,
}

impl StoredToken {
    /// A token without a refresh token and without scopes.
    pub fn new(access_token: Secret, age: Duration, lifetime: Duration) -> Self {
        let id = token_id(&access_token);
        Self { access_token, refresh_token: None, refresh_token_id: None, scope: None, age, lifetime, id }
    }

    /// Adds the refresh token that came with it.
    #[must_use]
    pub fn with_refresh_token(mut self, refresh_token: Option<Secret>) -> Self {
        self.refresh_token_id = refresh_token.as_ref().map(token_id);
        self.refresh_token = refresh_token;
        self
    }

    /// How long the token is still valid.
    pub fn remaining(&self) -> Duration {
        self.lifetime.saturating_sub(self.age)
    }
}

/// The right to refresh a key, for some time.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Lease {
    /// Grows with every lease of a key. A store refuses a put under an older lease than the latest.
    pub fence: u64,
    /// The tokens that the new one may be made from. If one of them is revoked, a put under this
    /// lease is refused. The store fills in the token and the refresh token that the entry held.
    pub parents: Vec<TokenId>,
    granted: Instant,
}

impl Lease {
    /// A lease that was granted just now.
    pub fn new(fence: u64) -> Self {
        Self { fence, parents: Vec::new(), granted: Instant::now() }
    }

    /// Adds the token and the refresh token that the entry held.
    #[must_use]
    pub fn with_parents(mut self, parents: impl IntoIterator<Item = TokenId>) -> Self {
        self.parents = parents.into_iter().collect();
        self
    }

    /// How long after the lease was granted the token was requested, for a store that dates a token by
    /// its own clock.
    pub fn until_requested(&self, token: &StoredToken) -> Duration {
        (Instant::now() - self.granted).saturating_sub(token.age)
    }
}

/// How many token calls may be sent in any span of time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RateLimit {
    /// How many calls, at least one.
    pub calls: usize,
    /// In any span of time as long as this.
    pub per: Duration,
}

impl RateLimit {
    /// So many calls, at least one, in any span of this length.
    pub fn new(calls: usize, per: Duration) -> Self {
        Self { calls: calls.max(1), per }
    }
}

/// Why a token call may not be sent, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Block {
    /// The server asked to wait.
    CoolDown(Duration),
    /// The credentials were refused.
    Refused(Duration),
    /// The next free place under the rate limit is so far away: longer than the caller can wait.
    RateLimit(Duration),
}

/// Whether one token call may be sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Permit {
    /// Yes, after this time. The place is reserved.
    Granted(Duration),
    /// No. Nothing is reserved.
    Denied(Block),
    /// The store has no rate limit, so the cache applies its own.
    Unlimited,
}

/// What a store returns to a process that needs a token of a key.
#[non_exhaustive]
pub enum Claim<'a> {
    /// This token.
    Token(StoredToken),
    /// There is no token, and the process may request one.
    Leased {
        /// The right to do so.
        lease: Lease,
        /// The refresh token of the entry, which was taken out.
        refresh_token: Option<Secret>,
        /// For one token call, as by [`TokenStore::acquire_permit`]; never
        /// [`Denied`](Permit::Denied). The lease runs for its wait as well.
        permit: Permit,
    },
    /// There is no token, and another process requests one. The future ends when the key has changed
    /// since the claim, when the lease has ended, or sooner.
    Held(Pin<Box<dyn Future<Output = ()> + Send + 'a>>),
    /// There is no token, and no process may request one now.
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

/// What another process did with a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Notice {
    /// It revoked this access token or refresh token.
    Revoked(TokenId),
    /// It invalidated this access token.
    Invalidated(TokenId),
    /// Notices may have been lost: ask by [`TokenStore::marks`].
    Missed,
}

/// How long to wait for a change of a key before looking again.
pub(in crate::token) const POLL: Duration = Duration::from_millis(500);
/// How long a store keeps the mark of an invalidated token.
pub(in crate::token) const INVALIDATED: Duration = Duration::from_secs(60);

/// Keeps tokens for several processes, or across restarts.
///
/// **Leases.** For each [`StoreKey`] at most one process has the lease at a time. Only that process
/// requests a token and puts it; the others wait for a change and look again. A lease ends when it is
/// released or when its time is over, so a process that died does not block the others for longer.
///
/// **Marks.** A store keeps two kinds of mark. They name a token by its id alone, so they also reach
/// a token that only another process or only the store holds.
///
/// - *Revoked* ([`Self::revoke`]): no method returns a token that is revoked or whose refresh token
///   is; no put of it succeeds, nor a put under a lease with such a [parent](Lease::parents). The
///   mark lasts for as long as the caller says and beats everything else.
/// - *Invalidated* ([`Self::invalidate`]): the stored copy is gone. A put of the same token succeeds
///   only under a lease that was granted after the mark, and then clears it: a server may issue the
///   same token again. The mark lasts for 60 seconds at most.
///
/// With the feature `emulator`, `emulator::store_contract::check` tests an implementation against this
/// contract.
///
/// An implementation needs the seven methods up to [`Self::release`]; the others have a default. A store that is far away should override
/// `claim` to respond in one round trip. Only a store that overrides the others shares cool-downs,
/// refused credentials and the rate limit, and tells other processes what was revoked.
pub trait TokenStore: fmt::Debug + Send + Sync {
    /// The token of a key, if there is one that has not expired.
    fn get<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredToken>>;

    /// Keeps a token until it expires, in place of any other, and wakes those who wait. `false` if
    /// the lease is not the latest of this key, or a mark forbids it: then nothing is kept.
    fn put<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a StoredToken,
        lease: &'a Lease,
    ) -> StoreFuture<'a, bool>;

    /// Takes the refresh token out of the entry, so that it is sent once. `None` if there is none, or
    /// the lease is not the latest.
    fn take_refresh_token<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
    ) -> StoreFuture<'a, Option<Secret>>;

    /// Marks access tokens and refresh tokens of a source as revoked, for `time`.
    fn revoke<'a>(
        &'a self,
        source: &'a Fingerprint,
        ids: &'a [TokenId],
        time: Duration,
    ) -> StoreFuture<'a, ()>;

    /// Marks an access token as invalidated, and removes it from the entry of this key if it is there.
    fn invalidate<'a>(&'a self, key: &'a StoreKey, id: TokenId) -> StoreFuture<'a, ()>;

    /// Requests the lease. `None` while another process has it.
    fn lease<'a>(&'a self, key: &'a StoreKey, time: Duration) -> StoreFuture<'a, Option<Lease>>;

    /// Gives the lease back, and wakes those who wait.
    fn release<'a>(&'a self, key: &'a StoreKey, lease: &'a Lease) -> StoreFuture<'a, ()>;

    /// Waits until the key changes or the time is over, whichever is first. It may also return sooner. By default
    /// it returns after half a second at most, so callers look again.
    fn changed<'a>(&'a self, key: &'a StoreKey, within: Duration) -> StoreFuture<'a, ()> {
        let _ = key;
        Box::pin(async move {
            sleep(within.min(POLL)).await;
            Ok(())
        })
    }

    /// Returns what there is of a key: a token whose id is not in `except`, otherwise the lease for
    /// `time` together with a permit for a call with these credentials, as [`Self::acquire_permit`] gives one.
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
            // The previous holder may have put a token between our look and our lease.
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

    /// Puts a token as [`Self::put`] does, and gives the lease back.
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

    /// Lets the lease run for `time` from now. `false` if it is not the latest, or cannot be renewed.
    fn renew<'a>(&'a self, key: &'a StoreKey, lease: &'a Lease, time: Duration) -> StoreFuture<'a, bool> {
        let _ = (key, lease, time);
        Box::pin(async { Ok(false) })
    }

    /// Reserves the next free place for one token call of a source, on the store's clock and in order
    /// of arrival: never more than `limit.calls` in any span of `limit.per`, and evenly spread once
    /// calls have to wait. If the place is further away than `max_wait`, nothing is reserved.
    ///
    /// Without a `limit` it reserves nothing, and only checks for a cool-down and whether these credentials are
    /// refused.
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

    /// Blocks the token calls of a source in all processes for a while. [`Block::Refused`] concerns only calls with
    /// these credentials: another process may have others, which work. A shorter block does not shorten one that is
    /// known. [`Block::RateLimit`] is never sent here.
    fn block<'a>(
        &'a self,
        source: &'a Fingerprint,
        credentials: &'a Fingerprint,
        block: Block,
    ) -> StoreFuture<'a, ()> {
        let _ = (source, credentials, block);
        Box::pin(async { Ok(()) })
    }

    /// The marks on these tokens of a source, as the notices that told of them.
    fn marks<'a>(&'a self, source: &'a Fingerprint, ids: &'a [TokenId]) -> StoreFuture<'a, Vec<Notice>> {
        let _ = (source, ids);
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Notices from now on, if the store receives any. The cache calls it on a tokio runtime.
    fn notices(&self) -> Option<broadcast::Receiver<Notice>> {
        None
    }
}
