//! Extracts the operations that `source.toml` lists, and the components to which these operations
//! refer.

use serde_json::{Map, Value, json};

use crate::cycle::cycles;
use crate::document::version;
use crate::problems::{Problems, Result};
use crate::reference::{keys, operations, references};
use crate::shape::{self, is_method, join};
use crate::source::Operation;

#[derive(Debug)]
pub(crate) struct Slice {
    pub(crate) document: Value,
    pub(crate) renames: Vec<(String, String)>,
    pub(crate) mismatches: Vec<Mismatch>,
}

/// An operation that is missing from the document, or whose id is not listed in `source.toml`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    /// JSON pointer.
    pub(crate) at: String,
    pub(crate) message: String,
    pub(crate) is_renamed: bool,
}

pub(crate) fn slice(name: &str, document: &Value, wanted: &[Operation]) -> Result<Slice> {
    require_3_0(name, document)?;
    let mut problems = Problems::default();
    let mut renames = Vec::new();
    let mut mismatches = Vec::new();
    let mut paths = Map::new();
    for operation in wanted {
        let there = at(document, operation);
        if let Err(problem) = find(name, document, operation) {
            let path = join("/paths", &operation.path);
            mismatches.push(Mismatch {
                at: if there.is_some() { join(&path, &operation.method) } else { path },
                message: problem.to_string(),
                is_renamed: there.is_some(),
            });
        } else if let Some(former) = there.and_then(|(_, found)| found["operationId"].as_str())
            && former != operation.id
        {
            renames.push((former.to_owned(), operation.id.clone()));
        }
        if let Some((item, found)) = there {
            let kept = paths.entry(&operation.path).or_insert_with(|| shared_by_methods(item));
            kept[&operation.method] = found.clone();
            kept[&operation.method]["operationId"] = json!(operation.id);
        }
    }

    let mut sliced = json!({ "paths": paths });
    for key in ["openapi", "info", "servers", "security"] {
        if let Some(value) = document.get(key) {
            sliced[key] = value.clone();
        }
    }
    match components(name, document, &sliced) {
        Ok(components) => {
            sliced["components"] = components;
            for cycle in cycles(&sliced) {
                problems.push(format!("{name}: {cycle}"));
            }
        }
        Err(dangling) => problems.extend(dangling),
    }
    if !problems.is_empty() {
        let mut all = Problems::default();
        mismatches.into_iter().for_each(|mismatch| all.push(mismatch.message));
        all.extend(problems);
        return Err(all);
    }
    Ok(Slice { document: sliced, renames, mismatches })
}

pub(crate) fn require_3_0(name: &str, document: &Value) -> Result<()> {
    match version(document).as_deref() {
        Some(version) if version.starts_with("3.0.") => Ok(()),
        Some("3.0") => {
            Err(format!("{name}: `openapi` must be a complete version as text, such as '3.0.3'").into())
        }
        Some(version) => Err(format!("{name}: OpenAPI {version}; only 3.0.x is supported").into()),
        None if document.get("openapi").is_some() => {
            Err(format!("{name}: not an OpenAPI 3 document: `openapi` is not a version").into())
        }
        None => Err(format!("{name}: not an OpenAPI 3 document: it has no `openapi`").into()),
    }
}

fn at<'v>(document: &'v Value, wanted: &Operation) -> Option<(&'v Value, &'v Value)> {
    let item = &document["paths"][&wanted.path];
    let found = item.get(&wanted.method).filter(|found| found.is_object())?;
    Some((item, found))
}

pub(crate) fn find<'v>(
    name: &str,
    document: &'v Value,
    wanted: &Operation,
) -> Result<(&'v Value, &'v Value)> {
    let label = wanted.label();
    let item = &document["paths"][&wanted.path];
    if let Some((item, found)) = at(document, wanted) {
        return match found["operationId"].as_str() {
            Some(id) if !wanted.is_called(id) => Err(format!(
                "{name}: {label} has the id {id}, not {}; if it was renamed, add that id to `formerly` in source.toml",
                wanted.names(),
            )
            .into()),
            _ => Ok((item, found)),
        };
    }
    let elsewhere = operations(document)
        .find(|(_, _, operation)| operation["operationId"].as_str().is_some_and(|id| wanted.is_called(id)));
    let nearby = if let Some((method, path, operation)) = elsewhere {
        let id = operation["operationId"].as_str().unwrap_or_default();
        format!("{id} is at {} {path}", method.to_uppercase())
    } else if let Some(target) = item["$ref"].as_str() {
        format!("the path only refers to {target}, which is not supported in OpenAPI 3.0")
    } else if item.is_object() {
        let here = operations(document).filter(|(_, path, _)| *path == wanted.path);
        let methods: Vec<String> = here.map(|(method, ..)| method.to_uppercase()).collect();
        format!("the path has only {}", methods.join(", "))
    } else {
        paths_near(document, &wanted.path)
    };
    Err(format!("{name}: no {label} ({}); {nearby}", wanted.id).into())
}

