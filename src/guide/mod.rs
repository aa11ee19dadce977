//! Guides, in the order in which a backend needs them. They are pages and nothing else: no code of the
//! crate is here, and none of it is built for you.
//!
//! | guide | what it is about |
//! | --- | --- |
//! | [Token or key pair?](token_or_key_pair) | which credentials a call needs, and how to add them |
//! | [First token](first_token) | how to get a token, use it, and read a failure |
//! | [The life of a token](token_life) | when one is asked for, renewed, dropped; with a picture |
//! | [Reactions](reactions) | what is repeated or renewed after a failure, and where it stops |
//! | [Many merchants](many_merchants) | how one client serves 100,000 accounts |
//! | [Browser tokens](browser_tokens) | what a page with Moov.js may have, and what never |
//! | [Webhooks](webhooks) | what to verify, what to respond, what nobody signed |
//! | [Rotate credentials](rotate_credentials) | how secrets and key pairs are replaced while the service runs |
//! | [A fleet](fleet) | how many processes share their tokens through Redis |
//! | [Testing your service](testing) | how to replace its tokens, and to have a bad day on order |
//! | [Observe it](observability) | metrics, alerts and traces |
//! | [Other languages](other_languages) | how services in Python, TypeScript, Ruby and Go use the emulator |
//! | [Upgrading a spec](upgrading) | what happens when a vendor changes its API; with a picture |
//! | [Troubleshooting](troubleshooting) | what each kind of failure means, and what to do |
//!
//! Every example runs as a test of this crate, against the emulator: its client and its few
//! lines of set-up are all that differs from yours. What is claimed of a vendor is from its OpenAPI document,
//! its SDKs or its documentation; each module names which.

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

pub mod browser_tokens;
pub mod first_token;
pub mod fleet;
pub mod many_merchants;
pub mod observability;
pub mod other_languages;
pub mod reactions;
pub mod rotate_credentials;
pub mod testing;
pub mod token_life;
pub mod token_or_key_pair;
pub mod troubleshooting;
pub mod upgrading;
pub mod webhooks;
