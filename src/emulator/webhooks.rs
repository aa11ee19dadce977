//! Creates signed and forged webhooks of both vendors, for tests of handlers.

use std::{fmt, io, sync::Arc};

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use http::HeaderMap;
use ring::hmac;
use serde_json::{Map, Value};

use super::Emulator;
use crate::{
    Secret,
    webhook::testing::{self, SigningKey},
};

/// A signed webhook. To test a replay, send the same webhook twice.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignedWebhook {
    /// The headers that the vendor sends.
    pub headers: HeaderMap,
    /// The raw body.
    pub body: Bytes,
}

impl SignedWebhook {
    /// Creates a webhook from headers that were signed elsewhere, for example by
    /// [`webhook::testing`](crate::webhook::testing).
    pub fn new(headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        Self { headers, body: body.into() }
    }

    /// Replaces the body but keeps the signed headers, as an attacker would.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

impl Emulator {
    /// Creates a MoneyKit webhook with this body, signed at the current time with the current key.
    pub fn moneykit_webhook(&self, body: impl Into<Bytes>) -> MoneykitWebhook {
        let key = self.services.moneykit.keys().key(None);
        let key_id = key.as_ref().map_or_else(String::new, |key| key.id().to_owned());
        let body = body.into();
        MoneykitWebhook {
            key,
            header: testing::moneykit_header(&key_id),
            claims: testing::moneykit_claims(self.services.time.now(), &body),
            delivery: self.services.random.uuid().to_string(),
            body,
        }
    }

    /// Generates a key for MoneyKit, and publishes the key in addition to the previous keys. From
    /// now on, the new key signs MoneyKit's webhooks. Returns the id of the new key.
    ///
    /// # Errors
    ///
    /// Fails if the system provides no randomness.
    pub fn rotate_moneykit_key(&self) -> io::Result<String> {
        let key = SigningKey::generate_unnamed()?;
        let id = key.id().to_owned();
        self.services.moneykit.keys().add(key);
        Ok(id)
    }

    /// Returns the id of the key that currently signs MoneyKit's webhooks.
    pub fn moneykit_key_id(&self) -> String {
        self.services.moneykit.keys().key(None).map_or_else(String::new, |key| key.id().to_owned())
    }

    /// Returns the private key that currently signs MoneyKit's webhooks, in PKCS#8.
    ///
    /// To sign with the same key in a different process, pass the private key to
    /// [`SigningKey::from_pkcs8`].
    pub fn moneykit_signing_key(&self) -> Secret {
        self.services.moneykit.keys().key(None).map(|key| key.pkcs8().clone()).unwrap_or_default()
    }

    /// Removes a key from MoneyKit's published key set. [`MoneykitWebhook::with_key`] can still
    /// sign with the withdrawn key.
    pub fn withdraw_moneykit_key(&self, id: &str) {
        self.services.moneykit.keys().withdraw(id);
    }

    /// Adds any JSON object to MoneyKit's published key set, for example an unusable key.
    pub fn publish_moneykit_jwk(&self, jwk: Map<String, Value>) {
        self.services.moneykit.keys().publish(jwk);
    }

    /// Creates a Moov webhook with this body and the current time. Moov signs the headers, but not
    /// the body.
    pub fn moov_webhook(&self, body: impl Into<Bytes>) -> MoovWebhook {
        let random = &self.services.random;
        let now = DateTime::<Utc>::from(self.services.time.now());
        MoovWebhook {
            secret: self.moov_webhook_secret(),
            timestamp: now.to_rfc3339_opts(SecondsFormat::Secs, true),
            nonce: random.nonce(),
            webhook_id: random.uuid().to_string(),
            body: body.into(),
        }
    }

    /// Returns the secret that currently signs Moov's webhooks.
    pub fn moov_webhook_secret(&self) -> Secret {
        self.services.moov.webhook_secret().clone()
    }

