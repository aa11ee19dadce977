//! Connects to Redis: to one server, to the master that sentinels report, or to a cluster.

use std::fmt;

use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, RedisResult, Value,
    aio::{ConnectionLike as _, MultiplexedConnection, PubSub},
};

#[allow(
    clippy::large_enum_variant,
    reason = "a store has one, and which is the largest depends on the features"
)]
pub(super) enum Server {
    Single(Client),
    #[cfg(feature = "redis-sentinel")]
    Sentinel(tokio::sync::Mutex<redis::sentinel::SentinelClient>),
    /// Each client in the list connects to one node, to receive messages. A message that is sent to
    /// one node reaches all nodes, so a subscription at one node is sufficient.
    #[cfg(feature = "redis-cluster")]
    Cluster(redis::cluster::ClusterClient, Vec<Client>),
}

#[derive(Clone)]
pub(super) enum Connection {
    Single(MultiplexedConnection),
    #[cfg(feature = "redis-cluster")]
    Cluster(redis::cluster_async::ClusterConnection),
}

impl Connection {
    pub(super) async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(command).await,
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(connection) => connection.req_packed_command(command).await,
        }?
        .extract_error()
    }
}

impl Server {
    pub(super) async fn connect(&self) -> RedisResult<Connection> {
        match self {
            Self::Single(client) => single(client).await,
            #[cfg(feature = "redis-sentinel")]
            Self::Sentinel(sentinels) => {
                provide_crypto();
                let master = sentinels.lock().await.async_get_client().await?;
                single(&master).await
            }
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(cluster, _) => {
                provide_crypto();
                cluster.get_async_connection().await.map(Connection::Cluster)
            }
        }
    }

    pub(super) async fn listen(&self) -> RedisResult<PubSub> {
        match self {
            Self::Single(client) => {
                provide_crypto_for(client);
                client.get_async_pubsub().await
            }
            #[cfg(feature = "redis-sentinel")]
            Self::Sentinel(sentinels) => {
                provide_crypto();
                let master = sentinels.lock().await.async_get_client().await?;
                master.get_async_pubsub().await
            }
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(_, nodes) => {
                provide_crypto();
                let mut result = Err((redis::ErrorKind::InvalidClientConfig, "no nodes were given").into());
                for node in nodes {
                    result = node.get_async_pubsub().await;
                    if result.is_ok() {
                        break;
                    }
                }
                result
            }
        }
    }
}

async fn single(client: &Client) -> RedisResult<Connection> {
    provide_crypto_for(client);
    // The client needs no time limits, because the caller limits the total time.
    let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
    client.get_multiplexed_async_connection_with_config(&config).await.map(Connection::Single)
}

fn provide_crypto_for(client: &Client) {
    if let ConnectionAddr::TcpTls { .. } = client.get_connection_info().addr() {
        provide_crypto();
    }
}

/// If several TLS crypto providers are compiled in, the Redis client panics unless one of them is
/// installed as the default.
fn provide_crypto() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl fmt::Debug for Server {
    /// Omits the address, because the address may contain credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Single(_) => "Single",
            #[cfg(feature = "redis-sentinel")]
            Self::Sentinel(_) => "Sentinel",
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(..) => "Cluster",
        })
    }
}
