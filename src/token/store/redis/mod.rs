//! Tokens shared by a fleet, through Redis or Valkey (feature `redis`).
//!
//! All processes with the same client id and the same namespace share each token: one of them asks for
//! it, the others take it over. They share cool-downs and the rate limit as well, and drop at once what one of them
//! has rejected or revoked. [What a stored token is found by](crate::token#what-a-stored-token-is-found-by) says what else
//! counts, and why the client secret does not. A refusal of the credentials is shared by the processes that have the
//! same id and secret.
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
//! # What it costs
//!
//! A token from memory: nothing. One that another process has: one round trip. One that is asked for:
//! two, beside the token call. A store keeps two connections, one for calls and one to listen.
//!
//! # When Redis fails
//!
//! A call takes at most 800 ms ([`RedisStoreBuilder::with_timeout`]). After one that fails, be it that Redis
//! is absent, slow, full, read-only or loading, the cache leaves the store aside for five seconds
//! ([`TokenOptions::with_store_circuit_open_for`](crate::token::TokenOptions::with_store_circuit_open_for)) and asks for tokens
//! alone, within this process's own limits. It says so in a trace and in
//! [`Stats`](crate::token::Stats), and shares again by itself. A good token is never lost by it.
//!
//! | what happens | how long others wait, by default |
//! | --- | --- |
//! | a process dies while it requests a token | 10 s at most, the time of the lease; if it waited for the rate limit, 10 s after its turn |
//! | a token call takes long | as long as it takes: the lease is renewed meanwhile |
//! | a token source of your own never returns | 70 s: its lease is renewed for 60 s |
//! | Redis does not respond | a second at most for a call, then nobody waits for 5 s |
//!
//! # Revocation
//!
//! When [`TokenCache::forget`](crate::token::TokenCache::forget) or
//! [`moov::Client::revoke`](crate::moov::Client::revoke) returns, this process does not return the token
//! any more. Every other process of the namespace with the same client id drops it as well, whether
//! it holds the token, or only Redis does, and whether the access token or its refresh token was
//! revoked:
//!
//! - as soon as Redis delivers the message, usually within milliseconds;
//! - at most 10 s after Redis can be reached again, if the process had lost its subscription. A dead
//!   connection is noticed after 7 s.
//!
//! This holds while Redis keeps the mark: for 24 hours
//! ([`TokenOptions::with_max_lifetime`](crate::token::TokenOptions::with_max_lifetime)), unless Redis is
//! flushed, evicts keys for lack of memory, or loses its last writes in a failover. If the mark could not be
//! written, `forget` and `revoke` return an error and the mark is written later, with a back-off of up to
//! 60 s, for as long as the cache lives. A process that cannot reach Redis at all learns of it by the
//! server's 401.
//!
//! # Rate limit
//!
//! Each token call reserves its place in Redis, on the clock of Redis and in order of arrival. So the
//! fleet never exceeds the limit on that clock, and calls that wait are evenly spread. A wait costs one
//! call to Redis more. A caller whose place is later than it can wait gets
//! [`RateLimited`](crate::ErrorKind::RateLimited) with the time at once.
//! [`TokenOptions::with_rate_limit`](crate::token::TokenOptions::with_rate_limit) tells how to choose
//! the limit.
//!
//! # Clocks
//!
//! The age of a token is measured on the clock of Redis; clocks of processes are not compared. A token is
//! returned after its end for at most as long as its put was under way, which
//! [`RedisStoreBuilder::with_timeout`] bounds, and not even that, as its last tenth (at most 10 s) is
//! kept back. This assumes that the clock of Redis is not set back while the token lives.
//!
//! # Security
//!
//! Tokens are sealed with AES-256-GCM before they leave the process, each for its own key, kind and
//! namespace; names hold fingerprints only. Anyone who can write to Redis but has no sealing key can delete
//! tokens, bring back an older sealed one until it expires, remove the mark of a revoked one, and stop the
//! fleet for up to an hour; never read a token, make one or move one to other scopes. A server that is not
//! Redis at all can send more than memory holds: give the address of one that you trust, over TLS.
//!
//! To rotate the sealing key, give the new one behind the old to all processes, then before it, then
//! alone after a day.
//!
//! # Rights
//!
//! A Redis user needs these rights and no more. They do not allow it to list or delete keys of others,
//! to read the configuration, or to flush. Scripts may only run commands that the user may run. Each
//! command is one line:
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
//! For a database other than 0, as in `redis://redis.example/2`, add `+select`. Redis 6.2 or newer, or
//! Valkey; tested on Redis 7.0. The client also sends `CLIENT SETINFO`, and does not need it to succeed.
//!
//! # Versions
//!
//! Processes of two versions of this crate can share one Redis and one namespace, so a rolling deployment works, and
//! so does rolling it back. A version that seals tokens in another way has entries of its own: until the deployment is
//! over, each token is requested once for each of both versions. Leases, revocations, cool-downs, the rate limit and
//! webhook deliveries hold for both.
//!
//! The crate `redis` that this is built on is re-exported as `fintech_auth::redis`. Its types are in
//! the signatures of [`RedisStoreBuilder::with_client`], `with_cluster` and `with_sentinels` only; a new major version
//! of it is one of this crate's.

