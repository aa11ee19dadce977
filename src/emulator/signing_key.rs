//! The ES256 keys that MoneyKit publishes, and signs its webhooks with. They are made anew for each
//! emulator, and their private halves never leave it.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::webhook::testing::SigningKey;

/// The keys that MoneyKit publishes, has published, and signs with.
pub(super) struct SigningKeys {
    /// The last one signs.
    keys: Vec<Arc<SigningKey>>,
    /// What is in the set, in its order.
    published: Vec<Map<String, Value>>,
}

impl SigningKeys {
    pub(super) fn new(first: SigningKey) -> Self {
        Self { published: vec![first.jwk()], keys: vec![Arc::new(first)] }
    }

    /// Publishes a key beside the others, and signs with it from now on.
    pub(super) fn add(&mut self, key: SigningKey) {
        self.publish(key.jwk());
        self.keys.push(Arc::new(key));
    }

    pub(super) fn publish(&mut self, jwk: Map<String, Value>) {
        self.published.push(jwk);
    }

    /// Takes a key out of the set. It can sign all the same.
    pub(super) fn withdraw(&mut self, id: &str) {
        self.published.retain(|jwk| jwk.get("kid").and_then(Value::as_str) != Some(id));
    }

    pub(super) fn published(&self) -> Vec<Value> {
        self.published.iter().cloned().map(Value::Object).collect()
    }

    /// The key that signs, or an earlier one.
    pub(super) fn key(&self, id: Option<&str>) -> Option<Arc<SigningKey>> {
        let Some(id) = id else { return self.keys.last().cloned() };
        self.keys.iter().find(|key| key.id() == id).cloned()
    }
}
