//! The public methods that every vendor's client and builder have. They only forward to `inner.rs`, and stand
//! here so that their documentation is written once.

/// `impl Client`, for a client with `fn inner(&self) -> &Inner<Api>`.
macro_rules! client_methods {
    ($without_scopes:literal) => {
        impl Client {
            /// Starts a client from [`Credentials`](crate::Credentials), from files
            /// ([`FileCredentials`](crate::FileCredentials)), or from a
            /// [`CredentialsProvider`](crate::CredentialsProvider) of your own.
            pub fn builder(credentials: impl crate::CredentialsProvider) -> ClientBuilder {
                ClientBuilder::new(std::sync::Arc::new(credentials))
            }

            /// A token for these scopes that works now: from memory while one serves, else by one request
            /// that all callers share. A stale one is renewed in the background.
            #[doc = $without_scopes]
            ///
            /// # Errors
            ///
            /// As [`TokenCache::token`](crate::token::TokenCache::token).
            ///
            /// # Cancellation
            ///
            /// Safe: a request that began goes on in a task of its own, and its token is kept.
            pub async fn token(&self, scopes: &[crate::Scope]) -> Result<crate::Token, crate::Error> {
                self.inner().tokens.token(scopes).await
            }

            /// A token for the scopes of [`ClientBuilder::with_scopes`], the fastest way to one.
            ///
            /// # Errors
            ///
            /// As [`Client::token`].
            ///
            /// # Cancellation
            ///
            /// As [`Client::token`].
            pub async fn default_token(&self) -> Result<crate::Token, crate::Error> {
                self.inner().default.token().await
            }

            /// Forgets exactly this token, and not a newer one: for a 401 that means it has expired.
            ///
            /// # Cancellation
            ///
            /// It is forgotten here at once. If the store could not be reached, the next refresh updates it.
            pub async fn invalidate(&self, token: &crate::Token) {
                self.inner().tokens.invalidate(token).await;
            }

            /// An [`Authorizer`](crate::authorize::Authorizer) that adds tokens of these scopes to requests of your own
            /// to the same origin: see [`authorize`](crate::authorize).
            #[doc = $without_scopes]
            ///
            /// # Errors
            ///
            /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) if the scopes are too long, if there are none and the
            /// vendor asks for one, or if there are too many handles
            /// ([`TokenOptions::with_max_handles`](crate::token::TokenOptions::with_max_handles)).
            pub fn bearer(
                &self,
                scopes: &[crate::Scope],
            ) -> Result<crate::authorize::Authorizer, crate::Error> {
                self.inner().bearer(scopes)
            }

            /// The scopes of [`ClientBuilder::with_scopes`].
            pub fn scopes(&self) -> &crate::ScopeSet {
                &self.inner().scopes
            }

            /// What a response to a request with a token says about the token, by
            /// [the vendor's rule](crate::authorize#what-happens-on-a-401): for
            /// [`TokenCache::run`](crate::token::TokenCache::run). `body` is `None` if you do not have it.
            pub fn classify(
                &self,
                status: http::StatusCode,
                headers: &http::HeaderMap,
                body: Option<&[u8]>,
            ) -> crate::token::Rejection {
                self.inner().classify(status, headers, body)
            }

            #[cfg(feature = "blocking")]
            pub(crate) fn default_tokens(&self) -> &crate::token::TokenHandle {
                &self.inner().default
            }

            /// All that can be done with tokens: waiting for a given time, handles, running a request.
            pub fn tokens(&self) -> &crate::token::TokenCache {
                &self.inner().tokens
            }

            /// Ends the refreshes of this client and of all its clones, for the end of a process, within this time: see
            /// [`TokenCache::shutdown`](crate::token::TokenCache::shutdown). Operations that you call yourself, such
            /// as a revocation, still work, and webhooks are still verified.
            ///
            /// # Errors
            ///
            /// As [`TokenCache::shutdown`](crate::token::TokenCache::shutdown).
            ///
            /// # Cancellation
            ///
            /// As [`TokenCache::shutdown`](crate::token::TokenCache::shutdown).
            pub async fn shutdown(&self, within: std::time::Duration) -> Result<(), crate::Error> {
                self.inner().tokens.shutdown(within).await
            }

            /// What the token cache did so far.
            pub fn stats(&self) -> crate::token::Stats {
                self.inner().tokens.stats()
            }
        }

        /// Provides the tokens of [`Client::token`].
        impl crate::token::TokenProvider for Client {
            fn cached(&self, scopes: &[crate::Scope]) -> Option<crate::Token> {
                self.inner().tokens.cached(scopes)
            }

            fn token<'a>(
                &'a self,
                scopes: &'a [crate::Scope],
            ) -> crate::token::TokenFuture<'a, Result<crate::Token, crate::Error>> {
                Box::pin(self.token(scopes))
            }

            fn invalidate<'a>(&'a self, token: &'a crate::Token) -> crate::token::TokenFuture<'a, ()> {
                Box::pin(self.invalidate(token))
            }
        }
    };
}
pub(crate) use client_methods;

