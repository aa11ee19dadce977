//! Functions for the hooks of clients that [progenitor](https://docs.rs/progenitor) generates.
//!
//! Outside these hooks, use [`Authorizer::send`] instead. The functions have the signatures that
//! progenitor's `ClientHooks` needs. The hook `exec` can fail only with `reqwest::Error`, so call
//! [`ensure_token`] in the hook `pre` to report why there is no token.
//!
//! Generate the client with `HooksMode::Expected` and with an [`Authorizer`] as its inner type.
//! Each of the two hooks is then one line. `examples/own_client` is a crate that you can copy.
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

/// Fetches a token for the request, unless the cache already has a valid token. Call this function
/// in the hook `pre`.
///
/// This function does not change the request. The function [`execute`] adds the token.
///
/// # Errors
///
/// Fails with the same errors as [`TokenCache::token`](crate::token::TokenCache::token). Also fails
/// with [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) if the origin of the request
/// is not one of the authorizer's origins.
///
/// # Cancellation
///
/// Cancel safe, like [`TokenCache::token`](crate::token::TokenCache::token).
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

/// Sends the request as [`Authorizer::send`] does. Call this function in the hook `exec`.
///
/// # Errors
///
/// Returns the error of the HTTP client. If there is no token, or the origin of the request is not
/// one of the authorizer's origins, the request is not sent. In that case,
/// `reqwest::Error::is_builder` returns true, and the text of the error's source contains the
/// reason.
///
/// # Cancellation
///
/// Dropping the future cancels the request, but not a running token refresh.
pub async fn execute(
    authorizer: &Authorizer,
    client: &Client,
    request: Request,
) -> reqwest::Result<Response> {
    let url = request.url().clone();
    match authorizer.send(client, request).await {
        Ok(response) => Ok(response),
        Err(SendError::Http(error)) => Err(error),
        // `reqwest::Error` has no public constructor. So let reqwest fail to serialize a body.
        // reqwest then sends nothing, and returns an error that contains our text.
        Err(SendError::Token(error)) => client.get(url).json(&Unsendable(error)).send().await,
    }
}

struct Unsendable(Error);

impl Serialize for Unsendable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom(format_args!("the request was not sent: {}", self.0)))
    }
}
