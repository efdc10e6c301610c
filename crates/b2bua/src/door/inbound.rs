//! A call to one of our numbers.

use std::sync::Arc;

use numbers::{Did, Limits, Refusal, Route, Trunk};

use super::facts::{brief, describe_route};
use super::{Door, Knock, Opened, begin, opened};
use crate::call::{Call, Facts, Plan};
use crate::desk::Desk;
use crate::fate::Fate;
use crate::identify::Peer;
use crate::io::{CallKey, Now};
use crate::record::CallDirection;

impl Door {
    /// Lets the call in, or refuses it. A refused one names our number, if it called one.
    pub(super) fn invited(
        &mut self,
        desk: &mut Desk,
        now: Now,
        knock: &Knock,
        peer: &Peer,
        did: &Did,
        mut facts: Facts,
    ) -> (CallKey, Call) {
        facts.record.direction = CallDirection::Inbound;
        let key = facts.key;
        let call = match self.admit(desk, now, knock, peer, did) {
            Ok((route, Opened { opening, redirected })) => {
                describe_route(&mut facts.record, &route);
                let brief = brief(desk, knock, peer, &facts.record, redirected);
                let seat = desk.usage.take(now, &route);
                let plan = Plan::to_agent(Arc::clone(&desk.directory), route.agent, brief);
                begin(desk, now, knock, facts, opening, plan, seat)
            }
            Err(fate) => {
                let ours = did.e164.filter(|e164| desk.directory.number(*e164).is_some());
                facts.record.number = ours.map(|e164| e164.to_string());
                Call::refuse(desk, now, facts, knock.dialog, &fate)
            }
        };
        (key, call)
    }

    /// All that it must pass, the cheapest first.
    fn admit(
        &mut self,
        desk: &Desk,
        now: Now,
        knock: &Knock,
        peer: &Peer,
        did: &Did,
    ) -> Result<(Route, Opened), Fate> {
        self.rate(desk, now, peer)?;
        let limits = Limits { max_calls: desk.config.limits.max_calls, state: self.state };
        let trunk = trunk(desk, peer, did).ok_or(Fate::Refused(Refusal::DidUnknown))?;
        let route = numbers::admit_inbound(&desk.directory, trunk, did, &desk.usage.at(now), &limits)
            .map_err(Fate::Refused)?;
        Ok((route, opened(desk, knock, peer)?))
    }
}

/// The trunk that the call comes by. A SIP agent's own call to one of our numbers comes by the number's.
fn trunk<'a>(desk: &'a Desk, peer: &'a Peer, did: &Did) -> Option<&'a Arc<Trunk>> {
    match peer {
        Peer::Trunk(trunk) => Some(trunk),
        Peer::Agent(_) => desk.directory.trunk(&desk.directory.number(did.e164?)?.trunk_id),
    }
}
