//! Compares two schemas in their normalized form, [`View`].

use std::collections::BTreeSet;

use serde_json::Value;
use similar::get_close_matches;

use super::names::component;
use super::{MAX_COMPARED, TRUE, Walk, pair, place_of, step};
use crate::drift::edit::{Kind, Place, Step, followed_while};
use crate::drift::view::{Field, View};
use crate::shape;

type Pair<'f, 'v> = (Option<&'f Field<'v>>, Option<&'f Field<'v>>);

impl<'v> Walk<'v> {
    pub(super) fn compare_schema(&mut self, step: Step<'v>, old: &'v Value, new: &'v Value, place: &Place) {
        let before = View::of(self.documents.0, old, &place.old);
        let after = View::of(self.documents.1, new, &place.new);
        if before.references.is_empty() && after.references.is_empty() {
            return self.compare_views(step, before, after, place);
        }
        self.references(&before.references, &after.references, place);
        // Following a `$ref` skips the other keywords of the schema. So follow the reference only
        // if the schema has no other keywords.
        let pure = |document, value, at: &str| {
            followed_while(document, value, at, |map| map.len() == 1).unwrap_or((value, at.to_owned()))
        };
        let (old, old_at) = pure(self.documents.0, old, &place.old);
        let (new, new_at) = pure(self.documents.1, new, &place.new);
        let step = Step { old: Some(old), new: Some(new), ..step };
        self.enqueue(step, Place { old: old_at, new: new_at });
    }

    pub(super) fn schema(&mut self, step: Step<'v>, old: &'v Value, new: &'v Value, place: &Place) {
        let before = View::of(self.documents.0, old, &place.old);
        let after = View::of(self.documents.1, new, &place.new);
        let count = self.edits.len();
        self.compare_views(step, before, after, place);
        let is_reference = |value: &Value| value.get("$ref").is_some();
        if self.edits.len() == count && old != new && !is_reference(old) && !is_reference(new) {
            self.report(Kind::Rephrased, place);
        }
    }

    fn compare_views(&mut self, step: Step<'v>, mut old: View<'v>, mut new: View<'v>, place: &Place) {
        self.choices(&mut old, &mut new, place);
        if old.is_nullable != new.is_nullable {
            let flag = |is_nullable: bool| is_nullable.then_some(&TRUE);
            let below = self::step(&shape::DATA, "nullable", flag(old.is_nullable), flag(new.is_nullable));
            let kind = if new.is_nullable { Kind::Added } else { Kind::Removed };
            self.report_under(below, kind, &place.under("nullable"));
        }
        self.properties(step, &old, &new, place);
        for pair in pairs_of(&old.rest, &new.rest) {
            self.member("allOf", pair, place);
        }
        let is_nullable = old.is_nullable || new.is_nullable;
        let keys = new.fields.iter().chain(old.fields.iter().filter(|field| new.field(field.key).is_none()));
        for field in keys.cloned().collect::<Vec<_>>() {
            let (before, after) = (old.field(field.key), new.field(field.key));
            let here = place_of(before, after, place.under(field.key));
            let (before, after) = (before.map(|it| it.value), after.map(|it| it.value));
            let below = self::step(shape::SCHEMA.under(field.key), field.key, before, after);
            if field.key == "enum"
                && let (Some(Value::Array(before)), Some(Value::Array(after))) = (before, after)
            {
                self.steps.push(below);
                self.set(before, after, is_nullable, &here);
                self.steps.pop();
            } else {
                self.compare(below, &here);
            }
        }
    }

    fn member(&mut self, key: &'v str, (before, after): Pair<'_, 'v>, place: &Place) {
        let (old, new) = (before.map(|field| field.value), after.map(|field| field.value));
        let here = place_of(before, after, place.clone());
        self.steps.push(step(&shape::SCHEMAS, key, None, None));
        self.compare(step(&shape::SCHEMA, "", old, new), &here);
        self.steps.pop();
    }

