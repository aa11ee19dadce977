//! `emulator`: both services on a port, for developers of any language. Tells each request as it is over, and ends
//! on Ctrl-C. It shows no request's secrets; those that it prints at the start open nothing but itself.

mod fault;
mod health;
mod log;
mod page;
mod seed;

use std::{net::IpAddr, sync::Arc, time::Duration};

use fintech_auth::{
    Secret,
    emulator::{Behaviour, Builder, Emulator, ExpiresInStyle},
};
pub(crate) use health::Health;
use page::{Guard, Page};
use ring::rand::{Random, SystemRandom};
use seed::Seed;
use serde_json::json;

use crate::{
    exit::Failure,
    options::{Expected, Format, port, time},
    output::print,
    signals::Signals,
};

/// The private key that `moneykit trigger` signs with.
const SIGNING_KEY: &str = "FINTECH_AUTH_SIGNING_KEY";
/// How long requests in flight may take once the emulator has to end. Docker waits 10 s before it kills a container.
const SHUTDOWN: Duration = Duration::from_secs(5);

#[derive(clap::Args)]
#[command(after_help = "\
A fault is OPERATION=WHAT[,ADDITION]... and meets the next request of that
operation.
  OPERATION  moneykit.token, moneykit.introspect, moneykit.jwks, moov.token,
             moov.revoke or moov.accounts
  WHAT       a status such as 503, with the body that the vendor documents for
             it; or delay, truncate, close, reset, hang, cdn-block
  ADDITION   delay=TIME; times=NUMBER or times=always; served, so that the
             request is served and its response lost; for a status also
             retry-after=SECONDS and html
Faults of one operation apply one after another, in the order given.

Moov's live service differs from its documents: its token is a JWT, expires_in
is a Unix timestamp, and a token is issued for any origin, but works only for
one that is allowed. With --documented, Moov's access tokens live 15m. As STYLE,
expires_in is seconds, timestamp, seconds-text or timestamp-text.

The page at GET / shows requests, tokens and webhooks, and can send a webhook,
order a fault, rotate a webhook key and move the clock. It sends webhooks to
this machine and to each --webhook-host.

With --host 0.0.0.0 --allow-remote, other machines and containers reach the
emulator, without TLS. The page then needs the key in the address that is
printed at the start, and a name that is not an address needs --page-host.
The services and GET /healthz need no key: clients send their credentials, and
the health check says nothing else. Never give it credentials of a live service.

With --seed, the keys that sign webhooks are derived from TEXT, and whoever
knows TEXT has them. Tokens are not kept. Nothing is written to a disk.

Each request is a line, with the reason if it was refused. With --json, each
line is an object; the first one has the credentials. Ctrl-C or SIGTERM ends
the emulator: requests in flight get 5s, and a second signal ends it at once.

Examples:
  fintech-auth emulator
  fintech-auth emulator --fault moov.token=429,retry-after=2,times=3
  fintech-auth emulator --fault moneykit.token=delay,delay=3s \\
      --fault moneykit.jwks=hang,times=always
  fintech-auth emulator --port 0 --lifetime 30s --json
  fintech-auth emulator --host 0.0.0.0 --allow-remote --webhook-host app")]
