//! Builds the HTTP client that the MoneyKit and Moov clients use to send requests.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::redirect;
use zeroize::Zeroizing;

use super::{
    base_url::{BaseUrl, is_loopback},
    plain_http::{AllowedHosts, PrivateResolver},
    record::{Exchange, Recorder},
};
use crate::{Error, ErrorKind, Secret, clock::FOREVER};

/// Options for sending requests: timeouts, response size, trusted certificates, proxies, and a
/// custom reqwest client.
///
/// Clients that are built with clones of the same options and the same base URL share one
/// connection pool, even if their credentials differ.
///
/// ```
/// use std::time::Duration;
/// use fintech_auth::HttpOptions;
///
/// let http = HttpOptions::default()
///     .with_timeout(Duration::from_secs(5))
///     .with_client_builder(|client| client.user_agent("my-backend/1.0"));
/// ```
#[derive(Clone)]
pub struct HttpOptions {
    timeout: Duration,
    connect_timeout: Duration,
    body_limit: usize,
    roots: Vec<Arc<[u8]>>,
    identity: Option<Arc<Zeroizing<Vec<u8>>>>,
    proxy: Option<Secret>,
    allowed_http: AllowedHosts,
    client: Option<Customise>,
    recorder: Option<Recorder>,
    built: Built,
}

type Built = Arc<Mutex<Vec<(String, Caller, reqwest::Client)>>>;

#[derive(Clone, Copy, Eq, PartialEq)]
enum Caller {
    Crate,
    Program,
}

const MAX_SHARED: usize = 16;

type Customise = Arc<dyn Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync>;

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(5),
            body_limit: 1 << 20,
            roots: Vec::new(),
            identity: None,
            proxy: None,
            allowed_http: AllowedHosts::default(),
            client: None,
            recorder: None,
            built: Built::default(),
        }
    }
}

