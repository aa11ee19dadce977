//! What users can name, a line each: the lines of `api.txt` and the features. Two of them are compared, and
//! each difference is told with what it does to users. It never looks at code.

use std::collections::BTreeSet;

use toml_edit::TableLike;

/// What a change does to users, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    None,
    Addition,
    Breaking,
}

/// One difference.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) step: Step,
    pub(super) text: String,
}

/// The lines. What stands in an API twice (an implementation, under type and trait) is one.
#[derive(Debug)]
pub(super) struct Listing(BTreeSet<String>);

impl Listing {
    /// Of `api.txt`, and of the table of features where there is one.
    pub(super) fn new(api: &str, features: Option<&dyn TableLike>) -> Self {
        let mut lines: BTreeSet<String> =
            api.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
        for (name, item) in features.into_iter().flat_map(|features| features.iter()) {
            lines.insert(format!("feature {name}"));
            let others = item.as_array().into_iter().flatten().filter_map(|other| other.as_str());
            // Which crate a feature brings is nobody's business.
            let others = others.filter(|other| !other.contains([':', '/']));
            lines.extend(others.map(|other| format!("feature {name} with {other}")));
        }
        Self(lines)
    }

    /// What is otherwise in `later`.
    pub(super) fn changes(&self, later: &Listing) -> Vec<Change> {
        let gone = self
            .0
            .difference(&later.0)
            .map(|line| Change { step: Step::Breaking, text: format!("gone: {line}") });
        let new = later.0.difference(&self.0).map(|line| {
            let text = format!("new: {line}");
            match self.owner(line) {
                Some(owner) if is_exhaustive(owner) && line.starts_with("pub fintech_auth::") => Change {
                    step: Step::Breaking,
                    text: format!("{text} (and who names all that is in it no longer does)"),
                },
                Some(owner) if owner.contains("pub trait ") => Change {
                    step: Step::Breaking,
                    text: format!("{text} (and who implements the trait may lack it)"),
                },
                _ => Change { step: Step::Addition, text },
            }
        });
        gone.chain(new).collect()
    }

    /// The line of that which the item of `line` is a part of.
    fn owner(&self, line: &str) -> Option<&str> {
        let (owner, _) = path(line)?.rsplit_once("::")?;
        self.0.iter().map(String::as_str).find(|line| {
            let is_item = ["pub enum ", "pub struct ", "pub trait ", "pub fintech_auth::"];
            is_item.iter().any(|start| line.contains(start)) && path(line) == Some(owner)
        })
    }
}

/// Whether users may name all fields or variants, so that one more breaks them.
fn is_exhaustive(owner: &str) -> bool {
    let has_parts = ["pub enum ", "pub struct ", "pub fintech_auth::"];
    has_parts.iter().any(|start| owner.starts_with(start))
}

/// The path of the item, without what generics, types and values are written around it.
fn path(line: &str) -> Option<&str> {
    let item = &line[line.find("fintech_auth::")?..];
    let end = item.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(item.len());
    Some(item[..end].trim_end_matches(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: &str = "\
pub enum fintech_auth::Kind
pub fintech_auth::Kind::A
#[non_exhaustive] pub enum fintech_auth::Open<E>
pub fintech_auth::Open::A(E)
pub struct fintech_auth::Point
pub fintech_auth::Point::x: u8
impl fintech_auth::Point
pub fn fintech_auth::Point::norm(&self) -> u8
pub trait fintech_auth::Store
pub fn fintech_auth::Store::get(&self)
";

    /// What one more line does.
    fn one_more(line: &str) -> Step {
        let (before, after) = (Listing::new(API, None), Listing::new(&format!("{API}{line}\n"), None));
        let changes = before.changes(&after);
        assert_eq!(changes.len(), 1, "{line}");
        changes[0].step
    }

    #[test]
    fn what_is_gone_breaks_users() {
        for line in API.lines() {
            let rest: String =
                API.lines().filter(|other| *other != line).map(|line| format!("{line}\n")).collect();
            let changes = Listing::new(API, None).changes(&Listing::new(&rest, None));
            assert_eq!(
                changes.iter().map(|change| change.step).collect::<Vec<_>>(),
                [Step::Breaking],
                "{line}"
            );
        }
    }

    #[test]
    fn more_to_call_is_an_addition() {
        for line in [
            "pub fn fintech_auth::Point::len(&self) -> u8",
            "pub struct fintech_auth::Line",
            "pub fintech_auth::Line::from: fintech_auth::Point",
            "pub fintech_auth::Open::B(E)",
            "impl core::fmt::Display for fintech_auth::Point",
        ] {
            assert_eq!(one_more(line), Step::Addition, "{line}");
        }
    }

    #[test]
    fn one_more_part_of_what_users_may_name_whole_breaks_them() {
        for line in [
            "pub fintech_auth::Kind::B",
            "pub fintech_auth::Kind::A::x: u8",
            "pub fintech_auth::Point::y: u8",
            "pub fn fintech_auth::Store::put(&self)",
        ] {
            assert_eq!(one_more(line), Step::Breaking, "{line}");
        }
    }

    #[test]
    fn where_something_stands_and_how_often_is_no_change() {
        let mut lines: Vec<_> = API.lines().chain(["impl fintech_auth::Point", ""]).collect();
        lines.reverse();
        assert!(Listing::new(API, None).changes(&Listing::new(&lines.join("\n"), None)).is_empty());
    }
}
