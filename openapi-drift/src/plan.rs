//! Computes the new content of the files of one vendor. Does not write files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::canonical::{Form, canonical};
use crate::downconvert::{Converted, downconvert};
use crate::drift::{self, Drift, Heading, Level, Lock, Omitted, State, drift, generates, omitted};
use crate::fetch::Origin;
use crate::files::{Change, read, read_if_there};
use crate::http::FetchOptions;
use crate::overlay::UnusedAction;
use crate::problems::{Problems, Result, sanitize};
use crate::record::{age_warning, fetch_options, record};
use crate::request::{Input, Mode, Request};
use crate::slice::{Mismatch, Slice};
use crate::source::{self, Kind, Source};
use crate::yaml::render;
use crate::{build_script, contract, date, document, overlay, slice, transcript};

#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) vendor: String,
    pub(crate) revision: Option<String>,
    pub(crate) changes: Vec<Change>,
    pub(crate) drift: Option<(Heading, Drift)>,
    pub(crate) notes: Vec<String>,
    pub(crate) unresolved: Vec<String>,
    pub(crate) problems: Problems,
}

const MAX_CAUSES: usize = 3;

#[derive(Debug, Default)]
struct Upstream {
    facts: Value,
    omitted: Omitted,
    lock: Lock,
    mismatches: Vec<Mismatch>,
}

impl Upstream {
    fn of(document: &Value, slice: Slice) -> Self {
        let Slice { document: facts, mismatches, .. } = slice;
        let omitted = omitted(document, &facts);
        let lock = Lock::of(&omitted, &facts);
        Self { facts, omitted, lock, mismatches }
    }

    fn is_complete(&self) -> bool {
        self.mismatches.iter().all(|mismatch| mismatch.is_renamed)
    }
}

fn cut(name: &str, document: Value, source: &Source) -> Result<(Converted, Slice)> {
    let converted = downconvert(name, document)?;
    // Remove the prose before extracting the operations. Otherwise, components that only an example
    // uses would be extracted.
    let facts = canonical(converted.document.clone(), Form::Facts);
    let slice = slice::slice(name, &facts, &source.operations)?;
    Ok((converted, slice))
}

impl Plan {
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
        let mut from = source.revision.clone().unwrap_or_else(|| "the checked-in files".to_owned());

        let origin = origin(&self.vendor, &source, request)?;
        // Only a document that we transcribed by hand contains `x-source`.
        let kind = if origin.is_some() { Kind::Document } else { source.kind };
        let mut before = self.checked_in(root, kind)?;
        let copy = match &origin {
            Some(origin) => {
                let mut options = fetch_options(&source, origin);
                let has = |operation| slice::find("", &before.facts, operation).is_ok();
                if before.lock.is_empty() || !source.operations.iter().all(has) {
                    // The checked-in files are incomplete, so download the full document even if it
                    // has not changed.
                    (options.etag, options.last_modified) = (None, None);
                }
                origin.read(&options)?
            }
            None => None,
        };
        let mut date = source.date.clone();
        let after = match (&origin, &copy) {
            (Some(origin), Some(copy)) => {
                let after = self.upstream(&origin.name(), &copy.bytes, &source, kind)?;
                if let Some(record) = record(&source, request, origin, copy) {
                    self.change(root, "source.toml", source::update(&name, &text, &record)?)?;
                    self.revision = Some(record.revision);
                    date = record.date;
                }
                after
            }
            (origin, _) => {
                if let (Some(_), Some(revision)) = (origin, &source.revision) {
                    self.notes.push(format!("not modified since {revision}"));
                }
                self.same(root, &source, &before)?
            }
        };
        if let Some(base) = &request.base {
            from = base.stem().map_or_else(|| base.name(), str::to_owned);
            before = self.base(base, &source)?;
        }
        if before.lock.is_empty() && !before.facts.is_null() && !after.lock.is_empty() {
            self.notes.push("upstream.lock was missing, so changed texts are not reported".to_owned());
            before.lock.clone_from(&after.lock);
        }
        self.notes.extend(age_warning(date.as_deref(), date::today(), &self.vendor));
        let banner = banner(&self.vendor, source.kind);
        self.change(root, "upstream.yaml", render(&self.file("upstream.yaml"), &banner, &after.facts)?)?;
        if !after.lock.is_empty() {
            let banner = format!(
                "Fingerprints of what upstream.yaml omits. Generated by `cargo xtask regen {}`. Do not edit.",
                self.vendor,
            );
            self.change(root, "upstream.lock", after.lock.render(&banner))?;
        }

