//! Checks `README.md` and `docs/comparison.md`: a test proves each claim, and each link leads to a
//! file.

use std::{fs, path::Path};

/// The table rows about tokens in `docs/comparison.md`, each with the tests that prove its claims.
const HELD_BY: [(&str, &[&str]); 17] = [
    (
        "cached token",
        &[
            "lifecycle::fresh_token_is_returned_from_the_cache",
            "lifecycle::scope_order_and_duplicates_do_not_matter",
        ],
    ),
    (
        "many callers at the same time",
        &["concurrency::ten_thousand_callers_without_a_cached_token_send_one_request"],
    ),
    (
        "before a token expires",
        &["lifecycle::stale_token_is_returned_immediately_and_renewed_once_in_the_background"],
    ),
    (
        "`expires_in` as a Unix time",
        &[
            "lifecycle::unix_time_in_expires_in_is_used_as_the_expiry_time",
            "lifecycle::token_reports_the_expiry_rule_that_applied",
        ],
    ),
    (
        "a 401 that means \"expired\"",
        &["authorize_requests::thousand_requests_with_an_expired_token_share_one_token_call"],
    ),
    ("a status of 200 where the documentation says 201", &["decode::every_2xx_status_is_a_success"]),
    ("`token_type` in lower case", &["decode::unknown_token_types_and_fields_are_accepted"]),
    ("an empty or broken response", &["errors::each_failure_has_its_error_kind"]),
    ("the token in an error", &["secrets::a_failed_decode_does_not_show_the_response"]),
    (
        "credentials in errors or debug output",
        &[
            "secrets::clients_and_builders_do_not_show_their_secrets",
            "secrets::secrets_echoed_by_a_server_are_redacted",
            "secrets::errors_contain_no_encoding_of_a_secret",
        ],
    ),
    ("a redirect to another host", &["errors::redirects_are_not_followed"]),
    ("no response", &["errors::each_call_ends_within_its_default_timeout"]),
    ("`Retry-After` on a token call", &["lifecycle::cool_down_applies_to_every_caller_and_scope_set"]),
    (
        "the vendor has an outage",
        &[
            "lifecycle::request_to_a_failing_vendor_is_sent_three_times",
            "lifecycle::back_off_after_a_failed_refresh_applies_to_all_callers",
        ],
    ),
    (
        "a refresh token",
        &[
            "lifecycle::each_refresh_token_is_sent_once",
            "lifecycle::refused_or_lost_refresh_falls_back_to_client_credentials",
        ],
    ),
    (
        "revocation",
        &[
            "concurrency::revoke_removes_the_token_from_the_cache_and_at_the_vendor",
            "lifecycle::refresh_in_flight_does_not_restore_a_revoked_token",
        ],
    ),
    (
        "webhooks",
        &[
            "webhook_moneykit::webhook_with_a_flipped_bit_is_rejected",
            "webhook_moneykit::each_hostile_input_has_its_own_error_reason",
            "webhook_moneykit::timestamp_exactly_at_the_tolerance_is_accepted",
            "deliveries::only_one_of_many_concurrent_copies_of_a_webhook_is_handled",
            "deliveries::late_delivery_is_accepted_as_long_as_the_vendor_retries",
            "webhook_moov::flipped_bit_in_the_headers_is_rejected",
            "webhook_moov::every_documented_time_format_is_checked_for_past_and_future_limits",
        ],
    ),
];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("readable")
}

fn definitions(text: &str) -> Vec<(&str, &str)> {
    text.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: ")).collect()
}

#[test]
fn each_line_of_the_readme_comparison_has_a_test() {
    let page = read("docs/comparison.md");
    let table =
        page.split("| the vendors' SDKs (MK, PY, TS, ND) | this crate |\n").nth(1).expect("the table");
    let rows = table.split("\n\n").next().expect("its end").lines().skip(1);
    let lines: Vec<&str> = rows.map(|row| row[1..].split(" |").next().expect("a cell").trim()).collect();
    assert_eq!(lines, HELD_BY.map(|(line, _)| line));
    for (line, tests) in HELD_BY {
        for test in tests {
            let (file, name) = test.split_once("::").expect("a file and a test");
            assert!(
                read(&format!("tests/it/{file}.rs")).contains(&format!("fn {name}(")),
                "{line}: no {test}"
            );
        }
    }
}

#[test]
fn readme_is_short_and_each_link_leads_to_an_existing_page() {
    let readme = read("README.md");
    let lines = readme.lines().count();
    assert!(lines <= 110, "{lines} lines");
    let labels = definitions(&readme);
    assert!(labels.len() > 5, "{labels:?}");
    for (label, _) in &labels {
        assert!(readme.contains(&format!("][{label}]")), "nothing links to {label}");
    }
    let inline = readme.split("](").skip(1).map(|link| link.split(')').next().expect("its end"));
    for target in labels.iter().map(|(_, target)| *target).chain(inline) {
        let is_page = target.ends_with(".md") && Path::new(env!("CARGO_MANIFEST_DIR")).join(target).is_file();
        assert!(is_page || target.starts_with("https://"), "{target}");
    }
    for (page, folder) in [("SECURITY.md", ""), ("docs/cli.md", "docs"), ("docs/comparison.md", "docs")] {
        for link in read(page).split("](").skip(1) {
            let target = link.split(')').next().expect("its end");
            let is_page = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(target).is_file();
            assert!(is_page || target.starts_with("https://"), "{page}: {target}");
        }
    }
    for command in ["cargo run --example quickstart", "cargo test"] {
        assert!(readme.lines().take(20).any(|line| line.starts_with(command)), "{command}");
    }
}

// `README.md` repeats these lines.
async fn your_test() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = fintech_auth::emulator::Emulator::start().await?;
    let client = emulator.moov().build()?; // give this client to your service
    client.token(&["/accounts.read".parse()?]).await?;
    assert_eq!(emulator.requests().len(), 1);
    Ok(())
}

#[tokio::test]
async fn test_in_the_readme_passes() {
    let here = include_str!("readme.rs");
    let lines = here.split("repeats these lines.\n").nth(1).expect("the test").split("\n}\n").next();
    let text = read("README.md");
    assert!(text.contains(lines.expect("its end")), "the readme has another test");
    your_test().await.expect("the test passes");
}

#[test]
fn readme_table_lists_every_feature() {
    let (readme, manifest) = (read("README.md"), read("Cargo.toml"));
    let section =
        manifest.split("[features]\n").nth(1).expect("the section").split("\n[").next().expect("its end");
    let names = section.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name);
    let features: Vec<&str> = names.filter(|name| *name != "default" && !name.starts_with(' ')).collect();
    assert!(features.contains(&"redis"), "{features:?}");
    let table = readme.split("| feature | default |").nth(1).expect("the table").split("\n\n").next();
    for feature in features {
        assert!(table.expect("its end").contains(&format!("`{feature}`")), "{feature}");
    }
}