pub(crate) struct Args {
    #[command(flatten)]
    format: Format,
    /// The port; 0 takes a free one
    #[arg(long, default_value = "4848", value_parser = port)]
    port: u16,
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", value_parser = address)]
    host: IpAddr,
    /// Let other machines reach it, as below
    #[arg(long)]
    allow_remote: bool,
    /// Let this name open the page. May be repeated
    #[arg(long, value_name = "NAME", value_parser = host)]
    page_host: Vec<String>,
    /// Let the page send webhooks there. May be repeated
    #[arg(long, value_name = "HOST", value_parser = host)]
    webhook_host: Vec<String>,
    /// Sign webhooks with the same keys after a restart
    #[arg(long, value_name = "TEXT")]
    seed: Option<String>,
    /// Let requests fail, as below. May be repeated
    #[arg(long)]
    fault: Vec<String>,
    /// How long access tokens live. Default: 1h, see below
    #[arg(long, value_name = "TIME", value_parser = time)]
    lifetime: Option<Duration>,
    /// How Moov writes expires_in, as below
    #[arg(long, value_name = "STYLE", hide_possible_values = true)]
    expires_in: Option<Style>,
    /// Moov allows it. Default: https://emulator.example
    #[arg(long)]
    origin: Option<String>,
    /// Let Moov allow any origin, or none, for browsers
    #[arg(long)]
    no_origin_check: bool,
    /// Let Moov issue access tokens only
    #[arg(long)]
    no_refresh_tokens: bool,
    /// Let Moov behave as its documents say
    #[arg(long)]
    documented: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Style {
    Seconds,
    Timestamp,
    SecondsText,
    TimestampText,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let json = args.format.json;
    let faults: Vec<fault::Ordered> =
        args.fault.iter().map(|fault| fault::parse(fault)).collect::<Result<_, _>>()?;
    let page = page(&args)?;
    let (noting, serving) = (page.clone(), page.clone());
    let builder = builder(&args)?.with_handler(move |request| serving.serve(request));
    let builder = builder.with_observer(move |request| {
        noting.note(request);
        // Nobody reads it any more: the services go on all the same.
        _ = print(&log::line(request, json));
    });
    let started = builder.start().await;
    let emulator = started.map_err(|error| {
        Failure::local(format!("the address or port cannot be had: {error}; try --port 0"))
    })?;
    let emulator = Arc::new(emulator);
    page.attach(&emulator);
    for fault in faults {
        emulator.fault_times(fault.operation, fault.fault, fault.times);
    }
    // Before anything is printed: who reads it may send the signal at once.
    let mut signals = Signals::new()?;
    print(&welcome(&emulator, &page, json))?;
    signals.ended().await;
    tokio::select! {
        () = emulator.shutdown(SHUTDOWN) => {}
        _ = signals.ended() => {}
    }
    let requests = emulator.requests().len();
    print(&if json {
        format!("{}\n", json!({"event": "stopped"}))
    } else {
        format!("Stopped after {requests} requests.\n")
    })
}

fn builder(args: &Args) -> Result<Builder, Failure> {
    let mut builder = Emulator::builder().with_system_clock().with_host(args.host).with_port(args.port);
    if let Some(text) = &args.seed {
        let seed = Seed::new(text);
        builder = builder.with_moneykit_signing_key(seed.moneykit_key()?);
        builder = builder.with_moov_webhook_secret(seed.moov_secret());
    }
    if let Some(lifetime) = args.lifetime {
        builder = builder.with_lifetime(lifetime.max(Duration::from_secs(1)));
    }
    if let Some(origin) = &args.origin {
        builder = builder.with_origin(origin);
    }
    if let Some(style) = args.expires_in {
        builder = builder.with_expires_in(match style {
            Style::Seconds => ExpiresInStyle::Seconds,
            Style::Timestamp => ExpiresInStyle::Timestamp,
            Style::SecondsText => ExpiresInStyle::SecondsText,
            Style::TimestampText => ExpiresInStyle::TimestampText,
        });
    }
    if args.documented {
        builder = builder.with_behaviour(Behaviour::Documented);
    }
    Ok(builder.with_origin_check(!args.no_origin_check).with_refresh_tokens(!args.no_refresh_tokens))
}

fn address(text: &str) -> Result<IpAddr, Expected> {
    text.parse().map_err(|_| Expected("an IP address, such as 0.0.0.0"))
}

/// A name or address as it is in a URL.
fn host(text: &str) -> Result<String, Expected> {
    let is_host = |text: &str| text.parse::<http::uri::Authority>().is_ok_and(|parsed| parsed.host() == text);
    is_host(text).then(|| text.to_owned()).ok_or(Expected("a host name or address, without scheme or port"))
}

/// The page, with a new key if others than this machine reach it.
fn page(args: &Args) -> Result<Arc<Page>, Failure> {
    let guard = match (args.host.is_loopback(), args.allow_remote) {
        (true, _) => Guard::local(&args.page_host),
        (false, true) => Guard::remote(&args.page_host, new_key()?),
        (false, false) => {
            return Err(Failure::usage(
                "this --host lets other machines reach the emulator; add --allow-remote if they may",
            ));
        }
    };
    Ok(Page::new(guard, &args.webhook_host))
}

/// A random key of 128 bits, in hexadecimal digits.
fn new_key() -> Result<Secret, Failure> {
    let random: Random<[u8; 16]> = ring::rand::generate(&SystemRandom::new())
        .map_err(|_| Failure::local("the system provides no randomness for the key of the page"))?;
    Ok(format!("{:032x}", u128::from_be_bytes(random.expose())).into())
}

/// The environment in which a client reaches the emulator.
fn variables(emulator: &Emulator) -> [(&'static str, String); 8] {
    let (moneykit, moov) = (emulator.moneykit_credentials(), emulator.moov_credentials());
    [
        ("MONEYKIT_BASE_URL", emulator.url().to_owned()),
        ("MONEYKIT_CLIENT_ID", moneykit.client_id().to_owned()),
        ("MONEYKIT_CLIENT_SECRET", moneykit.client_secret().expose_secret().to_owned()),
        ("MOOV_BASE_URL", emulator.url().to_owned()),
        ("MOOV_CLIENT_ID", moov.client_id().to_owned()),
        ("MOOV_CLIENT_SECRET", moov.client_secret().expose_secret().to_owned()),
        ("MOOV_WEBHOOK_SECRET", emulator.moov_webhook_secret().expose_secret().to_owned()),
        (SIGNING_KEY, emulator.moneykit_signing_key().expose_secret().to_owned()),
    ]
}

/// Where it is and how to come in.
fn welcome(emulator: &Emulator, page: &Page, json: bool) -> String {
    let variables = variables(emulator);
    let address = page.address(emulator.url());
    if json {
        let variables: serde_json::Map<_, _> =
            variables.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let summary = json!({
            "event": "started", "url": emulator.url(), "page": address, "environment": variables,
            "origin": emulator.origin(),
        });
        return format!("{summary}\n");
    }
    let mut text = format!("Both services are at {}. Ctrl-C ends them.\n", emulator.url());
    text += &format!("Watch them in a browser: {address}\n\n");
    for (name, operation) in fault::NAMES {
        text += &format!("{name:<20} {:<4} {}\n", operation.method().as_str(), operation.path());
    }
    text += "\n";
    for (name, value) in variables {
        text += &format!("export {name}={value}\n");
    }
    text + &format!("\nFor a token for a browser, Moov allows the origin {}.\n\n", emulator.origin())
}
