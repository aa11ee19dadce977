//! What a MoneyKit webhook tells. Events and fields that are not documented are kept.

use std::fmt;

use serde_json::{Map, Value};

use crate::webhook::{Verified, VerifyError, VerifyErrorKind};

/// What happened.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum EventKind {
    /// `link.state_changed`
    LinkStateChanged,
    /// `link.product_refresh`
    LinkProductRefresh,
    /// `transactions.updates_available`
    TransactionsUpdatesAvailable,
    /// An event that this version does not know, by its name.
    Other(String),
}

impl EventKind {
    /// The vendor's name of it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::LinkStateChanged => "link.state_changed",
            Self::LinkProductRefresh => "link.product_refresh",
            Self::TransactionsUpdatesAvailable => "transactions.updates_available",
            Self::Other(name) => name,
        }
    }
}

impl From<String> for EventKind {
    fn from(name: String) -> Self {
        match name.as_str() {
            "link.state_changed" => Self::LinkStateChanged,
            "link.product_refresh" => Self::LinkProductRefresh,
            "transactions.updates_available" => Self::TransactionsUpdatesAvailable,
            _ => Self::Other(name),
        }
    }
}

/// A MoneyKit event.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// `webhook_event`
    pub kind: EventKind,
    /// `webhook_idempotency_key`: the same in each retry of an event. Act once on each.
    pub idempotency_key: Option<String>,
    /// `webhook_major_version`, where it is a whole number or the digits of one.
    pub major_version: Option<u64>,
    /// All other fields, and those above where they are not of their usual type.
    pub fields: Map<String, Value>,
}

impl Event {
    /// An event with nothing but its kind, for tests of a handler; set the other fields as the test needs them.
    ///
    /// ```
    /// use fintech_auth::moneykit::webhook::{Event, EventKind};
    ///
    /// let mut event = Event::new(EventKind::LinkStateChanged);
    /// event.idempotency_key = Some("test-key".into());
    /// event.fields.insert("link_id".into(), "test-link".into());
    /// ```
    pub fn new(kind: EventKind) -> Self {
        Self { kind, idempotency_key: None, major_version: None, fields: Map::new() }
    }

    /// Reads an event from the body of a verified webhook: a JSON object with a `webhook_event`.
    ///
    /// # Errors
    ///
    /// [`MalformedBody`](VerifyErrorKind::MalformedBody) for any other body. The webhook is authentic all the
    /// same: response 2xx and look at the bytes, or the vendor sends it again in vain.
    pub fn read(body: &[u8]) -> Result<Self, VerifyError> {
        let malformed = || VerifyError::from(VerifyErrorKind::MalformedBody);
        let mut fields: Map<String, Value> = serde_json::from_slice(body).map_err(|_| malformed())?;
        let Some(Value::String(name)) = fields.remove("webhook_event") else { return Err(malformed()) };
        let major_version = match fields.get("webhook_major_version") {
            Some(Value::String(text)) => text.parse().ok(),
            version => version.and_then(Value::as_u64),
        };
        if major_version.is_some() {
            fields.remove("webhook_major_version");
        }
        let idempotency_key =
            fields.get("webhook_idempotency_key").and_then(Value::as_str).map(str::to_owned);
        if idempotency_key.is_some() {
            fields.remove("webhook_idempotency_key");
        }
        Ok(Self { kind: name.into(), idempotency_key, major_version, fields })
    }
}

impl<B: AsRef<[u8]>> Verified<B> {
    /// The event in a MoneyKit body, as [`Event::read`].
    ///
    /// # Errors
    ///
    /// As [`Event::read`].
    pub fn event(&self) -> Result<Event, VerifyError> {
        Event::read(self.body().as_ref())
    }
}

/// Without the values of the other fields, which may be of people and their accounts.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("kind", &self.kind)
            .field("idempotency_key", &self.idempotency_key)
            .field("major_version", &self.major_version)
            .field("fields", &self.fields.keys().collect::<Vec<_>>())
            .finish()
    }
}
