//! Generates the typed clients: `specs/<vendor>/openapi.json` → `$OUT_DIR/<vendor>.rs`.
//!
//! Corrections of a vendor's document belong in its overlay, where they are reviewed. Here stands
//! only what progenitor cannot digest, lowered in memory and the same for every vendor. Nothing is
//! fetched, and nothing is written outside OUT_DIR.

use std::{
    collections::BTreeSet,
    env, fs,
    panic::{self, AssertUnwindSafe},
    path::Path,
    process::ExitCode,
};

use openapiv3::OpenAPI;
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle};
use schemars::schema::{InstanceType, SchemaObject};
use serde_json::{Map, Value};

const VENDORS: [&str; 2] = ["moneykit", "moov"];
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const METHODS: [&str; 8] = ["delete", "get", "head", "options", "patch", "post", "put", "trace"];

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    for vendor in VENDORS {
        let spec = format!("specs/{vendor}/openapi.json");
        println!("cargo::rerun-if-changed={spec}");
        let written = fs::read_to_string(&spec)
            .map_err(|e| format!("cannot read it: {e}"))
            .and_then(|text| {
                // The generator's panics are caught, and told with what they leave out.
                panic::set_hook(Box::new(|_| ()));
                let code = bindings(&text);
                drop(panic::take_hook());
                code
            })
            .and_then(|code| {
                let out = env::var_os("OUT_DIR").ok_or("cargo did not set OUT_DIR")?;
                let file = Path::new(&out).join(format!("{vendor}.rs"));
                fs::write(&file, code).map_err(|e| format!("cannot write {}: {e}", file.display()))
            });
        if let Err(reason) = written {
            println!("cargo::error={spec}: {}", reason.replace('\n', " "));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// The generated module for one document, as Rust source.
///
/// # Errors
///
/// Names the operation or schema at fault and why.
pub(crate) fn bindings(document: &str) -> Result<String, String> {
    let mut spec: Value = serde_json::from_str(document).map_err(|e| e.to_string())?;
    // Once it reads as OpenAPI, what is an object there can be indexed as one below.
    read(&spec)?;
    lower(&mut spec)?;
    generate(&spec).map_err(|reason| match culprit(&spec) {
        Some((at, own)) => format!("{at}: {own}"),
        None => reason,
    })
}

/// Runs the generator, whose usual answer to what it cannot digest is a panic that names nothing.
fn generate(spec: &Value) -> Result<String, String> {
    let document = read(spec)?;
    let string = |format: &str| SchemaObject {
        instance_type: Some(InstanceType::String.into()),
        format: Some(format.to_owned()),
        ..SchemaObject::default()
    };
    let call = "crate::transport::Call".parse().map_err(|e| format!("{e}"))?;
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Positional)
        .with_hooks(HooksMode::Expected)
        .with_inner_type(call)
        .with_conversion(string("password"), "crate::Secret", [].into_iter())
        .with_conversion(string("date-time"), "crate::Timestamp", [].into_iter())
        .with_replacement("ExpiresIn", "crate::ExpiresIn", [].into_iter());

    let result =
        panic::catch_unwind(AssertUnwindSafe(|| Generator::new(&settings).generate_tokens(&document)));
    match result {
        // So that a field which a vendor adds is no breaking change for users.
        Ok(Ok(tokens)) => Ok(with_lenient_fields(&tokens.to_string(), &request_schemas(spec))
            .replace("pub struct ", "# [non_exhaustive] pub struct ")
            .replace("pub enum ", "# [non_exhaustive] pub enum ")),
        // Some of its errors go on to print the whole syntax tree.
        Ok(Err(error)) => Err(error.to_string().lines().next().unwrap_or_default().to_owned()),
        Err(payload) => Err(payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "the generator panicked".to_owned())),
    }
}

/// The schemas of request bodies.
fn request_schemas(spec: &Value) -> BTreeSet<&str> {
    let operations = operations(spec).into_iter();
    let bodies = operations.map(|(path, method)| &spec["paths"][path][method]["requestBody"]["content"]);
    let content = bodies.filter_map(Value::as_object).flat_map(Map::values);
    content.filter_map(|body| body["schema"]["$ref"].as_str()?.rsplit('/').next()).collect()
}

/// Reads every optional response field by `transport::optional`, which takes an unreadable value for
/// an absent one. The function that serde calls does not know the field, so each has one of its own.
fn with_lenient_fields(code: &str, requests: &BTreeSet<&str>) -> String {
    const SKIP: &str = "skip_serializing_if = ";
    let mut parts = code.split(SKIP);
    let mut out = parts.next().unwrap_or_default().to_owned();
    let mut names = BTreeSet::new();
    for part in parts {
        let structure = out.rsplit("pub struct ").next().and_then(|rest| rest.split(' ').next());
        if !structure.is_some_and(|name| requests.contains(name))
            && let Some((condition, rest)) = part.split_once(")] pub ")
            && let Some((name, rest)) = rest.split_once(" : ")
        {
            let default = if out.ends_with("default , ") { "" } else { "default , " };
            out += &format!(
                "{default}deserialize_with = \"super::optional::{name}\" , {SKIP}{condition})] pub {name} : {rest}"
            );
            names.insert(name);
        } else {
            out += SKIP;
            out += part;
        }
    }
    out += " mod optional {";
    for name in names {
        out += &format!(
            " pub fn {name} < 'de , D , T > (deserializer : D) -> Result < T , D :: Error > \
             where D : serde :: Deserializer < 'de > , T : serde :: de :: DeserializeOwned + Default \
             {{ crate :: transport :: optional (\"{}\" , deserializer) }}",
            name.trim_end_matches('_')
        );
    }
    out + " }"
}

