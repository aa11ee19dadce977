//! `source.toml`: where a vendor's facts come from and which operations are kept. It reads and
//! updates the file, comments and all; it never looks at the document itself.

use serde::Deserialize;
use toml_edit::{DocumentMut, Item};

use crate::problems::{Problems, Result};
use crate::shape::is_method;

/// What the file says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    pub(crate) kind: Kind,
    #[serde(rename = "operation")]
    pub(crate) operations: Vec<Operation>,
    /// Of a document.
    pub(crate) url: Option<String>,
    pub(crate) revision: Option<String>,
    pub(crate) sha256: Option<String>,
}

/// How the facts got here.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Cut from a document that the vendor publishes.
    Document,
    /// Written down by us, fact by fact.
    Transcribed,
}

/// An operation that we keep.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) path: String,
    /// Ids under which older or newer documents have it.
    #[serde(default)]
    pub(crate) formerly: Vec<String>,
}

impl Operation {
    /// `POST /oauth2/token`
    pub(crate) fn label(&self) -> String {
        format!("{} {}", self.method.to_uppercase(), self.path)
    }

    pub(crate) fn is_called(&self, id: &str) -> bool {
        self.id == id || self.formerly.iter().any(|former| former == id)
    }

    /// `createAccessToken (formerly createAuthToken)`
    pub(crate) fn names(&self) -> String {
        if self.formerly.is_empty() {
            self.id.clone()
        } else {
            format!("{} (formerly {})", self.id, self.formerly.join(", "))
        }
    }
}

/// Reads the file called `name`.
///
/// # Errors
///
/// When the text is not such a file.
pub(crate) fn parse(name: &str, text: &str) -> Result<Source> {
    let source: Source = toml_edit::de::from_str(text).map_err(|error| format!("{name}: {error}"))?;
    let mut problems = Problems::default();
    let is_traceable = source.url.is_some() && source.revision.is_some() && source.sha256.is_some();
    if source.kind == Kind::Document && !is_traceable {
        problems.push(format!("{name}: a document needs `url`, `revision` and `sha256`"));
    }
    for operation in &source.operations {
        if !is_method(&operation.method) {
            let id = &operation.id;
            problems.push(format!("{name}: the method of {id} must be get, post or the like"));
        }
    }
    problems.or(source)
}

/// `text` with another revision and fingerprint, and nothing else changed.
///
/// # Errors
///
/// When the text is not TOML.
pub(crate) fn update(name: &str, text: &str, revision: &str, sha256: &str) -> Result<String> {
    let mut toml: DocumentMut = text.parse().map_err(|error| format!("{name}: {error}"))?;
    for (key, new) in [("revision", revision), ("sha256", sha256)] {
        if let Some(value) = toml.get_mut(key).and_then(Item::as_value_mut) {
            let decor = value.decor().clone();
            *value = new.into();
            *value.decor_mut() = decor;
        }
    }
    Ok(toml.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::SOURCE;

    #[test]
    fn an_update_changes_two_values_and_no_other_byte() {
        let updated = update("source.toml", SOURCE, "second", "ffff").unwrap();
        let expected = SOURCE.replace("\"first\"", "\"second\"").replace("0000", "ffff");
        assert_eq!(updated, expected);
        assert!(expected.contains("\"second\" # as the library calls it"));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for (from, to, complaint) in [
            ("sha256 =", "sha512 =", "unknown field"),
            ("sha256 = \"0000\"\n", "", "needs `url`, `revision` and `sha256`"),
            ("\"post\"", "\"POST\"", "the method of createLoan"),
            ("\"document\"", "\"rumour\"", "unknown variant"),
            ("[[operation]]", "[operation", "source.toml"),
        ] {
            let error = parse("source.toml", &SOURCE.replace(from, to)).unwrap_err().to_string();
            assert!(error.starts_with("source.toml: "), "{error}");
            assert!(error.contains(complaint), "{error}");
        }
    }
}
