//! The layer for tower services that send HTTP requests.

use std::{
    error::Error as StdError,
    fmt,
    future::{Future, poll_fn},
    marker::PhantomData,
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, Response, StatusCode};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::{Authorizer, Kind, PeekedBody, key_pair::KeyPair, peeked, send::repetition};
use crate::Error;

/// Copies the body of a request, so that the request can be sent a second time.
///
/// Use [`CloneBody`] or [`NoRetry`], or implement this trait if only some values of your body type
/// can be copied.
pub trait RepeatBody<B> {
    /// Returns a copy of the body, or `None` if the body cannot be copied.
    fn repeat(body: &B) -> Option<B>;
}

/// Copies a body with its implementation of [`Clone`].
#[derive(Clone, Copy, Debug)]
pub struct CloneBody;

/// Never copies bodies, so no request is repeated.
///
/// If a 401 says that the token is invalid, the service still invalidates the token, so that the
/// next request gets a new token.
#[derive(Clone, Copy, Debug)]
pub struct NoRetry;

impl<B: Clone> RepeatBody<B> for CloneBody {
    fn repeat(body: &B) -> Option<B> {
        Some(body.clone())
    }
}

impl<B> RepeatBody<B> for NoRetry {
    fn repeat(_: &B) -> Option<B> {
        None
    }
}

/// Adds tokens to the requests of an HTTP client that is a tower service.
///
/// [The module](super) describes which requests get a token, and what happens on a 401.
///
/// Requests need absolute URIs, which hyper's client also requires. A relative URI has no origin,
/// so a request with a relative URI gets no token. The response body of the service must be
/// [`Unpin`], like the bodies of hyper. The layer wraps this body in a [`PeekedBody`].
///
/// ```
/// use std::convert::Infallible;
///
/// use fintech_auth::authorize::AuthorizeLayer;
/// # #[cfg(feature = "emulator")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use tower_layer::Layer as _;
/// use tower_service::Service as _;
///
/// let emulator = fintech_auth::emulator::Emulator::start().await?;
/// let bearer = emulator.moov().build()?.bearer(&["/accounts.read".parse()?])?;
///
/// # #[derive(Clone)]
/// # struct Client;
/// # impl tower_service::Service<http::Request<String>> for Client {
/// #     type Response = http::Response<http_body_util::Full<bytes::Bytes>>;
/// #     type Error = Infallible;
/// #     type Future = std::future::Ready<Result<Self::Response, Infallible>>;
/// #     fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
/// #         std::task::Poll::Ready(Ok(()))
/// #     }
/// #     fn call(&mut self, request: http::Request<String>) -> Self::Future {
/// #         assert!(request.headers().contains_key("authorization"));
/// #         std::future::ready(Ok(http::Response::default()))
/// #     }
/// # }
/// # let client = Client;
/// let mut client = AuthorizeLayer::new(bearer).layer(client); // for example hyper_util's
/// let request = http::Request::get(format!("{}/accounts", emulator.url())).body(String::new())?;
/// let response = client.call(request).await?;
/// assert_eq!(response.status(), 200);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "emulator"))]
/// # fn main() {}
/// ```
pub struct AuthorizeLayer<R = CloneBody> {
    authorizer: Authorizer,
    repeat: PhantomData<fn() -> R>,
}

impl AuthorizeLayer {
    /// Creates a layer that adds the credentials of this authorizer. The layer may repeat a
    /// request, so the bodies must be [`Clone`].
    pub fn new(authorizer: Authorizer) -> Self {
        Self { authorizer, repeat: PhantomData }
    }

    /// Sets how bodies are copied: [`NoRetry`] for bodies that cannot be cloned, or your own type.
    #[must_use]
    pub fn with_repeat<R>(self) -> AuthorizeLayer<R> {
        AuthorizeLayer { authorizer: self.authorizer, repeat: PhantomData }
    }
}

impl<R, T> Layer<T> for AuthorizeLayer<R> {
    type Service = AuthorizeService<T, R>;

    fn layer(&self, inner: T) -> Self::Service {
        AuthorizeService { inner, authorizer: self.authorizer.clone(), repeat: PhantomData }
    }
}

/// The service that [`AuthorizeLayer`] creates.
pub struct AuthorizeService<T, R = CloneBody> {
    inner: T,
    authorizer: Authorizer,
    repeat: PhantomData<fn() -> R>,
}

