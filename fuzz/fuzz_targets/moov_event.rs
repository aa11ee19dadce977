//! Parses the unsigned body of a Moov webhook. A URL from `refetch_url` must be under the URL of
//! our account. The `Debug` output must not show any part of `data`.
#![no_main]

use fintech_auth::moov::webhook::UnsignedEvent;
use libfuzzer_sys::fuzz_target;
use uuid::Uuid;

const BASE: &str = "https://api.example";

fuzz_target!(|body: &[u8]| {
    let Ok(mut event) = UnsignedEvent::read(body) else { return };
    let account = Uuid::from_u128(1);
    if let Some(url) = event.refetch_url(BASE, account) {
        let below = url.strip_prefix(&format!("{BASE}/accounts/{account}"));
        let mut parts = below.expect("below our account").split('/').skip(1);
        while let Some(collection) = parts.next() {
            assert!(collection.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{url}");
            let id = parts.next().expect("an id");
            assert_eq!(id.parse::<Uuid>().expect("a UUID").to_string(), id, "{url}");
        }
    }
    event.data = [("a".to_owned(), "one value".into())].into_iter().collect();
    let shown = format!("{event:?}");
    event.data = [("another name".to_owned(), "another".into())].into_iter().collect();
    assert_eq!(format!("{event:?}"), shown);
    assert!(event.kind.as_str().len() <= 128 && event.kind.as_str().bytes().all(|b| b.is_ascii_graphic()));
});
