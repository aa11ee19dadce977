//! `emulator`: both services on a port, for developers of any language. Tells each request as it is over, and ends
//! on Ctrl-C. It shows no request's secrets; those that it prints at the start open nothing but itself.

mod fault;
mod log;

use std::time::Duration;

use fintech_auth::emulator::{Behaviour, Builder, Emulator, ExpiresInStyle};
use serde_json::json;

use crate::{
    arguments::Arguments,
    command::{Command, JSON, Opt},
    credentials,
    exit::Failure,
    output::print,
    signals::Signals,
};

pub(crate) static COMMAND: Command = Command {
    name: &["emulator"],
    about: "Run MoneyKit's and Moov's auth services on this machine",
    operands: None,
    words: &[],
    options: &[
        JSON,
        &[
            Opt::value("port", "PORT", "the port of 127.0.0.1 (default 4848; 0 takes a free one)"),
            Opt::value("fault", "FAULT", "let requests go wrong, as below; again for more"),
            Opt::value("lifetime", "TIME", "how long access tokens live (default 1h; with --documented Moov 15m)"),
            Opt::value(
                "expires-in",
                "STYLE",
                "how Moov writes it: seconds, timestamp, seconds-text, timestamp-text",
            ),
            Opt::value("origin", "ORIGIN", "the one that Moov allows (default https://emulator.example)"),
            Opt::switch("no-origin-check", "let Moov allow any origin, or none, for a browser's token"),
            Opt::switch("no-refresh-tokens", "let Moov issue access tokens alone"),
            Opt::switch("documented", "let Moov behave as its documents say, not as its live service"),
        ],
    ],
    notes: "\
A fault is OPERATION=WHAT[,ADDITION]… and meets the next request of that operation.
  OPERATION  moneykit.token, moneykit.introspect, moneykit.jwks, moov.token,
             moov.revoke or moov.accounts
  WHAT       a status such as 503, with the body that the vendor documents for
             it; or delay, truncate, close, reset, hang, cdn-block
  ADDITION   delay=TIME; times=NUMBER or times=always; served, so that the
             request is served and its response lost; for a status also
             retry-after=SECONDS and html
Those of one operation come one after another, in the order given.

Moov's live service differs from its documents: its token is a JWT, expires_in is a Unix timestamp, and a token is issued for any origin, but works only for one that is allowed.

Each request is a line, with the reason where it was refused. It ends on Ctrl-C. With --json, each line is an object; the first one tells the credentials.",
    examples: &[
        "fintech-auth emulator",
        "fintech-auth emulator --fault moov.token=429,retry-after=2,times=3",
        "fintech-auth emulator --fault moneykit.token=delay,delay=3s --fault moneykit.jwks=hang,times=always",
        "fintech-auth emulator --port 0 --lifetime 30s --json",
    ],
    run: |arguments| Box::pin(run(arguments)),
};

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let json = arguments.has("json");
    let faults: Vec<fault::Ordered> =
        arguments.values("fault").map(fault::parse).collect::<Result<_, _>>()?;
    let builder = builder(&arguments)?.with_observer(move |request| {
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

fn builder(arguments: &Arguments) -> Result<Builder, Failure> {
    let port = arguments.value("port").map_or(Ok(4848), str::parse);
    let port = port.map_err(|_| Failure::usage("--port is a number up to 65535"))?;
    let mut builder = Emulator::builder().with_system_clock().with_port(port);
    if let Some(lifetime) = credentials::time(arguments, "lifetime")? {
        builder = builder.with_lifetime(lifetime.max(Duration::from_secs(1)));
    }
    if let Some(origin) = arguments.value("origin") {
        builder = builder.with_origin(origin);
    }
    let style = match arguments.value("expires-in") {
        None => None,
        Some("seconds") => Some(ExpiresInStyle::Seconds),
        Some("timestamp") => Some(ExpiresInStyle::Timestamp),
        Some("seconds-text") => Some(ExpiresInStyle::SecondsText),
        Some("timestamp-text") => Some(ExpiresInStyle::TimestampText),
        Some(_) => {
            return Err(Failure::usage("--expires-in is seconds, timestamp, seconds-text or timestamp-text"));
        }
    };
    if let Some(style) = style {
        builder = builder.with_expires_in(style);
    }
    if arguments.has("documented") {
        builder = builder.with_behaviour(Behaviour::Documented);
    }
    Ok(builder
        .with_origin_check(!arguments.has("no-origin-check"))
        .with_refresh_tokens(!arguments.has("no-refresh-tokens")))
}

/// Where it is and how to come in.
fn welcome(emulator: &Emulator, json: bool) -> String {
    let (moneykit, moov) = (emulator.moneykit_credentials(), emulator.moov_credentials());
    let webhook_secret = emulator.moov_webhook_secret();
    let variables = [
        ("MONEYKIT_BASE_URL", emulator.url()),
        ("MONEYKIT_CLIENT_ID", moneykit.client_id()),
        ("MONEYKIT_CLIENT_SECRET", moneykit.client_secret().expose_secret()),
        ("MOOV_BASE_URL", emulator.url()),
        ("MOOV_CLIENT_ID", moov.client_id()),
        ("MOOV_CLIENT_SECRET", moov.client_secret().expose_secret()),
        ("MOOV_WEBHOOK_SECRET", webhook_secret.expose_secret()),
    ];
    if json {
        let variables: serde_json::Map<_, _> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        let told = json!({
            "event": "started", "url": emulator.url(), "environment": variables, "origin": emulator.origin(),
        });
        return format!("{told}\n");
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
