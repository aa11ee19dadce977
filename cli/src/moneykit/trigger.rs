//! `moneykit trigger`: sends a webhook as MoneyKit does.

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

const KEY_VARIABLE: &str = "FINTECH_AUTH_SIGNING_KEY";

#[derive(clap::Args)]
#[command(after_help = "\
EVENT is link.state_changed, link.product_refresh or
transactions.updates_available; any other name works too. The members of --data
are added to the body, or replace members of the same name.

The handler needs the public key of the signature. There are two ways:
  1. The emulator publishes its key as MoneyKit does. Export the variables that
     it prints, and start the handler with that MONEYKIT_BASE_URL. This command
     then signs with FINTECH_AUTH_SIGNING_KEY.
  2. With --jwks-file, this command writes the key set before it sends the
     webhook. The handler reads or serves that file. The private key is read
     from --key-file, otherwise from FINTECH_AUTH_SIGNING_KEY. If neither is
     given, a new key is generated.

By default, failed deliveries are retried as the vendor does: at most 9 attempts
in 2 hours, each interval twice as long as the previous one, until the handler
responds with 2xx. The vendor documents neither the intervals nor whether it
signs each retry again. Redirects are not followed.

With --tamper, the body is changed after signing. With --old, the signature is
3 hours old. The handler must reject both: the command succeeds if it responds
with 4xx except 404, 405, 408, 425 and 429. First try without these options,
because a handler with a wrong key rejects every webhook. With --replay, the
webhook is sent again after it was accepted. The handler may reject it, or
respond with 2xx without processing it again.

After a signal, the current attempt is finished and the command ends.

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
    /// A P-256 private key in PKCS#8; - for standard input
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    key_file: Option<String>,
    /// Write the public key to FILE, as a key set
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    jwks_file: Option<String>,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let Args { format, trigger, .. } = &args;
    if trigger.reads_stdin() && args.key_file.as_deref() == Some("-") {
        return Err(Failure::usage("the key and the data cannot both be read from standard input"));
    }
    let id = event::new_id();
    let body = event::of_moneykit(trigger.event(), &id, SystemTime::now(), trigger.data()?);
    let key = key(&args)?;
    if let Some(path) = &args.jwks_file {
        publish(path, &key)?;
    }
    let sent = body.to_string();
    // One trailing space makes the signature invalid.
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
        (input::secret_lines("--key-file", path)?, "the --key-file file".to_owned())
    } else if let Some(text) = input::variable(KEY_VARIABLE)?.filter(|text| !text.is_empty()) {
        (text.into(), format!("the environment variable {KEY_VARIABLE}"))
    } else if args.jwks_file.is_some() {
        return SigningKey::generate(event::new_id())
            .map_err(|error| Failure::local(format!("cannot generate a key: {error}")));
    } else {
        return Err(Failure::usage(format!(
            "no signing key given: set {KEY_VARIABLE} to the value that fintech-auth emulator prints, or use \
             --key-file or --jwks-file"
        )));
    };
    SigningKey::from_pkcs8(&text).map_err(|error| Failure::usage(format!("{place} {error}")))
}

/// The file is replaced atomically, because a handler may read the file during the replacement.
fn publish(path: &str, key: &SigningKey) -> Result<(), Failure> {
    if path == "-" {
        return Err(Failure::usage(
            "--jwks-file must name a file, because standard output is used for the report",
        ));
    }
    let target = private_file::target("--jwks-file", Path::new(path))?;
    if target.exists() {
        let old: Result<JwkSet, _> = serde_json::from_slice(&input::bytes("--jwks-file", path)?);
        old.map_err(|_| {
            Failure::usage("the --jwks-file file exists and is not a key set; name another file")
        })?;
    }
    let written = public_file::replace(&target, format!("{}\n", key.jwks()).as_bytes());
    written.map_err(|error| Failure::local(format!("cannot write the --jwks-file file: {error}")))
}