impl HttpOptions {
    /// Clients with different options must not share a reqwest client. So `built` is replaced.
    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        self.built = Built::default();
        change(&mut self);
        self
    }

    /// Sets the time limit of a call, from connecting to the last byte of the response.
    /// Default: 15 s.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        self.with(|options| options.timeout = timeout.min(FOREVER))
    }

    /// Sets the time limit for connecting, including TLS. Default: 5 s.
    #[must_use]
    pub fn with_connect_timeout(self, timeout: Duration) -> Self {
        self.with(|options| options.connect_timeout = timeout.min(FOREVER))
    }

    /// Sets the maximum size of a response in bytes, after decompression. If a response is
    /// larger, the call fails. Default: 1 MiB.
    #[must_use]
    pub fn with_body_limit(self, bytes: usize) -> Self {
        self.with(|options| options.body_limit = bytes)
    }

    /// Trusts these root certificates (PEM) in addition to the root certificates of the platform.
    ///
    /// Use this for a gateway or proxy with a private certificate authority. You can call this
    /// method more than once. Building the client fails if the text contains no certificate.
    #[must_use]
    pub fn with_root_certificate(self, pem: impl AsRef<[u8]>) -> Self {
        self.with(|options| options.roots.push(pem.as_ref().into()))
    }

    /// Sets the client certificate for mutual TLS: one PEM text with the certificate chain and its
    /// private key in PKCS#8.
    ///
    /// Building the client fails if the text lacks the certificate or the key. Building also fails
    /// if the base URL is plain http to another machine, because the client would never present the
    /// certificate.
    #[must_use]
    pub fn with_client_identity(self, pem: impl AsRef<[u8]>) -> Self {
        let pem = Arc::new(Zeroizing::new(pem.as_ref().to_vec()));
        self.with(|options| options.identity = Some(pem))
    }

    /// Sends all https requests through this proxy, such as `http://proxy.internal:3128`.
    ///
    /// Default: the proxy from the environment variables (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`).
    /// If a proxy is set here, `NO_PROXY` has no effect. Plain http never goes through a proxy.
    ///
    /// The URL must be http or https, otherwise building the client fails. For SOCKS, enable
    /// reqwest's feature `socks` and call [`with_client_builder`](Self::with_client_builder).
    /// Building also fails if the base URL is plain http to another machine, because the proxy
    /// would be bypassed.
    ///
    /// # Security
    ///
    /// Credentials in the URL are sent only to the proxy. `Debug` and errors do not show them.
    #[must_use]
    pub fn with_proxy(self, url: impl AsRef<str>) -> Self {
        self.with(|options| options.proxy = Some(Secret::new(url.as_ref())))
    }

    /// Returns whether a host refers to this machine: `localhost` or a loopback address, with or
    /// without brackets.
    ///
    /// A base URL with such a host may use plain http. Requests to such a host do not go through a
    /// proxy.
    pub fn is_loopback(host: &str) -> bool {
        is_loopback(host)
    }

    /// Allows plain http to these hosts, for containers and sidecars on a private network.
    ///
    /// A host is an exact name or address, such as `emulator` in a compose file. If you call this
    /// method again, the new hosts replace the earlier hosts.
    ///
    /// # Security
    ///
    /// Credentials are sent in clear text to these hosts. Building the client fails if one of the
    /// hosts is a vendor's host or a public address. Connecting fails if a host name resolves to a
    /// public address. The check of resolved addresses is skipped if the base URL points to this
    /// machine.
    #[must_use]
    pub fn with_allow_http(self, hosts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let hosts = AllowedHosts::new(hosts);
        self.with(|options| options.allowed_http = hosts)
    }

    /// Customizes the reqwest client, for example its resolver, connection pool or default headers.
    ///
    /// The function receives a builder with the crate's TLS configuration, and returns the changed
    /// builder. Do not return a new builder. A new builder has no crypto provider, so reqwest
    /// panics unless your program has installed a crypto provider.
    ///
    /// With the feature `rustls`, TLS is already configured. reqwest then silently ignores
    /// individual TLS settings of the builder, such as `add_root_certificate`, `tls_certs_merge`,
    /// `tls_certs_only`, `identity` and `tls_version_min`. Use
    /// [`with_root_certificate`](Self::with_root_certificate) and
    /// [`with_client_identity`](Self::with_client_identity) instead. To replace the whole TLS
    /// configuration and its roots, call `tls_backend_preconfigured` with your own configuration.
    ///
    /// # Security
    ///
    /// The function `customise` cannot change these settings:
    ///
    /// - Redirects are not followed.
    /// - Plain http goes only to this machine and to [allowed hosts](Self::with_allow_http).
    /// - Requests to a loopback host use no proxy.
    /// - `connection_verbose` is off, because it logs every secret.
    ///
    /// This method takes a builder instead of a client, because reqwest fixes the redirect policy
    /// when a client is built. A client that follows redirects would send credentials to other
    /// hosts.
    #[must_use]
    pub fn with_client_builder(
        self,
        customise: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync + 'static,
    ) -> Self {
        self.with(|options| options.client = Some(Arc::new(customise)))
    }

    /// This method exists only for `fintech-auth doctor --record`. The recorder receives all
    /// secrets in clear text.
    #[doc(hidden)]
    #[must_use]
    pub fn with_recorder(self, recorder: impl Fn(&Exchange<'_>) + Send + Sync + 'static) -> Self {
        self.with(|options| options.recorder = Some(Recorder::new(recorder)))
    }

    /// Builds a reqwest client for your own requests to this base URL, such as the requests to
    /// which [`authorize`](crate::authorize) adds a token.
    ///
    /// The client has the TLS settings and timeouts of these options, and does not follow
    /// redirects. With an https base URL, the client sends only https requests. With a plain http
    /// base URL, the client sends plain http requests only to this machine and to allowed hosts.
    /// Plain http requests to other hosts fail. The client does not limit the size of a response
    /// body.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::InvalidConfig`] if the base URL or an option is invalid.
    pub fn to_reqwest(&self, base_url: impl AsRef<str>) -> Result<reqwest::Client, Error> {
        let base = BaseUrl::parse(base_url.as_ref())?;
        self.check(&base)?;
        self.shared(&base, Caller::Program)
    }

    pub(crate) fn build(&self, base: BaseUrl) -> Result<Http, Error> {
        self.check(&base)?;
        let client = self.shared(&base, Caller::Crate)?;
        let recorder = self.recorder.clone();
        Ok(Http {
            base: Arc::new(base),
            client,
            timeout: self.timeout,
            body_limit: self.body_limit,
            recorder,
        })
    }

    fn check(&self, base: &BaseUrl) -> Result<(), Error> {
        let invalid = |reason| Error::new(ErrorKind::InvalidConfig, reason);
        if self.timeout.is_zero() || self.connect_timeout.is_zero() {
            return Err(invalid("a timeout must be greater than zero"));
        }
        self.allowed_http.check(base)?;
        if !base.is_https() && !base.is_loopback() {
            if self.proxy.is_some() {
                return Err(invalid("a proxy is used for https only: use https, or remove the proxy"));
            }
            if self.identity.is_some() {
                return Err(invalid(
                    "a client identity is presented over https only: use https, or remove the client identity",
                ));
            }
        }
        Ok(())
    }

    fn shared(&self, base: &BaseUrl, caller: Caller) -> Result<reqwest::Client, Error> {
        // For an https base URL whose host is another machine, the crate and the program would
        // build equal clients. So they share one client.
        let caller = if base.is_https() && !base.is_loopback() { Caller::Crate } else { caller };
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |url: &str, of| url == base.as_str() && of == caller;
        if let Some((.., client)) = built.iter().find(|(url, of, _)| is_same(url, *of)) {
            return Ok(client.clone());
        }
        let client = self.client(base, caller)?;
        if built.len() < MAX_SHARED {
            built.push((base.as_str().to_owned(), caller, client.clone()));
        }
        Ok(client)
    }

    fn client(&self, base: &BaseUrl, caller: Caller) -> Result<reqwest::Client, Error> {
        let invalid = |reason| Error::new(ErrorKind::InvalidConfig, reason);
        let has_tls = cfg!(any(feature = "rustls", feature = "native-tls"));
        if base.is_https() && !has_tls && self.client.is_none() {
            return Err(invalid("https needs the feature rustls or native-tls of fintech-auth"));
        }
        let mut builder = with_tls(
            reqwest::Client::builder(),
            base,
            &self.roots,
            self.identity.as_ref().map(|pem| pem.as_slice()),
        )?
        .user_agent(concat!("fintech-auth/", env!("CARGO_PKG_VERSION")));
        if let Some(customise) = &self.client {
            builder = customise(builder);
        }
        if base.is_loopback() {
            let here = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
            builder = builder.resolve_to_addrs("localhost", &here.map(|here| (here, 0).into()));
        } else if !base.is_https() {
            builder = builder.dns_resolver(Arc::new(PrivateResolver));
        }
        if base.is_loopback() || !base.is_https() {
            builder = builder.no_proxy();
            // A program may use its client for any host. So a proxy rule blocks plain http requests
            // to hosts that are not allowed. The crate's own client does not need this rule,
            // because the crate sends requests only to the base URL. The rule would take about a
            // tenth of the CPU time of each request.
            if caller == Caller::Program {
                builder = builder.proxy(self.allowed_http.reject_other_hosts());
            }
        } else if let Some(proxy) = &self.proxy {
            // reqwest ignores some invalid proxy URLs without an error. So check the URL first.
            let url = reqwest::Url::parse(proxy.expose_secret())
                .ok()
                .filter(|url| matches!(url.scheme(), "http" | "https"));
            let proxy = url.and_then(|url| reqwest::Proxy::all(url).ok());
            let proxy = proxy.ok_or_else(|| {
                invalid("the proxy is not an http or https url, such as http://proxy.internal:3128")
            })?;
            builder = builder.proxy(proxy);
        }
        builder
            .redirect(redirect::Policy::none())
            .https_only(base.is_https())
            .connect_timeout(self.connect_timeout)
            .timeout(self.timeout)
            .connection_verbose(false)
            .build()
            .map_err(|e| invalid("the http client cannot be built").with_source(e.without_url()))
    }
}

