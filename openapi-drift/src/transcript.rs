//! Checks an API description that was transcribed by hand. The description must have exactly the
//! operations that `source.toml` lists, and each operation and schema must have an `x-source`.

use serde_json::Value;

use crate::problems::{Problems, Result};
use crate::reference::operations;
use crate::shape::join;
use crate::slice::{find, require_3_0};
use crate::source::Operation;

pub(crate) fn check(name: &str, document: &Value, kept: &[Operation]) -> Result<()> {
    require_3_0(name, document)?;
    let mut problems = Problems::default();
    for operation in kept {
        if let Err(problem) = find(name, document, operation) {
            problems.extend(problem);
        }
    }
    for (method, path, operation) in operations(document) {
        let label = format!("{} {path}", method.to_uppercase());
        if !kept.iter().any(|kept| kept.label() == label) {
            problems.push(format!("{name}: {label} is not listed in source.toml"));
        }
        if !has_source(operation) {
            problems.push(format!("{name}: {label} has no x-source"));
        }
    }
    let schemas = document["components"]["schemas"].as_object();
    for (schema, _) in schemas.into_iter().flatten().filter(|(_, schema)| !has_source(schema)) {
        let at = join("/components/schemas", schema);
        problems.push(format!("{name}: {at} has no x-source"));
    }
    problems.or(())
}

fn has_source(value: &Value) -> bool {
    value["x-source"].as_str().is_some_and(|source| !source.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture;

    fn transcript() -> Value {
        json!({
            "openapi": "3.0.3",
            "paths": { "/loans/{id}/end": {
                "post": { "operationId": "endLoan", "x-source": "a talk at the desk" },
            } },
            "components": { "schemas": { "Loan": { "x-source": "a receipt" } } },
        })
    }

    fn message(document: &Value) -> String {
        let kept = &fixture::kept()[1..];
        check("it.yaml", document, kept).err().map(|problems| problems.to_string()).unwrap_or_default()
    }

    #[test]
    fn transcript_is_valid_if_every_fact_has_a_source() {
        assert_eq!(message(&transcript()), "");
    }

    #[test]
    fn operation_or_schema_without_a_source_is_rejected() {
        let mut document = transcript();
        document["components"]["schemas"]["Loan"]["x-source"] = json!(" ");
        document["paths"]["/loans/{id}/end"]["post"]["x-source"] = json!(null);
        insta::assert_snapshot!(message(&document), @"
        it.yaml: POST /loans/{id}/end has no x-source
        it.yaml: /components/schemas/Loan has no x-source
        ");
    }

    #[test]
    fn transcript_must_have_exactly_the_operations_in_source_toml() {
        let mut document = transcript();
        let moved = document["paths"]["/loans/{id}/end"].take();
        document["paths"] = json!({ "/ends": moved });
        insta::assert_snapshot!(message(&document), @"
        it.yaml: no POST /loans/{id}/end (endLoan); endLoan is at POST /ends
        it.yaml: POST /ends is not listed in source.toml
        ");
    }
}
