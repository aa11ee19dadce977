//! `doctor`: one line for each check, and what to do next where it did not pass. It changes nothing: the token
//! that it asks Moov for is revoked again.

mod check;
mod moneykit;
mod moov;
mod network;
mod redis;
mod tls;

use std::time::Duration;

use fintech_auth::Scope;

use crate::{
    credentials::{self, Overrides},
    exit::Failure,
    fleet,
    options::{Call, ConfigFile, Credentials, Format},
};
use check::Report;

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
    config: ConfigFile,
    #[command(flatten)]
    credentials: Credentials,
    #[command(flatten)]
    call: Call,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum What {
    Moneykit,
    Moov,
    Redis,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let what = args.what;
    let Credentials { client_id, client_secret_file } = &args.credentials;
    let of_a_vendor =
        [client_id, client_secret_file, &args.call.base_url].iter().any(|value| value.is_some());
    if of_a_vendor && !matches!(what, Some(What::Moneykit | What::Moov)) {
        return Err(Failure::usage(
            "--client-id, --client-secret-file and --base-url need a vendor: fintech-auth doctor moov",
        ));
    }
    let settings = args.config.read()?;
    let overrides = Overrides {
        credentials: Some(&args.credentials),
        call: Some(&args.call),
        ..Overrides::new(args.format)
    };
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
        let time = args.call.timeout.unwrap_or(Duration::from_secs(5));
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

/// Those that were asked for and are not among the granted ones.
fn missing<'a>(asked: &'a [Scope], granted: &str) -> Vec<&'a str> {
    let is_granted = |scope: &str| granted.split_whitespace().any(|granted| granted == scope);
    asked.iter().map(Scope::as_str).filter(|scope| !is_granted(scope)).collect()
}
