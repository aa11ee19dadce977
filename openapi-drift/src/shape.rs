//! The grammar of an OpenAPI 3.0 document. For example, `description` is a keyword in a schema, but
//! a property name under `properties`.

use serde_json::Value;

#[derive(Debug)]
pub(crate) enum Shape {
    /// A value whose keys are not OpenAPI keywords, such as the value of `default`.
    Data,
    Names(&'static Shape),
    Patterned(&'static Shape),
    List(&'static Shape),
    Target,
    Requirement,
    Object {
        name: &'static str,
        fields: &'static [(&'static str, &'static Shape)],
    },
}

impl Shape {
    pub(crate) fn under(&'static self, key: &str) -> &'static Shape {
        match self {
            Shape::Names(shape) | Shape::Patterned(shape) => shape,
            Shape::Object { fields, .. } => {
                fields.iter().find(|(field, _)| *field == key).map_or(&DATA, |(_, shape)| shape)
            }
            Shape::Data | Shape::List(_) | Shape::Target | Shape::Requirement => &DATA,
        }
    }

    pub(crate) fn items(&'static self) -> &'static Shape {
        match self {
            Shape::List(shape) => shape,
            _ => &DATA,
        }
    }

    pub(crate) fn is(&self, wanted: &str) -> bool {
        matches!(self, Shape::Object { name, .. } if *name == wanted)
    }

    pub(crate) fn name(&self) -> Option<&'static str> {
        match self {
            Shape::Object { name, .. } => Some(name),
            Shape::Patterned(shape) if shape.is("path item") => Some("callback"),
            _ => None,
        }
    }

    pub(crate) fn has_keywords(&self) -> bool {
        matches!(self, Shape::Object { .. })
    }
}

pub(crate) fn walk<'v>(
    value: &'v Value,
    shape: &'static Shape,
    pointer: &str,
    visit: &mut impl FnMut(&str, &'static Shape, &'v Value),
) {
    visit(pointer, shape, value);
    match value {
        Value::Object(map) => {
            for (key, child) in map {
                walk(child, shape.under(key), &join(pointer, key), visit);
            }
        }
        Value::Array(list) => {
            for (index, child) in list.iter().enumerate() {
                walk(child, shape.items(), &join(pointer, &index.to_string()), visit);
            }
        }
        _ => {}
    }
}

pub(crate) fn join(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

pub(crate) fn unescape(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

pub(crate) fn segments(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(unescape).collect()
}

pub(crate) fn is_method(key: &str) -> bool {
    PATH_ITEM.under(key).is("operation")
}

pub(crate) static DOCUMENT: Shape = object(
    "document",
    &[
        ("info", &INFO),
        ("servers", &SERVERS),
        ("paths", &PATHS),
        ("components", &COMPONENTS),
        ("security", &SECURITY),
    ],
);

pub(crate) static PATHS: Shape = Shape::Patterned(&PATH_ITEM);

pub(crate) static COMPONENTS: Shape = object(
    "components",
    &[
        ("schemas", &NAMED_SCHEMAS),
        ("responses", &Shape::Names(&RESPONSE)),
        ("parameters", &Shape::Names(&PARAMETER)),
        ("examples", &Shape::Names(&EXAMPLE)),
        ("requestBodies", &Shape::Names(&REQUEST_BODY)),
        ("headers", &HEADERS),
        ("securitySchemes", &Shape::Names(&SECURITY_SCHEME)),
        ("links", &LINKS),
        ("callbacks", &CALLBACKS),
    ],
);

const fn object(name: &'static str, fields: &'static [(&'static str, &'static Shape)]) -> Shape {
    Shape::Object { name, fields }
}

pub(crate) static DATA: Shape = Shape::Data;
static DATA_BY_NAME: Shape = Shape::Names(&DATA);

static INFO: Shape = object("info", &[("contact", &CONTACT), ("license", &LICENSE)]);
static CONTACT: Shape = object("contact", &[]);
static LICENSE: Shape = object("license", &[]);

static SERVER: Shape = object("server", &[("variables", &Shape::Names(&SERVER_VARIABLE))]);
static SERVER_VARIABLE: Shape = object("server variable", &[]);
static SERVERS: Shape = Shape::List(&SERVER);

static SECURITY: Shape = Shape::List(&Shape::Requirement);
static SECURITY_SCHEME: Shape = object("security scheme", &[("flows", &FLOWS)]);
static FLOWS: Shape = object(
    "flows",
    &[("authorizationCode", &FLOW), ("clientCredentials", &FLOW), ("implicit", &FLOW), ("password", &FLOW)],
);
static FLOW: Shape = object("flow", &[("scopes", &DATA_BY_NAME)]);

pub(crate) static PATH_ITEM: Shape = object(
    "path item",
    &[
        ("servers", &SERVERS),
        ("parameters", &PARAMETERS),
        ("get", &OPERATION),
        ("put", &OPERATION),
        ("post", &OPERATION),
        ("delete", &OPERATION),
        ("options", &OPERATION),
        ("head", &OPERATION),
        ("patch", &OPERATION),
        ("trace", &OPERATION),
    ],
);
static OPERATION: Shape = object(
    "operation",
    &[
        ("parameters", &PARAMETERS),
        ("requestBody", &REQUEST_BODY),
        ("responses", &RESPONSES),
        ("callbacks", &CALLBACKS),
        ("security", &SECURITY),
        ("servers", &SERVERS),
    ],
);
static CALLBACKS: Shape = Shape::Names(&CALLBACK);
static CALLBACK: Shape = Shape::Patterned(&PATH_ITEM);

static PARAMETERS: Shape = Shape::List(&PARAMETER);
static PARAMETER: Shape =
    object("parameter", &[("schema", &SCHEMA), ("content", &CONTENT), ("examples", &EXAMPLES)]);
static HEADERS: Shape = Shape::Names(&HEADER);
static HEADER: Shape =
    object("header", &[("schema", &SCHEMA), ("content", &CONTENT), ("examples", &EXAMPLES)]);
static REQUEST_BODY: Shape = object("request body", &[("content", &CONTENT)]);
static RESPONSES: Shape = Shape::Patterned(&RESPONSE);
static RESPONSE: Shape =
    object("response", &[("headers", &HEADERS), ("content", &CONTENT), ("links", &LINKS)]);
static CONTENT: Shape = Shape::Names(&MEDIA_TYPE);
static MEDIA_TYPE: Shape = object(
    "media type",
    &[("schema", &SCHEMA), ("examples", &EXAMPLES), ("encoding", &Shape::Names(&ENCODING))],
);
static ENCODING: Shape = object("encoding", &[("headers", &HEADERS)]);
static EXAMPLES: Shape = Shape::Names(&EXAMPLE);
static EXAMPLE: Shape = object("example", &[]);
static LINKS: Shape = Shape::Names(&LINK);
static LINK: Shape = object("link", &[("parameters", &DATA_BY_NAME), ("server", &SERVER)]);

pub(crate) static NAMED_SCHEMAS: Shape = Shape::Names(&SCHEMA);
pub(crate) static SCHEMAS: Shape = Shape::List(&SCHEMA);

pub(crate) static SCHEMA: Shape = object(
    "schema",
    &[
        ("additionalProperties", &SCHEMA),
        ("allOf", &SCHEMAS),
        ("anyOf", &SCHEMAS),
        ("discriminator", &DISCRIMINATOR),
        ("items", &SCHEMA),
        ("not", &SCHEMA),
        ("oneOf", &SCHEMAS),
        ("properties", &NAMED_SCHEMAS),
    ],
);
static DISCRIMINATOR: Shape = object("discriminator", &[("mapping", &Shape::Names(&Shape::Target))]);

/// The keywords of section 4.7.24 of OpenAPI 3.0.4, except `xml`.
pub(crate) fn is_schema_keyword(key: &str) -> bool {
    const KEYWORDS: &str = "$ref additionalProperties allOf anyOf default deprecated description discriminator enum example \
        exclusiveMaximum exclusiveMinimum externalDocs format items maxItems maxLength maxProperties \
        maximum minItems minLength minProperties minimum multipleOf not nullable oneOf pattern \
        properties readOnly required title type uniqueItems writeOnly";
    KEYWORDS.split(' ').any(|keyword| keyword == key)
}
