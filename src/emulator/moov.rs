//! The responses of Moov's endpoints. `specs/moov/openapi.yaml` describes the endpoints and their
//! schemas.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use http::{StatusCode, header};
use serde::Serialize;
use serde_json::json;

use super::{
    Request,
    behaviour::{Behaviour, ExpiresInStyle},
    client_auth::{KnownClient, Shown, agree, bearer},
    fields::{Fields, content_type},
    issued::{Family, Issued, Kind, Standing},
    jwt::Claims,
    random::Random,
    response::{self, BytesResponse},
};
use crate::{Scope, Secret, generated::moov::types};

/// The client id that the service accepts by default.
pub const CLIENT_ID: &str = "sandbox_moov_client";

/// The client secret that the service accepts by default. Only an emulator accepts this secret.
pub const CLIENT_SECRET: &str = "sandbox_moov_secret";

const REFRESH_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

#[derive(Clone)]
pub(super) struct Grant {
    scope: String,
    client_type: types::ClientType,
    audience: Vec<String>,
}

impl Grant {
    pub(super) fn scope(&self) -> &str {
        &self.scope
    }

    fn is_web(&self) -> bool {
        is_web(self.client_type)
    }
}

pub(super) struct Service {
    pub(super) client: KnownClient,
    pub(super) origin: String,
    pub(super) origin_check: bool,
    pub(super) behaviour: Behaviour,
    pub(super) refresh_tokens: bool,
    pub(super) lifetime: Duration,
    pub(super) expires_in: ExpiresInStyle,
    pub(super) issued: Mutex<Issued<Grant>>,
    pub(super) webhook_secret: Mutex<Secret>,
    pub(super) random: Arc<Random>,
}

