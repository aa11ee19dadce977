//! Tests that TLS uses the crypto provider that the program installed. This is a separate binary,
//! because a process can install a provider only once.

#![cfg(feature = "rustls")]

use std::{sync::Arc, time::Duration};

use fintech_auth::{HttpOptions, moneykit};
use rcgen::{CertificateParams, KeyPair};
use rustls::{
    NamedGroup, ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::PrivateKeyDer,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

async fn negotiated() -> Option<NamedGroup> {
    let key = KeyPair::generate().expect("randomness");
    let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("a certificate");
    let chain = vec![certificate.der().clone()];
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::try_from(key.serialize_der()).expect("a key"))
        .expect("a configuration");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.expect("a handshake");
        let group = stream.get_ref().1.negotiated_key_exchange_group().map(|group| group.name());
        stream.read_exact(&mut [0; 16]).await.expect("a request");
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
        let response = format!("{head}content-length: 11\r\n\r\n{{\"keys\":[]}}");
        stream.write_all(response.as_bytes()).await.expect("the response is sent");
        let _ = stream.shutdown().await;
        group
    });
    let http =
        HttpOptions::default().with_root_certificate(certificate.pem()).with_timeout(Duration::from_secs(20));
    let client = moneykit::ClientBuilder::for_webhooks(None)
        .with_base_url(format!("https://localhost:{port}"))
        .with_http(|_| http)
        .build()
        .expect("the client builds");
    assert!(client.jwks().await.expect("the keys").into_body().keys.is_empty());
    server.await.expect("no panic")
}

#[tokio::test]
async fn tls_uses_the_installed_provider_or_ring_by_default() {
    assert!(CryptoProvider::get_default().is_none());
    let by_default = negotiated().await.expect("TLS 1.3 negotiates a group");
    assert_ne!(by_default, NamedGroup::secp384r1);
    assert!(CryptoProvider::get_default().is_none(), "a client must not install a default provider");

    let provider = CryptoProvider { kx_groups: vec![ring::kx_group::SECP384R1], ..ring::default_provider() };
    provider.install_default().expect("no other default provider is installed");
    assert_eq!(negotiated().await, Some(NamedGroup::secp384r1));
}
