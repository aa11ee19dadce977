//! A vendor's configuration for a command: from `--config` or else the environment, and options on top of it.
//! It sends nothing.

use std::time::Duration;

use crate::{arguments::Arguments, exit::Failure, input, output, settings::Settings};
use fintech_auth::{moneykit, moov};

/// # Errors
///
/// For a configuration that is not right, naming the key or variable.
pub(crate) fn moneykit(settings: &Settings<'_>) -> Result<moneykit::Config, Failure> {
    let arguments = settings.arguments;
    let mut config = match settings.table("moneykit")? {
        Some(config) => config,
        None => moneykit::Config::from_env()?,
    };
    for warning in config.warnings() {
        output::warn(warning, arguments.has("json"));
    }
    if let Some(id) = arguments.value("client-id") {
        config.client_id = Some(id.to_owned());
    }
    if let Some(path) = arguments.value("client-secret-file") {
        config.client_secret = Some(input::secret("--client-secret-file", path)?);
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
pub(crate) fn moov(settings: &Settings<'_>) -> Result<moov::Config, Failure> {
    let arguments = settings.arguments;
    let mut config = match settings.table("moov")? {
        Some(config) => config,
        None => moov::Config::from_env()?,
    };
    for warning in config.warnings() {
        output::warn(warning, arguments.has("json"));
    }
    if let Some(id) = arguments.value("client-id") {
        config.client_id = Some(id.to_owned());
    }
    if let Some(path) = arguments.value("client-secret-file") {
        config.client_secret = Some(input::secret("--client-secret-file", path)?);
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
