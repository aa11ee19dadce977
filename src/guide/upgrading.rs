//! Upgrading a spec: what happens when a vendor changes its API.
//!
#![doc = include_str!("bindings.svg")]
//!
//! # For you who use the crate
//!
//! A change of a vendor's document reaches you as a version of this crate, and its number tells what it means:
//!
//! | the vendor | you get | because |
//! | --- | --- | --- |
//! | adds a field, an error, a scope or a parameter that may be left out | a minor release | the generated types are non-exhaustive |
//! | drops or retypes a field, or requires a parameter | a breaking release | your code may name it |
//! | renames an operation | nothing | our names stay; the old ones are kept in `source.toml` |
//! | rewords, or publishes in another format | nothing | only what has a meaning is compared |
//!
//! Before you upgrade nothing breaks either: unknown fields, token types and error codes are passed over, and no response has a
//! closed enum.
//!
//! What a vendor responds with is in `types`, such as [`moov::types`](crate::moov::types); what can be sent is a method of
//! the client. `CHANGELOG.md` says in words what the types say in code.
//!
//! ```
//! use fintech_auth::moov::types::AuthToken;
//!
//! // A token type that nobody has heard of, a field of tomorrow, and half of what is required.
//! let response = r#"{"access_token": "t", "token_type": "new", "of_tomorrow": []}"#;
//! let token: AuthToken = serde_json::from_str(response)?;
//! assert!(token.refresh_token.is_none());
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! # For you who keep the crate
//!
//! ```sh
//! cargo xtask drift moov                              # what changed; writes nothing
//! cargo xtask regen moov --fetch --report drift.md    # takes it over, all files or none
//! cargo test                                          # shows what that did to the bindings
//! ```
//!
//! `drift` is for a scheduled job: it exits with 0 if nothing changed, 1 for changes, 2 for one that somebody has to look at,
//! 3 on an error. Each change in its report has one of these levels:
//!
//! | level | means | do |
//! | --- | --- | --- |
//! | trivial | nothing that is sent changes: words, examples, order | nothing |
//! | additive | callers may go on as before | a minor release |
//! | breaking | callers that go on as before may fail | a breaking release, or an overlay action where the vendor is wrong |
//! | meaning | the same shape, another sense: `expires_in`, once seconds, now a timestamp | look at the code that it names, and say what you found |
//! | unhandled | no rule knows it | look at it, then teach the rules |
//!
//! A correction of a vendor's document is an action in `overlay.yaml`, with a reason and a source. One that matches nothing any
//! more is an error, so that a correction the vendor has taken over gets deleted. `CONTRIBUTING.md` has the steps.
