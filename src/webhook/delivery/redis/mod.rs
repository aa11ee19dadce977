//! Remembers deliveries in Redis, so that several processes do not handle the same delivery.

use std::{sync::Arc, time::Duration};

use redis::Value;

use super::{Begin, ClaimId, DeliveryFuture, DeliveryId, DeliveryStore, DeliveryStoreError};
use crate::{
    token::redis::{RedisStore, Script},
    webhook::hex,
};

static DELIVERY: Script = Script::new(include_str!("delivery.lua"));

/// Redis rejects an expiry that overflows, so longer times are shortened to this maximum.
const MAX_KEEP: Duration = Duration::from_secs(366 * 24 * 3600);

/// Remembers deliveries in Redis, for a service with several processes (feature `redis`).
///
/// This store uses the connection and the namespace of a token store, [`RedisStore`].
///
/// ```no_run
/// use std::sync::Arc;
/// use fintech_auth::{
///     Secret,
///     moov::webhook::WebhookVerifier,
///     token::redis::{RedisStore, SealingKey},
///     webhook::{Deliveries, RedisDeliveries},
/// };
///
/// # fn run(key: SealingKey) -> Result<(), Box<dyn std::error::Error>> {
/// let store = Arc::new(RedisStore::builder([key]).open("rediss://user:password@redis.example")?);
/// let deliveries = Deliveries::new(RedisDeliveries::new(store.clone()));
/// let webhooks = WebhookVerifier::new([Secret::from("…")])?.with_deliveries(deliveries);
/// # Ok(())
/// # }
/// ```
///
/// # Cost
///
/// Each delivery takes two round trips to Redis. While the handler runs, the lease is renewed each
/// time a third of its duration has passed. Each renewal takes one more round trip.
///
/// A delivery takes about 200 bytes of Redis memory. For example, a million deliveries per day from
/// Moov, each kept for four days, take about 800 MB.
///
/// The verifier determines how long a completed delivery must be remembered. A process whose clock
/// is behind accepts retries for longer than this time. So Redis keeps a completed delivery for
/// twice as long as the verifier requires. The clock of a process must not be behind by more than
/// the time that the verifier requires.
///
/// # Security
///
/// Redis stores only digests of deliveries. Anyone who can write to Redis can mark a delivery as
/// done, so that its event is never handled, or remove this mark, so that the event is handled
/// again. Therefore compare your records with the vendor's records regularly.
///
/// If Redis evicts keys because memory is full, or loses its last writes in a failover, deliveries
/// may be handled again. Use the eviction policy `noeviction`. If Redis is full, deliveries are
/// then rejected with 503, and the vendor retries.
#[derive(Clone, Debug)]
pub struct RedisDeliveries(Arc<RedisStore>);

impl RedisDeliveries {
    /// Creates a store that remembers deliveries in the Redis server of this token store.
    pub fn new(store: Arc<RedisStore>) -> Self {
        Self(store)
    }

    async fn step(
        &self,
        id: &DeliveryId,
        step: &str,
        claim: ClaimId,
        time: Duration,
    ) -> Result<Value, DeliveryStoreError> {
        let keys = [self.0.key(&format!("delivery:{}", hex(id.key())))];
        let arguments =
            [step.into(), format!("{claim:032x}").into(), time.as_millis().max(1).to_string().into()];
        self.0.run(&DELIVERY, &keys, &arguments).await.map_err(DeliveryStoreError::new)
    }

    async fn held(
        &self,
        id: &DeliveryId,
        step: &str,
        claim: ClaimId,
        time: Duration,
    ) -> Result<bool, DeliveryStoreError> {
        match self.step(id, step, claim, time).await? {
            Value::Int(0) => Ok(false),
            Value::Int(1) => Ok(true),
            _ => Err(unexpected_reply()),
        }
    }
}

impl DeliveryStore for RedisDeliveries {
    fn begin<'a>(&'a self, id: &'a DeliveryId, claim: ClaimId, lease: Duration) -> DeliveryFuture<'a, Begin> {
        Box::pin(async move {
            let reply = self.step(id, "begin", claim, lease).await?;
            let Value::Array(parts) = reply else { return Err(unexpected_reply()) };
            match parts.as_slice() {
                [Value::BulkString(word), Value::Int(left)] => match word.as_slice() {
                    b"new" => Ok(Begin::New),
                    b"held" => Ok(Begin::InProgress(Duration::from_millis(left.unsigned_abs()))),
                    b"done" => Ok(Begin::Done),
                    _ => Err(unexpected_reply()),
                },
                _ => Err(unexpected_reply()),
            }
        })
    }

    fn renew<'a>(&'a self, id: &'a DeliveryId, claim: ClaimId, lease: Duration) -> DeliveryFuture<'a, bool> {
        Box::pin(self.held(id, "renew", claim, lease))
    }

    fn complete<'a>(&'a self, id: &'a DeliveryId, keep: Duration) -> DeliveryFuture<'a, ()> {
        Box::pin(
            async move { self.held(id, "complete", 0, keep.saturating_mul(2).min(MAX_KEEP)).await.map(drop) },
        )
    }

    fn abandon<'a>(&'a self, id: &'a DeliveryId, claim: ClaimId) -> DeliveryFuture<'a, ()> {
        Box::pin(async move { self.held(id, "abandon", claim, Duration::ZERO).await.map(drop) })
    }
}

fn unexpected_reply() -> DeliveryStoreError {
    DeliveryStoreError::new("redis: unexpected script reply")
}
