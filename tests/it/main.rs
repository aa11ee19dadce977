//! All behaviour tests in one binary, a file for each behaviour.

mod axum_webhooks;
mod bearer_renewal;
mod bearer_requests;
mod bearer_tower;
mod blame;
mod blocking;
#[path = "../../build.rs"]
#[allow(dead_code)]
mod build_script;
mod concurrency;
mod config;
mod decode;
mod deliveries;
mod digest;
mod errors;
mod extremes;
mod fault_matrix;
mod fleet;
mod guide;
mod layers;
mod lifecycle;
mod model;
mod package;
mod rate_limit;
mod raw_server;
mod reactions;
mod readme;
mod redis_server;
mod redis_store;
mod refresh_grant;
mod reissue;
mod revocation;
mod sandbox;
mod scripted;
mod secrets;
mod settings;
mod store;
mod support;
mod surface;
mod tls_failures;
mod webhook;
mod webhook_keys;
mod webhook_moneykit;
mod webhook_moov;
mod webhook_server;
mod wire;
