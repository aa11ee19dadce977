//! A small service that reads account names from Moov's API. You can copy it.
//!
//! The service takes its tokens from a [`TokenProvider`], so each test can choose where the tokens
//! come from:
//!
//! | test | tokens from | server | what the test shows |
//! | --- | --- | --- | --- |
//! | `tests/mock.rs` | `StaticTokenProvider`, or a provider that the test defines | none | what the service sends, and that it sends nothing without a token |
//! | `tests/emulator.rs` | `moov::Client` and the emulator | the emulator, and a few lines of axum for the API | what the service does after expiry, revocation and outages |
//! | `tests/wiremock.rs` | `moov::Client` | wiremock for the token endpoint and the API | the exact requests and responses that the test defines |
//!
//! For your own service, start with a test like `tests/mock.rs`. Use the emulator to test expiry,
//! revocation and outages. Use wiremock if your other tests already use wiremock.

use std::{fmt, sync::Arc};

use fintech_auth::{
    Scope,
    authorize::classify_challenges,
    moov::AccountScope,
    token::{Rejection, TokenProvider},
};
use reqwest::{Request, StatusCode, header};
use serde::Deserialize;
use uuid::Uuid;

/// Reads accounts through Moov's API.
#[derive(Clone, Debug)]
pub struct Accounts {
    tokens: Arc<dyn TokenProvider>,
    http: reqwest::Client,
    base_url: String,
}

/// The error of [`Accounts::name`].
#[derive(Debug)]
pub enum AccountError {
    /// There is no token, so no request was sent.
    Token(fintech_auth::Error),
    /// The request failed, or the response is not a valid account.
    Http(reqwest::Error),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    display_name: String,
}

impl Accounts {
    /// Pass an HTTP client that does not follow redirects, such as the client that
    /// `HttpOptions::to_reqwest` creates. Otherwise, a redirect to plain HTTP could send the token
    /// without TLS.
    pub fn new(tokens: Arc<dyn TokenProvider>, http: reqwest::Client, base_url: impl Into<String>) -> Self {
        Self { tokens, http, base_url: base_url.into() }
    }

    /// Returns the display name of an account.
    ///
    /// # Errors
    ///
    /// Returns an [`AccountError`] if there is no token or the request fails. If the server says that
    /// the token is invalid, the next call uses a new token.
    pub async fn name(&self, account: Uuid) -> Result<String, AccountError> {
        let scopes = scopes(account);
        let token = self.tokens.token(&scopes).await.map_err(AccountError::Token)?;
        let request = self.request(account, token.authorization().clone()).map_err(AccountError::Http)?;
        let response = self.http.execute(request).await.map_err(AccountError::Http)?;
        // Invalidate the token only if the server says that the token is invalid. A new token does
        // not help if the 401 has a different cause. This example does not retry the request. An
        // `Authorizer` would retry the request once.
        if response.status() == StatusCode::UNAUTHORIZED
            && classify_challenges(response.headers()) == Rejection::InvalidToken
        {
            self.tokens.invalidate(&token).await;
        }
        let response = response.error_for_status().map_err(AccountError::Http)?;
        response.json::<Account>().await.map(|account| account.display_name).map_err(AccountError::Http)
    }

    fn request(&self, account: Uuid, token: header::HeaderValue) -> reqwest::Result<Request> {
        let url = format!("{}/accounts/{account}", self.base_url);
        self.http.get(url).header(header::AUTHORIZATION, token).build()
    }
}

fn scopes(account: Uuid) -> [Scope; 1] {
    [AccountScope::ProfileRead.of(account).into()]
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "no token for the request",
            Self::Http(_) => "request for the account failed",
        })
    }
}

impl std::error::Error for AccountError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Token(error) => Some(error),
            Self::Http(error) => Some(error),
        }
    }
}
