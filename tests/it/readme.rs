//! Checks the front page and the comparison: each claim has a test, and each link leads to a file.

use std::{fs, path::Path};

/// Each line of `docs/comparison.md` about tokens, and the tests of what it says about this crate.
const HELD_BY: [(&str, &[&str]); 17] = [
    (
        "cached token",
        &[
            "lifecycle::a_fresh_token_is_answered_from_memory",
            "lifecycle::order_and_repetition_of_scopes_do_not_matter",
        ],
    ),
    ("many callers at once", &["concurrency::ten_thousand_callers_at_a_cold_start_send_one_request"]),
    ("before it expires", &["lifecycle::a_stale_token_is_answered_at_once_and_renewed_once_behind"]),
    (
        "`expires_in` as a Unix time",
        &[
            "lifecycle::a_unix_time_in_expires_in_is_when_the_token_ends",
            "lifecycle::the_rule_that_decided_is_reported",
        ],
    ),
    (
        "a 401 that means \"expired\"",
        &[
            "authorize_requests::thousand_requests_with_an_expired_token_cause_one_token_call_and_one_retry_each",
        ],
    ),
    ("a 200 for a documented 201", &["decode::every_2xx_status_is_a_success"]),
    ("`token_type` in lower case", &["decode::unknown_token_types_and_fields_are_accepted"]),
    ("an empty or broken response", &["errors::each_failure_has_its_error_kind"]),
    ("a token in an error", &["secrets::a_failed_decode_does_not_show_the_response"]),
    (
        "credentials in what is printed",
        &[
            "secrets::clients_and_builders_do_not_show_their_secrets",
            "secrets::secrets_that_a_server_echoes_are_cleared",
            "secrets::no_encoding_of_a_secret_gets_through",
        ],
    ),
    ("a redirect to another host", &["errors::redirects_are_not_followed"]),
    ("no response", &["errors::call_ends_by_its_default_timeout"]),
    ("`Retry-After` on a token call", &["lifecycle::a_cool_down_holds_for_every_caller_and_every_scope_set"]),
    (
        "a failing vendor",
        &[
            "lifecycle::a_vendor_that_goes_on_failing_is_asked_three_times",
            "lifecycle::failed_refreshes_back_off_for_all_callers",
        ],
    ),
    (
        "a refresh token",
        &[
            "lifecycle::the_refresh_token_is_used_and_each_one_once",
            "lifecycle::a_refused_or_lost_refresh_falls_back_to_the_client_credentials",
        ],
    ),
    (
        "revoke",
        &[
            "concurrency::revoking_removes_the_token_from_the_cache_and_at_the_vendor",
            "lifecycle::a_refresh_in_flight_cannot_put_back_what_was_revoked",
        ],
    ),
    (
        "webhooks",
        &[
            "webhook_moneykit::any_flipped_bit_is_refused",
            "webhook_moneykit::each_hostile_input_has_its_own_reason",
            "webhook_moneykit::the_edges_of_time_are_within",
            "deliveries::one_of_many_concurrent_copies_is_handled",
            "deliveries::late_first_delivery_is_accepted_while_the_vendor_retries",
            "webhook_moov::any_flipped_bit_of_the_headers_is_refused",
            "webhook_moov::every_documented_time_is_read_and_the_window_has_two_sides",
        ],
    ),
];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("readable")
}

/// `[label]: target` of a text.
fn definitions(text: &str) -> Vec<(&str, &str)> {
    text.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: ")).collect()
}

#[test]
fn each_line_of_the_comparison_has_a_test() {
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

/// A front page is read at once. Its links lead to pages that a forge renders, never to source code.
#[test]
fn the_front_page_is_short_and_each_link_leads_to_a_page() {
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
    for command in ["cargo run --example quickstart", "cargo test"] {
        assert!(readme.lines().take(20).any(|line| line.starts_with(command)), "{command}");
    }
}

#[test]
fn every_feature_is_in_the_table() {
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
