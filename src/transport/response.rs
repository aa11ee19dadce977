//! A successful response.

use std::{ops::Deref, time::SystemTime};

use http::StatusCode;

/// A typed response, with what its HTTP response said beside the body.
///
/// It derefs to the body, so that `response.access_token` reads the field.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Response<T> {
    /// The status: MoneyKit issues tokens by 201, Moov by 200.
    pub status: StatusCode,
    /// The id to quote to the vendor's support (`x-request-id`).
    pub request_id: Option<String>,
    /// When the vendor says it answered (`Date`); against the local clock, this shows skew.
    pub date: Option<SystemTime>,
    /// The body, as the contract types it.
    pub body: T,
}

impl<T> Response<T> {
    /// The body alone.
    pub fn into_body(self) -> T {
        self.body
    }
}

impl<T> Deref for Response<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.body
    }
}
