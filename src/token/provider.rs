//! The interface by which a service gets tokens, so that its tests can replace the source of them.

use std::{fmt, pin::Pin, sync::Arc};

use crate::{
    Error, ErrorKind,
    token::{
        cache::{TokenCache, TokenHandle},
        scope::Scope,
        token::Token,
    },
};

/// What the methods of a [`TokenProvider`] return: boxed, so that any provider can be used as `dyn`.
pub type TokenFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Provides tokens that work now. A service that takes an `Arc<dyn TokenProvider>` runs with a client in
/// production and with a [`StaticTokenProvider`] in its tests.
///
/// Both clients implement it, and so do [`TokenCache`] and [`TokenHandle`]. Implement it yourself to record what your
/// service requests; for an OAuth 2.0 server of your own, implement [`TokenSource`](crate::token::TokenSource)
/// instead, and use a [`TokenCache`].
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
    /// A fresh token from memory, if there is one. Never waits and never sends. In this crate, a hit
    /// allocates nothing for a [`ScopeSet`](crate::ScopeSet), and for up to 8 scopes in any order.
    fn cached(&self, scopes: &[Scope]) -> Option<Token>;

    /// A token for these scopes that works now. Their order and repetitions do not matter. Fails with what
    /// [`TokenCache::token`] fails with.
    ///
    /// Cancellation is safe in this crate: a request for a token that was started continues in a task of its own.
    fn token<'a>(&'a self, scopes: &'a [Scope]) -> TokenFuture<'a, Result<Token, Error>>;

    /// Forgets exactly this token, and not a newer one. Call it after a 401 that means that the token has
    /// expired.
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

/// Provides tokens for the handle's own scopes only. For other scopes nothing is cached, and
/// [`TokenProvider::token`] fails with [`InvalidConfig`](ErrorKind::InvalidConfig).
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

/// Forwards to the provider behind a pointer.
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

/// Provides one token for any scopes, or fails each time: for tests of a service.
///
/// Invalidating its token has no effect.
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
    /// Provides this token for any scopes, also after it has expired. [`Token::new`] makes one.
    pub fn new(token: Token) -> Self {
        Self(Ok(token))
    }

    /// Fails with this error, for any scopes. [`Error::new`] makes one.
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
