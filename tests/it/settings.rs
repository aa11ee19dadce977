//! Tests named settings from every format and from the environment.

use std::{fs, path::PathBuf, time::Duration};

use fintech_auth::{Error, ErrorKind, HttpOptions, moneykit, moov, token::TokenOptions};
use serde_json::{Value, json};

use crate::support::emulator;

const MARK: &str = "MARK-0123456789";

/// Each value differs from the default of its setting.
fn samples() -> Vec<(&'static str, Value)> {
    vec![
        ("client_id", json!("id")),
        ("client_secret", json!(MARK)),
        ("client_secret_file", json!("/run/secrets/client")),
        ("credentials_dir", json!("/run/secrets/moov")),
        ("credentials_name", json!("acme-production")),
        ("client_auth", json!("body")),
        ("base_url", json!("https://gateway.example")),
        ("version", json!("v2026.10.00")),
        ("scopes", json!("/accounts.read /ping.read")),
        ("timeout", json!("3s")),
        ("connect_timeout", json!(2.5)),
        ("body_limit", json!(4096)),
        ("root_certificate_file", json!(file("ca.pem", "certificates"))),
        ("client_identity_file", json!(file("identity.pem", MARK))),
        ("proxy", json!(format!("http://user:{MARK}@proxy.internal:3128"))),
        ("allow_http", json!("emulator 10.0.0.7")),
        ("refresh_window", json!("1m")),
        ("expiry_leeway", json!("500ms")),
        ("max_wait", json!(7)),
        ("capacity", json!(10)),
        ("attempts", json!(1)),
        ("rate_limit", json!("10/s")),
        ("rate_limit_share", json!(0.5)),
        ("origin", json!("https://your-domain.com")),
        ("referer", json!("https://your-domain.com")),
        ("client_type", json!("device")),
        ("encoding", json!("json")),
        ("webhook_tolerance", json!("1h")),
        ("webhook_secret", json!(MARK)),
        ("webhook_secret_file", json!("/run/secrets/webhook")),
        ("previous_webhook_secret", json!(MARK)),
        ("previous_webhook_secret_file", json!("/run/secrets/previous")),
    ]
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn moov_of(value: &Value) -> moov::Config {
    serde_json::from_value(value.clone()).expect("a configuration")
}

fn built(mut config: moov::Config) -> String {
    config.client_id.get_or_insert("another".to_owned());
    config.client_secret = Some("secret".into());
    format!("{:?}", config.builder().expect("a builder"))
}

fn file(name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("settings-{name}"));
    fs::write(&path, content).expect("the file is written");
    path
}

#[test]
fn clients_return_their_base_url_without_a_trailing_slash() {
    let url = "http://127.0.0.1:1/moov/";
    let moov = moov::Client::builder(fintech_auth::Credentials::new("id", "secret")).with_base_url(url);
    let moneykit = moneykit::ClientBuilder::for_webhooks(None).with_base_url(url).build().unwrap();
    let blocking = fintech_auth::blocking::moov::Client::new(moov.clone()).unwrap();
    let moov = moov.build().unwrap();
    for shown in [moov.base_url(), moneykit.base_url(), blocking.base_url()] {
        assert_eq!(shown, "http://127.0.0.1:1/moov");
    }
}

#[test]
fn each_setting_has_an_effect() {
    let samples = samples();
    let keys: Vec<&str> = samples.iter().map(|(key, _)| *key).collect();
    assert_eq!(keys, moov::Config::KEYS);
    let unset = built(moov::Config::default());
    for (key, value) in &samples {
        let config = moov_of(&json!({ *key: value }));
        assert_ne!(format!("{config:?}"), format!("{:?}", moov::Config::default()), "{key}");
        let variable = (format!("MOOV_{}", key.to_ascii_uppercase()), text(value));
        let from_vars = moov::Config::from_vars([variable]).expect("the settings are valid");
        assert_eq!(format!("{config:?}"), format!("{from_vars:?}"), "{key}");
        let is_read = key.contains("secret") || *key == "credentials_dir";
        if !is_read && *key != "webhook_tolerance" {
            assert_ne!(built(config), unset, "{key} does not reach the builder");
        }
    }
}

