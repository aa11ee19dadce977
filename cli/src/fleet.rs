//! Where the Redis of a fleet is, for a command: from `--config` or else the environment. The library takes no such
//! settings, so they are the command line's own. It connects to nothing, and shows no value: a URL may hold a
//! password.

use std::env;

use fintech_auth::Secret;
use serde_json::Value;

use crate::{exit::Failure, input, settings::Settings};

const PREFIX: &str = "FINTECH_AUTH_REDIS_";
const KEYS: [&str; 3] = ["url", "url_file", "namespace"];

/// A store's address, and the part of it that is ours.
pub(crate) struct Fleet {
    pub(crate) url: Secret,
    pub(crate) namespace: String,
}

/// # Errors
///
/// For what is not text, for a URL that is given twice, and for a file that cannot be read.
pub(crate) fn fleet(settings: &Settings) -> Result<Option<Fleet>, Failure> {
    if !settings.may_have("redis") {
        return Ok(None);
    }
    let [url, file, namespace] = match settings.table::<Value>("redis")? {
        Some(table) => from_table(&table)?,
        None => from_env()?,
    };
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let url = match (given(url), given(file)) {
        (Some(_), Some(_)) => {
            return Err(Failure::usage("the url of redis and its url_file are both given; keep one of them"));
        }
        (Some(url), None) => input::checked("the url of redis", Secret::from(url))?,
        (None, Some(path)) => input::secret("the url_file of redis", &path)?,
        (None, None) => return Ok(None),
    };
    Ok(Some(Fleet { url, namespace: given(namespace).unwrap_or_else(|| "default".to_owned()) }))
}

fn from_env() -> Result<[Option<String>; 3], Failure> {
    let names = KEYS.map(|key| format!("{PREFIX}{}", key.to_ascii_uppercase()));
    for (name, _) in env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
        if !names.iter().any(|known| known == name) {
            let reason =
                format!("the environment variable {name} is unknown; there are {}", names.join(", "));
            return Err(Failure::usage(reason));
        }
    }
    let [url, file, namespace] = &names;
    Ok([input::variable(url)?, input::variable(file)?, input::variable(namespace)?])
}

fn from_table(table: &Value) -> Result<[Option<String>; 3], Failure> {
    let keys = KEYS.join(", ");
    let wrong = |what: &str| Failure::usage(format!("the table redis {what}: it takes the texts {keys}"));
    let table = table.as_object().ok_or_else(|| wrong("is no table"))?;
    if table.keys().any(|key| !KEYS.contains(&key.as_str())) {
        return Err(wrong("has an unknown key"));
    }
    if table.values().any(|value| !value.is_string() && !value.is_null()) {
        return Err(wrong("has a value that is no text"));
    }
    Ok(KEYS.map(|key| table.get(key)?.as_str().map(str::to_owned)))
}
