//! What the blocking client of every vendor does: waits on its own thread for the async client.

use std::time::Duration;

use super::{authorizer::Authorizer, runtime::Runtime};
use crate::{
    Error, Scope, Token, authorize,
    token::{Rejection, TokenCache, TokenHandle},
};

/// The async client `C`, its tokens and the thread.
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

    /// Runs a request with a token, and once more with a new one after a 401.
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
        // It can wait, since the call before could.
        let _ = self.runtime.wait(async move {
            tokens.conclude(&replacement, accepted).await;
            Ok(())
        });
        Ok(outcome)
    }
}

/// The struct `Client` of one vendor, and the methods that every vendor's has. They only forward.
macro_rules! client {
    ($vendor:ident, $name:literal) => {
        #[doc = concat!("A client of ", $name, "'s auth endpoints for code that is not async.")]
        /// Cheap to clone; clones share connections and tokens.
        #[derive(Clone, Debug)]
        pub struct Client(super::inner::Inner<crate::$vendor::Client>);

        impl Client {
            /// Makes the client, and starts its thread. Nothing is sent.
            ///
            /// # Errors
            ///
            /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) saying which option to correct;
            /// [`Unavailable`](crate::ErrorKind::Unavailable) if the system gives no thread.
            pub fn new(builder: crate::$vendor::ClientBuilder) -> Result<Self, crate::Error> {
                let client = builder.build()?;
                let (tokens, default) = (client.tokens().clone(), client.default_tokens().clone());
                super::inner::Inner::new(client, tokens, default).map(Self)
            }

            #[doc = concat!(
                "A token for these scopes that works now, as [`", stringify!($vendor),
                "::Client::token`](crate::", stringify!($vendor), "::Client::token)."
            )]
            ///
            /// # Errors
            ///
            /// As [`TokenCache::token`](crate::token::TokenCache::token), and
            /// [in async code](super#in-async-code) where it would wait.
            pub fn token(&self, scopes: &[crate::Scope]) -> Result<crate::Token, crate::Error> {
                self.0.token(scopes, None)
            }

            /// The same, waiting no longer than `max_wait`.
            ///
            /// # Errors
            ///
            /// As [`Client::token`].
            pub fn token_within(
                &self,
                scopes: &[crate::Scope],
                max_wait: std::time::Duration,
            ) -> Result<crate::Token, crate::Error> {
                self.0.token(scopes, Some(max_wait))
            }

            #[doc = concat!(
                "A token for the scopes of [`", stringify!($vendor), "::ClientBuilder::with_scopes`](crate::",
                stringify!($vendor), "::ClientBuilder::with_scopes)."
            )]
            ///
            /// # Errors
            ///
            /// As [`Client::token`].
            pub fn default_token(&self) -> Result<crate::Token, crate::Error> {
                self.0.default_token()
            }

            /// Forgets exactly this token, and not a newer one: for a 401 that means it has expired.
            ///
            /// # Errors
            ///
            /// Only [in async code](super#in-async-code).
            pub fn invalidate(&self, token: &crate::Token) -> Result<(), crate::Error> {
                self.0.invalidate(token)
            }

            /// Runs a request of yours with a token, and once more with a new one after a 401, as
            /// [`TokenCache::run`](crate::token::TokenCache::run). It runs on this thread. The first outcome
            /// stands if no new token can be had; [in async code](super#in-async-code) none can.
            ///
            /// # Errors
            ///
            /// As [`Client::token`], for the first run; what your request fails with is in its own outcome.
            pub fn run<T>(
                &self,
                scopes: &[crate::Scope],
                request: impl FnMut(crate::Token) -> T,
                classify: impl Fn(&T) -> crate::token::Rejection,
            ) -> Result<T, crate::Error> {
                self.0.run(scopes, request, classify)
            }

            #[doc = concat!(
                "What a response says about its token, as [`", stringify!($vendor), "::Client::classify`](crate::",
                stringify!($vendor), "::Client::classify): for [`Client::run`]."
            )]
            pub fn classify(
                &self,
                status: http::StatusCode,
                headers: &http::HeaderMap,
                body: Option<&[u8]>,
            ) -> crate::token::Rejection {
                self.0.client.classify(status, headers, body)
            }

            /// Ends the refreshes of this client and of all its clones within this time, as
            /// [`TokenCache::shutdown`](crate::token::TokenCache::shutdown). The thread ends with the last clone.
            ///
            /// # Errors
            ///
            /// As there, and [in async code](super#in-async-code): nothing is shut down then.
            pub fn shutdown(&self, within: std::time::Duration) -> Result<(), crate::Error> {
                self.0.shutdown(within)
            }

            /// Credentials for requests of your own with tokens of these scopes, as the async client's `bearer`.
            ///
            /// # Errors
            ///
            /// As there.
            pub fn bearer(&self, scopes: &[crate::Scope]) -> Result<super::Authorizer, crate::Error> {
                self.0.client.bearer(scopes).map(|authorizer| self.0.authorizer(authorizer))
            }

            /// The scopes of [`Client::default_token`].
            pub fn scopes(&self) -> &crate::ScopeSet {
                self.0.client.scopes()
            }

            /// What the token cache did so far.
            pub fn stats(&self) -> crate::token::Stats {
                self.0.tokens.stats()
            }
        }
    };
}
pub(super) use client;
