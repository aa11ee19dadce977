//! Sends one call to one origin, over TLS, within time and size limits, without exposing secrets.
//!
//! Knows nothing about a vendor, except the domains to which plain http is never allowed. It never
//! follows a redirect. It never returns progenitor's own error, whose `Display` prints whole
//! bodies, including tokens.

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
pub(crate) use echoed::EchoedSecrets;
pub(crate) use header::{basic, bearer, is_like, origin, sensitive, visible};
pub(crate) use json::optional;
#[doc(hidden)]
pub use record::Exchange;
