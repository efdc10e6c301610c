//! Which call the id of a record belongs to: who asks for one call, or for a page of them, costs the core that call or that page,
//! however many there are.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::io::CallKey;
use crate::record::CallRecord;

/// By id: those that are up apart from those whose finished record waits for the store, so that a page of the ones passes over none of
/// the others. Each call is in one of them until it is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    up: BTreeMap<String, CallKey>,
    over: BTreeMap<String, CallKey>,
}

impl Ids {
    /// A call, as its record stands.
    pub(crate) fn put(&mut self, record: &CallRecord, call: CallKey) {
        if record.status.is_none() {
            self.up.insert(record.id.clone(), call);
            return;
        }
        let (id, _) = self.up.remove_entry(&record.id).unwrap_or_else(|| (record.id.clone(), call));
        self.over.insert(id, call);
    }

    pub(crate) fn forget(&mut self, record: &CallRecord) {
        self.up.remove(&record.id);
        self.over.remove(&record.id);
    }

    /// The call that is up and has this id.
    pub(crate) fn up(&self, id: &str) -> Option<CallKey> {
        self.up.get(id).copied()
    }

    /// The calls that are up, by id, behind this one.
    pub(crate) fn behind(&self, id: &str) -> impl Iterator<Item = CallKey> {
        self.up.range::<str, _>((Bound::Excluded(id), Bound::Unbounded)).map(|(_, call)| *call)
    }

    /// The calls whose id begins so.
    pub(crate) fn beginning(&self, start: &str) -> impl Iterator<Item = CallKey> {
        starting(&self.up, start).chain(starting(&self.over, start))
    }

    pub(crate) fn len(&self) -> usize {
        self.up.len() + self.over.len()
    }
}

fn starting(calls: &BTreeMap<String, CallKey>, start: &str) -> impl Iterator<Item = CallKey> {
    let from = calls.range::<str, _>((Bound::Included(start), Bound::Unbounded));
    from.take_while(move |(id, _)| id.starts_with(start)).map(|(_, call)| *call)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fate::Fate;
    use crate::record::CallDirection;

    fn record(id: &str) -> CallRecord {
        CallRecord::begin(id.to_owned(), CallDirection::Inbound, 0)
    }

    fn over(id: &str) -> CallRecord {
        let mut record = record(id);
        record.finish(1, &Fate::Refused(numbers::Refusal::Draining));
        record
    }

    #[test]
    fn a_call_is_found_by_its_id_and_those_that_are_up_in_its_order() {
        let mut ids = Ids::default();
        for (key, id) in ["ab30", "ab10", "c000", "ab20"].into_iter().enumerate() {
            ids.put(&record(id), CallKey(key as u64));
        }
        let keys = |calls: &mut dyn Iterator<Item = CallKey>| calls.map(|call| call.0).collect::<Vec<_>>();
        assert_eq!(keys(&mut ids.behind("")), [1, 3, 0, 2]);
        assert_eq!(keys(&mut ids.behind("ab10")), [3, 0, 2], "behind the cursor, not at it");
        assert_eq!(keys(&mut ids.behind("ab15")), [3, 0, 2], "the call of the cursor may be gone");
        assert_eq!(keys(&mut ids.beginning("ab")), [1, 3, 0]);
        assert_eq!((ids.up("ab20"), ids.up("ab2")), (Some(CallKey(3)), None));

        ids.put(&over("ab20"), CallKey(3));
        assert_eq!(ids.up("ab20"), None);
        assert_eq!(keys(&mut ids.behind("")), [1, 0, 2]);
        assert_eq!(keys(&mut ids.beginning("ab2")), [3], "until the store has it, it is found here");
        ids.put(&over("d000"), CallKey(4));
        assert_eq!(ids.len(), 5);
        for id in ["ab30", "ab10", "c000", "ab20", "d000"] {
            ids.forget(&record(id));
        }
        assert_eq!(ids.len(), 0);
    }
}
