//! [token_or_key_pair]: mod@token_or_key_pair
//! [first_token]: mod@first_token
//! [token_life]: mod@token_life
//! [webhooks]: mod@webhooks
//! [testing]: mod@testing
//! [browser_tokens]: mod@browser_tokens
//! [many_merchants]: mod@many_merchants
//! [fleet]: mod@fleet
//! [rotate_credentials]: mod@rotate_credentials
//! [observability]: mod@observability
//! [troubleshooting]: mod@troubleshooting
//! [reactions]: mod@reactions
//! [other_languages]: mod@other_languages
//! [upgrading]: mod@upgrading
//!
#![doc = include_str!("../../docs/guide/README.md")]

// The targets of links to items behind a feature. If the feature is off, the target is the list of
// features.
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
    //! ## In the API
    //!
    //! - [`moov::Client::basic_auth`](crate::moov::Client::basic_auth)
    //! - [`moneykit::Client::key_pair`](crate::moneykit::Client::key_pair)
    //! - [`moov::Client::bearer`](crate::moov::Client::bearer)
    //! - [`moneykit::Client::bearer`](crate::moneykit::Client::bearer)
    //! - [`moov::Client::issue`](crate::moov::Client::issue)
    //! - [`Authorizer`](crate::authorize::Authorizer)
    //! - [`authorize`](crate::authorize)
}

pub mod first_token {
    //! [troubleshooting]: mod@super::troubleshooting
    //!
    #![doc = include_str!("../../docs/guide/first_token.md")]
    //!
    //! ## In the API
    //!
    //! - [`moov::Client`](crate::moov::Client)
    //! - [`moneykit::Client`](crate::moneykit::Client)
    //! - [`moov::Config`](crate::moov::Config)
    //! - [`moneykit::Config`](crate::moneykit::Config)
    //! - [`moov::Client::default_token`](crate::moov::Client::default_token)
    //! - [`Token::authorization`](crate::Token::authorization)
    //! - [`authorize`](crate::authorize)
    //! - [`ErrorKind`](crate::ErrorKind)
    //! - [`RetryPolicy`](crate::RetryPolicy)
    //! - [`Emulator`]
    //! - [`blocking`]
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
    //! <!-- This comment hides the title and the picture link at the start of the file.
    #![doc = include_str!("../../docs/guide/token_life.md")]
    //!
    //! ## In the API
    //!
    //! - [`token`](crate::token)
    //! - [`TokenOptions`](crate::token::TokenOptions)
    //! - [`TokenCache::shutdown`](crate::token::TokenCache::shutdown)
    //! - [`Deliveries::shutdown`](crate::webhook::Deliveries::shutdown)
    //! - [`Error::retry_after`](crate::Error::retry_after)
    //! - [`Token::expiry_rule`](crate::Token::expiry_rule)
}

pub mod webhooks {
    //! [troubleshooting-webhooks]: mod@super::troubleshooting#webhooks
    //!
    //! # Webhooks
    //!
    #![doc = include_str!("../../docs/guide/webhook_delivery.svg")]
    //!
    //! <!-- This comment hides the title and the picture link at the start of the file.
    #![doc = include_str!("../../docs/guide/webhooks.md")]
    //!
    //! ## In the API
    //!
    //! - [`webhook`](crate::webhook)
    //! - [`moneykit::webhook::WebhookVerifier`](crate::moneykit::webhook::WebhookVerifier)
    //! - [`moov::webhook::WebhookVerifier`](crate::moov::webhook::WebhookVerifier)
    //! - [`moneykit::ClientBuilder::for_webhooks`](crate::moneykit::ClientBuilder::for_webhooks)
    //! - [`WebhookResponse`](crate::webhook::WebhookResponse)
    //! - [`Headers`](crate::webhook::Headers)
    //! - [`UnsignedBody`](crate::webhook::UnsignedBody)
    //! - [`moov::webhook::UnsignedEvent::refetch_url`](crate::moov::webhook::UnsignedEvent::refetch_url)
    //! - [`DeliveryStore`](crate::webhook::DeliveryStore)
    //! - [`axum`]
    //!
    #![doc = links!()]
}

