//! What is looked up for every request and hardly ever changes.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;

use foldhash::fast::RandomState;
use papaya::HashMap;

/// Remembers up to so many values. Nobody waits to read one, nor writes to memory that other cores read: a lock that every
/// request takes passes from core to core for each.
pub(super) struct Memory<K, V> {
    values: HashMap<K, V, RandomState>,
    capacity: usize,
}

impl<K: Hash + Eq, V: Clone> Memory<K, V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { values: HashMap::with_hasher(RandomState::default()), capacity }
    }

    pub(super) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.values.pin().get(key).cloned()
    }

    /// Keeps a value. Where there is no room, all are forgotten: what is in use is soon found out again, and nobody keeps
    /// books on what that is.
    pub(super) fn insert(&self, key: K, value: V) {
        let values = self.values.pin();
        if values.len() >= self.capacity {
            values.clear();
        }
        values.insert(key, value);
    }
}

impl<K, V> fmt::Debug for Memory<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn it_keeps_what_it_has_room_for() {
        let memory = Memory::new(3);
        for key in 0..3 {
            memory.insert(key, key * 10);
        }
        assert_eq!([0, 1, 2, 3].map(|key| memory.get(&key)), [Some(0), Some(10), Some(20), None]);
        memory.insert(3, 30);
        assert_eq!([0, 1, 2, 3].map(|key| memory.get(&key)), [None, None, None, Some(30)]);
    }

    #[test]
    fn whoever_writes_meanwhile_a_value_is_whole_and_its_own() {
        const CAPACITY: usize = 100;
        let memory = Memory::new(CAPACITY);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..20_000_usize {
                        let key = round % 300;
                        memory.insert(key, vec![key; 3]);
                        let other = (round * 7) % 300;
                        assert!(memory.get(&other).is_none_or(|value| value == [other; 3]));
                    }
                });
            }
        });
        assert!(memory.values.len() <= CAPACITY + 4);
    }
}
