//! Receive webhooks so that none is lost and none is forged. At the end of this page you have a handler for
//! each vendor, with or without axum.
//!
//! | | MoneyKit | Moov |
//! | --- | --- | --- |
//! | signed | the whole body | three headers, **not the body** |
//! | result | signed bytes, and an [`Event`](crate::moneykit::webhook::Event) read from them | a hint: fetch the object by its id, then act |
//! | a retry is known by | its idempotency key, or its body | its nonce |
//! | needs | no secret: [`for_webhooks`](crate::moneykit::ClientBuilder::for_webhooks) fetches public keys | the webhook's signing secret, from the dashboard |
//!
//! The [module `webhook`](crate::webhook#security) lists the limits and what is not verified.
//!
//! # The raw body
//!
//! Verify the bytes as they arrived, before anything parses them: JSON that was read and written again is another
//! text, and its signature is wrong. Turn off whatever in your framework decodes bodies on the way.
//!
//! # With axum
//!
//! The layer in the module [`axum`] verifies and deduplicates in front of your handler. A 2xx response
//! completes the delivery; any other response, a panic or a crash leads to the vendor's retry.
//!
//! # With any other framework
//!
//! `receive` takes the headers of any framework ([`Headers`](crate::webhook::Headers)), and
//! [`WebhookResponse`](crate::webhook::WebhookResponse) has the status and the `Retry-After` of a webhook that is not
//! to be handled. `examples/webhook_frameworks` has complete handlers for actix-web and AWS Lambda.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fintech_auth::{
//!     moneykit::{ClientBuilder, webhook::WebhookVerifier},
//!     emulator::Emulator,
//!     webhook::WebhookResponse,
//! };
//! use http::HeaderMap;
//!
//! async fn handle(webhooks: &WebhookVerifier, headers: &HeaderMap, body: &[u8]) -> Result<(), WebhookResponse> {
//!     let (webhook, delivery) = webhooks.receive(headers, body).await?.into_new()?;
//!     match webhook.event() {
//!         Ok(event) => println!("queue {}", event.kind.as_str()),
//!         Err(_) => println!("authentic, but not an event we know"),
//!     }
//!     // Handled: a retry is a duplicate from now on. On an early return the delivery is abandoned.
//!     let _ = delivery.complete().await; // a failure is logged
//!     Ok(())
//! }
//!
//! let emulator = Emulator::start().await?;
//! // Yours is without the base URL. Make it once: it keeps the keys and the deliveries.
//! let webhooks = ClientBuilder::for_webhooks(None).with_base_url(emulator.url()).build()?.webhooks();
//!
//! let event = r#"{"webhook_event": "link.state_changed", "webhook_idempotency_key": "k-1"}"#;
//! let sent = emulator.moneykit_webhook(event).sign()?;
//! handle(&webhooks, &sent.headers, &sent.body).await.expect("it is handled");
//! // A duplicate is not handled again, and another body is refused.
//! assert_eq!(handle(&webhooks, &sent.headers, &sent.body).await.unwrap_err().status(), 200);
//! assert_eq!(handle(&webhooks, &sent.headers, b"{}").await.unwrap_err().status(), 401);
//! # Ok(())
//! # }
//! ```
//!
//! # Moov: fetch the object
//!
//! Anyone who captures one delivery can reuse its headers with a different body. So the verifier returns an
//! [`UnsignedBody`](crate::webhook::UnsignedBody), whose methods say so.
//!
//! The ids in it are untrusted text: joined to a URL as they are, `../` or `?` in them would make you request
//! something else, with your token. They may also be of somebody else's objects. So
//! [`refetch_url`](crate::moov::webhook::UnsignedEvent::refetch_url) takes only UUIDs, below an account that you know
//! from your own records.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fintech_auth::{moov::webhook::WebhookVerifier, emulator::Emulator, webhook::Received};
//! use uuid::Uuid;
//!
//! let emulator = Emulator::start().await?;
//! // Yours is from the dashboard; give two during a rotation.
//! let webhooks = WebhookVerifier::new([emulator.moov_webhook_secret()])?;
//!
//! let id = "ec7e1848-dc80-4ab0-8827-dd7fc0737b43";
//! let event = format!(r#"{{"type": "transfer.updated", "data": {{"transferID": "{id}"}}}}"#);
//! let sent = emulator.moov_webhook(event).sign()?;
//! let Received::New(webhook, delivery) = webhooks.receive(&sent.headers, &sent.body).await? else {
//!     panic!("it was not sent before");
//! };
//! let account = Uuid::from_u128(1); // the merchant's, from your own records
//! let url = webhook.unsigned_event()?.refetch_url("https://api.moov.io", account);
//! // Now fetch this transfer with your token, and act on the result.
//! assert_eq!(url, Some(format!("https://api.moov.io/accounts/{account}/transfers/{id}")));
//!
//! // It could not be handled: the vendor's retry is new again. Response 500.
//! delivery.abandon().await?;
//! assert!(matches!(webhooks.receive(&sent.headers, &sent.body).await?, Received::New(..)));
//!
//! // Genuine headers with a forged body.
//! let forged = emulator.moov_webhook("{}").sign()?;
//! let forged = forged.with_body(r#"{"type": "transfer.updated", "data": {"transferID": "../../accounts?"}}"#);
//! let webhook = webhooks.verify(&forged.headers, &forged.body)?;
//! assert_eq!(webhook.unsigned_event()?.refetch_url("https://api.moov.io", account), None);
//! # Ok(())
//! # }
//! ```
//!
//! # Several processes
//!
//! The default store is in memory, so behind a load balancer each process handles a retry once, and a restart
//! forgets. Share a store: [`DeliveryStore`](crate::webhook::DeliveryStore) is a trait of four methods. Set it
//! with [`WebhookVerifier::with_deliveries`](crate::moov::webhook::WebhookVerifier::with_deliveries) and
//! [`ClientBuilder::with_deliveries`](crate::moneykit::ClientBuilder::with_deliveries).
//!
//! When the store fails, the delivery is refused with 503 and the vendor sends it again: MoneyKit for two hours,
//! Moov for a day.
//!
//! # Responses
//!
//! [`WebhookResponse`](crate::webhook::WebhookResponse), without a body. It logs why a webhook is refused.
//!
//! | status | meaning | the vendor |
//! | --- | --- | --- |
//! | 200 | handled, now or before | is done |
//! | 400, 413 | unreadable, too large | sends it again in vain: look at the reason in your log |
//! | 401 | not authentic, or not recent | the same; an attacker learns nothing |
//! | 503 | undecided: no keys, no delivery store, or another attempt is running | sends it again, as it should |
//!
//! [Troubleshooting](super::troubleshooting#webhooks) explains each reason.
//!
//! # Trying a handler
//!
//! `fintech-auth moov trigger` and `fintech-auth moneykit trigger` send signed webhooks to your handler, in any
//! language, and retry them as the vendors do. The emulator prints what both sides need:
//!
//! ```text
//! fintech-auth emulator          # export what it prints, here and for your handler
//!
//! fintech-auth moov trigger transfer.updated --to http://127.0.0.1:3000/webhooks/moov --within 10s
//! fintech-auth moov trigger transfer.updated --to http://127.0.0.1:3000/webhooks/moov --replay
//! fintech-auth moneykit trigger link.state_changed --to http://127.0.0.1:3000/webhooks/moneykit --tamper
//! ```
//!
//! `--tamper`, `--old` and `--replay` fail if the handler accepts what it must refuse. In a test,
//! `emulator::WebhookSender` does the same.
//!
//! # Sources
//!
//! MoneyKit: its documentation of webhooks; [RFC 7515](https://www.rfc-editor.org/rfc/rfc7515) (JWS),
//! [RFC 7518](https://www.rfc-editor.org/rfc/rfc7518) (ES256). Moov: its documentation of webhooks and its sample
//! handler.
//!
#![doc = links!()]
