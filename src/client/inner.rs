//! The parts that the clients of both vendors share.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, StatusCode};

use super::credentials::{CredentialsProvider, CurrentCredentials, Scheme};
use crate::{
    Error, ErrorKind, HttpOptions, Scope, ScopeSet,
    authorize::{Authorizer, classify_challenges},
    retry::Idempotency,
    token::{Fingerprint, Rejection, TokenCache, TokenHandle, TokenOptions, TokenSource},
    transport::{BaseUrl, Http},
};

pub(crate) trait Api: TokenSource {
    fn http(&self) -> &Http;

    fn check_scopes(_: &[Scope]) -> Result<(), Error> {
        Ok(())
    }

    fn web_origin(&self) -> Option<HeaderValue> {
        None
    }

    fn classify_401(headers: &HeaderMap, body: Option<&[u8]>) -> Rejection {
        let _ = body;
        classify_challenges(headers)
    }
}

#[derive(Debug)]
pub(crate) struct Inner<A> {
    pub(crate) api: Arc<A>,
    pub(crate) tokens: TokenCache,
    pub(crate) default: TokenHandle,
    pub(crate) scopes: ScopeSet,
}

impl<A: Api> Inner<A> {
    pub(crate) fn bearer(&self, scopes: &[Scope]) -> Result<Authorizer, Error> {
        A::check_scopes(scopes)?;
        let (handle, base) = (self.tokens.handle(scopes)?, self.api.http().base());
        let authorizer = Authorizer::at(handle, base, A::check_scopes, self.api.web_origin());
        Ok(authorizer.with_classifier(A::classify_401))
    }

    pub(crate) fn classify(&self, status: StatusCode, headers: &HeaderMap, body: Option<&[u8]>) -> Rejection {
        match status {
            StatusCode::UNAUTHORIZED => A::classify_401(headers, body),
            _ => Rejection::None,
        }
    }

    pub(crate) async fn send<T, F: Future<Output = Result<T, Error>>>(
        &self,
        idempotency: Idempotency,
        call: impl Fn() -> F,
    ) -> Result<T, Error> {
        let call = async || match call().await {
            Err(error) if self.has_other_credentials(&error).await => call().await,
            outcome => outcome,
        };
        self.tokens.with_retry(idempotency, call).await
    }

    async fn has_other_credentials(&self, error: &Error) -> bool {
        match error.credentials() {
            Some(refused) if error.kind() == ErrorKind::Unauthorized => {
                self.api.renew_credentials(&Fingerprint::from_bytes(refused)).await
            }
            _ => false,
        }
    }

    pub(crate) async fn send_token_call<T, F: Future<Output = Result<T, Error>>>(
        &self,
        idempotency: Idempotency,
        scopes: Option<&[Scope]>,
        call: impl Fn() -> F,
    ) -> Result<T, Error> {
        self.tokens.with_retry(idempotency, || self.tokens.rate_limited(scopes, &call)).await
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Builder {
    pub(crate) base_url: Result<BaseUrl, Error>,
    pub(crate) http: HttpOptions,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) tokens: TokenOptions,
    pub(crate) credentials_name: Option<String>,
}

impl Builder {
    pub(crate) fn new(base_url: &str, tokens: TokenOptions) -> Self {
        let base_url = BaseUrl::parse(base_url);
        Self { base_url, http: HttpOptions::default(), scopes: Vec::new(), tokens, credentials_name: None }
    }

    pub(crate) fn credentials(
        &self,
        provider: Arc<dyn CredentialsProvider>,
        scheme: Scheme,
    ) -> Result<CurrentCredentials, Error> {
        let (name, clock) = (self.credentials_name.clone(), self.tokens.clock());
        let credentials = CurrentCredentials::new(provider, scheme, name, clock)?;
        if self.tokens.has_store() && credentials.account().is_none() {
            let reason = "a token store needs a name for credentials that are not known yet: call \
                          with_credentials_name";
            return Err(Error::new(ErrorKind::InvalidConfig, reason));
        }
        Ok(credentials)
    }

    pub(crate) fn build<A: Api>(self, api: impl FnOnce(Http) -> Result<A, Error>) -> Result<Inner<A>, Error> {
        let api = Arc::new(api(self.http.build(self.base_url?)?)?);
        let tokens = TokenCache::new(api.clone(), self.tokens);
        let scopes = ScopeSet::new(self.scopes)?;
        Ok(Inner { default: tokens.handle(&scopes)?, api, tokens, scopes })
    }
}