#[test]
fn both_vendors_use_the_same_setting_names() {
    for key in moneykit::Config::KEYS {
        assert!(moov::Config::KEYS.contains(key), "{key}");
    }
    let config: moneykit::Config =
        serde_json::from_value(json!({"client_auth": "headers", "webhook_tolerance": 1})).unwrap();
    assert_eq!(config.client_auth, Some(moneykit::ClientAuth::Headers));
    for (key, value) in samples().into_iter().filter(|(key, _)| moneykit::Config::KEYS.contains(key)) {
        let value = if key == "version" { json!("2025-01-01") } else { value };
        let of = |value: Value| -> moneykit::Config {
            serde_json::from_value(value).expect("the settings are valid")
        };
        let built = |mut config: moneykit::Config| {
            config.client_id.get_or_insert("another".to_owned());
            config.client_secret = Some("secret".into());
            config.client_secret_file = None;
            config.credentials_dir = None;
            format!("{:?}", config.builder().expect("a builder"))
        };
        let is_same = built(of(json!({ key: value }))) == built(moneykit::Config::default());
        assert_eq!(is_same, key.contains("secret") || key == "credentials_dir", "{key}");
    }
}

#[test]
fn every_configuration_format_gives_the_same_settings() {
    #[derive(serde::Deserialize)]
    struct Settings {
        name: String,
        #[serde(flatten)]
        moov: moov::Config,
    }
    let json = json!({"client_id": "id", "scopes": ["/ping.read"], "timeout": 1.5, "origin": null});
    let yaml = "client_id: id\nscopes:\n- /ping.read\ntimeout: 1500ms\norigin:\n";
    let from_yaml: moov::Config = yaml_serde::from_str(yaml).unwrap();
    assert_eq!(format!("{:?}", moov_of(&json)), format!("{from_yaml:?}"));
    let mut flat = json;
    flat["name"] = json!("backend");
    let flat: Settings = serde_json::from_value(flat).unwrap();
    assert_eq!(format!("{:?} {}", flat.moov, flat.name), format!("{from_yaml:?} backend"));
}

