//! A vendor's configuration for a command: from `--config` or else the environment, and options on top of it.
//! It sends nothing.

use std::time::Duration;

use fintech_auth::{moneykit, moov};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{arguments::Arguments, exit::Failure, input};

/// # Errors
///
/// For a configuration that is not right, naming the key or variable.
pub(crate) fn moneykit(arguments: &Arguments) -> Result<moneykit::Config, Failure> {
    let mut config = match table(arguments, "moneykit")? {
        Some(config) => config,
        None => moneykit::Config::from_env()?,
    };
    if let Some(id) = arguments.value("client-id") {
        config.client_id = Some(id.to_owned());
    }
    if let Some(path) = arguments.value("client-secret-file") {
        config.client_secret = Some(input::secret(path)?);
        config.client_secret_file = None;
    }
    if let Some(url) = arguments.value("base-url") {
        config.base_url = Some(url.to_owned());
    }
    config.timeout = time(arguments, "timeout")?.or(config.timeout);
    config.webhook_tolerance = time(arguments, "tolerance")?.or(config.webhook_tolerance);
    Ok(config)
}

/// # Errors
///
/// For a configuration that is not right, naming the key or variable.
pub(crate) fn moov(arguments: &Arguments) -> Result<moov::Config, Failure> {
    let mut config = match table(arguments, "moov")? {
        Some(config) => config,
        None => moov::Config::from_env()?,
    };
    if let Some(id) = arguments.value("client-id") {
        config.client_id = Some(id.to_owned());
    }
    if let Some(path) = arguments.value("client-secret-file") {
        config.client_secret = Some(input::secret(path)?);
        config.client_secret_file = None;
    }
    if let Some(url) = arguments.value("base-url") {
        config.base_url = Some(url.to_owned());
    }
    if let Some(origin) = arguments.value("origin") {
        config.origin = Some(origin.to_owned());
    }
    config.timeout = time(arguments, "timeout")?.or(config.timeout);
    config.webhook_tolerance = time(arguments, "tolerance")?.or(config.webhook_tolerance);
    Ok(config)
}

/// A time as the configuration reads it, so that there is one way to write one.
///
/// # Errors
///
/// For what is no time, without showing it.
pub(crate) fn time(arguments: &Arguments, option: &str) -> Result<Option<Duration>, Failure> {
    arguments.value(option).map(|text| parse_time(text, &format!("--{option}"))).transpose()
}

/// The same of any text; `what` names it in the error.
///
/// # Errors
///
/// For what is no time, without showing it.
pub(crate) fn parse_time(text: &str, what: &str) -> Result<Duration, Failure> {
    let config = moneykit::Config::from_vars([("MONEYKIT_TIMEOUT", text)]);
    let time = config.ok().and_then(|config| config.timeout);
    time.ok_or_else(|| Failure::usage(format!("{what} is a time such as 500ms, 15s, 5m or 1h")))
}

/// Whether there is anything to read for a vendor: the environment, or a table of the file.
///
/// # Errors
///
/// For a file that cannot be read, or is no configuration.
pub(crate) fn may_have(arguments: &Arguments, vendor: &str) -> Result<bool, Failure> {
    match arguments.value("config") {
        Some(path) => Ok(tables(path)?.contains_key(vendor)),
        None => Ok(true),
    }
}

/// One table of the file that `--config` names.
fn table<C: DeserializeOwned>(arguments: &Arguments, vendor: &str) -> Result<Option<C>, Failure> {
    let Some(path) = arguments.value("config") else { return Ok(None) };
    let table = tables(path)?.remove(vendor);
    let table = table.ok_or_else(|| Failure::usage(format!("{path} has no table {vendor}")))?;
    let config = serde_json::from_value(table);
    config.map(Some).map_err(|error| Failure::usage(format!("{path}, {vendor}: {error}")))
}

/// Not by derive, whose errors show what did not fit.
fn tables(path: &str) -> Result<Map<String, Value>, Failure> {
    let file: Value = serde_json::from_slice(&input::bytes(path)?).map_err(|error| {
        Failure::usage(format!("{path} is not JSON: line {}, column {}", error.line(), error.column()))
    })?;
    let Value::Object(tables) = file else {
        return Err(Failure::usage(format!("{path} has no tables moneykit and moov")));
    };
    if tables.keys().any(|name| name != "moneykit" && name != "moov") {
        return Err(Failure::usage(format!("{path} has a table that is neither moneykit nor moov")));
    }
    Ok(tables)
}
