//! Reports how a new revision of an OpenAPI document affects users of the generated Rust bindings,
//! and keeps the files in `specs/<vendor>/` up to date.
//!
//! Reads the vendor's document, converts it to OpenAPI 3.0, extracts the operations that are used,
//! and applies the overlay. Then compares the result with the checked-in specs, finds the Rust
//! items that each change affects, and writes reports.

#[path = "../../build.rs"]
#[allow(dead_code)]
mod build_script;
mod canonical;
mod contract;
mod cycle;
mod date;
#[path = "../../tests/it/digest.rs"]
#[allow(dead_code)]
mod digest;
mod document;
mod downconvert;
mod drift;
mod expand;
#[cfg(test)]
mod fastapi;
mod fetch;
mod files;
#[cfg(test)]
mod fixture;
mod http;
#[cfg(test)]
mod http_tests;
#[cfg(test)]
mod malformed;
mod overlay;
mod plan;
mod problems;
mod record;
mod reference;
mod regen;
mod request;
mod sha256;
mod shape;
mod slice;
mod source;
#[cfg(test)]
mod tests;
mod transcript;
mod yaml;

pub use expand::expand;
pub use fetch::Origin;
pub use files::{Change, write};
pub use problems::{Problems, Result};
pub use regen::{Outcome, Output, run};
pub use request::{Input, Mode, Request};