#[test]
fn error_for_each_invalid_file_says_what_to_do_and_shows_no_value() {
    let refused: Vec<String> = [
        json!({"client_secrte": MARK}),
        json!({"Client-Id": MARK}),
        json!({"domain": MARK}),
        json!({"a very long key that somebody put there, perhaps a secret by mistake, who knows": MARK}),
        json!({"client_id": 123_456_789}),
        json!({"client_secret": 123_456_789}),
        json!({"client_secret": [MARK]}),
        json!({"client_secret_file": ""}),
        json!({"client_auth": MARK}),
        json!({"client_type": MARK}),
        json!({"encoding": true}),
        json!({"scopes": ["two scopes", MARK]}),
        json!({"scopes": {MARK: MARK}}),
        json!({"timeout": MARK}),
        json!({"timeout": -1}),
        json!({"body_limit": 0.5}),
        json!({"attempts": "three"}),
        json!({"rate_limit": 40}),
        json!({"rate_limit_share": 1.5}),
        json!({"root_certificate_file": ""}),
        json!({"client_identity_file": [MARK]}),
        json!({"proxy": {MARK: MARK}}),
        json!({"proxy": format!(" http://user:{MARK}@proxy")}),
        json!({"allow_http": format!("emulator,{MARK}")}),
        json!({"allow_http": true}),
        json!(MARK),
        json!(123_456_789),
        json!([MARK]),
    ]
    .iter()
    .map(|value| {
        let from_json = serde_json::from_value::<moov::Config>(value.clone()).unwrap_err().to_string();
        let yaml = yaml_serde::to_string(value).unwrap();
        let from_yaml = yaml_serde::from_str::<moov::Config>(&yaml).unwrap_err();
        let from_yaml = format!("{from_yaml} {from_yaml:?}");
        assert!(!from_yaml.contains(MARK) && !from_yaml.contains("123456789"), "{from_yaml}");
        from_json
    })
    .chain([serde_json::from_str::<moov::Config>(r#"{"origin": "a", "origin": "b"}"#)
        .unwrap_err()
        .to_string()])
    .collect();
    let lines = refused.join("\n");
    assert!(!lines.contains(MARK) && !lines.contains("123456789"), "{lines}");
    insta::assert_snapshot!(lines);
}

#[test]
fn error_for_each_invalid_variable_shows_its_name_but_not_its_value() {
    let refused: Vec<String> = [
        ("MOOV_CLIENT_SECRTE", MARK),
        ("MOOV_CLIENT_SECRET_FILES", MARK),
        ("MOOV_CLIENTID", MARK),
        ("MOOV_ORIGINS", MARK),
        ("MOOV_TIMEOUT", MARK),
        ("MOOV_CAPACITY", MARK),
        ("MOOV_RATE_LIMIT", MARK),
        ("MOOV_RATE_LIMIT_SHARE", "0"),
        ("MOOV_ALLOW_HTTP", "emulator,MARK-0123456789"),
        ("MOOV_PROXI", MARK),
        ("MOOV_HTTPS_PROXY", MARK),
        ("MOOV_CLIENT_AUTH", MARK),
        ("MOOV_SCOPES", "\"quoted\""),
    ]
    .into_iter()
    .map(|variable| {
        let error = moov::Config::from_vars([variable]).expect_err(variable.0);
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        error.to_string()
    })
    .collect();
    let lines = refused.join("\n");
    assert!(!lines.contains(MARK), "{lines}");
    insta::assert_snapshot!(lines);
    assert!(moneykit::Config::from_vars([("MONEYKIT_CLIENT_SECRTE", MARK)]).is_err());
}

/// Docker's `--env-file` keeps the quotes of a value. A value from `$(cat file)` or `base64` can
/// contain a line break.
#[test]
fn error_suggests_a_fix_for_a_value_with_quotes_or_whitespace() {
    for (wrong, what) in [
        ("\"MARK-0123456789\"", "quotes"),
        ("'MARK-0123456789'", "quotes"),
        ("\"MARK-0123456789", "quotes"),
        ("MARK-0123456789'", "quotes"),
        (" MARK-0123456789", "white space"),
        ("MARK-0123456789\n", "line break"),
        ("MARK-0123456789\r\n", "line break"),
        ("MARK\n0123456789", "line break"),
        ("\u{feff}MARK-0123456789", "byte order mark"),
        ("MARK\u{200b}0123456789", "invisible"),
    ] {
        for key in
            ["client_id", "client_secret", "client_secret_file", "base_url", "origin", "webhook_secret"]
        {
            let variable = (format!("MOOV_{}", key.to_ascii_uppercase()), wrong);
            let from_vars = moov::Config::from_vars([variable.clone()])
                .expect_err("the settings are invalid")
                .to_string();
            let from_file =
                serde_json::from_value::<moov::Config>(json!({ key: wrong })).unwrap_err().to_string();
            for error in [from_vars.replace(&variable.0, key), from_file] {
                assert!(error.contains(key) && error.contains(what), "{error}");
                assert!(!error.contains("0123456789"), "{error}");
            }
        }
    }
}

#[test]
fn error_suggests_a_fix_for_wrongly_joined_scopes() {
    for wrong in [
        "/a.read,/b.read",
        "/a.read, /b.read",
        "/a.read;/b.read",
        "/a.read+/b.read",
        "/a.read%20/b.read",
        "/a.read/b.read",
        "\"/a.read /b.read\"",
        "'/a.read'",
        "[\"/a.read\"]",
        "/accounts/{accountID}/cards.read",
    ] {
        let error = moov::Config::from_vars([("MOOV_SCOPES", wrong)]).expect_err(wrong).to_string();
        assert!(
            error.starts_with("the environment variable MOOV_SCOPES ") && !error.contains(wrong),
            "{error}"
        );
        let moneykit = moneykit::Config::from_vars([("MONEYKIT_SCOPES", wrong)]);
        assert!(moneykit.is_err(), "{wrong}");
        assert!(serde_json::from_value::<moov::Config>(json!({"scopes": [wrong]})).is_err(), "{wrong}");
    }
    let config = moov::Config::from_vars([("MOOV_SCOPES", " /a.read\n/b.read ")]).unwrap();
    assert_eq!(config.scopes.unwrap().len(), 2);
}

/// In Windows PowerShell, `>` and `Out-File` write UTF-16 with a byte order mark.
#[test]
fn byte_order_mark_is_removed_and_utf_16_is_reported() {
    let secret = |content: &[u8], name: &str| {
        let path = file(name, content);
        moov_of(&json!({"client_id": "id", "client_secret_file": path})).client()
    };
    assert!(secret(b"\xef\xbb\xbfMARK-0123456789\r\n", "bom").is_ok());
    let read = fintech_auth::Secret::from_reader(&b"\xef\xbb\xbfMARK-0123456789\r\n"[..]).unwrap();
    assert_eq!(read.expose_secret(), MARK);
    let le: Vec<u8> = std::iter::once(0xfeff).chain(MARK.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let be: Vec<u8> = std::iter::once(0xfeff).chain(MARK.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    let unmarked: Vec<u8> = MARK.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, content) in [("utf16le", le), ("utf16be", be), ("utf16", unmarked)] {
        let error = secret(&content, name).expect_err(name).to_string();
        assert!(error.contains("UTF-16") && error.contains("client_secret_file"), "{error}");
    }
    for (name, content) in
        [("quoted", "\"MARK-0123456789\"\n"), ("two-lines", "MARK-0123456789\nMARK-0123456789\n")]
    {
        let error = secret(content.as_bytes(), name).expect_err(name).to_string();
        assert!(error.contains("client_secret_file") && !error.contains(MARK), "{error}");
    }
}

#[test]
fn secret_set_in_code_is_checked_like_a_secret_from_a_variable() {
    for wrong in
        ["\u{feff}MARK-0123456789", "\"MARK-0123456789\"", "MARK-0123456789\n", "MARK\u{0}0123456789"]
    {
        let credentials = fintech_auth::Credentials::new("id", wrong);
        let moov = moov::Client::builder(credentials.clone()).build().expect_err(wrong);
        let moneykit = moneykit::Client::builder(credentials).build().expect_err(wrong);
        let webhooks = moov::webhook::WebhookVerifier::new([wrong.into()]).expect_err(wrong);
        for error in [moov, moneykit, webhooks] {
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            assert!(!error.to_string().contains("0123456789"), "{error}");
        }
    }
}

#[test]
fn misspelled_variable_causes_only_a_warning_if_all_settings_are_set() {
    let right =
        [("MOOV_CLIENT_ID", "id"), ("MOOV_CLIENT_SECRET", "secret"), ("MOOV_ORIGIN", "https://a.example")];
    let odd = ["MOOV_CLIENT_ID_2", "MOOV_CLIENT_IDS", "MOOV_ORIGINS", "MOOV_SCOPE", "MOOV_TIMEOUTS"];
    let vars = right.into_iter().chain(odd.map(|name| (name, MARK)));
    let log = crate::support::Log::default();
    let recording = log.start();
    let config = moov::Config::from_vars(vars).expect("the settings are valid");
    drop(recording);
    assert_eq!(log.text().matches("ignoring an environment variable").count(), odd.len(), "{}", log.text());
    assert!(!log.text().contains(MARK), "{}", log.text());
    config.client().expect("the program starts");
    assert_eq!(config.warnings().len(), odd.len(), "{:?}", config.warnings());
    for name in odd {
        assert!(
            config.warnings().iter().any(|warning| warning.contains(&format!("{name} is unknown"))),
            "{name}"
        );
    }
    assert!(!config.warnings().concat().contains(MARK));
    for set in [
        &[("MOOV_CLIENT_ID", "id"), ("MOOV_CLIENT_SECRET_FILE", "/run/secret")][..],
        &[("MOOV_PUBLIC_KEY", "id"), ("MOOV_SECRET_KEY", "secret")],
    ] {
        let odd = [("MOOV_CLIENT_ID_2", MARK), ("MOOV_CLIENT_SECRET_2", MARK)];
        let config = moov::Config::from_vars(set.iter().copied().chain(odd)).expect("the settings are valid");
        assert_eq!(config.warnings().len(), 2, "{:?}", config.warnings());
    }
    for (name, key) in [
        ("MOOV_CLIENT_ID_2", "MOOV_CLIENT_ID?"),
        ("MOOV_BASE_URI", "MOOV_BASE_URL?"),
        ("MOOV_ORIGINS", "MOOV_ORIGIN?"),
        ("MOOV_REFERRER", "MOOV_REFERER?"),
        ("MOOV_PROXYS", "MOOV_PROXY?"),
        ("MOOV_WEBHOOK_SECRETS", "MOOV_WEBHOOK_SECRET?"),
    ] {
        let error = moov::Config::from_vars([(name, MARK)]).expect_err(name).to_string();
        assert!(error.ends_with(key), "{error}");
    }
}

#[test]
fn variable_names_in_vendor_samples_are_not_accepted() {
    const OTHER: &str = "https://other.example";
    for (name, ours) in [
        ("MOOV_URL", "MOOV_BASE_URL"),
        ("MOOV_API_URL", "MOOV_BASE_URL"),
        ("MOOV_HOST", "MOOV_BASE_URL"),
        ("MOOV_SERVER_URL", "MOOV_BASE_URL"),
        ("MOOV_DOMAIN", "MOOV_ORIGIN"),
        ("MOOV_ALLOWED_ORIGIN", "MOOV_ORIGIN"),
        ("MOOV_API_VERSION", "MOOV_VERSION"),
        ("MOOV_API_KEY", "MOOV_CLIENT_ID"),
        ("MOOV_API_SECRET", "MOOV_CLIENT_SECRET"),
    ] {
        let error = moov::Config::from_vars([(name, OTHER)]).expect_err(name).to_string();
        assert!(error.contains(name) && error.contains(ours) && !error.contains(OTHER), "{error}");
        let config = moov::Config::from_vars([(name, OTHER), (ours, "ours")]).expect(name);
        assert_eq!(config.warnings().len(), 1, "{name}");
        let values = [config.base_url, config.origin, config.version, config.client_id];
        assert!(!values.into_iter().flatten().any(|value| value == OTHER), "{name}");
        assert!(
            moov::Config::from_vars([(name, "")]).is_ok(),
            "{name}: an empty variable must count as not set"
        );
    }
    for (name, ours) in [("MONEYKIT_URL", "MONEYKIT_BASE_URL"), ("MONEYKIT_API_VERSION", "MONEYKIT_VERSION")]
    {
        let error = moneykit::Config::from_vars([(name, OTHER)]).expect_err(name).to_string();
        assert!(error.contains(name) && error.contains(ours), "{error}");
        assert!(moneykit::Config::from_vars([(name, OTHER), (ours, "2025-01-01")]).is_ok(), "{name}");
    }
}

#[test]
fn invisible_and_similar_characters_in_unknown_names_are_escaped() {
    let json = json!({ "client_i\u{202e}d\n": "id" });
    let error = serde_json::from_value::<moov::Config>(json).unwrap_err().to_string();
    assert!(error.starts_with(r"unknown key `client_i\u{202e}d\n`"), "{error}");
    // U+0456 looks like an i.
    let json = json!({ "cl\u{456}ent_id": "id" });
    let error = serde_json::from_value::<moneykit::Config>(json).unwrap_err().to_string();
    assert!(error.starts_with(r"unknown key `cl\u{456}ent_id`"), "{error}");
    let from_vars = |name| moov::Config::from_vars([(name, "5s")]);
    let error = from_vars("MOOV_CLIENT_\u{200b}ID").unwrap_err().to_string();
    assert!(error.contains(r"MOOV_CLIENT_\u{200b}ID is unknown"), "{error:?}");
    let config = from_vars("MOOV_TIMEOUT\r").unwrap();
    assert!(config.warnings()[0].contains(r"MOOV_TIMEOUT\r is unknown"), "{:?}", config.warnings());
}

#[test]
fn each_tenant_can_use_its_own_variable_prefix() {
    let vars = [
        ("MOOV_CLIENT_ID", "platform"),
        ("MOOV_CLIENT_SECRET", "secret"),
        ("MOOV_ACME_CLIENT_ID", "acme"),
        ("MOOV_ACME_CLIENT_SECRET", "secret"),
        ("ZENITH_MOOV_CLIENT_ID", "zenith"),
        ("ZENITH_MOOV_HOST", "https://other.example"),
    ];
    let id = |config: moov::Config| (config.client_id.clone().unwrap_or_default(), config.warnings().len());
    assert_eq!(id(moov::Config::from_vars(vars).unwrap()), ("platform".to_owned(), 0));
    for prefix in ["MOOV_ACME", "MOOV_ACME_"] {
        assert_eq!(id(moov::Config::from_vars_with_prefix(prefix, vars).unwrap()), ("acme".to_owned(), 0));
    }
    let error = moov::Config::from_vars_with_prefix("ZENITH_MOOV", vars).unwrap_err().to_string();
    assert!(error.contains("ZENITH_MOOV_HOST") && error.contains("ZENITH_MOOV_BASE_URL"), "{error}");
    let error =
        moov::Config::from_vars_with_prefix("NOBODY", vars).unwrap().client().unwrap_err().to_string();
    assert!(error.contains("NOBODY_CLIENT_ID"), "{error}");
    let vars = vars.into_iter().chain([("MOOV_ACME_CLIENT_TYPE", "web"), ("MOOV_ACME_TIMEOUTS", "5s")]);
    let config = moov::Config::from_vars_with_prefix("MOOV_ACME", vars.clone()).unwrap();
    let expected = "the environment variable MOOV_ACME_TIMEOUTS is unknown; did you mean MOOV_ACME_TIMEOUT?";
    assert_eq!(config.warnings(), [expected]);
    let error = config.client().unwrap_err().to_string();
    assert!(error.contains("set `origin`") && !error.contains("MOOV_"), "{error}");
    for prefix in ["", "_", "A B", "A=", "A\n"] {
        let vars = vars.clone();
        assert!(moov::Config::from_vars_with_prefix(prefix, vars).is_err(), "{prefix:?}");
    }
    assert!(moneykit::Config::from_env_with_prefix("NOBODY_AT_ALL").unwrap().client_id.is_none());
}

#[test]
fn unrelated_variables_are_ignored() {
    let vars = [
        ("MOOV_ACCOUNT_ID", MARK),
        ("MOOV_ENVIRONMENT", "sandbox"),
        ("MOOV_CLIENT_SECRET", ""),
        ("MOOVING_CLIENT_ID", MARK),
        ("PATH", "/bin"),
        ("MOOV_CLIENT_ID", "id"),
    ];
    let config = moov::Config::from_vars(vars).unwrap();
    assert_eq!((config.client_id.as_deref(), config.client_secret.is_none()), (Some("id"), true));
}

#[cfg(unix)]
#[test]
fn non_utf_8_variable_is_rejected_only_if_it_is_a_setting() {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

    let bytes = || OsString::from_vec(vec![0xff]);
    let error = moov::Config::from_vars([("MOOV_CLIENT_ID", bytes())]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the environment variable MOOV_CLIENT_ID must be text, in quotes if it looks like a number"
    );
    assert!(moov::Config::from_vars([("MOOV_ACCOUNT", bytes())]).is_ok());
}

#[test]
fn vendor_sdk_variables_are_accepted_only_if_id_and_secret_are_both_set() {
    let id = |vars: &[(&str, &str)]| {
        let config = moov::Config::from_vars(vars.iter().copied()).expect("the settings are valid");
        config
            .client_id
            .zip(config.client_secret)
            .map(|(id, secret)| format!("{id} {}", secret.expose_secret()))
    };
    let (key, user) = ([("MOOV_PUBLIC_KEY", "a")], [("MOOV_USERNAME", "c")]);
    let (secret, password) = ([("MOOV_SECRET_KEY", "b")], [("MOOV_PASSWORD", "d")]);
    assert_eq!(id(&[key, secret].concat()).as_deref(), Some("a b"));
    assert_eq!(id(&[user, password].concat()).as_deref(), Some("c d"));
    assert_eq!(id(&[key, secret, user, password].concat()).as_deref(), Some("a b"));
    assert_eq!(id(&[key, password].concat()), None);
    let ours = [("MOOV_CLIENT_ID", "x"), ("MOOV_CLIENT_SECRET", "y")];
    assert_eq!(id(&[&ours[..], &key, &secret].concat()).as_deref(), Some("x y"));
    assert_eq!(id(&[&ours[..1], &key, &secret].concat()), None);
}

#[tokio::test]
async fn secret_is_read_from_a_mounted_file() {
    let emulator = emulator().await;
    let credentials = emulator.moov_credentials();
    for end in ["", "\n", "\r\n"] {
        let secret = format!("{}{end}", credentials.client_secret().expose_secret());
        let path = file(&format!("mounted{}", end.len()), secret);
        let vars = [
            ("MOOV_CLIENT_ID", credentials.client_id()),
            ("MOOV_CLIENT_SECRET_FILE", path.to_str().unwrap()),
            ("MOOV_BASE_URL", emulator.url()),
            ("MOOV_SCOPES", "/accounts.read /ping.read"),
        ];
        let client = moov::Config::from_vars(vars).unwrap().client().unwrap();
        assert_eq!(client.default_token().await.unwrap().scope(), Some("/accounts.read /ping.read"));
    }
    let webhook = file("webhook", emulator.moov_webhook_secret().expose_secret());
    let mut config = moov_of(&json!({"previous_webhook_secret_file": webhook, "webhook_secret": "new"}));
    let sent = || emulator.moov_webhook("{}").sign().unwrap();
    config.webhooks().unwrap().verify(&sent().headers, b"{}").unwrap();
    config.previous_webhook_secret_file = None;
    assert!(config.webhooks().unwrap().verify(&sent().headers, b"{}").is_err());
}

#[test]
fn error_for_each_invalid_secret_file_shows_no_content_of_the_file() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let with_file =
        |key: &str, path: PathBuf| json!({"client_id": "id", "client_secret": "secret", key: path});
    let refused = [
        json!({}),
        json!({"client_id": "id"}),
        json!({"client_id": "id", "client_secret": MARK, "client_secret_file": "/run/secrets/x"}),
        json!({"client_id": "id", "client_secret_file": folder.join("settings-not-there")}),
        json!({"client_id": "id", "client_secret_file": folder}),
        json!({"client_id": "id", "client_secret_file": file("empty", "\n")}),
        json!({"client_id": "id", "client_secret_file": file("large", MARK.repeat(2000))}),
        json!({"client_id": "id", "client_secret_file": file("binary", [MARK.as_bytes(), &[0xff]].concat())}),
        json!({"client_id": "id", "client_secret_file": file("lines", format!("{MARK}\n\n"))}),
        with_file("client_identity_file", folder.join("settings-not-there")),
        with_file("client_identity_file", MARK.into()),
        with_file("client_identity_file", file("identity-empty", "")),
        with_file("client_identity_file", file("identity-der", [MARK.as_bytes(), &[0]].concat())),
        with_file("client_identity_file", file("identity-large", MARK.repeat(100_000))),
        with_file("client_identity_file", file("identity-wrong", MARK)),
        with_file("root_certificate_file", folder.clone()),
        with_file("root_certificate_file", file("root-wrong", MARK)),
    ];
    let mut errors: Vec<Error> = refused
        .iter()
        .map(|config| moov_of(config).client().expect_err("the settings are invalid"))
        .collect();
    errors.push(moov_of(&json!({})).webhooks().expect_err("no secret"));
    let lines: Vec<String> = errors
        .iter()
        .map(|error| {
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            let source = std::error::Error::source(error).map(|source| format!("\n    {source}"));
            format!("{error}{}", source.unwrap_or_default())
        })
        .collect();
    let lines = lines.join("\n").replace(folder.to_str().unwrap(), "FOLDER");
    assert!(!lines.contains(MARK), "{lines}");
    insta::assert_snapshot!(lines);
}

#[test]
fn configuration_does_not_show_its_secrets() {
    let all: Value = samples().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let config = moov_of(&all);
    let shown = format!("{config:?} {config:#?}");
    assert!(shown.contains("[redacted]") && !shown.contains(MARK), "{shown}");
}

/// A program may print the configuration before `build` rejects a URL that contains credentials.
#[test]
fn configuration_does_not_show_credentials_in_its_base_url() {
    for url in [
        "https://user:MARK-0123456789@api.example",
        "https://api.example/?key=MARK-0123456789",
        "MARK-0123456789@api",
    ] {
        let settings = json!({"client_id": "id", "client_secret": "secret", "base_url": url});
        let moov = moov_of(&settings);
        let moneykit: moneykit::Config = serde_json::from_value(settings).expect("a configuration");
        let builders = (moov.builder().expect("a builder"), moneykit.builder().expect("a builder"));
        let shown = format!("{moov:?} {moneykit:?} {builders:?}");
        assert!(shown.contains("base_url: Some(") && !shown.contains(MARK), "{shown}");
    }
}

#[test]
fn options_changed_in_code_do_not_reset_other_settings() {
    let settings = json!({
        "client_id": "id", "client_secret": "secret", "timeout": "3s", "body_limit": 4096, "refresh_window": "1m",
        "attempts": 7,
    });
    let changed = |shown: String| {
        for kept in ["timeout: 3s", "body_limit: 4096", "refresh_window: 60s", "attempts: 7"] {
            assert!(shown.contains(kept), "{kept} is not in {shown}");
        }
        for new in ["connect_timeout: 2s", "max_wait: 4s", "cap: 9s"] {
            assert!(shown.contains(new), "{new} is not in {shown}");
        }
    };
    let http = |http: HttpOptions| http.with_connect_timeout(Duration::from_secs(2));
    let tokens = |tokens: TokenOptions| {
        let tokens = tokens.with_max_wait(Duration::from_secs(4));
        tokens.with_retry(|retry| retry.with_cap(Duration::from_secs(9)))
    };
    let moov = moov_of(&settings).builder().unwrap();
    changed(format!("{:?}", moov.with_http(http).with_tokens(tokens)));
    let moneykit: moneykit::Config = serde_json::from_value(settings).unwrap();
    changed(format!("{:?}", moneykit.builder().unwrap().with_http(http).with_tokens(tokens)));
}

#[test]
fn each_option_has_a_configuration_key_or_a_documented_reason_for_none() {
    let read = |path: &str| {
        fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path))
            .expect("the file can be read")
    };
    let config =
        ["src/client/config/mod.rs", "src/moov/config.rs", "src/moneykit/config.rs"].map(read).concat();
    let docs: Vec<&str> = config.lines().filter(|line| line.trim_start().starts_with("///")).collect();
    let docs = docs.join("\n");
    let types = [
        "HttpOptions",
        "RetryPolicy",
        "token::TokenOptions",
        "moov::ClientBuilder",
        "moneykit::ClientBuilder",
    ];
    let (mut seen, api) = (0, read("api.txt"));
    for line in api.lines() {
        let Some(path) = line.strip_prefix("pub fn fintech_auth::") else { continue };
        let Some((owner, name)) = path.split('(').next().and_then(|path| path.rsplit_once("::")) else {
            continue;
        };
        let name = name.split('<').next().unwrap_or(name);
        if types.contains(&owner) && name.starts_with("with_") {
            seen += 1;
            let key = name.trim_start_matches("with_");
            let is_key =
                moov::Config::KEYS.contains(&key) || moov::Config::KEYS.contains(&&*format!("{key}_file"));
            let is_named = docs.contains(&format!("::{name}`]")) || docs.contains(&format!("`{name}`"));
            assert!(is_key || is_named, "{owner}::{name} has no key, and the documentation does not say so");
        }
    }
    assert!(seen > 40, "{seen}");
}
