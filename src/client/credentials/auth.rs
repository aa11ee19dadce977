//! Adds the client credentials to a request: in headers, or in the body (RFC 6749 section 2.3.1).

use std::{fmt, sync::Arc};

use http::{HeaderName, HeaderValue, header};

use super::pair::Credentials;
use crate::{
    Error, Secret,
    authorize::KeyPairHeaders,
    token::Fingerprint,
    transport::{Call, CallCredentials, EchoedSecrets, basic},
};

pub(crate) type Headers = Vec<(HeaderName, HeaderValue)>;

#[derive(Clone, Copy)]
pub(crate) struct Scheme {
    /// The headers for token requests and revocations. Empty if the credentials are sent in the
    /// body.
    pub(crate) own: fn(&Credentials) -> Result<Headers, Error>,
    pub(crate) key_pair: fn(&Credentials) -> Result<Headers, Error>,
}

pub(crate) struct Auth {
    credentials: Credentials,
    fingerprint: Fingerprint,
    own: Arc<CallCredentials>,
    /// Some credentials do not fit into the headers of the key pair, but still work for token
    /// requests. So this error is returned only when the key pair is used.
    key_pair: Result<Arc<KeyPairHeaders>, Error>,
}

impl Auth {
    pub(crate) fn new(
        credentials: Credentials,
        scheme: &Scheme,
        echoed: Arc<EchoedSecrets>,
    ) -> Result<Self, Error> {
        credentials.check()?;
        let (own, fingerprint) = ((scheme.own)(&credentials)?, credentials.fingerprint());
        let key_pair = (scheme.key_pair)(&credentials);
        let key_pair = key_pair.map(|headers| Arc::new(KeyPairHeaders::new(headers, fingerprint)));
        let own = Arc::new(CallCredentials {
            fingerprint: fingerprint.to_array(),
            secret: credentials.client_secret().clone(),
            headers: own,
            echoed,
        });
        Ok(Self { credentials, fingerprint, own, key_pair })
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    pub(crate) fn key_pair(&self) -> Result<Arc<KeyPairHeaders>, Error> {
        self.key_pair.clone()
    }

    pub(crate) fn secrets(&self) -> Vec<Secret> {
        let in_headers = self.own.headers.iter().filter(|(_, value)| value.is_sensitive());
        let in_headers = in_headers.filter_map(|(_, value)| value.to_str().ok()?.rsplit(' ').next());
        in_headers.map(Secret::from).chain([self.credentials.client_secret().clone()]).collect()
    }

    pub(crate) fn apply(&self, call: Call, id: &mut Option<String>, secret: &mut Option<Secret>) -> Call {
        if self.own.headers.is_empty() {
            *id = Some(self.credentials.client_id().to_owned());
            *secret = Some(self.credentials.client_secret().clone());
        }
        call.with_credentials(self.own.clone())
    }

    pub(crate) fn apply_key_pair(&self, call: Call) -> Result<Call, Error> {
        let headers = self.key_pair()?.headers().to_vec();
        let CallCredentials { fingerprint, secret, echoed, .. } = &*self.own;
        let (fingerprint, secret, echoed) = (*fingerprint, secret.clone(), echoed.clone());
        Ok(call.with_credentials(Arc::new(CallCredentials { fingerprint, secret, headers, echoed })))
    }
}

pub(crate) fn basic_header(credentials: &Credentials) -> Result<Headers, Error> {
    Ok(vec![(header::AUTHORIZATION, basic(credentials.client_id(), credentials.client_secret())?)])
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("credentials", &self.credentials).finish_non_exhaustive()
    }
}
