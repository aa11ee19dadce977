//! Describes the generated API as sorted lines, one for each operation, parameter, type or field.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Fields, FnArg, ImplItem, Item, ItemEnum, ItemStruct, Pat, ReturnType, Type, Visibility};

#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Option<(String, String)>,
    pub(crate) parameters: Vec<String>,
    pub(crate) response: String,
}

#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Shape {
    Struct(Vec<(String, String)>),
    Newtype(String),
    Enum(Vec<String>),
}

impl Shape {
    pub(crate) fn mentions(&self, name: &str) -> bool {
        let has = |of: &str| of.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name);
        match self {
            Self::Struct(fields) => fields.iter().any(|(_, of)| has(of)),
            Self::Newtype(of) => has(of),
            Self::Enum(_) => false,
        }
    }
}

pub(crate) struct Surface {
    pub(crate) operations: Vec<Operation>,
    pub(crate) types: Vec<(String, Shape)>,
}

impl Surface {
    pub(crate) fn read(code: &str) -> Self {
        let file = syn::parse_file(code).expect("generated code parses");
        let mut surface = Self { operations: Vec::new(), types: Vec::new() };
        for item in file.items {
            match item {
                Item::Mod(module) if module.ident == "types" => {
                    let items = module.content.map(|(_, items)| items).unwrap_or_default();
                    surface.types.extend(items.iter().filter_map(shape));
                }
                Item::Impl(block) if block.trait_.is_none() && text(&block.self_ty) == "Client" => {
                    surface.operations.extend(block.items.iter().filter_map(operation));
                }
                _ => {}
            }
        }
        surface.operations.sort();
        surface.types.sort();
        surface
    }

    pub(crate) fn lines(&self) -> String {
        let mut lines = Vec::new();
        for Operation { name, method, path, body, parameters, response } in &self.operations {
            let body = body.as_ref().map(|(kind, of)| format!(" {kind} {of}")).unwrap_or_default();
            lines.push(format!("fn {name}: {method} {path}{body} -> {response}"));
            lines.extend(parameters.iter().map(|parameter| format!("fn {name}({parameter})")));
        }
        for (name, shape) in &self.types {
            match shape {
                Shape::Newtype(of) => lines.push(format!("type {name}({of})")),
                Shape::Enum(variants) => lines.push(format!("enum {name}: {}", variants.join(" | "))),
                Shape::Struct(fields) => {
                    lines.extend(fields.iter().map(|(field, of)| format!("type {name}.{field}: {of}")));
                }
            }
        }
        lines.join("\n")
    }
}

fn operation(item: &ImplItem) -> Option<Operation> {
    let ImplItem::Fn(method) = item else { return None };
    let signature = &method.sig;
    signature.asyncness?;
    let ReturnType::Type(_, response) = &signature.output else { return None };
    let mut parameters = Vec::new();
    let mut body = None;
    let code: Vec<String> = flat(method.block.to_token_stream());
    for argument in &signature.inputs {
        let FnArg::Typed(argument) = argument else { continue };
        let Pat::Ident(name) = &*argument.pat else { continue };
        if name.ident == "body" {
            let kind = if code.iter().any(|token| token == "form_urlencoded") { "form" } else { "json" };
            body = Some((kind.to_owned(), text(&argument.ty)));
        } else {
            parameters.push(format!("{}: {}", name.ident, text(&argument.ty)));
        }
    }
    let path = code.iter().find_map(|token| token.strip_prefix("\"{}")?.strip_suffix('"'));
    let client =
        code.windows(3).position(|three| three == ["client", ".", "post"] || three == ["client", ".", "get"]);
    let response = text(response);
    let response = response.strip_prefix("Result<ResponseValue<").and_then(|rest| rest.split_once(">,"));
    Some(Operation {
        name: signature.ident.to_string(),
        method: client.map(|at| code[at + 2].to_uppercase()).unwrap_or_default(),
        path: path.unwrap_or_default().to_owned(),
        body,
        parameters,
        response: response.map(|(response, _)| response.to_owned()).unwrap_or_default(),
    })
}

fn shape(item: &Item) -> Option<(String, Shape)> {
    match item {
        Item::Struct(ItemStruct { ident, fields, vis: Visibility::Public(_), .. }) => {
            let shape = match fields {
                Fields::Unnamed(fields) => Shape::Newtype(text(&fields.unnamed.first()?.ty)),
                _ => {
                    let fields = fields.iter().map(|field| {
                        let name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
                        let lenient = if is_lenient(&field.attrs) { ", or unreadable" } else { "" };
                        (renamed(&field.attrs).unwrap_or(name), text(&field.ty) + lenient)
                    });
                    let mut fields: Vec<_> = fields.collect();
                    fields.sort();
                    Shape::Struct(fields)
                }
            };
            Some((ident.to_string(), shape))
        }
        Item::Enum(ItemEnum { ident, variants, .. }) => {
            let variants = variants.iter().map(|variant| {
                let of = variant.fields.iter().map(|field| format!("({})", text(&field.ty)));
                let name = renamed(&variant.attrs).unwrap_or_else(|| variant.ident.to_string());
                name + &of.collect::<String>()
            });
            let mut variants: Vec<_> = variants.collect();
            variants.sort();
            Some((ident.to_string(), Shape::Enum(variants)))
        }
        _ => None,
    }
}

fn serde_tokens(attributes: &[syn::Attribute]) -> Vec<String> {
    let attributes = attributes.iter().filter(|attribute| attribute.path().is_ident("serde"));
    attributes.flat_map(|attribute| flat(attribute.meta.to_token_stream())).collect()
}

/// A lenient field is treated as absent if its value is invalid.
fn is_lenient(attributes: &[syn::Attribute]) -> bool {
    serde_tokens(attributes).iter().any(|token| token == "deserialize_with")
}

fn renamed(attributes: &[syn::Attribute]) -> Option<String> {
    let tokens = serde_tokens(attributes);
    let at = tokens.iter().position(|token| token == "rename")?;
    Some(tokens.get(at + 2)?.trim_matches('"').to_owned())
}

fn flat(tokens: TokenStream) -> Vec<String> {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Group(group) => flat(group.stream()),
            other => vec![other.to_string()],
        })
        .collect()
}

fn text(of: &Type) -> String {
    let mut text: String = of.to_token_stream().to_string().split_whitespace().collect();
    for noise in [
        "::std::option::",
        "::std::string::",
        "::std::vec::",
        "::std::primitive::",
        "::serde_json::",
        "crate::",
        "types::",
        "&'a",
        "&",
    ] {
        text = text.replace(noise, "");
    }
    text
}
