//! Generates the API of a contract as a list of lines, and finds the lines that a difference
//! affects. Does not write files.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic;
use std::sync::Once;

use heck::{ToPascalCase as _, ToSnakeCase as _};
use serde_json::Value;

use super::change::Semver;
use super::edit::{Edit, Step, resolved};
use crate::build_script::bindings;
use crate::digest;
use crate::reference::operations;
use crate::shape::{is_method, segments};

/// The lines of the generated API. The key of a line is its subject, such as `type
/// AuthToken.scope`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Surface(pub(crate) BTreeMap<String, String>);

/// The maximum size of a contract as JSON, in bytes. The time and the stack size that the generator
/// needs can grow with the square of the length of a list.
const MAX_CONTRACT_BYTES: usize = 200_000;

impl Surface {
    pub(crate) fn of(contract: &Value) -> Result<Self, String> {
        if contract.to_string().len() > MAX_CONTRACT_BYTES {
            return Err("the contract is too large to generate bindings from".to_owned());
        }
        let code = without_panic_output(|| bindings(contract.clone()));
        let code = code.map_err(|reason| reason.lines().next().unwrap_or_default().to_owned())?;
        let lines = digest::Surface::read(&code).lines();
        Ok(Self(lines.lines().map(|line| (about(line), line.to_owned())).collect()))
    }

    pub(crate) fn changed(&self, other: &Self) -> BTreeMap<String, Semver> {
        let keys: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        keys.into_iter()
            .filter_map(|key| {
                let semver = match (self.0.get(key), other.0.get(key)) {
                    (None, _) => Semver::Minor,
                    (Some(old), Some(new)) if old == new => return None,
                    (Some(old), Some(new)) if is_wider(old, new) => Semver::Minor,
                    _ => Semver::Major,
                };
                Some((key.clone(), semver))
            })
            .collect()
    }
}

/// Suppresses the panic messages of `run`, because the build script catches the panics of the
/// generator and returns them as errors.
fn without_panic_output<T>(run: impl FnOnce() -> T) -> T {
    thread_local!(static IS_QUIET: Cell<bool> = const { Cell::new(false) });
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_QUIET.get() {
                loud(info);
            }
        }));
    });
    IS_QUIET.set(true);
    let done = run();
    IS_QUIET.set(false);
    done
}

/// Additional variants are not a breaking change, because all generated enums are `non_exhaustive`.
fn is_wider(old: &str, new: &str) -> bool {
    let variants = |line: &str| -> Option<BTreeSet<String>> {
        let (_, variants) = line.strip_prefix("enum ")?.split_once(": ")?;
        Some(variants.split(" | ").map(str::to_owned).collect())
    };
    matches!((variants(old), variants(new)), (Some(old), Some(new)) if old.is_subset(&new))
}

fn about(line: &str) -> String {
    let (subject, rest) = line.split_at(line.find([':', '(']).unwrap_or(line.len()));
    match rest.strip_prefix('(').and_then(|rest| rest.split_once(':')) {
        Some((argument, _)) if subject.starts_with("fn ") => format!("{subject}({argument})"),
        _ => subject.to_owned(),
    }
}

fn type_of(key: &str) -> Option<&str> {
    let name = key.strip_prefix("type ").or_else(|| key.strip_prefix("enum "))?;
    Some(name.split('.').next().unwrap_or(name))
}

pub(crate) fn items(
    edit: &Edit<'_>,
    documents: (&Value, &Value),
    surfaces: (&Surface, &Surface),
) -> Vec<String> {
    let Step { old, new, .. } = edit.last();
    let mut found = BTreeSet::new();
    let is_whole = edit.is_component();
    if old.is_some() || !is_whole {
        found.extend(items_at(&edit.place.old, documents.0, surfaces.0));
    }
    if new.is_some() || !is_whole {
        found.extend(items_at(&edit.place.new, documents.1, surfaces.1));
    }
    found.into_iter().collect()
}

