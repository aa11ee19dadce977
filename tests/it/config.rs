//! What cannot work is refused before anything is sent, in words that say what to do.

use std::time::Duration;

use fintech_auth::{Credentials, Error, ErrorKind, HttpOptions, moneykit, moov};

use crate::support::{emulator, scopes};

fn linking() -> moneykit::ClientBuilder {
    moneykit::Client::builder(Credentials::new("id", "secret"))
}

fn moving() -> moov::ClientBuilder {
    moov::Client::builder(Credentials::new("id", "secret"))
}

#[test]
fn the_defaults_build() {
    assert!(linking().build().is_ok());
    assert!(moving().build().is_ok());
    assert!(
        moving()
            .with_origin("https://your-domain.com")
            .with_client_type(moov::ClientType::Web)
            .build()
            .is_ok()
    );
    for version in ["v2024.01.00", "v2026.07.00", "latest", "dev"] {
        assert!(moving().with_version(version).build().is_ok(), "{version}");
    }
}

#[test]
fn each_refusal_says_what_to_do() {
    let with = |id: &str, secret: &str| Credentials::new(id, secret);
    let no_time = HttpOptions::default().with_timeout(Duration::ZERO);
    let refusals: Vec<Error> = [
        linking().with_base_url("api.moneykit.com").build().err(),
        linking().with_base_url("http://api.moneykit.com").build().err(),
        linking().with_base_url("https://id:secret@api.moneykit.com").build().err(),
        linking().with_version("2023-13-01").build().err(),
        linking().with_version("v1\r\nx: y").build().err(),
        linking().with_http(no_time).build().err(),
        moneykit::Client::builder(with("", "secret")).build().err(),
        moneykit::Client::builder(with("id", "secret\n")).build().err(),
        moneykit::Client::builder(with("id", &"x".repeat(5000))).build().err(),
        moneykit::Client::builder(with("i:d", "secret")).build().err(),
        moneykit::Client::builder(with("ïd", "secret"))
            .with_client_auth(moneykit::ClientAuth::Headers)
            .build()
            .err(),
        moving().with_version("2026.07.00").build().err(),
        moving().with_version("v2026.7.0").build().err(),
        moving().with_origin("your-domain.com").build().err(),
        moving().with_origin("https://your-domain.com/").build().err(),
        moving().with_origin("https://your-domain.com\r\nx: y").build().err(),
        moving().with_referer("https://your-domain.com/path").build().err(),
        moving().with_client_type(moov::ClientType::Web).build().err(),
        "two scopes".parse::<fintech_auth::Scope>().err(),
    ]
    .into_iter()
    .map(|refusal| refusal.expect("it is refused"))
    .collect();
    for refusal in &refusals {
        assert_eq!((refusal.kind(), refusal.may_have_been_sent()), (ErrorKind::InvalidConfig, false));
    }
    let lines: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[tokio::test]
async fn moov_is_not_asked_for_a_token_without_scopes() {
    let emulator = emulator().await;
    let error = emulator.moov().build().unwrap().create_access_token(&[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(emulator.requests().is_empty());
}

#[tokio::test]
async fn a_token_that_no_header_can_carry_is_not_sent() {
    let emulator = emulator().await;
    let error = emulator.moneykit().build().unwrap().introspect(&"a\r\nb".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(emulator.requests().is_empty());
}

#[tokio::test]
async fn a_slash_at_the_end_of_the_base_url_does_no_harm() {
    let emulator = emulator().await;
    let slashed = format!("{}/", emulator.url());
    let moov = emulator.moov().with_base_url(slashed.clone()).build().unwrap();
    moov.create_access_token(&scopes(&["/ping.read"])).await.unwrap();
    emulator.moneykit().with_base_url(slashed).build().unwrap().jwks().await.unwrap();
    let paths: Vec<String> = emulator.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/oauth2/token", "/.well-known/jwks.json"]);
}

#[tokio::test]
async fn a_backend_gets_a_service_token_and_a_page_a_web_token() {
    let emulator = emulator().await;
    let backend = emulator.moov().build().unwrap();
    backend.create_access_token(&scopes(&["/ping.read"])).await.unwrap();
    let page = emulator.moov().with_origin(emulator.origin()).build().unwrap();
    page.create_access_token(&scopes(&["/ping.read"])).await.unwrap();
    let bodies: Vec<String> = emulator
        .requests()
        .iter()
        .map(|request| String::from_utf8_lossy(&request.body).into_owned())
        .collect();
    assert!(bodies[0].contains("client_type=service"), "{bodies:?}");
    assert!(!bodies[1].contains("client_type"), "{bodies:?}");
}

/// A TLS server on this machine with a certificate that nothing else trusts. Returns its port and the certificate.
#[cfg(feature = "rustls")]
async fn private_tls_server() -> (u16, String) {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(pair.signing_key.serialize_der()).unwrap();
    let chain = vec![rustls::pki_types::CertificateDer::from(pair.cert.der().to_vec())];
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await?;
                _ = stream.read(&mut [0; 4096]).await?;
                let response = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{\"keys\":[]}";
                stream.write_all(response.as_bytes()).await?;
                stream.shutdown().await
            });
        }
    });
    (port, pair.cert.pem())
}

/// `with_client_builder(|b| b.add_root_certificate(..))` has no effect on a builder whose TLS is configured, and reqwest does
/// not tell; its docs say so, and this is the way that works with every TLS feature.
#[cfg(feature = "rustls")]
#[tokio::test]
async fn a_root_certificate_of_the_programs_own_is_trusted() {
    let (port, pem) = private_tls_server().await;
    let url = format!("https://localhost:{port}");
    let client = |http: fintech_auth::HttpOptions| {
        let builder = fintech_auth::moneykit::ClientBuilder::for_webhooks(Some("id")).with_base_url(&url);
        builder.with_http(http).with_tokens(crate::support::plain).build()
    };
    let error = client(crate::support::quick()).unwrap().jwks().await.unwrap_err();
    assert_ne!(error.kind(), ErrorKind::Timeout, "{error}");
    let trusting = crate::support::quick().with_root_certificate(&pem);
    assert!(client(trusting.clone()).unwrap().jwks().await.unwrap().into_body().keys.is_empty());
    let customised = trusting.with_client_builder(|builder| builder.user_agent("backend/1"));
    assert!(client(customised).unwrap().jwks().await.is_ok());
    for wrong in ["", "no certificate", "-----BEGIN CERTIFICATE-----\n%\n-----END CERTIFICATE-----\n"] {
        let error = client(crate::support::quick().with_root_certificate(wrong)).expect_err(wrong);
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
    }
}
