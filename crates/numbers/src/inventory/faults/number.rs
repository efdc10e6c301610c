//! What may be wrong with a number.

use std::collections::HashMap;

use super::{Faults, Ids, check_destinations, check_limit};
use crate::{E164, Number, NumberSource, NumberStatus};

pub(super) fn check_all(numbers: &[Number], trunks: &Ids<'_>, agents: &Ids<'_>, faults: &mut Faults) {
    let mut first: HashMap<E164, usize> = HashMap::with_capacity(numbers.len());
    for (index, number) in numbers.iter().enumerate() {
        let path = format!("numbers[{index}]");
        let owner = *first.entry(number.e164).or_insert(index);
        if owner != index {
            let message = format!("{} is numbers[{owner}] too", number.e164);
            faults.add(format!("{path}.e164"), message, "remove one of them");
        }
        check(&path, number, trunks, agents, faults);
    }
}

fn check(path: &str, number: &Number, trunks: &Ids<'_>, agents: &Ids<'_>, faults: &mut Faults) {
    trunks.check_reference(&format!("{path}.trunk_id"), &number.trunk_id, faults);
    if let Some(id) = &number.agent_id {
        agents.check_reference(&format!("{path}.agent_id"), id, faults);
    }
    if number.source == NumberSource::Personal {
        if number.inbound {
            let message = "a personal number takes no inbound calls";
            faults.add(format!("{path}.inbound"), message, "set false, or remove it");
        }
        if number.status == NumberStatus::Active {
            let message = "a personal number is pending until it is verified";
            faults.add(format!("{path}.status"), message, "remove it");
        }
    }
    check_limit(&format!("{path}.max_calls"), number.max_calls, faults);
    check_destinations(&format!("{path}.allowed_countries"), number.allowed_countries.as_ref(), faults);
}
