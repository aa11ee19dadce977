//! Sends calls to a vendor over HTTP, with limits on time and size. Never return progenitor's own
//! error type, because its `Display` prints whole response bodies, including tokens.

mod base_url;
mod call;
mod classify;
mod client;
mod echoed;
mod error_body;
mod header;
mod json;
mod plain_http;
mod record;
mod redact;
mod retry_after;
#[cfg(feature = "rustls")]
mod tls;

pub(crate) use base_url::BaseUrl;
pub(crate) use call::{Call, Contract};
#[cfg(feature = "emulator")]
pub(crate) use classify::classify_send_error;
pub(crate) use client::Http;
pub use client::HttpOptions;
pub(crate) use echoed::{CallCredentials, EchoedSecrets};
pub(crate) use header::{basic, bearer, is_like, origin, sensitive, visible};
pub(crate) use json::optional;
#[doc(hidden)]
pub use record::Exchange;
