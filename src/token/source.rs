//! The interface through which the cache requests tokens.

use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    Error, ErrorKind, Secret,
    clock::millis,
    token::{
        cache::options::TokenOptions,
        fingerprint::Fingerprint,
        lifetime::{
            age::Expires,
            expires_in::ExpiresIn,
            expiry::{self, Expiry, Facts},
        },
        scope::Scope,
        store::StoredToken,
        token::{Issued, Token},
    },
};

/// Issues access tokens. A source is the token endpoint of a vendor, or of any other OAuth 2.0
/// server.
///
/// A [`TokenCache`](super::TokenCache) that is built from a source adds caching, refresh and
/// limits.
///
/// # Cancellation
///
/// The cache runs these methods in its own tasks. The tasks continue if a caller stops waiting.
/// Dropping the last clone of the cache cancels the tasks.
pub trait TokenSource: Send + Sync + 'static {
    /// Identifies the source by all settings that affect its tokens, such as the server, the client
    /// id, the client type and the API version. The scopes are not part of the fingerprint.
    ///
    /// A [`TokenStore`](super::TokenStore) finds tokens by this fingerprint. Do not include the
    /// client secret, because stored tokens must still be found after the secret was replaced. See
    /// [the security considerations](super#how-stored-tokens-are-found).
    fn fingerprint(&self) -> Fingerprint;

    /// Identifies the credentials (client id and secret) with which the next call is sent.
    ///
    /// After the server has refused these credentials, neither this process nor another process
    /// with the same store sends these credentials for a time. The option
    /// [`TokenOptions::with_negative_cache_ttl`] sets this time. Different credentials are not
    /// affected. The default implementation returns [`Self::fingerprint`].
    fn credentials_fingerprint(&self) -> Fingerprint {
        self.fingerprint()
    }

    /// Looks for new credentials after the server has refused the credentials with the fingerprint
    /// `refused`.
    ///
    /// Returns whether [`Self::credentials_fingerprint`] now identifies different credentials. If
    /// `true`, the cache repeats the failed request once, within the rate limit. Otherwise the
    /// cache remembers the refusal. A request with a refresh token is repeated only if the error is
    /// clearly about the credentials: a 401 or the code `invalid_client`. The default
    /// implementation returns `false`.
    fn renew_credentials(&self, refused: &Fingerprint) -> impl Future<Output = bool> + Send {
        let _ = refused;
        async { false }
    }

    /// Requests a token for these scopes (RFC 6749 section 4.4). The scopes are sorted and without
    /// duplicates.
    ///
    /// The implementation must send exactly one request, without retries.
    fn issue(&self, scopes: &[Scope]) -> impl Future<Output = Result<IssuedToken, Error>> + Send;

    /// Exchanges a refresh token (RFC 6749 section 6).
    ///
    /// The cache passes only refresh tokens that this method or [`Self::issue`] returned. If this
    /// method fails, the cache calls [`Self::issue`] in the same refresh. The cache sends the same
    /// refresh token again only if the error is transient and the request [was certainly not
    /// sent](Error::may_have_been_sent), or after [`Self::renew_credentials`] has returned `true`.
    fn refresh(&self, refresh_token: &Secret) -> impl Future<Output = Result<IssuedToken, Error>> + Send {
        let _ = refresh_token;
        async { Err(Error::new(ErrorKind::InvalidRequest, "this source has no refresh grant")) }
    }
}

pub(super) trait AnySource: Send + Sync {
    fn fingerprint(&self) -> Fingerprint;
    fn credentials_fingerprint(&self) -> Fingerprint;
    fn renew_credentials<'a>(
        &'a self,
        refused: &'a Fingerprint,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>>;
    fn issue<'a>(&'a self, scopes: &'a [Scope]) -> IssueFuture<'a>;
    fn refresh<'a>(&'a self, refresh_token: &'a Secret) -> IssueFuture<'a>;
}

type IssueFuture<'a> = Pin<Box<dyn Future<Output = Result<IssuedToken, Error>> + Send + 'a>>;

