//! `cargo xtask repeat`: two builds generate the same bindings, byte for byte, from whichever folder, at
//! whatever time and under whatever name. It does not compare what rustc makes of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::Verdict;
use super::packed::Packed;
use crate::cargo;
use crate::problems::Result;

/// Each file that was generated, by name.
type Generated = BTreeMap<String, String>;

pub(super) fn run(root: &Path) -> Result<Verdict> {
    let first = generate(root, "repeat/first", &[("TZ", "UTC"), ("LC_ALL", "C"), ("USER", "first")])?;
    let elsewhere = [("TZ", "Asia/Tokyo"), ("LC_ALL", "tr_TR.UTF-8"), ("USER", "second")];
    let second = generate(root, "repeat/a longer/way to/the second", &elsewhere)?;
    compare(&first, &second)?;
    let names: Vec<_> = first.into_keys().collect();
    Ok(Verdict::Held(format!("repeat: two builds generate the same {}", names.join(", "))))
}

/// What the build script writes in a folder of its own.
fn generate(root: &Path, place: &str, environment: &[(&str, &str)]) -> Result<Generated> {
    let packed = Packed::unpack(root, place)?;
    let mut check = packed.cargo();
    check.args(["check", "--lib", "--locked", "--message-format", "json"]);
    let output = cargo::succeeded(check.envs(environment.iter().copied()))?;
    let folder = out_dir(&String::from_utf8_lossy(&output.stdout), &packed.folder)
        .ok_or_else(|| "repeat: no build script ran".to_owned())?;
    let failed = |error| format!("{folder}: {error}");
    let mut generated = Generated::new();
    for entry in fs::read_dir(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let text = fs::read_to_string(entry.path()).map_err(failed)?;
        generated.insert(entry.file_name().to_string_lossy().into_owned(), text);
    }
    Ok(generated)
}

/// Where cargo had the build script of the crate in `folder` write.
fn out_dir(messages: &str, folder: &Path) -> Option<String> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut ran = messages.filter(|message| message["reason"] == "build-script-executed");
    let is_ours = |message: &Value| {
        let id = message["package_id"].as_str().unwrap_or_default();
        // A space in a path is written otherwise in an id.
        let end = folder.file_name().unwrap_or_default().to_string_lossy().replace(' ', "%20");
        id.starts_with("path+") && id.contains(&format!("/{end}#"))
    };
    ran.find(is_ours)?["out_dir"].as_str().map(str::to_owned)
}

/// # Errors
///
/// When they are not the same, or nothing was generated, so that nothing could differ.
fn compare(first: &Generated, second: &Generated) -> Result<()> {
    if first.is_empty() {
        return Err("repeat: the build script wrote nothing".to_owned().into());
    }
    let different = first.iter().find(|(name, text)| second.get(*name) != Some(*text)).map(|(name, _)| name);
    match different.or_else(|| second.keys().find(|name| !first.contains_key(*name))) {
        Some(name) => Err(format!("repeat: two builds generate another {name}").into()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generated(files: &[(&str, &str)]) -> Generated {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn any_difference_is_named() {
        let first = generated(&[("a.rs", "1"), ("b.rs", "2")]);
        assert!(compare(&first, &first).is_ok());
        for (other, name) in [
            (generated(&[("a.rs", "1"), ("b.rs", "3")]), "b.rs"),
            (generated(&[("a.rs", "1")]), "b.rs"),
            (generated(&[("a.rs", "1"), ("b.rs", "2"), ("c.rs", "")]), "c.rs"),
        ] {
            let error = compare(&first, &other).unwrap_err().to_string();
            assert!(error.ends_with(name), "{error}");
        }
    }

    #[test]
    fn two_builds_that_write_nothing_are_not_taken_for_the_same() {
        assert!(compare(&Generated::new(), &Generated::new()).is_err());
    }

    #[test]
    fn the_build_script_of_another_crate_is_not_ours() {
        let message = |id: &str, out: &str| {
            serde_json::json!({ "reason": "build-script-executed", "package_id": id, "out_dir": out })
                .to_string()
        };
        let messages = [
            message("registry+https://github.com/rust-lang/crates.io-index#ring@0.17.14", "/ring"),
            message("path+file:///target/packed/repeat/the%20second#fintech-auth@0.1.0", "/ours"),
        ];
        let folder = Path::new("/target/packed/repeat/the second");
        assert_eq!(out_dir(&messages.join("\n"), folder).as_deref(), Some("/ours"));
        assert_eq!(out_dir(&messages[0], folder), None);
    }
}