        let corrected = self.corrected(root, &after);
        let published = match (&request.base, &corrected) {
            // If an operation is missing from the document, the overlay actions for this operation
            // match nothing. So unused actions are expected.
            (None, Ok((contract, unused))) if unused.is_empty() || !after.is_complete() => {
                self.document(root, "openapi.yaml")?.zip(Some(contract))
            }
            _ => None,
        };
        let to = self.revision.clone().unwrap_or_else(|| "the output of regen".to_owned());
        if from == to {
            from = "the checked-in files".to_owned();
        }
        let heading = Heading { vendor: self.vendor.clone(), from, to };
        let (old_contract, new_contract) = published.as_ref().map(|(old, new)| (old, *new)).unzip();
        let old = State { facts: &before.facts, contract: old_contract, lock: &before.lock };
        let new = State { facts: &after.facts, contract: new_contract, lock: &after.lock };
        if !before.facts.is_null() && old != new {
            let drift = drift(old, new, &after.omitted);
            if !drift.changes.is_empty() {
                self.drift = Some((heading.clone(), drift));
            }
        }
        if request.base.is_some() {
            return Ok(());
        }
        let is_other = published.as_ref().is_none_or(|(old, new)| old != *new);
        let (contract, unused) = corrected?;
        let findings = self.findings(after.mismatches, unused);
        if !findings.is_empty() {
            self.unresolved = findings.iter().map(|finding| finding.what.clone()).collect();
            let none = || (heading, Drift { changes: Vec::new(), surface: Ok(BTreeMap::new()) });
            self.drift.get_or_insert_with(none).1.extend(findings);
            return Ok(());
        }
        if request.mode != Mode::Drift && is_other {
            generates(&contract).map_err(|reason| {
                format!("{}: cannot generate bindings: {reason}", self.file("openapi.yaml"))
            })?;
        }
        let name = self.file("openapi.yaml");
        let banner =
            format!("Generated by `cargo xtask regen {}`. Put corrections into overlay.yaml.", self.vendor);
        let text = render(&name, &banner, &contract)?;
        // The build script parses the contract with its own parser. Check that this parser reads
        // the same value that was rendered.
        let read = build_script::parse(&text).map_err(|reason| format!("{name}: {reason}"))?;
        if read != contract {
            return Err(format!("{name}: the build script and regen parse the contract differently").into());
        }
        self.change(root, "openapi.yaml", text)
    }

    fn file(&self, name: &str) -> String {
        format!("specs/{}/{name}", self.vendor)
    }

    fn change(&mut self, root: &Path, name: &str, text: String) -> Result<()> {
        self.changes.push(Change::new(root, self.file(name), text)?);
        Ok(())
    }

    fn checked_in(&self, root: &Path, kind: Kind) -> Result<Upstream> {
        let Some(document) = self.document(root, "upstream.yaml")? else {
            return Ok(Upstream::default());
        };
        let form = if kind == Kind::Document { Form::Facts } else { Form::SourcedFacts };
        let name = self.file("upstream.lock");
        let lock = match read_if_there(root, &name)? {
            Some(text) => Lock::parse(&name, &text)?,
            None => Lock::default(),
        };
        Ok(Upstream { facts: canonical(document, form), lock, ..Upstream::default() })
    }

    fn same(&mut self, root: &Path, source: &Source, before: &Upstream) -> Result<Upstream> {
        let name = self.file("upstream.yaml");
        let text = read(root, &name)?;
        let upstream = self.upstream(&name, text.as_bytes(), source, source.kind)?;
        let facts = &upstream.facts;
        if source.kind == Kind::Document && before.lock.is_empty() {
            let lock = self.file("upstream.lock");
            return Err(
                format!("{lock} is missing; restore it from version control, or run with --fetch").into()
            );
        }
        if !before.lock.is_of(facts) {
            return Err(format!(
                "{name}: was edited by hand; put corrections into overlay.yaml, and restore this file with \
                 `cargo xtask regen {} --fetch`",
                self.vendor,
            )
            .into());
        }
        Ok(Upstream { lock: before.lock.clone(), ..upstream })
    }

    fn upstream(&mut self, name: &str, bytes: &[u8], source: &Source, kind: Kind) -> Result<Upstream> {
        let document = document::parse(name, bytes)?;
        if kind == Kind::Transcribed {
            transcript::check(name, &document, &source.operations)?;
            let facts = canonical(document, Form::SourcedFacts);
            return Ok(Upstream { facts, ..Upstream::default() });
        }
        let (converted, slice) = cut(name, document, source)?;
        self.notes.extend(converted.notices(name, &slice.document)?);
        for (former, current) in &slice.renames {
            self.notes.push(sanitize(&format!("operation {current} has the id {former} in the document")));
        }
        Ok(Upstream::of(&converted.document, slice))
    }

    fn base(&mut self, origin: &Origin, source: &Source) -> Result<Upstream> {
        let name = origin.name();
        let options = FetchOptions { etag: None, last_modified: None, ..fetch_options(source, origin) };
        let Some(copy) = origin.read(&options)? else {
            return Err(format!("{name}: the server returned no document").into());
        };
        let (converted, slice) = cut(&name, document::parse(&name, &copy.bytes)?, source)?;
        self.notes.extend(slice.mismatches.iter().map(|mismatch| sanitize(&mismatch.message)));
        Ok(Upstream { mismatches: Vec::new(), ..Upstream::of(&converted.document, slice) })
    }

    fn document(&self, root: &Path, name: &str) -> Result<Option<Value>> {
        let name = self.file(name);
        let text = read_if_there(root, &name)?;
        text.map(|text| document::parse(&name, text.as_bytes())).transpose()
    }

    fn corrected(&self, root: &Path, upstream: &Upstream) -> Result<(Value, Vec<UnusedAction>)> {
        let mut facts = upstream.facts.clone();
        let name = self.file("overlay.yaml");
        let text = read(root, &name)?;
        let overlay = document::parse(&name, text.as_bytes())?;
        let unused = overlay::apply(&name, overlay, &mut facts)?;
        let contract = canonical(facts, Form::Contract);
        // Do not check the contract if an overlay action had no effect or an operation is missing,
        // because the contract may then be invalid.
        if unused.is_empty() && upstream.is_complete() {
            contract::check(&self.file("openapi.yaml"), &contract)?;
        }
        Ok((contract, unused))
    }

    fn findings(&self, mismatches: Vec<Mismatch>, unused: Vec<UnusedAction>) -> Vec<drift::Change> {
        let of_operation = |mismatch: Mismatch| {
            let (rule, level) = if mismatch.is_renamed {
                ("operation-renamed", Level::Unhandled)
            } else {
                ("operation-missing", Level::Breaking)
            };
            drift::Change::new(rule, level, &mismatch.at, mismatch.message)
        };
        let of_action = |action: UnusedAction| {
            let changes = self.drift.iter().flat_map(|(_, drift)| &drift.changes);
            let causes: BTreeSet<String> = changes
                .filter(|change| {
                    action.concerns(&change.at)
                        || change.formerly.as_deref().is_some_and(|at| action.concerns(at))
                })
                .map(|change| format!("; possible cause: {} at #{}: {}", change.rule, change.at, change.what))
                .collect();
            let causes: String = causes.into_iter().take(MAX_CAUSES).collect();
            let what = action.message + &causes;
            drift::Change::new("overlay-action-without-effect", Level::Unhandled, "", what)
        };
        let operations = mismatches.into_iter().map(of_operation);
        operations.chain(unused.into_iter().map(of_action)).collect()
    }

    pub(crate) fn up_to_date(&self) -> String {
        match &self.revision {
            Some(revision) => format!("{}: up to date with {revision}", self.vendor),
            None => format!("{}: up to date", self.vendor),
        }
    }

    pub(crate) fn needed(&self) -> Vec<&Change> {
        self.changes.iter().filter(|change| change.is_needed()).collect()
    }
}

