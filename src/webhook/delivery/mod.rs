//! Deduplicates deliveries in two phases, so that a webhook is handled at least once.

mod deliveries;
mod guard;
mod id;
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod shared;
mod store;

pub use deliveries::{Begun, Deliveries};
pub use guard::DeliveryGuard;
pub use id::DeliveryId;
pub use memory::MemoryDeliveries;
#[cfg(feature = "redis")]
pub use redis::RedisDeliveries;
pub use shared::StoreFailure;
pub use store::{Begin, ClaimId, DeliveryFuture, DeliveryStore, DeliveryStoreError};
