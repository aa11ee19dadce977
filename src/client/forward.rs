//! Macros that define the public methods of both vendors' clients and builders.

macro_rules! client_methods {
    ($without_scopes:literal) => {
        impl Client {
            /// Creates a builder with these credentials.
            ///
            /// Pass [`Credentials`](crate::Credentials), files
            /// ([`FileCredentials`](crate::FileCredentials)), or your own
            /// [`CredentialsProvider`](crate::CredentialsProvider).
            pub fn builder(credentials: impl crate::CredentialsProvider) -> ClientBuilder {
                ClientBuilder::new(std::sync::Arc::new(credentials))
            }

            /// Returns a valid token for these scopes.
            ///
            /// If the cache has a valid token, this method returns it from memory. Otherwise all
            /// callers that wait for this token share one request. A stale token is renewed in the
            /// background.
            #[doc = $without_scopes]
            ///
            /// # Errors
            ///
            /// - [`Unauthorized`](crate::ErrorKind::Unauthorized) if the service rejects the
            ///   credentials.
            /// - [`RateLimited`](crate::ErrorKind::RateLimited) if the rate limit of the service,
            ///   or your own, does not allow a request in time.
            /// - [`Timeout`](crate::ErrorKind::Timeout) if no token was received in time.
            /// - [`Unavailable`](crate::ErrorKind::Unavailable) if the service or the connection
            ///   fails, after retries.
            /// - [`InvalidRequest`](crate::ErrorKind::InvalidRequest) if the service rejects the
            ///   request, for example its scopes.
            /// - [`InvalidResponse`](crate::ErrorKind::InvalidResponse) if the response does not
            ///   match the API schema.
            /// - [`InvalidConfig`](crate::ErrorKind::InvalidConfig) if an argument or a setting is
            ///   invalid.
            ///
            /// A retry does not help after `InvalidRequest`, `InvalidResponse` and `InvalidConfig`.
            /// After a failed token request, further calls get the same error, with
            /// [`Error::retry_after`](crate::Error::retry_after), until the next attempt is due.
            ///
            /// # Cancellation
            ///
            /// Cancel safe: a running request continues in its own task, and its token is cached.
            pub async fn token(&self, scopes: &[crate::Scope]) -> Result<crate::Token, crate::Error> {
                self.inner().tokens.token(scopes).await
            }

            /// Returns a valid token for the scopes of [`ClientBuilder::with_scopes`]. This method
            /// is the fastest way to get a token.
            ///
            /// # Errors
            ///
            /// Returns the same errors as [`Client::token`].
            ///
            /// # Cancellation
            ///
            /// Cancel safe, like [`Client::token`].
            pub async fn default_token(&self) -> Result<crate::Token, crate::Error> {
                self.inner().default.token().await
            }

            /// Invalidates this token in the cache. A newer token in the cache stays valid. Call
            /// this method if a 401 shows that the token has expired.
            ///
            /// # Cancellation
            ///
            /// The token is removed from the cache immediately. If the store cannot be reached, the
            /// next refresh updates the store.
            pub async fn invalidate(&self, token: &crate::Token) {
                self.inner().tokens.invalidate(token).await;
            }

            /// Returns an [`Authorizer`](crate::authorize::Authorizer) that adds tokens with these
            /// scopes to your own requests to the origin of the base URL.
            #[doc = $without_scopes]
            ///
            /// # Errors
            ///
            /// Returns [`InvalidConfig`](crate::ErrorKind::InvalidConfig) if the scopes are too
            /// long, if there are no scopes and the vendor requires a scope, or if there are too
            /// many handles
            /// ([`TokenOptions::with_max_handles`](crate::token::TokenOptions::with_max_handles)).
            pub fn bearer(
                &self,
                scopes: &[crate::Scope],
            ) -> Result<crate::authorize::Authorizer, crate::Error> {
                self.inner().bearer(scopes)
            }

            /// Returns the scopes of [`ClientBuilder::with_scopes`].
            pub fn scopes(&self) -> &crate::ScopeSet {
                &self.inner().scopes
            }

            /// Determines whether the server rejected the token of a request.
            ///
            /// Applies [the vendor's rule for a 401](crate::authorize#what-happens-on-a-401). Use
            /// this method with [`TokenCache::run`](crate::token::TokenCache::run). If you have not
            /// read the body of the response, pass `None` as `body`.
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

            /// Returns the base URL of the service without a trailing slash, for your own requests.
            pub fn base_url(&self) -> &str {
                crate::client::Api::http(&*self.inner().api).base()
            }

            /// Returns the token cache, for example to limit how long a call waits for a token, to
            /// create a handle for a fixed scope set, or to run your request with a token and once
            /// more with a new token after a 401.
            pub fn tokens(&self) -> &crate::token::TokenCache {
                &self.inner().tokens
            }

            /// Ends the token refreshes of this client and of all its clones, and waits at most
            /// `within` for them to end. Call this method before the process ends.
            ///
            /// See [`TokenCache::shutdown`](crate::token::TokenCache::shutdown). After the
            /// shutdown, operations that you call yourself, such as a revocation, still work, and
            /// webhooks are still verified.
            ///
            /// # Errors
            ///
            /// Returns the same errors as
            /// [`TokenCache::shutdown`](crate::token::TokenCache::shutdown).
            ///
            /// # Cancellation
            ///
            /// See [`TokenCache::shutdown`](crate::token::TokenCache::shutdown).
            pub async fn shutdown(&self, within: std::time::Duration) -> Result<(), crate::Error> {
                self.inner().tokens.shutdown(within).await
            }

            /// Returns the counters of the token cache.
            pub fn stats(&self) -> crate::token::Stats {
                self.inner().tokens.stats()
            }
        }

        /// Provides the same tokens as [`Client::token`].
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

macro_rules! issue_method {
    ($response:ty) => {
        impl Client {
            /// Requests a token without caching it, for example to pass the token to a web page.
            ///
            /// The expiry is computed in the same way as for cached tokens. Most callers need
            /// [`Client::token`] instead.
            ///
            /// # Errors
            ///
            /// Returns the same errors as [`Client::create_access_token`].
            ///
            /// # Cancellation
            ///
            /// See [`Client::create_access_token`].
            pub async fn issue(&self, scopes: &[crate::Scope]) -> Result<crate::UncachedToken, crate::Error> {
                let response = self.create_access_token(scopes).await?;
                crate::UncachedToken::new(response, issued, self.inner().tokens.options())
            }
        }

        /// Computes the expiry with the default [`TokenOptions`](crate::token::TokenOptions).
        impl TryFrom<crate::Response<$response>> for crate::UncachedToken {
            type Error = crate::Error;

            fn try_from(response: crate::Response<$response>) -> Result<Self, crate::Error> {
                Self::new(response, issued, &crate::token::TokenOptions::default())
            }
        }
    };
}
pub(crate) use issue_method;

macro_rules! builder_methods {
    ($env:literal, $url:literal, $no_scopes:literal, $limit:literal) => {
        impl ClientBuilder {
            #[doc = concat!(
                "Creates a builder from the environment variables `", $env, "_CLIENT_ID`, `", $env, "_CLIENT_SECRET` or `", $env,
                "_CLIENT_SECRET_FILE`, and from those of all other settings of [`Config`](super::Config)."
            )]
            ///
            /// # Errors
            ///
            /// Returns [`InvalidConfig`](crate::ErrorKind::InvalidConfig) with the name of the
            /// variable if a variable is missing, invalid or misspelt.
            pub fn from_env() -> Result<Self, crate::Error> {
                super::Config::from_env()?.builder()
            }

            /// Sets the base URL of the service: https, or http on the loopback interface.
            #[doc = concat!("Default: `", $url, "`.")]
            #[must_use]
            pub fn with_base_url(mut self, url: impl AsRef<str>) -> Self {
                self.inner.base_url = crate::transport::BaseUrl::parse(url.as_ref());
                self
            }

            /// Sets how requests are sent: timeouts, limits, certificates, proxy, or your own
            /// reqwest client.
            ///
            /// The function receives the current options, for example the options from the
            /// environment, and returns the changed options.
            ///
            /// To share the connections of several clients, return a clone of the same
            /// [`HttpOptions`](crate::HttpOptions) each time: `with_http(|_| http.clone())`.
            #[must_use]
            pub fn with_http(
                mut self,
                customise: impl FnOnce(crate::HttpOptions) -> crate::HttpOptions,
            ) -> Self {
                self.inner.http = customise(self.inner.http);
                self
            }

            /// Sets how the client sends the credentials. Default: HTTP Basic.
            #[must_use]
            pub fn with_client_auth(mut self, way: ClientAuth) -> Self {
                self.client_auth = way;
                self
            }

            /// Sets a name that stays the same when the client id is replaced, such as
            /// `acme-production`.
            ///
            /// A [`TokenStore`](crate::token::TokenStore) finds a token by a key. With a name, this
            /// key contains the name instead of the client id, so a client with a new client id
            /// still finds the stored tokens. All processes that share tokens need the same name.
            /// The key never contains the client secret.
            ///
            /// Default: no name, so the key contains the client id.
            ///
            /// # Security
            ///
            /// Clients with the same name, base URL and options share the tokens in the store. Use
            /// a different name for each account. See [how stored tokens are
            /// found](crate::token#how-stored-tokens-are-found).
            #[must_use]
            pub fn with_credentials_name(mut self, name: impl Into<String>) -> Self {
                self.inner.credentials_name = Some(name.into());
                self
            }

            /// Sets the scopes of [`Client::default_token`].
            #[doc = $no_scopes]
            #[must_use]
            pub fn with_scopes(mut self, scopes: impl IntoIterator<Item = crate::Scope>) -> Self {
                self.inner.scopes = scopes.into_iter().collect();
                self
            }

            /// Sets how tokens are cached and renewed, and how failed calls are retried.
            ///
            /// The function receives the current options and returns the changed options. By
            /// default, calls stay within the vendor's
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
