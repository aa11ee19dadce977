//! Parses a key set from the fuzzer. The target adds a valid key and checks that this key is
//! usable, unless one of the fuzzer's keys has the same id.
#![no_main]

use fintech_auth::moneykit::{types::JwkSet, webhook::VerifyingKeys};
use libfuzzer_sys::fuzz_target;

/// The key is from RFC 7517 appendix A.1.
const GOOD: &str = r#"{"kty":"EC","crv":"P-256","kid":"a good key",
    "x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#;

fuzz_target!(|data: &[u8]| {
    let Ok(mut set) = serde_json::from_slice::<JwkSet>(data) else { return };
    let own = set.keys.iter().any(|key| key.get("kid").is_some_and(|id| id == "a good key"));
    let alone = VerifyingKeys::new(&set);
    set.keys.insert(0, serde_json::from_str(GOOD).unwrap());
    let with = VerifyingKeys::new(&set);
    if !own {
        assert!(with.contains("a good key") && with.len() > 0 && with.len() <= alone.len() + 1);
    }
    let _ = format!("{with:?}");
});