fn read(spec: &Value) -> Result<OpenAPI, String> {
    serde_json::from_value(spec.clone()).map_err(|e| format!("not OpenAPI 3.0: {e}"))
}

/// Which operation, or else which schema, the generator fails on when it stands alone.
fn culprit(spec: &Value) -> Option<(String, String)> {
    let with = |paths: Map<String, Value>, schemas: &Map<String, Value>| {
        let mut alone = spec.clone();
        alone["paths"] = paths.into();
        alone["components"]["schemas"] = schemas.clone().into();
        generate(&alone)
    };
    let all = spec["components"]["schemas"].as_object().cloned().unwrap_or_default();
    with(Map::new(), &Map::new()).ok()?;
    for (name, schema) in &all {
        // The others are stood in for, so that a reference to them does not fail as well.
        let mut alone: Map<_, _> = all.keys().map(|other| (other.clone(), Map::new().into())).collect();
        alone[name] = schema.clone();
        if let Err(reason) = with(Map::new(), &alone) {
            return Some((format!("components.schemas.{name}"), reason));
        }
    }
    operations(spec).into_iter().find_map(|(path, method)| {
        let operation = &spec["paths"][&path][&method];
        let item = Map::from_iter([(method.clone(), operation.clone())]);
        let reason = with(Map::from_iter([(path.clone(), item.into())]), &all).err()?;
        let id = operation["operationId"].as_str().unwrap_or_default();
        let path = path.split('#').next().unwrap_or_default();
        Some((format!("{} {path} ({id})", method.to_uppercase()), reason))
    })
}

fn operations(spec: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (path, item) in spec["paths"].as_object().into_iter().flatten() {
        for method in METHODS.into_iter().filter(|method| item[method].is_object()) {
            found.push((path.clone(), method.to_owned()));
        }
    }
    found
}

/// Rewrites a faithful contract into what the generator digests.
fn lower(spec: &mut Value) -> Result<(), String> {
    for (path, method) in operations(spec) {
        let operation = &mut spec["paths"][&path][&method];
        let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
        let at = |reason: String| format!("{} {path} ({id}): {reason}", method.to_uppercase());
        if id.is_empty() {
            return Err(at("it has no operationId, so its method would have no name".to_owned()));
        }
        lower_responses(operation).map_err(at)?;
        if let Some(second) = lower_request(operation, &id).map_err(at)? {
            // One path item holds one POST. A fragment makes a second one, and never leaves the
            // process: the transport strips it, as RFC 9110 section 4.2.5 has it.
            spec["paths"][format!("{path}#json")][&method] = second;
        }
    }
    let schemas = spec.pointer_mut("/components/schemas").and_then(Value::as_object_mut);
    schemas.into_iter().flatten().for_each(|(_, schema)| lower_schema(schema));
    Ok(())
}

/// Keeps one success: the generator takes one type a call, and fails on error bodies of several
/// kinds. `2XX` because vendors disagree with their own documents on 200, 201 and 204. The error
/// types are generated all the same, and decoded by the transport.
fn lower_responses(operation: &mut Value) -> Result<(), String> {
    let responses = operation["responses"].as_object().ok_or("it has no responses")?;
    let mut successes = responses.iter().filter(|(status, _)| status.starts_with('2'));
    let (_, mut kept) = successes.next().ok_or("it documents no success (2xx)")?;
    for (status, other) in successes {
        let (old, new) = (&kept["content"], &other["content"]);
        match (old.is_null(), new.is_null()) {
            (true, _) => kept = other,
            (false, false) if old != new => {
                return Err(format!("its successes differ in body (see {status})"));
            }
            _ => {}
        }
    }
    operation["responses"] = Value::Object(Map::from_iter([("2XX".to_owned(), kept.clone())]));
    Ok(())
}

/// Keeps one encoding of the body; answers with a twin `<id>_json` where there are two.
fn lower_request(operation: &mut Value, id: &str) -> Result<Option<Value>, String> {
    if operation["requestBody"].is_null() {
        return Ok(None);
    }
    let content = operation["requestBody"]["content"]
        .as_object()
        .ok_or("its request body is not given in place; inline it by overlay")?;
    if let Some(strange) = content.keys().find(|kind| ![FORM, JSON].contains(&kind.as_str())) {
        return Err(format!("request bodies of type {strange} are not supported"));
    }
    if content.len() < 2 {
        return Ok(None);
    }
    let only = |kind: &str| Map::from_iter([(kind.to_owned(), content[kind].clone())]);
    let (form, json) = (only(FORM), only(JSON));
    let mut second = operation.clone();
    second["operationId"] = format!("{id}_json").into();
    second["requestBody"]["content"] = json.into();
    operation["requestBody"]["content"] = form.into();
    Ok(Some(second))
}

/// Drops what would refuse a good answer (lengths, patterns) or invent one (defaults).
fn lower_schema(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    for key in ["default", "maxLength", "minLength", "pattern"] {
        fields.remove(key);
    }
    for key in ["additionalProperties", "items", "not"] {
        fields.get_mut(key).map(lower_schema);
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        let list = fields.get_mut(key).and_then(Value::as_array_mut);
        list.into_iter().flatten().for_each(lower_schema);
    }
    let properties = fields.get_mut("properties").and_then(Value::as_object_mut);
    properties.into_iter().flatten().for_each(|(_, property)| lower_schema(property));
}
