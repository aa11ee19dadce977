//! Observe it: metrics and traces of tokens, calls and webhooks.
//!
//! At the end of this page your service counts its tokens and webhooks, knows what to alert on, and sends the spans of the
//! calls to OpenTelemetry.
//!
//! # Metrics
//!
//! Two observers call a function of yours with each event: one of a client's tokens, one of a verifier's webhooks. It
//! runs in the task that does the work, so it must return at once. If it panics, nothing is lost, and
//! `observer panicked` is logged. An event does not name the vendor: each client and each verifier has a function of
//! its own, which knows.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use fintech_auth::emulator::Emulator;
//! use fintech_auth::{moov::webhook::WebhookVerifier, token::TokenEvent, webhook::{Deliveries, WebhookEvent}};
//! # mod metrics {
//! #     pub fn count(_: &'static str, _: [&'static str; 2]) {}
//! #     pub fn seconds(_: &'static str, _: &'static str, _: f64) {}
//! # }
//!
//! fn tokens(vendor: &'static str) -> impl Fn(&TokenEvent<'_>) + Send + Sync {
//!     move |event| match event {
//!         TokenEvent::Obtained { latency, rule, .. } => {
//!             metrics::count("tokens_obtained_total", [vendor, rule.as_str()]);
//!             metrics::seconds("token_latency_seconds", vendor, latency.as_secs_f64());
//!         }
//!         TokenEvent::Failed { error, .. } => {
//!             metrics::count("token_failures_total", [vendor, error.kind().as_str()]);
//!         }
//!         _ => {}
//!     }
//! }
//!
//! fn webhooks(vendor: &'static str) -> impl Fn(&WebhookEvent<'_>) + Send + Sync {
//!     move |event| match event {
//!         WebhookEvent::Accepted { .. } => metrics::count("webhooks_total", [vendor, "accepted"]),
//!         WebhookEvent::Abandoned { .. } => metrics::count("webhooks_total", [vendor, "abandoned"]),
//!         WebhookEvent::Rejected { error, .. } => {
//!             metrics::count("webhooks_rejected_total", [vendor, error.reason()]);
//!         }
//!         _ => {}
//!     }
//! }
//!
//! # let emulator = Emulator::start().await?;
//! # let (builder, secret) = (emulator.moov(), emulator.moov_webhook_secret());
//! let client = builder.with_tokens(|options| options.with_observer(tokens("moov"))).build()?;
//! let deliveries = Deliveries::default().with_observer(webhooks("moov"));
//! let verifier = WebhookVerifier::new([secret])?.with_deliveries(deliveries);
//! # Ok(())
//! # }
//! ```
//!
//! With the crate `metrics`, `counter!("token_failures_total", "vendor" => vendor, "kind" => error.kind().as_str())`
//! takes the place of `metrics::count`. `examples/prometheus` in the repository does that for every event, and its test
//! reads what Prometheus would.
//!
//! | event | when | labels |
//! | --- | --- | --- |
//! | [`TokenEvent::Obtained`](crate::token::TokenEvent::Obtained) | a token was issued, or taken from the store | [`ExpiryRule::as_str`](crate::token::ExpiryRule::as_str) |
//! | [`TokenEvent::Failed`](crate::token::TokenEvent::Failed) | a refresh failed after its retries | [`ErrorKind::as_str`](crate::ErrorKind::as_str) |
//! | [`TokenEvent::CoolDown`](crate::token::TokenEvent::CoolDown) | the vendor asked to wait | |
//! | [`TokenEvent::Invalidated`](crate::token::TokenEvent::Invalidated) | a token was invalidated or revoked here | |
//! | [`TokenEvent::StoreDown`](crate::token::TokenEvent::StoreDown), `StoreUp` | the token store failed, responds again | |
//! | [`WebhookEvent::Accepted`](crate::webhook::WebhookEvent::Accepted), `Duplicate`, `InProgress` | a webhook is authentic | |
//! | [`WebhookEvent::Rejected`](crate::webhook::WebhookEvent::Rejected) | a webhook was refused | [`VerifyError::reason`](crate::webhook::VerifyError::reason) |
//! | [`WebhookEvent::StoreFailed`](crate::webhook::WebhookEvent::StoreFailed) | the delivery store failed before the handler | |
//! | [`WebhookEvent::Completed`](crate::webhook::WebhookEvent::Completed), `CompleteFailed`, `Abandoned` | a handler ended | |
//!
//! All labels have a fixed set of values: no stranger and no vendor can add one. Scopes are not for labels, because
//! there is a scope set for each merchant. [`Client::stats`](crate::moov::Client::stats) has totals of the token cache
//! for a gauge that is read now and then, such as hits and misses.
//!
//! # What to alert on
//!
//! The names are those of `examples/prometheus`.
//!
//! | alert | likely cause |
//! | --- | --- |
//! | `token_failures_total{kind="unauthorized"}` grows | wrong or rotated credentials |
//! | `token_failures_total{kind="unavailable"}` or `kind="timeout"` grows for minutes | the vendor, or the network to it |
//! | `token_cool_downs_total` grows for hours | more processes than the rate limit allows: share tokens ([a fleet](super::fleet)) |
//! | `token_store_up` is 0 for minutes | Redis: each process requests its own tokens |
//! | `webhooks_rejected_total{reason="signature_invalid"}` grows | wrong signing secret, or an attack |
//! | `webhooks_rejected_total{reason="keys_unavailable"}` grows | the network to MoneyKit: it sends again for 2 h, then events are lost |
//! | `webhook_store_failures_total` grows | Redis: MoneyKit sends again for 2 h, Moov for 24 h, then events are lost |
//! | `webhooks_total{outcome="abandoned"}` grows | your handler fails: as above, then events are lost |
//! | `webhooks_total{outcome="complete_failed"}` grows | Redis: handled events may be handled again |
//!
//! [Troubleshooting](super::troubleshooting) says what to do about each.
//!
//! # Traces
//!
//! Spans and events are those of the crate `tracing`. Names are OpenTelemetry's where it has one, so that
//! `tracing-opentelemetry` exports them as they are, and start with `fintech_auth.` where it has none. No span and no
//! event holds a token, a secret or a body. Without a subscriber that wants it, a span or an event costs a
//! comparison and no text is written.
//!
//! | span | level | around |
//! | --- | --- | --- |
//! | `call` | DEBUG | one request to a vendor; each retry is a span of its own |
//! | `refresh` | DEBUG | one refresh for all callers that wait, with its calls, retries and waits |
//!
//! | field | span | value |
//! | --- | --- | --- |
//! | `otel.name` | `call` | method and path, such as `POST /oauth2/token` |
//! | `otel.kind` | `call` | `client` |
//! | `otel.status_code` | both | `ERROR`, if it failed |
//! | `error.type` | both | if it failed: the status of the response, or else [`ErrorKind::as_str`](crate::ErrorKind::as_str); of a refresh always the latter |
//! | `http.request.method` | `call` | such as `POST` |
//! | `http.request.resend_count` | `call` | how often the request was sent before, if it was |
//! | `http.response.status_code` | `call` | if a response came |
//! | `server.address`, `server.port` | `call` | of the base URL |
//! | `url.full` | `call` | no URL has a query or credentials |
//! | `url.template` | `call` | the path, which has no parameters |
//! | `fintech_auth.vendor`, `fintech_auth.operation` | `call` | such as `moov` and `create_access_token` |
//! | `fintech_auth.request_id` | `call` | the vendor's id of the request, for its support |
//! | `fintech_auth.scopes` | `refresh` | sorted and separated by spaces |
//!
//! # Events
//!
//! The text of an event is fixed, so you can search for it. Those of level `ERROR` and `WARN` need attention; the log
//! lines in [Troubleshooting](super::troubleshooting#token-store) say what to check. An event during a refresh is within its
//! span. `error.type` is [`ErrorKind::as_str`](crate::ErrorKind::as_str) or
//! [`VerifyError::reason`](crate::webhook::VerifyError::reason), and `error` the error as text.
//!
//! | event | level | fields | when |
//! | --- | --- | --- | --- |
//! | `a new token was rejected as well; the 401 may have another cause than the token` | WARN | `fintech_auth.scopes` | a request of yours got a 401 twice |
//! | `client credentials replaced` | INFO | | a provider of credentials gave others |
//! | `cool-down: no token is requested until it ends` | WARN | `error.type`, `error` | the vendor asked to wait |
//! | `credentials provider failed` | WARN | `error.type`, `error`, `fintech_auth.cause`, `fintech_auth.keeps_last_credentials` | tried again later; the last credentials serve, if there are any |
//! | `delivery store failed: webhook handled without a record` | WARN | `fintech_auth.delivery`, `error` | as [`StoreFailure`](crate::webhook::StoreFailure) allows: a retry may be handled again |
//! | `discarding new token: revoked, or lease lost during refresh` | DEBUG | | another token is requested |
//! | `dropped a token that another process rejected or revoked` | DEBUG | `fintech_auth.token_id` | its mark was found in the store |
//! | `dropping a token that another process revoked` | DEBUG | | the store gave notice of its mark |
//! | `ignoring an environment variable that resembles a setting` | WARN | `fintech_auth.warning` | a client is configured |
//! | `ignoring unreadable response field` | WARN | `fintech_auth.field` | an optional field has another type than its contract |
//! | `no new token after a 401` | WARN | `error.type`, `error` | a request of yours got a 401, which stands |
//! | `no subscription to Redis` | DEBUG | `error` | tried again, at most 10 s later |
//! | `no subscription to Redis in time` | DEBUG | | the same |
//! | `observer panicked` | ERROR | | a bug in a function of yours; its event is lost |
//! | `overwriting a Redis entry that no sealing key opens` | WARN | | another process has another sealing key |
//! | `refresh token failed: requesting a token by client credentials` | DEBUG | `error` | a refresh token was refused, or may have been used |
//! | `requesting a token under the lease` | DEBUG | `fintech_auth.fence` | this process refreshes for the fleet |
//! | `requesting this token without the store` | WARN | `error`, `fintech_auth.cause` | the store failed during a refresh |
//! | `revocation or invalidation not written to the token store` | WARN | `error`, `fintech_auth.cause` | other processes may use that token; `error` says whether it is retried |
//! | `the issued token is not valid for the configured origin; allow the origin for the API key` | WARN | `fintech_auth.origin`, `fintech_auth.scopes` | Moov issued a token for another origin |
//! | `the subscription to Redis ended; subscribing again` | DEBUG | | Redis closed it, or the network |
//! | `token accepted` | DEBUG | `fintech_auth.expiry_rule`, `fintech_auth.token_id` | a refresh succeeded |
//! | `token issued` | DEBUG | `fintech_auth.expiry_rule`, `fintech_auth.lifetime_seconds`, `fintech_auth.clock_skew_seconds` | the vendor responded with a token |
//! | `token request failed` | WARN | `error.type`, `error` | a refresh failed after its retries |
//! | `token store circuit closed` | INFO | | the store responds again |
//! | `token store circuit opened: requesting tokens without the store` | WARN | `error`, `fintech_auth.cause` | the store failed or took too long |
//! | `token store still fails` | DEBUG | `error`, `fintech_auth.cause` | an attempt while the circuit is open |
//! | `webhook delivery lease lost while handling` | WARN | `fintech_auth.delivery` | the event may be handled twice |
//! | `webhook delivery lease not renewed` | DEBUG | `fintech_auth.delivery`, `error` | tried again at the next third of the lease |
//! | `webhook extractor without a WebhookLayer on its route` | ERROR | `fintech_auth.extractor` | a mistake in your router: the request gets 500 |
//! | `webhook handled but not marked as done: a retry may repeat it` | WARN | `fintech_auth.delivery`, `error` | the delivery store failed after the handler |
//! | `webhook handler panicked: delivery abandoned` | ERROR | `error` | a bug in your handler; the vendor's retry is handled |
//! | `webhook handler runs too long: lease no longer renewed` | WARN | `fintech_auth.delivery` | longer than [`with_max_handling_time`](crate::webhook::Deliveries::with_max_handling_time) |
//! | `webhook keys cannot be fetched` | WARN | `error.type`, `error` | known keys serve for up to a day |
//! | `webhook keys fetched` | DEBUG | `fintech_auth.keys` | at first, hourly, and for an unknown key id |
//! | `webhook not verified or not recorded: to be sent again` | WARN | `error.type`, `error`, `http.response.status_code` | the response is 503 |
//! | `webhook refused` | INFO | `error.type`, `error`, `http.response.status_code` | the response is 400, 401 or 413 |
