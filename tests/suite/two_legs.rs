//! A caller and a SIP agent, both played by SIPp: `NAME.xml` calls, `NAME.agent.xml` is called.

use super::play::call;
use super::scenarios;
use super::world::AGENT;

scenarios! {
    "two-legs":
    a_call_reaches_the_agent_and_is_hung_up_by_the_caller => call(AGENT).with("ended_by", "caller");
    a_call_is_hung_up_by_the_agent => call(AGENT).with("ended_by", "agent");
}
