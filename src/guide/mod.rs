//! [token_or_key_pair]: mod@token_or_key_pair
//! [first_token]: mod@first_token
//! [token_life]: mod@token_life
//! [reactions]: mod@reactions
//! [many_merchants]: mod@many_merchants
//! [browser_tokens]: mod@browser_tokens
//! [webhooks]: mod@webhooks
//! [rotate_credentials]: mod@rotate_credentials
//! [fleet]: mod@fleet
//! [testing]: mod@testing
//! [observability]: mod@observability
//! [other_languages]: mod@other_languages
//! [upgrading]: mod@upgrading
//! [troubleshooting]: mod@troubleshooting
//!
#![doc = include_str!("../../docs/guide/README.md")]

// The last line of a page: what its links to items behind a feature mean, with the feature and without.
#[cfg(all(feature = "axum", feature = "blocking", feature = "redis", feature = "emulator"))]
macro_rules! links {
    () => {
        "\
[`axum`]: crate::axum
[`blocking`]: crate::blocking
[`Fault`]: crate::emulator::Fault
[`emulator`]: crate::emulator
[`Emulator`]: crate::emulator::Emulator
[`token::redis`]: crate::token::redis"
    };
}
#[cfg(not(all(feature = "axum", feature = "blocking", feature = "redis", feature = "emulator")))]
macro_rules! links {
    () => {
        "\
[`axum`]: crate#features
[`blocking`]: crate#features
[`Fault`]: crate#features
[`emulator`]: crate#features
[`Emulator`]: crate#features
[`token::redis`]: crate#features"
    };
}

pub mod token_or_key_pair {
    //! [browser_tokens]: mod@super::browser_tokens
    //!
    #![doc = include_str!("../../docs/guide/token_or_key_pair.md")]
    //!
    //! ## See also
    //!
    //! [`Client::basic_auth`](crate::moov::Client::basic_auth),
    //! [`Client::key_pair`](crate::moneykit::Client::key_pair),
    //! [`Client::issue`](crate::moov::Client::issue), [`Client::bearer`](crate::moov::Client::bearer),
    //! [`Client::bearer`](crate::moneykit::Client::bearer),
    //! [`authorize::Authorizer`](crate::authorize::Authorizer), [`authorize`](crate::authorize).
}

pub mod first_token {
    //! [troubleshooting]: mod@super::troubleshooting
    //!
    #![doc = include_str!("../../docs/guide/first_token.md")]
    //!
    //! ## See also
    //!
    //! [`moneykit::Config`](crate::moneykit::Config), [`moov::Config`](crate::moov::Config),
    //! [`Client::builder`](crate::moov::Client::builder), [`Emulator`],
    //! [`Client::default_token`](crate::moov::Client::default_token),
    //! [`Token::authorization`](crate::Token::authorization), [`authorize`](crate::authorize),
    //! [`ErrorKind`](crate::ErrorKind), [`RetryPolicy`](crate::RetryPolicy), [`blocking`].
    //!
    #![doc = links!()]
}

pub mod token_life {
    //! [reactions]: mod@super::reactions
    //!
    //! # The life of a token
    //!
    #![doc = include_str!("../../docs/guide/token_life.svg")]
    //!
    //! <!-- The title and the picture of the file are above.
    #![doc = include_str!("../../docs/guide/token_life.md")]
    //!
    //! ## See also
    //!
    //! [accepted](crate::authorize#what-happens-on-a-401),
    //! [`Error::retry_after`](crate::Error::retry_after),
    //! [`Deliveries::shutdown`](crate::webhook::Deliveries::shutdown),
    //! [`TokenCache::shutdown`](crate::token::TokenCache::shutdown),
    //! [`Token::expiry_rule`](crate::Token::expiry_rule),
    //! [`token::TokenOptions`](crate::token::TokenOptions), [`token`](crate::token).
}

