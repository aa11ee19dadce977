//! Developer commands of fintech-auth: reads the flags, calls one command, turns its outcome into
//! the exit code. No users' code is here.

mod api;
mod cargo;
mod ci;
mod docs;
mod guards;
mod rustdoc;

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use lexopt::prelude::*;

use openapi_drift::{Answer, Input, Mode, Origin, Outcome, Request};

const USAGE: &str = "\
cargo xtask regen [VENDOR] [--from FILE|URL|-] [--fetch] [--revision NAME] [--check] [--report FILE] [--json]
    Cuts specs/VENDOR/upstream.yaml from the vendor's document, writes openapi.json from it and
    overlay.yaml, and tells what the changes mean for users. Without --from or --fetch it starts from
    the upstream.yaml that is there.
    --from      read the vendor's document from a file, an https URL or standard input
    --fetch     read it from the url in source.toml
    --revision  name a document that is not the recorded one (default: the file's name, else the
                start of its sha256)
    --check     write nothing, show differences
    --report    write what changed to FILE as well, in Markdown, for the pull request. It quotes the
                vendor: do not commit it
    --json      tell what changed in JSON, on standard output

cargo xtask drift [VENDOR] [--from FILE|URL|-] [--base FILE|URL] [--report FILE] [--json]
    Tells what changed in the vendor's document (that at the url in source.toml, or another) since
    the one that is checked in, and writes nothing: for a scheduled job.
    --base      compare with this document and not with what is checked in; without the overlay

    Exit code of both: 0 nothing changed; 1 changes; 2 a change to be looked at by a person, since it
    breaks callers, may have another meaning, or is known to no rule; 3 error, and no file touched.
    If an operation that we keep is gone or has an unknown id, or an action of the overlay has no effect,
    regen reports it, exits with 2 and writes nothing.

cargo xtask api [--check]
    Writes the public API to api.txt, so that a pull request shows what it changes for users.
    --check     write nothing, show differences

cargo xtask docs
    Builds the documentation without features, with the default ones and, as docs.rs does, with all; looks for
    broken links, and for items behind a feature that are not marked with it.

cargo xtask deny | features | minimal | msrv | package | shuttle
    The guards of what the crate promises its dependants:
    deny        licences, doubled and banned crates, where they are from, advisories (by cargo-deny)
    features    each feature alone builds without a warning
    minimal     it builds with the least versions that Cargo.toml allows
    msrv        it builds with the Rust version that Cargo.toml states
    package     what is published packs and builds by itself, without a warning
    shuttle     the token cache keeps its promises in every explored interleaving

    Exit code: 0 all is well; 3 it is not; 4 it could not be looked at here, or not at all of it.

cargo xtask ci
    Runs what CI runs; stops at the first failure, and says at the end what was skipped.
";

/// What the command line asks for.
#[derive(Debug)]
enum Command {
    /// Whether it only checks.
    Api(bool),
    Ci,
    Docs,
    Guard(guards::Guard),
    Help,
    Regen(Request),
}

fn main() -> ExitCode {
    // The generator recurses as deep as its input is long.
    let main = thread::Builder::new().stack_size(256 << 20).spawn(run);
    main.ok().and_then(|main| main.join().ok()).unwrap_or(ExitCode::from(Outcome::Failed as u8))
}

/// The workspace that we are called in, whichever one we were built in.
fn workspace() -> Option<PathBuf> {
    let here = env::current_dir().ok()?;
    here.ancestors().find(|folder| folder.join("xtask/Cargo.toml").is_file()).map(Path::to_owned)
}

