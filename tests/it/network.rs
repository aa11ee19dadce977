//! Tests private networks: plain HTTP, proxies, mutual TLS, and one connection pool for many
//! credentials.

use std::{net::SocketAddr, time::Duration};

use fintech_auth::{Credentials, Error, ErrorKind, HttpOptions, moneykit, moov};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
    time::timeout,
};

use crate::{
    raw_server::{RawServer, raw},
    support::{emulator, plain, quick, scopes},
};

const LONG: Duration = Duration::from_secs(20);

fn moov_at(url: &str, http: HttpOptions) -> Result<moov::Client, Error> {
    let client = moov::Client::builder(Credentials::new("id", "a-client-secret"));
    client.with_base_url(url).with_http(|_| http).with_tokens(plain).build()
}

#[tokio::test]
async fn plain_http_is_sent_only_to_allowed_hosts() {
    let server = RawServer::start().await;
    let address: SocketAddr = server.url().trim_start_matches("http://").parse().unwrap();
    server.respond(raw(200, "", r#"{"access_token": "t", "token_type": "bearer", "expires_in": 60}"#));
    let http =
        quick().with_client_builder(move |http| http.resolve("emulator", address).resolve("other", address));
    let url = |host: &str| format!("http://{host}:{}", address.port());
    let refused = moov_at(&url("emulator"), http.clone()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidConfig);

    let allowed = http.with_allow_http(["emulator"]);
    let client = moov_at(&url("emulator"), allowed.clone()).unwrap();
    client.create_access_token(&scopes(&["/ping.read"])).await.unwrap();
    assert_eq!(moov_at(&url("other"), allowed.clone()).unwrap_err().kind(), ErrorKind::InvalidConfig);
    assert_eq!(server.connections(), 1);

    let own = allowed.to_reqwest(url("emulator")).unwrap();
    assert!(own.get(url("emulator")).send().await.is_ok());
    assert!(own.get(url("other")).send().await.is_err());
    let client = moov::Client::builder(Credentials::new("id", "a-client-secret"))
        .with_base_url(url("emulator"))
        .with_http(|_| allowed)
        .with_tokens(plain)
        .with_scopes(scopes(&["/ping.read"]))
        .build()
        .unwrap();
    let request = own.get(url("emulator")).build().unwrap();
    assert!(client.bearer(client.scopes()).unwrap().send(&own, request).await.is_ok());
}

#[tokio::test]
async fn proxy_is_used_for_https_and_not_for_plain_http() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://user:proxy-secret@{}", listener.local_addr().unwrap());
    let http = quick().with_proxy(&proxy);
    assert!(!format!("{http:?}").contains("proxy-secret"));
    let asked = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        (line, listener)
    });
    let client = moov_at("https://gateway.invalid", http.clone()).unwrap();
    let error = client.create_access_token(&scopes(&["/ping.read"])).await.unwrap_err();
    assert!(!format!("{error:?}").contains("proxy-secret"), "{error:?}");
    let (line, _listener) = timeout(LONG, asked).await.unwrap().unwrap();
    assert_eq!(line, "CONNECT gateway.invalid:443 HTTP/1.1\r\n");

    let emulator = emulator().await;
    let local = emulator.moov().with_http(|_| http).with_tokens(plain).build().unwrap();
    assert!(local.create_access_token(&scopes(&["/ping.read"])).await.is_ok());

    for bad in [
        "http://",
        "proxy-secret",
        "proxy.internal:3128",
        "user:proxy-secret@proxy.internal:3128",
        "socks5://user:proxy-secret@proxy.internal",
        "htp://user:proxy-secret@proxy.internal",
    ] {
        let error = moov_at("https://gateway.invalid", quick().with_proxy(bad)).expect_err(bad);
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
        assert!(!format!("{error:?}").contains("proxy-secret"), "{error:?}");
    }
}

