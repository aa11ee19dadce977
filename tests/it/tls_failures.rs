//! Tests TLS failures over raw sockets: which failures are caused by configuration, and which are
//! transient.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fintech_auth::{Error, ErrorKind, HttpOptions, RetryPolicy, moneykit};
use rcgen::{CertificateParams, DnType, Issuer, KeyPair, date_time_ymd};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

#[derive(Clone)]
enum Peer {
    Close,
    CloseInHandshake,
    Reset,
    Send(Vec<u8>),
    Silent,
    Serve(Arc<ServerConfig>),
}

impl Peer {
    async fn meet(self, mut stream: TcpStream) -> io::Result<()> {
        match self {
            Self::Close => {}
            Self::CloseInHandshake => read_some(&mut stream).await?,
            Self::Reset => {
                read_some(&mut stream).await?;
                stream.set_zero_linger()?;
            }
            Self::Send(bytes) => {
                read_some(&mut stream).await?;
                stream.write_all(&bytes).await?;
                stream.shutdown().await?;
                // The server must read everything before it closes the connection. Otherwise the
                // connection is reset and the sent bytes are lost.
                while read_some(&mut stream).await.is_ok() {}
            }
            Self::Silent => std::future::pending().await,
            Self::Serve(config) => {
                let mut stream = TlsAcceptor::from(config).accept(stream).await?;
                read_some(&mut stream).await?;
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
                stream
                    .write_all(format!("{head}content-length: 11\r\n\r\n{{\"keys\":[]}}").as_bytes())
                    .await?;
                stream.shutdown().await?;
            }
        }
        Ok(())
    }
}

async fn read_some(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    match stream.read(&mut [0; 1024]).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

/// A fatal alert has this format (RFC 8446 section 6).
fn alert(description: u8) -> Peer {
    Peer::Send(vec![21, 3, 3, 0, 2, 2, description])
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "authority");
        let key = KeyPair::generate().expect("randomness");
        let certificate = params.self_signed(&key).expect("a certificate").der().clone();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    fn serve(&self, host: &str, until: i32) -> Peer {
        let mut params = CertificateParams::new([host.to_owned()]).expect("a name");
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().expect("randomness");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let chain = vec![certificate.der().clone()];
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let config = config.expect("versions").with_no_client_auth().with_single_cert(chain, key);
        Peer::Serve(Arc::new(config.expect("a pair")))
    }

    fn trusted(&self) -> HttpOptions {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).expect("a root");
        let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let config = config.expect("versions").with_root_certificates(roots).with_no_client_auth();
        HttpOptions::default().with_client_builder(move |http| http.tls_backend_preconfigured(config.clone()))
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

async fn fetch(peers: Vec<Peer>, http: HttpOptions) -> (Result<(), Error>, usize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let number = count.fetch_add(1, Ordering::Relaxed);
            let peer = peers[number.min(peers.len() - 1)].clone();
            tokio::spawn(peer.meet(stream));
        }
    });
    let retry = RetryPolicy::default().with_attempts(3).with_base(Duration::from_millis(1));
    let client = moneykit::Client::builder(fintech_auth::Credentials::new("id", "secret"))
        .with_base_url(format!("https://localhost:{port}"))
        .with_http(|_| http)
        .with_tokens(move |tokens| tokens.with_retry(|_| retry))
        .build()
        .expect("the client builds");
    let outcome = client.jwks().await.map(drop);
    server.abort();
    (outcome, connections.load(Ordering::Relaxed))
}

#[tokio::test]
async fn tls_misconfiguration_is_not_retried() {
    let authority = Authority::new();
    let plain_http = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".to_vec();
    for (name, peer) in [
        ("unknown root", Authority::new().serve("localhost", 2100)),
        ("another name", authority.serve("other.example", 2100)),
        ("expired", authority.serve("localhost", 2001)),
        ("no tls", Peer::Send(plain_http)),
        ("handshake_failure", alert(40)),
        ("protocol_version", alert(70)),
        ("unrecognized_name", alert(112)),
        ("certificate_required", alert(116)),
    ] {
        let (outcome, connections) = fetch(vec![peer], authority.trusted()).await;
        let error = outcome.expect_err(name);
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::InvalidConfig, false), "{name}");
        assert!(!error.may_have_been_sent(), "{name}");
        assert_eq!(connections, 1, "{name}");
    }
}

#[tokio::test]
async fn interrupted_tls_handshake_is_retried() {
    let authority = Authority::new();
    for (name, peer) in [
        ("close", Peer::Close),
        ("close in the handshake", Peer::CloseInHandshake),
        ("reset", Peer::Reset),
        ("close_notify", alert(0)),
        ("internal_error", alert(80)),
        ("user_canceled", alert(90)),
        ("half a record", Peer::Send(vec![22, 3, 3])),
        ("decode_error", alert(50)),
    ] {
        let (outcome, connections) = fetch(vec![peer.clone()], authority.trusted()).await;
        let error = outcome.expect_err(name);
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unavailable, true), "{name} {error:?}");
        assert!(!error.may_have_been_sent(), "{name}");
        assert_eq!(connections, 3, "{name}");
        let peers = vec![peer, authority.serve("localhost", 2100)];
        let (outcome, connections) = fetch(peers, authority.trusted()).await;
        outcome.expect(name);
        assert_eq!(connections, 2, "{name}");
    }
}

#[tokio::test]
async fn timed_out_tls_handshake_is_retried() {
    let authority = Authority::new();
    let http = authority.trusted().with_connect_timeout(Duration::from_millis(100));
    let (outcome, connections) = fetch(vec![Peer::Silent], http).await;
    let error = outcome.expect_err("the server sends nothing");
    assert_eq!((error.kind(), error.may_have_been_sent()), (ErrorKind::Timeout, false));
    assert_eq!(connections, 3);
}