fn run() -> ExitCode {
    if let Some(is_done) = rustdoc::as_rustdoc() {
        return if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let Some(root) = workspace() else {
        eprintln!("not in a workspace of fintech-auth");
        return ExitCode::from(Outcome::Failed as u8);
    };
    let outcome = match command(lexopt::Parser::from_env()) {
        Ok(Command::Api(check)) => tell(&api::run(&root, check)),
        Ok(Command::Ci) => ci::run(&root),
        Ok(Command::Docs) => tell(&docs::run(&root)),
        Ok(Command::Guard(guard)) => tell(&guards::run(&root, guard)),
        Ok(Command::Regen(request)) => tell(&openapi_drift::run(&root, &request)),
        Ok(Command::Help) => tell(&Answer { outcome: Outcome::Same, out: USAGE.into(), err: String::new() }),
        Err(error) => {
            tell(&Answer { outcome: Outcome::Failed, out: String::new(), err: format!("{error}\n\n{USAGE}") })
        }
    };
    ExitCode::from(outcome as u8)
}

fn command(mut args: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let name = match args.next()? {
        Some(Value(name)) => name.string()?,
        Some(Long("help") | Short('h')) => return Ok(Command::Help),
        Some(other) => return Err(other.unexpected()),
        None => return Err("which command?".into()),
    };
    match name.as_str() {
        "api" => match args.next()? {
            None => Ok(Command::Api(false)),
            Some(Long("check")) => Ok(Command::Api(true)),
            Some(other) => Err(other.unexpected()),
        },
        "ci" => match args.next()? {
            None => Ok(Command::Ci),
            Some(other) => Err(other.unexpected()),
        },
        "docs" => match args.next()? {
            None => Ok(Command::Docs),
            Some(other) => Err(other.unexpected()),
        },
        "regen" => regen_command(args, Mode::Write),
        "drift" => regen_command(args, Mode::Drift),
        _ => match (guards::named(&name), args.next()?) {
            (None, _) => Err(format!("there is no command {name}").into()),
            (Some(guard), None) => Ok(Command::Guard(guard)),
            (Some(_), Some(other)) => Err(other.unexpected()),
        },
    }
}

fn regen_command(mut args: lexopt::Parser, mode: Mode) -> Result<Command, lexopt::Error> {
    let mut request = Request { mode, ..Request::default() };
    let is_drift = mode == Mode::Drift;
    while let Some(arg) = args.next()? {
        match arg {
            Long("check") if !is_drift => request.mode = Mode::Check,
            Long("fetch" | "from") if request.input != Input::Upstream => {
                return Err("one document at a time".into());
            }
            Long("fetch") if !is_drift => request.input = Input::Recorded,
            Long("from") => request.input = Input::From(Origin::named(&args.value()?.string()?)),
            Long("base") if is_drift => request.base = Some(Origin::named(&args.value()?.string()?)),
            Long("revision") if !is_drift => request.revision = Some(args.value()?.string()?),
            Long("report") => request.report = Some(args.value()?.into()),
            Long("json") => request.json = true,
            Long("help") | Short('h') => return Ok(Command::Help),
            Value(vendor) if request.vendor.is_none() => request.vendor = Some(vendor.string()?),
            other => return Err(other.unexpected()),
        }
    }
    if request.revision.is_some() && request.input == Input::Upstream {
        return Err("--revision names a document: give --from or --fetch".into());
    }
    if is_drift && request.input == Input::Upstream {
        request.input = Input::Recorded;
    }
    if request.base == Some(Origin::Stdin) {
        return Err("--base is a file or a URL".into());
    }
    Ok(Command::Regen(request))
}

/// Prints an answer. A reader that has closed its end has seen enough.
fn tell(answer: &Answer) -> Outcome {
    let _ = std::io::stdout().write_all(answer.out.as_bytes());
    let _ = std::io::stderr().write_all(answer.err.as_bytes());
    answer.outcome
}

#[cfg(test)]
mod command_line {
    use super::*;

    fn asked(args: &str) -> Result<Command, String> {
        let args = args.split_whitespace();
        command(lexopt::Parser::from_args(args)).map_err(|error| error.to_string())
    }

    #[test]
    fn every_flag_is_read() {
        let Ok(Command::Regen(request)) = asked("regen moov --from - --revision a --check") else {
            panic!("not regen");
        };
        let expected = Request {
            vendor: Some("moov".into()),
            input: Input::From(Origin::Stdin),
            revision: Some("a".into()),
            mode: Mode::Check,
            ..Request::default()
        };
        assert_eq!(request, expected);
        let fetch = asked("regen moov --fetch");
        let is_fetch = matches!(&fetch, Ok(Command::Regen(it)) if it.input == Input::Recorded);
        assert!(is_fetch, "{fetch:?}");
        assert!(matches!(asked("ci"), Ok(Command::Ci)));
        assert!(matches!(asked("docs"), Ok(Command::Docs)));
        assert!(matches!(asked("api"), Ok(Command::Api(false))));
        assert!(matches!(asked("api --check"), Ok(Command::Api(true))));
        assert!(matches!(asked("regen --help"), Ok(Command::Help)));
        assert!(matches!(asked("msrv"), Ok(Command::Guard(_))));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for args in [
            "",
            "build",
            "ci now",
            "docs --all",
            "deny all",
            "regen a b",
            "regen a --fetch --from b",
            "regen a --from",
            "regen a --revision b",
            "regen --chek",
        ] {
            let asked = asked(args);
            assert!(asked.is_err(), "{args}: {asked:?}");
        }
    }
}
