//! Runs `regen` with one file from the fuzzer. `regen` must not panic, and must not write any file
//! if it fails.
#![no_main]

use std::{
    fs,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    process,
    sync::{LazyLock, Mutex},
};

use libfuzzer_sys::fuzz_target;
use openapi_drift::{Input, Mode, Origin, Outcome, Request, run};

const FILES: [(&str, &str); 5] = [
    ("document.yaml", include_str!("../library/document.yaml")),
    ("specs/library/overlay.yaml", include_str!("../library/overlay.yaml")),
    ("specs/library/source.toml", include_str!("../library/source.toml")),
    ("specs/library/upstream.yaml", ""),
    ("specs/library/openapi.yaml", ""),
];

static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
    let root = std::env::temp_dir().join(format!("fintech-auth-fuzz-{}", process::id()));
    fs::create_dir_all(root.join("specs/library")).unwrap();
    // Replace the panic hook of libFuzzer. The hook of libFuzzer aborts the process even if this
    // target catches the panic.
    panic::set_hook(Box::new(|info| *PANIC.lock().unwrap() = info.to_string()));
    root
});

static PANIC: Mutex<String> = Mutex::new(String::new());

fn fail(why: &str) -> ! {
    eprintln!("{why}: {}", PANIC.lock().unwrap());
    process::abort()
}

fn written(root: &Path) -> Vec<Option<Vec<u8>>> {
    FILES.iter().map(|(name, _)| fs::read(root.join(name)).ok()).collect()
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, text)) = data.split_first() else { return };
    let choice = usize::from(choice.wrapping_sub(b'0')) % FILES.len();
    let root = &*ROOT;
    let _ = fs::remove_file(root.join("specs/library/upstream.lock"));
    for (index, (name, good)) in FILES.into_iter().enumerate() {
        let content = if index == choice { text } else { good.as_bytes() };
        if content.is_empty() && index != choice {
            let _ = fs::remove_file(root.join(name));
        } else {
            fs::write(root.join(name), content).unwrap();
        }
    }
    let before = written(root);
    let request = Request {
        vendor: Some("library".to_owned()),
        input: Input::From(Origin::File(root.join("document.yaml"))),
        mode: Mode::Write,
        ..Request::default()
    };
    let Ok(output) = panic::catch_unwind(AssertUnwindSafe(|| run(root, &request))) else {
        fail("regen panicked")
    };
    if output.err.contains("to read\n") && output.err.contains("takes more than") {
        fail("the reader hung or panicked");
    }
    if output.outcome >= Outcome::Failed && written(root) != before {
        fail("a failure wrote files");
    }
    if output.err.len() > 100_000 + 8 * data.len() {
        fail("the output is too long");
    }
});
