//! Shares tokens between processes through Redis or Valkey (feature `redis`).
//!
//! All processes with the same client id and the same namespace share each token: one process
//! requests the token, and the other processes load the token from Redis. The processes also share
//! cool-downs and the rate limit. When a process invalidates or revokes a token, the other
//! processes drop the token at once. If the vendor rejects the credentials, only the processes with
//! the same client id and the same secret share this result.
//!
//! [How stored tokens are found](crate::token#how-stored-tokens-are-found) describes the other
//! parts of the key, and why the client secret is not part of the key.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use fintech_auth::{Secret, moov, token::redis::{RedisStore, SealingKey}};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! // 32 random bytes, the same in all processes: openssl rand -base64 32
//! let key = SealingKey::from_base64(&Secret::from(std::env::var("TOKEN_KEY")?))?;
//! let store = RedisStore::builder([key]).with_namespace("production").open("rediss://user:password@redis.example")?;
//! let store = Arc::new(store);
//! let client = moov::ClientBuilder::from_env()?.with_tokens(|tokens| tokens.with_store(store)).build()?;
//! let token = client.token(&["/accounts.read".parse()?]).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Cost
//!
//! If the token is in memory, no call to Redis is needed. If another process has requested the
//! token, one round trip is needed. If the token is requested from the vendor, two round trips are
//! needed. A store keeps two connections: one for calls and one for messages.
//!
//! # When Redis fails
//!
//! A call to Redis takes at most 800 ms ([`RedisStoreBuilder::with_timeout`]). A call fails if
//! Redis is unreachable, slow, full, read-only or loading. After a failure, the cache requests
//! tokens without the store for 5 s ([`TokenOptions::with_store_circuit_open_for`]). During this
//! time, each process applies the rate limit and its cool-downs on its own. After the 5 s, the
//! cache calls the store again. A trace event and [`Stats`](crate::token::Stats) report that the
//! store is not used. Valid tokens stay in the cache.
//!
//! [`TokenOptions::with_store_circuit_open_for`]:
//!     crate::token::TokenOptions::with_store_circuit_open_for
//!
//! | event | how long other processes wait, by default |
//! | --- | --- |
//! | a process crashes while it requests a token | at most 10 s, the duration of the lease |
//! | a process crashes while it waits for the rate limit | until the wait of the crashed process would have ended, plus at most 10 s |
//! | a token request is slow | until the request ends, because the lease is renewed |
//! | a custom token source never returns | about 70 s: the lease is renewed for 60 s, and expires 10 s after the last renewal |
//! | Redis does not respond | at most 1 s for one store call (`TokenOptions::with_store_timeout`); the cache then works without Redis for 5 s, so the processes do not wait |
//!
//! # Revocation
//!
//! After [`TokenCache::forget`](crate::token::TokenCache::forget) or
//! [`moov::Client::revoke`](crate::moov::Client::revoke) has returned, this process no longer uses
//! the token. All other processes with the same namespace and client id drop the token too. They
//! drop an access token if the access token or its refresh token was revoked, even if only Redis
//! has the token.
//!
//! The other processes learn of the revocation at these times:
//!
//! - when Redis delivers the message, usually within milliseconds;
//! - if the subscription of a process was interrupted: at most 11 s after Redis can be reached
//!   again, plus the time to connect. The 11 s consist of the pause between two attempts to connect
//!   (at most 10 s) and of a random delay before the process checks its tokens (at most 1 s). An
//!   attempt to connect fails after 5 s. If the check fails, the process repeats the check after 5
//!   s to 10 s. A dead connection is detected within 7 s.
//!
//! A token stays revoked for as long as Redis keeps the mark of the token. Redis keeps the mark for
//! 24 h ([`TokenOptions::with_max_lifetime`](crate::token::TokenOptions::with_max_lifetime)),
//! unless Redis is flushed, evicts keys because its memory is full, or loses its last writes in a
//! failover.
//!
//! If the mark cannot be written, `forget` and `revoke` return an error. The cache then retries the
//! write, with a back-off of up to 60 s, until the write succeeds or the mark expires. The retries
//! end earlier if the cache is shut down or dropped. A process that cannot reach Redis notices the
//! revocation only when the server responds with a 401.
//!
//! # Rate limit
//!
//! Before a process sends a token request, the process reserves a send time in Redis. The requests
//! of all processes together never exceed the limit. Time is measured with the clock of the Redis
//! server. Waiting requests are sent in order of arrival and at even intervals. Each wait needs an
//! additional call to Redis. If the next possible send time is later than the caller can wait, the
//! call fails immediately with [`RateLimited`](crate::ErrorKind::RateLimited). The error contains
//! the remaining time.
//! [`TokenOptions::with_rate_limit`](crate::token::TokenOptions::with_rate_limit) describes how to
//! choose the limit.
//!
//! # Clocks
//!
//! The age of a token is measured with the clock of the Redis server, so clocks of different
//! processes are not compared. The measured age may be smaller than the actual age. The difference
//! is at most the duration of the call that stores the token, which
//! [`RedisStoreBuilder::with_timeout`] limits. The difference does no harm, because the cache does
//! not use the last tenth of a lifetime (at most 10 s). The clock of the Redis server must not be
//! set back during the lifetime of a token.
//!
//! # Security
//!
//! Tokens are sealed with AES-256-GCM before they leave the process. A sealed token can be opened
//! only for the same source, scopes and namespace. A sealed access token cannot be opened as a
//! refresh token, and a sealed refresh token cannot be opened as an access token. The names of
//! Redis keys contain only fixed strings, the namespace and fingerprints.
//!
//! Anyone who can write to Redis but has no sealing key can:
//!
//! - delete tokens;
//! - put back an older sealed token that has not expired yet;
//! - remove the mark of a revoked token;
//! - prevent all processes from requesting tokens for up to one hour.
//!
//! Someone who can access Redis but has no sealing key cannot read or forge a token, or use a token
//! for other scopes.
//!
//! A malicious server can send responses that are larger than the memory of the process. Use only
//! the address of a trusted server, over TLS.
//!
//! To rotate the sealing key, first append the new key to the list of keys in all processes. Then
//! move the new key to the first position of the list in all processes. Remove the old key after a
//! day.
//!
//! # Permissions
//!
//! A Redis user needs only the following permissions. These permissions do not allow the user to
//! list or delete keys of other users, to read the configuration or to flush the database. Scripts
//! can run only commands that the user may run. Enter each command as one line:
//!
//! ```text
//! # One server
//! ACL SETUSER tokens reset on >PASSWORD ~{fintech-auth:NAMESPACE:* &fintech-auth:NAMESPACE
//! +evalsha +eval +subscribe +ping +del +get +hdel +hget +hset +hstrlen +lindex +lpush +ltrim +pexpire
//! +pttl +publish +set +strlen +time +type +zadd +zrem +zremrangebyscore +zscore
//!
//! # A cluster, on each node
//! ACL SETUSER tokens reset on >PASSWORD ~{fintech-auth:NAMESPACE:* &fintech-auth:NAMESPACE
//! +cluster|slots +asking
//! +evalsha +eval +subscribe +ping +del +get +hdel +hget +hset +hstrlen +lindex +lpush +ltrim +pexpire
//! +pttl +publish +set +strlen +time +type +zadd +zrem +zremrangebyscore +zscore
//!
//! # Sentinels, on each data server
//! ACL SETUSER tokens reset on >PASSWORD ~{fintech-auth:NAMESPACE:* &fintech-auth:NAMESPACE
//! +role
//! +evalsha +eval +subscribe +ping +del +get +hdel +hget +hset +hstrlen +lindex +lpush +ltrim +pexpire
//! +pttl +publish +set +strlen +time +type +zadd +zrem +zremrangebyscore +zscore
//!
//! # Sentinels, on each sentinel
//! ACL SETUSER tokens reset on >PASSWORD +role +sentinel|masters
//! ```
//!
//! For a database other than 0, as in `redis://redis.example/2`, add `+select` to the permissions.
//! Redis 6.2 or newer, or Valkey, is required. The store is tested with Redis 7.0. The client also
//! sends `CLIENT SETINFO`. If this command fails, the client ignores the error.
//!
//! # Versions
//!
//! Processes with different versions of this crate can share one Redis and one namespace, so
//! rolling deployments and rollbacks work. If two versions seal tokens in different formats, each
//! version uses its own entries. While both versions run, each token is requested once per version.
//! Both versions share leases, revocations, cool-downs, the rate limit and webhook deliveries.
//!
//! The crate `redis` is re-exported as `fintech_auth::redis`. Types of `redis` appear only in the
//! signatures of [`RedisStoreBuilder::with_client`], `with_cluster` and `with_sentinels`. A new
//! major version of `redis` requires a new major version of this crate.

