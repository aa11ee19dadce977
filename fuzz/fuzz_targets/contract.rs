//! Passes an `openapi.yaml` to the build script. The build script must not panic. It must return an
//! error or generate valid Rust.
#![no_main]

#[path = "../../build.rs"]
#[allow(dead_code)]
mod build_script;

use std::{
    panic::{self, AssertUnwindSafe},
    process,
    sync::{LazyLock, Mutex},
};

use libfuzzer_sys::fuzz_target;

// Replace the panic hook of libFuzzer. The hook of libFuzzer aborts the process even if the build
// script catches the panic.
static HOOK: LazyLock<()> =
    LazyLock::new(|| panic::set_hook(Box::new(|info| *PANIC.lock().unwrap() = info.to_string())));

static PANIC: Mutex<String> = Mutex::new(String::new());

fuzz_target!(|text: &str| {
    *HOOK;
    let generate = || build_script::parse(text).and_then(build_script::bindings);
    match panic::catch_unwind(AssertUnwindSafe(generate)) {
        Ok(Ok(code)) => assert!(code.contains("fn")),
        Ok(Err(reason)) => assert!(!reason.is_empty()),
        Err(_) => {
            eprintln!("{}", PANIC.lock().unwrap());
            process::abort()
        }
    }
});
