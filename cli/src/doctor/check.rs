//! Prints one line per check and counts the failed checks.

use fintech_auth::Error;
use serde_json::json;

use crate::{
    exit::{Exit, Failure, chain},
    output::{print, visible},
};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Ok,
    Warn,
    Fail,
    Skip,
}

pub(super) struct Report {
    json: bool,
    failed: usize,
}

impl Report {
    pub(super) fn new(json: bool) -> Self {
        Self { json, failed: 0 }
    }

    pub(super) fn subject(&mut self, subject: &'static str) -> Result<Checks<'_>, Failure> {
        if !self.json {
            print(&format!("{subject}\n"))?;
        }
        Ok(Checks { report: self, subject })
    }

    pub(super) fn finish(self) -> Result<(), Failure> {
        if self.failed == 0 { Ok(()) } else { Err(Failure::finding(self.failed)) }
    }
}

pub(super) struct Checks<'a> {
    report: &'a mut Report,
    subject: &'static str,
}

impl Checks<'_> {
    pub(super) fn setting(&self, name: &str) -> String {
        format!("{}_{name}", self.subject.to_ascii_uppercase())
    }

    /// Scripts depend on the ids, so an id must not change.
    pub(super) fn add(
        &mut self,
        id: &'static str,
        verdict: Verdict,
        found: &str,
        next: &str,
    ) -> Result<(), Failure> {
        if verdict == Verdict::Fail {
            self.report.failed += 1;
        }
        let name = id.split('.').next().unwrap_or_default().replace('_', " ");
        let word = match verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
            Verdict::Skip => "skip",
        };
        if self.report.json {
            let line = json!({
                "subject": self.subject, "check": name, "id": id, "verdict": word, "found": found,
                "next": Some(next).filter(|next| !next.is_empty()),
            });
            return print(&format!("{line}\n"));
        }
        let next = if next.is_empty() { String::new() } else { format!(" -> {next}") };
        print(&format!("  {word:<5} {name:<12} {}{next}\n", visible(found)))
    }

    pub(super) fn ok(&mut self, id: &'static str, found: &str) -> Result<(), Failure> {
        self.add(id, Verdict::Ok, found, "")
    }

    pub(super) fn fail(&mut self, id: &'static str, error: &Error) -> Result<(), Failure> {
        self.add(id, Verdict::Fail, &chain(error), &Exit::of(error.kind()).next_for(self.subject))
    }
}
