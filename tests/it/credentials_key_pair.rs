//! Tests custom requests that authenticate with a key pair while the key pair is replaced.

use std::convert::Infallible;

use fintech_auth::{
    HttpOptions,
    authorize::{AuthorizeLayer, AuthorizeMiddleware, Authorizer, progenitor},
    moneykit, moov,
};
use http::StatusCode;
use tower_layer::Layer as _;
use tower_service::Service as _;

use crate::credentials_server::{Cached, Server};

fn authorizers(server: &Server) -> [(Authorizer, Cached); 2] {
    let (one, two) = (Cached::new("id:one"), Cached::new("id:one"));
    let moov: moov::Client = server.moov(one.clone()).build().unwrap();
    let moneykit: moneykit::Client = server.moneykit(two.clone()).build().unwrap();
    [(moov.basic_auth().unwrap(), one), (moneykit.key_pair().unwrap(), two)]
}

/// Uses our crypto provider. Without a provider, reqwest panics unless the feature native-tls is
/// enabled.
fn http() -> reqwest::Client {
    HttpOptions::default().to_reqwest("http://127.0.0.1").expect("the client builds")
}

fn request(server: &Server) -> reqwest::Request {
    http().post(format!("{}/transfers", server.url)).body("a body").build().unwrap()
}

#[derive(Clone, Copy, Debug)]
enum Integration {
    Send,
    Progenitor,
    Middleware,
    Tower,
}

async fn send(integration: Integration, authorizer: &Authorizer, server: &Server) -> StatusCode {
    let http = http();
    match integration {
        Integration::Send => authorizer.send(&http, request(server)).await.unwrap().status(),
        Integration::Progenitor => {
            progenitor::ensure_token(authorizer, &request(server)).await.unwrap();
            progenitor::execute(authorizer, &http, request(server)).await.unwrap().status()
        }
        Integration::Middleware => {
            let middleware = AuthorizeMiddleware::new(authorizer.clone());
            let http = reqwest_middleware::ClientBuilder::new(http).with(middleware).build();
            http.execute(request(server)).await.unwrap().status()
        }
        Integration::Tower => {
            let mut service = AuthorizeLayer::new(authorizer.clone()).layer(Sender(http));
            let uri = format!("{}/transfers", server.url);
            let request = http::Request::post(uri).body("a body".to_owned()).unwrap();
            service.call(request).await.unwrap().status()
        }
    }
}

#[derive(Clone)]
struct Sender(reqwest::Client);

impl tower_service::Service<http::Request<String>> for Sender {
    type Response = http::Response<http_body_util::Full<bytes::Bytes>>;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<String>) -> Self::Future {
        let sent = self.0.execute(request.try_into().unwrap());
        Box::pin(async move {
            let status = sent.await.unwrap().status();
            Ok(http::Response::builder().status(status).body(http_body_util::Full::default()).unwrap())
        })
    }
}

const INTEGRATIONS: [Integration; 4] =
    [Integration::Send, Integration::Progenitor, Integration::Middleware, Integration::Tower];

#[tokio::test]
async fn refused_request_is_retried_once_with_the_new_key_pair() {
    for integration in INTEGRATIONS {
        let server = Server::start().await;
        for (authorizer, provider) in authorizers(&server) {
            server.accept(&["id:one"]);
            for _ in 0..3 {
                assert_eq!(send(integration, &authorizer, &server).await, StatusCode::OK, "{integration:?}");
            }
            assert_eq!(provider.calls(), (0, 0), "the key pair must be read from memory");
            server.requests();
            server.accept(&["id:two"]);
            provider.set_next("id:two");
            assert_eq!(send(integration, &authorizer, &server).await, StatusCode::OK, "{integration:?}");
            assert_eq!(send(integration, &authorizer, &server).await, StatusCode::OK, "{integration:?}");
            assert_eq!(
                server.requests(),
                ["/transfers id:one", "/transfers id:two", "/transfers id:two"],
                "{integration:?}"
            );
            assert_eq!(provider.calls(), (0, 1));
        }
    }
}

#[tokio::test]
async fn refused_key_pair_is_reread_once_in_5_s_and_resent_only_if_changed() {
    for integration in INTEGRATIONS {
        let server = Server::start().await;
        for (authorizer, provider) in authorizers(&server) {
            server.accept(&[]);
            for _ in 0..5 {
                assert_eq!(
                    send(integration, &authorizer, &server).await,
                    StatusCode::UNAUTHORIZED,
                    "{integration:?}"
                );
            }
            assert_eq!((server.requests().len(), provider.calls()), (5, (0, 1)), "{integration:?}");
        }
    }
}

#[tokio::test]
async fn key_pair_is_not_reread_after_a_status_other_than_401() {
    let server = Server::start().await;
    for (authorizer, provider) in authorizers(&server) {
        for status in [403, 404, 500] {
            server.respond_once(status, "");
            assert_eq!(send(Integration::Send, &authorizer, &server).await.as_u16(), status);
        }
        assert_eq!((server.requests().len(), provider.calls()), (3, (0, 0)));
    }
}

#[tokio::test]
async fn streaming_request_is_not_retried_but_the_next_one_uses_the_new_pair() {
    let server = Server::start().await;
    server.accept(&["id:two"]);
    for (authorizer, provider) in authorizers(&server) {
        provider.set_next("id:two");
        let body = http_body_util::Full::new(bytes::Bytes::from("a body"));
        let mut stream = request(&server);
        *stream.body_mut() = Some(reqwest::Body::wrap(body));
        assert!(stream.try_clone().is_none());
        let response = authorizer.send(&http(), stream).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(send(Integration::Send, &authorizer, &server).await, StatusCode::OK);
        assert_eq!(server.requests(), ["/transfers id:one", "/transfers id:two"]);
    }
}

#[tokio::test]
async fn first_request_fetches_the_key_pair_if_it_is_not_loaded_yet() {
    let server = Server::start().await;
    let provider = Cached::lazy("id:one");
    let authorizer = server.moov(provider.clone()).build().unwrap().basic_auth().unwrap();
    for integration in INTEGRATIONS {
        assert_eq!(send(integration, &authorizer, &server).await, StatusCode::OK);
    }
    assert_eq!((server.requests().len(), provider.calls()), (4, (1, 0)));
}
