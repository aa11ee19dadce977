//! The ES256 keys that sign MoneyKit's webhooks, and the keys that MoneyKit publishes.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::webhook::testing::SigningKey;

pub(super) struct SigningKeys {
    keys: Vec<Arc<SigningKey>>,
    published: Vec<Map<String, Value>>,
}

impl SigningKeys {
    pub(super) fn new(first: SigningKey) -> Self {
        Self { published: vec![first.jwk()], keys: vec![Arc::new(first)] }
    }

    pub(super) fn add(&mut self, key: SigningKey) {
        self.publish(key.jwk());
        self.keys.push(Arc::new(key));
    }

    pub(super) fn publish(&mut self, jwk: Map<String, Value>) {
        self.published.push(jwk);
    }

    pub(super) fn withdraw(&mut self, id: &str) {
        self.published.retain(|jwk| jwk.get("kid").and_then(Value::as_str) != Some(id));
    }

    pub(super) fn published(&self) -> Vec<Value> {
        self.published.iter().cloned().map(Value::Object).collect()
    }

    pub(super) fn key(&self, id: Option<&str>) -> Option<Arc<SigningKey>> {
        let Some(id) = id else { return self.keys.last().cloned() };
        self.keys.iter().find(|key| key.id() == id).cloned()
    }
}
