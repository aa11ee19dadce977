//! Where output goes: lines for people, JSON for machines, a bare token for a pipe. A reader that has closed its
//! end has seen enough, and is no failure.

use std::{
    io::{self, Write},
    time::SystemTime,
};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::{arguments::Arguments, exit::Failure};

/// Writes to standard output.
///
/// # Errors
///
/// Local ones, such as a full disk.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::local(format!("the output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Names and values, in the order in which they are added.
pub(crate) struct Answer {
    json: bool,
    lines: Vec<(&'static str, Value, Option<String>)>,
}

impl Answer {
    pub(crate) fn new(arguments: &Arguments) -> Self {
        Self { json: arguments.has("json"), lines: Vec::new() }
    }

    /// A fact; people do not see one that is null.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.lines.push((name, value.into(), None));
        self
    }

    /// A fact for machines: people have it in another line.
    pub(crate) fn with_json(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        if self.json {
            self.lines.push((name, value.into(), None));
        }
        self
    }

    /// A fact that people read in other words.
    pub(crate) fn with_words(
        mut self,
        name: &'static str,
        value: impl Into<Value>,
        words: impl Into<String>,
    ) -> Self {
        self.lines.push((name, value.into(), Some(words.into())));
        self
    }

    /// # Errors
    ///
    /// As [`print`].
    pub(crate) fn print(self) -> Result<(), Failure> {
        if self.json {
            let facts: Map<String, Value> =
                self.lines.into_iter().map(|(name, value, _)| (name.to_owned(), value)).collect();
            return print(&format!("{}\n", Value::from(facts)));
        }
        let mut text = String::new();
        for (name, value, words) in self.lines {
            let shown = match (words, value) {
                (Some(words), _) => words,
                (None, Value::Null) => continue,
                (None, Value::String(value)) => value,
                (None, value) => value.to_string(),
            };
            text += &format!("{:<16} {}\n", name.replace('_', " "), visible(&shown));
        }
        print(&text)
    }
}

/// Tells a failure on standard error: what, why, and what to do next.
pub(crate) fn complain(failure: &Failure, json: bool) {
    let error = failure.error.as_ref();
    let text = if json {
        let fields: Option<Vec<Value>> = error.map(|error| {
            let field =
                |field: &fintech_auth::FieldError| json!({"field": field.field, "message": field.message});
            error.fields().iter().map(field).collect()
        });
        let told = json!({"error": {
            "kind": failure.exit.name(),
            "reason": failure.reason,
            "causes": failure.causes,
            "next": failure.next(),
            "status": error.and_then(|error| error.status()).map(|status| status.as_u16()),
            "code": error.and_then(|error| error.code()),
            "message": error.and_then(|error| error.message()),
            "fields": fields.unwrap_or_default(),
            "request_id": error.and_then(|error| error.request_id()),
            "retry_after_seconds": error.and_then(|error| error.retry_after()).map(|wait| wait.as_secs_f64()),
        }});
        format!("{told}\n")
    } else {
        let mut text = format!("error: {}\n", visible(&failure.reason));
        for cause in &failure.causes {
            text += &format!("  because: {}\n", visible(cause));
        }
        if let Some(message) = error.and_then(|error| error.message()) {
            text += &format!("  the vendor says: {}\n", visible(message));
        }
        for field in error.map_or(&[][..], |error| error.fields()) {
            text += &format!("  {}: {}\n", visible(&field.field), visible(&field.message));
        }
        if let Some(wait) = error.and_then(|error| error.retry_after()) {
            text += &format!("  wait: {:.0} s\n", wait.as_secs_f64().ceil());
        }
        text + &format!("  next: {}\n", failure.next())
    };
    // Who closed standard error does not want to know.
    _ = io::stderr().lock().write_all(text.as_bytes());
}

/// A time as RFC 3339 writes it.
pub(crate) fn time(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Without what would have a terminal do something: the vendor's text is not ours.
pub(crate) fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
