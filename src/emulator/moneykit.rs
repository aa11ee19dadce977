//! The responses of MoneyKit's three endpoints. `specs/moneykit/openapi.yaml` describes the
//! endpoints and their schemas.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::{
    Request,
    client_auth::{KnownClient, Shown, agree, bearer},
    fields::{Fields, content_type},
    issued::{Issued, Kind, Standing},
    random::Random,
    response::{self, BytesResponse},
    signing_key::SigningKeys,
};
use crate::{Scope, generated::moneykit::types};

/// The client id that the service accepts by default.
pub const CLIENT_ID: &str = "sandbox_moneykit_client";

/// The client secret that the service accepts by default. Only an emulator accepts this secret.
pub const CLIENT_SECRET: &str = "sandbox_moneykit_secret";

const APP_ID: &str = "sandbox_app";
const APP_NAME: &str = "Emulator";

const ALL_SCOPES: &str = "link_session:create link:data:read link:data:refresh institutions:read";

pub(super) struct Service {
    pub(super) client: KnownClient,
    pub(super) lifetime: Duration,
    pub(super) issued: Mutex<Issued<String>>,
    pub(super) keys: Mutex<SigningKeys>,
    pub(super) random: Arc<Random>,
}

impl Service {
    pub(super) fn issued(&self) -> MutexGuard<'_, Issued<String>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn keys(&self) -> MutexGuard<'_, SigningKeys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn token(&self, request: &Request, now: SystemTime) -> Result<BytesResponse, Refusal> {
        check_version(request)?;
        let fields = match content_type(&request.headers).as_deref() {
            Some("application/x-www-form-urlencoded") => Fields::form(&request.body),
            None if request.body.is_empty() => Some(Fields::default()),
            _ => None,
        };
        let fields = fields.ok_or(Refusal::Invalid(&["body"], "not valid form data"))?;
        let ways = [
            self.client.basic(&request.headers),
            self.client.body(&fields),
            self.client.headers(&request.headers),
        ];
        if !agree(ways) {
            return Err(Refusal::Unauthorized(None));
        }
        let body: types::CreateAccessTokenRequest =
            fields.decode().ok_or(Refusal::Invalid(&["body"], "fields do not match the contract"))?;
        if body.grant_type.is_some_and(|grant_type| grant_type != "client_credentials") {
            return Err(Refusal::GrantType);
        }
        let scope = body.scope.unwrap_or_else(|| ALL_SCOPES.to_owned());
        if !scope.split(' ').all(|scope| Scope::new(scope).is_ok()) {
            return Err(Refusal::Invalid(&["body", "scope"], "not a list of scopes"));
        }

        let token = self.random.token("sandbox_at_");
        let mut issued = self.issued();
        let family = issued.new_family();
        issued.add((Kind::Access, &token), (family, scope), now, self.lifetime);
        let seconds = i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX);
        // Build the JSON by hand, because the generated type contains a secret and cannot be
        // serialized.
        let body = json!({ "access_token": token, "expires_in": seconds, "token_type": "bearer" });
        Ok(response::token(StatusCode::CREATED, &body))
    }

    pub(super) fn introspect(&self, request: &Request, now: SystemTime) -> Result<BytesResponse, Refusal> {
        check_version(request)?;
        let scope = match bearer(&request.headers) {
            Some(token) => match self.issued().standing(Kind::Access, token, now) {
                Standing::Live(_, scope) => scope,
                Standing::Expired => return Err(Refusal::Expired),
                _ => return Err(Refusal::Unauthorized(Some("Bearer error=\"invalid_token\""))),
            },
            None => match self.client.headers(&request.headers) {
                Shown::Right => ALL_SCOPES.to_owned(),
                Shown::Wrong => return Err(Refusal::Unauthorized(None)),
                // RFC 6750 section 3: the challenge has no error code if no token was sent.
                Shown::Not => return Err(Refusal::Unauthorized(Some("Bearer"))),
            },
        };
        let body = types::AppClientResponse {
            // The API schema has two fields for the id of the app and two for the name. Set all of
            // them, because the vendor's own SDK reads `id` and `app_name`.
            app: Some(types::AppResponse {
                app_id: Some(APP_ID.to_owned()),
                app_name: Some(APP_NAME.to_owned()),
                id: Some(APP_ID.to_owned()),
                name: Some(APP_NAME.to_owned()),
            }),
            client_id: self.client.0.client_id().to_owned(),
            client_name: Some("Emulator client".to_owned()),
            disabled_at: None,
            scope: Some(scope),
        };
        Ok(response::json(StatusCode::OK, &body))
    }

    pub(super) fn jwks(&self, request: &Request) -> Result<BytesResponse, Refusal> {
        check_version(request)?;
        Ok(response::json(StatusCode::OK, &types::JwkSet { keys: self.keys().published() }))
    }
}

