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
    arguments::Arguments,
    command::{CALL, CONFIG, CREDENTIALS, Command, JSON},
    credentials,
    exit::Failure,
    fleet,
    settings::Settings,
};
use check::Report;

pub(crate) static COMMAND: Command = Command {
    name: &["doctor"],
    about: "Check credentials, network and Redis, and say what to do",
    operands: Some("WHAT"),
    words: &["moneykit", "moov", "redis"],
    options: &[JSON, CONFIG, CREDENTIALS, CALL],
    notes: "\
WHAT is moneykit, moov or redis. Without it, each vendor that has a client id is checked, and Redis if one \
is configured. A service is called two or three times. Scopes are those of the configuration (MONEYKIT_SCOPES, \
MOOV_SCOPES); Moov is else asked for /ping.read.

The Redis through which a fleet shares its tokens is FINTECH_AUTH_REDIS_URL, or FINTECH_AUTH_REDIS_URL_FILE for \
a file with the URL in it; in a file of settings, the table redis with url or url_file. Its namespace, if not \
default, is FINTECH_AUTH_REDIS_NAMESPACE, or namespace in that table.",
    examples: &[
        "fintech-auth doctor",
        "fintech-auth doctor moov --json",
        "MOOV_SCOPES=/accounts.read fintech-auth doctor",
        "FINTECH_AUTH_REDIS_URL_FILE=/run/secrets/redis-url fintech-auth doctor redis",
    ],
    run: |arguments| Box::pin(run(arguments)),
};

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let what = arguments.operands().first().map(String::as_str);
    if !matches!(what, None | Some("moneykit" | "moov" | "redis")) {
        return Err(Failure::usage("what is checked is moneykit, moov or redis"));
    }
    let of_a_vendor =
        ["client-id", "client-secret-file", "base-url"].iter().any(|name| arguments.value(name).is_some());
    if of_a_vendor && !matches!(what, Some("moneykit" | "moov")) {
        return Err(Failure::usage("whose are they? Name the vendor: fintech-auth doctor moov"));
    }
    let settings = Settings::read(&arguments)?;
    let mut report = Report::new(arguments.has("json"));
    let mut checked = 0;
    let wanted = |name: &str| what == Some(name) || what.is_none() && settings.may_have(name);
    if wanted("moneykit") {
        let config = credentials::moneykit(&settings);
        if what.is_some() || config.as_ref().map_or(true, |config| config.client_id.is_some()) {
            moneykit::check(&mut report.subject("moneykit")?, config).await?;
            checked += 1;
        }
    }
    if wanted("moov") {
        let config = credentials::moov(&settings);
        if what.is_some() || config.as_ref().map_or(true, |config| config.client_id.is_some()) {
            moov::check(&mut report.subject("moov")?, config).await?;
            checked += 1;
        }
    }
    if wanted("redis") {
        let time = credentials::time(&arguments, "timeout")?.unwrap_or(Duration::from_secs(5));
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
