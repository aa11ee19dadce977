//! Observe it: metrics and traces of tokens, calls and webhooks.
//!
//! At the end of this page your service counts its tokens and webhooks, knows what to alert on, and sends the spans of the
//! calls to OpenTelemetry.
//!
//! # Metrics
//!
//! Two observers call a function of yours with each event. It runs in the task that does the work, so it must return at
//! once. If it panics, nothing is lost and a warning is logged.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use fintech_auth::emulator::Emulator;
//! use fintech_auth::{moov::webhook::WebhookVerifier, token::TokenEvent, webhook::{Deliveries, WebhookEvent}};
//! # mod metrics {
//! #     pub fn count(_: &'static str, _: &'static str) {}
//! #     pub fn seconds(_: &'static str, _: f64) {}
//! # }
//!
//! fn tokens(event: &TokenEvent<'_>) {
//!     match event {
//!         TokenEvent::Obtained { latency, rule, .. } => {
//!             metrics::count("tokens_obtained_total", rule.as_str());
//!             metrics::seconds("token_latency_seconds", latency.as_secs_f64());
//!         }
//!         TokenEvent::Failed { error, .. } => metrics::count("token_failures_total", error.kind().as_str()),
//!         TokenEvent::CoolDown { .. } => metrics::count("token_cool_downs_total", ""),
//!         _ => {}
//!     }
//! }
//!
//! fn webhooks(event: &WebhookEvent<'_>) {
//!     match event {
//!         WebhookEvent::Accepted { .. } => metrics::count("webhooks_accepted_total", ""),
//!         WebhookEvent::Rejected { error, .. } => metrics::count("webhooks_rejected_total", error.reason()),
//!         WebhookEvent::Abandoned { .. } => metrics::count("webhooks_abandoned_total", ""),
//!         _ => {}
//!     }
//! }
//!
//! # let emulator = Emulator::start().await?;
//! # let (builder, secret) = (emulator.moov(), emulator.moov_webhook_secret());
//! let client = builder.with_tokens(|options| options.with_observer(tokens)).build()?;
//! let verifier = WebhookVerifier::new([secret])?.with_deliveries(Deliveries::default().with_observer(webhooks));
//! # Ok(())
//! # }
//! ```
//!
//! With the crate `metrics`, `metrics::counter!("token_failures_total", "kind" => error.kind().as_str()).increment(1)`
//! takes the place of `metrics::count`. The folder `examples/prometheus` in the repository is a small service that
//! exports all of them to Prometheus.
//!
//! | event | when | labels |
//! | --- | --- | --- |
//! | [`TokenEvent::Obtained`](crate::token::TokenEvent::Obtained) | a token was issued, or taken from the store | [`ExpiryRule::as_str`](crate::token::ExpiryRule::as_str) |
//! | [`TokenEvent::Failed`](crate::token::TokenEvent::Failed) | a refresh failed after its retries | [`ErrorKind::as_str`](crate::ErrorKind::as_str) |
//! | [`TokenEvent::CoolDown`](crate::token::TokenEvent::CoolDown) | the vendor asked to wait | |
//! | [`TokenEvent::Invalidated`](crate::token::TokenEvent::Invalidated) | a token was invalidated or revoked here | |
//! | [`TokenEvent::StoreDown`](crate::token::TokenEvent::StoreDown), `StoreUp` | the token store failed, responds again | |
//! | [`WebhookEvent::Accepted`](crate::webhook::WebhookEvent::Accepted), `Duplicate`, `InProgress` | a webhook is authentic | |
//! | [`WebhookEvent::Rejected`](crate::webhook::WebhookEvent::Rejected) | a webhook was refused, or the delivery store failed | [`VerifyError::reason`](crate::webhook::VerifyError::reason) |
//! | [`WebhookEvent::Completed`](crate::webhook::WebhookEvent::Completed), `CompleteFailed`, `Abandoned` | a handler ended | |
//!
//! All labels have a fixed set of values: no stranger and no vendor can add one. Scopes are not for labels, because
//! there is a scope set for each merchant. [`Client::stats`](crate::moov::Client::stats) has totals of the token cache
//! for a gauge that is read now and then, such as hits and misses.
//!
//! # What to alert on
//!
//! | alert | likely cause |
//! | --- | --- |
//! | `token_failures_total{kind="unauthorized"}` grows | wrong or rotated credentials |
//! | `token_failures_total{kind="unavailable"}` or `"timeout"` for minutes | the vendor, or the network to it |
//! | `StoreDown` without `StoreUp` for minutes | Redis: tokens are requested by each process on its own |
//! | `webhooks_rejected_total{reason="signature_invalid"}` grows | wrong signing secret, or an attack |
//! | `webhooks_rejected_total{reason="delivery_store_unavailable"}` grows | Redis: the vendor retries for hours, then events are lost |
//! | `CompleteFailed` | a handled event may be handled again |
//!
//! [Troubleshooting](super::troubleshooting) says what to do about each.
//!
//! # Traces
//!
//! Each call is a span of level `DEBUG` with the names of OpenTelemetry's conventions for HTTP clients, so
//! `tracing-opentelemetry` exports it as it is. Names of our own start with `fintech_auth.`. A disabled span costs a
//! comparison.
//!
//! | field | value |
//! | --- | --- |
//! | `otel.name`, `otel.kind` | such as `POST /oauth2/token`; `client` |
//! | `http.request.method`, `url.full`, `server.address`, `server.port` | of the request; its URL holds no secret |
//! | `http.response.status_code` | if a response came |
//! | `error.type`, `otel.status_code` | of a failed call: its status, or else its [kind](crate::ErrorKind::as_str); `ERROR` |
//! | `fintech_auth.vendor`, `fintech_auth.operation`, `fintech_auth.request_id` | the vendor, its operation and its id of the request |
//!
//! A refresh is a span `refresh` with `fintech_auth.scopes` around its calls; retries are calls of their own in it.
//! Events of level `WARN` need attention, such as `token store circuit opened: requesting tokens without the store`.
//! No span and no event holds a token, a secret or a body.
