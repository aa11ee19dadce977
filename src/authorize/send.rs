//! Uses reqwest to send requests with a token, and repeats a request after a 401.

use std::{error::Error as StdError, fmt};

use http::StatusCode;
use reqwest::{Request, Response, ResponseBuilderExt as _, Url};

use super::{Authorizer, Kind, Tokens, origin::Origin, peeked};
use crate::{
    Error, ErrorKind, Token,
    token::{Rejection, Replacement},
};

impl Authorizer {
    /// Sends a request with a token. After a 401 that a new token may fix, repeats the request once
    /// with a new token.
    ///
    /// See [what happens on a 401](super#what-happens-on-a-401). If no new token is available after
    /// a 401, the 401 is returned.
    ///
    /// A request that already has an `Authorization` header is sent unchanged.
    ///
    /// ```
    /// # #[cfg(feature = "emulator")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fintech_auth::{HttpOptions, emulator::Emulator};
    /// # let emulator = Emulator::start().await?;
    /// # let moneykit = emulator.moneykit().build()?;
    /// let http = HttpOptions::default().to_reqwest(emulator.url())?;
    /// let request = http.get(format!("{}/auth/introspect", emulator.url())).build()?;
    /// let response = moneykit.bearer(&[])?.send(&http, request).await?;
    /// assert_eq!(response.status(), 200);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "emulator"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// - [`SendError::Token`] if no token is available. The request is not sent.
    /// - [`SendError::Token`] with [`ErrorKind::InvalidConfig`] for a request to an origin that is
    ///   not one of this authorizer's origins. The request is not sent.
    /// - [`SendError::Http`] if the client fails to send the request.
    ///
    /// # Cancellation
    ///
    /// Dropping the future cancels the request, but not a running token refresh.
    pub async fn send(&self, http: &reqwest::Client, mut request: Request) -> Result<Response, SendError> {
        self.check_origin(&request).map_err(SendError::Token)?;
        if !self.wants(&request) {
            return http.execute(request).await.map_err(SendError::Http);
        }
        let tokens = match &self.kind {
            Kind::Tokens(tokens) => tokens,
            Kind::KeyPair(pair) => {
                let sent = pair.current().await.map_err(SendError::Token)?;
                let again = request.try_clone();
                sent.sign(request.headers_mut());
                let response = http.execute(request).await.map_err(SendError::Http)?;
                let Some((mut again, other)) = pair.repetition(&sent, response.status(), again).await else {
                    return Ok(response);
                };
                drop(response);
                other.sign(again.headers_mut());
                return http.execute(again).await.map_err(SendError::Http);
            }
        };
        let token = tokens.handle.token().await.map_err(SendError::Token)?;
        let again = request.try_clone();
        tokens.sign(request.headers_mut(), &token);
        let (rejection, response) =
            judge(tokens, http.execute(request).await.map_err(SendError::Http)?).await;
        let Some((mut again, replacement)) = repetition(tokens, &token, rejection, again).await else {
            return Ok(response);
        };
        drop(response);
        tokens.sign(again.headers_mut(), replacement.token());
        let response = http.execute(again).await.map_err(SendError::Http)?;
        tokens.handle.conclude(&replacement, response.status() != StatusCode::UNAUTHORIZED).await;
        Ok(response)
    }

    pub(super) fn check_origin(&self, request: &Request) -> Result<(), Error> {
        self.check_covers(request.url())
    }

    pub(super) fn check_covers(&self, url: &Url) -> Result<(), Error> {
        if self.covers(url) {
            return Ok(());
        }
        if !url.username().is_empty() || url.password().is_some() {
            let reason = "the request's url contains a user name or password; remove it";
            return Err(Error::new(ErrorKind::InvalidConfig, reason));
        }
        let allowed: Vec<_> = self.origins.iter().map(Origin::to_string).collect();
        let reason = format!(
            "the request goes to {}, but the credentials may be sent only to {}",
            url.origin().ascii_serialization(),
            allowed.join(", ")
        );
        Err(Error::new(ErrorKind::InvalidConfig, reason))
    }

    fn covers(&self, url: &Url) -> bool {
        self.origins.iter().any(|origin| origin.has_url(url))
    }

    pub(super) fn wants(&self, request: &Request) -> bool {
        !self.has_credentials(request.headers()) && self.covers(request.url())
    }
}

pub(super) async fn repetition<R>(
    tokens: &Tokens,
    token: &Token,
    rejection: Rejection,
    again: Option<R>,
) -> Option<(R, Replacement)> {
    match again {
        Some(again) => tokens.handle.renew(token, rejection).await.map(|replacement| (again, replacement)),
        None => {
            tokens.handle.renew_for_next(token, rejection).await;
            None
        }
    }
}

pub(super) async fn judge(tokens: &Tokens, response: Response) -> (Rejection, Response) {
    if response.status() != StatusCode::UNAUTHORIZED {
        return (Rejection::None, response);
    }
    // reqwest stores the URL of a response in a private extension, which only this builder method
    // can create.
    let url = http::Response::builder().url(response.url().clone()).body(());
    let (body, response) = peeked::peek(http::Response::<reqwest::Body>::from(response)).await;
    let rejection = tokens.classify(response.status(), response.headers(), body.as_deref());
    let (mut parts, body) = response.into_parts();
    parts.extensions.extend(url.map(|url| url.into_parts().0.extensions).unwrap_or_default());
    (rejection, http::Response::from_parts(parts, reqwest::Body::wrap(body)).into())
}

/// The reason why [`Authorizer::send`] returned no response.
#[derive(Debug)]
#[non_exhaustive]
pub enum SendError {
    /// No token is available, or the origin of the request is not one of the authorizer's origins.
    /// The request was not sent.
    Token(Error),
    /// The HTTP client failed.
    Http(reqwest::Error),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "no token for the request",
            Self::Http(_) => "the request failed",
        })
    }
}

impl StdError for SendError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(match self {
            Self::Token(error) => error,
            Self::Http(error) => error,
        })
    }
}
