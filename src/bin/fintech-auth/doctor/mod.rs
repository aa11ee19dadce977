//! `doctor`: one line for each check, and what to do next where it did not pass. It changes nothing: the token
//! that it asks Moov for is revoked again.

mod check;
mod moneykit;
mod moov;
mod network;

use fintech_auth::Scope;

use crate::{
    arguments::Arguments,
    command::{CALL, Command, JSON},
    credentials,
    exit::Failure,
};
use check::Report;

pub(crate) static COMMAND: Command = Command {
    name: &["doctor"],
    about: "Check credentials, network, clock and scopes, and say what to do",
    operands: Some("VENDOR"),
    words: &["moneykit", "moov"],
    options: &[JSON, CALL],
    notes: "\
Without a VENDOR (moneykit or moov) it checks each one that has a client id. It calls the service two or three
times. Scopes are those of the configuration (MONEYKIT_SCOPES, MOOV_SCOPES); Moov is else asked for /ping.read.",
    examples: &["fintech-auth doctor", "fintech-auth doctor moov --json", "MOOV_SCOPES=/accounts.read fintech-auth doctor"],
    run: |arguments| Box::pin(run(arguments)),
};

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let vendor = arguments.operands().first().map(String::as_str);
    if !matches!(vendor, None | Some("moneykit" | "moov")) {
        return Err(Failure::usage("the vendor is moneykit or moov"));
    }
    let one_for_both =
        ["client-id", "client-secret-file", "base-url"].iter().any(|name| arguments.value(name).is_some());
    if vendor.is_none() && one_for_both {
        return Err(Failure::usage("whose are they? Name the vendor: fintech-auth doctor moov"));
    }
    let mut report = Report::new(arguments.has("json"));
    let mut checked = 0;
    if vendor != Some("moov") && (vendor.is_some() || credentials::may_have(&arguments, "moneykit")?) {
        let config = credentials::moneykit(&arguments);
        if vendor.is_some() || config.as_ref().map_or(true, |config| config.client_id.is_some()) {
            moneykit::check(&mut report.vendor("moneykit")?, config).await?;
            checked += 1;
        }
    }
    if vendor != Some("moneykit") && (vendor.is_some() || credentials::may_have(&arguments, "moov")?) {
        let config = credentials::moov(&arguments);
        if vendor.is_some() || config.as_ref().map_or(true, |config| config.client_id.is_some()) {
            moov::check(&mut report.vendor("moov")?, config).await?;
            checked += 1;
        }
    }
    if checked == 0 {
        return Err(Failure::usage(
            "no vendor is configured: set MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET, or MOOV_CLIENT_ID and \
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
