//! Generates the typed clients: `specs/<vendor>/openapi.yaml` → `$OUT_DIR/<vendor>.rs`. To correct
//! a vendor's document, change `specs/<vendor>/overlay.yaml` and not this script.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    panic::{self, AssertUnwindSafe},
    path::Path,
    process::ExitCode,
};

use openapiv3::OpenAPI;
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle};
use quote::ToTokens as _;
use saphyr_parser::{Event, Parser, ScalarStyle};
use schemars::schema::{InstanceType, SchemaObject};
use serde_json::{Map, Number, Value};
use syn::{
    Attribute, GenericArgument, Item, ItemStruct, Meta, Path as TypePath, PathArguments, Token, Type,
    parse_quote, punctuated::Punctuated,
};

const VENDORS: [&str; 2] = ["moneykit", "moov"];
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const METHODS: [&str; 8] = ["delete", "get", "head", "options", "patch", "post", "put", "trace"];
const MAX_DEPTH: usize = 100;

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    for vendor in VENDORS {
        let spec = format!("specs/{vendor}/openapi.yaml");
        println!("cargo::rerun-if-changed={spec}");
        if let Err(reason) = build(vendor, &spec) {
            println!("cargo::error={spec}: {}", reason.replace('\n', " "));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn build(vendor: &str, spec: &str) -> Result<(), String> {
    let text = fs::read_to_string(spec).map_err(|e| format!("cannot read the file: {e}"))?;
    // `generate` catches and reports panics of the generator, so the hook must not print them.
    panic::set_hook(Box::new(|_| ()));
    let code = parse(&text).and_then(bindings);
    drop(panic::take_hook());
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    let file = Path::new(&out).join(format!("{vendor}.rs"));
    fs::write(&file, code?).map_err(|e| format!("cannot write {}: {e}", file.display()))
}

pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let mut root = None;
    let mut open: Vec<(Value, Option<String>)> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|e| e.to_string())?;
        let error = |reason: &str| Err(format!("line {}: {reason}", span.start.line()));
        let needs_key = matches!(open.last(), Some((Value::Object(_), None)));
        let value = match event {
            Event::Alias(_) => return error("aliases are not supported"),
            Event::Scalar(_, _, 1.., _) | Event::SequenceStart(1.., _) | Event::MappingStart(1.., _) => {
                return error("anchors are not supported");
            }
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => return error("tags are not supported"),
            Event::Scalar(key, ..) if needs_key => {
                if key == "<<" {
                    return error("merge keys are not supported");
                }
                if let Some((Value::Object(map), next_key)) = open.last_mut() {
                    if map.contains_key(&*key) {
                        return error(&format!("duplicate key {key:?}"));
                    }
                    *next_key = Some(key.into_owned());
                }
                continue;
            }
            Event::SequenceStart(..) | Event::MappingStart(..) if needs_key => {
                return error("a key must be a scalar");
            }
            Event::SequenceStart(..) | Event::MappingStart(..) if open.len() == MAX_DEPTH => {
                return error("nested too deeply");
            }
            Event::SequenceStart(..) => {
                open.push((Value::Array(Vec::new()), None));
                continue;
            }
            Event::MappingStart(..) => {
                open.push((Value::Object(Map::new()), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some((value, _)) = open.pop() else {
                    return error("unbalanced brackets in the document");
                };
                value
            }
            Event::Scalar(text, ScalarStyle::Plain, ..) => match plain_scalar(&text) {
                Some(value) => value,
                None => return error(&format!("ambiguous scalar {text}; quote it if it is text")),
            },
            Event::Scalar(text, ..) => text.into_owned().into(),
            Event::DocumentStart(_) if root.is_some() => return error("more than one document"),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => continue,
        };
        match open.last_mut() {
            None => root = Some(value),
            Some((Value::Object(map), key)) => {
                map.insert(key.take().unwrap_or_default(), value);
            }
            Some((Value::Array(list), _)) => list.push(value),
            Some(_) => return error("unbalanced brackets in the document"),
        }
    }
    root.ok_or_else(|| "the document is empty".to_owned())
}

/// Returns `None` if YAML 1.1 and YAML 1.2 disagree about the value.
pub(crate) fn plain_scalar(text: &str) -> Option<Value> {
    const AMBIGUOUS: [&str; 12] =
        ["=", "y", "yes", "n", "no", "on", "off", ".inf", ".nan", "null", "true", "false"];
    match text {
        "" | "~" | "null" => return Some(Value::Null),
        "true" => return Some(true.into()),
        "false" => return Some(false.into()),
        _ => {}
    }
    if let Ok(number) = serde_json::from_str::<Number>(text) {
        return Some(number.into());
    }
    let lower = text.to_ascii_lowercase();
    let unsigned = lower.trim_start_matches(['+', '-']);
    let is_ambiguous = AMBIGUOUS.contains(&unsigned);
    let is_numeric = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.contains(|c: char| c.is_ascii_digit())
        && unsigned.matches('.').count() < 2
        && (["0b", "0o", "0x"].iter().any(|prefix| unsigned.starts_with(prefix))
            || unsigned.chars().all(|c| c.is_ascii_digit() || "+-._:etz ".contains(c)));
    (!is_ambiguous && !is_numeric).then(|| text.into())
}

/// The generated code is not formatted, so that crates that depend on this one need not compile a
/// formatter. `cargo xtask expand` formats the code.
pub(crate) fn bindings(mut spec: Value) -> Result<String, String> {
    // `lower` panics if the document is not valid OpenAPI, so check the document first.
    read(&spec)?;
    lower(&mut spec)?;
    generate(&spec).map_err(|reason| match culprit(&spec) {
        Some((at, cause)) => format!("{at}: {cause}"),
        None => reason,
    })
}

/// On unsupported input, the generator usually panics without naming the location.
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
        Ok(Ok(tokens)) => {
            let mut file: syn::File = syn::parse2(tokens).map_err(|e| e.to_string())?;
            make_non_exhaustive(&mut file.items);
            let requests = request_schemas(spec);
            make_fields_lenient(&mut file.items, &requests);
            confine_secrets(&mut file.items, &requests);
            Ok(file.to_token_stream().to_string())
        }
        // Return only the first line. The following lines of some errors contain the whole syntax
        // tree.
        Ok(Err(error)) => Err(error.to_string().lines().next().unwrap_or_default().to_owned()),
        Err(payload) => Err(payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "the generator panicked".to_owned())),
    }
}

