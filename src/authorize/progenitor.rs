//! The hooks of clients that [progenitor](https://docs.rs/progenitor) generates.
//!
//! Use [`Authorizer::send`] in code of your own. progenitor's `ClientHooks` force other signatures:
//! `exec` can only fail with `reqwest::Error`, so the reason for a missing token is reported by
//! [`ensure_token`] in `pre`.
//!
//! Generate the client with `HooksMode::Expected` and an [`Authorizer`] as its inner type. Then the
//! hooks are two lines. `examples/own_client` is such a crate, to copy.
//!
//! ```text
//! impl ClientHooks<Authorizer> for Client {
//!     async fn pre<E>(&self, request: &mut Request, _: &OperationInfo) -> Result<(), Error<E>> {
//!         ensure_token(self.inner(), request).await.map_err(|error| Error::Custom(error.to_string()))
//!     }
//!
//!     async fn exec(&self, request: Request, _: &OperationInfo) -> reqwest::Result<Response> {
//!         execute(self.inner(), self.client(), request).await
//!     }
//! }
//! ```

use reqwest::{Client, Request, Response};
use serde::{Serialize, Serializer, ser::Error as _};

use super::{Authorizer, Kind, SendError};
use crate::Error;

/// Fetches a token for the request unless one is cached, for `pre`. Does not change the request:
/// [`execute`] adds the token.
///
/// # Errors
///
/// As [`TokenCache::token`](crate::token::TokenCache::token);
/// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) for a request to another origin.
///
/// # Cancellation
///
/// Safe, as [`TokenCache::token`](crate::token::TokenCache::token).
pub async fn ensure_token(authorizer: &Authorizer, request: &Request) -> Result<(), Error> {
    authorizer.check_origin(request)?;
    if authorizer.wants(request) {
        match &authorizer.kind {
            Kind::Tokens(tokens) => drop(tokens.handle.token().await?),
            Kind::KeyPair(pair) => drop(pair.current().await?),
        }
    }
    Ok(())
}

/// Sends the request as [`Authorizer::send`] does, for `exec`.
///
/// # Errors
///
/// The client's error. If no token can be had, or the request goes to another origin, nothing is
/// sent, and the error is one for which `reqwest::Error::is_builder` returns true. The text of its
/// source says why.
///
/// # Cancellation
///
/// Cancels the request, but not a refresh.
pub async fn execute(
    authorizer: &Authorizer,
    client: &Client,
    request: Request,
) -> reqwest::Result<Response> {
    let url = request.url().clone();
    match authorizer.send(client, request).await {
        Ok(response) => Ok(response),
        Err(SendError::Http(error)) => Err(error),
        // reqwest's errors have no public constructor. A request whose body cannot be serialized
        // never leaves the builder, and its error carries our text.
        Err(SendError::Token(error)) => client.get(url).json(&Unsendable(error)).send().await,
    }
}

/// Always fails to serialize, with the text of the error.
struct Unsendable(Error);

impl Serialize for Unsendable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom(format_args!("the request was not sent: {}", self.0)))
    }
}
