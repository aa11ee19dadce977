//! Reads and updates `source.toml`, which names the source of `upstream.yaml` and lists the
//! operations that we use.

use serde::Deserialize;
use toml_edit::{DocumentMut, Item};

use crate::date;
use crate::problems::{Problems, Result};
use crate::shape::is_method;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    pub(crate) kind: Kind,
    #[serde(rename = "operation")]
    pub(crate) operations: Vec<Operation>,
    /// `url` and the fields after `url` are used only for `kind = "document"`.
    pub(crate) url: Option<String>,
    pub(crate) revision: Option<String>,
    pub(crate) sha256: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    /// The timeout of the download, in seconds. Default: 60 s.
    pub(crate) timeout: Option<u64>,
}

/// `update` removes a field from `source.toml` if the field is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) revision: String,
    pub(crate) sha256: String,
    pub(crate) date: Option<String>,
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Document,
    Transcribed,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) formerly: Vec<String>,
}

impl Operation {
    pub(crate) fn label(&self) -> String {
        format!("{} {}", self.method.to_uppercase(), self.path)
    }

    pub(crate) fn is_called(&self, id: &str) -> bool {
        self.id == id || self.formerly.iter().any(|former| former == id)
    }

    pub(crate) fn names(&self) -> String {
        if self.formerly.is_empty() {
            self.id.clone()
        } else {
            format!("{} (formerly {})", self.id, self.formerly.join(", "))
        }
    }
}

pub(crate) fn parse(name: &str, text: &str) -> Result<Source> {
    let source: Source = toml_edit::de::from_str(text).map_err(|error| format!("{name}: {error}"))?;
    let mut problems = Problems::default();
    let is_traceable = source.url.is_some() && source.revision.is_some() && source.sha256.is_some();
    if source.kind == Kind::Document && !is_traceable {
        problems.push(format!("{name}: a document needs `url`, `revision` and `sha256`"));
    }
    if let Some(date) = source.date.as_deref().filter(|date| date::parse(date).is_none()) {
        problems.push(format!("{name}: `date` must be a day like 2025-06-10, not {date}"));
    }
    for operation in &source.operations {
        if !is_method(&operation.method) {
            let id = &operation.id;
            problems.push(format!("{name}: the method of {id} must be an HTTP method, such as get"));
        }
    }
    problems.or(source)
}

pub(crate) fn update(name: &str, text: &str, record: &Record) -> Result<String> {
    let mut toml: DocumentMut = text.parse().map_err(|error| format!("{name}: {error}"))?;
    for (key, new) in [
        ("revision", Some(&record.revision)),
        ("date", record.date.as_ref()),
        ("sha256", Some(&record.sha256)),
        ("etag", record.etag.as_ref()),
        ("last_modified", record.last_modified.as_ref()),
    ] {
        match (toml.get_mut(key).and_then(Item::as_value_mut), new) {
            (Some(value), Some(new)) => {
                let decor = value.decor().clone();
                *value = new.into();
                *value.decor_mut() = decor;
            }
            (None, Some(new)) => {
                toml.insert(key, toml_edit::value(new));
            }
            (_, None) => {
                toml.remove(key);
            }
        }
    }
    Ok(toml.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::SOURCE;

    fn record(etag: Option<&str>) -> Record {
        Record {
            revision: "second".into(),
            sha256: "ffff".into(),
            date: Some("2030-01-02".into()),
            etag: etag.map(str::to_owned),
            last_modified: None,
        }
    }

    #[test]
    fn update_changes_only_the_document_record_in_source_toml() {
        let updated = update("source.toml", SOURCE, &record(Some("\"a\""))).unwrap();
        let (first, rest) = updated.split_once("\n\n").unwrap();
        insta::assert_snapshot!(first, @r#"
        # Where it is from.
        kind = "document"
        url = "https://library.example/openapi.yaml"
        revision = "second" # as the library calls it
        sha256 = "ffff"
        date = "2030-01-02"
        etag = '"a"'
        "#);
        assert_eq!(rest, SOURCE.split_once("\n\n").unwrap().1);
        let without = update("source.toml", &updated, &record(None)).unwrap();
        assert!(without.contains("date = \"2030-01-02\"") && !without.contains("etag"), "{without}");
        assert_eq!(update("source.toml", &without, &record(None)).unwrap(), without);
    }

    #[test]
    fn invalid_source_settings_are_rejected() {
        for (from, to, message) in [
            ("sha256 =", "sha512 =", "unknown field"),
            ("sha256 = \"0000\"\n", "", "needs `url`, `revision` and `sha256`"),
            ("\"post\"", "\"POST\"", "the method of createLoan"),
            ("\"document\"", "\"rumour\"", "unknown variant"),
            ("sha256 =", "date = \"June\"\nsha256 =", "`date` must be a day"),
            ("[[operation]]", "[operation", "source.toml"),
        ] {
            let error = parse("source.toml", &SOURCE.replace(from, to)).unwrap_err().to_string();
            assert!(error.starts_with("source.toml: "), "{error}");
            assert!(error.contains(message), "{error}");
        }
    }
}
