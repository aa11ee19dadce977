//! The HTTP client under a vendor's client, and its few options.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use reqwest::redirect;

use super::base_url::{BaseUrl, is_loopback};
use crate::{Error, ErrorKind, clock::FOREVER};

/// How requests are sent: timeouts, the size of a response, and a reqwest client of your own.
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
    client: Option<Customise>,
}

type Customise = Arc<dyn Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync>;

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(5),
            body_limit: 1 << 20,
            roots: Vec::new(),
            client: None,
        }
    }
}

impl HttpOptions {
    /// How long a whole call may take, from connecting to the last byte of the response. 15 seconds.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.min(FOREVER);
        self
    }

    /// How long connecting may take, TLS included. 5 seconds.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout.min(FOREVER);
        self
    }

    /// How many bytes of a response are read, after decompression; a longer one is an error. 1 MiB.
    #[must_use]
    pub fn with_body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Also trusts these root certificates, in PEM, beside those of the platform: for a gateway or proxy with a
    /// certificate authority of your own. Can be called more than once.
    ///
    /// A text without a certificate is an error when the client is built.
    #[must_use]
    pub fn with_root_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.roots.push(pem.as_ref().into());
        self
    }

    /// A reqwest client of your own: proxy, resolver, pool, headers.
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
        mut self,
        customise: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync + 'static,
    ) -> Self {
        self.client = Some(Arc::new(customise));
        self
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
        let has_tls = cfg!(any(feature = "rustls", feature = "native-tls"));
        if base.is_https() && !has_tls && self.client.is_none() {
            return Err(invalid("https needs the feature rustls or native-tls of fintech-auth"));
        }
        let mut builder = with_tls(reqwest::Client::builder(), &base, &self.roots)?
            .user_agent(concat!("fintech-auth/", env!("CARGO_PKG_VERSION")));
        if let Some(customise) = &self.client {
            builder = customise(builder);
        }
        if base.is_loopback() {
            let here = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
            builder = builder
                .no_proxy()
                .proxy(nowhere_beyond_loopback())
                .resolve_to_addrs("localhost", &here.map(|here| (here, 0).into()));
        }
        let client = builder
            .redirect(redirect::Policy::none())
            .https_only(base.is_https())
            .connect_timeout(self.connect_timeout)
            .timeout(self.timeout)
            .connection_verbose(false)
            .build()
            .map_err(|e| invalid("the http client cannot be built").with_source(e.without_url()))?;
        Ok(Http { base, client, timeout: self.timeout, body_limit: self.body_limit })
    }
}

/// Sends plain http for other machines to port 0, where nothing can listen. reqwest itself can only refuse all
/// plain http or none.
fn nowhere_beyond_loopback() -> reqwest::Proxy {
    reqwest::Proxy::custom(|url| {
        let is_here = url.host_str().is_some_and(is_loopback);
        (url.scheme() == "http" && !is_here).then_some("http://127.0.0.1:0")
    })
}

/// The crypto provider is named here and never taken from the process: reqwest would panic where
/// nobody installed one, and installing one is the application's choice.
///
/// For plain http it trusts nobody, so that a machine without roots can talk to itself.
#[cfg(feature = "rustls")]
fn with_tls(
    builder: reqwest::ClientBuilder,
    base: &BaseUrl,
    roots: &[Arc<[u8]>],
) -> Result<reqwest::ClientBuilder, Error> {
    use rustls_platform_verifier::BuilderVerifierExt as _;

    let roots = certificates(roots)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
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
        .map_err(|e| Error::new(ErrorKind::InvalidConfig, "tls cannot be set up").with_source(e))?
        .with_no_client_auth();
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
) -> Result<reqwest::ClientBuilder, Error> {
    let mut certificates = Vec::new();
    for pem in roots {
        match reqwest::Certificate::from_pem_bundle(pem) {
            Ok(found) if !found.is_empty() => certificates.extend(found),
            _ => return Err(Error::new(ErrorKind::InvalidConfig, NO_CERTIFICATE)),
        }
    }
    Ok(builder.tls_backend_native().tls_certs_merge(certificates))
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
fn with_tls(
    builder: reqwest::ClientBuilder,
    _: &BaseUrl,
    roots: &[Arc<[u8]>],
) -> Result<reqwest::ClientBuilder, Error> {
    match roots {
        [] => Ok(builder),
        _ => Err(Error::new(
            ErrorKind::InvalidConfig,
            "root certificates need the feature rustls or native-tls",
        )),
    }
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
const NO_CERTIFICATE: &str = "a root certificate is not a PEM certificate";

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions")
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("body_limit", &self.body_limit)
            .field("roots", &self.roots.len())
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
