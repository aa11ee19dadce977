//! What the webhook key cache needs of the crate's `moneykit`.

pub mod webhook;

pub mod types {
    //! What is generated in the crate.

    pub struct JwkSet {
        pub keys: Vec<serde_json::Value>,
    }
}