impl Service {
    pub(super) fn issued(&self) -> MutexGuard<'_, Issued<Grant>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn webhook_secret(&self) -> MutexGuard<'_, Secret> {
        self.webhook_secret.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn token(&self, request: &Request, now: SystemTime) -> Result<BytesResponse, Refusal> {
        let fields = self.authenticated(request)?;
        let grant_type = fields.text("grant_type").ok_or(INVALID_REQUEST)?;
        if types::GrantType::try_from(grant_type).is_err() {
            return Err(Refusal::BadRequest("unsupported_grant_type"));
        }
        let body: types::AuthTokenRequest = fields.decode().ok_or(INVALID_REQUEST)?;
        if let Some(scope) = &body.scope
            && !scope.split(' ').all(|scope| Scope::new(scope).is_ok())
        {
            return Err(refused_scope("must be a list of scopes, separated by spaces"));
        }
        match body.grant_type {
            types::GrantType::ClientCredentials => {
                let scope = body.scope.ok_or_else(|| refused_scope("is required"))?;
                let client_type = body.client_type.filter(|_| knows_client_type(request));
                let client_type = client_type.unwrap_or(types::ClientType::Web);
                let audience = self.audience(request, client_type)?;
                let mut issued = self.issued();
                let family = issued.new_family();
                let grant = Grant { scope, client_type, audience };
                Ok(self.issue(&mut issued, family, grant.clone(), grant, now))
            }
            types::GrantType::RefreshToken => {
                let token = body.refresh_token.ok_or_else(|| {
                    let refresh_token = Some("is required".to_owned());
                    Refusal::Token(types::AuthTokenRequestError { refresh_token, scope: None })
                })?;
                self.refresh(request, token.expose_secret(), body.scope, now)
            }
        }
    }

    fn refresh(
        &self,
        request: &Request,
        token: &str,
        scope: Option<String>,
        now: SystemTime,
    ) -> Result<BytesResponse, Refusal> {
        // Hold the lock until this function returns. Otherwise two requests with the same refresh
        // token could both get new tokens.
        let mut issued = self.issued();
        let (family, grant) = match issued.standing(Kind::Refresh, token, now) {
            Standing::Live(family, grant) => (family, grant),
            Standing::Spent(family) => {
                issued.note_double_spend(family);
                return Err(Refusal::BadRequest("invalid_grant"));
            }
            Standing::Expired | Standing::Unknown => {
                return Err(Refusal::BadRequest("invalid_grant"));
            }
        };
        let audience = self.audience(request, grant.client_type)?;
        // RFC 6749 section 6: a refresh may request only scopes that were granted before.
        let granted: Vec<_> = grant.scope.split(' ').collect();
        let narrowed = scope.unwrap_or_else(|| grant.scope.clone());
        if !narrowed.split(' ').all(|scope| granted.contains(&scope)) {
            return Err(refused_scope("goes beyond what was granted"));
        }
        issued.spend(token);
        let grant = Grant { audience, ..grant };
        let access = Grant { scope: narrowed, ..grant.clone() };
        Ok(self.issue(&mut issued, family, access, grant, now))
    }

    fn issue(
        &self,
        issued: &mut Issued<Grant>,
        family: Family,
        access: Grant,
        refresh: Grant,
        now: SystemTime,
    ) -> BytesResponse {
        let access_token = match self.behaviour {
            Behaviour::Documented => self.random.token("sandbox_at_"),
            Behaviour::Live => {
                let claims = Claims {
                    client_id: self.client.0.client_id(),
                    scope: &access.scope,
                    audience: &access.audience,
                    issued: now,
                    lifetime: self.lifetime,
                };
                claims.sign(&self.random)
            }
        };
        let refresh_token = self.refresh_tokens.then(|| self.random.token("sandbox_rt_"));
        let scope = access.scope.clone();
        let is_for_no_page = access.is_web() && access.audience.is_empty();
        issued.add((Kind::Access, &access_token), (family, access), now, self.lifetime);
        if let Some(refresh_token) = &refresh_token {
            issued.add((Kind::Refresh, refresh_token), (family, refresh), now, REFRESH_LIFETIME);
        }
        let seconds = match self.expires_in {
            ExpiresInStyle::Seconds | ExpiresInStyle::SecondsText => self.lifetime,
            ExpiresInStyle::Timestamp | ExpiresInStyle::TimestampText => {
                now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().saturating_add(self.lifetime)
            }
        };
        let seconds = i64::try_from(seconds.as_secs()).unwrap_or(i64::MAX);
        // Build the JSON by hand, because the generated type contains secrets and cannot be
        // serialized.
        let mut body = json!({
            "access_token": access_token,
            "expires_in": seconds,
            "scope": scope,
            "token_type": "Bearer",
        });
        if let Some(refresh_token) = refresh_token {
            body["refresh_token"] = refresh_token.into();
        }
        if matches!(self.expires_in, ExpiresInStyle::SecondsText | ExpiresInStyle::TimestampText) {
            body["expires_in"] = seconds.to_string().into();
        }
        let response = response::token(StatusCode::OK, &body);
        if is_for_no_page {
            response::because(response, "issued, but the origin is not allowed")
        } else {
            response
        }
    }

    pub(super) fn revoke(&self, request: &Request) -> Result<BytesResponse, Refusal> {
        let fields = self.authenticated(request)?;
        let mut refused = types::RevokeTokenRequestError::default();
        if fields.text("token").is_none() {
            refused.token = Some("is required".to_owned());
        }
        let hint = fields.text("token_type_hint");
        if hint.is_some_and(|hint| types::RevokeTokenRequestTokenTypeHint::try_from(hint).is_err()) {
            refused.token_type_hint = Some("must be access_token or refresh_token".to_owned());
        }
        if refused.token.is_some() || refused.token_type_hint.is_some() {
            return Err(Refusal::Revoke(refused));
        }
        let body: types::RevokeTokenRequest = fields.decode().ok_or(INVALID_REQUEST)?;
        // Ignore `token_type_hint`, which only speeds up the search for the token (RFC 7009 section
        // 2.1). Revoking an unknown token succeeds.
        self.issued().revoke(body.token.expose_secret());
        Ok(response::empty(StatusCode::NO_CONTENT))
    }

    fn authenticated(&self, request: &Request) -> Result<Fields, Refusal> {
        check_version(request)?;
        let fields = match content_type(&request.headers).as_deref() {
            Some("application/json") => Fields::json(&request.body),
            Some("application/x-www-form-urlencoded") => Fields::form(&request.body),
            _ => None,
        };
        let fields = fields.ok_or(INVALID_REQUEST)?;
        if !agree([self.client.basic(&request.headers), self.client.body(&fields)]) {
            return Err(Refusal::Forbidden("missing or wrong credentials"));
        }
        Ok(fields)
    }

    fn audience(&self, request: &Request, client_type: types::ClientType) -> Result<Vec<String>, Refusal> {
        let headers = &request.headers;
        let named = headers.get(header::ORIGIN).or_else(|| headers.get(header::REFERER));
        let named = named.map(|origin| String::from_utf8_lossy(origin.as_bytes()).into_owned());
        let is_named = named.is_some();
        let audience: Vec<String> =
            named.into_iter().filter(|origin| !self.origin_check || *origin == self.origin).collect();
        let is_refused = self.behaviour == Behaviour::Documented && self.origin_check && audience.is_empty();
        match (is_refused && is_web(client_type), is_named) {
            (true, true) => {
                Err(Refusal::Forbidden("browser token requested for an origin that is not allowed"))
            }
            (true, false) => Err(Refusal::Forbidden(
                "browser token requested without an Origin (client_type is not service, or is ignored before v2026.07.00)",
            )),
            (false, _) => Ok(audience),
        }
    }

    pub(super) fn accounts(&self, request: &Request, now: SystemTime) -> Result<BytesResponse, Refusal> {
        check_version(request)?;
        match bearer(&request.headers) {
            Some(token) => {
                let Standing::Live(_, grant) = self.issued().standing(Kind::Access, token, now) else {
                    return Err(Refusal::Unauthorized("unknown or expired token"));
                };
                let origin = request.headers.get(header::ORIGIN).map(http::HeaderValue::as_bytes);
                let is_from_its_page =
                    grant.audience.iter().any(|audience| Some(audience.as_bytes()) == origin);
                if grant.is_web() && !is_from_its_page && self.origin_check {
                    return Err(Refusal::Unauthorized(
                        "browser token used from an Origin that is not in its aud",
                    ));
                }
                if !grant.scope.split(' ').any(|scope| scope == "/accounts.read") {
                    return Err(Refusal::Forbidden("the token lacks the scope /accounts.read"));
                }
            }
            None if self.client.basic(&request.headers) == Shown::Right => {}
            None => return Err(Refusal::Unauthorized("missing or wrong token or key pair")),
        }
        Ok(response::json(StatusCode::OK, &json!([])))
    }
}

fn is_web(client_type: types::ClientType) -> bool {
    matches!(client_type, types::ClientType::Web | types::ClientType::W)
}

/// The emulator ignores `client_type` if the request has no `X-Moov-Version` header, or if the
/// header names a version that does not define `client_type`. So if a client relies on
/// `client_type` in such a request, the client's tests fail. How the live service handles such a
/// request is unknown.
fn knows_client_type(request: &Request) -> bool {
    let version = request.headers.get("x-moov-version").and_then(|version| version.to_str().ok());
    version.is_some_and(crate::moov::version::knows_client_type)
}

fn check_version(request: &Request) -> Result<(), Refusal> {
    let Some(version) = request.headers.get("x-moov-version") else { return Ok(()) };
    let is_version = version.to_str().is_ok_and(crate::moov::version::is_version);
    if is_version { Ok(()) } else { Err(INVALID_REQUEST) }
}

const INVALID_REQUEST: Refusal = Refusal::BadRequest("invalid_request");

fn refused_scope(message: &str) -> Refusal {
    let scope = Some(message.to_owned());
    Refusal::Token(types::AuthTokenRequestError { refresh_token: None, scope })
}

pub(super) enum Refusal {
    BadRequest(&'static str),
    Forbidden(&'static str),
    Unauthorized(&'static str),
    Token(types::AuthTokenRequestError),
    Revoke(types::RevokeTokenRequestError),
}

impl From<Refusal> for BytesResponse {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::BadRequest(code) => {
                let body = types::GenericError { error: Some(code.to_owned()), error_description: None };
                response::because(response::json(StatusCode::BAD_REQUEST, &body), code)
            }
            Refusal::Forbidden(why) => response::because(response::empty(StatusCode::FORBIDDEN), why),
            Refusal::Unauthorized(why) => response::because(response::empty(StatusCode::UNAUTHORIZED), why),
            Refusal::Token(body) => unprocessable(&body),
            Refusal::Revoke(body) => unprocessable(&body),
        }
    }
}

fn unprocessable(body: &impl Serialize) -> BytesResponse {
    let response = response::json(StatusCode::UNPROCESSABLE_ENTITY, body);
    response::because(response, "a field is missing or invalid; the response names it")
}
