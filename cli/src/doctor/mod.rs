//! `doctor`: one line for each check, and what to do next where it did not pass. It changes nothing: the token
//! that it asks Moov for is revoked again.

mod check;
mod moneykit;
mod moov;
mod network;
mod redis;
mod tls;

use std::time::Duration;

use fintech_auth::{Error, Scope};

use crate::{
    credentials::{self, Overrides},
    exit::Failure,
    fleet,
    options::{Client, Credentials, Format},
};
use check::{Checks, Report, Verdict};

#[derive(clap::Args)]
#[command(after_help = "\
Without WHAT, each vendor that has a client id is checked, and Redis if one is
configured. A service is called two or three times. Scopes are those of the
configuration (MONEYKIT_SCOPES, MOOV_SCOPES); for Moov the default is
/ping.read.

The Redis through which a fleet shares its tokens is FINTECH_AUTH_REDIS_URL, or
FINTECH_AUTH_REDIS_URL_FILE for a file with the URL in it; in a file of
settings, the table redis with url or url_file. Its namespace, if not default,
is FINTECH_AUTH_REDIS_NAMESPACE, or namespace in that table.

Examples:
  fintech-auth doctor
  fintech-auth doctor moov --json
  MOOV_SCOPES=/accounts.read fintech-auth doctor
  FINTECH_AUTH_REDIS_URL_FILE=/run/secrets/redis-url fintech-auth doctor redis")]
pub(crate) struct Args {
    /// moneykit, moov or redis. Default: all that are configured
    #[arg(hide_possible_values = true)]
    what: Option<What>,
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
    let settings = args.client.config.read()?;
    let overrides = Overrides::of(&args.client, args.format);
    let mut report = Report::new(args.format.json);
    let mut checked = 0;
    let wanted =
        |subject: What, table: &str| what == Some(subject) || what.is_none() && settings.may_have(table);
    if wanted(What::Moneykit, "moneykit") {
        let config = credentials::moneykit(&settings, &overrides);
        if what.is_some() || config.as_ref().map_or(true, |config| config.client_id.is_some()) {
            moneykit::check(&mut report.subject("moneykit")?, config).await?;
            checked += 1;
        }
    }
    if wanted(What::Moov, "moov") {
        let config = credentials::moov(&settings, &overrides);
        if what.is_some() || config.as_ref().map_or(true, |config| config.client_id.is_some()) {
            moov::check(&mut report.subject("moov")?, config).await?;
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
            let id = id(&config).unwrap_or_default();
            checks.ok("configured", &format!("client {id}, and a secret"))?;
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
        return checks.add("scopes", Verdict::Skip, "the response does not name the granted scopes", "");
    };
    let is_granted = |scope: &str| granted.split_whitespace().any(|granted| granted == scope);
    let missing: Vec<&str> = requested.iter().map(Scope::as_str).filter(|scope| !is_granted(scope)).collect();
    match missing.is_empty() {
        true => checks.ok("scopes", &format!("all {} granted", requested.len())),
        false => checks.add("scopes", Verdict::Fail, &format!("not granted: {}", missing.join(" ")), next),
    }
}