impl<S: TokenSource> AnySource for S {
    fn fingerprint(&self) -> Fingerprint {
        TokenSource::fingerprint(self)
    }

    fn credentials_fingerprint(&self) -> Fingerprint {
        TokenSource::credentials_fingerprint(self)
    }

    fn renew_credentials<'a>(
        &'a self,
        refused: &'a Fingerprint,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(TokenSource::renew_credentials(self, refused))
    }

    fn issue<'a>(&'a self, scopes: &'a [Scope]) -> IssueFuture<'a> {
        Box::pin(TokenSource::issue(self, scopes))
    }

    fn refresh<'a>(&'a self, refresh_token: &'a Secret) -> IssueFuture<'a> {
        Box::pin(TokenSource::refresh(self, refresh_token))
    }
}

impl<S: TokenSource> TokenSource for Arc<S> {
    fn fingerprint(&self) -> Fingerprint {
        TokenSource::fingerprint(&**self)
    }

    fn credentials_fingerprint(&self) -> Fingerprint {
        TokenSource::credentials_fingerprint(&**self)
    }

    fn renew_credentials(&self, refused: &Fingerprint) -> impl Future<Output = bool> + Send {
        TokenSource::renew_credentials(&**self, refused)
    }

    fn issue(&self, scopes: &[Scope]) -> impl Future<Output = Result<IssuedToken, Error>> + Send {
        TokenSource::issue(&**self, scopes)
    }

    fn refresh(&self, refresh_token: &Secret) -> impl Future<Output = Result<IssuedToken, Error>> + Send {
        TokenSource::refresh(&**self, refresh_token)
    }
}

/// A token response (RFC 6749 section 5.1).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IssuedToken {
    /// The access token.
    pub access_token: Secret,
    /// The `expires_in` field: a number of seconds or a Unix timestamp.
    pub expires_in: Option<ExpiresIn>,
    /// The refresh token. `None` if the response contains no refresh token. The cache ignores a
    /// blank refresh token.
    pub refresh_token: Option<Secret>,
    /// The granted scopes, separated by spaces. `None` if the response does not contain them.
    pub scope: Option<String>,
    /// The `Date` header of the HTTP response.
    pub date: Option<SystemTime>,
}

impl IssuedToken {
    /// Creates a response with an access token and no other field.
    pub fn new(access_token: impl Into<Secret>) -> Self {
        Self {
            access_token: access_token.into(),
            expires_in: None,
            refresh_token: None,
            scope: None,
            date: None,
        }
    }

    /// Converts the response to a token with the expiry that a cache with these options would use.
    ///
    /// The token does not belong to a cache, so the token is not refreshed. The lifetime starts at
    /// `sent`, the wall-clock time at which the request was sent.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidResponse`](crate::ErrorKind::InvalidResponse) if the access
    /// token is empty, is longer than 16 KiB, or contains a space or a character that is not
    /// printable ASCII.
    pub fn into_token(self, sent: SystemTime, options: &TokenOptions) -> Result<Token, Error> {
        self.interpret(sent, options).map(|(token, _)| token)
    }

    pub(crate) fn interpret(
        self,
        sent: SystemTime,
        options: &TokenOptions,
    ) -> Result<(Token, Duration), Error> {
        let Expiry { lifetime, rule, .. } = self.expiry(sent, SystemTime::now(), options);
        let sent_wall = millis(sent.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
        let life = options.life(Expires { lifetime, rule, sent: 0, sent_wall }, 0.0);
        let stored = StoredToken::new(self.access_token, Duration::ZERO, lifetime);
        let issued = Issued::new(&stored.access_token, self.scope, stored.id, 0, life)?;
        Ok((Token::from_arc(Arc::new(issued)), lifetime))
    }

    pub(super) fn expiry(&self, sent: SystemTime, received: SystemTime, options: &TokenOptions) -> Expiry {
        let facts = Facts {
            expires_in: self.expires_in,
            access_token: self.access_token.expose_secret(),
            date: self.date,
            sent,
            received,
        };
        expiry::resolve(&facts, &options.limits)
    }
}
