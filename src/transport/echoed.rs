//! The secrets of a request and of its client, which are redacted from error responses.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::redact::{clean, forms, is_clean, is_public};
use crate::{Secret, sync::ArcSwap};

pub(crate) struct CallCredentials {
    pub(crate) fingerprint: [u8; 32],
    pub(crate) secret: Secret,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) echoed: Arc<EchoedSecrets>,
}

#[derive(Clone, Default)]
pub(super) struct SentSecrets {
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) secrets: Vec<Secret>,
    pub(super) credentials: Option<Arc<CallCredentials>>,
}

impl SentSecrets {
    pub(super) fn headers(&self) -> impl Iterator<Item = &(HeaderName, HeaderValue)> {
        let credentials = self.credentials.iter().flat_map(|credentials| &credentials.headers);
        self.headers.iter().chain(credentials)
    }

    pub(super) fn echoed(&self) -> Arc<Vec<Secret>> {
        self.credentials.as_ref().map(|credentials| credentials.echoed.load()).unwrap_or_default()
    }

    pub(super) fn clean(&self, text: &str) -> String {
        let echoed = self.echoed();
        let others = self.forms_not_in(&echoed);
        clean(text, others.iter().chain(&*echoed).map(Secret::expose_secret))
    }

    pub(super) fn shown_headers(&self, headers: &HeaderMap, echoed: &[Secret]) -> HeaderMap {
        let others = self.forms_not_in(echoed);
        let secrets = || others.iter().chain(echoed).map(Secret::expose_secret);
        let is_shown = |name: &HeaderName, value: &HeaderValue| {
            is_public(name) && value.to_str().is_ok_and(|text| is_clean(text, secrets()))
        };
        let shown = headers.iter().filter(|(name, value)| is_shown(name, value));
        shown.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    fn forms_not_in(&self, echoed: &[Secret]) -> Vec<Secret> {
        let in_headers = self.headers().filter(|(_, value)| value.is_sensitive());
        let in_headers = in_headers.filter_map(|(_, value)| value.to_str().ok()?.rsplit(' ').next());
        let is_new = |secret: &&str| echoed.iter().all(|echoed| echoed.expose_secret() != *secret);
        let credentials = self.credentials.iter().map(|credentials| &credentials.secret);
        let secrets = self.secrets.iter().chain(credentials).map(Secret::expose_secret);
        secrets.chain(in_headers).filter(is_new).flat_map(forms).collect()
    }
}

/// Contains each secret unchanged, form-encoded and JSON-encoded, because a server may echo the
/// secret in any of these forms.
pub(crate) struct EchoedSecrets(ArcSwap<Vec<Secret>>);

impl EchoedSecrets {
    pub(crate) fn replace(&self, secrets: Vec<Secret>) {
        self.0.store(Arc::new(secrets.iter().flat_map(|secret| forms(secret.expose_secret())).collect()));
    }

    fn load(&self) -> Arc<Vec<Secret>> {
        self.0.load_full()
    }
}

impl Default for EchoedSecrets {
    fn default() -> Self {
        Self(ArcSwap::from_pointee(Vec::new()))
    }
}
