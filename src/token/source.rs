//! Who is asked for tokens. It asks and never remembers.

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

/// Something that issues access tokens: a vendor's token endpoint, or any OAuth 2.0 server of yours.
///
/// Give one to a [`TokenCache`](super::TokenCache), and it gets the whole lifecycle.
///
/// # Cancellation
///
/// The cache runs these in a task of its own: a caller that goes away does not cancel them. Dropping
/// the last handle of the cache does.
pub trait TokenSource: Send + Sync + 'static {
    /// What its tokens depend on besides their scopes: server, client id, client type, version. Tokens that a
    /// [`TokenStore`](super::TokenStore) holds are found by this.
    ///
    /// Leave the client secret out, so that a new secret finds the stored tokens. What that means for security is
    /// [documented](super#what-a-stored-token-is-found-by).
    fn fingerprint(&self) -> Fingerprint;

    /// Identifies the credentials that a call is sent with now: the client id and the secret. If the server refuses
    /// them, this process and those with the same store stop sending calls with these credentials, and with no
    /// others. Default: [`Self::fingerprint`].
    fn credentials_fingerprint(&self) -> Fingerprint {
        self.fingerprint()
    }

    /// Looks for other credentials after the server refused `refused`, before the refusal is remembered. Returns
    /// whether [`Self::credentials_fingerprint`] is now that of others. Then the call is sent once more, within the
    /// rate limit. A refresh token is sent once more only if the error is about the credentials alone: a 401 or the
    /// code `invalid_client`. Default: `false`.
    fn renew_credentials(&self, refused: &Fingerprint) -> impl Future<Output = bool> + Send {
        let _ = refused;
        async { false }
    }

    /// Issues a token for these scopes, sorted and each once (RFC 6749 section 4.4). Sends one
    /// request, and does not repeat it.
    fn issue(&self, scopes: &[Scope]) -> impl Future<Output = Result<IssuedToken, Error>> + Send;

    /// Exchanges a refresh token (RFC 6749 section 6). It is called only with what [`Self::issue`] or
    /// this returned. After an error, [`Self::issue`] is called in the same refresh. The same refresh
    /// token is sent again only after an error that is transient and
    /// [certainly was not sent](Error::may_have_been_sent).
    fn refresh(&self, refresh_token: &Secret) -> impl Future<Output = Result<IssuedToken, Error>> + Send {
        let _ = refresh_token;
        async { Err(Error::new(ErrorKind::InvalidRequest, "this source has no refresh grant")) }
    }
}

/// [`TokenSource`] as an object, so that what asks it does not depend on which it is.
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
    /// Its `expires_in`, not interpreted.
    pub expires_in: Option<ExpiresIn>,
    /// The refresh token. Leave it out if there is no refresh grant. An empty or blank one counts as none.
    pub refresh_token: Option<Secret>,
    /// The granted scopes, separated by spaces, where the server names them.
    pub scope: Option<String>,
    /// The `Date` of the HTTP response.
    pub date: Option<SystemTime>,
}

impl IssuedToken {
    /// A token of which nothing else is known.
    pub fn new(access_token: impl Into<Secret>) -> Self {
        Self {
            access_token: access_token.into(),
            expires_in: None,
            refresh_token: None,
            scope: None,
            date: None,
        }
    }

    /// The token as a cache with these options would believe it. It belongs to no cache, so nothing refreshes it.
    /// `sent` is when the request was sent, on the wall clock: the lifetime begins there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidResponse`](crate::ErrorKind::InvalidResponse) for a token that no header can carry.
    pub fn into_token(self, sent: SystemTime, options: &TokenOptions) -> Result<Token, Error> {
        self.interpret(sent, options).map(|(token, _)| token)
    }

    /// As [`Self::into_token`], with the token's whole lifetime.
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
