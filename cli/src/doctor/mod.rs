//! `doctor`: checks the configuration, the network and the credentials. Says how to fix each
//! problem.

mod check;
mod delivery;
mod moneykit;
mod moov;
mod network;
mod probe;
mod record;
mod redis;
mod tls;
mod version;

use std::time::Duration;

use fintech_auth::{Error, Scope};

use crate::{
    credentials::{self, Overrides},
    exit::Failure,
    fleet,
    options::{Client, Credentials, Format},
};
use check::{Checks, Report, Verdict};
use delivery::Delivery;
use record::Recorder;

#[derive(clap::Args)]
#[command(after_help = "\
Without WHAT, every vendor with a client id is checked, and Redis if it is
configured. A service receives at most eight requests. The requested scopes are
the configured ones (MONEYKIT_SCOPES, MOOV_SCOPES); Moov's default is
/ping.read.

Each check prints one line: ok, warn (works, but needs attention), fail or skip
(not checked). The text after -> says what to do. With --json, each line is an
object with subject, check, id, verdict, found and next. The ids are stable; the
Troubleshooting page of the guide explains them. The exit code is 0 if no check
failed (warnings are allowed), 10 if a check failed, and 1 or 2 if a file or an
argument is invalid.

With --delivery, a recorded webhook is verified too. The file contains the
headers as received, an empty line and the body. The signature and its age are
checked separately, so an old delivery can still prove that the secret is right.

With --record, a transcript of the requests is written, so that you can attach
it to an issue in the fintech-auth repository. It has one line of JSON per
request: method, path, status, headers, the structure of the bodies, and times
relative to now. Names and values that are not on a fixed list are replaced by
their length, so the file contains no secret, id or domain. Redis traffic is not
recorded. Only you can read the file; check it before you share it.

FINTECH_AUTH_REDIS_URL is the Redis through which a fleet shares tokens;
FINTECH_AUTH_REDIS_URL_FILE names a file that contains the URL, and
FINTECH_AUTH_REDIS_NAMESPACE sets a namespace other than `default`. In the file
of --config, use the keys url, url_file and namespace of the table redis.

Examples:
  fintech-auth doctor
  fintech-auth doctor moov --json
  fintech-auth doctor moov --delivery delivery.txt
  fintech-auth doctor --record transcript.jsonl
  MOOV_SCOPES=/accounts.read fintech-auth doctor
  FINTECH_AUTH_REDIS_URL_FILE=/run/secrets/redis-url fintech-auth doctor redis")]