/// Without `#[non_exhaustive]`, a field that a vendor adds would break users.
fn make_non_exhaustive(items: &mut [Item]) {
    for item in items {
        let attributes = match item {
            Item::Struct(item) => &mut item.attrs,
            Item::Enum(item) => &mut item.attrs,
            Item::Mod(module) => {
                if let Some((_, items)) = &mut module.content {
                    make_non_exhaustive(items);
                }
                continue;
            }
            _ => continue,
        };
        attributes.push(parse_quote!(#[non_exhaustive]));
    }
}

/// serde does not pass the name of a field to a deserialize function, so each field name needs its
/// own deserialize function.
fn make_fields_lenient(items: &mut Vec<Item>, requests: &BTreeSet<&str>) {
    let mut readers = BTreeMap::new();
    let modules = items.iter_mut().filter_map(|item| match item {
        Item::Mod(module) if module.ident == "types" => module.content.as_mut(),
        _ => None,
    });
    for item in modules.flat_map(|(_, items)| items) {
        if let Item::Struct(item) = item
            && !requests.contains(item.ident.to_string().as_str())
        {
            readers.extend(lenient_fields(item));
        }
    }
    let functions = readers.into_iter().map(|(ident, field)| -> Item {
        parse_quote! {
            pub fn #ident<'de, D, T>(deserializer: D) -> Result<T, D::Error>
            where
                D: serde::Deserializer<'de>,
                T: serde::de::DeserializeOwned + Default,
            {
                crate::transport::optional(#field, deserializer)
            }
        }
    });
    items.push(parse_quote!(mod optional { #(#functions)* }));
}

fn lenient_fields(item: &mut ItemStruct) -> Vec<(syn::Ident, String)> {
    let mut fields = Vec::new();
    for field in &mut item.fields {
        let Some(ident) = &field.ident else { continue };
        for attribute in field.attrs.iter_mut().filter(|attribute| attribute.path().is_ident("serde")) {
            let parsed: Result<Punctuated<Meta, Token![,]>, _> =
                attribute.parse_args_with(Punctuated::parse_terminated);
            let Ok(mut arguments) = parsed else { continue };
            let has = |name: &str| arguments.iter().any(|argument| argument.path().is_ident(name));
            if !has("skip_serializing_if") {
                continue;
            }
            if !has("default") {
                arguments.push(parse_quote!(default));
            }
            let path = format!("super::optional::{ident}");
            arguments.push(parse_quote!(deserialize_with = #path));
            let lenient: Attribute = parse_quote!(#[serde(#arguments)]);
            *attribute = lenient;
            fields.push((ident.clone(), ident.to_string().trim_end_matches('_').to_owned()));
        }
    }
    fields
}

/// If token responses implemented `Serialize`, a handler could reveal the refresh token in a JSON
/// response.
fn confine_secrets(items: &mut [Item], requests: &BTreeSet<&str>) {
    let mut types: Vec<&mut ItemStruct> = items
        .iter_mut()
        .filter_map(|item| match item {
            Item::Mod(module) if module.ident == "types" => module.content.as_mut(),
            _ => None,
        })
        .flat_map(|(_, items)| items)
        .filter_map(|item| if let Item::Struct(item) = item { Some(item) } else { None })
        .collect();
    let mut secret = BTreeSet::from(["Secret".to_owned()]);
    loop {
        let found = types.iter().filter(|item| item.fields.iter().any(|field| mentions(&field.ty, &secret)));
        let names: Vec<_> = found.map(|item| item.ident.to_string()).collect();
        let known = secret.len();
        secret.extend(names);
        if secret.len() == known {
            break;
        }
    }
    for item in &mut types {
        if requests.contains(item.ident.to_string().as_str()) {
            for field in item.fields.iter_mut().filter(|field| mentions(&field.ty, &secret)) {
                field.attrs.push(parse_quote!(#[serde(serialize_with = "crate::secret::send")]));
            }
        } else if secret.contains(&item.ident.to_string()) {
            item.attrs.iter_mut().filter(|attribute| attribute.path().is_ident("derive")).for_each(
                |derive| {
                    let parsed = derive.parse_args_with(Punctuated::<TypePath, Token![,]>::parse_terminated);
                    let kept = parsed.into_iter().flatten().filter(|path| !ends_in(path, "Serialize"));
                    *derive = parse_quote!(#[derive(#(#kept),*)]);
                },
            );
        }
    }
}

fn mentions(ty: &Type, types: &BTreeSet<String>) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.iter().any(|segment| {
        let argument = |argument: &GenericArgument| match argument {
            GenericArgument::Type(ty) => mentions(ty, types),
            _ => false,
        };
        types.contains(&segment.ident.to_string())
            || matches!(&segment.arguments, PathArguments::AngleBracketed(list) if list.args.iter().any(argument))
    })
}

fn ends_in(path: &TypePath, name: &str) -> bool {
    path.segments.last().is_some_and(|segment| segment.ident == name)
}

fn request_schemas(spec: &Value) -> BTreeSet<&str> {
    let operations = operations(spec).into_iter();
    let bodies = operations.map(|(path, method)| &spec["paths"][path][method]["requestBody"]["content"]);
    let content = bodies.filter_map(Value::as_object).flat_map(Map::values);
    content.filter_map(|body| body["schema"]["$ref"].as_str()?.rsplit('/').next()).collect()
}

fn read(spec: &Value) -> Result<OpenAPI, String> {
    serde_json::from_value(spec.clone()).map_err(|e| format!("not OpenAPI 3.0: {e}"))
}

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
        // Replace every schema except `name` with an empty schema, so that references to the
        // replaced schemas can still be resolved.
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

fn lower(spec: &mut Value) -> Result<(), String> {
    for (path, method) in operations(spec) {
        let operation = &mut spec["paths"][&path][&method];
        let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
        let at = |reason: String| format!("{} {path} ({id}): {reason}", method.to_uppercase());
        if id.is_empty() {
            return Err(at("operationId is missing".to_owned()));
        }
        lower_responses(operation).map_err(at)?;
        if let Some(second) = lower_request(operation, &id).map_err(at)? {
            // An OpenAPI path can contain only one POST, so the JSON operation gets its own path
            // with a fragment. The transport removes the fragment, as RFC 9110 section 4.2.5
            // requires.
            spec["paths"][format!("{path}#json")][&method] = second;
        }
    }
    let schemas = spec.pointer_mut("/components/schemas").and_then(Value::as_object_mut);
    schemas.into_iter().flatten().for_each(|(_, schema)| lower_schema(schema));
    Ok(())
}

/// Keeps one successful response, because the generator supports only one response type and one
/// error type per operation. The status of this response becomes `2XX`, because the services do not
/// always send the documented status. The types of errors are still generated, and the transport
/// parses them.
fn lower_responses(operation: &mut Value) -> Result<(), String> {
    let responses = operation["responses"].as_object().ok_or("responses are missing")?;
    let mut successes = responses.iter().filter(|(status, _)| status.starts_with('2'));
    let (_, mut kept) = successes.next().ok_or("no successful response (2xx)")?;
    for (status, other) in successes {
        let (old, new) = (&kept["content"], &other["content"]);
        match (old.is_null(), new.is_null()) {
            (true, _) => kept = other,
            (false, false) if old != new => {
                return Err(format!("successful responses differ in body (see {status})"));
            }
            _ => {}
        }
    }
    operation["responses"] = Value::Object(Map::from_iter([("2XX".to_owned(), kept.clone())]));
    Ok(())
}

fn lower_request(operation: &mut Value, id: &str) -> Result<Option<Value>, String> {
    if operation["requestBody"].is_null() {
        return Ok(None);
    }
    let content = operation["requestBody"]["content"]
        .as_object()
        .ok_or("the request body is a reference; inline it in the overlay")?;
    if let Some(kind) = content.keys().find(|kind| ![FORM, JSON].contains(&kind.as_str())) {
        return Err(format!("request bodies of type {kind} are not supported"));
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

/// A client must accept a response that violates the documented lengths and patterns. Defaults are
/// removed, because a missing value must stay missing.
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
