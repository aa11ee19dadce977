//! Gets the bytes of a document: a file, standard input or an https URL, never more than
//! [`MAX_BYTES`]. It never reads what they mean.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::PathBuf;
use std::time::Duration;

use ureq::Agent;

use crate::document::MAX_BYTES;
use crate::problems::Result;

const TIMEOUT: Duration = Duration::from_secs(60);

/// Where a document is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    File(PathBuf),
    Stdin,
    Url(String),
}

impl Origin {
    /// `-` is standard input; what has a scheme is a URL; all else is a file.
    pub(crate) fn named(name: &str) -> Self {
        if name == "-" {
            Origin::Stdin
        } else if name.contains("://") {
            Origin::Url(name.to_owned())
        } else {
            Origin::File(name.into())
        }
    }

    /// The name under which messages speak of it.
    pub(crate) fn name(&self) -> String {
        match self {
            Origin::File(path) => path.display().to_string(),
            Origin::Stdin => "standard input".into(),
            Origin::Url(url) => url.clone(),
        }
    }

    /// The revision that a file's own name suggests: `2025-06-10` for `moov/2025-06-10.yaml`.
    pub(crate) fn stem(&self) -> Option<&str> {
        match self {
            Origin::File(path) => path.file_stem()?.to_str(),
            Origin::Stdin | Origin::Url(_) => None,
        }
    }

    /// Its bytes.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or not within the limits.
    pub(crate) fn read(&self) -> Result<Vec<u8>> {
        match self {
            Origin::File(path) => {
                let file = File::open(path).map_err(|error| format!("{}: {error}", self.name()))?;
                self.read_all(file)
            }
            Origin::Stdin => self.read_all(stdin().lock()),
            Origin::Url(url) => self.read_all(get(url)?),
        }
    }

    fn read_all(&self, from: impl Read) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let limit = MAX_BYTES as u64;
        from.take(limit + 1).read_to_end(&mut bytes).map_err(|error| format!("{}: {error}", self.name()))?;
        if bytes.len() > MAX_BYTES {
            return Err(format!("{}: more than {MAX_BYTES} bytes", self.name()).into());
        }
        Ok(bytes)
    }
}

fn get(url: &str) -> Result<impl Read> {
    let agent: Agent = Agent::config_builder().https_only(true).timeout_global(Some(TIMEOUT)).build().into();
    let answer = agent.get(url).call().map_err(|error| format!("{url}: {error}"))?;
    Ok(answer.into_body().into_reader())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_origin_is_told_by_its_name() {
        assert_eq!(Origin::named("-"), Origin::Stdin);
        assert_eq!(Origin::named("a/b.yaml"), Origin::File("a/b.yaml".into()));
        let url = "https://library.example/a";
        assert_eq!(Origin::named(url), Origin::Url(url.into()));
    }

    #[test]
    fn what_is_not_https_is_refused_before_anything_is_sent() {
        for url in ["http://127.0.0.1:9/a.yaml", "ftp://127.0.0.1/a.yaml"] {
            let error = Origin::named(url).read().unwrap_err().to_string();
            assert!(error.contains("https"), "{error}");
        }
    }

    #[test]
    fn a_file_beyond_the_limit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("big");
        fs::write(&path, vec![b' '; MAX_BYTES + 1]).unwrap();
        let error = Origin::File(path).read().unwrap_err().to_string();
        assert!(error.ends_with("more than 16777216 bytes"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Origin::named("no/such.yaml").read().unwrap_err().to_string();
        assert!(error.starts_with("no/such.yaml: "), "{error}");
    }
}
