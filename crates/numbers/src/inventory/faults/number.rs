//! What may be wrong with a number.

use std::collections::HashMap;

use super::{Faults, Ids, check_destinations, check_limit};
use crate::{E164, Number, NumberSource, NumberStatus};

pub(super) fn check_all(numbers: &[Number], trunks: &Ids<'_>, agents: &Ids<'_>, faults: &mut Faults) {
    let mut first: HashMap<E164, usize> = HashMap::with_capacity(numbers.len());
    for (index, number) in numbers.iter().enumerate() {
        let owner = *first.entry(number.e164).or_insert(index);
        if owner != index {
            let message = format!("{} is numbers[{owner}] too", number.e164);
            faults.add(format!("numbers[{index}].e164"), message, "remove one of them");
        }
        check(index, number, trunks, agents, faults);
    }
}

/// There may be many numbers, and few faults: a path is written only where one is found.
fn check(index: usize, number: &Number, trunks: &Ids<'_>, agents: &Ids<'_>, faults: &mut Faults) {
    let at = |key: &'static str| move || format!("numbers[{index}].{key}");
    trunks.check_reference(at("trunk_id"), &number.trunk_id, faults);
    if let Some(id) = &number.agent_id {
        agents.check_reference(at("agent_id"), id, faults);
    }
    if number.source == NumberSource::Personal {
        if number.inbound {
            let message = "a personal number takes no inbound calls";
            faults.add(at("inbound")(), message, "set false, or remove it");
        }
        if number.status == NumberStatus::Active && number.is_unverified() {
            let message = "a personal number is pending until it is verified";
            faults.add(at("status")(), message, "remove it; `strowger number verify` makes it active");
        }
    } else if number.verified.is_some() {
        faults.add(at("verified")(), "only a personal number is verified", "remove it");
    }
    check_limit(at("max_calls"), number.max_calls, faults);
    check_limit(at("max_cps"), number.max_cps, faults);
    check_limit(at("max_minutes_per_day"), number.max_minutes_per_day, faults);
    check_destinations(at("allowed_countries"), number.allowed_countries.as_ref(), faults);
}
