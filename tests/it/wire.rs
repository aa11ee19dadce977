//! Tests the exact bytes that the clients send, and that the clients can send every operation,
//! parameter and body field in the specs.

use std::collections::{BTreeMap, BTreeSet};

use fintech_auth::{
    emulator::{Emulator, Request},
    moneykit, moov,
    moov::TokenTypeHint as Hint,
};

use crate::{
    digest::Shape,
    support::{emulator, scopes},
    surface::surface,
};

fn written(emulator: &Emulator, request: &Request, secrets: &[&str]) -> String {
    let mut lines = vec![format!("{} {}", request.method, request.path)];
    let mut headers: Vec<String> = request
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or("not text")))
        .filter(|line| !line.starts_with("host: ") && !line.starts_with("content-length: "))
        .collect();
    headers.sort();
    lines.extend(headers);
    let body = String::from_utf8_lossy(&request.body).into_owned();
    if !body.is_empty() {
        lines.extend([String::new(), body]);
    }
    let mut text = lines.join("\n").replace(env!("CARGO_PKG_VERSION"), "<version>");
    let (moneykit, moov) = (emulator.moneykit_credentials(), emulator.moov_credentials());
    for credentials in [moneykit, moov] {
        let (id, secret) = (credentials.client_id(), credentials.client_secret().expose_secret());
        text = text.replace(&basic(id, secret), "<basic>").replace(secret, "<client secret>");
    }
    for secret in secrets {
        text = text.replace(secret, "<token>");
    }
    text
}

fn basic(id: &str, secret: &str) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    BASE64_STANDARD.encode(format!("{id}:{secret}"))
}

#[tokio::test]
async fn moneykit_requests_match_the_snapshot() {
    let emulator = emulator().await;
    let client = |way| emulator.moneykit().with_client_auth(way).build().unwrap();
    let scopes = scopes(&["link_session:create", "institutions:read"]);
    let basic = client(moneykit::ClientAuth::Basic);
    let token = basic.create_access_token(&scopes).await.unwrap().into_body().access_token;
    client(moneykit::ClientAuth::Body).create_access_token(&[]).await.unwrap();
    client(moneykit::ClientAuth::Headers).create_access_token(&[]).await.unwrap();
    basic.introspect(&token).await.unwrap();
    basic.introspect_client().await.unwrap();
    basic.jwks().await.unwrap();
    let requests = emulator.requests();
    let texts: Vec<String> =
        requests.iter().map(|request| written(&emulator, request, &[token.expose_secret()])).collect();
    insta::assert_snapshot!(texts.join("\n\n---\n\n"));
}

#[tokio::test]
async fn moov_requests_match_the_snapshot() {
    let emulator = emulator().await;
    let scopes = scopes(&["/accounts.read", "/accounts/00000000-0000-4000-8000-000000000000/cards.write"]);
    let mut secrets = Vec::new();
    for encoding in [moov::Encoding::Form, moov::Encoding::Json] {
        for way in [moov::ClientAuth::Basic, moov::ClientAuth::Body] {
            let client = emulator.moov().with_encoding(encoding).with_client_auth(way).build().unwrap();
            let token = client.create_access_token(&scopes).await.unwrap().into_body();
            let refresh_token = token.refresh_token.unwrap();
            let new = client.refresh(&refresh_token, &[]).await.unwrap().into_body();
            client.revoke(&new.access_token, Some(Hint::AccessToken)).await.unwrap();
            secrets.extend(
                [refresh_token, new.refresh_token.unwrap()].map(|token| token.expose_secret().to_owned()),
            );
            secrets.push(new.access_token.expose_secret().to_owned());
        }
    }
    let page = emulator.moov().with_origin(emulator.origin()).with_referer(emulator.origin());
    let page = page.with_version("v2026.07.00").build().unwrap();
    page.create_access_token(&scopes).await.unwrap();
    let requests = emulator.requests();
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    let texts: Vec<String> = requests.iter().map(|request| written(&emulator, request, &secrets)).collect();
    insta::assert_snapshot!(texts.join("\n\n---\n\n"));
}