pub(crate) struct Args {
    /// What to check: moneykit, moov or redis. Default: all configured
    #[arg(hide_possible_values = true)]
    what: Option<What>,
    /// A webhook as received, headers and body; - for standard input
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    delivery: Option<String>,
    /// Write a transcript of the requests, without secrets
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    record: Option<String>,
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    client: Client,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum What {
    Moneykit,
    Moov,
    Redis,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let what = args.what;
    let Credentials { client_id, client_secret_file } = &args.client.credentials;
    let of_a_vendor =
        [client_id, client_secret_file, &args.client.call.base_url].iter().any(|value| value.is_some());
    if of_a_vendor && !matches!(what, Some(What::Moneykit | What::Moov)) {
        return Err(Failure::usage(
            "--client-id, --client-secret-file and --base-url need a vendor, such as fintech-auth doctor moov",
        ));
    }
    let delivery = args.delivery.as_deref().map(Delivery::read).transpose()?;
    if let (Some(delivery), Some(what)) = (&delivery, what)
        && what != (if delivery.is_moneykit { What::Moneykit } else { What::Moov })
    {
        return Err(Failure::usage("the --delivery file contains a webhook of another vendor"));
    }
    if delivery.is_some()
        && client_secret_file.as_deref() == Some("-")
        && args.delivery.as_deref() == Some("-")
    {
        return Err(Failure::usage("the secret and the delivery cannot both be read from standard input"));
    }
    args.record.as_deref().map(record::check_file).transpose()?;
    let recorder = Recorder::new(args.record.is_some());
    let delivery_of = |is_moneykit| delivery.as_ref().filter(|delivery| delivery.is_moneykit == is_moneykit);
    let settings = args.client.config.read()?;
    let overrides = Overrides::of(&args.client, args.format);
    let mut report = Report::new(args.format.json);
    let mut checked = 0;
    let wanted =
        |subject: What, table: &str| what == Some(subject) || what.is_none() && settings.may_have(table);
    if wanted(What::Moneykit, "moneykit") {
        let config = credentials::moneykit(&settings, &overrides);
        let is_configured = config
            .as_ref()
            .map_or(true, |config| config.client_id.is_some() || config.credentials_dir.is_some());
        if what.is_some() || is_configured || delivery_of(true).is_some() {
            moneykit::check(&mut report.subject("moneykit")?, config, delivery_of(true), &recorder).await?;
            checked += 1;
        }
    }
    if wanted(What::Moov, "moov") {
        let config = credentials::moov(&settings, &overrides);
        let is_configured = config
            .as_ref()
            .map_or(true, |config| config.client_id.is_some() || config.credentials_dir.is_some());
        if what.is_some() || is_configured || delivery_of(false).is_some() {
            moov::check(&mut report.subject("moov")?, config, delivery_of(false), &recorder).await?;
            checked += 1;
        }
    }
    if wanted(What::Redis, "redis") {
        let time = args.client.call.timeout.unwrap_or(Duration::from_secs(5));
        match fleet::fleet(&settings) {
            Ok(None) if what.is_none() => {}
            Ok(None) => {
                return Err(Failure::usage(
                    "no Redis is configured: set FINTECH_AUTH_REDIS_URL or FINTECH_AUTH_REDIS_URL_FILE",
                ));
            }
            Ok(Some(fleet)) => {
                redis::check(&mut report.subject("redis")?, &fleet, time).await?;
                checked += 1;
            }
            Err(failure) => {
                network::misconfigured(&mut report.subject("redis")?, &failure)?;
                checked += 1;
            }
        }
    }
    if checked == 0 {
        return Err(Failure::usage(
            "nothing is configured: set MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET, or MOOV_CLIENT_ID and \
             MOOV_CLIENT_SECRET",
        ));
    }
    if let Some(path) = &args.record {
        recorder.finish(&mut report.subject("transcript")?, path)?;
    }
    report.finish()
}

fn configured<C, T>(
    checks: &mut Checks<'_>,
    config: Result<C, Failure>,
    client: impl FnOnce(&C) -> Result<T, Error>,
    id: impl FnOnce(&C) -> Option<&str>,
) -> Result<Option<(T, C)>, Failure> {
    match config.and_then(|config| Ok((client(&config)?, config))) {
        Ok((client, config)) => {
            let what = id(&config)
                .map_or("credentials directory".to_owned(), |id| format!("client {id}, secret is set"));
            checks.ok("configured.ok", &what)?;
            Ok(Some((client, config)))
        }
        Err(failure) => network::misconfigured(checks, &failure).map(|()| None),
    }
}

fn scopes(
    checks: &mut Checks<'_>,
    requested: &[Scope],
    granted: Option<&str>,
    next: &str,
) -> Result<(), Failure> {
    let Some(granted) = granted else {
        return checks.add(
            "scopes.unknown",
            Verdict::Skip,
            "the response does not list the granted scopes",
            "",
        );
    };
    let is_granted = |scope: &str| granted.split_whitespace().any(|granted| granted == scope);
    let missing: Vec<&str> = requested.iter().map(Scope::as_str).filter(|scope| !is_granted(scope)).collect();
    match missing.is_empty() {
        true => checks.ok("scopes.ok", &format!("all {} granted", requested.len())),
        false => {
            checks.add("scopes.missing", Verdict::Fail, &format!("not granted: {}", missing.join(" ")), next)
        }
    }
}
