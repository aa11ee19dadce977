//! The parts that both vendors' blocking clients share.

use std::time::Duration;

use super::{authorizer::Authorizer, runtime::Runtime};
use crate::{
    Error, Scope, Token, authorize,
    token::{Rejection, TokenCache, TokenHandle},
};

#[derive(Clone, Debug)]
pub(super) struct Inner<C> {
    pub(super) client: C,
    pub(super) tokens: TokenCache,
    default: TokenHandle,
    runtime: Runtime,
}

impl<C: Clone> Inner<C> {
    pub(super) fn new(client: C, tokens: TokenCache, default: TokenHandle) -> Result<Self, Error> {
        Ok(Self { client, tokens, default, runtime: Runtime::start()? })
    }

    pub(super) fn authorizer(&self, authorizer: authorize::Authorizer) -> Authorizer {
        Authorizer::new(authorizer, self.runtime.clone())
    }

    pub(super) fn wait<T, F>(&self, call: impl FnOnce(C) -> F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.runtime.wait(call(self.client.clone()))
    }

    pub(super) fn token(&self, scopes: &[Scope], max_wait: Option<Duration>) -> Result<Token, Error> {
        if let Some(token) = self.tokens.cached(scopes) {
            return Ok(token);
        }
        let (tokens, scopes) = (self.tokens.clone(), scopes.to_vec());
        self.runtime.wait(async move {
            match max_wait {
                Some(max_wait) => tokens.token_within(&scopes, max_wait).await,
                None => tokens.token(&scopes).await,
            }
        })
    }

    pub(super) fn default_token(&self) -> Result<Token, Error> {
        self.token_of(&self.default)
    }

    fn token_of(&self, handle: &TokenHandle) -> Result<Token, Error> {
        if let Some(token) = handle.cached() {
            return Ok(token);
        }
        let handle = handle.clone();
        self.runtime.wait(async move { handle.token().await })
    }

    pub(super) fn shutdown(&self, within: Duration) -> Result<(), Error> {
        let tokens = self.tokens.clone();
        self.runtime.wait(async move { tokens.shutdown(within).await })
    }

    pub(super) fn invalidate(&self, token: &Token) -> Result<(), Error> {
        let (tokens, token) = (self.tokens.clone(), token.clone());
        self.runtime.wait(async move {
            tokens.invalidate(&token).await;
            Ok(())
        })
    }

    pub(super) fn run<T>(
        &self,
        scopes: &[Scope],
        mut request: impl FnMut(Token) -> T,
        classify: impl Fn(&T) -> Rejection,
    ) -> Result<T, Error> {
        let tokens = self.tokens.handle_once(scopes)?;
        let token = self.token_of(&tokens)?;
        let outcome = request(token.clone());
        let rejection = classify(&outcome);
        if rejection == Rejection::None {
            return Ok(outcome);
        }
        let handle = tokens.clone();
        let renewed = self.runtime.wait(async move { Ok(handle.renew(&token, rejection).await) });
        let Ok(Some(replacement)) = renewed else { return Ok(outcome) };
        let outcome = request(replacement.token().clone());
        let accepted = classify(&outcome) == Rejection::None;
        let _ = self.runtime.wait(async move {
            tokens.conclude(&replacement, accepted).await;
            Ok(())
        });
        Ok(outcome)
    }
}