mod check;
mod entry;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzz;
mod link;
mod listen;
mod names;
mod reply;
mod script;
mod seal;
mod server;
mod store;

use std::{fmt, sync::Arc, time::Duration};

use ring::rand::{SecureRandom as _, SystemRandom};
pub use seal::SealingKey;

pub(crate) use self::script::Script;
use self::{link::Link, listen::Subscription, names::Names, seal::Keyring, server::Server};
use crate::{Error, ErrorKind, token::store::StoreError};

/// A token store in Redis. See the [module](self).
pub struct RedisStore {
    link: Link,
    server: Arc<Server>,
    subscription: Arc<Subscription>,
    names: Names,
    keys: Keyring,
    holder: String,
}

/// A builder for a [`RedisStore`].
#[must_use]
pub struct RedisStoreBuilder {
    keys: Vec<SealingKey>,
    namespace: String,
    timeout: Duration,
}

impl RedisStore {
    /// Creates a builder. The store seals tokens with the first key, and can open tokens that were
    /// sealed with any of the keys.
    pub fn builder(keys: impl IntoIterator<Item = SealingKey>) -> RedisStoreBuilder {
        RedisStoreBuilder {
            keys: keys.into_iter().collect(),
            namespace: "default".to_owned(),
            timeout: Duration::from_millis(800),
        }
    }

