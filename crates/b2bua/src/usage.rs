//! What calls take up, by trunk, number and agent: what admission and permission weigh (see [`numbers::Usage`]).

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use numbers::{E164, Load, Others, Permit, Route, Spoke, Spoken, Starts, Subject, Talk, Usage, Used};

use crate::config::Sharing;
use crate::identify::Peer;
use crate::io::Now;

/// Live counts. Only what has a call has an entry.
#[derive(Debug)]
pub(crate) struct Live {
    sharing: Sharing,
    node: u32,
    trunks: BTreeMap<String, u32>,
    numbers: BTreeMap<E164, u32>,
    agents: BTreeMap<String, u32>,
    starts: Starts,
    spoken: Spoken,
    /// What other nodes are to be told of.
    changed: BTreeSet<Subject>,
    others: Others,
}

/// What calls take up at one moment.
pub(crate) struct Moment<'a> {
    live: &'a Live,
    now: Now,
}

/// The places that one call takes. Given back by [`Live::leave`], once: so it can't be copied.
#[derive(Debug)]
pub(crate) struct Seat {
    /// By which it comes or leaves.
    trunk: String,
    /// Of the PBX that asked for it, where that is another one.
    asker: Option<String>,
    number: E164,
    agent: Option<String>,
    time: Time,
}

/// Whether the time of a call counts against the minutes of a day.
#[derive(Debug)]
enum Time {
    /// It came in.
    Free,
    /// It is to leave, and is not answered.
    Unanswered,
    Running(Talk),
}

impl Live {
    pub(crate) fn new(sharing: Sharing) -> Self {
        Self {
            sharing,
            node: 0,
            trunks: BTreeMap::new(),
            numbers: BTreeMap::new(),
            agents: BTreeMap::new(),
            starts: Starts::default(),
            spoken: Spoken::default(),
            changed: BTreeSet::new(),
            others: Others::default(),
        }
    }

    /// For a call that comes in.
    pub(crate) fn take(&mut self, now: Now, route: &Route) -> Seat {
        self.sit(
            now,
            Seat {
                trunk: route.trunk.id.clone(),
                asker: None,
                number: route.number.e164,
                agent: Some(route.agent.id.clone()),
                time: Time::Free,
            },
        )
    }

    /// For a call that leaves, and that this peer has asked for.
    pub(crate) fn take_out(&mut self, now: Now, permit: &Permit, peer: &Peer) -> Seat {
        let (asker, agent) = match peer {
            Peer::Trunk(trunk) => (Some(trunk.id.clone()).filter(|id| *id != permit.trunk().id), None),
            Peer::Agent(agent) => (None, Some(agent.id.clone())),
        };
        let (trunk, number) = (permit.trunk().id.clone(), permit.number().e164);
        self.sit(now, Seat { trunk, asker, number, agent, time: Time::Unanswered })
    }

    fn sit(&mut self, now: Now, seat: Seat) -> Seat {
        self.starts.begin(now.instant, &seat.trunk, seat.number);
        self.has_changed(&seat);
        self.node += 1;
        for trunk in std::iter::once(&seat.trunk).chain(&seat.asker) {
            *self.trunks.entry(trunk.clone()).or_default() += 1;
        }
        *self.numbers.entry(seat.number).or_default() += 1;
        if let Some(agent) = &seat.agent {
            *self.agents.entry(agent.clone()).or_default() += 1;
        }
        seat
    }

    /// The call goes to another agent.
    pub(crate) fn move_to(&mut self, seat: &mut Seat, agent: &str) {
        self.has_changed(seat);
        if let Some(before) = seat.agent.replace(agent.to_owned()) {
            decrement(&mut self.agents, &before);
        }
        *self.agents.entry(agent.to_owned()).or_default() += 1;
        self.has_changed(seat);
    }

