//! A map whose values expire.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    time::Duration,
};

use crate::sync::time::Instant;

/// 100 years, so that adding a time to an instant does not overflow.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

pub(in crate::token) struct ExpiringMap<K, V> {
    values: HashMap<K, (V, End)>,
    ends: BTreeMap<End, K>,
    next: u64,
}

/// The number distinguishes values that expire at the same instant.
type End = (Instant, u64);

impl<K: Clone + Eq + Hash, V> ExpiringMap<K, V> {
    pub(in crate::token) fn get(&self, key: &K) -> Option<&V> {
        self.values.get(key).map(|(value, _)| value)
    }

    pub(in crate::token) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.values.get_mut(key).map(|(value, _)| value)
    }

    pub(in crate::token) fn insert(&mut self, key: K, value: V, at: Instant) {
        self.remove(&key);
        self.next += 1;
        let end = (at, self.next);
        self.ends.insert(end, key.clone());
        self.values.insert(key, (value, end));
    }

    pub(in crate::token) fn remove(&mut self, key: &K) -> Option<V> {
        let (value, end) = self.values.remove(key)?;
        self.ends.remove(&end);
        Some(value)
    }

    pub(in crate::token) fn sweep(&mut self, now: Instant) {
        let mut removed = false;
        while let Some(end) = self.ends.first_entry().filter(|end| end.key().0 <= now) {
            self.values.remove(&end.remove());
            removed = true;
        }
        if removed && self.values.capacity() / 8 > self.values.len() {
            self.values.shrink_to(self.values.len() * 2);
        }
    }

    pub(in crate::token) fn len(&self) -> usize {
        self.values.len()
    }
}

impl<K, V> Default for ExpiringMap<K, V> {
    fn default() -> Self {
        Self { values: HashMap::new(), ends: BTreeMap::new(), next: 0 }
    }
}

pub(in crate::token) fn after(now: Instant, time: Duration) -> Instant {
    now + time.min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_removes_expired_values_and_frees_their_memory() {
        let mut map = ExpiringMap::default();
        let start = Instant::now();
        for number in 0..10_000_u64 {
            map.insert(number, number, start + Duration::from_millis(number));
        }
        map.insert(0, 1, start + Duration::from_millis(9_999));
        map.sweep(start + Duration::from_millis(9_998));
        assert_eq!((map.len(), map.get(&0), map.get(&9_999)), (2, Some(&1), Some(&9_999)));
        assert!(map.values.capacity() < 100 && map.ends.len() == 2);
        assert_eq!(map.remove(&0), Some(1));
        map.sweep(after(start, Duration::MAX));
        assert_eq!((map.len(), map.ends.len()), (0, 0));
    }
}