pub mod testing {
    //! [other_languages]: mod@super::other_languages
    //!
    #![doc = include_str!("../../docs/guide/testing.md")]
    //!
    //! ## In the API
    //!
    //! - [`TokenProvider`](crate::token::TokenProvider)
    //! - [`TokenHandle`](crate::token::TokenHandle)
    //! - [`StaticTokenProvider`](crate::token::StaticTokenProvider)
    //! - [`Token::new`](crate::Token::new)
    //! - [`Error::new`](crate::Error::new)
    //! - [`Verified::new`](crate::webhook::Verified::new)
    //! - [`UnsignedBody::new`](crate::webhook::UnsignedBody::new)
    //! - [`moneykit::webhook::Event::new`](crate::moneykit::webhook::Event::new)
    //! - [`Emulator`]
    //! - [`Fault`]
    //!
    #![doc = links!()]
}

pub mod browser_tokens {
    #![doc = include_str!("../../docs/guide/browser_tokens.md")]
    //!
    //! ## In the API
    //!
    //! - [`moov::ClientBuilder::with_origin`](crate::moov::ClientBuilder::with_origin)
    //! - [`moov::Client::issue`](crate::moov::Client::issue)
    //! - [`moov::Client::revoke`](crate::moov::Client::revoke)
    //! - [`moov::AccountScope`](crate::moov::AccountScope)
}

pub mod many_merchants {
    #![doc = include_str!("../../docs/guide/many_merchants.md")]
    //!
    //! ## In the API
    //!
    //! - [`moov::AccountScope`](crate::moov::AccountScope)
    //! - [`ScopeSet`](crate::ScopeSet)
    //! - [`Authorizer::with_scopes`](crate::authorize::Authorizer::with_scopes)
    //! - [`TokenCache::handle`](crate::token::TokenCache::handle)
    //! - [`TokenCache::token_within`](crate::token::TokenCache::token_within)
    //! - [`TokenOptions::with_capacity`](crate::token::TokenOptions::with_capacity)
    //! - [`TokenOptions::with_max_handles`](crate::token::TokenOptions::with_max_handles)
    //! - [`TokenOptions::with_max_wait`](crate::token::TokenOptions::with_max_wait)
    //! - [`Stats`](crate::token::Stats)
}

pub mod fleet {
    //! [rotate_credentials-the-steps]: mod@super::rotate_credentials#the-steps
    //! [webhooks]: mod@super::webhooks#several-processes
    //!
    //! # Many processes
    //!
    #![doc = include_str!("../../docs/guide/fleet_lease.svg")]
    //!
    //! <!-- This comment hides the title and the picture link at the start of the file.
    #![doc = include_str!("../../docs/guide/fleet.md")]
    //!
    //! ## In the API
    //!
    //! - [`TokenStore`](crate::token::TokenStore)
    //! - [`TokenOptions::with_lease`](crate::token::TokenOptions::with_lease)
    //! - [`TokenOptions::with_store_timeout`](crate::token::TokenOptions::with_store_timeout)
    //! - [`TokenOptions::with_store_circuit_open_for`](crate::token::TokenOptions::with_store_circuit_open_for)
    //! - [`Stats`](crate::token::Stats)
    //! - [`token::redis`]
    //!
    #![doc = links!()]
}

pub mod rotate_credentials {
    #![doc = include_str!("../../docs/guide/rotate_credentials.md")]
    //!
    //! ## In the API
    //!
    //! - [`CredentialsProvider`](crate::CredentialsProvider)
    //! - [`FileCredentials`](crate::FileCredentials)
    //! - [how stored tokens are found](crate::token#how-stored-tokens-are-found)
    //! - [`Authorizer`](crate::authorize::Authorizer)
    //! - [`moov::webhook::WebhookVerifier::replace_secrets`](crate::moov::webhook::WebhookVerifier::replace_secrets)
}

