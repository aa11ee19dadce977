//! Compares the generated API with a snapshot of its digest, and checks that the clients offer
//! every part of the API.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use quote::ToTokens as _;
use serde_json::{Value, json};

use crate::{
    build_script::{bindings, parse},
    digest::Surface,
};

fn spec(vendor: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("specs/{vendor}/openapi.yaml"));
    parse(&fs::read_to_string(path).expect("the spec exists")).expect("the spec is valid YAML")
}

pub(crate) fn surface(vendor: &str) -> Surface {
    Surface::read(&bindings(spec(vendor)).expect("the spec generates"))
}

fn edited(vendor: &str, edit: impl FnOnce(&mut Value)) -> Result<String, String> {
    let mut document = spec(vendor);
    edit(&mut document);
    bindings(document).map(|code| Surface::read(&code).lines())
}

#[test]
fn moneykit_api_digest_matches_the_snapshot() {
    insta::assert_snapshot!("surface_moneykit", surface("moneykit").lines());
}

#[test]
fn moov_api_digest_matches_the_snapshot() {
    insta::assert_snapshot!("surface_moov", surface("moov").lines());
}

#[test]
fn compiled_code_matches_the_code_generated_from_the_specs() {
    assert_eq!(include_str!(concat!(env!("OUT_DIR"), "/moneykit.rs")), bindings(spec("moneykit")).unwrap());
    assert_eq!(include_str!(concat!(env!("OUT_DIR"), "/moov.rs")), bindings(spec("moov")).unwrap());
}

#[test]
fn new_field_changes_the_api_digest() {
    let before = surface("moov").lines();
    let after = edited("moov", |spec| {
        spec["components"]["schemas"]["AuthToken"]["properties"]["issued_at"] = json!({"type": "string"});
    });
    assert!(!before.contains("issued_at"));
    assert!(after.unwrap().contains("type AuthToken.issued_at: Option<String>"));
}

#[test]
fn removed_operation_changes_the_api_digest() {
    let before = surface("moov").lines();
    let after = edited("moov", |spec| {
        spec["paths"].as_object_mut().unwrap().remove("/oauth2/revoke");
    });
    assert!(before.contains("fn revoke_access_token: POST /oauth2/revoke form RevokeTokenRequest -> ()"));
    assert!(!after.unwrap().contains("revoke_access_token"));
}

/// If a response had a closed enum, a new value from the vendor would make the call fail.
#[test]
fn responses_have_no_closed_enums() {
    for vendor in ["moneykit", "moov"] {
        let surface = surface(vendor);
        let mut open: Vec<&str> =
            surface.operations.iter().map(|operation| operation.response.as_str()).collect();
        let mut seen = Vec::new();
        while let Some(next) = open.pop() {
            for (name, shape) in &surface.types {
                if next.contains(name.as_str()) && !seen.contains(&name) {
                    seen.push(name);
                    match shape {
                        crate::digest::Shape::Struct(fields) => {
                            open.extend(fields.iter().map(|(_, of)| of.as_str()))
                        }
                        crate::digest::Shape::Newtype(of) => open.push(of),
                        crate::digest::Shape::Enum(variants) => {
                            assert!(
                                variants.iter().any(|variant| variant.contains("(String)")),
                                "{vendor} {name}"
                            );
                        }
                    }
                }
            }
        }
        assert!(!seen.is_empty());
    }
}

#[test]
fn error_names_the_unsupported_schema_construct() {
    let token =
        |spec: &mut Value, edit: &dyn Fn(&mut Value)| edit(&mut spec["paths"]["/oauth2/token"]["post"]);
    let refusals = [
        edited("moov", |spec| spec["openapi"] = json!("3.1.0")),
        edited("moov", |spec| {
            token(spec, &|post| {
                post["requestBody"]["content"] = json!({"text/csv": {"schema": {"type": "string"}}});
            });
        }),
        edited("moov", |spec| token(spec, &|post| post["operationId"] = json!(null))),
        edited("moov", |spec| token(spec, &|post| post["responses"] = json!({"400": {"description": ""}}))),
        edited("moov", |spec| {
            token(spec, &|post| {
                post["responses"]["201"] = json!({"description": "", "content": {"application/json": {"schema": {"type": "string"}}}});
            });
        }),
        edited("moov", |spec| {
            token(spec, &|post| {
                post["parameters"] = json!([{"name": "x", "in": "cookie", "schema": {"type": "string"}}]);
            });
        }),
        edited("moov", |spec| {
            token(spec, &|post| {
                post["requestBody"]["content"]["application/json"]["schema"] =
                    json!({"$ref": "#/components/schemas/None"});
            });
        }),
        edited("moov", |spec| {
            spec["components"]["schemas"]["AuthToken"]["properties"]["odd"] = json!({"type": "null"});
        }),
        edited("moov", |spec| {
            spec["components"]["schemas"]["AuthToken"]["properties"]["odd"] =
                json!({"type": "array", "items": {"$ref": "#/components/schemas/None"}});
        }),
        bindings(json!(3)),
    ];
    let refusals: Vec<String> =
        refusals.into_iter().map(|refusal| refusal.expect_err("the spec is rejected")).collect();
    insta::assert_snapshot!(refusals.join("\n"));
}

