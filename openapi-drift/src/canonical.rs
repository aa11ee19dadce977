//! Converts an OpenAPI document to canonical form. Removes the prose (descriptions, titles,
//! examples and so on) from a vendor's document, because the vendor holds the copyright on the
//! prose.

use serde_json::{Value, json};

use crate::shape::{self, Shape, is_schema_keyword};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Facts,
    /// Removes all prose except `x-source`. Used for documents that we transcribed by hand.
    SourcedFacts,
    /// Keeps everything. Used for contracts (`openapi.yaml`), because we wrote their prose.
    Contract,
}

pub(crate) const PROSE: [&str; 7] =
    ["description", "example", "examples", "externalDocs", "summary", "tags", "title"];

/// `security`, `schema` and `scopes` are not in this list, because an empty value of these keywords
/// has its own meaning.
const OMITTED_WHEN_EMPTY: [&str; 7] =
    ["callbacks", "encoding", "headers", "links", "parameters", "properties", "variables"];

pub(crate) fn canonical(document: Value, form: Form) -> Value {
    let mut document = canonicalize(document, &shape::DOCUMENT, form);
    document.sort_all_objects();
    document
}

fn canonicalize(value: Value, shape: &'static Shape, form: Form) -> Value {
    match value {
        Value::Object(map) => {
            let can_omit = form != Form::Contract && shape.has_keywords();
            let mut entries: Vec<_> = map
                .into_iter()
                .filter(|(key, _)| keeps(shape, key, form))
                .map(|(key, value)| {
                    let mut value = canonicalize(value, shape.under(&key), form);
                    if shape.is("flow") && key == "scopes" && form != Form::Contract {
                        value.as_object_mut().into_iter().flatten().for_each(|(_, text)| *text = "".into());
                    }
                    if shape.has_keywords() && matches!(key.as_str(), "enum" | "required") {
                        sort(&mut value);
                    }
                    (key, value)
                })
                .filter(|(key, value)| {
                    !(can_omit && is_empty(value) && OMITTED_WHEN_EMPTY.contains(&key.as_str()))
                })
                .collect();
            let is_reference = entries.iter().any(|(key, _)| key == "$ref");
            if shape.is("response") && form != Form::Contract && !is_reference {
                // OpenAPI requires a description, but the description may be empty.
                entries.push(("description".into(), "".into()));
            }
            entries.into_iter().collect()
        }
        Value::Array(list) => list.into_iter().map(|item| canonicalize(item, shape.items(), form)).collect(),
        scalar => scalar,
    }
}

pub(crate) fn keeps(shape: &Shape, key: &str, form: Form) -> bool {
    let is_extension = key.starts_with("x-") && !(form == Form::SourcedFacts && key == "x-source");
    match shape {
        _ if form == Form::Contract => true,
        // OpenAPI requires the title of the API.
        Shape::Object { name: "info", .. } if key == "title" => true,
        Shape::Object { name: "info", .. } if key == "termsOfService" => false,
        // Remove keywords that OpenAPI does not define, because their values may be the vendor's
        // prose.
        Shape::Object { name: "schema", .. } if !is_schema_keyword(key) => {
            form == Form::SourcedFacts && key == "x-source"
        }
        Shape::Object { .. } => !is_extension && !PROSE.contains(&key),
        Shape::Patterned(_) => !is_extension,
        _ => true,
    }
}

pub(crate) fn is_empty(value: &Value) -> bool {
    *value == json!({}) || *value == json!([])
}