    /// The call is answered: from here on it is paid for, if it leaves.
    pub(crate) fn answered(&mut self, now: Now, seat: &mut Seat) {
        match seat.time {
            Time::Unanswered => {
                seat.time = Time::Running(self.spoken.begin(now.wall_ms, &seat.trunk, seat.number));
                self.has_changed(seat);
            }
            Time::Free | Time::Running(_) => {}
        }
    }

    /// What calls that left and were over before the start have spoken.
    pub(crate) fn recall(&mut self, midnight_ms: u64, spoke: &[Spoke]) {
        for spoke in spoke {
            self.spoken.recall(midnight_ms, spoke);
            self.note(|| Subject::Trunk(spoke.trunk_id.clone()));
            self.note(|| Subject::Number(spoke.number));
        }
    }

    pub(crate) fn leave(&mut self, now: Now, seat: Seat) {
        self.has_changed(&seat);
        let Seat { trunk, asker, number, agent, time } = seat;
        self.node = self.node.saturating_sub(1);
        for trunk in std::iter::once(trunk).chain(asker) {
            decrement(&mut self.trunks, &trunk);
        }
        decrement(&mut self.numbers, &number);
        if let Some(agent) = agent {
            decrement(&mut self.agents, &agent);
        }
        match time {
            Time::Running(talk) => self.spoken.end(now.wall_ms, talk),
            Time::Free | Time::Unanswered => {}
        }
    }

    /// What other nodes take of this, all together.
    pub(crate) fn elsewhere(&mut self, used: Vec<Used>) {
        for used in used {
            self.others.put(used);
        }
    }

    /// What other nodes are to be told, each subject once, as it stands.
    pub(crate) fn changes(&mut self) -> Vec<Used> {
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().map(|subject| Used { load: self.load(&subject), subject }).collect()
    }

    fn load(&self, subject: &Subject) -> Load {
        let calls = |calls: Option<&u32>| calls.copied().unwrap_or(0);
        match subject {
            Subject::Trunk(id) => {
                Load { calls: calls(self.trunks.get(id)), spoken: self.spoken.of_trunk(id) }
            }
            Subject::Number(number) => {
                Load { calls: calls(self.numbers.get(number)), spoken: self.spoken.of_number(*number) }
            }
            Subject::Agent(id) => Load { calls: calls(self.agents.get(id)), ..Load::default() },
        }
    }

    fn has_changed(&mut self, seat: &Seat) {
        for trunk in std::iter::once(&seat.trunk).chain(&seat.asker) {
            self.note(|| Subject::Trunk(trunk.clone()));
        }
        self.note(|| Subject::Number(seat.number));
        if let Some(agent) = &seat.agent {
            self.note(|| Subject::Agent(agent.clone()));
        }
    }

    fn note(&mut self, subject: impl FnOnce() -> Subject) {
        match self.sharing {
            Sharing::Alone => {}
            Sharing::Shared => {
                self.changed.insert(subject());
            }
        }
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
        let own = self.live.trunks.get(trunk_id).copied().unwrap_or(0);
        own.saturating_add(self.live.others.of_trunk(trunk_id).calls)
    }

    fn number_calls(&self, number: E164) -> u32 {
        let own = self.live.numbers.get(&number).copied().unwrap_or(0);
        own.saturating_add(self.live.others.of_number(number).calls)
    }

    fn agent_calls(&self, agent_id: &str) -> u32 {
        let own = self.live.agents.get(agent_id).copied().unwrap_or(0);
        own.saturating_add(self.live.others.of_agent(agent_id).calls)
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
        let others = self.live.others.of_trunk(trunk_id).spoken;
        self.live.spoken.of_trunk(trunk_id).plus(others).seconds(self.now.wall_ms)
    }

    fn number_seconds_today(&self, number: E164) -> u64 {
        let others = self.live.others.of_number(number).spoken;
        self.live.spoken.of_number(number).plus(others).seconds(self.now.wall_ms)
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
