//! The middleware for reqwest-middleware.

use async_trait::async_trait;
use http::{Extensions, StatusCode};
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};

use super::{
    Authorizer, Kind,
    key_pair::KeyPair,
    send::{judge, repetition},
};

/// Adds tokens to the requests of a `reqwest_middleware` client.
///
/// [The module](super) describes which requests get a token, and what happens on a 401.
///
/// Usually, add this middleware last. If you add another middleware before this middleware, the
/// other middleware sees each request only once, even if the request is repeated. If another
/// middleware must see both attempts, add it after this middleware.
///
/// If no token is available, the client returns `reqwest_middleware::Error::Middleware`. The inner
/// error can be downcast to [`Error`](crate::Error).
///
/// ```
/// # #[cfg(feature = "emulator")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use fintech_auth::{HttpOptions, authorize::AuthorizeMiddleware, emulator::Emulator};
///
/// let emulator = Emulator::start().await?;
/// let moneykit = emulator.moneykit().build()?;
///
/// // You can also use your own client, and add your other middlewares.
/// let http = HttpOptions::default().to_reqwest(emulator.url())?;
/// let authorizer = AuthorizeMiddleware::new(moneykit.bearer(&[])?);
/// let http = reqwest_middleware::ClientBuilder::new(http).with(authorizer).build();
/// let response = http.get(format!("{}/auth/introspect", emulator.url())).send().await?;
/// assert_eq!(response.status(), 200);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "emulator"))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct AuthorizeMiddleware(Authorizer);

impl AuthorizeMiddleware {
    /// Creates a middleware that adds the credentials of this authorizer.
    pub fn new(authorizer: Authorizer) -> Self {
        Self(authorizer)
    }
}

#[async_trait]
impl Middleware for AuthorizeMiddleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let authorizer = &self.0;
        if !authorizer.wants(&request) {
            return next.run(request, extensions).await;
        }
        let tokens = match &authorizer.kind {
            Kind::Tokens(tokens) => tokens,
            Kind::KeyPair(pair) => {
                KeyPair::check(extensions).map_err(Error::middleware)?;
                let sent = pair.current().await.map_err(Error::middleware)?;
                let again = request.try_clone();
                sent.sign(request.headers_mut());
                let response = next.clone().run(request, extensions).await?;
                let Some((mut again, other)) = pair.repetition(&sent, response.status(), again).await else {
                    return Ok(response);
                };
                drop(response);
                other.sign(again.headers_mut());
                return next.run(again, extensions).await;
            }
        };
        let tokens = &*tokens.for_request(extensions).map_err(Error::middleware)?;
        let token = tokens.handle.token().await.map_err(Error::middleware)?;
        let again = request.try_clone();
        tokens.sign(request.headers_mut(), &token);
        let response = next.clone().run(request, extensions).await?;
        let (rejection, response) = judge(tokens, response).await;
        let Some((mut again, replacement)) = repetition(tokens, &token, rejection, again).await else {
            return Ok(response);
        };
        drop(response);
        tokens.sign(again.headers_mut(), replacement.token());
        let response = next.run(again, extensions).await?;
        tokens.handle.conclude(&replacement, response.status() != StatusCode::UNAUTHORIZED).await;
        Ok(response)
    }
}