#[tokio::test]
async fn proxy_from_the_environment_is_used_and_its_password_is_not_shown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://user:proxy-secret@{}", listener.local_addr().unwrap());
    let config = moov::Config::from_vars([
        ("MOOV_CLIENT_ID", "id"),
        ("MOOV_CLIENT_SECRET", "a-client-secret"),
        ("MOOV_BASE_URL", "https://gateway.invalid"),
        ("MOOV_PROXY", &proxy),
    ])
    .unwrap();
    let shown = format!("{config:?} {:?} {:?}", config.builder().unwrap(), config.http_options().unwrap());
    assert!(shown.contains("proxy: Some([redacted])") && !shown.contains("proxy-secret"), "{shown}");
    let client = config.builder().unwrap().with_tokens(plain).build().unwrap();
    let call = tokio::spawn(async move { client.create_access_token(&scopes(&["/ping.read"])).await });
    let (stream, _) = timeout(LONG, listener.accept()).await.unwrap().unwrap();
    let mut stream = BufReader::new(stream);
    let (mut line, mut head) = (String::new(), String::new());
    stream.read_line(&mut line).await.unwrap();
    assert_eq!(line, "CONNECT gateway.invalid:443 HTTP/1.1\r\n");
    while stream.read_line(&mut head).await.unwrap() > 2 {}
    assert!(head.to_ascii_lowercase().contains("proxy-authorization: basic "), "{head}");
    drop((stream, listener));
    let error = call.await.unwrap().unwrap_err();
    assert!(!format!("{error:?}").contains("proxy-secret"), "{error:?}");
}

