//! Where tokens are kept outside of a process: shared by a fleet, or across restarts.
//!
//! The contract alone. A store never decides whether a token still serves: the cache does.

use std::{
    fmt,
    future::Future,
    num::NonZeroU64,
    pin::Pin,
    time::{Duration, SystemTime},
};

use tokio::sync::broadcast;

use super::Fingerprint;
use crate::Secret;

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
pub struct StoreKey {
    /// Of the source: server, credentials, client type, version.
    pub source: Fingerprint,
    /// The scopes, sorted, each once, separated by spaces.
    pub scopes: Box<str>,
}

/// A token as it is stored.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredToken {
    /// The access token.
    pub access_token: Secret,
    /// The refresh token that came with it, until someone takes it to send it.
    pub refresh_token: Option<Secret>,
    /// The granted scopes, where the server named them.
    pub scope: Option<String>,
    /// Since when it is valid, on the wall clock of the process that asked for it.
    pub sent_at: SystemTime,
    /// How long it is valid from then on.
    pub lifetime: Duration,
    /// Which token of this key it is.
    pub generation: NonZeroU64,
}

impl StoredToken {
    /// A token as it is read back from where it was kept.
    pub fn new(access_token: Secret, sent_at: SystemTime, lifetime: Duration) -> Self {
        let generation = generation(&access_token);
        Self { access_token, refresh_token: None, scope: None, sent_at, lifetime, generation }
    }
}

/// Which token of its slot this is: the same in every process, and not to be guessed back from.
pub(super) fn generation(token: &Secret) -> NonZeroU64 {
    Fingerprint::of([token.expose()]).short()
}

/// The right to refresh a key, for some time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lease {
    /// Grows with every lease of a key. A store refuses what is put under an older one than the last.
    pub fence: u64,
}

/// How many token calls may be sent in any span of time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RateLimit {
    /// How many calls, at least one.
    pub calls: usize,
    /// In any span of time as long as this.
    pub per: Duration,
}

/// Why no process may send a token call for a source, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Stop {
    /// The server asked to wait, or the rate limit is reached.
    CoolDown(Duration),
    /// The credentials were refused.
    Refused(Duration),
}

/// What a store has for who wants a token of a key.
#[non_exhaustive]
pub enum Claim<'a> {
    /// This token.
    Token(StoredToken),
    /// None, and the right to ask for one; with the refresh token of the entry, which is taken out.
    Leased(Lease, Option<Secret>),
    /// None, while another asks for one. The future ends when the key has changed since the claim,
    /// or sooner.
    Held(Pin<Box<dyn Future<Output = ()> + Send + 'a>>),
    /// None, and nobody may ask for one now.
    Stopped(Stop),
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(token) => f.debug_tuple("Token").field(token).finish(),
            Self::Leased(lease, refresh_token) => {
                f.debug_tuple("Leased").field(lease).field(refresh_token).finish()
            }
            Self::Held(_) => f.write_str("Held"),
            Self::Stopped(stop) => f.debug_tuple("Stopped").field(stop).finish(),
        }
    }
}

/// What other processes did, as a store hears of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Notice {
    /// The token of this generation was rejected or revoked.
    Evicted(NonZeroU64),
    /// Notices may have been lost: ask by [`TokenStore::evicted`].
    Missed,
}

/// How long to wait for word of another's refresh before looking again.
pub(super) const POLL: Duration = Duration::from_millis(500);

/// Keeps tokens for several processes, or across restarts.
///
/// For each [`StoreKey`] at most one holder has the lease at a time. It alone asks for a token, and
/// puts it; the others wait for a change and look again. A lease ends by being released or by its
/// time, so that a holder that died does not block the rest for longer. With the feature `sandbox`,
/// `sandbox::store_contract::check` tells whether an implementation keeps all of this.
///
/// The methods from [`Self::claim`] on have a default. A store that is far away does better to
/// answer a claim in one round trip; only a store that overrides them shares cool-downs, refusals and
/// the rate limit, and drops in all processes what one of them has evicted.
pub trait TokenStore: fmt::Debug + Send + Sync {
    /// The token of a key, if there is one that has not expired.
    fn get<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredToken>>;

