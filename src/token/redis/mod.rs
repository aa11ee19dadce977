//! Tokens shared by a fleet, through Redis or Valkey (feature `redis`).
//!
//! All processes with the same credentials and the same namespace share each token: one of them asks for
//! it, the others take it over. They share cool-downs, refused credentials and the rate limit as well, and
//! drop at once what one of them has rejected or revoked.
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
//! ([`TokenOptions::with_store_rest`](crate::token::TokenOptions::with_store_rest)) and asks for tokens
//! alone, within this process's own limits. It says so in a trace and in
//! [`Stats`](crate::token::Stats), and shares again by itself. A good token is never lost by it.
//!
//! | what happens | how long others wait, by default |
//! | --- | --- |
//! | a process dies while it asks for a token | 10 s at most, the time of the lease |
//! | a process hangs while it asks | 40 s at most: it renews its lease for 30 s |
//! | Redis does not answer | a second at most for a call, then nobody waits for 5 s |
//! | a token is evicted elsewhere | dropped here at once; if the subscription was lost, within 10 s of when Redis can be reached again |
//!
//! # Security
//!
//! Tokens are sealed with AES-256-GCM before they leave the process, each for its own key, kind and
//! namespace; names hold fingerprints only. Who can write to Redis but has no sealing key can delete
//! tokens, bring back an older sealed one until it expires, and stop the fleet for up to an hour; never read
//! one, make one or move one to other scopes. A server that is not Redis at all can send more than memory
//! holds: give the address of one that you trust, over TLS. All processes need clocks that agree to within some seconds.
//!
//! To rotate the sealing key, give the new one behind the old to all processes, then before it, then
//! alone after a day.
//!
//! An ACL user needs `+evalsha +eval +subscribe +ping ~{fintech-auth:NAMESPACE:* &fintech-auth:NAMESPACE`
//! and what the scripts call: `+@read +@write +publish +time`. Redis 6 or newer, or Valkey; tested on Redis 7.0.
//!
//! # Versions
//!
//! `client` is the crate `redis` that this is built on. Its types are in the signatures of
//! [`RedisStoreBuilder::with_client`] and its neighbours only; a new major version of it is one of this
//! crate's.

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

/// The client crate that the store is built on.
pub use ::redis as client;
use ring::rand::{SecureRandom as _, SystemRandom};
pub use seal::SealingKey;

use self::{link::Link, listen::Ears, names::Names, seal::Keyring, server::Server};
use crate::{Error, ErrorKind};

/// Tokens in Redis. See the [module](self).
pub struct RedisStore {
    link: Link,
    server: Arc<Server>,
    ears: Arc<Ears>,
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
        let client = client::Client::open(url).map_err(|error| invalid(&error))?;
        self.with_client(client)
    }

    /// A store on a client of your own making, for what no URL says: other roots, a client certificate.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn with_client(self, client: client::Client) -> Result<RedisStore, Error> {
        self.build(Server::Single(client))
    }

    /// A store on the master that sentinels name (feature `redis-sentinel`).
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    #[cfg(feature = "redis-sentinel")]
    pub fn with_sentinels(self, sentinels: client::sentinel::SentinelClient) -> Result<RedisStore, Error> {
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
        let nodes: Result<Vec<_>, _> = nodes.into_iter().map(client::Client::open).collect();
        let nodes = nodes.map_err(|error| invalid(&error))?;
        let seeds = nodes.iter().map(|node| node.get_connection_info().clone());
        let cluster = client::cluster::ClusterClient::new(seeds).map_err(|error| invalid(&error))?;
        self.with_cluster(cluster, nodes)
    }

    /// A store on a cluster client of your own making (feature `redis-cluster`). Messages are heard from the
    /// first of `nodes` that answers.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    #[cfg(feature = "redis-cluster")]
    pub fn with_cluster(
        self,
        cluster: client::cluster::ClusterClient,
        nodes: Vec<client::Client>,
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
            ears: Arc::new(Ears::new()),
            names: Names::new(&self.namespace)?,
            keys: Keyring::new(self.keys)?,
            holder: names::hex(&holder) + ":",
        })
    }
}

/// The client's words for it, which hold nothing of the URL.
fn invalid(error: &client::RedisError) -> Error {
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
