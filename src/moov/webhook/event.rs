//! Parses the unsigned body of a Moov webhook, and builds the URL of the object that the event
//! describes.

use std::fmt;

use serde::Deserialize as _;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    Timestamp,
    webhook::{Reason, UnsignedBody, VerifyError, event_kinds},
};

/// The maximum length of an event name, in bytes. The limit is low, because names are logged.
const KIND_LIMIT: usize = 128;

event_kinds! {
    AccountCreated "account.created",
    AccountDisconnected "account.disconnected",
    AccountUpdated "account.updated",
    BalanceUpdated "balance.updated",
    BankAccountCreated "bankAccount.created",
    BankAccountDeleted "bankAccount.deleted",
    BankAccountUpdated "bankAccount.updated",
    BillingStatementCreated "billingStatement.created",
    CancellationCreated "cancellation.created",
    CancellationUpdated "cancellation.updated",
    CapabilityRequested "capability.requested",
    CapabilityUpdated "capability.updated",
    CardAutoUpdated "card.autoUpdated",
    DisputeCreated "dispute.created",
    DisputeUpdated "dispute.updated",
    InvoiceCreated "invoice.created",
    InvoiceUpdated "invoice.updated",
    NetworkIdUpdated "networkID.updated",
    PaymentMethodDisabled "paymentMethod.disabled",
    PaymentMethodEnabled "paymentMethod.enabled",
    RefundCreated "refund.created",
    RefundUpdated "refund.updated",
    RepresentativeCreated "representative.created",
    RepresentativeDeleted "representative.deleted",
    RepresentativeUpdated "representative.updated",
    SweepCreated "sweep.created",
    SweepUpdated "sweep.updated",
    TerminalApplicationCreated "terminalApplication.created",
    TerminalApplicationUpdated "terminalApplication.updated",
    TestPing "event.test",
    TicketCreated "ticket.created",
    TicketMessageAdded "ticket.messageAdded",
    TicketUpdated "ticket.updated",
    TransferCreated "transfer.created",
    TransferUpdated "transfer.updated",
    WalletCreated "wallet.created",
    WalletTransactionUpdated "walletTransaction.updated",
    WalletUpdated "wallet.updated",
}

/// A Moov event. **Moov does not sign events.**
///
/// # Security
///
/// Treat the whole event, including its kind, as a hint. Fetch the object from
/// [`UnsignedEvent::refetch_url`], and use only the fetched object.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct UnsignedEvent {
    /// `type`: the kind of the event.
    pub kind: EventKind,
    /// `eventID`. `None` if the value is missing or is not a UUID.
    pub event_id: Option<Uuid>,
    /// `createdOn`: the time at which the event was created.
    pub created_on: Option<Timestamp>,
    /// `data`: the details of the event. Empty if the body contains no object `data`.
    pub data: Map<String, Value>,
}

