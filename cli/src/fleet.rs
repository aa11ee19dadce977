//! Reads the Redis settings of a fleet, which is a group of instances that share tokens. An error
//! never contains a setting, because a Redis URL may contain a password.

use std::env;

use fintech_auth::{
    Secret,
    token::redis::{RedisStore, SealingKey},
};
use serde_json::Value;

use crate::{exit::Failure, input, settings::Settings};

const PREFIX: &str = "FINTECH_AUTH_REDIS_";
const KEYS: [&str; 5] = ["url", "url_file", "namespace", "sealing_key", "sealing_key_file"];

pub(crate) struct Fleet {
    pub(crate) url: Secret,
    pub(crate) namespace: String,
    sealing_key: Option<Secret>,
}

impl Fleet {
    pub(crate) fn store(&self) -> Result<RedisStore, Failure> {
        let key = self.sealing_key.as_ref().ok_or_else(|| {
            let name = format!("{PREFIX}SEALING_KEY");
            Failure::usage(format!(
                "no sealing key is set: set {name}, or {name}_FILE to read it from a file"
            ))
        })?;
        let store = RedisStore::builder([SealingKey::from_base64(key)?]).with_namespace(&self.namespace);
        Ok(store.open(self.url.expose_secret())?)
    }
}

pub(crate) fn fleet(settings: &Settings) -> Result<Option<Fleet>, Failure> {
    if !settings.may_have("redis") {
        return Ok(None);
    }
    let [url, url_file, namespace, key, key_file] = match settings.table::<Value>("redis")? {
        Some(table) => from_table(&table)?,
        None => from_env()?,
    };
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let secret = |name: &str, text, file| match (given(text), given(file)) {
        (Some(_), Some(_)) => Err(Failure::usage(format!(
            "both {name} and {name}_file are set for redis; set only one of them"
        ))),
        (Some(text), None) => input::checked(&format!("the redis {name}"), Secret::from(text)).map(Some),
        (None, Some(path)) => input::secret(&format!("redis {name}_file"), &path).map(Some),
        (None, None) => Ok(None),
    };
    let Some(url) = secret("url", url, url_file)? else { return Ok(None) };
    let sealing_key = secret("sealing_key", key, key_file)?;
    let namespace = given(namespace).unwrap_or_else(|| "default".to_owned());
    Ok(Some(Fleet { url, namespace, sealing_key }))
}

fn from_env() -> Result<[Option<String>; 5], Failure> {
    let names = KEYS.map(|key| format!("{PREFIX}{}", key.to_ascii_uppercase()));
    for (name, _) in env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
        if !names.iter().any(|known| known == name) {
            let reason = format!("unknown environment variable {name}; supported: {}", names.join(", "));
            return Err(Failure::usage(reason));
        }
    }
    let mut values = [const { None }; 5];
    for (value, name) in values.iter_mut().zip(&names) {
        *value = input::variable(name)?;
    }
    Ok(values)
}

fn from_table(table: &Value) -> Result<[Option<String>; 5], Failure> {
    let keys = KEYS.join(", ");
    let wrong =
        |what: &str| Failure::usage(format!("invalid table redis: {what}; its keys are {keys}, all strings"));
    let table = table.as_object().ok_or_else(|| wrong("not a JSON object"))?;
    if table.keys().any(|key| !KEYS.contains(&key.as_str())) {
        return Err(wrong("unknown key"));
    }
    if table.values().any(|value| !value.is_string() && !value.is_null()) {
        return Err(wrong("a value is not a string"));
    }
    Ok(KEYS.map(|key| table.get(key)?.as_str().map(str::to_owned)))
}
