//! Reads settings from environment variables. Errors and warnings show the names of variables, but
//! never a value.

use std::{collections::BTreeMap, ffi::OsString};

use zeroize::Zeroizing;

use super::{contract::Settings, keys::shown, nearest::nearest, value::Value};
use crate::{Error, ErrorKind};

const ALTERNATIVES: &[&[&str]] = &[
    &["client_secret", "client_secret_file", "credentials_dir"],
    &["client_id", "credentials_dir"],
    &["webhook_secret", "webhook_secret_file"],
    &["previous_webhook_secret", "previous_webhook_secret_file"],
    &["origin", "referer"],
];

/// If the client ignored a misspelt variable for one of these keys, it could send the wrong
/// credentials, or send credentials to the wrong host.
const CRITICAL: &[&str] = &[
    "client_id",
    "client_secret",
    "client_secret_file",
    "credentials_dir",
    "credentials_name",
    "client_auth",
    "base_url",
    "proxy",
    "origin",
    "referer",
    "webhook_secret",
    "webhook_secret_file",
    "previous_webhook_secret",
    "previous_webhook_secret_file",
];

const FOREIGN: &[(&str, &str)] = &[
    ("URL", "base_url"),
    ("API_URL", "base_url"),
    ("API_BASE_URL", "base_url"),
    ("HOST", "base_url"),
    ("API_HOST", "base_url"),
    ("SERVER_URL", "base_url"),
    ("ENDPOINT", "base_url"),
    ("HTTPS_PROXY", "proxy"),
    ("HTTP_PROXY", "proxy"),
    ("PROXY_URL", "proxy"),
    ("API_VERSION", "version"),
    ("API_KEY", "client_id"),
    ("API_SECRET", "client_secret"),
    ("SECRET", "client_secret"),
];

#[derive(Clone, Default)]
pub(crate) struct Environment {
    pub(crate) prefix: Option<String>,
    pub(crate) warnings: Vec<String>,
}

pub(crate) fn from_vars<S: Settings>(
    prefix: &str,
    vars: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(S, Vec<String>), Error> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if prefix.is_empty() || !prefix.bytes().all(is_name) {
        let reason =
            "the prefix of environment variables must be letters, digits and _, such as MOOV_TENANT_A";
        return Err(Error::new(ErrorKind::InvalidConfig, reason));
    }
    let vars = present(prefix, vars);
    let keys: Vec<String> = S::KEYS.iter().map(|key| key.to_ascii_uppercase()).collect();
    let key_of = |name: &str| keys.iter().position(|key| key == name).map(|position| S::KEYS[position]);
    let invalid = |name: &str, what: &str| {
        let reason = format!("the environment variable {prefix}_{name} {what}");
        Error::new(ErrorKind::InvalidConfig, reason)
    };

    let mut settings = S::default();
    let mut are_set = Vec::new();
    for (name, value) in &vars {
        if let Some(key) = key_of(name) {
            settings.set(key, value).map_err(|must_be| invalid(name, must_be))?;
            are_set.push(key);
        }
    }
    let ours = ["client_id", "client_secret", "client_secret_file", "credentials_dir"];
    if !ours.iter().any(|key| are_set.contains(key)) {
        // Read the id and the secret from the same pair of variables. Otherwise they could belong
        // to different credentials.
        let whole = |(id, secret): &&(&'static str, &'static str)| {
            vars.contains_key(*id) && vars.contains_key(*secret)
        };
        if let Some((id, secret)) = S::PAIRS.iter().find(whole) {
            for (name, key) in [(id, "client_id"), (secret, "client_secret")] {
                settings.set(key, &vars[*name]).map_err(|must_be| invalid(name, must_be))?;
                are_set.push(key);
            }
        }
    }

    let mut warnings = Vec::new();
    for name in vars.keys().filter(|name| key_of(name).is_none()) {
        if S::PAIRS.iter().any(|(id, secret)| name == id || name == secret) {
            continue;
        }
        let mut foreign = S::FOREIGN.iter().chain(FOREIGN);
        let foreign = foreign.find(|(foreign, _)| name == foreign).map(|(_, key)| *key);
        let near = || nearest(name, keys.iter().map(String::as_str)).and_then(key_of);
        let (key, what) = match (foreign, near()) {
            (Some(key), _) => (key, "is not read by this crate; set"),
            (None, Some(key)) => (key, "is unknown; did you mean"),
            (None, None) => continue,
        };
        let mark = if foreign.is_some() { " instead" } else { "?" };
        let what = format!("{what} {prefix}_{}{mark}", key.to_ascii_uppercase());
        let is_set = are_set.contains(&key)
            || ALTERNATIVES
                .iter()
                .any(|row| row.contains(&key) && row.iter().any(|key| are_set.contains(key)));
        if !is_set && (foreign.is_some() || CRITICAL.contains(&key)) {
            return Err(invalid(&shown(name), &what));
        }
        let warning = format!("the environment variable {prefix}_{} {what}", shown(name));
        tracing::warn!(
            fintech_auth.warning = warning,
            "ignoring an environment variable that resembles a setting"
        );
        warnings.push(warning);
    }
    Ok((settings, warnings))
}

fn present(prefix: &str, vars: impl IntoIterator<Item = (OsString, OsString)>) -> BTreeMap<String, Value> {
    let mut present = BTreeMap::new();
    for (name, value) in vars {
        let Some(name) = name.to_str().and_then(|name| name.strip_prefix(prefix)?.strip_prefix('_')) else {
            continue;
        };
        let value = value.into_string().map(Zeroizing::new).ok();
        if value.as_ref().is_none_or(|value| !value.is_empty()) {
            present.insert(name.to_owned(), value.map_or(Value::Other, Value::Text));
        }
    }
    present
}
