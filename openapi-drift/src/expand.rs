//! Writes the generated bindings as formatted files, so that people can read them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::build_script::{bindings, parse};

/// Writes the formatted bindings of each contract in `root/specs` to `folder/<vendor>.rs`, and
/// returns the paths.
///
/// # Errors
///
/// Fails if the code for a contract cannot be generated, or a file cannot be read or written.
pub fn expand(root: &Path, folder: &Path) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files = Vec::new();
    for vendor in fs::read_dir(root.join("specs")).map_err(|error| format!("specs: {error}"))?.flatten() {
        let contract = vendor.path().join("openapi.yaml");
        let Ok(text) = fs::read_to_string(&contract) else { continue };
        let named = |reason: String| format!("{}: {reason}", contract.display());
        let code = parse(&text).and_then(bindings).map_err(named)?;
        let code = syn::parse_file(&code).map_err(|error| named(error.to_string()))?;
        let file = folder.join(vendor.file_name()).with_extension("rs");
        fs::write(&file, prettyplease::unparse(&code))
            .map_err(|error| format!("{}: {error}", file.display()))?;
        files.push(file);
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_bindings_are_formatted() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let files = expand(root, folder.path()).unwrap();
        assert_eq!(files, ["moneykit.rs", "moov.rs"].map(|name| folder.path().join(name)));
        for file in files {
            let code = fs::read_to_string(file).unwrap();
            assert!(code.contains("\npub struct Client {\n"), "{code}");
        }
    }
}
