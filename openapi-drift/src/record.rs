//! Computes the values that `source.toml` records about a document.

use std::time::Duration;

use chrono::NaiveDate;

use crate::date;
use crate::fetch::{Origin, TIMEOUT};
use crate::http::{FetchOptions, Fetched};
use crate::request::{Mode, Request};
use crate::sha256::sha256;
use crate::source::{Record, Source};

const MAX_AGE_DAYS: i64 = 365;

/// The recorded validators (`ETag` and `Last-Modified`) are valid only for the recorded URL.
pub(crate) fn fetch_options(source: &Source, origin: &Origin) -> FetchOptions {
    let of_this = |mark: &Option<String>| mark.clone().filter(|_| is_recorded(source, origin));
    FetchOptions {
        etag: of_this(&source.etag),
        last_modified: of_this(&source.last_modified),
        timeout: source.timeout.map_or(TIMEOUT, Duration::from_secs),
    }
}

pub(crate) fn record(source: &Source, request: &Request, origin: &Origin, copy: &Fetched) -> Option<Record> {
    let old = Record {
        revision: source.revision.clone().unwrap_or_default(),
        sha256: source.sha256.clone().unwrap_or_default(),
        date: source.date.clone(),
        etag: source.etag.clone(),
        last_modified: source.last_modified.clone(),
    };
    let mut new = Record { sha256: sha256(&copy.bytes), ..old.clone() };
    let is_other = new.sha256 != old.sha256;
    if is_other {
        new.revision = revision(request, origin, &new.sha256);
        new.date = Some(copy.date.to_string());
    } else if let Some(revision) = &request.revision {
        new.revision.clone_from(revision);
    }
    // The validators can change although the document does not change. `--check` must not report
    // such a change.
    if is_other || is_recorded(source, origin) && request.mode == Mode::Write {
        new.etag.clone_from(&copy.etag);
        new.last_modified.clone_from(&copy.last_modified);
    }
    (new != old).then_some(new)
}

fn revision(request: &Request, origin: &Origin, sha256: &str) -> String {
    let name = request.revision.as_deref().or_else(|| origin.stem());
    name.unwrap_or(&sha256[..12]).to_owned()
}

pub(crate) fn age_warning(date: Option<&str>, today: NaiveDate, vendor: &str) -> Option<String> {
    let date = date::parse(date?)?;
    let days = (today - date).num_days();
    (days > MAX_AGE_DAYS).then(|| {
        format!(
            "the document is {days} days old ({date}); if its source is abandoned, update `url` in specs/{vendor}/source.toml"
        )
    })
}

fn is_recorded(source: &Source, origin: &Origin) -> bool {
    matches!(origin, Origin::Url(url) if source.url.as_deref() == Some(url))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::SOURCE;
    use crate::source;

    #[test]
    fn document_older_than_a_year_is_reported_as_possibly_abandoned() {
        let warning = |today| age_warning(Some("2025-06-10"), date::parse(today).unwrap(), "library");
        assert_eq!(warning("2026-06-10"), None);
        insta::assert_snapshot!(warning("2026-06-11").unwrap(), @"the document is 366 days old (2025-06-10); if its source is abandoned, update `url` in specs/library/source.toml");
        assert_eq!(age_warning(None, date::today(), "library"), None);
    }

    #[test]
    fn cache_validators_are_sent_only_to_the_recorded_url() {
        let mut source = source::parse("source.toml", SOURCE).unwrap();
        source.etag = Some("\"a\"".into());
        let recorded = Origin::from("https://library.example/openapi.yaml");
        assert_eq!(fetch_options(&source, &recorded).etag, source.etag);
        let other = Origin::from("https://library.example/other.yaml");
        assert_eq!(fetch_options(&source, &other).etag, None);
        assert_eq!(fetch_options(&source, &recorded).timeout, TIMEOUT);
        source.timeout = Some(7);
        assert_eq!(fetch_options(&source, &other).timeout, Duration::from_secs(7));
    }

    #[test]
    fn check_mode_ignores_a_new_etag_of_an_unchanged_document() {
        let mut source = source::parse("source.toml", SOURCE).unwrap();
        source.sha256 = Some(sha256(b"it"));
        let url = Origin::from("https://library.example/openapi.yaml");
        let copy = Fetched {
            bytes: b"it".to_vec(),
            date: date::today(),
            etag: Some("b".into()),
            last_modified: None,
        };
        let mut request = Request::default();
        let recorded = record(&source, &request, &url, &copy).unwrap();
        assert_eq!((recorded.revision.as_str(), recorded.etag.as_deref()), ("first", Some("b")));
        assert_eq!(record(&source, &request, &Origin::from("a.yaml"), &copy), None);
        request.mode = Mode::Check;
        assert_eq!(record(&source, &request, &url, &copy), None);
    }

    #[test]
    fn revision_name_comes_from_flag_then_file_then_fingerprint() {
        let mut request = Request::default();
        let sha256 = sha256(b"a document");
        let file = Origin::from("copies/2030-01-01.yaml");
        let url = Origin::from("https://library.example/openapi.yaml");
        assert_eq!(revision(&request, &file, &sha256), "2030-01-01");
        assert_eq!(revision(&request, &url, &sha256), sha256[..12]);
        request.revision = Some("winter".into());
        assert_eq!(revision(&request, &file, &sha256), "winter");
    }
}