fn sort(list: &mut Value) {
    if let Value::Array(list) = list {
        list.sort_by_cached_key(|item| match item {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn schema(schema: Value, form: Form) -> Value {
        let document = json!({ "components": { "schemas": { "It": schema } } });
        canonical(document, form)["components"]["schemas"]["It"].clone()
    }

    #[test]
    fn descriptions_are_removed_but_properties_named_description_are_not() {
        let given = json!({
            "title": "It",
            "description": "A thing.",
            "example": { "description": "one" },
            "externalDocs": { "url": "https://example.org" },
            "x-go-name": "It",
            "required": ["title", "description", "example"],
            "properties": {
                "title": { "type": "string", "title": "Title" },
                "description": { "type": "string", "description": "Words." },
                "example": { "type": "string" },
                "x-mark": { "type": "string", "x-mark": true },
                "tags": { "items": { "summary": "A tag.", "type": "string" }, "type": "array" },
                "enum": { "required": ["b", "a"], "type": "object" },
            },
        });
        let expected = json!({
            "required": ["description", "example", "title"],
            "properties": {
                "title": { "type": "string" },
                "description": { "type": "string" },
                "example": { "type": "string" },
                "x-mark": { "type": "string" },
                "tags": { "items": { "type": "string" }, "type": "array" },
                "enum": { "required": ["a", "b"], "type": "object" },
            },
        });
        assert_eq!(schema(given, Form::Facts), expected);
    }

    #[test]
    fn default_value_is_not_treated_as_a_schema() {
        let given = json!({ "default": { "title": "a", "enum": [2, 1], "x-a": 1, "headers": {} } });
        assert_eq!(schema(given.clone(), Form::Facts), given);
    }

    #[test]
    fn map_entries_named_title_or_description_are_not_removed() {
        let document = json!({
            "openapi": "3.0.0",
            "info": { "title": "A name", "description": "A sentence.", "version": "1" },
            "components": {
                "schemas": { "title": {} },
                "responses": { "x-summary": { "description": "" } },
                "parameters": { "tags": { "in": "query", "name": "tags" } },
                "headers": { "example": { "schema": {} } },
                "securitySchemes": { "description": { "flows": { "password": {
                    "scopes": { "description": "Read.", "x-read": "Read." }, "tokenUrl": "/" } } } },
            },
            "paths": { "/": { "get": { "callbacks": { "title": { "/back": { "post": {} } } },
                "responses": { "200": {
                    "content": { "example": { "encoding": { "title": { "style": "form" } } } },
                    "description": "",
                    "headers": { "x-request-id": { "schema": {} } },
                    "links": { "description": { "parameters": { "title": "$request.query.a" } } },
                } } } } },
        });
        let mut expected = document.clone();
        expected["info"] = json!({ "title": "A name", "version": "1" });
        let scopes = "/components/securitySchemes/description/flows/password/scopes";
        *expected.pointer_mut(scopes).unwrap() = json!({ "description": "", "x-read": "" });
        assert_eq!(canonical(document, Form::Facts), expected);
    }

    #[test]
    fn response_description_is_emptied_but_a_reference_to_a_response_is_kept() {
        let document = json!({ "paths": { "/": { "get": { "responses": {
            "200": { "description": "Fine." },
            "404": { "$ref": "#/components/responses/404" },
            "x-other": {},
        } } } } });
        let expected = json!({
            "200": { "description": "" },
            "404": { "$ref": "#/components/responses/404" },
        });
        let facts = canonical(document, Form::Facts);
        assert_eq!(facts["paths"]["/"]["get"]["responses"], expected);
    }

    #[test]
    fn empty_parameters_list_is_removed_but_empty_security_list_is_not() {
        let document = json!({ "paths": { "/": { "get": {
            "callbacks": {}, "parameters": [], "responses": {}, "security": [],
        } } } });
        let expected = json!({ "responses": {}, "security": [] });
        assert_eq!(canonical(document, Form::Facts)["paths"]["/"]["get"], expected);
    }

    #[test]
    fn x_source_is_the_only_extension_that_a_transcript_keeps() {
        let given = json!({ "type": "string", "x-source": "docs", "x-other": 1, "title": "It" });
        let expected = json!({ "type": "string", "x-source": "docs" });
        assert_eq!(schema(given, Form::SourcedFacts), expected);
    }

    #[test]
    fn descriptions_and_extensions_of_a_contract_are_not_removed() {
        let given = json!({ "description": "It.", "enum": ["b", "a"], "tags": [], "x-a": 1 });
        let expected = json!({ "description": "It.", "enum": ["a", "b"], "tags": [], "x-a": 1 });
        assert_eq!(schema(given, Form::Contract), expected);
    }

    #[test]
    fn canonical_form_is_idempotent() {
        for form in [Form::Facts, Form::SourcedFacts, Form::Contract] {
            let once = canonical(fixture::document(), form);
            assert_eq!(canonical(once.clone(), form), once, "{form:?}");
        }
    }

    #[test]
    fn canonical_form_contains_no_vendor_prose() {
        let facts = canonical(fixture::document(), Form::Facts).to_string();
        for sentence in ["Lends books.", "The only one.", "Lent.", "A loan.", "Emma", "words"] {
            assert!(fixture::DOCUMENT.contains(sentence), "{sentence} is not in the fixture");
            assert!(!facts.contains(sentence), "{sentence} is left");
        }
    }
}
