//! Configures and starts an emulator.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{Request as HttpRequest, Response};
use tokio::{net::TcpListener, sync::watch};

use super::{
    Emulator, Request,
    behaviour::{Behaviour, ExpiresInStyle},
    client_auth::KnownClient,
    fault::Faults,
    log::Log,
    moneykit, moov,
    random::Random,
    server,
    signing_key::SigningKeys,
    time::Time,
};
use crate::{Credentials, Secret, clock::ManualClock, webhook::testing::SigningKey};

/// The settings of an [`Emulator`].
#[must_use]
pub struct Builder {
    host: IpAddr,
    port: u16,
    time: Time,
    lifetime: Option<Duration>,
    origin: String,
    origin_check: bool,
    behaviour: Behaviour,
    refresh_tokens: bool,
    expires_in: Option<ExpiresInStyle>,
    moneykit: Credentials,
    moov: Credentials,
    moneykit_key: Option<SigningKey>,
    moov_webhook_secret: Option<Secret>,
    observer: Option<server::Observer>,
    handler: Option<server::Handler>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            time: Time::standing(),
            lifetime: None,
            origin: "https://emulator.example".to_owned(),
            origin_check: true,
            behaviour: Behaviour::default(),
            refresh_tokens: true,
            expires_in: None,
            moneykit: Credentials::new(moneykit::CLIENT_ID, moneykit::CLIENT_SECRET),
            moov: Credentials::new(moov::CLIENT_ID, moov::CLIENT_SECRET),
            moneykit_key: None,
            moov_webhook_secret: None,
            observer: None,
            handler: None,
        }
    }
}

impl Builder {
    /// Sets the address to listen on. Default: 127.0.0.1.
    ///
    /// # Security
    ///
    /// If the address is not a loopback address, everyone who can reach the port can get the
    /// emulator's tokens, and requests are not encrypted. So send only the emulator's own
    /// credentials, never real credentials. On such an address, the emulator serves at most 256
    /// connections at once, and closes a connection whose request takes more than 30 s to arrive.
    pub fn with_host(mut self, host: IpAddr) -> Self {
        self.host = host;
        self
    }

    /// Sets the port to listen on. Default: a free port.
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the clock, for example to use the same clock as your client. Default: a clock that
    /// starts at the current second and moves only when a test advances it.
    pub fn with_clock(mut self, clock: ManualClock) -> Self {
        self.time = Time::on(clock);
        self
    }

    /// Uses the system clock, for an emulator that runs outside of tests.
    pub fn with_system_clock(mut self) -> Self {
        self.time = Time::running();
        self
    }

    /// Sets whether Moov behaves like its live service or like its documentation. Default:
    /// [`Behaviour::Live`].
    pub fn with_behaviour(mut self, behaviour: Behaviour) -> Self {
        self.behaviour = behaviour;
        self
    }

