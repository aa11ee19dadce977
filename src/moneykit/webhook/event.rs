//! What a MoneyKit webhook tells. Events and fields that are not documented are kept.

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
    /// `webhook_event`
    pub kind: EventKind,
    /// `webhook_idempotency_key`: the same in each retry of an event. Act once on each.
    pub idempotency_key: Option<String>,
    /// `webhook_timestamp`: the same in each retry of an event.
    pub timestamp: Option<Timestamp>,
    /// `webhook_major_version`, where it is a whole number or the digits of one.
    pub major_version: Option<u64>,
    /// `webhook_minor_version`, likewise.
    pub minor_version: Option<u64>,
    /// `link_id`: the link that the event is about.
    pub link_id: Option<String>,
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

    /// Reads an event from the body of a verified webhook: a JSON object with a `webhook_event`.
    ///
    /// # Errors
    ///
    /// [`MalformedBody`](crate::webhook::VerifyErrorKind::MalformedBody) for any other body. The webhook is authentic all the
    /// same: respond with 2xx and look at the bytes, or the vendor sends it again in vain.
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

/// Removes a field, unless it is not of its usual type.
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
            .field("timestamp", &self.timestamp)
            .field("major_version", &self.major_version)
            .field("minor_version", &self.minor_version)
            .field("link_id", &self.link_id)
            .field("fields", &self.fields.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// What MoneyKit says of a delivery in headers that are **not signed**: for logs.
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
    /// `MoneyKit-Delivery-Token`, if it comes once, is visible ASCII and has at most 256 bytes.
    pub token: Option<String>,
    /// `MoneyKit-Delivery-Attempt`, if it comes once and is a number.
    pub attempt: Option<u32>,
}

impl UnsignedDelivery {
    /// Reads the headers. What cannot be read is `None`.
    pub fn read<'h>(headers: impl Headers<'h>) -> Self {
        let token = one(&headers, "moneykit-delivery-token", 256).ok().map(str::to_owned);
        let attempt = one(&headers, "moneykit-delivery-attempt", 10).ok();
        Self { token, attempt: attempt.and_then(|attempt| attempt.parse().ok()) }
    }
}