pub mod reactions {
    #![doc = include_str!("../../docs/guide/reactions.md")]
    //!
    //! ## See also
    //!
    //! [`CredentialsProvider`](crate::CredentialsProvider),
    //! [which do](crate::authorize#what-happens-on-a-401),
    //! [`TokenOptions::with_backoff`](crate::token::TokenOptions::with_backoff),
    //! [`TokenOptions::with_negative_cache_ttl`](crate::token::TokenOptions::with_negative_cache_ttl),
    //! [`TokenOptions::with_rate_limit`](crate::token::TokenOptions::with_rate_limit),
    //! [`TokenOptions::with_max_wait`](crate::token::TokenOptions::with_max_wait),
    //! [`TokenOptions::with_max_cool_down`](crate::token::TokenOptions::with_max_cool_down),
    //! [`TokenOptions::with_max_lifetime`](crate::token::TokenOptions::with_max_lifetime),
    //! [`TokenOptions::with_store_circuit_open_for`](crate::token::TokenOptions::with_store_circuit_open_for),
    //! [`RetryPolicy`](crate::RetryPolicy).
}

pub mod many_merchants {
    #![doc = include_str!("../../docs/guide/many_merchants.md")]
    //!
    //! ## See also
    //!
    //! [`moov::AccountScope`](crate::moov::AccountScope),
    //! [`authorize::Authorizer`](crate::authorize::Authorizer),
    //! [`Authorizer::with_scopes`](crate::authorize::Authorizer::with_scopes),
    //! [`ScopeSet`](crate::ScopeSet),
    //! [`TokenOptions::with_capacity`](crate::token::TokenOptions::with_capacity),
    //! [`token::Stats`](crate::token::Stats),
    //! [`TokenOptions::with_max_handles`](crate::token::TokenOptions::with_max_handles),
    //! [`TokenOptions::with_max_wait`](crate::token::TokenOptions::with_max_wait),
    //! [`ErrorKind::RateLimited`](crate::ErrorKind::RateLimited),
    //! [`ErrorKind::Timeout`](crate::ErrorKind::Timeout),
    //! [`TokenCache::token_within`](crate::token::TokenCache::token_within).
}

pub mod browser_tokens {
    #![doc = include_str!("../../docs/guide/browser_tokens.md")]
    //!
    //! ## See also
    //!
    //! [`ClientBuilder::with_origin`](crate::moov::ClientBuilder::with_origin),
    //! [`Client::issue`](crate::moov::Client::issue).
}

pub mod webhooks {
    //! [troubleshooting-webhooks]: mod@super::troubleshooting#webhooks
    //!
    #![doc = include_str!("../../docs/guide/webhooks.md")]
    //!
    //! ## See also
    //!
    //! [`webhook::Event`](crate::moneykit::webhook::Event),
    //! [`ClientBuilder::for_webhooks`](crate::moneykit::ClientBuilder::for_webhooks),
    //! [module `webhook`](crate::webhook#security), [`webhook::Headers`](crate::webhook::Headers),
    //! [`webhook::WebhookResponse`](crate::webhook::WebhookResponse), [`axum`],
    //! [`webhook::UnsignedBody`](crate::webhook::UnsignedBody),
    //! [`UnsignedEvent::refetch_url`](crate::moov::webhook::UnsignedEvent::refetch_url),
    //! [`webhook::DeliveryStore`](crate::webhook::DeliveryStore),
    //! [`WebhookVerifier::with_deliveries`](crate::moov::webhook::WebhookVerifier::with_deliveries),
    //! [`ClientBuilder::with_deliveries`](crate::moneykit::ClientBuilder::with_deliveries).
    //!
    #![doc = links!()]
}

pub mod rotate_credentials {
    #![doc = include_str!("../../docs/guide/rotate_credentials.md")]
    //!
    //! ## See also
    //!
    //! [`CredentialsProvider`](crate::CredentialsProvider), [`FileCredentials`](crate::FileCredentials),
    //! [what a stored token is found by](crate::token#what-a-stored-token-is-found-by),
    //! [`authorize::Authorizer`](crate::authorize::Authorizer).
}

