//! `doctor`: one line for each check, and what to do next where it did not pass. It changes nothing: a token
//! that it asks Moov for is revoked again.

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
Without WHAT, each vendor that has a client id is checked, and Redis if one is
configured. A service is called up to eight times. Scopes are those of the
configuration (MONEYKIT_SCOPES, MOOV_SCOPES); for Moov the default is
/ping.read.

Each line is a finding: ok, warn (it works, but may surprise), fail or skip
(nothing to check), and after -> what to do. With --json each line is an object
with subject, check, id, verdict, found and next. Ids are stable; the guide page
Troubleshooting lists them. The exit code is 0 if nothing failed, warnings or
not, 10 if a check failed, 1 or 2 if a file or an argument is not right.

With --delivery, a webhook delivery is verified as well: a file with its headers
as they came, an empty line, and the body. The signature is checked apart from
its time, so an old delivery shows whether the secret is right.

With --record, a transcript of the calls is written, to be attached to an issue
in the repository of fintech-auth: from it we learn what the live services send.
A line of JSON for each call has method, path, status, headers, the shape of the
bodies, and times relative to now. Only listed names and words are in it; any
other name or value is replaced by its length. So it has no secret, no id and no
domain. Redis is not recorded. Nobody else can read the file; read it first.

The Redis through which a fleet shares its tokens is FINTECH_AUTH_REDIS_URL, or
FINTECH_AUTH_REDIS_URL_FILE for a file with the URL in it; in a file of
settings, the table redis with url or url_file. Its namespace, if not default,
is FINTECH_AUTH_REDIS_NAMESPACE, or namespace in that table.

Examples:
  fintech-auth doctor
  fintech-auth doctor moov --json
  fintech-auth doctor moov --delivery delivery.txt
  fintech-auth doctor --record transcript.jsonl
  MOOV_SCOPES=/accounts.read fintech-auth doctor
  FINTECH_AUTH_REDIS_URL_FILE=/run/secrets/redis-url fintech-auth doctor redis")]
pub(crate) struct Args {
    /// moneykit, moov or redis. Default: all that are configured
    #[arg(hide_possible_values = true)]
    what: Option<What>,
    /// A webhook as received, headers and body; - is standard input
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    delivery: Option<String>,
    /// Write what the calls sent and received, without values
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
            "--client-id, --client-secret-file and --base-url need a vendor: fintech-auth doctor moov",
        ));
    }
    let delivery = args.delivery.as_deref().map(Delivery::read).transpose()?;
    if let (Some(delivery), Some(what)) = (&delivery, what)
        && what != (if delivery.is_moneykit { What::Moneykit } else { What::Moov })
    {
        return Err(Failure::usage("the file of --delivery has a webhook of another vendor"));
    }
    if delivery.is_some()
        && client_secret_file.as_deref() == Some("-")
        && args.delivery.as_deref() == Some("-")
    {
        return Err(Failure::usage("standard input is either the secret or the delivery"));
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

/// Reports whether a client can be made of a vendor's configuration. `None` if it cannot.
fn configured<C, T>(
    checks: &mut Checks<'_>,
    config: Result<C, Failure>,
    client: impl FnOnce(&C) -> Result<T, Error>,
    id: impl FnOnce(&C) -> Option<&str>,
) -> Result<Option<(T, C)>, Failure> {
    match config.and_then(|config| Ok((client(&config)?, config))) {
        Ok((client, config)) => {
            let what = id(&config)
                .map_or("credentials in a directory".to_owned(), |id| format!("client {id}, and a secret"));
            checks.ok("configured.ok", &what)?;
            Ok(Some((client, config)))
        }
        Err(failure) => network::misconfigured(checks, &failure).map(|()| None),
    }
}

/// Reports which of the requested scopes were not granted. `None` if the response does not say.
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
            "the response does not name the granted scopes",
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
