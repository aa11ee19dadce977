//! Sends requests for Moov's operations, and interprets the responses.

use std::{borrow::Cow, pin::pin};

use http::{HeaderMap, HeaderValue, header};

use super::auth::{ClientType, Encoding, TokenTypeHint};
use crate::{
    Error, ErrorKind, Response, Scope, Secret,
    authorize::classify_challenges,
    client::{self, CurrentCredentials},
    generated::moov::{self as generated, types},
    token::{self, Fingerprint, IssuedToken, Rejection, TokenSource, audience},
    transport::{Call, Contract, Http},
};

const CONTRACT: Contract = Contract {
    vendor: "moov",
    fields: &[
        "audience",
        "client_id",
        "client_secret",
        "client_type",
        "grant_type",
        "refresh_token",
        "scope",
        "token",
        "token_type_hint",
    ],
    forbidden: Some(
        "the service rejected the credentials, or the configured origin is not a domain of the \
         API key; check both",
    ),
};

#[derive(Debug)]
pub(super) struct Api {
    pub(super) http: Http,
    pub(super) credentials: CurrentCredentials,
    pub(super) version: Option<String>,
    pub(super) origin: Option<String>,
    pub(super) referer: Option<String>,
    pub(super) client_type: Option<ClientType>,
    pub(super) encoding: Encoding,
}

impl Api {
    pub(super) async fn create_access_token(
        &self,
        scopes: &[Scope],
    ) -> Result<Response<types::AuthToken>, Error> {
        <Self as client::Api>::check_scopes(scopes)?;
        let mut body = types::AuthTokenRequest {
            client_id: None,
            client_secret: None,
            client_type: self.client_type.map(ClientType::generated),
            grant_type: types::GrantType::ClientCredentials,
            refresh_token: None,
            scope: Some(Scope::join(scopes)?),
        };
        self.token(self.call("create_access_token"), &mut body).await
    }

    pub(super) async fn refresh_with(
        &self,
        refresh_token: &Secret,
        scopes: &[Scope],
    ) -> Result<Response<types::AuthToken>, Error> {
        present(refresh_token, "refresh")?;
        let mut body = types::AuthTokenRequest {
            client_id: None,
            client_secret: None,
            client_type: None,
            grant_type: types::GrantType::RefreshToken,
            refresh_token: Some(refresh_token.clone()),
            scope: (!scopes.is_empty()).then(|| Scope::join(scopes)).transpose()?,
        };
        self.token(self.call("refresh").with_secret(refresh_token), &mut body).await
    }

    async fn token(
        &self,
        call: Call,
        body: &mut types::AuthTokenRequest,
    ) -> Result<Response<types::AuthToken>, Error> {
        let auth = self.credentials.get().await.map_err(|error| call.failed(error))?;
        let call = auth.apply(call, &mut body.client_id, &mut body.client_secret);
        let client = generated::Client::of(&call);
        let Self { origin, referer, version, .. } = self;
        let (origin, referer, version) = (origin.as_deref(), referer.as_deref(), version.as_deref());
        let response = match self.encoding {
            Encoding::Form => {
                call.run(pin!(client.create_access_token(origin, referer, version, body)), check_issued).await
            }
            Encoding::Json => {
                call.run(pin!(client.create_access_token_json(origin, referer, version, body)), check_issued)
                    .await
            }
        }?;
        self.check_audience(response.body());
        Ok(response)
    }

    fn is_web(&self) -> bool {
        self.client_type.is_none_or(|client_type| client_type == ClientType::Web)
    }

    /// The service issues a token even if the origin is not allowed. Every request with such a
    /// token gets a 401 without a reason. Only the audience of the token shows the cause: the
    /// audience does not contain the origin. In this case, this method logs a warning.
    fn check_audience(&self, issued: &types::AuthToken) {
        let Some(origin) = self.origin.as_ref().or(self.referer.as_ref()).filter(|_| self.is_web()) else {
            return;
        };
        if audience(issued.access_token.0.expose_secret()).is_some_and(|audience| !audience.contains(origin))
        {
            tracing::warn!(
                fintech_auth.origin = origin,
                fintech_auth.scopes = issued.scope,
                "the issued token is not valid for the configured origin; allow the origin for the API key"
            );
        }
    }