/// `impl Client`, for a client with `create_access_token`, its response and a function `issued` that reads it.
macro_rules! issue_method {
    ($response:ty) => {
        impl Client {
            /// Issues a token that is not cached, such as one for a page in a browser. Its expiry is
            /// interpreted as that of a cached one. Most callers want [`Client::token`].
            ///
            /// # Errors
            ///
            /// As [`Client::create_access_token`].
            ///
            /// # Cancellation
            ///
            /// As [`Client::create_access_token`].
            pub async fn issue(&self, scopes: &[crate::Scope]) -> Result<crate::UncachedToken, crate::Error> {
                let response = self.create_access_token(scopes).await?;
                crate::UncachedToken::new(response, issued, self.inner().tokens.options())
            }
        }

        /// Interprets the expiry by the default [`TokenOptions`](crate::token::TokenOptions).
        impl TryFrom<crate::Response<$response>> for crate::UncachedToken {
            type Error = crate::Error;

            fn try_from(response: crate::Response<$response>) -> Result<Self, crate::Error> {
                Self::new(response, issued, &crate::token::TokenOptions::default())
            }
        }
    };
}
pub(crate) use issue_method;

/// `impl ClientBuilder`, for a builder with the fields `inner: Builder` and `client_auth: ClientAuth`.
macro_rules! builder_methods {
    ($env:literal, $url:literal, $no_scopes:literal, $limit:literal) => {
        impl ClientBuilder {
            #[doc = concat!(
                "Starts from the environment: `", $env, "_CLIENT_ID`, `", $env, "_CLIENT_SECRET` or `", $env,
                "_CLIENT_SECRET_FILE`, and whatever else [`Config`](super::Config) has."
            )]
            ///
            /// # Errors
            ///
            /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) naming the variable that is missing, wrong or
            /// misspelt.
            pub fn from_env() -> Result<Self, crate::Error> {
                super::Config::from_env()?.builder()
            }

            /// Where the service is: https, or http on this machine.
            #[doc = concat!("Default: `", $url, "`.")]
            #[must_use]
            pub fn with_base_url(mut self, url: impl AsRef<str>) -> Self {
                self.inner.base_url = crate::transport::BaseUrl::parse(url.as_ref());
                self
            }

            /// How requests are sent: timeouts, limits, trust, proxy, a reqwest client of your own. The function gets
            /// the options as they are, such as those of the environment, and returns them changed.
            ///
            /// To share the connections of several clients, return a clone of the same [`HttpOptions`](crate::HttpOptions)
            /// each time: `with_http(|_| http.clone())`.
            #[must_use]
            pub fn with_http(
                mut self,
                customise: impl FnOnce(crate::HttpOptions) -> crate::HttpOptions,
            ) -> Self {
                self.inner.http = customise(self.inner.http);
                self
            }

            /// Where the credentials go. Default: HTTP Basic.
            #[must_use]
            pub fn with_client_auth(mut self, way: ClientAuth) -> Self {
                self.client_auth = way;
                self
            }

            /// A name that stays when the client id is replaced, such as `acme-production`. It takes the place of the
            /// client id in what the tokens of a [`TokenStore`](crate::token::TokenStore) are found by, so that a
            /// fleet needs no new tokens after a rotation. Default: none, and the client id counts.
            ///
            /// All processes that share tokens need the same name. The client secret does not count in either case.
            ///
            /// # Security
            ///
            /// Clients with the same name, base URL and options get each other's tokens from the store. Give each
            /// account a name of its own. See [how stored tokens are
            /// found](crate::token#how-stored-tokens-are-found).
            #[must_use]
            pub fn with_credentials_name(mut self, name: impl Into<String>) -> Self {
                self.inner.credentials_name = Some(name.into());
                self
            }

            /// The scopes of [`Client::default_token`].
            #[doc = $no_scopes]
            #[must_use]
            pub fn with_scopes(mut self, scopes: impl IntoIterator<Item = crate::Scope>) -> Self {
                self.inner.scopes = scopes.into_iter().collect();
                self
            }

            /// How tokens are kept and renewed, and failed calls sent again. The function gets the options as they
            /// are and returns them changed. By default calls stay within the vendor's
            #[doc = concat!("limit of ", $limit, ".")]
            #[must_use]
            pub fn with_tokens(
                mut self,
                customise: impl FnOnce(crate::token::TokenOptions) -> crate::token::TokenOptions,
            ) -> Self {
                self.inner.tokens = customise(self.inner.tokens);
                self
            }
        }
    };
}
pub(crate) use builder_methods;
