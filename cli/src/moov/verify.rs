//! `moov verify`: verifies the headers of a recorded webhook. Moov's signature does not cover the
//! body.

use crate::{
    credentials::{self, Overrides},
    exit::Failure,
    options::{ConfigFile, Format, Webhook},
    output::{self, Output},
    received::Received,
};

#[derive(clap::Args)]
#[command(after_help = "\
The headers are lines of the form `Name: value`; a request line before them is
ignored. The signing secret is MOOV_WEBHOOK_SECRET or MOOV_WEBHOOK_SECRET_FILE.
Moov does not sign the body: fetch the object from Moov before you act on it.

Examples:
  fintech-auth moov verify --headers headers.txt --body body.json \\
      --tolerance 24h")]
pub(crate) struct Args {
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    webhook: Webhook,
    #[command(flatten)]
    config: ConfigFile,
}

#[expect(clippy::unused_async, reason = "all commands are awaited")]
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let received = Received::read(&args.webhook)?;
    let overrides = Overrides { tolerance: args.webhook.tolerance, ..Overrides::new(args.format) };
    let webhooks = credentials::moov(&args.config.read()?, &overrides)?.webhooks()?;
    let webhook = webhooks.verify(&received.headers, &received.body)?;
    Output::new(args.format)
        .with_words("verified", true, "yes (headers only; the body is not signed)")
        .with_words("body_is_signed", false, "no")
        .with("webhook_id", webhook.webhook_id())
        .with("signed_at", output::time(webhook.signed_at()))
        .print()
}