    fn choices(&mut self, old: &mut View<'v>, new: &mut View<'v>, place: &Place) {
        let (was, is) = (std::mem::take(&mut old.choices), std::mem::take(&mut new.choices));
        match (was.first().map(|it| it.key), is.first().map(|it| it.key)) {
            (None, None) => {}
            (Some(from), Some(to)) => {
                if from != to {
                    let below = step(&shape::DATA, to, None, None);
                    self.report_under(below, Kind::Renamed(from.into(), to.into()), &place.under(to));
                }
                for pair in self.match_alternatives(&was, &is) {
                    self.member(to, pair, place);
                }
            }
            (None, Some(key)) => {
                let document = self.documents.1;
                let Some((same, view)) = closest(document, old, new, &is) else {
                    return is.iter().for_each(|choice| self.member(key, (None, Some(choice)), place));
                };
                self.report(Kind::BecameOneOf, place);
                let kind = view.value("type");
                new.merge(view);
                for (_, choice) in is.iter().enumerate().filter(|(index, _)| *index != same) {
                    self.added_alternative(key, choice, kind, place);
                }
            }
            (Some(key), None) => {
                let Some((same, view)) = closest(self.documents.0, new, old, &was) else {
                    return was.iter().for_each(|choice| self.member(key, (Some(choice), None), place));
                };
                old.merge(view);
                for (_, choice) in was.iter().enumerate().filter(|(index, _)| *index != same) {
                    self.member(key, (Some(choice), None), place);
                }
            }
        }
    }

    fn added_alternative(&mut self, key: &'v str, choice: &Field<'v>, kind: Option<&Value>, place: &Place) {
        let view = View::of(self.documents.1, choice.value, &choice.at);
        let here = Place { old: place.old.clone(), new: choice.at.clone() };
        self.used_new.extend(view.references.iter().filter_map(|to| component(to)));
        self.steps.push(step(&shape::SCHEMAS, key, None, None));
        self.steps.push(step(&shape::SCHEMA, "", None, Some(choice.value)));
        let is_alike = view.value("type") == kind;
        self.report(if is_alike { Kind::AddedAlike } else { Kind::Added }, &here);
        for field in ["description", "example"].iter().filter_map(|key| view.field(key)) {
            let here = Place { old: here.old.clone(), new: field.at.clone() };
            self.compare(step(&shape::DATA, field.key, None, Some(field.value)), &here);
        }
        self.steps.truncate(self.steps.len() - 2);
    }

