//! Tests the binary that users run. The emulator runs in the test process.

mod browser;
mod calls;
mod completions;
mod compose;
mod doctor;
mod doctor_delivery;
mod doctor_record;
mod doctor_service;
mod emulator;
mod failures;
mod help;
mod keep;
mod network;
mod page;
mod program;
mod redis;
#[path = "../../../tests/it/redis_server.rs"]
#[allow(dead_code, reason = "the other binary uses all of it")]
mod redis_server;
mod running;
mod secrets;
mod service;
mod tls;
mod trigger;
mod verify;
mod warm;
