//! Checks that each change of the spec has its expected effect on the generated API, and that each
//! change of the API has a cause in the spec.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Author, Change, Semver};
use super::rules::{Effect, Level};

pub(super) fn reconcile(changes: &mut Vec<Change>, changed: &BTreeMap<String, Semver>) {
    let mut surprises = Vec::new();
    for change in changes.iter_mut() {
        let expected = match change.effect {
            _ if change.by == Author::VendorCorrected => Semver::None,
            Effect::None | Effect::Any => Semver::Patch,
            Effect::Adds => Semver::Minor,
            Effect::Breaks => Semver::Major,
        };
        let seen = change.items.iter().filter_map(|item| changed.get(item)).copied().max();
        change.semver = if change.effect == Effect::Any { seen.unwrap_or(Semver::Patch) } else { expected };
        if expected > Semver::Patch && seen.is_none() {
            change.semver = Semver::Patch;
            surprises.push(Change {
                rule: "surface-unchanged".into(),
                level: Level::Unhandled,
                what: format!("`{}` should change the generated API, but does not", change.rule),
                semver: Semver::Patch,
                prose: None,
                ..change.clone()
            });
        }
    }
    let explained: BTreeSet<&String> = changes
        .iter()
        .filter(|change| change.effect != Effect::None)
        .flat_map(|change| &change.items)
        .collect();
    for (item, _) in changed.iter().filter(|(item, _)| !explained.contains(item)) {
        let what = format!("`{item}` changed in the generated API, but no change of the spec explains it");
        surprises.push(Change {
            items: vec![item.clone()],
            semver: Semver::Major,
            effect: Effect::Any,
            ..Change::new("surface-unexplained", Level::Unhandled, "", what)
        });
    }
    changes.append(&mut surprises);
}
