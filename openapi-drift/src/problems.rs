//! Collects the errors of a run, so that all errors are reported together.

use std::fmt;

/// The result of a step that can find several problems.
pub type Result<T> = std::result::Result<T, Problems>;

/// A list of error messages. Each message names the document that contains the error.
#[derive(Debug, Default)]
pub struct Problems(Vec<String>);

const MAX_PROBLEMS: usize = 100;
const MAX_LENGTH: usize = 2_000;

/// Without this function, a name in a vendor's document could move the cursor or imitate a line of
/// our output.
pub(crate) fn sanitize(text: &str) -> String {
    let mut sanitized = String::new();
    let mut rest = text.chars().enumerate().peekable();
    while let Some((count, each)) = rest.next() {
        // Characters that change the writing direction can hide the real content of a text.
        let is_turning = matches!(each, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        match each {
            _ if count == MAX_LENGTH => {
                sanitized.push('…');
                break;
            }
            '\n' if rest.peek().is_some_and(|(_, next)| *next == ' ') => sanitized.push(each),
            '\n' => sanitized.push_str("\n  "),
            _ if each.is_control() || is_turning => sanitized.push(char::REPLACEMENT_CHARACTER),
            _ => sanitized.push(each),
        }
    }
    sanitized
}

impl Problems {
    /// Adds one problem.
    pub fn push(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }

    /// Adds all problems of `other`.
    pub fn extend(&mut self, other: Problems) {
        self.0.extend(other.0);
    }

    /// Returns whether there are no problems.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn is_plenty(&self) -> bool {
        self.0.len() > MAX_PROBLEMS
    }

    /// Returns `value` if there are no problems.
    ///
    /// # Errors
    ///
    /// Returns the problems if there are any.
    pub fn or<T>(self, value: T) -> Result<T> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<String> for Problems {
    fn from(problem: String) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().take(MAX_PROBLEMS).enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}", sanitize(problem))?;
        }
        match self.0.len().saturating_sub(MAX_PROBLEMS) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_in_problems_are_escaped() {
        let problem = "a\u{1b}[2Jb\r\0c\u{202e}d\u{7}\nlibrary: up to date".to_owned();
        assert_eq!(
            Problems::from(problem).to_string(),
            "a\u{fffd}[2Jb\u{fffd}\u{fffd}c\u{fffd}d\u{fffd}\n  library: up to date",
        );
    }

    #[test]
    fn long_problem_lists_are_truncated() {
        let mut problems = Problems::default();
        for _ in 0..1_000 {
            problems.push("a".repeat(100_000));
        }
        let text = problems.to_string();
        assert!(text.ends_with("…\nand 900 more"));
        assert!(text.len() < 300_000);
    }
}
