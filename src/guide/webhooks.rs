//! Webhooks: what to verify, what to answer, and what nobody signed.
//!
//! | | MoneyKit | Moov |
//! | --- | --- | --- |
//! | signed | the whole body | three headers, **not the body** |
//! | you get | an [`Event`](crate::moneykit::webhook::Event) that you may act upon | a hint: fetch the object by its id, then act |
//! | a replay | is the same idempotency key: act once on each | is refused by its nonce |
//! | needs | no secret: [`for_webhooks`](crate::moneykit::ClientBuilder::for_webhooks) fetches public keys | the webhook's signing secret, from the dashboard |
//!
//! The [module `webhook`](crate::webhook#security) has the limits, and why each is what it is.
//!
//! # The raw body
//!
//! Verify the bytes as they came, before anything parses them: JSON that was read and written again is another text, and
//! its signature is wrong. Turn off whatever in your framework decodes bodies on the way.
//!
//! # With axum
//!
//! The extractors of [`axum`] read the raw body within its limit, verify, and answer with the right status themselves;
//! your handler runs for genuine webhooks alone. `examples/webhook_server.rs` is a server to copy.
//!
//! # With anything else
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::{collections::HashSet, sync::Mutex};
//!
//! use fintech_auth::{
//!     moneykit::{ClientBuilder, webhook::{EventKind, Webhooks}},
//!     sandbox::Sandbox,
//! };
//! use http::{HeaderMap, StatusCode};
//!
//! /// The keys of events that were dealt with: in earnest, a unique column in your database.
//! type Done = Mutex<HashSet<String>>;
//!
//! async fn handle(
//!     webhooks: &Webhooks,
//!     done: &Done,
//!     headers: &HeaderMap,
//!     body: &[u8],
//! ) -> StatusCode {
//!     let event = match webhooks.verify(headers, body).await {
//!         Ok(event) => event,
//!         Err(refused) => {
//!             println!("{refused}"); // for your log: no part of what came is in it
//!             return refused.status(); // for the sender: the status alone
//!         }
//!     };
//!     // The vendor sends again what it got no answer for. Write the key down in the same
//!     // transaction as the work that is to be done.
//!     if let Some(key) = &event.idempotency_key
//!         && !done.lock().unwrap().insert(key.clone())
//!     {
//!         return StatusCode::OK;
//!     }
//!     match &event.kind {
//!         EventKind::LinkStateChanged => println!("queue {:?}", event.fields.get("link_id")),
//!         other => println!("not known yet, and no reason to refuse it: {}", other.as_str()),
//!     }
//!     StatusCode::OK // soon: queue the work, do not do it here
//! }
//!
//! let sandbox = Sandbox::start().await?;
//! // Yours is without the base URL. Make it once: it keeps the keys.
//! let webhooks = ClientBuilder::for_webhooks(None).with_base_url(sandbox.url()).build()?.webhooks();
//! let done = Done::default();
//!
//! let event = r#"{"webhook_event": "link.state_changed", "webhook_idempotency_key": "k-1"}"#;
//! let sent = sandbox.moneykit_webhook(event).sign()?;
//! assert_eq!(handle(&webhooks, &done, &sent.headers, &sent.body).await, 200);
//! assert_eq!(handle(&webhooks, &done, &sent.headers, b"{}").await, 401); // another body
//! # Ok(())
//! # }
//! ```
//!
//! # Moov: refetch
//!
//! Who sees one delivery can send its headers with a body of his own. So what comes out is an
//! [`UnsignedBody`](crate::webhook::UnsignedBody), and the body is read by methods that say so.
//!
//! The id in it is a stranger's text until it is read as what it should be: joined to a URL as it came, `../` or `?` in it
//! would have you ask for something else, with your token. And it may be the id of somebody else's object. So ask below an
//! account that you know from your own records, not from the body, and see that what comes back is of that account.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fintech_auth::{moov::webhook::Webhooks, sandbox::Sandbox, webhook::VerifyErrorKind};
//! use uuid::Uuid;
//!
//! /// The id of a transfer, if it is one: whatever else stands there is refused.
//! fn transfer(hint: &serde_json::Value) -> Option<Uuid> {
//!     hint["data"]["transferID"].as_str()?.parse().ok()
//! }
//!
//! let sandbox = Sandbox::start().await?;
//! // Yours is from the dashboard; give two while you rotate it.
//! let webhooks = Webhooks::new([sandbox.moov_webhook_secret()])?;
//!
//! let id = "ec7e1848-dc80-4ab0-8827-dd7fc0737b43";
//! let event = format!(r#"{{"type": "transfer.updated", "data": {{"transferID": "{id}"}}}}"#);
//! let sent = sandbox.moov_webhook(event).sign()?;
//! let webhook = webhooks.verify(&sent.headers, &sent.body).await?;
//! let transfer_id = transfer(&webhook.unsigned_json()?).ok_or("not the id of a transfer")?;
//! // Now fetch this transfer over Moov's API, and act on what that says.
//! let account = Uuid::from_u128(1); // the merchant's, from your own records
//! let path = format!("/accounts/{account}/transfers/{transfer_id}");
//! assert!(path.ends_with(&format!("/transfers/{id}")));
//!
//! // It could not be dealt with: let the vendor's next attempt pass, and answer 500.
//! webhooks.release(&webhook).await?;
//! assert!(webhooks.verify(&sent.headers, &sent.body).await.is_ok());
//! // It was dealt with: whoever sends it again is refused. 409, or answer 200 if you like.
//! let replayed = webhooks.verify(&sent.headers, &sent.body).await.unwrap_err();
//! assert_eq!((replayed.kind(), replayed.status().as_u16()), (VerifyErrorKind::Replayed, 409));
//!
//! // Under genuine headers, what somebody else wrote.
//! let forged = sandbox.moov_webhook("{}").sign()?;
//! let forged = forged.with_body(r#"{"data": {"transferID": "../../accounts?"}}"#);
//! let webhook = webhooks.verify(&forged.headers, &forged.body).await?;
//! assert_eq!(transfer(&webhook.unsigned_json()?), None);
//! # Ok(())
//! # }
//! ```
//!
//! Behind a load balancer each process remembers its own nonces. To refuse a replay everywhere, keep them where all can
//! see them: [`NonceStore`](crate::webhook::NonceStore) is a trait of two methods.
//!
//! # What to answer
//!
//! [`VerifyError::status`](crate::webhook::VerifyError::status), and nothing in the body.
//!
//! | status | means | the vendor |
//! | --- | --- | --- |
//! | 200 | taken | is done |
//! | 400, 413 | not readable, too large | sends it again in vain: look at the reason in your log |
//! | 401 | not authentic, or not of now | the same; a stranger learns nothing |
//! | 409 | it came before | may as well be told 200 |
//! | 503 | nothing could be decided: no keys, no nonces | sends it again, and it should |
//!
//! [Troubleshooting](super::troubleshooting#webhooks) goes through every reason.
//!
//! # Sources
//!
//! MoneyKit: its documentation of webhooks; [RFC 7515](https://www.rfc-editor.org/rfc/rfc7515) (JWS),
//! [RFC 7518](https://www.rfc-editor.org/rfc/rfc7518) (ES256). Moov: its documentation of webhooks and its sample handler.
//!
#![doc = links!()]