impl<T, R, B, A> Service<Request<B>> for AuthorizeService<T, R>
where
    T: Service<Request<B>, Response = Response<A>> + Clone + Send + 'static,
    T::Future: Send,
    R: RepeatBody<B> + 'static,
    B: Send + 'static,
    A: Body + Send + Unpin + 'static,
    A::Error: Send,
{
    type Response = Response<PeekedBody<A>>;
    type Error = AuthorizeError<T::Error>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(AuthorizeError::Service)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // `poll_ready` succeeded for this instance, but not for the clone. So call this instance.
        let clone = self.inner.clone();
        let inner = mem::replace(&mut self.inner, clone);
        Box::pin(send::<T, R, B, A>(inner, self.authorizer.clone(), request))
    }
}

async fn send<T, R, B, A>(
    mut inner: T,
    authorizer: Authorizer,
    mut request: Request<B>,
) -> Result<Response<PeekedBody<A>>, AuthorizeError<T::Error>>
where
    T: Service<Request<B>, Response = Response<A>>,
    R: RepeatBody<B>,
    A: Body + Unpin,
{
    let covered = authorizer.origins.iter().any(|origin| origin.has_uri(request.uri()));
    if !covered || authorizer.has_credentials(request.headers()) {
        let response = inner.call(request).await.map_err(AuthorizeError::Service)?;
        return Ok(response.map(PeekedBody::untouched));
    }
    let tokens = match &authorizer.kind {
        Kind::Tokens(tokens) => tokens,
        Kind::KeyPair(pair) => {
            KeyPair::check(request.extensions()).map_err(AuthorizeError::Token)?;
            let sent = pair.current().await.map_err(AuthorizeError::Token)?;
            let again = copy::<R, B>(&request);
            sent.sign(request.headers_mut());
            let response = inner.call(request).await.map_err(AuthorizeError::Service)?;
            let Some((mut again, other)) = pair.repetition(&sent, response.status(), again).await else {
                return Ok(response.map(PeekedBody::untouched));
            };
            // Free the connection of the first response, because the service may need this
            // connection for the second request.
            drop(response);
            other.sign(again.headers_mut());
            poll_fn(|context| inner.poll_ready(context)).await.map_err(AuthorizeError::Service)?;
            let response = inner.call(again).await.map_err(AuthorizeError::Service)?;
            return Ok(response.map(PeekedBody::untouched));
        }
    };
    let tokens = &*tokens.for_request(request.extensions()).map_err(AuthorizeError::Token)?;
    let token = tokens.handle.token().await.map_err(AuthorizeError::Token)?;
    let again = copy::<R, B>(&request);
    tokens.sign(request.headers_mut(), &token);
    let response = inner.call(request).await.map_err(AuthorizeError::Service)?;
    let (body, response) = peeked::peek(response).await;
    let rejection = tokens.classify(response.status(), response.headers(), body.as_deref());
    let Some((mut again, replacement)) = repetition(tokens, &token, rejection, again).await else {
        return Ok(response);
    };
    // Free the connection of the first response, because the service may need this connection for
    // the second request.
    drop(response);
    tokens.sign(again.headers_mut(), replacement.token());
    poll_fn(|context| inner.poll_ready(context)).await.map_err(AuthorizeError::Service)?;
    let response = inner.call(again).await.map_err(AuthorizeError::Service)?;
    tokens.handle.conclude(&replacement, response.status() != StatusCode::UNAUTHORIZED).await;
    Ok(response.map(PeekedBody::untouched))
}

fn copy<R: RepeatBody<B>, B>(request: &Request<B>) -> Option<Request<B>> {
    let mut copy = Request::new(R::repeat(request.body())?);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    *copy.extensions_mut() = request.extensions().clone();
    Some(copy)
}

/// The reason why an [`AuthorizeService`] returned no response.
#[derive(Debug)]
#[non_exhaustive]
pub enum AuthorizeError<E> {
    /// No token is available, so the request was not sent.
    Token(Error),
    /// The service failed.
    Service(E),
}

impl<E> fmt::Display for AuthorizeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "no token for the request",
            Self::Service(_) => "the request failed",
        })
    }
}

impl<E: StdError + 'static> StdError for AuthorizeError<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(match self {
            Self::Token(error) => error,
            Self::Service(error) => error,
        })
    }
}

impl<R> Clone for AuthorizeLayer<R> {
    fn clone(&self) -> Self {
        Self { authorizer: self.authorizer.clone(), repeat: PhantomData }
    }
}

impl<T: Clone, R> Clone for AuthorizeService<T, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), authorizer: self.authorizer.clone(), repeat: PhantomData }
    }
}

impl<R> fmt::Debug for AuthorizeLayer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AuthorizeLayer").field(&self.authorizer).finish()
    }
}

impl<T: fmt::Debug, R> fmt::Debug for AuthorizeService<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizeService")
            .field("inner", &self.inner)
            .field("authorizer", &self.authorizer)
            .finish()
    }
}
