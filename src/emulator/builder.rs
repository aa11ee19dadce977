//! The settings of an emulator, before it starts.
//!
//! What happens once, to a single request, is no setting: see `fault.rs`.

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

/// Settings of a [`Emulator`].
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
    /// The address to listen on. Default: 127.0.0.1.
    ///
    /// # Security
    ///
    /// Beyond loopback, everyone who reaches the port gets the emulator's tokens, and its requests travel in clear
    /// text. Send it no credentials but its own.
    pub fn with_host(mut self, host: IpAddr) -> Self {
        self.host = host;
        self
    }

    /// A fixed port. By default a free one is taken.
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// A clock of your own, such as the one that your client runs on. By default a new one stands at
    /// the current second.
    pub fn with_clock(mut self, clock: ManualClock) -> Self {
        self.time = Time::on(clock);
        self
    }

    /// The clock of the machine, for an emulator that people use.
    pub fn with_system_clock(mut self) -> Self {
        self.time = Time::running();
        self
    }

    /// Whether Moov behaves as its live service or as its documents say. Default: [`Behaviour::Live`].
    pub fn with_behaviour(mut self, behaviour: Behaviour) -> Self {
        self.behaviour = behaviour;
        self
    }

    /// How long access tokens of both services live. Default: 3600 s, and for Moov as documented 900 s.
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// The origin that Moov allows. Default: `https://emulator.example`.
    pub fn with_origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = origin.into();
        self
    }

    /// Whether Moov allows only that origin for tokens of type `web`, or any. Default: only that one.
    pub fn with_origin_check(mut self, check: bool) -> Self {
        self.origin_check = check;
        self
    }

    /// Whether Moov issues refresh tokens. The live service was seen with and without them. Default: yes.
    pub fn with_refresh_tokens(mut self, refresh_tokens: bool) -> Self {
        self.refresh_tokens = refresh_tokens;
        self
    }

    /// How Moov writes `expires_in`. Default: [`ExpiresInStyle::Timestamp`], and as documented
    /// [`ExpiresInStyle::Seconds`].
    pub fn with_expires_in(mut self, style: ExpiresInStyle) -> Self {
        self.expires_in = Some(style);
        self
    }

    /// The client id and secret that MoneyKit knows.
    pub fn with_moneykit_credentials(mut self, credentials: Credentials) -> Self {
        self.moneykit = credentials;
        self
    }

    /// The client id and secret that Moov knows.
    pub fn with_moov_credentials(mut self, credentials: Credentials) -> Self {
        self.moov = credentials;
        self
    }

    /// Calls this with each request when it is over: answered, or lost with its response. For a live log.
    /// It runs on the thread that serves, so it should be quick.
    pub fn with_observer(mut self, observer: impl Fn(&Request) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// The key with which MoneyKit signs webhooks until it is rotated. By default a new one is generated.
    pub fn with_moneykit_signing_key(mut self, key: SigningKey) -> Self {
        self.moneykit_key = Some(key);
        self
    }

    /// The secret with which Moov signs webhooks until it is rotated. By default a new one is generated.
    pub fn with_moov_webhook_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.moov_webhook_secret = Some(secret.into());
        self
    }

    /// Asks this first about each request with a body of up to 64 KiB, so that an emulator can serve more than the two
    /// services, such as a page of its own. `None` leaves the request to the services. A request that it serves meets no
    /// fault, and is neither logged nor observed. It runs on the thread that serves, so it should be quick.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use fintech_auth::emulator::Emulator;
    /// use http::Response;
    ///
    /// let health = |path: &str| (path == "/healthz").then(|| Response::new("ok".into()));
    /// let emulator = Emulator::builder().with_handler(move |request| health(request.uri().path())).start().await?;
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
    /// If the port cannot be had, or the system gives no randomness.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with its IO driver enabled, as all of tokio's networking.
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

/// Where this machine reaches a listener: one that listens on all addresses by loopback.
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
