//! TLS servers on loopback for tests.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use crate::program::file;

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) file: PathBuf,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("randomness");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), file: file(&format!("{name}.pem"), pem) }
    }

    fn certify(&self, host: &str, until: i32) -> ServerConfig {
        let mut params = CertificateParams::new([host.to_owned()]).expect("a name");
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().expect("randomness");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        config.expect("versions").with_no_client_auth().with_single_cert(chain, key).expect("a pair")
    }

    pub(crate) async fn front(&self, url: &str, host: &str, until: i32) -> u16 {
        let acceptor = TlsAcceptor::from(Arc::new(self.certify(host, until)));
        let behind = url.split("://").last().expect("an address").to_owned();
        let (listener, port) = listen().await;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, behind) = (acceptor.clone(), behind.clone());
                tokio::spawn(async move {
                    let (Ok(mut front), Ok(mut back)) =
                        (acceptor.accept(stream).await, TcpStream::connect(behind).await)
                    else {
                        return;
                    };
                    _ = copy_bidirectional(&mut front, &mut back).await;
                });
            }
        });
        port
    }
}

pub(crate) struct Proxy {
    pub(crate) port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    pub(crate) async fn start(response: &'static str, to: u16) -> Self {
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let (listener, port) = listen().await;
        let heard = heads.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let heard = heard.clone();
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(stream.read_u8().await?);
                    }
                    heard.lock().unwrap().push(String::from_utf8_lossy(&head).into_owned());
                    stream.write_all(format!("HTTP/1.1 {response}\r\n\r\n").as_bytes()).await?;
                    if response.starts_with("200") {
                        let mut behind = TcpStream::connect(("127.0.0.1", to)).await?;
                        copy_bidirectional(&mut stream, &mut behind).await?;
                    }
                    std::io::Result::Ok(())
                });
            }
        });
        Self { port, heads }
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    (listener, port)
}
