//! Reads a document from a file, from standard input or from a URL, and determines the date of the
//! document.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::PathBuf;
use std::time::Duration;

use crate::date;
use crate::document::MAX_BYTES;
use crate::http::{self, FetchOptions, Fetched};
use crate::problems::Result;

pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// Where to read a document from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Read from this file.
    File(PathBuf),
    /// Read from standard input.
    Stdin,
    /// Read from this URL.
    Url(String),
}

impl From<&str> for Origin {
    /// `-` is standard input, a text that contains `://` is a URL, and any other text is the path
    /// of a file.
    fn from(name: &str) -> Self {
        if name == "-" {
            Origin::Stdin
        } else if name.contains("://") {
            Origin::Url(name.to_owned())
        } else {
            Origin::File(name.into())
        }
    }
}

impl Origin {
    pub(crate) fn name(&self) -> String {
        match self {
            Origin::File(path) => path.display().to_string(),
            Origin::Stdin => "standard input".into(),
            Origin::Url(url) => url.clone(),
        }
    }

    pub(crate) fn stem(&self) -> Option<&str> {
        match self {
            Origin::File(path) => path.file_stem()?.to_str(),
            Origin::Stdin | Origin::Url(_) => None,
        }
    }

    pub(crate) fn read(&self, options: &FetchOptions) -> Result<Option<Fetched>> {
        let copy = |bytes, date| Fetched { bytes, date, etag: None, last_modified: None };
        match self {
            Origin::File(path) => {
                let file = File::open(path).map_err(|error| format!("{}: {error}", self.name()))?;
                let changed =
                    file.metadata().and_then(|it| it.modified()).map_or_else(|_| date::today(), date::of);
                // A date in the file name is more reliable than the modification time.
                let named = self.stem().and_then(date::find);
                Ok(Some(copy(self.read_all(file)?, named.unwrap_or(changed))))
            }
            Origin::Stdin => Ok(Some(copy(self.read_all(stdin().lock())?, date::today()))),
            Origin::Url(url) => http::get(url, options),
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn document_argument_is_parsed_as_stdin_file_or_url() {
        assert_eq!(Origin::from("-"), Origin::Stdin);
        assert_eq!(Origin::from("a/b.yaml"), Origin::File("a/b.yaml".into()));
        let url = "https://library.example/a";
        assert_eq!(Origin::from(url), Origin::Url(url.into()));
    }

    fn message(origin: &Origin) -> String {
        let options = FetchOptions { etag: None, last_modified: None, timeout: TIMEOUT };
        origin.read(&options).unwrap_err().to_string()
    }

    #[test]
    fn non_https_url_is_rejected_before_any_request() {
        for url in ["http://library.example/a.yaml", "ftp://127.0.0.1/a.yaml", "https://", "https:// a"] {
            let error = message(&Origin::from(url));
            assert!(error.starts_with(url), "{error}");
        }
    }

    struct Endless(usize);

    impl Read for Endless {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            to.fill(b' ');
            self.0 += to.len();
            Ok(to.len())
        }
    }

    #[test]
    fn document_is_read_only_up_to_the_limit() {
        let mut endless = Endless(0);
        let error = Origin::Stdin.read_all(&mut endless).unwrap_err().to_string();
        assert_eq!(error, "standard input: more than 16777216 bytes");
        assert!(endless.0 < MAX_BYTES + 1024 * 1024, "{}", endless.0);
    }

    #[test]
    fn document_date_is_read_from_its_file_name() {
        let folder = tempfile::tempdir().unwrap();
        let date = |name: &str| {
            let path = folder.path().join(name);
            fs::write(&path, "a").unwrap();
            let options = FetchOptions { etag: None, last_modified: None, timeout: TIMEOUT };
            Origin::File(path).read(&options).unwrap().unwrap().date
        };
        assert_eq!(date("library-2020-02-29.yaml").to_string(), "2020-02-29");
        assert!((date::today() - date("library.yaml")).num_days() <= 1);
    }

    #[test]
    fn file_over_the_limit_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("big");
        fs::write(&path, vec![b' '; MAX_BYTES + 1]).unwrap();
        let error = message(&Origin::File(path));
        assert!(error.ends_with("more than 16777216 bytes"), "{error}");
    }

    #[test]
    fn missing_file_is_named_in_the_error() {
        let error = message(&Origin::from("no/such.yaml"));
        assert!(error.starts_with("no/such.yaml: "), "{error}");
    }
}