fn paths_near(document: &Value, wanted: &str) -> String {
    let top = wanted.split('/').nth(1).unwrap_or_default();
    let mut siblings = keys(document.get("paths"));
    siblings.retain(|path| path.split('/').nth(1) == Some(top));
    siblings.truncate(12);
    if !siblings.is_empty() {
        return format!("the paths under /{top} are: {}", siblings.join(", "));
    }
    format!("there are no paths under /{top}")
}

fn shared_by_methods(item: &Value) -> Value {
    let fields = item.as_object().into_iter().flatten();
    fields.filter(|(key, _)| !is_method(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn components(name: &str, document: &Value, sliced: &Value) -> Result<Value> {
    let mut problems = Problems::default();
    let mut kept = json!({});
    let mut open = references(sliced, &shape::DOCUMENT, "");
    while let Some(reference) = open.pop() {
        let Some((kind, component)) = reference.component(document) else {
            problems.push(format!("{name}: {}", reference.message(document)));
            if problems.is_plenty() {
                break;
            }
            continue;
        };
        if kept[&kind].get(&component).is_some() {
            continue;
        }
        let value = &document["components"][&kind][&component];
        let shape = shape::COMPONENTS.under(&kind).under(&component);
        let pointer = join(&join("/components", &kind), &component);
        open.extend(references(value, shape, &pointer));
        kept[kind][component] = value.clone();
    }
    problems.or(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, edited, kept};

    fn message(document: &Value) -> String {
        match slice("library.yaml", document, &kept()) {
            Err(problems) => problems.to_string(),
            Ok(slice) => {
                let messages: Vec<String> = slice.mismatches.into_iter().map(|it| it.message).collect();
                messages.join("\n")
            }
        }
    }

    #[test]
    fn slice_contains_only_the_parts_that_its_operations_use() {
        let slice = slice("library.yaml", &fixture::document(), &kept()).unwrap().document;
        assert_eq!(keys(slice.get("paths")), ["/loans", "/loans/{id}/end"]);
        assert_eq!(keys(Some(&slice["paths"]["/loans"])), ["parameters", "post"]);
        let components = &slice["components"];
        assert_eq!(keys(Some(&components["parameters"])), ["Branch"]);
        assert_eq!(keys(Some(&components["schemas"])), ["Kind", "Loan", "LoanRequest"]);
        assert_eq!(keys(Some(&components["securitySchemes"])), ["Card", "Desk"]);
        for key in ["openapi", "info", "servers", "security"] {
            assert_eq!(slice[key], fixture::document()[key]);
        }
    }

    #[test]
    fn slicing_is_idempotent() {
        let once = slice("library.yaml", &fixture::document(), &kept()).unwrap().document;
        let twice = slice("library.yaml", &once, &kept()).unwrap();
        assert_eq!(twice.document, once);
        assert!(twice.renames.is_empty());
    }

    #[test]
    fn listed_rename_is_applied_to_the_operation_id() {
        let slice = slice("library.yaml", &fixture::document(), &kept()).unwrap();
        assert_eq!(slice.document["paths"]["/loans"]["post"]["operationId"], "createLoan");
        assert_eq!(slice.renames, [("openLoan".to_owned(), "createLoan".to_owned())]);
    }

    #[test]
    fn unlisted_rename_is_rejected() {
        let document = edited("openLoan", "startLoan");
        insta::assert_snapshot!(message(&document), @"library.yaml: POST /loans has the id startLoan, not createLoan (formerly openLoan); if it was renamed, add that id to `formerly` in source.toml");
    }

    #[test]
    fn missing_path_is_reported_with_similar_paths() {
        let document = edited("  /loans/{id}/end:", "  /loans/{id}/stop:");
        let document = document.to_string().replace("endLoan", "stopLoan");
        let document = fixture::read(&document);
        insta::assert_snapshot!(message(&document), @"library.yaml: no POST /loans/{id}/end (endLoan); the paths under /loans are: /loans, /loans/{id}/stop");
        let mut document = fixture::document();
        document["paths"] = json!({ "/loan": {} });
        insta::assert_snapshot!(message(&document), @"
        library.yaml: no POST /loans (createLoan); there are no paths under /loans
        library.yaml: no POST /loans/{id}/end (endLoan); there are no paths under /loans
        ");
        document["paths"] = json!({});
        insta::assert_snapshot!(message(&document), @"
        library.yaml: no POST /loans (createLoan); there are no paths under /loans
        library.yaml: no POST /loans/{id}/end (endLoan); there are no paths under /loans
        ");
    }

    #[test]
    fn moved_operation_is_found_by_its_id() {
        let document = edited("  /loans:", "  /lending:");
        insta::assert_snapshot!(message(&document), @"library.yaml: no POST /loans (createLoan); openLoan is at POST /lending");
    }

    #[test]
    fn missing_method_is_reported_with_the_existing_methods() {
        let mut document = fixture::document();
        document["paths"]["/loans"] = json!({ "get": {}, "put": {} });
        insta::assert_snapshot!(message(&document), @"library.yaml: no POST /loans (createLoan); the path has only GET, PUT");
    }

    #[test]
    fn dangling_reference_is_reported_with_its_location_and_similar_names() {
        let document = edited("    LoanRequest:", "    LoanRequests:");
        insta::assert_snapshot!(message(&document), @"library.yaml: /paths/~1loans/post/requestBody/content/application~1json/schema refers to #/components/schemas/LoanRequest, which does not exist");
        let document = edited("    Kind:", "    Sort:");
        insta::assert_snapshot!(message(&document), @"library.yaml: /components/schemas/Loan/properties/kind refers to #/components/schemas/Kind, which does not exist");
        let document = edited("- Desk: []", "- Desks: []");
        insta::assert_snapshot!(message(&document), @"library.yaml: /paths/~1loans~1{id}~1end/post/security/0 refers to #/components/securitySchemes/Desks, which does not exist");
        let document = edited("'#/components/schemas/Kind'", "'../kinds.yaml#/Kind'");
        insta::assert_snapshot!(message(&document), @"library.yaml: /components/schemas/Loan/properties/kind refers to ../kinds.yaml#/Kind, which is outside the document");
        let document = edited("'#/components/schemas/Kind'", "'#/paths/~1loans'");
        insta::assert_snapshot!(message(&document), @"library.yaml: /components/schemas/Loan/properties/kind refers to #/paths/~1loans, which is not below #/components");
    }

    #[test]
    fn reference_to_another_component_kind_is_rejected() {
        let misplaced =
            |to: &str| edited("'#/components/parameters/Branch'", &format!("'#/components/{to}'"));
        insta::assert_snapshot!(message(&misplaced("schemas/Loan")), @"library.yaml: /paths/~1loans/parameters/0 refers to #/components/schemas/Loan, which is a schema, not a parameter");
        insta::assert_snapshot!(message(&misplaced("parameters/Branch/schema")), @"library.yaml: /paths/~1loans/parameters/0 refers to #/components/parameters/Branch/schema, which is a schema, not a parameter");
        insta::assert_snapshot!(message(&misplaced("parameters")), @"library.yaml: /paths/~1loans/parameters/0 refers to #/components/parameters, which is not a parameter");
        let mut document = fixture::document();
        document["components"]["parameters"]["Loans"] = json!({ "in": "query", "name": "a" });
        document["paths"]["/loans"]["post"]["parameters"] = json!([{ "$ref": "#/components/schemas/Loan" }]);
        insta::assert_snapshot!(message(&document), @"library.yaml: /paths/~1loans/post/parameters/0 refers to #/components/schemas/Loan, which is a schema, not a parameter");
        document["paths"]["/loans"]["post"]["parameters"] = json!([{ "$ref": 7 }]);
        insta::assert_snapshot!(message(&document), @"library.yaml: /paths/~1loans/post/parameters/0 has a $ref that is not a string");
        let document = edited("'#/components/schemas/Kind'", "'#/components/parameters/Branch/schema'");
        assert!(slice("library.yaml", &document, &kept()).is_ok());
    }

    #[test]
    fn path_that_is_only_a_reference_is_reported() {
        let mut document = fixture::document();
        document["paths"]["/loans"] = json!({ "$ref": "#/paths/~1loans" });
        insta::assert_snapshot!(message(&document), @"library.yaml: no POST /loans (createLoan); the path only refers to #/paths/~1loans, which is not supported in OpenAPI 3.0");
    }

    #[test]
    fn slice_contains_schemas_named_in_a_discriminator_mapping() {
        let mut document = fixture::document();
        document["components"]["schemas"]["Kind"] = json!({ "discriminator": {
            "mapping": { "book": "Book", "loan": "#/components/schemas/Loan" },
            "propertyName": "kind",
        } });
        let slice = slice("library.yaml", &document, &kept()).unwrap().document;
        assert!(slice["components"]["schemas"]["Book"].is_object());
    }

    #[test]
    fn unsupported_openapi_version_is_rejected() {
        let document = edited("openapi: 3.0.1", "openapi: 3.1.0");
        assert_eq!(message(&document), "library.yaml: OpenAPI 3.1.0; only 3.0.x is supported");
        assert!(message(&json!({ "swagger": "2.0" })).contains("no `openapi`"));
        assert!(message(&json!({ "openapi": ["3.0.3"] })).contains("`openapi` is not a version"));
        assert!(message(&json!({ "openapi": 3.0 })).contains("must be a complete version"));
    }

    #[test]
    fn all_missing_parts_are_reported_in_one_error() {
        let mut document = fixture::document();
        document["paths"] = json!({ "/x": 1 });
        document["components"] = json!(null);
        insta::assert_snapshot!(message(&document), @"
        library.yaml: no POST /loans (createLoan); there are no paths under /loans
        library.yaml: no POST /loans/{id}/end (endLoan); there are no paths under /loans
        library.yaml: /security/0 refers to #/components/securitySchemes/Card, which does not exist
        ");
    }
}