pub mod fleet {
    //! [rotate_credentials-the-steps]: mod@super::rotate_credentials#the-steps
    //!
    #![doc = include_str!("../../docs/guide/fleet.md")]
    //!
    //! ## See also
    //!
    //! [`token::redis`], [`webhook::DeliveryStore`](crate::webhook::DeliveryStore),
    //! [`TokenOptions::with_lease`](crate::token::TokenOptions::with_lease),
    //! [`TokenOptions::with_store_timeout`](crate::token::TokenOptions::with_store_timeout),
    //! [`TokenOptions::with_store_circuit_open_for`](crate::token::TokenOptions::with_store_circuit_open_for),
    //! [`Stats::shared`](crate::token::Stats::shared),
    //! [`Stats::store_bypassed`](crate::token::Stats::store_bypassed),
    //! [`Stats::store_failures`](crate::token::Stats::store_failures),
    //! [`Stats::store_circuit_open`](crate::token::Stats::store_circuit_open),
    //! [`token::TokenStore`](crate::token::TokenStore).
    //!
    #![doc = links!()]
}

pub mod testing {
    #![doc = include_str!("../../docs/guide/testing.md")]
    //!
    //! ## See also
    //!
    //! [`Emulator`], [`token::TokenProvider`](crate::token::TokenProvider),
    //! [`token::TokenHandle`](crate::token::TokenHandle), [`Token::new`](crate::Token::new),
    //! [`Error::new`](crate::Error::new), [`Error::with_retry_after`](crate::Error::with_retry_after),
    //! [`Error::with_status`](crate::Error::with_status),
    //! [`Verified::new`](crate::webhook::Verified::new),
    //! [`UnsignedBody::new`](crate::webhook::UnsignedBody::new),
    //! [`Event::new`](crate::moneykit::webhook::Event::new), [`Fault`].
    //!
    #![doc = links!()]
}

pub mod observability {
    //! [fleet]: mod@super::fleet
    //! [troubleshooting]: mod@super::troubleshooting
    //! [troubleshooting-token-store]: mod@super::troubleshooting#token-store
    //!
    #![doc = include_str!("../../docs/guide/observability.md")]
    //!
    //! ## See also
    //!
    //! [`TokenEvent::Obtained`](crate::token::TokenEvent::Obtained),
    //! [`ExpiryRule::as_str`](crate::token::ExpiryRule::as_str),
    //! [`TokenEvent::Failed`](crate::token::TokenEvent::Failed),
    //! [`ErrorKind::as_str`](crate::ErrorKind::as_str),
    //! [`TokenEvent::CoolDown`](crate::token::TokenEvent::CoolDown),
    //! [`TokenEvent::Invalidated`](crate::token::TokenEvent::Invalidated),
    //! [`TokenEvent::StoreDown`](crate::token::TokenEvent::StoreDown),
    //! [`WebhookEvent::Accepted`](crate::webhook::WebhookEvent::Accepted),
    //! [`WebhookEvent::Rejected`](crate::webhook::WebhookEvent::Rejected),
    //! [`VerifyError::reason`](crate::webhook::VerifyError::reason),
    //! [`WebhookEvent::StoreFailed`](crate::webhook::WebhookEvent::StoreFailed),
    //! [`WebhookEvent::Completed`](crate::webhook::WebhookEvent::Completed),
    //! [`Client::stats`](crate::moov::Client::stats),
    //! [`webhook::StoreFailure`](crate::webhook::StoreFailure),
    //! [`Deliveries::with_max_handling_time`](crate::webhook::Deliveries::with_max_handling_time).
}

pub mod other_languages {
    //! [browser_tokens]: mod@super::browser_tokens
    //! [webhooks]: mod@super::webhooks
    //!
    #![doc = include_str!("../../docs/guide/other_languages.md")]
}

