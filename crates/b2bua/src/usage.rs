//! How many calls are up, by trunk, number and agent: what admission weighs (see [`numbers::Usage`]).

use std::borrow::Borrow;
use std::collections::BTreeMap;

use numbers::{E164, Route, Spoken, Starts, Usage};

use crate::io::Now;

/// Live counts. Only what has a call has an entry.
#[derive(Debug, Default)]
pub(crate) struct Live {
    node: u32,
    trunks: BTreeMap<String, u32>,
    numbers: BTreeMap<E164, u32>,
    agents: BTreeMap<String, u32>,
    starts: Starts,
    spoken: Spoken,
}

/// What calls take up at one moment.
pub(crate) struct Moment<'a> {
    live: &'a Live,
    now: Now,
}

/// The places that one call takes. Given back by [`Live::leave`], once: so it can't be copied.
#[derive(Debug)]
pub(crate) struct Seat {
    trunk: String,
    number: E164,
    agent: String,
}

impl Live {
    pub(crate) fn take(&mut self, now: Now, route: &Route) -> Seat {
        let seat =
            Seat { trunk: route.trunk.id.clone(), number: route.number.e164, agent: route.agent.id.clone() };
        self.starts.begin(now.instant, &seat.trunk, seat.number);
        self.node += 1;
        *self.trunks.entry(seat.trunk.clone()).or_default() += 1;
        *self.numbers.entry(seat.number).or_default() += 1;
        *self.agents.entry(seat.agent.clone()).or_default() += 1;
        seat
    }

    /// The call goes to another agent.
    pub(crate) fn move_to(&mut self, seat: &mut Seat, agent: &str) {
        decrement(&mut self.agents, &seat.agent);
        agent.clone_into(&mut seat.agent);
        *self.agents.entry(seat.agent.clone()).or_default() += 1;
    }

    pub(crate) fn leave(&mut self, seat: Seat) {
        let Seat { trunk, number, agent } = seat;
        self.node = self.node.saturating_sub(1);
        decrement(&mut self.trunks, &trunk);
        decrement(&mut self.numbers, &number);
        decrement(&mut self.agents, &agent);
    }

    pub(crate) const fn calls(&self) -> u32 {
        self.node
    }

    pub(crate) const fn at(&self, now: Now) -> Moment<'_> {
        Moment { live: self, now }
    }
}

impl Usage for Moment<'_> {
    fn trunk_calls(&self, trunk_id: &str) -> u32 {
        self.live.trunks.get(trunk_id).copied().unwrap_or(0)
    }

    fn number_calls(&self, number: E164) -> u32 {
        self.live.numbers.get(&number).copied().unwrap_or(0)
    }

    fn agent_calls(&self, agent_id: &str) -> u32 {
        self.live.agents.get(agent_id).copied().unwrap_or(0)
    }

    fn node_calls(&self) -> u32 {
        self.live.node
    }

    fn trunk_starts(&self, trunk_id: &str) -> u32 {
        self.live.starts.of_trunk(self.now.instant, trunk_id)
    }

    fn number_starts(&self, number: E164) -> u32 {
        self.live.starts.of_number(self.now.instant, number)
    }

    fn trunk_seconds_today(&self, trunk_id: &str) -> u64 {
        self.live.spoken.of_trunk(self.now.wall_ms, trunk_id)
    }

    fn number_seconds_today(&self, number: E164) -> u64 {
        self.live.spoken.of_number(self.now.wall_ms, number)
    }

    fn seconds_left_today(&self) -> u32 {
        Spoken::seconds_left(self.now.wall_ms)
    }
}

fn decrement<K, Q>(counts: &mut BTreeMap<K, u32>, key: &Q)
where
    K: Borrow<Q> + Ord,
    Q: Ord + ?Sized,
{
    let Some(count) = counts.get_mut(key) else { return };
    *count = count.saturating_sub(1);
    if *count == 0 {
        counts.remove(key);
    }
}
