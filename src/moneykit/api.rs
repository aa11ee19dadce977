//! Sends requests for MoneyKit's operations, and interprets the responses.

use std::{pin::pin, sync::Arc};

use http::{HeaderMap, header};

use super::{auth::Auth, webhook::KeyCache};
use crate::{
    Error, Response, Scope, Secret,
    authorize::classify_challenges,
    client,
    generated::moneykit::{self as generated, types},
    retry::Idempotency,
    token::{self, Fingerprint, IssuedToken, Rejection, TokenSource},
    transport::{Call, Contract, Http, bearer},
    webhook::Deliveries,
};

const CONTRACT: Contract = Contract {
    vendor: "moneykit",
    fields: &["client_id", "client_secret", "grant_type", "refresh_token", "scope"],
    forbidden: None,
};

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) shared: client::Inner<Api>,
    pub(super) webhook_keys: Arc<KeyCache>,
    pub(super) deliveries: Deliveries,
}

impl Inner {
    pub(super) async fn jwks(&self) -> Result<Response<types::JwkSet>, Error> {
        let shared = &self.shared;
        shared.send(Idempotency::Idempotent, || shared.api.jwks()).await
    }
}

#[derive(Debug)]
pub(super) struct Api {
    pub(super) http: Http,
    pub(super) auth: Auth,
    pub(super) version: String,
}

impl Api {
    pub(super) async fn create_access_token(
        &self,
        scopes: &[Scope],
    ) -> Result<Response<types::CreateAccessTokenResponse>, Error> {
        let mut body = types::CreateAccessTokenRequest {
            client_id: None,
            client_secret: None,
            grant_type: Some("client_credentials".to_owned()),
            scope: (!scopes.is_empty()).then(|| Scope::join(scopes)).transpose()?,
        };
        let call = self.call("create_access_token");
        let auth = self.auth.credentials()?.get().await.map_err(|error| call.failed(error))?;
        let call = auth.apply(call, &mut body.client_id, &mut body.client_secret);
        let client = generated::Client::of(&call);
        let check = |body: &mut types::CreateAccessTokenResponse| {
            token::check_issued(&body.access_token, body.token_type.as_deref(), &mut None)
        };
        call.run(pin!(client.create_access_token(self.version(), &body)), check).await
    }

    pub(super) async fn introspect(
        &self,
        token: &Secret,
    ) -> Result<Response<types::AppClientResponse>, Error> {
        let unsendable = |error: Error| error.with_operation(CONTRACT.vendor, "introspect");
        let call = self.call("introspect").with_secret(token);
        let call = call.with_header(header::AUTHORIZATION, bearer(token).map_err(unsendable)?);
        let client = generated::Client::of(&call);
        call.run(pin!(client.instrospect_client(self.version())), |_| Ok(())).await
    }

    pub(super) async fn introspect_client(&self) -> Result<Response<types::AppClientResponse>, Error> {
        let call = self.call("introspect_client");
        let auth = self.auth.credentials()?.get().await.map_err(|error| call.failed(error))?;
        let call = auth.apply_key_pair(call)?;
        let client = generated::Client::of(&call);
        call.run(pin!(client.instrospect_client(self.version())), |_| Ok(())).await
    }

    async fn jwks(&self) -> Result<Response<types::JwkSet>, Error> {
        let (call, client_id) = (self.call("jwks"), self.auth.client_id().await);
        let client = generated::Client::of(&call);
        call.run(pin!(client.get_well_known_jwks(self.version(), client_id.as_deref())), |_| Ok(())).await
    }

    fn call(&self, operation: &'static str) -> Call {
        Call::new(CONTRACT, operation, &self.http)
    }

    fn version(&self) -> Option<&str> {
        Some(&self.version)
    }
}

impl client::Api for Api {
    fn http(&self) -> &Http {
        &self.http
    }

    fn classify_401(headers: &HeaderMap, body: Option<&[u8]>) -> Rejection {
        let body = body.and_then(|body| serde_json::from_slice::<serde_json::Value>(body).ok());
        let is_expired = body.is_some_and(|body| body["error_code"] == EXPIRED);
        if is_expired { Rejection::InvalidToken } else { classify_challenges(headers) }
    }
}

impl TokenSource for Api {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of([CONTRACT.vendor, self.http.base(), &self.auth.account(), &self.version])
    }

    fn credentials_fingerprint(&self) -> Fingerprint {
        match self.auth.credentials() {
            Ok(credentials) => credentials.fingerprint(),
            Err(_) => self.fingerprint(),
        }
    }

    async fn renew_credentials(&self, refused: &Fingerprint) -> bool {
        match self.auth.credentials() {
            Ok(credentials) => credentials.renew(refused).await,
            Err(_) => false,
        }
    }

    async fn issue(&self, scopes: &[Scope]) -> Result<IssuedToken, Error> {
        self.create_access_token(scopes).await.map(issued)
    }
}

const EXPIRED: &str = "api_error.auth.expired_access_token";

pub(super) fn issued(response: Response<types::CreateAccessTokenResponse>) -> IssuedToken {
    let date = response.date();
    let types::CreateAccessTokenResponse { access_token, expires_in, .. } = response.into_body();
    let mut issued = IssuedToken::new(access_token);
    issued.expires_in = expires_in;
    issued.date = date;
    issued
}
