//! Works out what one vendor's files should be: slice, canonical form, overlay. It reads but never
//! writes, and asks the network only when told to.

use std::path::Path;

use ring::digest;
use serde_json::Value;

use crate::canonical::{Form, canonical};
use crate::date::Date;
use crate::downconvert::downconvert;
use crate::fetch::Origin;
use crate::files::{Change, read};
use crate::problems::{Problems, Result, clean};
use crate::record::{known, record, warning_of_age};
use crate::regen::{Input, Request};
use crate::source::{self, Kind, Source};
use crate::yaml::render;
use crate::{contract, document, overlay, slice, transcript};

/// One vendor's files, as far as they can be told.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) vendor: String,
    /// Of the vendor's document, where there is one.
    pub(crate) revision: Option<String>,
    pub(crate) changes: Vec<Change>,
    pub(crate) notes: Vec<String>,
    pub(crate) problems: Problems,
}

impl Plan {
    /// Plans for `vendor`, whose files are below `root`.
    pub(crate) fn new(root: &Path, vendor: &str, request: &Request) -> Self {
        let mut plan = Self { vendor: vendor.to_owned(), ..Self::default() };
        if let Err(problems) = plan.fill(root, request) {
            plan.problems = problems;
        }
        plan
    }

    fn fill(&mut self, root: &Path, request: &Request) -> Result<()> {
        let name = self.file("source.toml");
        let text = read(root, &name)?;
        let source = source::parse(&name, &text)?;
        self.revision.clone_from(&source.revision);

        let origin = origin(&self.vendor, &source, &request.input)?;
        let copy = match &origin {
            Some(origin) => origin.read(&known(&source, origin))?,
            None => None,
        };
        let mut date = source.date.clone();
        let facts = match (&origin, &copy) {
            (Some(origin), Some(copy)) => {
                let facts = self.facts(&origin.name(), &copy.bytes, &source)?;
                if let Some(record) = record(&source, request, origin, copy) {
                    let text = source::update(&name, &text, &record)?;
                    self.changes.push(Change::new(root, name, text)?);
                    self.revision = Some(record.revision);
                    date = record.date;
                }
                facts
            }
            (origin, _) => {
                if let (Some(_), Some(revision)) = (origin, &source.revision) {
                    self.notes.push(format!("not modified since {revision}"));
                }
                self.same_facts(root, &source)?
            }
        };
        self.notes.extend(warning_of_age(date.as_deref(), Date::today(), &self.vendor));
        let banner = banner(&self.vendor, source.kind);
        self.change(root, "upstream.yaml", &banner, &facts)?;

        let contract = self.corrected(root, facts)?;
        let banner = format!(
            "Written by `cargo xtask regen {}` from upstream.yaml and overlay.yaml. Do not edit.",
            self.vendor,
        );
        self.change(root, "openapi.yaml", &banner, &contract)
    }

    fn file(&self, name: &str) -> String {
        format!("specs/{}/{name}", self.vendor)
    }

    fn change(&mut self, root: &Path, name: &str, banner: &str, document: &Value) -> Result<()> {
        let name = self.file(name);
        let text = render(&name, banner, document)?;
        self.changes.push(Change::new(root, name, text)?);
        Ok(())
    }

    /// The facts that upstream.yaml holds already, in canonical form.
    fn same_facts(&mut self, root: &Path, source: &Source) -> Result<Value> {
        let name = self.file("upstream.yaml");
        let text = read(root, &name)?;
        self.facts(&name, text.as_bytes(), source)
    }

    /// What upstream.yaml should hold, given the document called `name`.
    fn facts(&mut self, name: &str, bytes: &[u8], source: &Source) -> Result<Value> {
        let document = document::parse(name, bytes)?;
        match source.kind {
            Kind::Document => {
                let mut converted = downconvert(name, document)?;
                // First the prose goes, so that nothing is kept for an example's sake.
                let facts = canonical(converted.document.take(), Form::Facts);
                let slice = slice::slice(name, &facts, &source.operations)?;
                self.notes.extend(converted.notices(name, &slice.document)?);
                for (former, current) in slice.renames {
                    self.notes.push(clean(&format!("{former} is now called {current}")));
                }
                Ok(slice.document)
            }
            Kind::Transcribed => {
                transcript::check(name, &document, &source.operations)?;
                Ok(canonical(document, Form::SourcedFacts))
            }
        }
    }

    /// What openapi.yaml should hold.
    fn corrected(&self, root: &Path, mut facts: Value) -> Result<Value> {
        let name = self.file("overlay.yaml");
        let text = read(root, &name)?;
        let overlay = document::parse(&name, text.as_bytes())?;
        overlay::apply(&name, overlay, &mut facts)?;
        let contract = canonical(facts, Form::Contract);
        contract::check(&self.file("openapi.yaml"), &contract)?;
        Ok(contract)
    }

    /// Said where none of them is needed.
    pub(crate) fn up_to_date(&self) -> String {
        match &self.revision {
            Some(revision) => format!("{}: up to date with {revision}", self.vendor),
            None => format!("{}: up to date", self.vendor),
        }
    }

    /// The changes that change something.
    pub(crate) fn needed(&self) -> Vec<&Change> {
        self.changes.iter().filter(|change| change.is_needed()).collect()
    }
}

/// Where to read the vendor's document, if it is to be read at all.
fn origin(vendor: &str, source: &Source, input: &Input) -> Result<Option<Origin>> {
    match (input, source.kind, &source.url) {
        (Input::Upstream, ..) => Ok(None),
        (_, Kind::Transcribed, _) => {
            Err(format!("{vendor} publishes no document; correct specs/{vendor}/upstream.yaml by hand")
                .into())
        }
        (Input::From(origin), ..) => Ok(Some(origin.clone())),
        (Input::Recorded, _, Some(url)) => Ok(Some(Origin::named(url))),
        (Input::Recorded, _, None) => Err(format!("specs/{vendor}/source.toml names no url").into()),
    }
}

/// What to call a document: as asked for, else as its file is called, else by its fingerprint.
pub(crate) fn revision(request: &Request, origin: &Origin, sha256: &str) -> String {
    let name = request.revision.as_deref().or_else(|| origin.stem());
    name.unwrap_or(&sha256[..12]).to_owned()
}

/// What upstream.yaml says of itself.
fn banner(vendor: &str, kind: Kind) -> String {
    match kind {
        Kind::Document => format!(
            "Cut by `cargo xtask regen {vendor}` from the document named in source.toml. Do not edit."
        ),
        Kind::Transcribed => format!(
            "Transcribed by hand. `cargo xtask regen {vendor}` sorts it; it keeps no comment and no prose."
        ),
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_named_by_flag_then_file_then_fingerprint() {
        let mut request = Request::default();
        let sha256 = sha256(b"a document");
        let file = Origin::named("copies/2030-01-01.yaml");
        let url = Origin::named("https://library.example/openapi.yaml");
        assert_eq!(revision(&request, &file, &sha256), "2030-01-01");
        assert_eq!(revision(&request, &url, &sha256), sha256[..12]);
        request.revision = Some("winter".into());
        assert_eq!(revision(&request, &file, &sha256), "winter");
    }

    #[test]
    fn a_fingerprint_is_the_sha256_in_hex() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), empty);
    }
}
