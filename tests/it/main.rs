//! All behaviour tests in one binary, a file for each behaviour.

#[path = "../../build.rs"]
#[allow(dead_code)]
mod build_script;
mod concurrency;
mod config;
mod decode;
mod digest;
mod errors;
mod layers;
mod lifecycle;
mod model;
mod sandbox;
mod scripted;
mod secrets;
mod settings;
mod store;
mod support;
mod surface;
mod webhook;
mod webhook_keys;
mod webhook_moneykit;
mod webhook_moov;
mod webhook_server;
mod wire;