    pub(super) async fn revoke(
        &self,
        token: &Secret,
        hint: Option<TokenTypeHint>,
    ) -> Result<Response<()>, Error> {
        present(token, "revoke")?;
        let mut body = types::RevokeTokenRequest {
            client_id: None,
            client_secret: None,
            token: token.clone(),
            token_type_hint: hint.map(TokenTypeHint::generated),
        };
        let call = self.call("revoke").with_secret(token);
        let auth = self.credentials.get().await.map_err(|error| call.failed(error))?;
        let call = auth.apply(call, &mut body.client_id, &mut body.client_secret);
        let client = generated::Client::of(&call);
        let version = self.version.as_deref();
        match self.encoding {
            Encoding::Form => call.run_without_body(pin!(client.revoke_access_token(version, &body))).await,
            Encoding::Json => {
                call.run_without_body(pin!(client.revoke_access_token_json(version, &body))).await
            }
        }
    }

    fn call(&self, operation: &'static str) -> Call {
        Call::new(CONTRACT, operation, &self.http)
    }
}

impl client::Api for Api {
    fn http(&self) -> &Http {
        &self.http
    }

    fn check_scopes(scopes: &[Scope]) -> Result<(), Error> {
        if scopes.is_empty() {
            let reason = "ask moov for at least one scope, such as /accounts.read";
            let error = Error::new(ErrorKind::InvalidConfig, reason);
            return Err(error.with_operation(CONTRACT.vendor, "create_access_token"));
        }
        Ok(())
    }

    fn web_origin(&self) -> Option<HeaderValue> {
        self.origin.as_ref().filter(|_| self.is_web()).and_then(|origin| origin.parse().ok())
    }

    /// A 401 without a body and without a challenge gives no reason. Moov sends this 401 for an
    /// expired token, a wrong origin and a wrong application.
    fn classify_401(headers: &HeaderMap, body: Option<&[u8]>) -> Rejection {
        match headers.contains_key(header::WWW_AUTHENTICATE) {
            false if body.is_some_and(<[u8]>::is_empty) => Rejection::Unexplained,
            _ => classify_challenges(headers),
        }
    }
}

impl TokenSource for Api {
    fn fingerprint(&self) -> Fingerprint {
        let account = self.credentials.account().map(|account| account.to_string()).unwrap_or_default();
        let page = |page: &Option<String>| page.clone().unwrap_or_default();
        let client_type = self.client_type.map(|client_type| client_type.generated().to_string());
        Fingerprint::of([
            CONTRACT.vendor,
            self.http.base(),
            &account,
            self.version.as_deref().unwrap_or_default(),
            &client_type.unwrap_or_default(),
            &page(&self.origin),
            &page(&self.referer),
        ])
    }

    fn credentials_fingerprint(&self) -> Fingerprint {
        self.credentials.fingerprint()
    }

    async fn renew_credentials(&self, refused: &Fingerprint) -> bool {
        self.credentials.renew(refused).await
    }

    async fn issue(&self, scopes: &[Scope]) -> Result<IssuedToken, Error> {
        self.create_access_token(scopes).await.map(issued)
    }

    async fn refresh(&self, refresh_token: &Secret) -> Result<IssuedToken, Error> {
        self.refresh_with(refresh_token, &[]).await.map(issued)
    }
}

/// Rejects an empty token, because the service would treat it as a missing token.
fn present(token: &Secret, operation: &'static str) -> Result<(), Error> {
    if !token.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidConfig, "the token is empty").with_operation(CONTRACT.vendor, operation))
}

fn check_issued(body: &mut types::AuthToken) -> Result<(), Cow<'static, str>> {
    let mut refresh_token = body.refresh_token.take().map(|token| token.0);
    let token_type = body.token_type.as_ref().map(|token_type| token_type.as_str());
    token::check_issued(&body.access_token.0, token_type, &mut refresh_token)?;
    body.refresh_token = refresh_token.map(types::RefreshToken);
    Ok(())
}

pub(super) fn issued(response: Response<types::AuthToken>) -> IssuedToken {
    let date = response.date();
    let types::AuthToken { access_token, expires_in, refresh_token, scope, .. } = response.into_body();
    let mut issued = IssuedToken::new(access_token.0);
    issued.expires_in = expires_in;
    issued.refresh_token = refresh_token.map(|token| token.0).filter(Secret::is_refresh_token);
    issued.scope = scope;
    issued.date = date;
    issued
}
