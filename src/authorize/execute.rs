//! Requests of reqwest: who gets a token, and what a response says of it. It judges no other status.

use http::{StatusCode, header::AUTHORIZATION};
use reqwest::{Request, Response, ResponseBuilderExt as _};

use super::{Authorizer, header, peeked};
use crate::{Error, ErrorKind, Token, token::Rejection};

impl Authorizer {
    /// Sees to it that there is a token for this request: for `pre` of progenitor's `ClientHooks`, which
    /// can tell why there is none. Nothing is added yet.
    ///
    /// # Errors
    ///
    /// As [`TokenCache::token`](crate::token::TokenCache::token);
    /// [`ErrorKind::InvalidConfig`] for a request to another origin, since a client of one service has no
    /// business there.
    ///
    /// # Cancellation
    ///
    /// Safe, as [`TokenCache::token`](crate::token::TokenCache::token).
    pub async fn ensure_token(&self, request: &Request) -> Result<(), Error> {
        if !self.origins.iter().any(|origin| origin.has_url(request.url())) {
            let reason = "the request goes to an origin that gets no token; check the client's base url";
            return Err(Error::new(ErrorKind::InvalidConfig, reason));
        }
        if self.wants(request) {
            self.tokens.token().await?;
        }
        Ok(())
    }

    /// Sends a request with a token, and once more with a new one after a 401 that a new token may help
    /// against ([see there](super#what-happens-on-a-401)): for `exec` of progenitor's `ClientHooks`, or
    /// with any reqwest client.
    ///
    /// Where no token can be had, the request goes without one, and the service refuses it; where no new
    /// one can, the service's 401 stands. [`Authorizer::ensure_token`] tells why.
    ///
    /// # Errors
    ///
    /// What the client fails with.
    ///
    /// # Cancellation
    ///
    /// Cancels the request, and no refresh.
    pub async fn execute(&self, client: &reqwest::Client, mut request: Request) -> reqwest::Result<Response> {
        let token = if self.wants(&request) { self.tokens.token().await.ok() } else { None };
        let Some(token) = token else { return client.execute(request).await };
        let again = request.try_clone();
        sign(&mut request, &token);
        let (rejection, response) = self.judge(client.execute(request).await?).await;
        let Some(mut again) = again else {
            self.tokens.renew_for_next(&token, rejection).await;
            return Ok(response);
        };
        let Some(replacement) = self.tokens.renew(&token, rejection).await else { return Ok(response) };
        drop(response);
        sign(&mut again, replacement.token());
        let response = client.execute(again).await?;
        self.tokens.conclude(&replacement, response.status() != StatusCode::UNAUTHORIZED).await;
        Ok(response)
    }

    /// What a response says about its token, and the response, which is whole.
    pub(super) async fn judge(&self, response: Response) -> (Rejection, Response) {
        if response.status() != StatusCode::UNAUTHORIZED {
            return (Rejection::None, response);
        }
        // Only a builder can take the url along.
        let url = http::Response::builder().url(response.url().clone()).body(());
        let (body, response) = peeked::peek(http::Response::<reqwest::Body>::from(response)).await;
        let rejection = self.tokens.classify(response.status(), response.headers(), body.as_deref());
        let (mut parts, body) = response.into_parts();
        parts.extensions.extend(url.map(|url| url.into_parts().0.extensions).unwrap_or_default());
        (rejection, http::Response::from_parts(parts, reqwest::Body::wrap(body)).into())
    }

    /// Whether a request is one that gets a token.
    pub(super) fn wants(&self, request: &Request) -> bool {
        !request.headers().contains_key(AUTHORIZATION)
            && self.origins.iter().any(|origin| origin.has_url(request.url()))
    }
}

pub(super) fn sign(request: &mut Request, token: &Token) {
    request.headers_mut().insert(AUTHORIZATION, header(token));
}
