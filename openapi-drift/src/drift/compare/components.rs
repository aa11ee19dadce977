//! Finds components that were added, removed, renamed or replaced. Compares the content of a
//! component only if no reference leads to the component.

use std::collections::BTreeMap;

use serde_json::Value;

use super::names::{Name, component, component_at, is_of_names};
use super::{TRUE, Walk, empty, step};
use crate::drift::edit::{Kind, Place};
use crate::shape::{self, join};

#[derive(Clone, Copy)]
struct Component<'v> {
    section: &'v str,
    name: &'v str,
    value: &'v Value,
}

impl<'v> Walk<'v> {
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

    pub(super) fn components(&mut self) {
        let renames = self.renames();
        let (olds, news) = (named(self.documents.0), named(self.documents.1));
        for (from, to) in &renames {
            if let (Some(old), Some(new)) = (olds.get(from), news.get(to)) {
                let kind = Kind::Renamed(from.1.clone(), to.1.clone());
                self.component(Some(*old), Some(*new), Some(kind));
            }
        }
        for (name, new) in &news {
            match olds.get(name) {
                None if renames.iter().any(|(_, to)| to == name) => {}
                Some(_) if self.pairs.contains(&(name.clone(), name.clone())) => {}
                Some(old) if self.used_old.contains(name) || self.used_new.contains(name) => {
                    if old.value != new.value {
                        self.component(Some(*old), Some(*new), Some(Kind::Replaced));
                    }
                }
                // No reference leads to the component, so no other code compares this component.
                old => self.component(old.copied(), Some(*new), None),
            }
        }
        for (name, old) in olds.iter().filter(|(name, _)| !news.contains_key(*name)) {
            if !renames.iter().any(|(from, _)| from == name) {
                self.component(Some(*old), None, None);
            }
        }
    }

    fn component(&mut self, old: Option<Component<'v>>, new: Option<Component<'v>>, kind: Option<Kind>) {
        let Some(Component { section, name, .. }) = new.or(old) else { return };
        let shape = shape::COMPONENTS.under(section);
        let at = Place::both("/components").under(section);
        let place = Place { old: join(&at.old, old.map_or(name, |old| old.name)), new: join(&at.new, name) };
        let last = step(shape.under(name), name, old.map(|old| old.value), new.map(|new| new.value));
        let (before, after) = self.documents;
        self.steps = vec![
            self.root(),
            step(&shape::COMPONENTS, "components", before.get("components"), after.get("components")),
            step(shape, section, None, None),
        ];
        match kind {
            Some(kind) => self.report_under(last, kind, &place),
            None => self.compare(last, &place),
        }
        self.steps.clear();
    }

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

fn named(document: &Value) -> BTreeMap<Name, Component<'_>> {
    let sections = document["components"].as_object().into_iter().flatten();
    sections
        .filter(|(section, _)| *section != "securitySchemes" && is_of_names(section))
        .flat_map(|(section, components)| {
            let components = components.as_object().into_iter().flatten();
            components.map(move |(name, value)| {
                ((section.clone(), name.clone()), Component { section, name, value })
            })
        })
        .collect()
}
