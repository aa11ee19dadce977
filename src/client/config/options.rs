//! Converts settings into options of the builders. A missing setting leaves its option unchanged.

use std::{path::Path, time::Duration};

use super::file::pem;
use crate::{Error, HttpOptions, Secret, token::TokenOptions};

pub(crate) struct Network<'a> {
    pub(crate) timeout: Option<Duration>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) body_limit: Option<usize>,
    pub(crate) root_certificate_file: Option<&'a Path>,
    pub(crate) client_identity_file: Option<&'a Path>,
    pub(crate) proxy: Option<&'a Secret>,
    pub(crate) allow_http: Option<&'a [String]>,
}

impl Network<'_> {
    pub(crate) fn options(self) -> Result<HttpOptions, Error> {
        let roots = self.root_certificate_file.map(|path| pem("root_certificate_file", path)).transpose()?;
        let identity = self.client_identity_file.map(|path| pem("client_identity_file", path)).transpose()?;
        let options = HttpOptions::default();
        let options = set(options, self.timeout, HttpOptions::with_timeout);
        let options = set(options, self.connect_timeout, HttpOptions::with_connect_timeout);
        let options = set(options, self.body_limit, HttpOptions::with_body_limit);
        let options = set(options, roots, |options, pem| options.with_root_certificate(&*pem));
        let options = set(options, identity, |options, pem| options.with_client_identity(&*pem));
        let options = set(options, self.proxy, |options, proxy| options.with_proxy(proxy.expose_secret()));
        Ok(set(options, self.allow_http, HttpOptions::with_allow_http))
    }
}

pub(crate) struct Lifecycle {
    pub(crate) refresh_window: Option<Duration>,
    pub(crate) expiry_leeway: Option<Duration>,
    pub(crate) max_wait: Option<Duration>,
    pub(crate) capacity: Option<usize>,
    pub(crate) attempts: Option<u32>,
    pub(crate) rate_limit: Option<(usize, Duration)>,
    pub(crate) rate_limit_share: Option<f64>,
}

impl Lifecycle {
    pub(crate) fn apply(self, options: TokenOptions) -> TokenOptions {
        let options = set(options, self.refresh_window, TokenOptions::with_refresh_window);
        let options = set(options, self.expiry_leeway, TokenOptions::with_expiry_leeway);
        let options = set(options, self.max_wait, TokenOptions::with_max_wait);
        let options = set(options, self.capacity, TokenOptions::with_capacity);
        let options = set(options, self.attempts, |options, attempts| {
            options.with_retry(|retry| retry.with_attempts(attempts))
        });
        let options =
            set(options, self.rate_limit, |options, (calls, per)| options.with_rate_limit(calls, per));
        set(options, self.rate_limit_share, TokenOptions::with_rate_limit_share)
    }
}

pub(crate) fn set<O, V>(options: O, value: Option<V>, set: impl FnOnce(O, V) -> O) -> O {
    match value {
        Some(value) => set(options, value),
        None => options,
    }
}
