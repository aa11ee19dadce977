//! Reads a vendor's configuration, and applies the options of a command to it.

use std::time::Duration;

use fintech_auth::{moneykit, moov};

use crate::{
    exit::Failure,
    input,
    options::{Call, Client, Credentials, Format},
    output,
    settings::Settings,
};

#[derive(Clone, Copy)]
pub(crate) struct Overrides<'a> {
    pub(crate) credentials: Option<&'a Credentials>,
    pub(crate) call: Option<&'a Call>,
    pub(crate) origin: Option<&'a str>,
    pub(crate) tolerance: Option<Duration>,
    pub(crate) format: Format,
}

impl<'a> Overrides<'a> {
    pub(crate) fn of(client: &'a Client, format: Format) -> Self {
        Self { credentials: Some(&client.credentials), call: Some(&client.call), ..Self::new(format) }
    }

    pub(crate) fn new(format: Format) -> Self {
        Self { credentials: None, call: None, origin: None, tolerance: None, format }
    }
}

/// This is a macro, because the two `Config` types have the same fields but share no trait.
macro_rules! config {
    ($vendor:ident, $settings:ident, $overrides:ident) => {{
        let mut config = match $settings.table(stringify!($vendor))? {
            Some(config) => config,
            None => $vendor::Config::from_env()?,
        };
        for warning in config.warnings() {
            output::warn(warning, $overrides.format.json);
        }
        if let Some(Credentials { client_id, client_secret_file }) = $overrides.credentials {
            config.client_id = client_id.clone().or(config.client_id);
            if let Some(path) = client_secret_file {
                config.client_secret = Some(input::secret("--client-secret-file", path)?);
                (config.client_secret_file, config.credentials_dir) = (None, None);
            }
        }
        if let Some(Call { base_url, timeout }) = $overrides.call {
            config.base_url = base_url.clone().or(config.base_url);
            config.timeout = timeout.or(config.timeout);
        }
        config.webhook_tolerance = $overrides.tolerance.or(config.webhook_tolerance);
        config
    }};
}

pub(crate) fn moneykit(settings: &Settings, overrides: &Overrides<'_>) -> Result<moneykit::Config, Failure> {
    Ok(config!(moneykit, settings, overrides))
}

pub(crate) fn moov(settings: &Settings, overrides: &Overrides<'_>) -> Result<moov::Config, Failure> {
    let mut config = config!(moov, settings, overrides);
    config.origin = overrides.origin.map(str::to_owned).or(config.origin);
    Ok(config)
}