fn check_version(request: &Request) -> Result<(), Refusal> {
    let Some(version) = request.headers.get("moneykit-version") else { return Ok(()) };
    let version = version.to_str().unwrap_or_default();
    if crate::moneykit::is_version(version) {
        return Ok(());
    }
    Err(Refusal::Invalid(&["header", "MoneyKit-Version"], "not a date, such as 2023-02-18"))
}

pub(super) enum Refusal {
    GrantType,
    Unauthorized(Option<&'static str>),
    Expired,
    Invalid(&'static [&'static str], &'static str),
}

impl From<Refusal> for BytesResponse {
    fn from(refusal: Refusal) -> Self {
        let why = match &refusal {
            Refusal::Invalid(_, message) => message,
            Refusal::GrantType => "the grant type is not client_credentials",
            Refusal::Expired => "the token has expired",
            Refusal::Unauthorized(Some("Bearer")) => "no token",
            Refusal::Unauthorized(Some(_)) => "unknown or revoked token",
            Refusal::Unauthorized(None) => "missing or wrong credentials",
        };
        let (status, code, message, challenge) = match refusal {
            Refusal::Invalid(location, message) => {
                return response::because(invalid(location, message), why);
            }
            Refusal::GrantType => {
                // The API schema has no error code for an unsupported grant type, so the response
                // contains the code of an authentication failure.
                (StatusCode::BAD_REQUEST, UNAUTHORIZED, "Grant type not supported", None)
            }
            Refusal::Unauthorized(challenge) => {
                (StatusCode::UNAUTHORIZED, UNAUTHORIZED, "Unauthorized", challenge)
            }
            Refusal::Expired => (
                StatusCode::UNAUTHORIZED,
                "api_error.auth.expired_access_token",
                "Access token expired",
                Some("Bearer error=\"invalid_token\", error_description=\"The access token expired\""),
            ),
        };
        let body = types::ErrorResponse {
            documentation_url: Some(DOCUMENTATION.to_owned()),
            error_code: Some(code.to_owned()),
            error_message: Some(message.to_owned()),
        };
        let mut response = response::json(status, &body);
        if let Some(challenge) = challenge {
            let challenge = HeaderValue::from_static(challenge);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response::because(response, why)
    }
}

const UNAUTHORIZED: &str = "api_error.auth.unauthorized";
const DOCUMENTATION: &str = "https://emulator.example/moneykit/errors";

fn invalid(location: &[&str], message: &str) -> BytesResponse {
    let item = types::ValidationErrorItem {
        location: location
            .iter()
            .map(|part| types::ValidationErrorItemLocationItem::String((*part).to_owned()))
            .collect(),
        message: Some(message.to_owned()),
        type_: Some("value_error".to_owned()),
    };
    let body = types::ValidationErrorResponse {
        documentation_url: Some(DOCUMENTATION.to_owned()),
        error_code: Some("api_error.request.validation_failed".to_owned()),
        error_message: Some("Request validation failed".to_owned()),
        validation_errors: vec![item],
    };
    response::json(StatusCode::UNPROCESSABLE_ENTITY, &body)
}