    /// Sets the lifetime of the access tokens of both services. Default: 3600 s, or 900 s for Moov
    /// with [`Behaviour::Documented`].
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// Sets the origin that Moov accepts for tokens of type `web`. Default:
    /// `https://emulator.example`.
    pub fn with_origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = origin.into();
        self
    }

    /// Sets whether Moov accepts only the configured origin for tokens of type `web`, or any
    /// origin. Default: only the configured origin.
    pub fn with_origin_check(mut self, check: bool) -> Self {
        self.origin_check = check;
        self
    }

    /// Sets whether Moov issues refresh tokens. Default: yes. Some users report that the live
    /// service issues refresh tokens, and other users report that it does not.
    pub fn with_refresh_tokens(mut self, refresh_tokens: bool) -> Self {
        self.refresh_tokens = refresh_tokens;
        self
    }

    /// Sets the format of Moov's `expires_in`. Default: [`ExpiresInStyle::Timestamp`] with
    /// [`Behaviour::Live`], and [`ExpiresInStyle::Seconds`] with [`Behaviour::Documented`].
    pub fn with_expires_in(mut self, style: ExpiresInStyle) -> Self {
        self.expires_in = Some(style);
        self
    }

    /// Sets the client id and secret that MoneyKit accepts.
    pub fn with_moneykit_credentials(mut self, credentials: Credentials) -> Self {
        self.moneykit = credentials;
        self
    }

    /// Sets the client id and secret that Moov accepts.
    pub fn with_moov_credentials(mut self, credentials: Credentials) -> Self {
        self.moov = credentials;
        self
    }

    /// Sets a function that is called with each finished request, for example for a live log.
    ///
    /// A request is finished when its response is ready, or when a fault or a closed connection
    /// ends the request without a response. The function runs on the server's thread, so the
    /// function should be fast.
    pub fn with_observer(mut self, observer: impl Fn(&Request) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Sets the key that signs MoneyKit's webhooks until the key is rotated. Default: a generated
    /// key.
    pub fn with_moneykit_signing_key(mut self, key: SigningKey) -> Self {
        self.moneykit_key = Some(key);
        self
    }

    /// Sets the secret that signs Moov's webhooks until the secret is rotated. Default: a generated
    /// secret.
    pub fn with_moov_webhook_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.moov_webhook_secret = Some(secret.into());
        self
    }

    /// Sets a function that can respond to a request in place of the services, for example to serve
    /// your own pages.
    ///
    /// The function is called for each request whose body is at most 64 KiB. If the function
    /// returns `None`, the services handle the request. If the function responds, the request is
    /// neither logged nor observed, and no fault affects the request. The function runs on the
    /// server's thread, so the function should be fast.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use fintech_auth::emulator::Emulator;
    /// use http::Response;
    ///
    /// let health = |path: &str| (path == "/healthz").then(|| Response::new("ok".into()));
    /// let builder = Emulator::builder().with_handler(move |request| health(request.uri().path()));
    /// let emulator = builder.start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_handler(
        mut self,
        handler: impl Fn(&HttpRequest<Bytes>) -> Option<Response<Bytes>> + Send + Sync + 'static,
    ) -> Self {
        self.handler = Some(Arc::new(handler));
        self
    }

    /// Starts both services.
    ///
    /// # Errors
    ///
    /// Fails if the port is not available, or if the operating system's random number generator
    /// fails.
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime, and in a runtime whose IO driver is not enabled.
    pub async fn start(self) -> io::Result<Emulator> {
        let listener = TcpListener::bind((self.host, self.port)).await?;
        let url = format!("http://{}", reachable(listener.local_addr()?));
        let random = Arc::new(Random::new()?);
        let (seconds, style) = match self.behaviour {
            Behaviour::Live => (3600, ExpiresInStyle::Timestamp),
            Behaviour::Documented => (900, ExpiresInStyle::Seconds),
        };
        let moneykit_key = self.moneykit_key.map_or_else(SigningKey::generate_unnamed, Ok)?;
        let services = Arc::new(server::Services {
            moneykit: moneykit::Service {
                client: KnownClient(self.moneykit),
                lifetime: self.lifetime.unwrap_or(Duration::from_secs(3600)),
                issued: Mutex::default(),
                keys: Mutex::new(SigningKeys::new(moneykit_key)),
                random: random.clone(),
            },
            moov: moov::Service {
                client: KnownClient(self.moov),
                origin: self.origin,
                origin_check: self.origin_check,
                behaviour: self.behaviour,
                refresh_tokens: self.refresh_tokens,
                lifetime: self.lifetime.unwrap_or(Duration::from_secs(seconds)),
                expires_in: self.expires_in.unwrap_or(style),
                issued: Mutex::default(),
                webhook_secret: Mutex::new(
                    self.moov_webhook_secret.unwrap_or_else(|| random.token("sandbox_whsec_").into()),
                ),
                random: random.clone(),
            },
            time: self.time,
            random,
            faults: Faults::default(),
            log: Log::default(),
            observer: self.observer,
            handler: self.handler,
        });
        let (stopping, receiver) = watch::channel(false);
        let server = tokio::spawn(server::run(listener, services.clone(), receiver)).abort_handle();
        Ok(Emulator { url, services, server, stopping })
    }
}

/// Replaces an unspecified address (`0.0.0.0` or `::`) with the loopback address, because some
/// operating systems cannot connect to an unspecified address.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("lifetime", &self.lifetime)
            .field("origin", &self.origin)
            .field("origin_check", &self.origin_check)
            .field("behaviour", &self.behaviour)
            .field("refresh_tokens", &self.refresh_tokens)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}