macro_rules! client {
    ($vendor:ident, $name:literal) => {
        #[doc = concat!("A blocking client of ", $name, "'s auth endpoints.")]
        /// The client is cheap to clone, and clones share connections and tokens.
        #[derive(Clone, Debug)]
        pub struct Client(super::inner::Inner<crate::$vendor::Client>);

        impl Client {
            /// Creates the client and starts its thread. Sends nothing.
            ///
            /// # Errors
            ///
            /// Fails with [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) if an
            /// option is invalid. The error names the option. Fails with
            /// [`Unavailable`](crate::ErrorKind::Unavailable) if the system cannot start a thread.
            pub fn new(builder: crate::$vendor::ClientBuilder) -> Result<Self, crate::Error> {
                let client = builder.build()?;
                let (tokens, default) = (client.tokens().clone(), client.default_tokens().clone());
                super::inner::Inner::new(client, tokens, default).map(Self)
            }

            #[doc = concat!(
                "Returns a valid token for these scopes. See [`", stringify!($vendor),
                "::Client::token`](crate::", stringify!($vendor), "::Client::token)."
            )]
            ///
            /// # Errors
            ///
            /// Fails with the same errors as
            /// [`TokenCache::token`](crate::token::TokenCache::token). [In async
            /// code](super#in-async-code), also fails if this method would have to wait.
            pub fn token(&self, scopes: &[crate::Scope]) -> Result<crate::Token, crate::Error> {
                self.0.token(scopes, None)
            }

            /// Returns a valid token like [`Client::token`], but waits at most `max_wait`.
            ///
            /// # Errors
            ///
            /// Fails with the same errors as [`Client::token`].
            pub fn token_within(
                &self,
                scopes: &[crate::Scope],
                max_wait: std::time::Duration,
            ) -> Result<crate::Token, crate::Error> {
                self.0.token(scopes, Some(max_wait))
            }

            #[doc = concat!(
                "Returns a valid token for the scopes of [`", stringify!($vendor), "::ClientBuilder::with_scopes`](crate::",
                stringify!($vendor), "::ClientBuilder::with_scopes)."
            )]
            ///
            /// # Errors
            ///
            /// Fails with the same errors as [`Client::token`].
            pub fn default_token(&self) -> Result<crate::Token, crate::Error> {
                self.0.default_token()
            }

            /// Invalidates this token in the cache. A newer token in the cache stays valid. Call
            /// this method if a 401 shows that the token has expired.
            ///
            /// # Errors
            ///
            /// Always fails [in async code](super#in-async-code). In other code, fails only if code
            /// that you passed to the client panics.
            pub fn invalidate(&self, token: &crate::Token) -> Result<(), crate::Error> {
                self.0.invalidate(token)
            }

            /// Runs your request with a token. After a 401, runs your request once more with a new
            /// token.
            ///
            /// See [`TokenCache::run`](crate::token::TokenCache::run). The request runs on the
            /// calling thread. If no new token is available, the result of the first run is
            /// returned. [In async code](super#in-async-code) this method cannot fetch a new token.
            ///
            /// # Errors
            ///
            /// Fails with the same errors as [`Client::token`] if there is no token for the first
            /// run. If your request fails, `run` still returns `Ok` with the value that your
            /// function returned.
            pub fn run<T>(
                &self,
                scopes: &[crate::Scope],
                request: impl FnMut(crate::Token) -> T,
                classify: impl Fn(&T) -> crate::token::Rejection,
            ) -> Result<T, crate::Error> {
                self.0.run(scopes, request, classify)
            }

            #[doc = concat!(
                "Returns what a response says about its token, for [`Client::run`]. See [`",
                stringify!($vendor), "::Client::classify`](crate::", stringify!($vendor), "::Client::classify)."
            )]
            pub fn classify(
                &self,
                status: http::StatusCode,
                headers: &http::HeaderMap,
                body: Option<&[u8]>,
            ) -> crate::token::Rejection {
                self.0.client.classify(status, headers, body)
            }

            /// Ends the token refreshes of this client and of all its clones. The call takes at
            /// most `within`.
            ///
            /// See [`TokenCache::shutdown`](crate::token::TokenCache::shutdown). The client's
            /// thread ends when the last clone is dropped.
            ///
            /// # Errors
            ///
            /// Fails with the same errors as
            /// [`TokenCache::shutdown`](crate::token::TokenCache::shutdown). [In async
            /// code](super#in-async-code) this method fails and shuts nothing down.
            pub fn shutdown(&self, within: std::time::Duration) -> Result<(), crate::Error> {
                self.0.shutdown(within)
            }

            /// Returns an authorizer that adds tokens with these scopes to your own requests.
            ///
            /// # Errors
            ///
            /// Fails with the same errors as the async client's `bearer`.
            pub fn bearer(&self, scopes: &[crate::Scope]) -> Result<super::Authorizer, crate::Error> {
                self.0.client.bearer(scopes).map(|authorizer| self.0.authorizer(authorizer))
            }

            /// Returns the scopes for which [`Client::default_token`] returns a token.
            pub fn scopes(&self) -> &crate::ScopeSet {
                self.0.client.scopes()
            }

            /// Returns the base URL of the service without a trailing slash, for your own requests.
            pub fn base_url(&self) -> &str {
                self.0.client.base_url()
            }

            /// Returns the counters of the token cache.
            pub fn stats(&self) -> crate::token::Stats {
                self.0.tokens.stats()
            }
        }
    };
}
pub(super) use client;
