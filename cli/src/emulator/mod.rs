//! `emulator`: both services on a port, for developers of any language. Tells each request as it is over, and ends
//! on Ctrl-C. It shows no request's secrets; those that it prints at the start open nothing but itself.

mod fault;
mod log;

use std::time::Duration;

use fintech_auth::emulator::{Behaviour, Builder, Emulator, ExpiresInStyle};
use serde_json::json;

use crate::{
    exit::Failure,
    options::{Format, port, time},
    output::print,
    signals::Signals,
};

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

Each request is a line, with the reason if it was refused. Ctrl-C ends the
emulator. With --json, each line is an object; the first one has the
credentials.

Examples:
  fintech-auth emulator
  fintech-auth emulator --fault moov.token=429,retry-after=2,times=3
  fintech-auth emulator --fault moneykit.token=delay,delay=3s \\
      --fault moneykit.jwks=hang,times=always
  fintech-auth emulator --port 0 --lifetime 30s --json")]
pub(crate) struct Args {
    #[command(flatten)]
    format: Format,
    /// The port; 0 takes a free one
    #[arg(long, default_value = "4848", value_parser = port)]
    port: u16,
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
    let builder = builder(&args).with_observer(move |request| {
        // Nobody reads it any more: the services go on all the same.
        _ = print(&log::line(request, json));
    });
    let started = builder.start().await;
    let emulator =
        started.map_err(|error| Failure::local(format!("the port cannot be had: {error}; try --port 0")))?;
    for fault in faults {
        emulator.fault_times(fault.operation, fault.fault, fault.times);
    }
    // Before anything is printed: who reads it may send the signal at once.
    let mut signals = Signals::new()?;
    print(&welcome(&emulator, json))?;
    signals.ended().await;
    let requests = emulator.requests().len();
    print(&if json {
        format!("{}\n", json!({"event": "stopped"}))
    } else {
        format!("Stopped after {requests} requests.\n")
    })
}

fn builder(args: &Args) -> Builder {
    let mut builder = Emulator::builder().with_system_clock().with_port(args.port);
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
    builder.with_origin_check(!args.no_origin_check).with_refresh_tokens(!args.no_refresh_tokens)
}

/// Where it is and how to come in.
fn welcome(emulator: &Emulator, json: bool) -> String {
    let (moneykit, moov) = (emulator.moneykit_credentials(), emulator.moov_credentials());
    let (webhook_secret, signing_key) = (emulator.moov_webhook_secret(), emulator.moneykit_signing_key());
    let variables = [
        ("MONEYKIT_BASE_URL", emulator.url()),
        ("MONEYKIT_CLIENT_ID", moneykit.client_id()),
        ("MONEYKIT_CLIENT_SECRET", moneykit.client_secret().expose_secret()),
        ("MOOV_BASE_URL", emulator.url()),
        ("MOOV_CLIENT_ID", moov.client_id()),
        ("MOOV_CLIENT_SECRET", moov.client_secret().expose_secret()),
        ("MOOV_WEBHOOK_SECRET", webhook_secret.expose_secret()),
        ("FINTECH_AUTH_SIGNING_KEY", signing_key.expose_secret()),
    ];
    if json {
        let variables: serde_json::Map<_, _> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        let summary = json!({
            "event": "started", "url": emulator.url(), "environment": variables, "origin": emulator.origin(),
        });
        return format!("{summary}\n");
    }
    let mut text = format!("Both services are at {}. Ctrl-C ends them.\n\n", emulator.url());
    for (name, operation) in fault::NAMES {
        text += &format!("{name:<20} {:<4} {}\n", operation.method().as_str(), operation.path());
    }
    text += "\n";
    for (name, value) in variables {
        text += &format!("export {name}={value}\n");
    }
    text + &format!("\nFor a token for a browser, Moov allows the origin {}.\n\n", emulator.origin())
}
