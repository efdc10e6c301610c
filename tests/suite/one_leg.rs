//! A caller alone: the agent is the echo, which answers at once, or a stream whose bot says nothing, which rings.

use super::play::echo;
use super::scenarios;

scenarios! {
    "one-leg":
    a_call_is_hung_up_by_the_caller => echo().with("ended_by", "caller").with("sip_status", "200");
}
