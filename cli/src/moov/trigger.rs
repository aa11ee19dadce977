//! `moov trigger`: sends a webhook as Moov does.

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
EVENT is transfer.updated, account.created or any other event of Moov. Its data
contains random ids unless --data replaces it.

The webhook is signed with the handler's secret: MOOV_WEBHOOK_SECRET,
MOOV_WEBHOOK_SECRET_FILE or the --config file. The emulator prints its secret.

By default, failed deliveries are retried as the vendor does: at most 11
attempts in 24 hours, each interval twice as long as the previous one, until the
handler responds with 2xx. The vendor documents neither the intervals nor
whether it signs each retry again. Redirects are not followed.

With --tamper, the nonce is changed after signing, because Moov does not sign
the body. With --old, the signature is 25 hours old. The handler must reject
both: the command succeeds if it responds with 4xx except 404, 405, 408, 425 and
429. First try without these options, because a handler with a wrong secret
rejects every webhook. With --replay, the webhook is sent again after it was
accepted. The handler may reject it, or respond with 2xx without processing it
again.

After a signal, the current attempt is finished and the command ends.

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

fn nonce() -> String {
    format!("{}{}", event::new_id(), event::new_id()).replace('-', "")[..60].to_owned()
}
