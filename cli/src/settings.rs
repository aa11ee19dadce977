//! Reads the `--config` file. The file has one table per vendor, and one for the Redis of a fleet.
//! Errors contain no values.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{exit::Failure, input};

const TABLES: [&str; 3] = ["moneykit", "moov", "redis"];

/// The source of the configuration: a file or, if no file is given, the environment.
pub(crate) struct Settings {
    file: Option<File>,
}

struct File {
    tables: Map<String, Value>,
}

impl Settings {
    /// Fails if the file cannot be read or is not a valid configuration.
    pub(crate) fn read(path: Option<&str>) -> Result<Self, Failure> {
        Ok(Self { file: path.map(File::read).transpose()? })
    }

    /// Returns whether the settings of a table may exist. They may exist if the file has the table,
    /// or if there is no file, because they can then be in the environment.
    pub(crate) fn may_have(&self, table: &str) -> bool {
        self.file.as_ref().is_none_or(|file| file.tables.contains_key(table))
    }

    /// Reads one table of the file. Returns `None` without a file.
    ///
    /// # Errors
    ///
    /// Fails if the file does not have the table, or if the table is invalid.
    pub(crate) fn table<C: DeserializeOwned>(&self, name: &str) -> Result<Option<C>, Failure> {
        let Some(File { tables }) = &self.file else { return Ok(None) };
        let table = tables.get(name).cloned();
        let table = table.ok_or_else(|| Failure::usage(format!("the --config file has no table {name}")))?;
        let config = serde_json::from_value(table);
        config.map(Some).map_err(|error| Failure::usage(format!("--config, {name}: {error}")))
    }
}

impl File {
    /// Parses the file by hand, because the errors of derived parsers quote invalid values, which
    /// may be secrets.
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
