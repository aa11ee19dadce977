//! Generates the client: `openapi.json` → `$OUT_DIR/client.rs`. The settings below are all that a
//! client with tokens needs.

use std::{env, error::Error, fs, path::Path};

use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=openapi.json");
    let spec: openapiv3::OpenAPI = serde_json::from_str(&fs::read_to_string("openapi.json")?)?;
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Positional)
        // The client does not compile without the hooks, so they cannot be forgotten.
        .with_hooks(HooksMode::Expected)
        .with_inner_type("fintech_auth::authorize::Authorizer".parse()?);
    let code = Generator::new(&settings).generate_tokens(&spec)?.to_string();
    fs::write(Path::new(&env::var("OUT_DIR")?).join("client.rs"), code)?;
    Ok(())
}
