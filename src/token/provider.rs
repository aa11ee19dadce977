//! The interface through which a service gets tokens. Tests of the service can implement the
//! interface without a server.

use std::{fmt, pin::Pin, sync::Arc};

use crate::{
    Error, ErrorKind,
    token::{
        cache::{TokenCache, TokenHandle},
        scope::Scope,
        token::Token,
    },
};

/// The return type of the methods of [`TokenProvider`]. The future is boxed to allow
/// `dyn TokenProvider`.
pub type TokenFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Provides valid tokens.
///
/// A service that takes an `Arc<dyn TokenProvider>` uses a client in production and a
/// [`StaticTokenProvider`] in tests.
///
/// The MoneyKit and Moov clients implement this trait, and so do [`TokenCache`] and
/// [`TokenHandle`]. Implement this trait yourself to record the token requests of your service. For
/// your own OAuth 2.0 server, implement [`TokenSource`](crate::token::TokenSource) instead, and use
/// a [`TokenCache`].
///
/// ```
/// use std::{sync::Arc, time::Duration};
///
/// use fintech_auth::{
///     Error, Scope, Token,
///     token::{StaticTokenProvider, TokenProvider},
/// };
///
/// struct Accounts {
///     tokens: Arc<dyn TokenProvider>,
///     scopes: Vec<Scope>,
/// }
///
/// impl Accounts {
///     async fn token(&self) -> Result<Token, Error> {
///         match self.tokens.cached(&self.scopes) {
///             Some(token) => Ok(token), // allocates nothing
///             None => self.tokens.token(&self.scopes).await,
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// let tokens = StaticTokenProvider::new(Token::new("test-token", Duration::from_secs(60))?);
/// let accounts = Accounts { tokens: Arc::new(tokens), scopes: vec!["/accounts.read".parse()?] };
/// assert_eq!(accounts.token().await?.authorization(), "Bearer test-token");
/// # Ok(())
/// # }
/// ```
pub trait TokenProvider: Send + Sync + fmt::Debug {
    /// Returns a fresh token from memory, if there is one. Never waits, and sends no request.
    ///
    /// The implementations in this crate allocate nothing when they return a token for a
    /// [`ScopeSet`](crate::ScopeSet), or for up to 8 scopes in any order.
    fn cached(&self, scopes: &[Scope]) -> Option<Token>;

    /// Returns a valid token for these scopes. The order of the scopes and duplicates do not
    /// matter.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`TokenCache::token`].
    ///
    /// # Cancellation
    ///
    /// The implementations in this crate are cancel safe: a token request that was started
    /// continues in its own task.
    fn token<'a>(&'a self, scopes: &'a [Scope]) -> TokenFuture<'a, Result<Token, Error>>;

    /// Removes exactly this token. A newer token is not removed. Call this method after a 401 that
    /// reports an invalid or expired token.
    fn invalidate<'a>(&'a self, token: &'a Token) -> TokenFuture<'a, ()>;
}

impl TokenProvider for TokenCache {
    fn cached(&self, scopes: &[Scope]) -> Option<Token> {
        self.cached(scopes)
    }

    fn token<'a>(&'a self, scopes: &'a [Scope]) -> TokenFuture<'a, Result<Token, Error>> {
        Box::pin(self.token(scopes))
    }

    fn invalidate<'a>(&'a self, token: &'a Token) -> TokenFuture<'a, ()> {
        Box::pin(self.invalidate(token))
    }
}

/// Provides tokens only for the scopes of the handle. For other scopes, [`TokenProvider::cached`]
/// returns `None`, and [`TokenProvider::token`] fails with
/// [`InvalidConfig`](ErrorKind::InvalidConfig).
impl TokenProvider for TokenHandle {
    fn cached(&self, scopes: &[Scope]) -> Option<Token> {
        if self.is_for(scopes) { self.cached() } else { None }
    }

    fn token<'a>(&'a self, scopes: &'a [Scope]) -> TokenFuture<'a, Result<Token, Error>> {
        Box::pin(async move {
            if !self.is_for(scopes) {
                return Err(Error::new(ErrorKind::InvalidConfig, "this token handle is for other scopes"));
            }
            self.token().await
        })
    }

    fn invalidate<'a>(&'a self, token: &'a Token) -> TokenFuture<'a, ()> {
        Box::pin(self.invalidate(token))
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: TokenProvider + ?Sized> TokenProvider for $pointer {
            fn cached(&self, scopes: &[Scope]) -> Option<Token> {
                T::cached(self, scopes)
            }

            fn token<'a>(&'a self, scopes: &'a [Scope]) -> TokenFuture<'a, Result<Token, Error>> {
                T::token(self, scopes)
            }

            fn invalidate<'a>(&'a self, token: &'a Token) -> TokenFuture<'a, ()> {
                T::invalidate(self, token)
            }
        }
    )*};
}

forward!(&T, Arc<T>);

/// Provides the same token for all scopes, or always fails. Use this provider in tests of a
/// service.
///
/// Invalidating the token has no effect.
///
/// ```
/// use fintech_auth::{
///     Error, ErrorKind,
///     token::{StaticTokenProvider, TokenProvider},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let unavailable = Error::new(ErrorKind::Unavailable, "no token today");
/// let tokens = StaticTokenProvider::failing(unavailable);
/// assert_eq!(tokens.token(&[]).await.unwrap_err().kind(), ErrorKind::Unavailable);
/// assert!(tokens.cached(&[]).is_none());
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct StaticTokenProvider(Result<Token, Error>);

impl StaticTokenProvider {
    /// Creates a provider that returns this token, even after it has expired. See [`Token::new`].
    pub fn new(token: Token) -> Self {
        Self(Ok(token))
    }

    /// Creates a provider that always fails with this error. See [`Error::new`].
    pub fn failing(error: Error) -> Self {
        Self(Err(error))
    }
}

impl TokenProvider for StaticTokenProvider {
    fn cached(&self, _: &[Scope]) -> Option<Token> {
        self.0.as_ref().ok().cloned()
    }

    fn token<'a>(&'a self, _: &'a [Scope]) -> TokenFuture<'a, Result<Token, Error>> {
        Box::pin(std::future::ready(self.0.clone()))
    }

    fn invalidate<'a>(&'a self, _: &'a Token) -> TokenFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }
}