fn origin(vendor: &str, source: &Source, request: &Request) -> Result<Option<Origin>> {
    let is_drift = request.mode == Mode::Drift;
    match (&request.input, source.kind, &source.url) {
        (Input::Upstream, ..) => Ok(None),
        (Input::From(origin), Kind::Document, _) => Ok(Some(origin.clone())),
        (Input::From(origin), Kind::Transcribed, _) if is_drift => Ok(Some(origin.clone())),
        // The request is for all vendors, so it is not an error if one of them publishes no
        // document.
        (Input::Recorded, Kind::Transcribed, _) if request.vendor.is_none() => Ok(None),
        (_, Kind::Transcribed, _) => Err(format!(
            "{vendor} publishes no document; edit specs/{vendor}/upstream.yaml by hand, or set kind = \"document\" \
             in source.toml if it publishes one now"
        )
        .into()),
        (Input::Recorded, _, Some(url)) => Ok(Some(Origin::from(url.as_str()))),
        (Input::Recorded, _, None) => Err(format!("specs/{vendor}/source.toml has no url").into()),
    }
}

fn banner(vendor: &str, kind: Kind) -> String {
    match kind {
        Kind::Document => format!(
            "Generated by `cargo xtask regen {vendor}` from the document in source.toml. Do not edit."
        ),
        Kind::Transcribed => format!(
            "Written by hand. `cargo xtask regen {vendor}` sorts this file and removes other comments and all prose."
        ),
    }
}
