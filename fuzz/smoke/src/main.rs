//! Builds the fuzz targets with coverage on the stable toolchain. Runs each target for a few
//! seconds.
//!
//! Usage: `cargo run --manifest-path fuzz/smoke/Cargo.toml [SECONDS [TARGET]...]`. Exits with code
//! 4 if there is no C++ compiler, because libFuzzer needs a C++ compiler.

use std::{
    env, fs,
    path::Path,
    process::{Command, ExitCode, Stdio},
};

/// The flags that cargo-fuzz uses, but without the address sanitizer, which needs a nightly
/// toolchain. The address sanitizer finds only errors in unsafe code, and fintech-auth forbids
/// unsafe code.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0";
const SKIPPED: u8 = 4;

fn main() -> ExitCode {
    let compiler = env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    if Command::new(&compiler).arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("fuzz: skipped: libFuzzer needs a C++ compiler, and there is no {compiler}");
        return ExitCode::from(SKIPPED);
    }
    let mut arguments = env::args().skip(1);
    let seconds: u32 = arguments.next().map_or(5, |number| number.parse().expect("a number of seconds"));
    let chosen: Vec<String> = arguments.collect();
    match run(seconds, &chosen) {
        Ok(count) => {
            eprintln!("fuzz: {count} targets ran for {seconds} s each and found nothing");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("fuzz: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run(seconds: u32, chosen: &[String]) -> Result<usize, String> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent");
    let target = env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| fuzz.join("target").display().to_string());
    let target = Path::new(&target).join("smoke");
    let triple = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    // With `--target`, cargo does not apply the flags to build scripts.
    let build = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--locked", "--profile", "smoke", "--bins", "--target", &triple])
        .current_dir(fuzz)
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTFLAGS", FLAGS)
        .status();
    check(build, "the build of the targets")?;

    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).map_err(|error| error.to_string())?;
    let named = manifest.split("[[bin]]").skip(1).filter_map(|bin| bin.split('"').nth(1));
    let is_chosen = |name: &&str| chosen.is_empty() || chosen.iter().any(|it| it == name);
    let names: Vec<&str> = named.filter(is_chosen).collect();
    let found = target.join("found");
    for name in &names {
        let corpus = found.join(name);
        fs::create_dir_all(&corpus).map_err(|error| error.to_string())?;
        let program = target.join(&triple).join("smoke").join(name);
        let mut command = Command::new(program);
        command.arg(&corpus).args(Some(fuzz.join("seeds").join(name)).filter(|seeds| seeds.is_dir()));
        command.arg(format!("-max_total_time={seconds}")).arg("-timeout=25").arg("-print_final_stats=1");
        command.arg(format!("-artifact_prefix={}/", corpus.display()));
        eprintln!("fuzz: {name}");
        let log = found.join(format!("{name}.log"));
        let file = fs::File::create(&log).map_err(|error| error.to_string())?;
        let status = command.stderr(file).stdout(Stdio::null()).status();
        if let Err(reason) = check(status, name) {
            let text = fs::read(&log).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            let end: Vec<&str> = text.lines().rev().take(40).collect();
            return Err(format!("{}\n{reason}", end.into_iter().rev().collect::<Vec<_>>().join("\n")));
        }
    }
    Ok(names.len())
}

fn check(status: std::io::Result<std::process::ExitStatus>, what: &str) -> Result<(), String> {
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what} failed: {status}")),
        Err(error) => Err(format!("{what} does not start: {error}")),
    }
}