#[tokio::test]
async fn environment_can_allow_plain_http_hosts_except_vendor_hosts() {
    let server = RawServer::start().await;
    let address: SocketAddr = server.url().trim_start_matches("http://").parse().unwrap();
    server.respond(raw(200, "", r#"{"access_token": "t", "token_type": "bearer", "expires_in": 60}"#));
    let config = |hosts: &str, host: &str| {
        moov::Config::from_vars([
            ("MOOV_CLIENT_ID", "id"),
            ("MOOV_CLIENT_SECRET", "a-client-secret"),
            ("MOOV_BASE_URL", &format!("http://{host}:{}", address.port())),
            ("MOOV_ALLOW_HTTP", hosts),
        ])
        .unwrap()
    };
    let builder = config("other emulator", "emulator").builder().unwrap().with_tokens(plain);
    let resolved = builder
        .with_http(|http| http.with_client_builder(move |client| client.resolve("emulator", address)))
        .build()
        .unwrap();
    resolved.create_access_token(&scopes(&["/ping.read"])).await.unwrap();
    for (hosts, host) in [
        ("other", "emulator"),
        ("api.moov.io", "api.moov.io"),
        ("emulator api.moneykit.com", "emulator"),
        ("*", "emulator"),
        ("8.8.8.8", "8.8.8.8"),
    ] {
        let error = config(hosts, host).client().expect_err(hosts);
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
    }
}

/// Over plain HTTP, the client would ignore the proxy or the client identity, and send its calls
/// unencrypted. So this combination is rejected.
#[test]
fn remote_plain_http_conflicts_with_a_proxy_or_client_identity() {
    let allowed = || quick().with_allow_http(["gateway"]);
    assert!(moov_at("http://gateway", allowed()).is_ok());
    for (http, what) in [
        (allowed().with_proxy("http://proxy.internal:3128"), "proxy"),
        (allowed().with_client_identity("any"), "client identity"),
    ] {
        let error = moov_at("http://gateway", http.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().contains(what), "{error}");
        assert!(http.to_reqwest("http://gateway").is_err());
    }
    let proxied = quick().with_proxy("http://proxy.internal:3128");
    assert!(
        moov_at("http://127.0.0.1:1", proxied).is_ok(),
        "plain http to loopback must not conflict with a proxy"
    );
}

#[tokio::test]
async fn clients_with_the_same_options_share_connections() {
    let server = RawServer::start().await;
    server.respond(raw(200, "", r#"{"keys": []}"#));
    let client = |id: &str, http: HttpOptions| {
        let client = moneykit::Client::builder(Credentials::new(id, "a-client-secret"));
        client.with_base_url(server.url()).with_http(|_| http).with_tokens(plain).build().unwrap()
    };
    let http = quick();
    for id in ["one", "two", "three"] {
        client(id, http.clone()).jwks().await.unwrap();
    }
    assert_eq!(server.connections(), 1);
    client("four", http.with_body_limit(1_000)).jwks().await.unwrap();
    assert_eq!(server.connections(), 2, "clients with different options must not share connections");
}

#[cfg(feature = "rustls")]
async fn tls_server(client: Option<rustls::pki_types::CertificateDer<'static>>) -> (u16, String) {
    use std::sync::Arc;

    use tokio::io::AsyncReadExt as _;

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(pair.signing_key.serialize_der()).unwrap();
    let verifier = client.map_or_else(rustls::server::WebPkiClientVerifier::no_client_auth, |client| {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(client).unwrap();
        let roots = Arc::new(roots);
        rustls::server::WebPkiClientVerifier::builder_with_provider(roots, provider.clone()).build().unwrap()
    });
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![pair.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await?;
                _ = stream.read(&mut [0; 4096]).await?;
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"keys\":[]}").await?;
                stream.shutdown().await
            });
        }
    });
    (port, pair.cert.pem())
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn client_certificate_is_presented() {
    let identity = rcgen::generate_simple_self_signed(["backend".to_owned()]).unwrap();
    let pem = identity.cert.pem() + &identity.signing_key.serialize_pem();
    let (port, root) = tls_server(Some(identity.cert.der().clone())).await;
    let jwks = async |http: HttpOptions| {
        let client = moneykit::ClientBuilder::for_webhooks(Some("id")).with_tokens(plain);
        client.with_base_url(format!("https://localhost:{port}")).with_http(|_| http).build()?.jwks().await
    };
    let trusting = quick().with_root_certificate(&root);
    assert!(jwks(trusting.clone()).await.is_err(), "the server must require a client certificate");
    let identified = trusting.clone().with_client_identity(&pem);
    assert!(jwks(identified.clone()).await.unwrap().into_body().keys.is_empty());
    assert!(!format!("{identified:?}").contains("PRIVATE"), "{identified:?}");
    for wrong in
        ["", &identity.cert.pem(), &identity.signing_key.serialize_pem(), "-----BEGIN PRIVATE KEY-----"]
    {
        let error = jwks(trusting.clone().with_client_identity(wrong)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
    }

    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (roots, identity) = (folder.join("network-root.pem"), folder.join("network-identity.pem"));
    let unrelated = rcgen::generate_simple_self_signed(["other".to_owned()]).unwrap().cert.pem();
    std::fs::write(&roots, unrelated + &root).unwrap();
    std::fs::write(&identity, &pem).unwrap();
    let config = moneykit::Config::from_vars([
        ("MONEYKIT_BASE_URL", format!("https://localhost:{port}")),
        ("MONEYKIT_ROOT_CERTIFICATE_FILE", roots.display().to_string()),
        ("MONEYKIT_CLIENT_IDENTITY_FILE", identity.display().to_string()),
    ])
    .unwrap();
    let client = config.builder_for_webhooks().unwrap().with_tokens(plain).build().unwrap();
    assert!(client.jwks().await.unwrap().into_body().keys.is_empty());
    let url = format!("https://localhost:{port}");
    let own = config.http_options().unwrap().to_reqwest(&url).unwrap();
    assert_eq!(own.get(&url).send().await.unwrap().status(), 200);
}

/// reqwest ignores the root certificates of a builder that has preconfigured TLS. So only
/// `with_root_certificate` works with every TLS feature.
#[cfg(feature = "rustls")]
#[tokio::test]
async fn custom_root_certificate_is_trusted() {
    let (port, pem) = tls_server(None).await;
    let url = format!("https://localhost:{port}");
    let client = |http: HttpOptions| {
        let builder = moneykit::ClientBuilder::for_webhooks(Some("id")).with_base_url(&url);
        builder.with_http(|_| http).with_tokens(plain).build()
    };
    let error = client(quick()).unwrap().jwks().await.unwrap_err();
    assert_ne!(error.kind(), ErrorKind::Timeout, "{error}");
    let trusting = quick().with_root_certificate(&pem);
    assert!(client(trusting.clone()).unwrap().jwks().await.unwrap().into_body().keys.is_empty());
    let customised = trusting.with_client_builder(|builder| builder.user_agent("backend/1"));
    assert!(client(customised).unwrap().jwks().await.is_ok());
    for wrong in ["", "no certificate", "-----BEGIN CERTIFICATE-----\n%\n-----END CERTIFICATE-----\n"] {
        let error = client(quick().with_root_certificate(wrong)).expect_err(wrong);
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
    }
}
