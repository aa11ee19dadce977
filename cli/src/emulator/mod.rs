//! `emulator`: runs the fake services of both vendors on one port.

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

const SIGNING_KEY: &str = "FINTECH_AUTH_SIGNING_KEY";
/// Docker waits 10 s before it kills a container. The emulator must shut down in less time.
const SHUTDOWN: Duration = Duration::from_secs(5);

#[derive(clap::Args)]
#[command(after_help = "\
A fault has the form OPERATION=WHAT[,ADDITION]... and applies to the next
request of that operation.
  OPERATION  moneykit.token, moneykit.introspect, moneykit.jwks, moov.token,
             moov.revoke or moov.accounts
  WHAT       a status such as 503, with the body that the vendor documents for
             it; or delay, truncate, close, reset, hang, cdn-block
  ADDITION   delay=TIME; times=NUMBER or times=always; served (the request is
             processed, but its response is lost); for a status also
             retry-after=SECONDS and html
Several faults of one operation apply in the order given.

By default, Moov behaves like the live service, which differs from its
documentation: tokens are JWTs, expires_in is a Unix timestamp, and a token is
issued for any origin but works only for an allowed one. With --documented, Moov
behaves as documented, and its access tokens are valid for 15m. STYLE sets the
format of expires_in: seconds, timestamp, seconds-text or timestamp-text.

The web page at GET / shows requests, tokens and webhooks. It can send a
webhook, add a fault, rotate a webhook key and move the clock. It sends webhooks
only to this machine and to each --webhook-host.

With --host 0.0.0.0 --allow-remote, other machines and containers can reach the
emulator, without TLS. The page then requires the key that is part of the
printed address. To open the page by a host name, add that name as --page-host.
The services and GET /healthz do not require the key. Never send credentials of
a live service to the emulator.

With --seed, the webhook signing keys are derived from TEXT, so anyone who knows
TEXT knows the keys. Tokens are not kept after a restart. Nothing is written to
disk.

Each request is logged on one line, with the reason if it failed. With --json,
each line is an object; the first one contains the credentials. On Ctrl-C or
SIGTERM the emulator stops: requests in flight get 5s to finish, and a second
signal stops it at once.

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
    /// The port; 0 for any free port
    #[arg(long, default_value = "4848", value_parser = port)]
    port: u16,
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", value_parser = address)]
    host: IpAddr,
    /// Accept connections from other machines, see below
    #[arg(long)]
    allow_remote: bool,
    /// Serve the page under this name. May be repeated
    #[arg(long, value_name = "NAME", value_parser = host)]
    page_host: Vec<String>,
    /// Let the page send webhooks to HOST. May be repeated
    #[arg(long, value_name = "HOST", value_parser = host)]
    webhook_host: Vec<String>,
    /// Keep the webhook signing keys across restarts
    #[arg(long, value_name = "TEXT")]
    seed: Option<String>,
    /// Make requests fail, see below. May be repeated
    #[arg(long)]
    fault: Vec<String>,
    /// The lifetime of access tokens. Default: 1h
    #[arg(long, value_name = "TIME", value_parser = time)]
    lifetime: Option<Duration>,
    /// The format of Moov's expires_in, see below
    #[arg(long, value_name = "STYLE", hide_possible_values = true)]
    expires_in: Option<Style>,
    /// Allowed origin. Default: https://emulator.example
    #[arg(long)]
    origin: Option<String>,
    /// Let Moov accept any origin, or none, for web pages
    #[arg(long)]
    no_origin_check: bool,
    /// Let Moov issue no refresh tokens
    #[arg(long)]
    no_refresh_tokens: bool,
    /// Let Moov behave as documented
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
    let faults: Vec<fault::PlannedFault> =
        args.fault.iter().map(|fault| fault::parse(fault)).collect::<Result<_, _>>()?;
    let page = page(&args)?;
    let (noting, serving) = (page.clone(), page.clone());
    let builder = builder(&args)?.with_handler(move |request| serving.serve(request));
    let builder = builder.with_observer(move |request| {
        noting.note(request);
        // The services must continue to run even if the output is closed, so write errors are
        // ignored.
        _ = print(&log::line(request, json));
    });
    let started = builder.start().await;
    let emulator = started.map_err(|error| {
        Failure::local(format!("cannot listen on this address and port: {error}; try --port 0"))
    })?;
    let emulator = Arc::new(emulator);
    page.attach(&emulator);
    for fault in faults {
        emulator.fault_times(fault.operation, fault.fault, fault.times);
    }
    // Install the signal handlers first, because a program that reads the output may send a signal
    // immediately.
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

fn host(text: &str) -> Result<String, Expected> {
    let is_host = |text: &str| text.parse::<http::uri::Authority>().is_ok_and(|parsed| parsed.host() == text);
    is_host(text).then(|| text.to_owned()).ok_or(Expected("a host name or address, without scheme or port"))
}

fn page(args: &Args) -> Result<Arc<Page>, Failure> {
    let guard = match (args.host.is_loopback(), args.allow_remote) {
        (true, _) => Guard::local(&args.page_host),
        (false, true) => Guard::remote(&args.page_host, new_key()?),
        (false, false) => {
            return Err(Failure::usage(
                "with this --host, other machines can reach the emulator; add --allow-remote to allow that",
            ));
        }
    };
    Ok(Page::new(guard, &args.webhook_host))
}

fn new_key() -> Result<Secret, Failure> {
    let random: Random<[u8; 16]> = ring::rand::generate(&SystemRandom::new()).map_err(|_| {
        Failure::local("cannot generate the key of the page: cannot read random bytes from the system")
    })?;
    Ok(format!("{:032x}", u128::from_be_bytes(random.expose())).into())
}

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
    let mut text = format!("MoneyKit and Moov are emulated at {} (stop with Ctrl-C).\n", emulator.url());
    text += &format!("Status page: {address}\n\n");
    for (name, operation) in fault::NAMES {
        text += &format!("{name:<20} {:<4} {}\n", operation.method().as_str(), operation.path());
    }
    text += "\n";
    for (name, value) in variables {
        text += &format!("export {name}={value}\n");
    }
    text + &format!("\nMoov accepts the origin {} for tokens of web pages.\n\n", emulator.origin())
}
