//! How a call is sent: to one origin, over TLS, within a time and a size, leaving no secret behind.
//!
//! It knows no vendor but for the domains to which plain http is never allowed. It never follows a redirect, and never lets progenitor's own error out,
//! whose `Display` prints whole bodies, tokens included.

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