impl UnsignedEvent {
    /// Parses the body of a webhook: a JSON object with a `type`.
    ///
    /// # Errors
    ///
    /// Fails with [`MalformedBody`](crate::webhook::VerifyErrorKind::MalformedBody) if the body is
    /// not a JSON object with a `type`, or if the `type` is not visible ASCII of at most 128 bytes.
    /// Respond with 2xx even then, because otherwise Moov keeps sending the webhook.
    pub fn read(body: &[u8]) -> Result<Self, VerifyError> {
        let malformed = || VerifyError::from(Reason::MalformedBody);
        let mut fields: Map<String, Value> = serde_json::from_slice(body).map_err(|_| malformed())?;
        let Some(Value::String(kind)) = fields.remove("type") else { return Err(malformed()) };
        if kind.len() > KIND_LIMIT || !kind.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(malformed());
        }
        let data = match fields.remove("data") {
            Some(Value::Object(data)) => data,
            _ => Map::new(),
        };
        Ok(Self {
            kind: kind.into(),
            event_id: fields.get("eventID").and_then(uuid),
            created_on: fields.get("createdOn").and_then(|time| Timestamp::deserialize(time).ok()),
            data,
        })
    }

    /// Returns an id from `data`, such as `transferID`. Returns `None` if the value is not a UUID,
    /// because such a value may be unsafe in a URL.
    pub fn id(&self, name: &str) -> Option<Uuid> {
        self.data.get(name).and_then(uuid)
    }

    /// Returns the URL of the object that the event describes. The URL contains `account_id`.
    ///
    /// Returns `None` if an id of the object is missing, or if this crate knows no URL for this
    /// kind of event.
    ///
    /// ```
    /// use fintech_auth::moov::webhook::UnsignedEvent;
    /// use uuid::Uuid;
    ///
    /// let account_id = Uuid::from_u128(1); // from your own records
    /// let event = br#"{
    ///     "type": "transfer.updated",
    ///     "data": {"transferID": "ec7e1848-dc80-4ab0-8827-dd7fc0737b43"}
    /// }"#;
    /// assert_eq!(
    ///     UnsignedEvent::read(event)?.refetch_url("https://api.moov.io", account_id).as_deref(),
    ///     Some("https://api.moov.io/accounts/00000000-0000-0000-0000-000000000001\
    ///           /transfers/ec7e1848-dc80-4ab0-8827-dd7fc0737b43"),
    /// );
    /// # Ok::<(), fintech_auth::webhook::VerifyError>(())
    /// ```
    ///
    /// # Security
    ///
    /// Take the account id from your own records, because `accountID` in the event may be forged.
    /// The ids from the event are UUIDs, so a forged event cannot change the rest of the path.
    /// However, a forged id can refer to a different object of the same account, so check that the
    /// fetched object is the one that you expect.
    pub fn refetch_url(&self, base_url: &str, account_id: Uuid) -> Option<String> {
        let path: &[(&str, &str)] = match self.kind.as_str().split('.').next()? {
            "account" => &[],
            "balance" | "wallet" => &[("wallets", "walletID")],
            "bankAccount" => &[("bank-accounts", "bankAccountID")],
            "cancellation" => &[("transfers", "transferID"), ("cancellations", "cancellationID")],
            "card" => &[("cards", "cardID")],
            "dispute" => &[("disputes", "disputeID")],
            "paymentMethod" => &[("payment-methods", "paymentMethodID")],
            "refund" => &[("transfers", "transferID"), ("refunds", "refundID")],
            "representative" => &[("representatives", "representativeID")],
            "sweep" => &[("wallets", "walletID"), ("sweeps", "sweepID")],
            "ticket" => &[("tickets", "ticketID")],
            "transfer" => &[("transfers", "transferID")],
            "walletTransaction" => &[("wallets", "walletID"), ("transactions", "transactionID")],
            _ => return None,
        };
        let mut url = format!("{}/accounts/{account_id}", base_url.trim_end_matches('/'));
        for (collection, name) in path {
            url += &format!("/{collection}/{}", self.id(name)?);
        }
        Some(url)
    }
}

impl<B: AsRef<[u8]>> UnsignedBody<B> {
    /// Parses the body as a Moov event. Moov does **not** sign the body. See
    /// [`UnsignedEvent::read`].
    ///
    /// # Errors
    ///
    /// Fails with the same errors as [`UnsignedEvent::read`].
    pub fn unsigned_event(&self) -> Result<UnsignedEvent, VerifyError> {
        UnsignedEvent::read(self.unsigned_body().as_ref())
    }
}

fn uuid(value: &Value) -> Option<Uuid> {
    value.as_str()?.parse().ok()
}

/// Hides `data`, because `data` may describe people and their accounts and may be large.
impl fmt::Debug for UnsignedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsignedEvent")
            .field("kind", &self.kind)
            .field("event_id", &self.event_id)
            .field("created_on", &self.created_on)
            .field("data", &format_args!("{} members", self.data.len()))
            .finish()
    }
}
