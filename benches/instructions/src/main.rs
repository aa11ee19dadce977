//! Counts the instructions of the hot paths under callgrind. Unlike times, the counts do not depend
//! on the load of the machine.
//!
//! - `cargo run --release` prints a table. With an argument that is not an option, only the paths
//!   whose names contain this argument run.
//! - `cargo run --release -- --check` also compares the counts with `counts.txt`. The exit code is
//!   3 if a path is not recorded, or if its count is above the recorded count by more than its
//!   tolerance.
//! - `cargo run --release -- --record` writes `counts.txt`.
//!
//! If valgrind is not installed, the program counts nothing and exits with 4. With `--check`, the
//! program also counts nothing and exits with 4 if `counts.txt` was recorded with a different
//! compiler.

mod paths;
mod server;

use std::{
    env, fs,
    net::SocketAddr,
    process::{Command, ExitCode},
};

use crate::paths::{HotPath, PATHS};

const RECORD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/counts.txt");
/// `cargo xtask ci` expects these exit codes.
const FAILED: u8 = 3;
const SKIPPED: u8 = 4;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [command, name, calls, server] = &arguments[..]
        && command == "run"
    {
        let path = PATHS.iter().find(|path| path.name == name).expect("a path of this name");
        (path.run)(calls.parse().unwrap(), server.parse().unwrap());
        return ExitCode::SUCCESS;
    }
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let wanted = arguments.iter().find(|argument| !argument.starts_with('-'));
    let is_wanted = |path: &&HotPath| wanted.is_none_or(|wanted| path.name.contains(wanted.as_str()));
    if !Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success()) {
        eprintln!("instructions: skipped: valgrind is not installed");
        return ExitCode::from(SKIPPED);
    }
    let rustc = rustc();
    let record = fs::read_to_string(RECORD).unwrap_or_default();
    if has("--check") && !record.lines().any(|line| line == rustc) {
        eprintln!("instructions: skipped: the counts were recorded with another compiler than {rustc}");
        return ExitCode::from(SKIPPED);
    }
    let server = server::start();
    let (mut lines, mut exceeded) = (String::new(), Vec::new());
    for path in PATHS.iter().filter(is_wanted) {
        let count = count(path, server);
        let recorded = recorded_count(&record, path.name);
        let change = recorded.map(|recorded| 100.0 * (count as f64 / recorded as f64 - 1.0));
        let shown = change.map(|change| format!("{change:+.2} %")).unwrap_or_default();
        println!("{:46}{count:>9}{shown:>12}", path.name);
        lines += &format!("{count:>9}  {}\n", path.name);
        if change.is_none_or(|change| change > path.tolerance) {
            exceeded.push(path.name);
        }
    }
    if has("--record") {
        let comments: String =
            record.lines().filter(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect();
        fs::write(RECORD, format!("{comments}{rustc}\n{lines}")).unwrap();
    }
    if has("--check") && !exceeded.is_empty() {
        eprintln!("instructions: not recorded, or too far over the record: {exceeded:?}");
        return ExitCode::from(FAILED);
    }
    ExitCode::SUCCESS
}

fn rustc() -> String {
    let output = Command::new("rustc").arg("--version").output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

fn recorded_count(record: &str, name: &str) -> Option<u64> {
    record.lines().find_map(|line| line.trim_start().strip_suffix(name)?.strip_suffix("  ")?.parse().ok())
}

fn count(path: &HotPath, server: SocketAddr) -> u64 {
    let few = path.calls / 4;
    let [few, many] = [few, few + path.calls].map(|calls| total(path.name, calls, server));
    many.saturating_sub(few) / u64::from(path.calls)
}

fn total(name: &str, calls: u32, server: SocketAddr) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().unwrap())
        .args(["run", name, &calls.to_string(), &server.to_string()])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    let total = text.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    total.filter(|_| output.status.success()).unwrap_or_else(|| panic!("{name}: {text}"))
}
