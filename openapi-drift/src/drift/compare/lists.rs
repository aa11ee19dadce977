//! Compares lists by the identity of their items, such as the name of a parameter.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{MAX_COMPARED, Object, Walk, pair, place_of, step};
use crate::drift::edit::{Kind, Place, identity};
use crate::drift::view::{Field, items};
use crate::shape::{self, Shape, is_method, join};

type Identity = Option<Vec<String>>;

impl<'v> Walk<'v> {
    pub(super) fn path_item(&mut self, old: &'v Object, new: &'v Object, place: &Place) {
        self.map(&shape::PATH_ITEM, old, new, place, &|key| key != "parameters" && !is_method(key));
        let count = self.edits.len();
        let methods: BTreeSet<&'v String> =
            old.keys().chain(new.keys()).filter(|key| is_method(key)).collect();
        for method in methods {
            let here = place.under(method);
            let step = step(shape::PATH_ITEM.under(method), method, old.get(method), new.get(method));
            let (Some(Value::Object(before)), Some(Value::Object(after))) = (step.old, step.new) else {
                self.compare(step, &here);
                continue;
            };
            self.steps.push(step);
            self.map(step.shape, before, after, &here, &|key| key != "parameters");
            let before = self.effective_parameters(self.documents.0, old, before, &place.old, method);
            let after = self.effective_parameters(self.documents.1, new, after, &place.new, method);
            self.parameters(&before, &after);
            self.steps.pop();
        }
        let (before, after) = (old.get("parameters"), new.get("parameters"));
        if self.edits.len() == count && before != after {
            let below = step(&shape::DATA, "parameters", before, after);
            self.report_under(below, Kind::Rephrased, &place.under("parameters"));
        }
    }

    fn effective_parameters(
        &self,
        document: &'v Value,
        item: &'v Object,
        operation: &'v Object,
        at: &str,
        method: &str,
    ) -> Vec<(Identity, Field<'v>)> {
        let fields = |list: Option<&'v Value>, at: &str| -> Vec<(Identity, Field<'v>)> {
            let list = list.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let fields = items("", list, at).into_iter();
            fields.map(|field| (identity(document, parameter(), field.value), field)).collect()
        };
        let mut found = fields(operation.get("parameters"), &join(&join(at, method), "parameters"));
        let own: BTreeSet<Identity> = found.iter().map(|(name, _)| name.clone()).collect();
        let shared = fields(item.get("parameters"), &join(at, "parameters"));
        found.extend(shared.into_iter().filter(|(name, _)| name.is_none() || !own.contains(name)));
        found
    }

    fn parameters(&mut self, old: &[(Identity, Field<'v>)], new: &[(Identity, Field<'v>)]) {
        let mut left: BTreeMap<&Identity, Vec<usize>> = BTreeMap::new();
        for (index, (name, _)) in old.iter().enumerate().rev() {
            left.entry(name).or_default().push(index);
        }
        let mut found: Vec<Option<usize>> = new.iter().map(|(name, _)| left.get_mut(name)?.pop()).collect();
        let mut rest: Vec<usize> = left.into_values().flatten().collect();
        // Two parameters with the same `$ref` are the same parameter, even if the name in the
        // target changed.
        if rest.len() * new.len() <= MAX_COMPARED {
            pair(&mut found, &mut rest, |was, is| {
                let ((_, was), (name, is)) = (&old[was], &new[is]);
                name.is_some() && was.value == is.value && is.value.get("$ref").is_some()
            });
        }
        self.steps.push(step(&shape::DATA, "parameters", None, None));
        for ((_, field), was) in new.iter().zip(found) {
            let before = was.map(|was| &old[was].1);
            let here = place_of(before, Some(field), Place::both(&field.at));
            self.compare(step(parameter(), "", before.map(|it| it.value), Some(field.value)), &here);
        }
        rest.sort_unstable();
        for (_, field) in rest.into_iter().map(|was| &old[was]) {
            self.compare(step(parameter(), "", Some(field.value), None), &Place::both(&field.at));
        }
        self.steps.pop();
    }

    pub(super) fn list(&mut self, shape: &'static Shape, old: &'v [Value], new: &'v [Value], place: &Place) {
        let of = match shape {
            Shape::List(of) if old.len() * new.len() <= MAX_COMPARED => of,
            _ if old != new => return self.report(Kind::Changed, place),
            _ => return,
        };
        let (before, after) = self.documents;
        let is_same = |old: &Value, new: &Value| {
            old == new || {
                let old = identity(before, of, old);
                old.is_some() && old == identity(after, of, new)
            }
        };
        let (mut found, mut left) = (vec![None; new.len()], (0..old.len()).collect());
        pair(&mut found, &mut left, |was, is| is_same(&old[was], &new[is]));
        if !matches!(of, Shape::Requirement) && !found.iter().flatten().is_sorted() {
            self.report(Kind::Reordered, place);
        }
        let has_identity = new.iter().chain(old).any(|item| identity(after, of, item).is_some());
        if !has_identity {
            pair(&mut found, &mut left, |_, _| true);
        }
        for (index, was) in found.into_iter().enumerate() {
            let here = Place {
                old: join(&place.old, &was.unwrap_or(index).to_string()),
                new: join(&place.new, &index.to_string()),
            };
            self.compare(step(of, "", was.map(|was| &old[was]), Some(&new[index])), &here);
        }
        for index in left {
            self.compare(step(of, "", Some(&old[index]), None), &place.under(&index.to_string()));
        }
    }
}

fn parameter() -> &'static Shape {
    shape::PATH_ITEM.under("parameters").items()
}
