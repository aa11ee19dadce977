//! Tests that spans and events use the names of OpenTelemetry's conventions for HTTP clients and
//! contain no secrets.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use fintech_auth::{
    ErrorKind, RetryPolicy,
    emulator::{Fault, Operation},
    moov::webhook::WebhookVerifier,
};
use http::StatusCode;
use proc_macro2::{TokenStream, TokenTree};

use crate::{
    layers::sources,
    scripted::cache_with,
    support::{Log, emulator, json, plain, scopes},
    switched_store::{State, Switched},
};

fn calls(log: &Log) -> Vec<String> {
    let is_end = |line: &&str| line.contains("call{") && line.contains("close");
    log.text().lines().filter(is_end).map(str::to_owned).collect()
}

fn call(log: &Log) -> String {
    calls(log).into_iter().next().unwrap_or_else(|| panic!("no span of a call: {}", log.text()))
}

#[tokio::test(flavor = "current_thread")]
async fn call_span_follows_the_telemetry_conventions() {
    let emulator = emulator().await;
    let client = emulator.moov().with_tokens(plain).build().unwrap();
    let log = Log::default();
    let guard = log.start();
    let response = client.create_access_token(&scopes(&["/accounts.read"])).await.unwrap();
    drop(guard);
    let (line, port) = (call(&log), emulator.url().rsplit(':').next().unwrap());
    for field in [
        "otel.name=POST /oauth2/token ",
        r#"otel.kind="client""#,
        r#"http.request.method="POST""#,
        "http.response.status_code=200",
        r#"server.address="127.0.0.1""#,
        &format!("server.port={port}"),
        &format!(r#"url.full="{}/oauth2/token""#, emulator.url()),
        r#"url.template="/oauth2/token""#,
        r#"fintech_auth.operation="create_access_token""#,
        r#"fintech_auth.vendor="moov""#,
        &format!("fintech_auth.request_id={:?}", response.request_id().unwrap()),
    ] {
        assert!(line.contains(field), "{field} is not in {line}");
    }
    for absent in ["error.type", "otel.status_code", "http.request.resend_count"] {
        assert!(!line.contains(absent), "{line}");
    }
}

fn resends(log: &Log) -> Vec<Option<u32>> {
    let count = |line: &String| {
        let count = line.split("http.request.resend_count=").nth(1)?;
        count.split([' ', '}']).next()?.parse().ok()
    };
    calls(log).iter().map(count).collect()
}

#[tokio::test(flavor = "current_thread")]
async fn retried_call_records_its_resend_count() {
    let emulator = emulator().await;
    let client = emulator
        .moov()
        .with_tokens(|tokens| plain(tokens).with_retry(|_| RetryPolicy::default().with_base(Duration::ZERO)));
    let client = client.build().unwrap();
    let refused = || Fault::response(StatusCode::SERVICE_UNAVAILABLE);
    for by_cache in [true, false] {
        emulator.fault_times(Operation::MoovToken, refused(), 2);
        let log = Log::default();
        let guard = log.start();
        let scopes = scopes(&["/accounts.read"]);
        if by_cache {
            client.token(&scopes).await.unwrap();
        } else {
            client.create_access_token(&scopes).await.unwrap();
        }
        drop(guard);
        assert_eq!(resends(&log), [None, Some(1), Some(2)], "{}", log.text());
    }
}

/// Spans contain the whole URL, and the path as `url.template`. A URL with parameters could show a
/// secret, and its path would not be a template. So the contracts must not have such URLs.
#[test]
fn urls_in_the_contracts_have_no_parameters() {
    for vendor in ["moneykit", "moov"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("specs/{vendor}/openapi.yaml"));
        let contract = fs::read_to_string(path).expect("readable");
        assert!(
            contract.contains("in: header"),
            "{vendor}: this test does not find the parameters of the contract"
        );
        for place in ["in: query", "in: path"] {
            assert!(!contract.contains(place), "{vendor}: the contract has a parameter `{place}`");
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn failed_refresh_span_names_the_error_kind() {
    let emulator = emulator().await;
    let client = emulator.moov().with_tokens(plain).build().unwrap();
    emulator.fault(Operation::MoovToken, Fault::response(StatusCode::UNPROCESSABLE_ENTITY));
    let log = Log::default();
    let guard = log.start();
    client.token(&scopes(&["/accounts.read"])).await.unwrap_err();
    client.token(&scopes(&["/ping.read"])).await.unwrap();
    drop(guard);
    let text = log.text();
    let end = |scope: &str| {
        let is_end = |line: &&str| {
            line.contains("refresh{")
                && !line.contains("call{")
                && line.contains("close")
                && line.contains(scope)
        };
        text.lines().find(is_end).unwrap_or_else(|| panic!("no line for the end of the refresh: {text}"))
    };
    let failed = end("/accounts.read");
    assert!(failed.contains(r#"error.type="invalid_request""#), "{failed}");
    assert!(failed.contains(r#"otel.status_code="ERROR""#), "{failed}");
    assert!(!end("/ping.read").contains("error.type"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn no_text_is_formatted_if_tracing_is_disabled() {
    let store = Arc::new(Switched::default());
    let (cache, _) = cache_with([], |options| options.with_store(store.clone()));
    store.set(State::Down);
    cache.token(&scopes(&["a"])).await.unwrap();
    assert_eq!(store.written.load(Ordering::SeqCst), 0);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let log = Log::default();
    let guard = log.start();
    cache.token(&scopes(&["b"])).await.unwrap();
    drop(guard);
    assert!(store.written.load(Ordering::SeqCst) > 0, "{}", log.text());
}

type Events = BTreeMap<String, (String, String)>;

fn events(tokens: TokenStream, found: &mut Events) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            events(group.stream(), found);
        }
        let [TokenTree::Ident(name), _, _, TokenTree::Ident(level), _, TokenTree::Group(arguments)] =
            &tokens[index..tokens.len().min(index + 6)]
        else {
            continue;
        };
        let level = level.to_string().to_uppercase();
        if name != "tracing" || !["ERROR", "WARN", "INFO", "DEBUG", "TRACE"].contains(&&*level) {
            continue;
        }
        let arguments: Vec<TokenTree> = arguments.stream().into_iter().collect();
        let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(comma) if comma.as_char() == ',');
        let mut arguments: Vec<_> = arguments.split(is_comma).filter(|part| !part.is_empty()).collect();
        let message = arguments.pop().expect("a text");
        let [message] = message else { panic!("the event does not end with a fixed text: {message:?}") };
        let message = syn::parse_str::<syn::LitStr>(&message.to_string()).expect("a fixed text").value();
        assert!(
            !message.contains('{'),
            "the event needs a fixed text, so that it can be found in the log: {message}"
        );
        let name = |field: &&[TokenTree]| {
            let is_equal =
                |token: &TokenTree| matches!(token, TokenTree::Punct(equal) if equal.as_char() == '=');
            let name = field.split(is_equal).next().expect("a name");
            name.iter().map(ToString::to_string).collect::<String>().replace(['"', '%', '?'], "")
        };
        let fields: Vec<String> = arguments.iter().map(name).map(|name| format!("`{name}`")).collect();
        let event = (level, fields.join(", "));
        let before = found.insert(message.clone(), event.clone());
        assert!(before.is_none_or(|before| before == event), "two events have the same text: {message}");
    }
}

#[test]
fn the_guide_lists_each_event_with_its_fields() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Events::new();
    for path in sources(&root.join("src")) {
        let text = fs::read_to_string(&path).expect("readable");
        events(text.parse().expect("Rust"), &mut found);
    }
    assert!(found.len() > 25, "{found:?}");
    let page = fs::read_to_string(root.join("docs/guide/observability.md")).expect("readable");
    let rows =
        page.split("| event | level | fields | when, or what happens next |\n").nth(1).expect("the table");
    let listed: Events = rows
        .lines()
        .skip(1)
        .map_while(|row| row.strip_prefix("| `")?.strip_suffix(" |"))
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let [event, level, fields, _] = cells[..] else { panic!("{row}") };
            (event.trim_end_matches('`').to_owned(), (level.to_owned(), fields.to_owned()))
        })
        .collect();
    let row =
        |(event, (level, fields)): (&String, &(String, String))| format!("`{event}` | {level} | {fields}");
    let (found, listed): (Vec<_>, Vec<_>) =
        (found.iter().map(row).collect(), listed.iter().map(row).collect());
    assert_eq!(listed.join("\n"), found.join("\n"));
    for line in &found {
        let fields = line.rsplit(" | ").next().expect("fields").split(", ").filter(|field| !field.is_empty());
        for field in fields {
            let known = ["`error`", "`error.type`", "`http.response.status_code`"].contains(&field);
            assert!(known || field.starts_with("`fintech_auth."), "{field} is in {line}");
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn failed_call_span_names_the_status_or_the_error_kind() {
    let emulator = emulator().await;
    for (fault, status, error_type) in [
        (Fault::response(StatusCode::SERVICE_UNAVAILABLE), Some(503), "503"),
        (Fault::response(StatusCode::UNPROCESSABLE_ENTITY), Some(422), "422"),
        (Fault::close(), None, "unavailable"),
        (Fault::hang(), None, "timeout"),
    ] {
        let client = emulator.moneykit().with_tokens(plain);
        let client = client.with_http(|http| http.with_timeout(Duration::from_millis(300))).build().unwrap();
        emulator.fault(Operation::MoneykitToken, fault);
        let log = Log::default();
        let guard = log.start();
        client.create_access_token(&[]).await.unwrap_err();
        drop(guard);
        let line = call(&log);
        assert!(line.contains(&format!("error.type={error_type:?}")), "{error_type}: {line}");
        assert!(line.contains(r#"otel.status_code="ERROR""#), "{line}");
        let has_status = line.contains("http.response.status_code=");
        assert_eq!(has_status, status.is_some(), "{line}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn spans_and_events_contain_no_secrets() {
    let emulator = emulator().await;
    let client = emulator.moov().with_tokens(plain).build().unwrap();
    let verifier = WebhookVerifier::new([emulator.moov_webhook_secret()]).unwrap();
    let log = Log::default();
    let guard = log.start();
    let token = client.token(&scopes(&["/accounts.read"])).await.unwrap();
    let marked = r#"{"error":"marked-body","error_description":"marked-text"}"#;
    emulator.fault(Operation::MoovToken, json(422, marked));
    client.token(&scopes(&["/ping.read"])).await.unwrap_err();
    let sent = emulator.moov_webhook("marked-webhook").with_nonce("marked-nonce");
    let sent = sent.with_secret("marked-secret").sign().unwrap();
    let error = verifier.verify(&sent.headers, &sent.body).unwrap_err();
    let _ = fintech_auth::webhook::WebhookResponse::from(error);
    drop(guard);
    let text: String = log.text().lines().filter(|line| line.contains("fintech_auth::")).collect();
    let webhook_secret = emulator.moov_webhook_secret();
    let token = token.to_secret();
    for secret in [&token, &webhook_secret, emulator.moov_credentials().client_secret()] {
        assert!(!text.contains(secret.expose_secret()), "{text}");
    }
    assert!(!text.contains("marked-text") && !text.contains("marked-nonce"), "{text}");
    assert!(!text.contains("marked-webhook") && text.contains("webhook rejected"), "{text}");
}

#[test]
fn label_of_an_error_kind_is_its_name_in_snake_case() {
    let name = |kind: ErrorKind| {
        let debug = format!("{kind:?}");
        let mut name = String::new();
        for c in debug.chars() {
            if c.is_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.push(c.to_ascii_lowercase());
        }
        name
    };
    for kind in [
        ErrorKind::InvalidConfig,
        ErrorKind::Unauthorized,
        ErrorKind::InvalidRequest,
        ErrorKind::RateLimited,
        ErrorKind::Unavailable,
        ErrorKind::Timeout,
        ErrorKind::InvalidResponse,
    ] {
        assert_eq!(kind.as_str(), name(kind));
    }
}
