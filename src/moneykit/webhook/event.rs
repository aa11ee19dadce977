//! Parses the body of a MoneyKit webhook.

use std::fmt;

use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::{
    Timestamp,
    webhook::{Headers, Reason, Verified, VerifyError, event_kinds, one},
};

event_kinds! {
    LinkStateChanged "link.state_changed",
    LinkProductRefresh "link.product_refresh",
    TransactionsUpdatesAvailable "transactions.updates_available",
}

/// A MoneyKit event.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// `webhook_event`: the kind of the event.
    pub kind: EventKind,
    /// `webhook_idempotency_key`. All retries of an event have the same key. Use the key to handle
    /// each event only once.
    pub idempotency_key: Option<String>,
    /// `webhook_timestamp`. All retries of an event have the same timestamp.
    pub timestamp: Option<Timestamp>,
    /// `webhook_major_version`, if it is an integer or a string of digits.
    pub major_version: Option<u64>,
    /// `webhook_minor_version`, if it is an integer or a string of digits.
    pub minor_version: Option<u64>,
    /// `link_id`: the link that the event describes.
    pub link_id: Option<String>,
    /// The fields of the body for which `Event` has no member, and fields whose values have an
    /// unexpected type.
    pub fields: Map<String, Value>,
}

impl Event {
    /// Creates an event for tests of a handler. Only the kind is set.
    ///
    /// ```
    /// use fintech_auth::moneykit::webhook::{Event, EventKind};
    ///
    /// let mut event = Event::new(EventKind::LinkStateChanged);
    /// event.idempotency_key = Some("test-key".into());
    /// event.fields.insert("state".into(), "connected".into());
    /// ```
    pub fn new(kind: EventKind) -> Self {
        Self {
            kind,
            idempotency_key: None,
            timestamp: None,
            major_version: None,
            minor_version: None,
            link_id: None,
            fields: Map::new(),
        }
    }

    /// Parses the body of a verified webhook: a JSON object with a `webhook_event`.
    ///
    /// # Errors
    ///
    /// Fails with [`MalformedBody`](crate::webhook::VerifyErrorKind::MalformedBody) if the body is
    /// not a JSON object with a string `webhook_event`. Such a webhook is still authentic: respond
    /// with 2xx, because otherwise the vendor keeps sending the webhook.
    pub fn read(body: &[u8]) -> Result<Self, VerifyError> {
        let malformed = || VerifyError::from(Reason::MalformedBody);
        let mut fields: Map<String, Value> = serde_json::from_slice(body).map_err(|_| malformed())?;
        let Some(Value::String(name)) = fields.remove("webhook_event") else { return Err(malformed()) };
        Ok(Self {
            kind: name.into(),
            idempotency_key: take(&mut fields, "webhook_idempotency_key", text),
            timestamp: take(&mut fields, "webhook_timestamp", |time| Timestamp::deserialize(time).ok()),
            major_version: take(&mut fields, "webhook_major_version", number),
            minor_version: take(&mut fields, "webhook_minor_version", number),
            link_id: take(&mut fields, "link_id", text),
            fields,
        })
    }
}

fn take<T>(fields: &mut Map<String, Value>, name: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
    let value = read(fields.get(name)?)?;
    fields.remove(name);
    Some(value)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

impl<B: AsRef<[u8]>> Verified<B> {
    /// Parses the body as a MoneyKit event. See [`Event::read`].
    ///
    /// # Errors
    ///
    /// Fails with the same errors as [`Event::read`].
    pub fn event(&self) -> Result<Event, VerifyError> {
        Event::read(self.body().as_ref())
    }
}

/// Shows only the names in `fields`, because the values may describe people and their accounts.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("kind", &self.kind)
            .field("idempotency_key", &self.idempotency_key)
            .field("timestamp", &self.timestamp)
            .field("major_version", &self.major_version)
            .field("minor_version", &self.minor_version)
            .field("link_id", &self.link_id)
            .field("fields", &self.fields.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// The delivery token and the attempt number, from headers that are **not signed**. Use these
/// values only for logs.
///
/// ```
/// use fintech_auth::moneykit::webhook::UnsignedDelivery;
///
/// let headers = [("MoneyKit-Delivery-Token", "d-1"), ("MoneyKit-Delivery-Attempt", "2")];
/// let delivery = UnsignedDelivery::read(headers.as_slice());
/// assert_eq!((delivery.token.as_deref(), delivery.attempt), (Some("d-1"), Some(2)));
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct UnsignedDelivery {
    /// `MoneyKit-Delivery-Token`, if the header occurs once and its value is visible ASCII of at
    /// most 256 bytes.
    pub token: Option<String>,
    /// `MoneyKit-Delivery-Attempt`, if the header occurs once and its value is a number.
    pub attempt: Option<u32>,
}

impl UnsignedDelivery {
    /// Reads the headers. Missing or invalid headers become `None`.
    pub fn read<'h>(headers: impl Headers<'h>) -> Self {
        let token = one(&headers, "moneykit-delivery-token", 256).ok().map(str::to_owned);
        let attempt = one(&headers, "moneykit-delivery-attempt", 10).ok();
        Self { token, attempt: attempt.and_then(|attempt| attempt.parse().ok()) }
    }
}