#[tokio::test]
async fn api_version_header_of_the_generated_client_is_not_sent() {
    let emulator = emulator().await;
    emulator.moneykit().build().unwrap().jwks().await.unwrap();
    emulator.moov().build().unwrap().create_access_token(&scopes(&["/ping.read"])).await.unwrap();
    for request in emulator.requests() {
        assert!(!request.headers.contains_key("api-version"), "{request:?}");
    }
}

async fn carried() -> BTreeMap<(String, String), BTreeSet<String>> {
    let emulator = emulator().await;
    for way in [moneykit::ClientAuth::Basic, moneykit::ClientAuth::Body] {
        let client = emulator.moneykit().with_client_auth(way).build().unwrap();
        let token = client.create_access_token(&scopes(&["institutions:read"])).await.unwrap();
        client.introspect(&token.access_token).await.unwrap();
        client.jwks().await.unwrap();
    }
    for encoding in [moov::Encoding::Form, moov::Encoding::Json] {
        for way in [moov::ClientAuth::Basic, moov::ClientAuth::Body] {
            let client = emulator.moov().with_client_auth(way).with_encoding(encoding).with_version("latest");
            let client = client.with_origin(emulator.origin()).with_referer(emulator.origin());
            let client = client.with_client_type(moov::ClientType::Web).build().unwrap();
            let token = client.create_access_token(&scopes(&["/ping.read"])).await.unwrap();
            let refresh_token = token.refresh_token.as_ref().unwrap();
            let token = client.refresh(refresh_token, &scopes(&["/ping.read"])).await.unwrap();
            client.revoke(&token.access_token, Some(Hint::AccessToken)).await.unwrap();
        }
    }
    let mut carried: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for request in emulator.requests() {
        let json = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&request.body);
        let kind = if json.is_ok() { "#json" } else { "" };
        let seen =
            carried.entry((request.method.to_string(), format!("{}{kind}", request.path))).or_default();
        let ours = |name: &&http::HeaderName| {
            !["accept", "content-length", "host", "user-agent"].contains(&name.as_str())
        };
        seen.extend(request.headers.keys().filter(ours).map(|name| name.as_str().replace('-', "_")));
        match json {
            Ok(fields) => seen.extend(fields.into_iter().map(|(name, _)| name)),
            Err(_) => {
                let fields: Vec<(String, String)> = serde_urlencoded::from_bytes(&request.body).unwrap();
                seen.extend(fields.into_iter().map(|(name, _)| name));
            }
        }
    }
    carried
}

#[tokio::test]
async fn every_operation_of_the_specs_can_be_sent() {
    let carried = carried().await;
    for vendor in ["moneykit", "moov"] {
        let surface = surface(vendor);
        for operation in &surface.operations {
            let place = (operation.method.clone(), operation.path.clone());
            let seen = carried
                .get(&place)
                .unwrap_or_else(|| panic!("no method of {vendor}::Client sends {place:?}"));
            let parameters = operation.parameters.iter().filter_map(|parameter| parameter.split(':').next());
            let fields = operation.body.iter().flat_map(|(_, of)| {
                surface.types.iter().filter(move |(name, _)| name == of).flat_map(|(_, shape)| match shape {
                    Shape::Struct(fields) => fields.iter().map(|(name, _)| name.as_str()).collect(),
                    _ => Vec::new(),
                })
            });
            for name in parameters.chain(fields) {
                // The generator splits `MoneyKit-Version` into three words, so the comparison
                // ignores underscores.
                let plain = |name: &str| name.replace('_', "");
                assert!(
                    seen.iter().any(|seen| plain(seen) == plain(name)),
                    "no option of {vendor}::Client sends {name} by {}",
                    operation.name
                );
            }
        }
    }
}
