//! `moov trigger`: sends a webhook as Moov does, signed with the secret that the handler is configured with.

use std::time::SystemTime;

use fintech_auth::{
    emulator::{RetrySchedule, SignedWebhook},
    webhook::testing::sign_moov,
};
use http::{HeaderName, HeaderValue};

use crate::{
    credentials::{self, Overrides},
    event,
    exit::Failure,
    options::{ConfigFile, Format},
    trigger::{self, Trigger},
};

#[derive(clap::Args)]
#[command(after_help = "\
EVENT is transfer.updated, account.created or another name of the vendor's. The
ids in its data are made up, unless --data replaces it.

The webhook is signed with the secret of the handler: MOOV_WEBHOOK_SECRET,
MOOV_WEBHOOK_SECRET_FILE or the file of --config. The emulator prints one.

Retries follow the vendor's 24 hours: 11 attempts until one gets a 2xx response,
each interval twice as long as the one before it. The vendor documents neither
the intervals nor whether it signs a retry anew. Redirects are not followed.

With --tamper, the nonce is changed after it was signed, because Moov signs no
body; with --old, it was signed 25h ago. The command succeeds if the handler
refuses these with 4xx, but not with 404, 405, 408, 425 or 429. Try without them
first: a handler that has another secret refuses all. With --replay, the webhook
is sent again once it was accepted. The handler may refuse it, or respond with
2xx without acting again.

A signal ends the command after the attempt that is running.

Examples:
  fintech-auth moov trigger transfer.updated \\
      --to http://127.0.0.1:3000/webhooks/moov
  fintech-auth moov trigger transfer.updated --to http://127.0.0.1:3000/hook \\
      --within 10s --sign-anew --json
  fintech-auth moov trigger account.created \\
      --to https://staging.example.com/hook --attempts 1 --data account.json
  fintech-auth moov trigger transfer.updated --to http://127.0.0.1:3000/hook \\
      --replay")]
pub(crate) struct Args {
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    trigger: Trigger,
    #[command(flatten)]
    config: ConfigFile,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let Args { format, trigger, config } = &args;
    let config = credentials::moov(&config.read()?, &Overrides::new(*format))?;
    let secret = config.current_webhook_secret()?;
    let id = event::new_id();
    let body = event::of_moov(trigger.event(), &id, SystemTime::now(), trigger.data()?).to_string();
    let webhook_id = event::new_id();
    let sign = |signing: trigger::Signing| {
        let mut headers = sign_moov(&secret, signing.at, &nonce(), &webhook_id)?;
        if signing.is_forged {
            let nonce = HeaderValue::try_from(nonce()).map_err(std::io::Error::other)?;
            headers.insert(HeaderName::from_static("x-nonce"), nonce);
        }
        Ok(SignedWebhook::new(headers, body.clone()))
    };
    trigger.run(*format, &id, RetrySchedule::moov(), sign).await
}

/// 60 characters, as Moov's.
fn nonce() -> String {
    format!("{}{}", event::new_id(), event::new_id()).replace('-', "")[..60].to_owned()
}
