//! Generates the client in `$OUT_DIR/client.rs` from `openapi.json`. The settings `with_hooks` and
//! `with_inner_type` let the client send fintech-auth's tokens.

use std::{env, error::Error, fs, path::Path};

use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=openapi.json");
    let spec: openapiv3::OpenAPI = serde_json::from_str(&fs::read_to_string("openapi.json")?)?;
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Positional)
        // With `Expected`, a client without hooks does not compile.
        .with_hooks(HooksMode::Expected)
        .with_inner_type("fintech_auth::authorize::Authorizer".parse()?);
    let code = Generator::new(&settings).generate_tokens(&spec)?.to_string();
    fs::write(Path::new(&env::var("OUT_DIR")?).join("client.rs"), code)?;
    Ok(())
}
