//! The part of the crate's `moneykit` that the webhook key cache needs.

pub mod webhook;

pub mod types {
    //! Stand-ins for types that are generated in the crate.

    pub struct JwkSet {
        pub keys: Vec<serde_json::Value>,
    }
}
