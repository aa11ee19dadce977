//! Names of components: which was renamed, which stands for something else, which nothing refers to.

use std::collections::BTreeMap;

use serde_json::Value;

use super::names::{Name, component, component_at, is_of_names};
use super::{TRUE, Walk, empty, step};
use crate::drift::edit::{Kind, Place};
use crate::shape::{self, join};

impl<'v> Walk<'v> {
    /// What is referred to here, by name. What it amounts to is compared by itself.
    pub(super) fn references(&mut self, old: &[&'v Value], new: &[&'v Value], place: &Place) {
        let names = |list: &[&'v Value]| list.iter().filter_map(|to| component(to)).collect::<Vec<_>>();
        self.used_old.extend(names(old));
        self.used_new.extend(names(new));
        let mut gone: Vec<&'v Value> = old.iter().copied().filter(|to| !new.contains(to)).collect();
        for to in old.iter().filter(|to| new.contains(to)) {
            if let Some(name) = component(to) {
                self.pairs.insert((name.clone(), name));
            }
        }
        let fresh: Vec<&'v Value> = new.iter().copied().filter(|to| !old.contains(to)).collect();
        let place = place.under("$ref");
        for to in fresh {
            let from = (!gone.is_empty()).then(|| gone.remove(0));
            if let (Some(from), Some(to)) = (from.and_then(component), component(to)) {
                self.pairs.insert((from, to));
            }
            let kind = if from.is_some() { Kind::Changed } else { Kind::Added };
            self.report_under(step(&shape::DATA, "$ref", from, Some(to)), kind, &place);
        }
        for from in gone {
            self.report_under(step(&shape::DATA, "$ref", Some(from), None), Kind::Removed, &place);
        }
    }

    /// The target of a discriminator.
    pub(super) fn target(&mut self, old: &'v Value, new: &'v Value) {
        let find = |document: &'v Value, to: &Value| {
            let text = to.as_str()?;
            let at = match text.strip_prefix('#') {
                Some(pointer) => pointer.to_owned(),
                None => join("/components/schemas", text),
            };
            Some((document.pointer(&at)?, at))
        };
        if let (Some((old, old_at)), Some((new, new_at))) =
            (find(self.documents.0, old), find(self.documents.1, new))
        {
            let names = (component_at(&old_at), component_at(&new_at));
            if let (Some(from), Some(to)) = names {
                self.used_old.insert(from.clone());
                self.used_new.insert(to.clone());
                self.pairs.insert((from, to));
            }
            let step = step(&shape::SCHEMA, "schema", Some(old), Some(new));
            self.enqueue(step, Place { old: old_at, new: new_at });
        }
    }

    /// Compares the kinds of components that are wanted, name by name.
    pub(super) fn component_kinds(&mut self, is_wanted: &dyn Fn(&str) -> bool) {
        let (before, after) = (self.documents.0.get("components"), self.documents.1.get("components"));
        self.steps = vec![self.root(), step(&shape::COMPONENTS, "components", before, after)];
        let (old, new) = (before.unwrap_or(empty(&TRUE)), after.unwrap_or(empty(&TRUE)));
        let place = Place::both("/components");
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => {
                self.map(&shape::COMPONENTS, old, new, &place, is_wanted);
            }
            _ if old != new => self.report(Kind::Changed, &place),
            _ => {}
        }
        self.steps.clear();
    }

    /// Names that came, went or stand for something else, and components that nothing refers to.
    pub(super) fn components(&mut self) {
        let renames = self.renames();
        let names = |document: &'v Value| -> BTreeMap<Name, (&'v str, &'v str, &'v Value)> {
            let kinds = document["components"].as_object().into_iter().flatten();
            kinds
                .filter(|(kind, _)| *kind != "securitySchemes" && is_of_names(kind))
                .flat_map(|(kind, names)| {
                    let names = names.as_object().into_iter().flatten();
                    names.map(move |(name, value)| {
                        ((kind.clone(), name.clone()), (kind.as_str(), name.as_str(), value))
                    })
                })
                .collect()
        };
        let (olds, news) = (names(self.documents.0), names(self.documents.1));
        for (from, to) in &renames {
            let (Some(old), Some(new)) = (olds.get(from), news.get(to)) else { continue };
            let kind = Kind::Renamed(from.1.clone(), to.1.clone());
            self.component(*new, Some(old.2), Some(new.2), Some(kind), (from, to));
        }
        for (name, new) in &news {
            let is_renamed = renames.iter().any(|(_, to)| to == name);
            match olds.get(name) {
                None if is_renamed => {}
                None => self.component(*new, None, Some(new.2), None, (name, name)),
                Some(_) if self.pairs.contains(&(name.clone(), name.clone())) => {}
                Some(old) if self.used_old.contains(name) || self.used_new.contains(name) => {
                    if old.2 != new.2 {
                        let kind = Some(Kind::Replaced);
                        self.component(*new, Some(old.2), Some(new.2), kind, (name, name));
                    }
                }
                // Nobody uses it: compared by name.
                Some(old) => self.component(*new, Some(old.2), Some(new.2), None, (name, name)),
            }
        }
        for (name, old) in olds.iter().filter(|(name, _)| !news.contains_key(*name)) {
            if !renames.iter().any(|(from, _)| from == name) {
                self.component(*old, Some(old.2), None, None, (name, name));
            }
        }
    }

    fn component(
        &mut self,
        (kind, name, _): (&'v str, &'v str, &'v Value),
        old: Option<&'v Value>,
        new: Option<&'v Value>,
        edit: Option<Kind>,
        (from, to): (&Name, &Name),
    ) {
        let shape = shape::COMPONENTS.under(kind);
        let at = Place::both("/components").under(kind);
        let place = Place { old: join(&at.old, &from.1), new: join(&at.new, &to.1) };
        let last = step(shape.under(name), name, old, new);
        let (before, after) = self.documents;
        self.steps = vec![
            self.root(),
            step(&shape::COMPONENTS, "components", before.get("components"), after.get("components")),
            step(shape, kind, None, None),
        ];
        match edit {
            Some(edit) => self.report_under(last, edit, &place),
            None => self.compare(last, &place),
        }
        self.steps.clear();
    }

    /// Components of which one took the other's place: the old name is gone, and the new one stood for
    /// nothing, or for something else.
    pub(super) fn renames(&self) -> Vec<(Name, Name)> {
        let has = |document: &Value, (kind, name): &Name| {
            document.get("components").and_then(|all| all.get(kind)?.get(name)).is_some()
        };
        let mut renames: Vec<(Name, Name)> = Vec::new();
        for (from, to) in &self.pairs {
            let is_rename = from.0 == to.0
                && has(self.documents.0, from)
                && has(self.documents.1, to)
                && !has(self.documents.1, from)
                && !(has(self.documents.0, to) && self.pairs.contains(&(to.clone(), to.clone())))
                && !renames.iter().any(|(other, another)| other == from || another == to);
            if is_rename {
                renames.push((from.clone(), to.clone()));
            }
        }
        renames
    }
}