pub mod upgrading {
    //! # Upgrading a spec
    //!
    #![doc = include_str!("../../docs/guide/bindings.svg")]
    //!
    //! <!-- The title and the picture of the file are above.
    #![doc = include_str!("../../docs/guide/upgrading.md")]
    //!
    //! ## See also
    //!
    //! [`moov::types`](crate::moov::types).
}

pub mod troubleshooting {
    //! [fleet]: mod@super::fleet
    //! [fleet-rotate-the-sealing-key]: mod@super::fleet#rotate-the-sealing-key
    //!
    #![doc = include_str!("../../docs/guide/troubleshooting.md")]
    //!
    //! ## See also
    //!
    //! [`Error::request_id`](crate::Error::request_id), [`Error::ray_id`](crate::Error::ray_id),
    //! [`ErrorKind`](crate::ErrorKind), [`Error::may_have_been_sent`](crate::Error::may_have_been_sent),
    //! [`HttpOptions::with_root_certificate`](crate::HttpOptions::with_root_certificate),
    //! [`authorize`](crate::authorize), [`Error::code`](crate::Error::code),
    //! [`Error::fields`](crate::Error::fields), [`Error::retry_after`](crate::Error::retry_after),
    //! [`token::Stats`](crate::token::Stats), [`Error::source`](std::error::Error::source),
    //! [`HttpOptions::with_timeout`](crate::HttpOptions::with_timeout),
    //! [`TokenOptions::with_max_wait`](crate::token::TokenOptions::with_max_wait),
    //! [`TokenCache::shutdown`](crate::token::TokenCache::shutdown),
    //! [`VerifyError::kind`](crate::webhook::VerifyError::kind),
    //! [`VerifyError::reason`](crate::webhook::VerifyError::reason),
    //! [`VerifyError::subject`](crate::webhook::VerifyError::subject),
    //! [`VerifyError::status`](crate::webhook::VerifyError::status),
    //! [`VerifyErrorKind::InvalidHeader`](crate::webhook::VerifyErrorKind::InvalidHeader),
    //! [`VerifyErrorKind::MalformedSignature`](crate::webhook::VerifyErrorKind::MalformedSignature),
    //! [`VerifyErrorKind::UnsupportedAlgorithm`](crate::webhook::VerifyErrorKind::UnsupportedAlgorithm),
    //! [`VerifyErrorKind::UnknownKey`](crate::webhook::VerifyErrorKind::UnknownKey),
    //! [`VerifyErrorKind::UnusableKey`](crate::webhook::VerifyErrorKind::UnusableKey),
    //! [`VerifyErrorKind::InvalidSignature`](crate::webhook::VerifyErrorKind::InvalidSignature),
    //! [`VerifyErrorKind::BodyMismatch`](crate::webhook::VerifyErrorKind::BodyMismatch),
    //! [`VerifyErrorKind::TooOld`](crate::webhook::VerifyErrorKind::TooOld),
    //! [`VerifyErrorKind::TooNew`](crate::webhook::VerifyErrorKind::TooNew),
    //! [`VerifyErrorKind::BodyTooLarge`](crate::webhook::VerifyErrorKind::BodyTooLarge),
    //! [`VerifyErrorKind::IncompleteBody`](crate::webhook::VerifyErrorKind::IncompleteBody),
    //! [`VerifyErrorKind::MalformedBody`](crate::webhook::VerifyErrorKind::MalformedBody),
    //! [`VerifyErrorKind::KeysUnavailable`](crate::webhook::VerifyErrorKind::KeysUnavailable),
    //! [`VerifyErrorKind::KeysCoolingDown`](crate::webhook::VerifyErrorKind::KeysCoolingDown),
    //! [`VerifyErrorKind::DeliveryStoreUnavailable`](crate::webhook::VerifyErrorKind::DeliveryStoreUnavailable),
    //! [`blocking`].
    //!
    #![doc = links!()]
}
