//! The part of the crate's module `moneykit` that the webhook key cache needs.

pub mod webhook;

pub mod types {
    pub struct JwkSet {
        pub keys: Vec<serde_json::Value>,
    }
}
