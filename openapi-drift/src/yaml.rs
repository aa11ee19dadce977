//! Renders a document as YAML with sorted keys. Quotes strings that a YAML 1.1 parser would read as
//! a different type, such as `2023-02-18` (a date) or `no` (false).

use serde::ser::{Serialize, Serializer};
use serde_json::Value;

use crate::build_script::plain_scalar;
use crate::document;
use crate::problems::Result;

pub(crate) fn render(name: &str, banner: &str, document: &Value) -> Result<String> {
    let mut sorted = document.clone();
    sorted.sort_all_objects();
    let yaml = yaml_serde::to_string(&Marked(&sorted)).map_err(|error| format!("{name}: {error}"))?;
    let text = format!("# {banner}\n{}", yaml.replace(QUOTED_MARK, "'"));
    if document::parse(name, text.as_bytes())? == *document {
        Ok(text)
    } else {
        Err(format!("{name}: the written YAML would parse to a different document").into())
    }
}

/// `yaml_serde` quotes each string that starts with this prefix. `render` then removes the prefix
/// and keeps the quotes.
const MARK: &str = "#quote ";
const QUOTED_MARK: &str = "'#quote ";

struct Marked<'a>(&'a Value);

impl Serialize for Marked<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(map) => to.collect_map(map.iter().map(|(key, value)| (marked(key), Marked(value)))),
            Value::Array(list) => to.collect_seq(list.iter().map(Marked)),
            Value::String(text) => to.serialize_str(&marked(text)),
            other => other.serialize(to),
        }
    }
}

fn marked(text: &str) -> String {
    let is_text = plain_scalar(text).is_some_and(|value| value == text);
    if is_text { text.to_owned() } else { format!("{MARK}{text}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ambiguous_strings_are_quoted() -> Result<()> {
        let document = json!({ "list": ["2023-02-18", "no", "12:30:00", "1_000", "0b1", "0o17", "+.5", "1e3", "=", "True", "", "it's", "200", "3.0.3", "a: b"] });
        insta::assert_snapshot!(render("a.yaml", "By hand.", &document)?, @"
        # By hand.
        list:
        - '2023-02-18'
        - 'no'
        - '12:30:00'
        - '1_000'
        - '0b1'
        - '0o17'
        - '+.5'
        - '1e3'
        - '='
        - 'True'
        - ''
        - it's
        - '200'
        - 3.0.3
        - 'a: b'
        ");
        Ok(())
    }

    #[test]
    fn numbers_and_booleans_are_not_quoted() -> Result<()> {
        let document = json!({ "default": 900, "deprecated": true, "maximum": 0.5, "nothing": null });
        insta::assert_snapshot!(render("a.yaml", "By hand.", &document)?, @"
        # By hand.
        default: 900
        deprecated: true
        maximum: 0.5
        nothing: null
        ");
        Ok(())
    }

    #[test]
    fn keys_are_sorted_and_quoted_like_values() -> Result<()> {
        let document = json!({ "on": 1, "b": { "500": {}, "404": [] }, "a": "two\nlines" });
        insta::assert_snapshot!(render("a.yaml", "By hand.", &document)?, @"
        # By hand.
        a: |-
          two
          lines
        b:
          '404': []
          '500': {}
        'on': 1
        ");
        Ok(())
    }

    #[test]
    fn string_that_contains_the_internal_quote_marker_is_rejected() {
        assert!(render("a.yaml", "By hand.", &json!({ "a": "#quote b" })).is_err());
    }
}
