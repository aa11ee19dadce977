//! Reads the `--config` file. Errors contain no values, because a value may be a secret.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{exit::Failure, input};

const TABLES: [&str; 3] = ["moneykit", "moov", "redis"];

pub(crate) struct Settings {
    file: Option<File>,
}

struct File {
    tables: Map<String, Value>,
}

impl Settings {
    pub(crate) fn read(path: Option<&str>) -> Result<Self, Failure> {
        Ok(Self { file: path.map(File::read).transpose()? })
    }

    pub(crate) fn may_have(&self, table: &str) -> bool {
        self.file.as_ref().is_none_or(|file| file.tables.contains_key(table))
    }

    pub(crate) fn table<C: DeserializeOwned>(&self, name: &str) -> Result<Option<C>, Failure> {
        let Some(File { tables }) = &self.file else { return Ok(None) };
        let table = tables.get(name).cloned();
        let table = table.ok_or_else(|| Failure::usage(format!("the --config file has no table {name}")))?;
        let config = serde_json::from_value(table);
        config.map(Some).map_err(|error| Failure::usage(format!("--config, {name}: {error}")))
    }
}

impl File {
    /// The errors of derived parsers quote invalid values, which may be secrets.
    fn read(path: &str) -> Result<Self, Failure> {
        let file: Value = serde_json::from_slice(&input::bytes("--config", path)?).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            Failure::usage(format!("the --config file is not valid JSON: {place}"))
        })?;
        let Value::Object(tables) = file else {
            return Err(Failure::usage(format!(
                "the --config file is not a JSON object with the tables {}",
                TABLES.join(", ")
            )));
        };
        if tables.keys().any(|name| !TABLES.contains(&name.as_str())) {
            return Err(Failure::usage(format!(
                "the --config file has an unknown table; supported: {}",
                TABLES.join(", ")
            )));
        }
        Ok(Self { tables })
    }
}
