//! Developer commands of fintech-auth: parses the arguments, runs one command and sets the exit code.

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

use clap::{ArgGroup, Args, Parser};
use openapi_drift::{Input, Mode, Origin, Outcome, Output, Request};

/// Developer commands of fintech-auth.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", max_term_width = 100)]
enum Command {
    /// Updates the files in specs/VENDOR.
    ///
    /// Extracts upstream.yaml from the vendor's document, applies overlay.yaml, writes openapi.yaml and reports what
    /// the changes mean for users. Without --from or --fetch, starts from the checked-in upstream.yaml.
    #[command(after_help = EXIT_CODES)]
    Regen(Regen),
    /// Reports changes in the vendor's document. Writes no files.
    ///
    /// Compares the document at the url in source.toml, or the --from document, with the checked-in one.
    #[command(after_help = EXIT_CODES)]
    Drift(Drift),
    /// Writes the generated clients to target/expanded, formatted.
    Expand,
    /// Writes the public API to api.txt.
    Api {
        /// Print the differences and write nothing.
        #[arg(long)]
        check: bool,
    },
    /// Builds the documentation with each set of features and checks its links.
    Docs,
    /// Runs the same steps as CI, stops at the first failure and lists skipped steps.
    Ci,
    #[command(flatten)]
    Guard(guards::Guard),
}

const EXIT_CODES: &str = "\
Exit codes: 0: no changes; 1: changes; 2: changes that need review, because they break callers, may change the
meaning, or match no rule; 3: error, no file was written.";

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("document").args(["from", "fetch"]))]
struct Regen {
    /// Fetch the vendor's document from the url in source.toml.
    #[arg(long)]
    fetch: bool,
    /// The name of the revision. Default: the name of the file, or the start of the SHA-256 of the file.
    #[arg(long, requires = "document")]
    revision: Option<String>,
    /// Print the differences and write nothing.
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
struct Drift {
    /// Compare with this file or URL instead of the checked-in document. Ignores the overlay.
    #[arg(long, value_parser = base)]
    base: Option<Origin>,
    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
struct Common {
    /// The vendor. Default: all vendors.
    vendor: Option<String>,
    /// Read the vendor's document from a file, an https URL or standard input (-).
    #[arg(long)]
    from: Option<Origin>,
    /// Also write the report to a Markdown file. It quotes the vendor's text: do not commit it.
    #[arg(long)]
    report: Option<PathBuf>,
    /// Print the report as JSON to standard output.
    #[arg(long)]
    json: bool,
}

fn base(name: &str) -> Result<Origin, String> {
    match Origin::from(name) {
        Origin::Stdin => Err("must be a file or a URL".to_owned()),
        origin => Ok(origin),
    }
}

impl From<Regen> for Request {
    fn from(args: Regen) -> Self {
        let Common { vendor, from, report, json } = args.common;
        let input = match from {
            Some(origin) => Input::From(origin),
            None if args.fetch => Input::Recorded,
            None => Input::Upstream,
        };
        let mode = if args.check { Mode::Check } else { Mode::Write };
        Self { vendor, input, revision: args.revision, mode, base: None, report, json }
    }
}

impl From<Drift> for Request {
    fn from(args: Drift) -> Self {
        let Common { vendor, from, report, json } = args.common;
        let input = from.map_or(Input::Recorded, Input::From);
        Self { vendor, input, revision: None, mode: Mode::Drift, base: args.base, report, json }
    }
}

fn main() -> ExitCode {
    // The generator recurses into nested schemas and needs a large stack.
    let main = thread::Builder::new().stack_size(256 << 20).spawn(run);
    main.ok().and_then(|main| main.join().ok()).unwrap_or(ExitCode::from(Outcome::Failed as u8))
}

fn run() -> ExitCode {
    if let Some(is_done) = rustdoc::as_rustdoc() {
        return if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => {
            let _ = error.print();
            let outcome = if error.use_stderr() { Outcome::Failed } else { Outcome::Success };
            return ExitCode::from(outcome as u8);
        }
    };
    let Some(root) = workspace() else {
        eprintln!("run this command inside the fintech-auth workspace");
        return ExitCode::from(Outcome::Failed as u8);
    };
    let passed = |err: String| Output::new(Outcome::Success, err);
    let output = match command {
        Command::Api { check } => api::run(&root, check),
        Command::Ci => return ExitCode::from(ci::run(&root) as u8),
        Command::Docs => docs::run(&root).map(passed),
        Command::Expand => openapi_drift::expand(&root, &root.join("target/expanded"))
            .map(|files| passed(files.iter().map(|file| format!("wrote {}\n", file.display())).collect())),
        Command::Guard(guard) => guards::run(&root, guard),
        Command::Regen(args) => Ok(openapi_drift::run(&root, &args.into())),
        Command::Drift(args) => Ok(openapi_drift::run(&root, &args.into())),
    };
    let output = output.unwrap_or_else(|problems| Output::new(Outcome::Failed, format!("{problems}\n")));
    // A write error is ignored, because the program that reads the pipe may have ended.
    let _ = std::io::stdout().write_all(output.out.as_bytes());
    let _ = std::io::stderr().write_all(output.err.as_bytes());
    ExitCode::from(output.outcome as u8)
}

fn workspace() -> Option<PathBuf> {
    let here = env::current_dir().ok()?;
    here.ancestors().find(|folder| folder.join("xtask/Cargo.toml").is_file()).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &str) -> Result<Command, clap::Error> {
        Command::try_parse_from(["xtask"].into_iter().chain(args.split_whitespace()))
    }

    #[test]
    fn every_flag_is_parsed() {
        let Ok(Command::Regen(args)) = parse("regen moov --from - --revision a --check") else {
            panic!("not regen");
        };
        let expected = Request {
            vendor: Some("moov".into()),
            input: Input::From(Origin::Stdin),
            revision: Some("a".into()),
            mode: Mode::Check,
            ..Request::default()
        };
        assert_eq!(Request::from(args), expected);
        let Ok(Command::Drift(args)) = parse("drift --base a --report b --json") else {
            panic!("not drift");
        };
        let expected = Request {
            input: Input::Recorded,
            mode: Mode::Drift,
            base: Some(Origin::File("a".into())),
            report: Some("b".into()),
            json: true,
            ..Request::default()
        };
        assert_eq!(Request::from(args), expected);
        assert!(matches!(parse("ci"), Ok(Command::Ci)));
        assert!(matches!(parse("docs"), Ok(Command::Docs)));
        assert!(matches!(parse("expand"), Ok(Command::Expand)));
        assert!(matches!(parse("api"), Ok(Command::Api { check: false })));
        assert!(matches!(parse("api --check"), Ok(Command::Api { check: true })));
        assert!(matches!(parse("msrv"), Ok(Command::Guard(guards::Guard::Msrv))));
        assert!(!parse("regen --help").unwrap_err().use_stderr());
    }

    #[test]
    fn invalid_arguments_are_rejected() {
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
            "drift --check",
            "drift --base -",
        ] {
            assert!(parse(args).is_err(), "{args}");
        }
    }
}
