//! `moneykit verify`: verifies a recorded webhook.

use std::time::SystemTime;

use fintech_auth::{
    moneykit::{
        types::JwkSet,
        webhook::{VerifierOptions, VerifyingKeys, signature, verify},
    },
    webhook::{Tolerance, Verified},
};

use crate::{
    credentials::{self, Overrides},
    exit::Failure,
    input,
    options::{Call, ConfigFile, Format, Webhook},
    output::{self, Output},
    received::Received,
};

#[derive(clap::Args)]
#[command(after_help = "\
The headers are lines of the form `Name: value`; a request line before them is
ignored. No credentials are needed. With --tolerance, a signature that expired
at most that long ago is also accepted.

Examples:
  fintech-auth moneykit verify --headers headers.txt --body body.json
  fintech-auth moneykit verify --headers headers.txt --body body.json \\
      --keys keys.json --tolerance 24h")]
pub(crate) struct Args {
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    webhook: Webhook,
    /// Use keys saved by moneykit jwks --json; fetch none
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    keys: Option<String>,
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    call: Call,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let received = Received::read(&args.webhook)?;
    let mut options = VerifierOptions::default();
    if let Some(span) = args.webhook.tolerance {
        options = options.with_tolerance(Tolerance::new(span)).with_expiry_leeway(span);
    }
    let webhook = match &args.keys {
        Some(path) => by_keys(path, &received, &options)?,
        None => {
            let overrides = Overrides {
                call: Some(&args.call),
                tolerance: args.webhook.tolerance,
                ..Overrides::new(args.format)
            };
            let builder = credentials::moneykit(&args.config.read()?, &overrides)?.builder_for_webhooks()?;
            let client = builder.with_webhooks(|_| options).build()?;
            client.webhooks().verify(&received.headers, &received.body[..]).await?
        }
    };
    // The webhook is authentic, but may contain an event that this version does not know. So an
    // error of `event` is ignored.
    let event = webhook.event().ok();
    Output::new(args.format)
        .with_words("verified", true, "yes (headers and body)")
        .with("event", event.as_ref().map(|event| event.kind.as_str()))
        .with("idempotency_key", event.as_ref().and_then(|event| event.idempotency_key.as_deref()))
        .with("signed_at", output::time(webhook.signed_at()))
        .with("key_id", webhook.key_id())
        .print()
}

fn by_keys<'a>(
    path: &str,
    received: &'a Received,
    options: &VerifierOptions,
) -> Result<Verified<&'a [u8]>, Failure> {
    let set: JwkSet = serde_json::from_slice(&input::bytes("--keys", path)?).map_err(|_| {
        Failure::usage("the --keys file is not a key set; create one with moneykit jwks --json")
    })?;
    let signature = signature(&received.headers)?;
    Ok(verify(signature, &received.body[..], &VerifyingKeys::new(&set), SystemTime::now(), options)?)
}
