//! Guards what is generated: its digest is a snapshot, and every part of it is offered by a client.

use std::{fs, path::Path};

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

/// The digest after an edit of the spec.
fn edited(vendor: &str, edit: impl FnOnce(&mut Value)) -> Result<String, String> {
    let mut document = spec(vendor);
    edit(&mut document);
    bindings(document).map(|code| Surface::read(&code).lines())
}

#[test]
fn the_surface_of_moneykit_is_as_reviewed() {
    insta::assert_snapshot!("surface_moneykit", surface("moneykit").lines());
}

#[test]
fn the_surface_of_moov_is_as_reviewed() {
    insta::assert_snapshot!("surface_moov", surface("moov").lines());
}

/// The digest is taken from what the build script generates now; this holds that to what was compiled.
#[test]
fn what_was_compiled_is_what_the_specs_generate() {
    assert_eq!(include_str!(concat!(env!("OUT_DIR"), "/moneykit.rs")), bindings(spec("moneykit")).unwrap());
    assert_eq!(include_str!(concat!(env!("OUT_DIR"), "/moov.rs")), bindings(spec("moov")).unwrap());
}

#[test]
fn a_new_field_shows_in_the_digest() {
    let before = surface("moov").lines();
    let after = edited("moov", |spec| {
        spec["components"]["schemas"]["AuthToken"]["properties"]["issued_at"] = json!({"type": "string"});
    });
    assert!(!before.contains("issued_at"));
    assert!(after.unwrap().contains("type AuthToken.issued_at: Option<String>"));
}

#[test]
fn a_removed_operation_shows_in_the_digest() {
    let before = surface("moov").lines();
    let after = edited("moov", |spec| {
        spec["paths"].as_object_mut().unwrap().remove("/oauth2/revoke");
    });
    assert!(before.contains("fn revoke_access_token: POST /oauth2/revoke form RevokeTokenRequest -> ()"));
    assert!(!after.unwrap().contains("revoke_access_token"));
}

/// A closed enum in a response turns a new value of the vendor's into a failed login.
#[test]
fn no_response_has_a_closed_enum() {
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
fn what_cannot_be_digested_is_refused_by_name() {
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
        refusals.into_iter().map(|refusal| refusal.expect_err("it is refused")).collect();
    insta::assert_snapshot!(refusals.join("\n"));
}