/// Without a crypto provider, reqwest panics. This function does not install ring, because only the
/// program may choose the provider for the whole process.
#[cfg(feature = "rustls")]
fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    let installed = rustls::crypto::CryptoProvider::get_default();
    installed.cloned().unwrap_or_else(|| Arc::new(rustls::crypto::ring::default_provider()))
}

#[cfg(feature = "rustls")]
fn with_tls(
    builder: reqwest::ClientBuilder,
    base: &BaseUrl,
    roots: &[Arc<[u8]>],
    identity: Option<&[u8]>,
) -> Result<reqwest::ClientBuilder, Error> {
    use rustls::pki_types::pem::PemObject as _;
    use rustls_platform_verifier::BuilderVerifierExt as _;

    let roots = certificates(roots)?;
    let provider = provider();
    let config = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .and_then(|config| match base.is_https() {
            true if roots.is_empty() => config.with_platform_verifier(),
            true => {
                let verifier = Arc::new(verifier(roots, provider)?);
                Ok(config.dangerous().with_custom_certificate_verifier(verifier))
            }
            // Do not load the root certificates of the platform, because a machine that uses only
            // plain http may have none.
            false => Ok(config.with_root_certificates(rustls::RootCertStore::empty())),
        })
        .map_err(|e| Error::new(ErrorKind::InvalidConfig, "tls cannot be set up").with_source(e))?;
    let config = match identity {
        None => config.with_no_client_auth(),
        Some(pem) => {
            let invalid = || Error::new(ErrorKind::InvalidConfig, NO_IDENTITY);
            let chain = certificates(&[pem.into()]).map_err(|_| invalid())?;
            let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(pem).map_err(|_| invalid())?;
            config.with_client_auth_cert(chain, key).map_err(|_| invalid())?
        }
    };
    Ok(builder.tls_backend_preconfigured(config))
}