fn public_types(vendor: &str) -> BTreeSet<String> {
    fn names(tree: &syn::UseTree, found: &mut BTreeSet<String>) {
        match tree {
            syn::UseTree::Path(path) => names(&path.tree, found),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| names(tree, found)),
            syn::UseTree::Name(name) => {
                found.insert(name.ident.to_string());
            }
            _ => panic!("neither a name nor a list of names"),
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/{vendor}/types.rs"));
    let file = syn::parse_file(&fs::read_to_string(path).expect("readable")).expect("Rust");
    let mut found = BTreeSet::new();
    for item in file.items {
        if let syn::Item::Use(syn::ItemUse { vis: syn::Visibility::Public(_), tree, .. }) = item {
            names(&tree, &mut found);
        }
    }
    found
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(name)) = members.get("$ref") {
                found.extend(name.rsplit('/').next().map(str::to_owned));
            }
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn only_types_of_responses_and_errors_are_public() {
    for vendor in ["moneykit", "moov"] {
        let spec = spec(vendor);
        let mut expected = BTreeSet::new();
        for item in spec["paths"].as_object().unwrap().values() {
            for operation in item.as_object().unwrap().values() {
                references(&operation["responses"], &mut expected);
            }
        }
        references(&spec["components"]["responses"], &mut expected);
        let Surface { types, operations } = surface(vendor);
        expected.extend(operations.into_iter().map(|operation| operation.response));
        expected.retain(|name| types.iter().any(|(known, _)| known == name));
        expected.remove("ExpiresIn");
        let mut open: Vec<String> = expected.iter().cloned().collect();
        while let Some(name) = open.pop() {
            let (_, shape) = types.iter().find(|(known, _)| *known == name).expect("a type");
            for (other, _) in types.iter().filter(|(other, _)| shape.mentions(other)) {
                if expected.insert(other.clone()) {
                    open.push(other.clone());
                }
            }
        }
        assert_eq!(public_types(vendor), expected, "{vendor}");
    }
}

#[test]
fn types_with_secrets_are_serialized_only_in_requests() {
    for (vendor, secret_requests, secret_responses) in [
        ("moneykit", &["CreateAccessTokenRequest"][..], &["CreateAccessTokenResponse"][..]),
        ("moov", &["AuthTokenRequest", "RevokeTokenRequest"], &["AccessToken", "AuthToken", "RefreshToken"]),
    ] {
        let code = bindings(spec(vendor)).unwrap();
        let derives = derives(&code);
        for name in secret_requests {
            assert!(derives[*name].contains("Serialize"), "{vendor} {name}");
        }
        for name in secret_responses {
            assert!(!derives[*name].contains("Serialize"), "{vendor} {name}: {}", derives[*name]);
            assert!(derives[*name].contains("Deserialize"), "{vendor} {name}");
        }
    }
}

#[test]
fn response_with_a_nested_secret_cannot_be_serialized() {
    let code = bindings({
        let mut spec = spec("moneykit");
        let schemas = &mut spec["components"]["schemas"];
        schemas["Deep"] =
            json!({"type": "object", "properties": {"key": {"type": "string", "format": "password"}}});
        schemas["AppResponse"]["properties"]["keys"] =
            json!({"type": "array", "items": {"$ref": "#/components/schemas/Deep"}});
        spec
    })
    .unwrap();
    let derives = derives(&code);
    for name in ["Deep", "AppResponse", "AppClientResponse"] {
        assert!(!derives[name].contains(" Serialize"), "{name}: {}", derives[name]);
    }
    assert!(derives["JwkSet"].contains(" Serialize"));
}

fn derives(code: &str) -> BTreeMap<String, String> {
    let file = syn::parse_file(code).unwrap();
    let types = file.items.into_iter().filter_map(|item| match item {
        syn::Item::Mod(module) if module.ident == "types" => module.content,
        _ => None,
    });
    let structs = types.flat_map(|(_, items)| items).filter_map(|item| match item {
        syn::Item::Struct(item) => Some(item),
        _ => None,
    });
    let derives = |item: &syn::ItemStruct| {
        let attributes = item.attrs.iter().filter(|attribute| attribute.path().is_ident("derive"));
        attributes.map(|derive| derive.to_token_stream().to_string()).collect::<String>()
    };
    structs.map(|item| (item.ident.to_string(), derives(&item))).collect()
}

#[test]
fn only_one_type_is_named_scope() {
    let api = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/api.txt"))
        .expect("the file can be read");
    let types = api.lines().filter_map(|line| {
        let line = line.strip_prefix("#[non_exhaustive] ").unwrap_or(line);
        let (kind, path) = line.strip_prefix("pub ")?.split_once(' ')?;
        let path = path.split(['(', '<']).next()?;
        (matches!(kind, "struct" | "enum" | "trait") && path.ends_with("::Scope")).then_some(path)
    });
    assert_eq!(types.collect::<Vec<_>>(), ["fintech_auth::token::Scope", "fintech_auth::Scope"]);
}