    fn match_alternatives<'f>(&self, old: &'f [Field<'v>], new: &'f [Field<'v>]) -> Vec<Pair<'f, 'v>> {
        if old.len() * new.len() > MAX_COMPARED {
            return pairs_of(old, new);
        }
        let views = |document: &'v Value, list: &[Field<'v>]| -> Vec<View<'v>> {
            list.iter().map(|field| View::of(document, field.value, &field.at)).collect()
        };
        let (before, after) = (views(self.documents.0, old), views(self.documents.1, new));
        let mut left: Vec<usize> = (0..old.len()).collect();
        let mut found: Vec<Option<usize>> = vec![None; new.len()];
        pair(&mut found, &mut left, |was, is| old[was].value == new[is].value);
        for (view, found) in after.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
            let likeness = |was: &usize| before[*was].likeness(view);
            let best = left.iter().copied().filter(|was| likeness(was).is_some()).max_by_key(likeness);
            left.retain(|was| Some(*was) != best);
            *found = best;
        }
        pair(&mut found, &mut left, |_, _| true);
        let kept = found.iter().zip(new).map(|(was, field)| (was.map(|was| &old[was]), Some(field)));
        kept.chain(left.into_iter().map(|was| (Some(&old[was]), None))).collect()
    }

    fn properties(&mut self, schema: Step<'v>, old: &View<'v>, new: &View<'v>, place: &Place) {
        let renamed = self.renamed(old, new);
        let below = |value: Option<&'v Value>| value.and_then(|value| value.get("properties"));
        self.steps.push(step(&shape::NAMED_SCHEMAS, "properties", below(schema.old), below(schema.new)));
        for field in &new.properties {
            let from = renamed.iter().find(|(_, to)| *to == field.key).map(|(from, _)| *from);
            let before = old.property(from.unwrap_or(field.key));
            self.property((before, Some(field)), old, new, place);
        }
        for field in &old.properties {
            let is_renamed = renamed.iter().any(|(from, _)| *from == field.key);
            if new.property(field.key).is_none() && !is_renamed {
                self.property((Some(field), None), old, new, place);
            }
        }
        self.steps.pop();
        let is_loose = |name: &&&str| old.property(name).is_none() && new.property(name).is_none();
        let (was, is) = (&old.required, &new.required);
        let added = is.difference(was).filter(is_loose).map(|name| Kind::ItemAdded((*name).into()));
        let removed = was.difference(is).filter(is_loose).map(|name| Kind::ItemRemoved((*name).into()));
        for kind in added.chain(removed).collect::<Vec<_>>() {
            let below = |value: Option<&'v Value>| value.and_then(|value| value.get("required"));
            let step = step(&shape::DATA, "required", below(schema.old), below(schema.new));
            self.report_under(step, kind, &place.under("required"));
        }
    }

    fn property(&mut self, (before, after): Pair<'_, 'v>, old: &View<'v>, new: &View<'v>, place: &Place) {
        let Some(key) = after.or(before).map(|field| field.key) else { return };
        let was_required = before.is_some_and(|field| old.required.contains(field.key));
        let is_required = after.is_some_and(|field| new.required.contains(field.key));
        let here = place_of(before, after, place.under("properties").under(key));
        let step = Step {
            is_property: true,
            is_required: if after.is_some() { is_required } else { was_required },
            ..step(&shape::SCHEMA, key, before.map(|it| it.value), after.map(|it| it.value))
        };
        if let (Some(before), Some(after)) = (before, after) {
            if before.key != after.key {
                self.report_under(step, Kind::Renamed(before.key.into(), after.key.into()), &here);
            }
            match (was_required, is_required) {
                (false, true) => self.report_under(step, Kind::BecameRequired, &here),
                (true, false) => self.report_under(step, Kind::BecameOptional, &here),
                _ => {}
            }
        }
        self.compare(step, &here);
    }

    fn renamed(&self, old: &View<'v>, new: &View<'v>) -> Vec<(&'v str, &'v str)> {
        let names = |fields: &[Field<'v>]| fields.iter().map(|it| it.key).collect::<BTreeSet<_>>();
        let (olds, news) = (names(&old.properties), names(&new.properties));
        let gone: Vec<&Field<'v>> = old.properties.iter().filter(|it| !news.contains(it.key)).collect();
        let mut fresh: Vec<&Field<'v>> = new.properties.iter().filter(|it| !olds.contains(it.key)).collect();
        let mut pairs = Vec::new();
        if gone.len() * fresh.len() > MAX_COMPARED {
            return pairs;
        }
        for from in gone {
            let before = View::of(self.documents.0, from.value, &from.at);
            let is_alike = |to: &&&Field<'v>| {
                let after = View::of(self.documents.1, to.value, &to.at);
                ["type", "format"].iter().all(|key| before.value(key) == after.value(key))
            };
            let candidates: Vec<&str> = fresh.iter().filter(is_alike).map(|to| to.key).collect();
            if let Some(to) = get_close_matches(from.key, &candidates, 1, 0.7).first().copied() {
                fresh.retain(|field| field.key != to);
                pairs.push((from.key, to));
            }
        }
        pairs
    }

    pub(super) fn set(&mut self, old: &'v [Value], new: &'v [Value], is_nullable: bool, place: &Place) {
        if old == new {
            return;
        }
        let texts = |list: &[Value]| list.iter().map(Value::to_string).collect::<BTreeSet<_>>();
        let (in_old, in_new) = (texts(old), texts(new));
        // Ignore null, because `compare_views` already reports that null was added or removed.
        let counts = |item: &&Value| !(is_nullable && item.is_null());
        for item in new.iter().filter(counts).filter(|item| !in_old.contains(&item.to_string())) {
            self.report(Kind::ItemAdded(item.clone()), place);
        }
        for item in old.iter().filter(counts).filter(|item| !in_new.contains(&item.to_string())) {
            self.report(Kind::ItemRemoved(item.clone()), place);
        }
    }
}

fn closest<'v>(
    document: &'v Value,
    alone: &View<'v>,
    holder: &View<'v>,
    choices: &[Field<'v>],
) -> Option<(usize, View<'v>)> {
    if holder.value("type").is_some() {
        return None;
    }
    let views = choices.iter().map(|field| View::of(document, field.value, &field.at)).enumerate();
    views
        .filter_map(|(index, view)| Some((alone.likeness(&view)?, index, view)))
        .reduce(|best, other| if other.0 > best.0 { other } else { best })
        .map(|(_, index, view)| (index, view))
}

fn pairs_of<'f, 'v>(old: &'f [Field<'v>], new: &'f [Field<'v>]) -> Vec<Pair<'f, 'v>> {
    (0..old.len().max(new.len())).map(|index| (old.get(index), new.get(index))).collect()
}
