//! The file that `--config` names, read once: a table for each vendor, and one for the Redis of a fleet. It shows
//! no value, and knows no setting of a vendor's.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{exit::Failure, input};

const TABLES: [&str; 3] = ["moneykit", "moov", "redis"];

/// What a command is configured by: the tables of a file, or the environment where none is named.
pub(crate) struct Settings {
    file: Option<File>,
}

struct File {
    tables: Map<String, Value>,
}

impl Settings {
    /// # Errors
    ///
    /// For a file that cannot be read, or is no configuration.
    pub(crate) fn read(path: Option<&str>) -> Result<Self, Failure> {
        Ok(Self { file: path.map(File::read).transpose()? })
    }

    /// Whether there is anything to read for a table: the environment, or the table itself.
    pub(crate) fn may_have(&self, table: &str) -> bool {
        self.file.as_ref().is_none_or(|file| file.tables.contains_key(table))
    }

    /// One table of the file; `None` without a file.
    ///
    /// # Errors
    ///
    /// For a file that does not have the table, or has something else in it.
    pub(crate) fn table<C: DeserializeOwned>(&self, name: &str) -> Result<Option<C>, Failure> {
        let Some(File { tables }) = &self.file else { return Ok(None) };
        let table = tables.get(name).cloned();
        let table =
            table.ok_or_else(|| Failure::usage(format!("the file of --config has no table {name}")))?;
        let config = serde_json::from_value(table);
        config.map(Some).map_err(|error| Failure::usage(format!("--config, {name}: {error}")))
    }
}

impl File {
    /// Not by derive, whose errors show what did not fit.
    fn read(path: &str) -> Result<Self, Failure> {
        let file: Value = serde_json::from_slice(&input::bytes("--config", path)?).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            Failure::usage(format!("the file of --config is not JSON: {place}"))
        })?;
        let Value::Object(tables) = file else {
            return Err(Failure::usage(format!("the file of --config has no tables {}", TABLES.join(", "))));
        };
        if tables.keys().any(|name| !TABLES.contains(&name.as_str())) {
            return Err(Failure::usage(format!(
                "the file of --config has a table that is none of {}",
                TABLES.join(", ")
            )));
        }
        Ok(Self { tables })
    }
}
