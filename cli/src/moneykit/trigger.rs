//! `moneykit trigger`: sends a webhook as MoneyKit does, signed with a key of the emulator or of a file.

use std::{path::Path, time::SystemTime};

use fintech_auth::{
    emulator::{RetrySchedule, SignedWebhook},
    moneykit::types::JwkSet,
    webhook::testing::{SigningKey, sign_moneykit},
};

use crate::{
    event,
    exit::Failure,
    input,
    options::Format,
    private_file, public_file,
    trigger::{self, Trigger},
};

/// Where the key can stand in the environment. The emulator prints it.
const KEY_VARIABLE: &str = "FINTECH_AUTH_SIGNING_KEY";

#[derive(clap::Args)]
#[command(after_help = "\
EVENT is link.state_changed, link.product_refresh or
transactions.updates_available; other names are sent as well. With --data,
members are added to the body, or replaced.

The handler must have the key that signs, in one of two ways:
  1. The emulator publishes its key as MoneyKit does. Export what it prints, and
     start the handler with its MONEYKIT_BASE_URL. This command signs with
     FINTECH_AUTH_SIGNING_KEY.
  2. With --jwks-file, the key set is written before anything is sent, for a
     handler that reads or serves that file. The key is that of --key-file, else
     of FINTECH_AUTH_SIGNING_KEY, else a new one in each run.

Retries follow the vendor's two hours: 9 attempts until one gets a 2xx response,
each interval twice as long as the one before it. The vendor documents neither
the intervals nor whether it signs a retry anew. Redirects are not followed.

With --tamper, the body is changed after it was signed; with --old, it was
signed 3h ago. The command succeeds if the handler refuses these with 4xx, but
not with 404, 405, 408, 425 or 429. Try without them first: a handler that has
another key refuses all. With --replay, the webhook is sent again once it was
accepted. The handler may refuse it, or respond with 2xx without acting again.

A signal ends the command after the attempt that is running.

Examples:
  fintech-auth moneykit trigger link.state_changed \\
      --to http://127.0.0.1:3000/webhooks/moneykit
  fintech-auth moneykit trigger link.state_changed \\
      --to http://127.0.0.1:3000/hook --jwks-file keys.json --within 10s
  fintech-auth moneykit trigger link.product_refresh \\
      --to http://127.0.0.1:3000/hook --tamper --json
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem")]
pub(crate) struct Args {
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    trigger: Trigger,
    /// A P-256 private key in PKCS#8; - is standard input
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    key_file: Option<String>,
    /// Write the public key there, as a key set
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    jwks_file: Option<String>,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let Args { format, trigger, .. } = &args;
    if trigger.reads_stdin() && args.key_file.as_deref() == Some("-") {
        return Err(Failure::usage("standard input is either the key or the data"));
    }
    let id = event::new_id();
    let body = event::of_moneykit(trigger.event(), &id, SystemTime::now(), trigger.data()?);
    let key = key(&args)?;
    if let Some(path) = &args.jwks_file {
        publish(path, &key)?;
    }
    let sent = body.to_string();
    // Another body, whatever is in it.
    let forged = format!("{sent} ");
    let sign = |signing: trigger::Signing| {
        let headers = sign_moneykit(&key, signing.at, sent.as_bytes())?;
        let body = if signing.is_forged { &forged } else { &sent };
        Ok(SignedWebhook::new(headers, body.clone()))
    };
    trigger.run(*format, &id, RetrySchedule::moneykit(), sign).await
}

fn key(args: &Args) -> Result<SigningKey, Failure> {
    let (text, place) = if let Some(path) = &args.key_file {
        (input::secret_lines("--key-file", path)?, "the file of --key-file".to_owned())
    } else if let Some(text) = input::variable(KEY_VARIABLE)?.filter(|text| !text.is_empty()) {
        (text.into(), format!("the environment variable {KEY_VARIABLE}"))
    } else if args.jwks_file.is_some() {
        return SigningKey::generate(event::new_id())
            .map_err(|error| Failure::local(format!("no key can be made: {error}")));
    } else {
        return Err(Failure::usage(format!(
            "which key do the handler and this command share? Export {KEY_VARIABLE} as fintech-auth emulator prints \
             it, or give --key-file or --jwks-file"
        )));
    };
    SigningKey::from_pkcs8(&text).map_err(|error| Failure::usage(format!("{place} {error}")))
}

/// Writes the key set, to a new file or over another key set. A handler may read it at the same time.
fn publish(path: &str, key: &SigningKey) -> Result<(), Failure> {
    if path == "-" {
        return Err(Failure::usage("--jwks-file takes the path of a file: standard output has the report"));
    }
    let target = private_file::target("--jwks-file", Path::new(path))?;
    if target.exists() {
        let old: Result<JwkSet, _> = serde_json::from_slice(&input::bytes("--jwks-file", path)?);
        old.map_err(|_| {
            Failure::usage("the file of --jwks-file exists and is no key set; name another file")
        })?;
    }
    let written = public_file::replace(&target, format!("{}\n", key.jwks()).as_bytes());
    written.map_err(|error| Failure::local(format!("the file of --jwks-file cannot be written: {error}")))
}
