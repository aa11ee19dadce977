//! Parses the faults that the user gives with `--fault` or on the status page.

use std::time::Duration;

use fintech_auth::emulator::{Fault, Operation};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::{exit::Failure, options};

pub(super) const NAMES: [(&str, Operation); 6] = [
    ("moneykit.token", Operation::MoneykitToken),
    ("moneykit.introspect", Operation::MoneykitIntrospect),
    ("moneykit.jwks", Operation::MoneykitJwks),
    ("moov.token", Operation::MoovToken),
    ("moov.revoke", Operation::MoovRevoke),
    ("moov.accounts", Operation::MoovAccounts),
];

pub(super) fn name(operation: Operation) -> &'static str {
    NAMES.iter().find(|(_, named)| *named == operation).map_or("?", |(name, _)| name)
}

#[derive(Debug)]
pub(super) struct PlannedFault {
    pub(super) operation: Operation,
    pub(super) fault: Fault,
    pub(super) times: usize,
}

pub(super) fn parse(text: &str) -> Result<PlannedFault, Failure> {
    let (name, rest) = text
        .split_once('=')
        .ok_or_else(|| Failure::usage("a fault must have the form OPERATION=WHAT, such as moov.token=503"))?;
    let operation = NAMES.iter().find(|(known, _)| *known == name).map(|(_, operation)| *operation);
    let operation = operation.ok_or_else(|| {
        let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        Failure::usage(format!("the operation of a fault must be one of {}", names.join(", ")))
    })?;
    let mut parts = rest.split(',');
    let what = parts.next().unwrap_or_default();
    let is_status = what.bytes().all(|byte| byte.is_ascii_digit());
    let mut fault = match what {
        "delay" if !rest.contains(",delay=") => {
            return Err(Failure::usage("a delay fault needs a time, such as delay,delay=3s"));
        }
        "delay" => Fault::delay(Duration::ZERO),
        "truncate" => Fault::truncate(),
        "close" => Fault::close(),
        "reset" => Fault::reset(),
        "hang" => Fault::hang(),
        "cdn-block" => Fault::cdn_block(),
        // hyper cannot send a 1xx response, so these statuses are rejected.
        status => match status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok()) {
            Some(status) if is_status && status.as_u16() >= 200 => error_response(name, status),
            _ => {
                return Err(Failure::usage(
                    "a fault must be a status, delay, truncate, close, reset, hang or cdn-block",
                ));
            }
        },
    };
    let mut times = 1;
    for part in parts {
        match part.split_once('=') {
            None if part == "served" => fault = fault.after_serving(),
            None if part == "html" && is_status => fault = fault.with_body("text/html", "<h1>fault</h1>"),
            Some(("delay", time)) => {
                fault =
                    fault.with_delay(options::time(time).map_err(|expected| {
                        Failure::usage(format!("the delay of a fault must be {expected}"))
                    })?)
            }
            Some(("retry-after", seconds)) if is_status => {
                let seconds: u32 = seconds
                    .parse()
                    .map_err(|_| Failure::usage("the retry-after of a fault must be a number of seconds"))?;
                fault = fault.with_header(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            Some(("times", "always")) => times = usize::MAX,
            Some(("times", number)) => {
                times = number.parse().map_err(|_| Failure::usage("times= must be a number or always"))?;
            }
            _ => {
                return Err(Failure::usage(
                    "the options of a fault are delay=, times=, served and, for a status, retry-after= and html",
                ));
            }
        }
    }
    Ok(PlannedFault { operation, fault, times })
}

fn error_response(operation: &str, status: StatusCode) -> Fault {
    let vendor = operation.split('.').next().unwrap_or_default();
    let moneykit = |code, message| json!({"error_code": code, "error_message": message});
    let body = match (vendor, status.as_u16()) {
        ("moneykit", 401) => moneykit("api_error.auth.unauthorized", "Unauthorized"),
        ("moneykit", 429) => moneykit("api_error.rate_limit_exceeded", "Too many requests"),
        ("moov", 400) => json!({"error": "invalid_request"}),
        _ => return Fault::response(status),
    };
    Fault::response(status).with_body("application/json", body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_specifications_are_parsed() {
        let shown = [
            "moov.token=503",
            "moov.token=429,retry-after=2,times=3",
            "moneykit.jwks=hang,times=always",
            "moneykit.token=delay,delay=3s",
            "moov.revoke=close,served",
            "moneykit.introspect=truncate,delay=1ms",
            "moov.token=reset",
            "moov.token=502,html",
            "moneykit.token=429,retry-after=1",
            "moneykit.jwks=401,html",
            "moov.revoke=400",
            "moov.accounts=cdn-block",
        ]
        .map(|text| format!("{text}\n  {:?}", parse(text).expect(text)));
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn invalid_fault_specifications_are_rejected() {
        let rejected = [
            "",
            "moov.token",
            "token=503",
            "moov.token=",
            "moov.token=99",
            "moov.token=101",
            "moov.token=+503",
            "moov.token=delay",
            "moov.token=broken",
            "moov.token=503,times=few",
            "moov.token=503,delay=soon",
            "moov.token=hang,retry-after=1",
            "moov.token=503,retry-after=later",
            "moov.token=503,times",
        ]
        .map(|text| format!("{text}\n  {}", parse(text).expect_err(text).reason));
        insta::assert_snapshot!(rejected.join("\n"));
    }
}