pub mod observability {
    //! [fleet]: mod@super::fleet
    //! [troubleshooting]: mod@super::troubleshooting
    //! [troubleshooting-token-store]: mod@super::troubleshooting#token-store
    //!
    #![doc = include_str!("../../docs/guide/observability.md")]
    //!
    //! ## In the API
    //!
    //! - [`TokenEvent`](crate::token::TokenEvent)
    //! - [`WebhookEvent`](crate::webhook::WebhookEvent)
    //! - [`ExpiryRule::as_str`](crate::token::ExpiryRule::as_str)
    //! - [`ErrorKind::as_str`](crate::ErrorKind::as_str)
    //! - [`VerifyError::reason`](crate::webhook::VerifyError::reason)
    //! - [`moov::Client::stats`](crate::moov::Client::stats)
    //! - [`StoreFailure`](crate::webhook::StoreFailure)
    //! - [`Deliveries::with_max_handling_time`](crate::webhook::Deliveries::with_max_handling_time)
}

pub mod troubleshooting {
    //! [fleet]: mod@super::fleet
    //! [fleet-rotate-the-sealing-key]: mod@super::fleet#rotate-the-sealing-key
    //!
    #![doc = include_str!("../../docs/guide/troubleshooting.md")]
    //!
    //! ## In the API
    //!
    //! - [`Error`](crate::Error)
    //! - [`ErrorKind`](crate::ErrorKind)
    //! - [`Error::request_id`](crate::Error::request_id)
    //! - [`Error::ray_id`](crate::Error::ray_id)
    //! - [`Error::may_have_been_sent`](crate::Error::may_have_been_sent)
    //! - [`Error::code`](crate::Error::code)
    //! - [`Error::fields`](crate::Error::fields)
    //! - [`Error::retry_after`](crate::Error::retry_after)
    //! - [`HttpOptions::with_timeout`](crate::HttpOptions::with_timeout)
    //! - [`HttpOptions::with_root_certificate`](crate::HttpOptions::with_root_certificate)
    //! - [`TokenOptions::with_max_wait`](crate::token::TokenOptions::with_max_wait)
    //! - [`TokenCache::shutdown`](crate::token::TokenCache::shutdown)
    //! - [`Stats`](crate::token::Stats)
    //! - [`authorize`](crate::authorize)
    //! - [`VerifyError`](crate::webhook::VerifyError)
    //! - [`VerifyErrorKind`](crate::webhook::VerifyErrorKind)
    //! - [`blocking`]
    //!
    #![doc = links!()]
}

pub mod reactions {
    #![doc = include_str!("../../docs/guide/reactions.md")]
    //!
    //! ## In the API
    //!
    //! - [`TokenOptions`](crate::token::TokenOptions)
    //! - [`RetryPolicy`](crate::RetryPolicy)
    //! - [`CredentialsProvider`](crate::CredentialsProvider)
    //! - [what happens on a 401](crate::authorize#what-happens-on-a-401)
}

pub mod other_languages {
    //! [browser_tokens]: mod@super::browser_tokens
    //! [webhooks]: mod@super::webhooks
    //!
    #![doc = include_str!("../../docs/guide/other_languages.md")]
}

pub mod upgrading {
    //! # When a vendor changes its API
    //!
    #![doc = include_str!("../../docs/guide/bindings.svg")]
    //!
    //! <!-- This comment hides the title and the picture link at the start of the file.
    #![doc = include_str!("../../docs/guide/upgrading.md")]
    //!
    //! ## In the API
    //!
    //! - [`moov::types`](crate::moov::types)
    //! - [`moneykit::types`](crate::moneykit::types)
}
