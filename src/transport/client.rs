//! The HTTP client under a vendor's client, and its few options.

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

/// How requests are sent: timeouts, the size of a response, trust, proxies, and a reqwest client of your own.
///
/// Clients that are built with clones of the same options, to the same base URL, share their connections. So
/// many credentials cost one connection pool.
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

/// The reqwest clients that were built from these options and their clones, by base URL.
type Built = Arc<Mutex<Vec<(String, reqwest::Client)>>>;

/// How many base URLs share clients. Further ones get clients of their own.
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
    /// Changed options build clients of their own.
    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        self.built = Built::default();
        change(&mut self);
        self
    }

    /// How long a whole call may take, from connecting to the last byte of the response. 15 seconds.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        self.with(|options| options.timeout = timeout.min(FOREVER))
    }

    /// How long connecting may take, TLS included. 5 seconds.
    #[must_use]
    pub fn with_connect_timeout(self, timeout: Duration) -> Self {
        self.with(|options| options.connect_timeout = timeout.min(FOREVER))
    }

    /// How many bytes of a response are read, after decompression; a longer one is an error. 1 MiB.
    #[must_use]
    pub fn with_body_limit(self, bytes: usize) -> Self {
        self.with(|options| options.body_limit = bytes)
    }

    /// Also trusts these root certificates, in PEM, beside those of the platform: for a gateway or proxy with a
    /// certificate authority of your own. Can be called more than once.
    ///
    /// A text without a certificate is an error when the client is built.
    #[must_use]
    pub fn with_root_certificate(self, pem: impl AsRef<[u8]>) -> Self {
        self.with(|options| options.roots.push(pem.as_ref().into()))
    }

    /// Presents a client certificate (mutual TLS): one PEM text with the certificate chain and its private key in
    /// PKCS#8.
    ///
    /// A text without both is an error when the client is built. So is a base URL that is plain http to another machine,
    /// which would never see the certificate.
    #[must_use]
    pub fn with_client_identity(self, pem: impl AsRef<[u8]>) -> Self {
        let pem = Arc::new(Zeroizing::new(pem.as_ref().to_vec()));
        self.with(|options| options.identity = Some(pem))
    }

    /// Sends all https requests through this proxy, such as `http://proxy.internal:3128`. Default: the
    /// environment's (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`). Plain http never goes through a proxy.
    ///
    /// `NO_PROXY` has no effect then. What is no http or https URL is an error when the client is built; for SOCKS, enable
    /// reqwest's feature `socks` and call [`with_client_builder`](Self::with_client_builder). A proxy together with a base
    /// URL that is plain http to another machine is an error as well, because the proxy would be bypassed.
    ///
    /// # Security
    ///
    /// Credentials in the URL are sent to the proxy alone. They do not show in `Debug` or in an error.
    #[must_use]
    pub fn with_proxy(self, url: impl AsRef<str>) -> Self {
        self.with(|options| options.proxy = Some(Secret::new(url.as_ref())))
    }

    /// Whether a host is this machine: `localhost` or a loopback address, in brackets or not. A base URL with
    /// such a host may be plain http, and its requests go through no proxy.
    pub fn is_loopback(host: &str) -> bool {
        is_loopback(host)
    }

    /// Allows plain http to these hosts, for containers and sidecars on a private network: exact names or
    /// addresses, such as `emulator` in a compose file. A second call replaces the first one's hosts.
    ///
    /// # Security
    ///
    /// Credentials travel in clear text there. A vendor's host and a public address are refused when the client is
    /// built. A name that resolves to a public address is refused when it is connected to.
    #[must_use]
    pub fn with_allow_http(self, hosts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let hosts = AllowedHosts::new(hosts);
        self.with(|options| options.allowed_http = hosts)
    }

    /// A reqwest client of your own: resolver, pool, headers.
    ///
    /// The function gets a builder with our TLS already in it: add to it, and give it back. A builder made anew has
    /// no crypto provider, and reqwest panics on it unless your program installed one.
    ///
    /// With the feature `rustls`, reqwest ignores single TLS settings of the builder without an error, because its
    /// TLS is already configured: `add_root_certificate`, `tls_certs_merge`, `tls_certs_only`, `identity`,
    /// `tls_version_min` and the like. For roots call
    /// [`with_root_certificate`](Self::with_root_certificate) instead. For a client certificate pass a whole
    /// configuration to `tls_backend_preconfigured`, which replaces ours and its roots.
    ///
    /// # Security
    ///
    /// Whatever the function returns, redirects are off, plain http is refused except to this machine, no
    /// proxy is used to a loopback host, and `connection_verbose` is off, because it logs every secret.
    /// That is why this takes a builder and not a client: reqwest fixes the redirect policy when a client
    /// is built, and would send credentials on.
    #[must_use]
    pub fn with_client_builder(
        self,
        customise: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync + 'static,
    ) -> Self {
        self.with(|options| options.client = Some(Arc::new(customise)))
    }

    /// Calls this with each exchange of a vendor's client, as it went over the wire. For `fintech-auth doctor
    /// --record` alone: no part of the public API, and gone or changed in any version.
    ///
    /// # Security
    ///
    /// An exchange has all secrets in clear text.
    #[doc(hidden)]
    #[must_use]
    pub fn with_recorder(self, recorder: impl Fn(&Exchange<'_>) + Send + Sync + 'static) -> Self {
        self.with(|options| options.recorder = Some(Recorder::new(recorder)))
    }

    /// A reqwest client for requests of your own to this base URL, such as with the tokens of
    /// [`authorize`](crate::authorize): with our TLS, the timeouts and no redirects. A client for an https base
    /// URL sends nothing but https; one for a base URL on this machine sends plain http to this machine
    /// alone, and fails to connect anywhere else. A client does not limit the body of a response: you do.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`], as where a vendor's client is built.
    pub fn to_reqwest(&self, base_url: impl AsRef<str>) -> Result<reqwest::Client, Error> {
        self.build(BaseUrl::parse(base_url.as_ref())?).map(|http| http.client)
    }

    /// Builds the client for one origin.
    pub(crate) fn build(&self, base: BaseUrl) -> Result<Http, Error> {
        let invalid = |reason| Error::new(ErrorKind::InvalidConfig, reason);
        if self.timeout.is_zero() || self.connect_timeout.is_zero() {
            return Err(invalid("a timeout of zero lets no call succeed"));
        }
        self.allowed_http.check(&base)?;
        if !base.is_https() && !base.is_loopback() {
            if self.proxy.is_some() {
                return Err(invalid("plain http goes through no proxy: use https, or remove the proxy"));
            }
            if self.identity.is_some() {
                return Err(invalid(
                    "a client identity is presented over https only: use https, or remove the client identity",
                ));
            }
        }
        let client = self.shared(&base)?;
        let recorder = self.recorder.clone();
        Ok(Http { base, client, timeout: self.timeout, body_limit: self.body_limit, recorder })
    }

    fn shared(&self, base: &BaseUrl) -> Result<reqwest::Client, Error> {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = built.iter().find(|(url, _)| url == base.as_str()) {
            return Ok(client.clone());
        }
        let client = self.client(base)?;
        if built.len() < MAX_SHARED {
            built.push((base.as_str().to_owned(), client.clone()));
        }
        Ok(client)
    }

    fn client(&self, base: &BaseUrl) -> Result<reqwest::Client, Error> {
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
            builder = builder.no_proxy().proxy(self.allowed_http.nowhere_beyond());
        } else if let Some(proxy) = &self.proxy {
            // Only what reqwest uses as it is: it takes some other texts for no proxy at all.
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

/// The crypto provider that the program installed, such as aws-lc-rs. Otherwise ring, without installing it: reqwest
/// alone would panic then, and what is installed is the choice of the program.
#[cfg(feature = "rustls")]
fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    let installed = rustls::crypto::CryptoProvider::get_default();
    installed.cloned().unwrap_or_else(|| Arc::new(rustls::crypto::ring::default_provider()))
}

/// For plain http it trusts nobody, so that a machine without roots can talk to itself.
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
    Err(rustls::Error::General("Android takes no root certificates but its own".to_owned()))
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
        // The key has to be a text of its own.
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

/// One origin and the connections to it.
#[derive(Clone)]
pub(crate) struct Http {
    pub(super) base: BaseUrl,
    pub(super) client: reqwest::Client,
    pub(super) timeout: Duration,
    pub(super) body_limit: usize,
    pub(super) recorder: Option<Recorder>,
}

impl Http {
    pub(crate) fn base(&self) -> &str {
        self.base.as_str()
    }

    /// What the generated clients are made of.
    pub(crate) fn parts(&self) -> (&str, reqwest::Client) {
        (self.base.as_str(), self.client.clone())
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("base", &self.base).finish_non_exhaustive()
    }
}
