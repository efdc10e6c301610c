//! Is there room for one more call?

use super::{Limits, NodeState, Usage};
use crate::permission::Objection;
use crate::{Number, Refusal, Trunk};

/// Calls at once. The node first: where it is full, another may have room for the trunk and the number.
pub(crate) fn check_calls(
    trunk: &Trunk,
    number: &Number,
    usage: &impl Usage,
    limits: &Limits,
) -> Result<(), Objection> {
    match limits.state {
        NodeState::Serving => {}
        NodeState::Draining => {
            return Err(Objection::new(
                Refusal::Draining,
                "this node takes no further calls: it is draining",
            ));
        }
    }
    if let Some(most) = limits.max_calls
        && is_full(Some(most), usage.node_calls())
    {
        let words = format!("this node has {most} calls, as many as limits.max_calls of its configuration");
        return Err(Objection::new(Refusal::NodeFull, words));
    }
    if let Some(most) = trunk.limits.max_calls
        && is_full(Some(most), usage.trunk_calls(&trunk.id))
    {
        let words = format!("trunk `{}` has {most} calls, as many as its limits.max_calls", trunk.id);
        return Err(Objection::new(Refusal::TrunkFull, words));
    }
    if let Some(most) = number.max_calls
        && is_full(Some(most), usage.number_calls(number.e164))
    {
        let words = format!("the number has {most} calls, as many as its max_calls");
        return Err(Objection::new(Refusal::NumberFull, words));
    }
    Ok(())
}

/// Calls a second.
pub(crate) fn check_starts(trunk: &Trunk, number: &Number, usage: &impl Usage) -> Result<(), Objection> {
    if let Some(most) = trunk.limits.max_cps
        && is_full(Some(most), usage.trunk_starts(&trunk.id))
    {
        let words = format!(
            "{most} calls began on trunk `{}` within a second, as many as its limits.max_cps",
            trunk.id
        );
        return Err(Objection::new(Refusal::RateLimited, words));
    }
    check_number_starts(number, usage)
}

/// The same of the number alone.
pub(crate) fn check_number_starts(number: &Number, usage: &impl Usage) -> Result<(), Objection> {
    if let Some(most) = number.max_cps
        && is_full(Some(most), usage.number_starts(number.e164))
    {
        let words = format!("{most} calls began on the number within a second, as many as its max_cps");
        return Err(Objection::new(Refusal::RateLimited, words));
    }
    Ok(())
}

/// Minutes spoken a day, outbound. A call that is up may go beyond them; none begins beyond them.
pub(crate) fn check_minutes(trunk: &Trunk, number: &Number, usage: &impl Usage) -> Result<(), Objection> {
    let is_spent = |most: u32, seconds: u64| seconds >= u64::from(most) * 60;
    let spent = |words| Err(Objection::new(Refusal::RateLimited, words).again_in(usage.seconds_left_today()));
    if let Some(most) = trunk.limits.max_minutes_per_day
        && is_spent(most, usage.trunk_seconds_today(&trunk.id))
    {
        return spent(format!(
            "trunk `{}` has spoken its limits.max_minutes_per_day = {most} for today (UTC)",
            trunk.id
        ));
    }
    if let Some(most) = number.max_minutes_per_day
        && is_spent(most, usage.number_seconds_today(number.e164))
    {
        return spent(format!("the number has spoken its max_minutes_per_day = {most} for today (UTC)"));
    }
    Ok(())
}

pub(crate) fn is_full(most: Option<u32>, used: u32) -> bool {
    most.is_some_and(|most| used >= most)
}
