//! Moov's client, its calls waited for. It does nothing that the async client does not.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::{run, runtime::Runtime};
use crate::{
    Error, Response, Scope, Secret, Token,
    moov::{self, ClientBuilder, TokenTypeHint, types},
    token::{Rejection, Stats, TokenHandle},
};

/// A client of Moov's auth endpoints for code that is not async. Cheap to clone; clones share
/// connections and tokens.
#[derive(Clone, Debug)]
pub struct Client {
    client: moov::Client,
    default: TokenHandle,
    runtime: Runtime,
}

impl Client {
    /// Makes the client, and starts its thread. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) saying which option to correct;
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if the system gives no thread.
    pub fn new(builder: ClientBuilder) -> Result<Self, Error> {
        let client = builder.build()?;
        Ok(Self { default: client.bearer().tokens().clone(), client, runtime: Runtime::start()? })
    }

    fn wait<T, F>(&self, call: impl FnOnce(moov::Client) -> F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.runtime.wait(call(self.client.clone()))
    }

    /// A token for these scopes that works now, as [`moov::Client::token`].
    ///
    /// # Errors
    ///
    /// As [`TokenCache::token`](crate::token::TokenCache::token), and
    /// [in async code](super#in-async-code) where it would wait.
    pub fn token(&self, scopes: &[Scope]) -> Result<Token, Error> {
        if let Some(token) = self.client.tokens().cached(scopes) {
            return Ok(token);
        }
        let scopes = scopes.to_vec();
        self.wait(|client| async move { client.token(&scopes).await })
    }

    /// The same, waiting no longer than `max_wait`.
    ///
    /// # Errors
    ///
    /// As [`Client::token`].
    pub fn token_within(&self, scopes: &[Scope], max_wait: Duration) -> Result<Token, Error> {
        if let Some(token) = self.client.tokens().cached(scopes) {
            return Ok(token);
        }
        let scopes = scopes.to_vec();
        self.wait(|client| async move { client.tokens().token_within(&scopes, max_wait).await })
    }

    /// A token for the scopes of [`moov::ClientBuilder::with_scopes`].
    ///
    /// # Errors
    ///
    /// As [`Client::token`].
    pub fn default_token(&self) -> Result<Token, Error> {
        if let Some(token) = self.default.cached() {
            return Ok(token);
        }
        self.wait(|client| async move { client.default_token().await })
    }

    /// Forgets exactly this token, and not a newer one: for a 401 that means it has expired.
    ///
    /// # Errors
    ///
    /// Only [in async code](super#in-async-code). There [`Token::invalidate`] does it without waiting.
    pub fn invalidate(&self, token: &Token) -> Result<(), Error> {
        let token = token.clone();
        self.wait(|client| async move {
            client.invalidate(&token).await;
            Ok(())
        })
    }

    /// Runs a request of yours with a token, and once more with a new one after a 401, as
    /// [`TokenCache::run`](crate::token::TokenCache::run). It runs on this thread. The first outcome stands
    /// if no new token can be had; [in async code](super#in-async-code) none can.
    ///
    /// # Errors
    ///
    /// As [`Client::token`], for the first run; what your request fails with is in its own outcome.
    pub fn run<T>(
        &self,
        scopes: &[Scope],
        request: impl FnMut(Token) -> T,
        classify: impl Fn(&T) -> Rejection,
    ) -> Result<T, Error> {
        run(&self.runtime, self.client.tokens().handle_once(scopes)?, request, classify)
    }

    /// What a response says about its token, as
    /// [`TokenCache::classify`](crate::token::TokenCache::classify): for [`Client::run`].
    pub fn classify(&self, status: StatusCode, headers: &HeaderMap, body: Option<&[u8]>) -> Rejection {
        self.client.tokens().classify(status, headers, body)
    }

    /// What the token cache did so far.
    pub fn stats(&self) -> Stats {
        self.client.stats()
    }

    /// As [`moov::Client::create_access_token`].
    ///
    /// # Errors
    ///
    /// As there, and [in async code](super#in-async-code).
    pub fn create_access_token(&self, scopes: &[Scope]) -> Result<Response<types::AuthToken>, Error> {
        let scopes = scopes.to_vec();
        self.wait(|client| async move { client.create_access_token(&scopes).await })
    }

    /// As [`moov::Client::refresh`].
    ///
    /// # Errors
    ///
    /// As there, and [in async code](super#in-async-code).
    pub fn refresh(
        &self,
        refresh_token: &Secret,
        scopes: &[Scope],
    ) -> Result<Response<types::AuthToken>, Error> {
        let (refresh_token, scopes) = (refresh_token.clone(), scopes.to_vec());
        self.wait(|client| async move { client.refresh(&refresh_token, &scopes).await })
    }

    /// As [`moov::Client::revoke`].
    ///
    /// # Errors
    ///
    /// As there, and [in async code](super#in-async-code).
    pub fn revoke(&self, token: &Secret, hint: Option<TokenTypeHint>) -> Result<Response<()>, Error> {
        let token = token.clone();
        self.wait(|client| async move { client.revoke(&token, hint).await })
    }
}
