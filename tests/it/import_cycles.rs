//! Tests that source files do not import each other in a cycle.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;

use crate::layers::sources;

type Module = Vec<String>;

#[derive(Default)]
struct File {
    exports: BTreeMap<String, Module>,
    uses: Vec<Module>,
}

fn module(path: &Path, src: &Path) -> Module {
    let relative = path.strip_prefix(src).expect("below src").with_extension("");
    let mut parts: Module = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    parts.pop_if(|last| last == "mod" || last == "lib");
    parts
}

fn paths(tokens: TokenStream, here: &Module, found: &mut Vec<Module>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let start = match &token {
            TokenTree::Ident(ident) if ident == "crate" => Module::new(),
            TokenTree::Ident(ident) if ident == "self" => here.clone(),
            TokenTree::Ident(ident) if ident == "super" => here[..here.len() - 1].to_vec(),
            TokenTree::Ident(ident) if ident == "pub" => {
                tokens.next_if(|token| matches!(token, TokenTree::Group(_)));
                continue;
            }
            TokenTree::Group(group) => {
                paths(group.stream(), here, found);
                continue;
            }
            _ => continue,
        };
        rest(&mut tokens, start, found);
    }
}

type Tokens = std::iter::Peekable<proc_macro2::token_stream::IntoIter>;

fn rest(tokens: &mut Tokens, mut path: Module, found: &mut Vec<Module>) {
    while tokens.next_if(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':')).is_some()
    {
        match tokens.peek() {
            Some(TokenTree::Ident(ident)) if ident == "super" => {
                path.pop();
                tokens.next();
            }
            Some(TokenTree::Ident(ident)) => {
                path.push(ident.to_string());
                tokens.next();
            }
            Some(TokenTree::Group(group)) => {
                let mut inner = group.stream().into_iter().peekable();
                while let Some(token) = inner.next() {
                    if let TokenTree::Ident(ident) = token {
                        let mut path = path.clone();
                        if ident != "self" {
                            path.push(ident.to_string());
                        }
                        rest(&mut inner, path, found);
                    }
                }
                tokens.next();
                return;
            }
            _ => {}
        }
    }
    found.push(path);
}

fn read(path: &Path, here: &Module) -> File {
    let text = fs::read_to_string(path).expect("readable");
    let mut file = File::default();
    for item in syn::parse_file(&text).expect("Rust").items {
        let attributes = match &item {
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if attributes.iter().any(|attribute| attribute.to_token_stream().to_string() == "# [cfg (test)]") {
            continue;
        }
        match &item {
            syn::Item::Use(item) if !matches!(item.vis, syn::Visibility::Inherited) => {
                exports(&item.tree, Module::new(), here, &mut file.exports);
            }
            item => paths(item.to_token_stream(), here, &mut file.uses),
        }
    }
    file
}

fn exports(tree: &syn::UseTree, path: Module, here: &Module, found: &mut BTreeMap<String, Module>) {
    match tree {
        syn::UseTree::Path(part) => {
            let path = match part.ident.to_string().as_str() {
                "crate" => Module::new(),
                "self" => here.clone(),
                "super" if path.is_empty() => here[..here.len() - 1].to_vec(),
                "super" => path[..path.len() - 1].to_vec(),
                name if path.is_empty() => [here.as_slice(), &[name.to_owned()]].concat(),
                name => [path.as_slice(), &[name.to_owned()]].concat(),
            };
            exports(&part.tree, path, here, found);
        }
        syn::UseTree::Group(group) => {
            group.items.iter().for_each(|tree| exports(tree, path.clone(), here, found));
        }
        syn::UseTree::Name(name) => {
            let name = name.ident.to_string();
            found.insert(name.clone(), [path, vec![name]].concat());
        }
        syn::UseTree::Rename(name) => {
            found.insert(name.rename.to_string(), [path, vec![name.ident.to_string()]].concat());
        }
        syn::UseTree::Glob(_) => {}
    }
}

fn owner(files: &BTreeMap<Module, File>, path: &[String]) -> Option<Module> {
    let len = (0..=path.len()).rev().find(|len| files.contains_key(&path[..*len]))?;
    let (file, item) = path.split_at(len);
    match item.first().and_then(|name| files[file].exports.get(name)) {
        Some(exported) if exported.as_slice() != path => owner(files, exported),
        _ => Some(file.to_owned()),
    }
}

fn circle(
    edges: &BTreeMap<Module, BTreeSet<Module>>,
    from: &Module,
    way: &mut Vec<Module>,
    done: &mut BTreeSet<Module>,
) -> bool {
    if let Some(start) = way.iter().position(|passed| passed == from) {
        way.drain(..start);
        return true;
    }
    if !done.insert(from.clone()) {
        return false;
    }
    way.push(from.clone());
    let found = edges[from].iter().any(|to| circle(edges, to, way, done));
    if !found {
        way.pop();
    }
    found
}

fn circle_in(src: &Path) -> Option<String> {
    let files: BTreeMap<Module, File> = sources(src)
        .iter()
        .map(|path| (path, module(path, src)))
        .filter(|(_, module)| module.first().is_none_or(|room| room != "guide"))
        .map(|(path, module)| (module.clone(), read(path, &module)))
        .collect();
    let edges: BTreeMap<Module, BTreeSet<Module>> = files
        .iter()
        .map(|(module, file)| {
            let to = file.uses.iter().filter_map(|path| owner(&files, path)).filter(|to| to != module);
            (module.clone(), to.filter(|to| !to.is_empty()).collect())
        })
        .collect();
    assert!(edges.values().any(|to| to.len() > 2), "{}: no imports were found", src.display());
    let mut done = BTreeSet::new();
    edges.keys().find_map(|module| {
        let mut way = Vec::new();
        let found = circle(&edges, module, &mut way, &mut done);
        found.then(|| way.iter().map(|module| module.join("::")).collect::<Vec<_>>().join(" → "))
    })
}

#[test]
fn source_files_have_no_import_cycles() {
    for folder in ["src", "cli/src", "openapi-drift/src", "xtask/src"] {
        let circle = circle_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
        assert_eq!(circle, None, "import cycle in {folder}");
    }
}
