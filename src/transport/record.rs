//! Passes each request and its response to `fintech-auth doctor --record`. An [`Exchange`] contains
//! secrets in clear text.

use std::{fmt, sync::Arc};

use http::{HeaderMap, Method, StatusCode};

#[doc(hidden)]
#[non_exhaustive]
pub struct Exchange<'a> {
    pub method: &'a Method,
    pub url: &'a reqwest::Url,
    pub request_headers: &'a HeaderMap,
    pub request_body: &'a [u8],
    pub response: Option<(StatusCode, &'a HeaderMap, &'a [u8])>,
    pub is_complete: bool,
}

impl fmt::Debug for Exchange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").finish_non_exhaustive()
    }
}

#[derive(Clone)]
pub(super) struct Recorder(Arc<dyn Fn(&Exchange<'_>) + Send + Sync>);

impl Recorder {
    pub(super) fn new(recorder: impl Fn(&Exchange<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(recorder))
    }

    pub(super) fn record(&self, exchange: &Exchange<'_>) {
        (self.0)(exchange);
    }
}