mod check;
mod entry;
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

/// Tokens in Redis. See the [module](self).
pub struct RedisStore {
    link: Link,
    server: Arc<Server>,
    subscription: Arc<Subscription>,
    names: Names,
    keys: Keyring,
    /// Whose leases are ours.
    holder: String,
}

/// Settings of a [`RedisStore`].
#[must_use]
pub struct RedisStoreBuilder {
    keys: Vec<SealingKey>,
    namespace: String,
    timeout: Duration,
}

impl RedisStore {
    /// Settings for a store under these keys: the first seals, all open.
    pub fn builder(keys: impl IntoIterator<Item = SealingKey>) -> RedisStoreBuilder {
        RedisStoreBuilder {
            keys: keys.into_iter().collect(),
            namespace: "default".to_owned(),
            timeout: Duration::from_millis(800),
        }
    }

    /// Closes both connections, for the end of a process: after the shutdown of each client and of each
    /// [`Deliveries`](crate::webhook::Deliveries) that uses the store. Calls in flight are finished. A later call
    /// connects again. Without this, the connections close when the store is dropped.
    pub fn close(&self) {
        self.subscription.close();
        self.link.close();
    }

    /// A key of this name in the namespace. In a cluster each is in a place of its own.
    pub(crate) fn key(&self, name: &str) -> String {
        self.names.single(name)
    }

    /// Runs a script on the connection of the tokens.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if Redis fails or does not respond in time.
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
    /// Keeps apart environments that share a Redis: one word. `default`.
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// How long one call may take, making a connection included. 800 milliseconds; keep it below
    /// [`TokenOptions::with_store_timeout`](crate::token::TokenOptions::with_store_timeout).
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// A store on one server: `redis://[user]:[password]@host:port/db`, `rediss://` for TLS by the
    /// platform's roots, `unix://` for a socket. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] for a URL, a namespace or a list of keys that will not do.
    pub fn open(self, url: &str) -> Result<RedisStore, Error> {
        let client = ::redis::Client::open(url).map_err(|error| invalid(&error))?;
        self.with_client(client)
    }

    /// A store on a client of your own making, for what no URL says: other roots, a client certificate.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn with_client(self, client: ::redis::Client) -> Result<RedisStore, Error> {
        self.build(Server::Single(client))
    }

    /// A store on the master that sentinels name (feature `redis-sentinel`).
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    #[cfg(feature = "redis-sentinel")]
    pub fn with_sentinels(self, sentinels: ::redis::sentinel::SentinelClient) -> Result<RedisStore, Error> {
        self.build(Server::Sentinel(tokio::sync::Mutex::new(sentinels)))
    }

    /// A store on a cluster (feature `redis-cluster`), found by some of its nodes. All that belongs to one
    /// set of credentials is in one slot.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    #[cfg(feature = "redis-cluster")]
    pub fn open_cluster<'a>(self, nodes: impl IntoIterator<Item = &'a str>) -> Result<RedisStore, Error> {
        let nodes: Result<Vec<_>, _> = nodes.into_iter().map(::redis::Client::open).collect();
        let nodes = nodes.map_err(|error| invalid(&error))?;
        let seeds = nodes.iter().map(|node| node.get_connection_info().clone());
        let cluster = ::redis::cluster::ClusterClient::new(seeds).map_err(|error| invalid(&error))?;
        self.with_cluster(cluster, nodes)
    }

    /// A store on a cluster client of your own making (feature `redis-cluster`). Messages are heard from the
    /// first of `nodes` that responds.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
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
            .map_err(|_| Error::new(ErrorKind::InvalidConfig, "the system gives no randomness"))?;
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

/// The client's words for it, which hold nothing of the URL.
fn invalid(error: &::redis::RedisError) -> Error {
    Error::new(ErrorKind::InvalidConfig, "no address of a Redis: use redis://, rediss:// or unix://")
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
