//! Settings from environment variables, which are given and never fetched here. It shows their names and
//! never a value.

use std::{collections::BTreeMap, ffi::OsString};

use zeroize::Zeroizing;

use super::{Settings, Value, nearest::nearest};
use crate::{Error, ErrorKind};

/// Reads every key from the variable of its name in upper case, after the prefix.
///
/// A variable that is no key is passed over, as the program has some of its own; unless its name is near
/// that of a key.
///
/// # Errors
///
/// `InvalidConfig`, naming the first variable that is not right, by the alphabet.
pub(crate) fn from_vars<S: Settings>(
    vars: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<S, Error> {
    let vars = present(S::PREFIX, vars)?;
    let keys: Vec<String> = S::KEYS.iter().map(|key| key.to_ascii_uppercase()).collect();
    let mut settings = S::default();
    for (name, value) in &vars {
        if let Some(position) = keys.iter().position(|key| key == name) {
            set(&mut settings, S::KEYS[position], name, value)?;
        } else if !S::PAIRS.iter().any(|(id, secret)| name == id || name == secret)
            && let Some(near) = nearest(name, keys.iter().map(String::as_str))
        {
            return Err(invalid::<S>(name, &format!("is unknown; did you mean {}_{near}?", S::PREFIX)));
        }
    }
    let ours = ["CLIENT_ID", "CLIENT_SECRET", "CLIENT_SECRET_FILE"];
    if !ours.iter().any(|name| vars.contains_key(*name)) {
        let whole = |(id, secret): &(&'static str, &'static str)| {
            let id_and_value = (*id, vars.get(*id)?);
            Some((id_and_value, (*secret, vars.get(*secret)?)))
        };
        // An id of one client's names and a secret of another's would belong to two keys.
        if let Some((id, secret)) = S::PAIRS.iter().find_map(whole) {
            set(&mut settings, "client_id", id.0, id.1)?;
            set(&mut settings, "client_secret", secret.0, secret.1)?;
        }
    }
    Ok(settings)
}

/// Those with the prefix, without it, that are not empty.
fn present(
    prefix: &str,
    vars: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<BTreeMap<String, Value>, Error> {
    let mut present = BTreeMap::new();
    for (name, value) in vars {
        let Some(name) = name.to_str().and_then(|name| name.strip_prefix(prefix)?.strip_prefix('_')) else {
            continue;
        };
        // What is not text is no key's value, and may be anything where the name is no key.
        let value = value.into_string().map(Zeroizing::new).ok();
        if value.as_ref().is_none_or(|value| !value.is_empty()) {
            present.insert(name.to_owned(), value.map_or(Value::Other, Value::Text));
        }
    }
    Ok(present)
}

fn set<S: Settings>(settings: &mut S, key: &str, name: &str, value: &Value) -> Result<(), Error> {
    settings.set(key, value).map_err(|must_be| invalid::<S>(name, must_be))
}

fn invalid<S: Settings>(name: &str, what: &str) -> Error {
    let reason = format!("the environment variable {}_{name} {what}", S::PREFIX);
    Error::new(ErrorKind::InvalidConfig, reason)
}