    /// Closes the connection for calls and the connection for messages.
    ///
    /// Call this method before the process exits, but after the shutdown of each client and of each
    /// [`Deliveries`](crate::webhook::Deliveries) that uses the store. Calls in flight are
    /// completed. If the store is used again later, the store opens new connections. If you do not
    /// call this method, the connections close when the store is dropped.
    pub fn close(&self) {
        self.subscription.close();
        self.link.close();
    }

    /// A cluster may keep the keys that this method returns on different nodes. So a script can use
    /// only one of these keys.
    pub(crate) fn key(&self, name: &str) -> String {
        self.names.single(name)
    }

    pub(crate) async fn run(
        &self,
        script: &'static Script,
        keys: &[String],
        arguments: &[Vec<u8>],
    ) -> Result<::redis::Value, StoreError> {
        self.link.call(script, keys, arguments).await
    }
}

impl RedisStoreBuilder {
    /// Sets the namespace, which separates environments that share a Redis server.
    /// Default: `default`.
    ///
    /// A namespace consists of 1 to 64 characters. ASCII letters, digits, hyphens, underscores and
    /// dots are allowed.
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Sets the time limit of one call, including connecting. Default: 800 ms.
    ///
    /// The time limit should be shorter than
    /// [`TokenOptions::with_store_timeout`](crate::token::TokenOptions::with_store_timeout).
    /// Otherwise the cache stops waiting before the store can report why the call failed.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Creates a store on one server. Sends no request yet.
    ///
    /// The URL is `redis://[user]:[password]@host:port/db`, `rediss://` for TLS with the root
    /// certificates of the platform, or `unix://` for a socket.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidConfig`] if the URL, the namespace or the list of keys is
    /// invalid.
    pub fn open(self, url: &str) -> Result<RedisStore, Error> {
        let client = ::redis::Client::open(url).map_err(|error| invalid(&error))?;
        self.with_client(client)
    }

    /// Creates a store with your own Redis client, for example with other root certificates or a
    /// client certificate.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`Self::open`].
    pub fn with_client(self, client: ::redis::Client) -> Result<RedisStore, Error> {
        self.build(Server::Single(client))
    }

    /// Creates a store on the master that sentinels report (feature `redis-sentinel`).
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`Self::open`].
    #[cfg(feature = "redis-sentinel")]
    pub fn with_sentinels(self, sentinels: ::redis::sentinel::SentinelClient) -> Result<RedisStore, Error> {
        self.build(Server::Sentinel(tokio::sync::Mutex::new(sentinels)))
    }

    /// Creates a store on a cluster (feature `redis-cluster`). The client finds the cluster through
    /// the given nodes. All data of one token source are in one slot.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`Self::open`].
    #[cfg(feature = "redis-cluster")]
    pub fn open_cluster<'a>(self, nodes: impl IntoIterator<Item = &'a str>) -> Result<RedisStore, Error> {
        let nodes: Result<Vec<_>, _> = nodes.into_iter().map(::redis::Client::open).collect();
        let nodes = nodes.map_err(|error| invalid(&error))?;
        let seeds = nodes.iter().map(|node| node.get_connection_info().clone());
        let cluster = ::redis::cluster::ClusterClient::new(seeds).map_err(|error| invalid(&error))?;
        self.with_cluster(cluster, nodes)
    }

    /// Creates a store with your own cluster client (feature `redis-cluster`). The store receives
    /// messages from the first of `nodes` that responds.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`Self::open`].
    #[cfg(feature = "redis-cluster")]
    pub fn with_cluster(
        self,
        cluster: ::redis::cluster::ClusterClient,
        nodes: Vec<::redis::Client>,
    ) -> Result<RedisStore, Error> {
        self.build(Server::Cluster(cluster, nodes))
    }

    fn build(self, server: Server) -> Result<RedisStore, Error> {
        let mut holder = [0; 16];
        SystemRandom::new()
            .fill(&mut holder)
            .map_err(|_| Error::new(ErrorKind::InvalidConfig, "cannot read random bytes from the system"))?;
        let server = Arc::new(server);
        Ok(RedisStore {
            link: Link::new(server.clone(), self.timeout),
            server,
            subscription: Arc::new(Subscription::new()),
            names: Names::new(&self.namespace)?,
            keys: Keyring::new(self.keys)?,
            holder: crate::hex::hex(&holder) + ":",
        })
    }
}

/// Keeps only the category of the error, because the rest of the error may contain the URL.
fn invalid(error: &::redis::RedisError) -> Error {
    Error::new(ErrorKind::InvalidConfig, "invalid redis url: use redis://, rediss:// or unix://")
        .with_source(error.category().to_owned())
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("server", &self.server).finish_non_exhaustive()
    }
}

impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("namespace", &self.namespace)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