fn items_at(pointer: &str, document: &Value, surface: &Surface) -> Vec<String> {
    let keys = segments(pointer);
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    match keys.as_slice() {
        ["paths", path, rest @ ..] => {
            let ids = ids(document, path, rest.first().copied());
            ids.iter().flat_map(|id| of_operation(document, surface, path, rest, id)).collect()
        }
        ["components", "schemas", name, rest @ ..] => of_schema(document, surface, name, rest),
        ["components", "parameters", name, ..] => {
            let name = document["components"]["parameters"][*name]["name"].as_str().unwrap_or_default();
            let suffix = format!("({})", name.to_snake_case());
            surface.0.keys().filter(|key| key.ends_with(&suffix)).cloned().collect()
        }
        ["components", kind, name, ..] => {
            let target = Value::from(format!("#/components/{kind}/{name}")).to_string();
            let is_used = |operation: &Value| operation.to_string().contains(&target);
            let used = operations(document).filter(|(_, _, operation)| is_used(operation));
            let ids =
                used.filter_map(|(_, path, operation)| Some((path, operation["operationId"].as_str()?)));
            let part = if *kind == "responses" { "responses" } else { "" };
            ids.flat_map(|(path, id)| of_operation(document, surface, path, &["", part], id)).collect()
        }
        _ => Vec::new(),
    }
}

fn ids(document: &Value, path: &str, method: Option<&str>) -> Vec<String> {
    let item = document["paths"][path].as_object();
    let method = method.filter(|method| is_method(method));
    let operations = item.into_iter().flatten().filter(|(key, _)| method.is_none_or(|method| method == *key));
    operations.filter_map(|(_, operation)| operation["operationId"].as_str().map(str::to_owned)).collect()
}

fn of_operation(document: &Value, surface: &Surface, path: &str, rest: &[&str], id: &str) -> Vec<String> {
    let name = id.to_snake_case();
    let functions = [name.clone(), format!("{name}_json")];
    let item = &document["paths"][path];
    let parameter = match rest {
        [method, "parameters", index, ..] => item_of(&item[*method], index),
        ["parameters", index, ..] => item_of(item, index),
        _ => None,
    };
    if let Some(parameter) = parameter {
        let called = resolved(document, parameter).and_then(|value| value["name"].as_str());
        let called = called.map(|name| name.to_snake_case()).unwrap_or_default();
        let keys = functions.map(|function| format!("fn {function}({called})"));
        let described = of_type(document, surface, &(id.to_pascal_case() + &called.to_pascal_case()));
        return keys.into_iter().filter(|key| surface.0.contains_key(key)).chain(described).collect();
    }
    let prefix = id.to_pascal_case();
    let is_response = rest.get(1) == Some(&"responses");
    let is_of = |key: &&String| {
        let function = key.strip_prefix("fn ");
        function.is_some_and(|key| {
            functions.iter().any(|name| key == name || (!is_response && key.starts_with(&format!("{name}("))))
        })
    };
    let own = surface.0.keys().filter(is_of).cloned();
    // The generator names the type of an inline schema after the operation.
    own.chain(of_type(document, surface, &prefix)).collect()
}

fn of_schema(document: &Value, surface: &Surface, name: &str, rest: &[&str]) -> Vec<String> {
    let owner = name.to_pascal_case();
    let inner = rest.iter().position(|key| *key == "properties");
    let Some(property) = inner.and_then(|at| rest.get(at + 1)) else {
        let types = of_type(document, surface, &owner);
        return types.into_iter().chain(mentions(surface, &owner)).collect();
    };
    let field = format!("type {owner}.{property}");
    let field = surface.0.contains_key(&field).then_some(field);
    let nested = of_type(document, surface, &(owner + &property.to_pascal_case()));
    field.into_iter().chain(nested).collect()
}

fn item_of<'v>(holder: &'v Value, index: &str) -> Option<&'v Value> {
    holder["parameters"].get(index.parse::<usize>().ok()?)
}

fn of_type(document: &Value, surface: &Surface, name: &str) -> Vec<String> {
    let schemas = document["components"]["schemas"].as_object();
    let has_own_name =
        |other: &str| schemas.into_iter().flatten().any(|(schema, _)| schema.to_pascal_case() == other);
    let is_inner = |other: &str| other.starts_with(name) && !has_own_name(other);
    let is_of = |key: &&String| type_of(key).is_some_and(|other| other == name || is_inner(other));
    surface.0.keys().filter(is_of).cloned().collect()
}

fn mentions(surface: &Surface, name: &str) -> Vec<String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let names = |line: &str| line.split(|c| !is_word(c)).any(|word| word == name);
    surface.0.iter().filter(|(_, line)| names(line)).map(|(key, _)| key.clone()).collect()
}
