//! Writes the output: lines for people, JSON for programs, or only the token for a pipe.

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, Write as _},
    time::SystemTime,
};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::{exit::Failure, options::Format};

/// A broken pipe is not an error, because the program that read the pipe has read what it needs.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    match write(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(unwritten(&error)),
        _ => Ok(()),
    }
}

/// Unlike `print`, fails if the pipe is broken, because the text may contain a refresh token.
pub(crate) fn print_all(text: &str) -> Result<(), Failure> {
    write(text).map_err(|error| unwritten(&error))
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(escaped(text, true).as_bytes()).and_then(|()| out.flush())
}

fn unwritten(error: &io::Error) -> Failure {
    Failure::local(format!("cannot write the output: {error}"))
}

/// If standard output is closed, Rust's standard library opens `/dev/null` in its place. Writing
/// then succeeds, but the output is lost. So this function compares standard output with
/// `/dev/null`.
#[cfg(unix)]
pub(crate) fn is_discarded() -> bool {
    use std::{
        fs::{self, File},
        os::{fd::AsFd as _, unix::fs::MetadataExt as _},
    };

    let out = io::stdout().as_fd().try_clone_to_owned().and_then(|out| File::from(out).metadata());
    let null = fs::metadata("/dev/null");
    matches!((out, null), (Ok(out), Ok(null)) if (out.dev(), out.ino()) == (null.dev(), null.ino()))
}

#[cfg(not(unix))]
pub(crate) fn is_discarded() -> bool {
    false
}

pub(crate) struct Output {
    json: bool,
    lines: Vec<(&'static str, Value, Option<String>)>,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        Self { json: format.json, lines: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.lines.push((name, value.into(), None));
        self
    }

    pub(crate) fn with_json(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        if self.json {
            self.lines.push((name, value.into(), None));
        }
        self
    }

    pub(crate) fn with_words(
        mut self,
        name: &'static str,
        value: impl Into<Value>,
        words: impl Into<String>,
    ) -> Self {
        self.lines.push((name, value.into(), Some(words.into())));
        self
    }

    pub(crate) fn print(self) -> Result<(), Failure> {
        print(&self.text())
    }

    pub(crate) fn text(self) -> String {
        if self.json {
            let facts: Map<String, Value> =
                self.lines.into_iter().map(|(name, value, _)| (name.to_owned(), value)).collect();
            return format!("{}\n", Value::from(facts));
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
        text
    }
}

pub(crate) fn print_failure(failure: &Failure, json: bool) {
    let error = failure.error.as_ref();
    let text = if json {
        let fields: Option<Vec<Value>> = error.map(|error| {
            let field =
                |field: &fintech_auth::FieldError| json!({"field": field.field, "message": field.message});
            error.fields().iter().map(field).collect()
        });
        let report = json!({"error": {
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
        format!("{report}\n")
    } else {
        let mut text = format!("error: {}\n", visible(&failure.reason));
        for cause in &failure.causes {
            text += &format!("  because: {}\n", visible(cause));
        }
        if let Some(message) = error.and_then(|error| error.message()) {
            text += &format!("  vendor message: {}\n", visible(message));
        }
        for field in error.map_or(&[][..], |error| error.fields()) {
            text += &format!("  {}: {}\n", visible(&field.field), visible(&field.message));
        }
        if let Some(wait) = error.and_then(|error| error.retry_after()) {
            text += &format!("  wait: {:.0} s\n", wait.as_secs_f64().ceil());
        }
        text + &format!("  next: {}\n", failure.next())
    };
    _ = io::stderr().lock().write_all(escaped(&text, true).as_bytes());
}

pub(crate) fn time(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Secs, true)
}

pub(crate) fn warn(text: &str, json: bool) {
    let text =
        if json { json!({"warning": text}).to_string() } else { format!("warning: {}", visible(text)) };
    _ = io::stderr().lock().write_all(format!("{}\n", escaped(&text, false)).as_bytes());
}

/// Escapes invisible characters, because text from a vendor must not be able to control the
/// terminal.
pub(crate) fn visible(text: &str) -> String {
    escaped(text, false).into_owned()
}

/// Uses the escape sequences of JSON, so that a JSON parser still reads the original text.
fn escaped(text: &str, keep_lines: bool) -> Cow<'_, str> {
    let is_kept = |c: char| !is_invisible(c) || keep_lines && matches!(c, '\n' | '\t');
    if text.chars().all(is_kept) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_kept(c) {
            shown.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                _ = write!(shown, "\\u{unit:04x}");
            }
        }
    }
    Cow::Owned(shown)
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{600}'..='\u{605}'
                | '\u{61c}'
                | '\u{6dd}'
                | '\u{70f}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}