#[cfg(feature = "rustls")]
fn certificates(roots: &[Arc<[u8]>]) -> Result<Vec<rustls::pki_types::CertificateDer<'static>>, Error> {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};

    let mut certificates = Vec::new();
    for pem in roots {
        let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        match found {
            Ok(found) if !found.is_empty() => certificates.extend(found),
            _ => return Err(Error::new(ErrorKind::InvalidConfig, NO_CERTIFICATE)),
        }
    }
    Ok(certificates)
}

#[cfg(all(feature = "rustls", not(target_os = "android")))]
fn verifier(
    roots: Vec<rustls::pki_types::CertificateDer<'static>>,
    provider: Arc<rustls::crypto::CryptoProvider>,
) -> Result<rustls_platform_verifier::Verifier, rustls::Error> {
    rustls_platform_verifier::Verifier::new_with_extra_roots(roots, provider)
}

#[cfg(all(feature = "rustls", target_os = "android"))]
fn verifier(
    _: Vec<rustls::pki_types::CertificateDer<'static>>,
    _: Arc<rustls::crypto::CryptoProvider>,
) -> Result<rustls_platform_verifier::Verifier, rustls::Error> {
    Err(rustls::Error::General("Android accepts only its own root certificates".to_owned()))
}

#[cfg(all(feature = "native-tls", not(feature = "rustls")))]
fn with_tls(
    builder: reqwest::ClientBuilder,
    _: &BaseUrl,
    roots: &[Arc<[u8]>],
    identity: Option<&[u8]>,
) -> Result<reqwest::ClientBuilder, Error> {
    let mut certificates = Vec::new();
    for pem in roots {
        match reqwest::Certificate::from_pem_bundle(pem) {
            Ok(found) if !found.is_empty() => certificates.extend(found),
            _ => return Err(Error::new(ErrorKind::InvalidConfig, NO_CERTIFICATE)),
        }
    }
    let mut builder = builder.tls_backend_native().tls_certs_merge(certificates);
    if let Some(pem) = identity {
        const KEY: &[u8] = b"-----BEGIN PRIVATE KEY-----";
        let start = pem.windows(KEY.len()).position(|window| window == KEY);
        let identity = start.and_then(|start| reqwest::Identity::from_pkcs8_pem(pem, &pem[start..]).ok());
        let invalid = || Error::new(ErrorKind::InvalidConfig, NO_IDENTITY);
        builder = builder.identity(identity.ok_or_else(invalid)?);
    }
    Ok(builder)
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
fn with_tls(
    builder: reqwest::ClientBuilder,
    _: &BaseUrl,
    roots: &[Arc<[u8]>],
    identity: Option<&[u8]>,
) -> Result<reqwest::ClientBuilder, Error> {
    match (roots, identity) {
        ([], None) => Ok(builder),
        _ => Err(Error::new(ErrorKind::InvalidConfig, "certificates need the feature rustls or native-tls")),
    }
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
const NO_CERTIFICATE: &str = "a root certificate is not a PEM certificate";
#[cfg(any(feature = "rustls", feature = "native-tls"))]
const NO_IDENTITY: &str = "the client identity is not a PEM certificate chain and its private key in PKCS#8";

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions")
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("body_limit", &self.body_limit)
            .field("roots", &self.roots.len())
            .field("identity", &self.identity.as_ref().map(|_| "[redacted]"))
            .field("proxy", &self.proxy.as_ref().map(|_| "set"))
            .field("allowed_http", &self.allowed_http)
            .field("client", &self.client.as_ref().map(|_| "custom"))
            .finish()
    }
}

#[derive(Clone)]
pub(crate) struct Http {
    pub(super) base: Arc<BaseUrl>,
    pub(super) client: reqwest::Client,
    pub(super) timeout: Duration,
    pub(super) body_limit: usize,
    pub(super) recorder: Option<Recorder>,
}

impl Http {
    pub(crate) fn base(&self) -> &str {
        self.base.as_str()
    }

    pub(crate) fn parts(&self) -> (&str, reqwest::Client) {
        (self.base.as_str(), self.client.clone())
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("base", &self.base).finish_non_exhaustive()
    }
}
