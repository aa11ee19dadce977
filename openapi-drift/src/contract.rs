//! Checks the version, the references, the operation ids, and the lists `enum` and `required` of a
//! contract (`openapi.yaml`).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::overlay::duplicates;
use crate::problems::{Problems, Result};
use crate::reference::{operations, references};
use crate::shape::DOCUMENT;
use crate::slice::require_3_0;

pub(crate) fn check(name: &str, document: &Value) -> Result<()> {
    require_3_0(name, document)?;
    let mut problems = Problems::default();

    for reference in references(document, &DOCUMENT, "") {
        if reference.component(document).is_none() {
            problems.push(format!("{name}: {}", reference.message(document)));
            if problems.is_plenty() {
                break;
            }
        }
    }

    let mut ids = BTreeMap::new();
    for (method, path, operation) in operations(document) {
        let label = format!("{} {path}", method.to_uppercase());
        let Some(id) = operation["operationId"].as_str() else {
            problems.push(format!("{name}: {label} has no operationId"));
            continue;
        };
        if let Some(first) = ids.insert(id, label.clone()) {
            problems.push(format!("{name}: {first} and {label} have the same operationId, {id}"));
        }
    }

    for (at, item) in duplicates(document) {
        if at.ends_with("/enum") || at.ends_with("/required") {
            problems.push(format!("{name}: at {at}: {item} is listed twice"));
        }
    }
    problems.or(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture;

    fn message(document: &Value) -> String {
        let checked = check("it.yaml", document);
        checked.err().map(|problems| problems.to_string()).unwrap_or_default()
    }

    #[test]
    fn valid_contract_passes() {
        assert_eq!(message(&fixture::document()), "");
    }

    #[test]
    fn dangling_reference_is_rejected() {
        let document = fixture::edited("    Kind:", "    Kinds:");
        insta::assert_snapshot!(message(&document), @"it.yaml: /components/schemas/Loan/properties/kind refers to #/components/schemas/Kind, which does not exist");
    }

    #[test]
    fn missing_or_duplicate_operation_id_is_rejected() {
        insta::assert_snapshot!(message(&fixture::edited("endLoan", "openLoan")), @"it.yaml: POST /loans and POST /loans/{id}/end have the same operationId, openLoan");
        let document = fixture::edited("operationId: endLoan", "deprecated: true");
        insta::assert_snapshot!(message(&document), @"it.yaml: POST /loans/{id}/end has no operationId");
    }

    #[test]
    fn duplicate_item_is_rejected() {
        let mut document = fixture::document();
        document["components"]["schemas"]["Kind"]["enum"] = json!(["long", "short", "long"]);
        document["components"]["schemas"]["Loan"]["default"] = json!({ "enum": [1, 1] });
        insta::assert_snapshot!(message(&document), @r#"it.yaml: at /components/schemas/Kind/enum: "long" is listed twice"#);
    }

    #[test]
    fn openapi_version_3_1_is_rejected() {
        let document = fixture::edited("openapi: 3.0.1", "openapi: 3.1.0");
        insta::assert_snapshot!(message(&document), @"it.yaml: OpenAPI 3.1.0; only 3.0.x is supported");
    }
}