    /// Generates a new secret for Moov and returns the secret. From now on, the new secret signs
    /// Moov's webhooks.
    pub fn rotate_moov_webhook_secret(&self) -> Secret {
        let secret = Secret::from(self.services.random.token("sandbox_whsec_"));
        self.services.moov.webhook_secret().clone_from(&secret);
        secret
    }
}

/// A MoneyKit webhook that is not signed yet.
#[derive(Clone)]
#[must_use]
pub struct MoneykitWebhook {
    key: Option<Arc<SigningKey>>,
    header: Map<String, Value>,
    claims: Map<String, Value>,
    delivery: String,
    body: Bytes,
}

impl MoneykitWebhook {
    /// Signs with the emulator's key that has this id, for example a withdrawn key. If the id is
    /// unknown, [`MoneykitWebhook::sign`] fails.
    pub fn with_key(mut self, emulator: &Emulator, id: &str) -> Self {
        self.key = emulator.services.moneykit.keys().key(Some(id));
        self.with_header("kid", id)
    }

    /// Sets a member of the JWS header.
    ///
    /// The value of `alg` also selects the kind of signature: `none` creates no signature, `HS256`
    /// uses the public key as the HMAC secret (RFC 8725 section 2.1), and all other values use
    /// ES256.
    pub fn with_header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    /// Removes a member of the JWS header.
    pub fn without_header(mut self, name: &str) -> Self {
        self.header.remove(name);
        self
    }

    /// Sets a claim, such as `iat`.
    pub fn with_claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Removes a claim.
    pub fn without_claim(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Signs the webhook.
    ///
    /// # Errors
    ///
    /// Fails if the key id in [`with_key`](Self::with_key) is unknown, or if the system provides no
    /// randomness.
    pub fn sign(self) -> io::Result<SignedWebhook> {
        let key = self.key.ok_or_else(|| io::Error::other("there is no such key"))?;
        let algorithm = self.header.get("alg").and_then(Value::as_str).map(str::to_owned);
        let text = testing::moneykit_text(self.header, self.claims);
        let signature = match algorithm.as_deref() {
            Some("none") => Vec::new(),
            Some("HS256") => {
                let secret = hmac::Key::new(hmac::HMAC_SHA256, key.public_point());
                hmac::sign(&secret, text.as_bytes()).as_ref().to_vec()
            }
            _ => key.sign(text.as_bytes())?,
        };
        let headers = testing::moneykit_headers(&text, &signature, &self.delivery)?;
        Ok(SignedWebhook { headers, body: self.body })
    }
}

impl fmt::Debug for MoneykitWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MoneykitWebhook")
            .field("header", &self.header)
            .field("claims", &self.claims)
            .finish_non_exhaustive()
    }
}

/// A Moov webhook that is not signed yet.
#[derive(Clone, Debug)]
#[must_use]
pub struct MoovWebhook {
    secret: Secret,
    timestamp: String,
    nonce: String,
    webhook_id: String,
    body: Bytes,
}

impl MoovWebhook {
    /// Signs with this secret instead of the emulator's secret.
    pub fn with_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.secret = secret.into();
        self
    }

    /// Sets `X-Timestamp` to this text, which need not be a valid timestamp.
    pub fn with_timestamp(mut self, timestamp: impl Into<String>) -> Self {
        self.timestamp = timestamp.into();
        self
    }

    /// Sets `X-Nonce`.
    pub fn with_nonce(mut self, nonce: impl Into<String>) -> Self {
        self.nonce = nonce.into();
        self
    }

    /// Sets `X-Webhook-ID`.
    pub fn with_webhook_id(mut self, id: impl Into<String>) -> Self {
        self.webhook_id = id.into();
        self
    }

    /// Signs the webhook.
    ///
    /// # Errors
    ///
    /// Fails if a value contains characters that are not allowed in a header.
    pub fn sign(self) -> io::Result<SignedWebhook> {
        let headers = testing::moov_headers(&self.secret, &self.timestamp, &self.nonce, &self.webhook_id)?;
        Ok(SignedWebhook { headers, body: self.body })
    }
}
