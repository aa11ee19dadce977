//! Creates access tokens in the format of Moov's live service: JWTs of about 860 characters. The
//! signature is random, because clients do not verify the signature.

use std::time::{Duration, SystemTime};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::random::Random;

pub(super) struct Claims<'a> {
    pub(super) client_id: &'a str,
    pub(super) scope: &'a str,
    pub(super) audience: &'a [String],
    pub(super) issued: SystemTime,
    pub(super) lifetime: Duration,
}

impl Claims<'_> {
    pub(super) fn sign(&self, random: &Random) -> String {
        let issued = self.issued.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let header = json!({ "alg": "RS256", "kid": random.uuid().to_string(), "typ": "JWT" });
        let claims = json!({
            "iss": "https://api.moov.io#applications",
            "sub": random.uuid().to_string(),
            "aud": self.audience,
            "client_id": self.client_id,
            "scp": self.scope.split(' ').collect::<Vec<_>>(),
            "iat": issued.as_secs(),
            "exp": issued.saturating_add(self.lifetime).as_secs(),
            "jti": random.uuid().to_string(),
        });
        let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signature = BASE64_URL_SAFE_NO_PAD.encode(random.bytes::<256>());
        format!("{}.{}.{signature}", part(header), part(claims))
    }
}