    /// Keeps a token until it expires, in place of any other, and wakes those who wait. `false` if
    /// the lease is not the last one given out for this key: then nothing is kept.
    fn put<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a StoredToken,
        lease: &'a Lease,
    ) -> StoreFuture<'a, bool>;

    /// Takes the refresh token out of the entry, so that it is sent once. `None` if there is none, or
    /// the lease is not the last one.
    fn take_refresh_token<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
    ) -> StoreFuture<'a, Option<Secret>>;

    /// Forgets the token of this generation, its refresh token as well, and no other. It also ends
    /// the lease that runs, so that what its holder is asking for cannot be put.
    fn evict<'a>(&'a self, key: &'a StoreKey, generation: NonZeroU64) -> StoreFuture<'a, ()>;

    /// Asks for the lease. `None` while another has it.
    fn lease<'a>(&'a self, key: &'a StoreKey, time: Duration) -> StoreFuture<'a, Option<Lease>>;

    /// Gives the lease back, and wakes those who wait.
    fn release<'a>(&'a self, key: &'a StoreKey, lease: &'a Lease) -> StoreFuture<'a, ()>;

    /// Waits until the key changes or the time is over, whichever is first. It may also return
    /// sooner.
    fn changed<'a>(&'a self, key: &'a StoreKey, within: Duration) -> StoreFuture<'a, ()>;

    /// Gives out what there is of a key: a token of any other generation than `except`, else the
    /// lease for `time`, within the source's rate `limit`. A lease takes the place of one call.
    fn claim<'a>(
        &'a self,
        key: &'a StoreKey,
        except: &'a [NonZeroU64],
        time: Duration,
        limit: Option<RateLimit>,
    ) -> StoreFuture<'a, Claim<'a>> {
        let _ = limit;
        Box::pin(async move {
            let wanted = |token: &StoredToken| !except.contains(&token.generation);
            if let Some(token) = self.get(key).await?.filter(wanted) {
                return Ok(Claim::Token(token));
            }
            let Some(lease) = self.lease(key, time).await? else {
                return Ok(Claim::Held(Box::pin(async move {
                    let _ = self.changed(key, POLL).await;
                })));
            };
            // The one before may have put a token between our look and our lease.
            if let Some(token) = self.get(key).await?.filter(wanted) {
                self.release(key, &lease).await?;
                return Ok(Claim::Token(token));
            }
            let refresh_token = self.take_refresh_token(key, &lease).await?;
            Ok(Claim::Leased(lease, refresh_token))
        })
    }

    /// Puts a token as [`Self::put`] does, and gives the lease back.
    fn settle<'a>(
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

    /// Has the lease run for `time` from now. `false` if it is not the last one, or cannot be renewed.
    fn renew<'a>(&'a self, key: &'a StoreKey, lease: &'a Lease, time: Duration) -> StoreFuture<'a, bool> {
        let _ = (key, lease, time);
        Box::pin(async { Ok(false) })
    }

    /// Takes the place of one token call of a source, or tells why none may be sent.
    fn admit<'a>(
        &'a self,
        source: &'a Fingerprint,
        limit: Option<RateLimit>,
    ) -> StoreFuture<'a, Option<Stop>> {
        let _ = (source, limit);
        Box::pin(async { Ok(None) })
    }

    /// Has all processes send no token call of a source for a while. A shorter stop does not shorten
    /// one that is known.
    fn stop<'a>(&'a self, source: &'a Fingerprint, stop: Stop) -> StoreFuture<'a, ()> {
        let _ = (source, stop);
        Box::pin(async { Ok(()) })
    }

    /// Which of these generations of a source were evicted, as far as it is remembered.
    fn evicted<'a>(
        &'a self,
        source: &'a Fingerprint,
        generations: &'a [NonZeroU64],
    ) -> StoreFuture<'a, Vec<NonZeroU64>> {
        let _ = (source, generations);
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Notices from now on, if the store hears any. It is called on a tokio runtime.
    fn notices(&self) -> Option<broadcast::Receiver<Notice>> {
        None
    }
}
