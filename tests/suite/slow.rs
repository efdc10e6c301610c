//! What waits for a timer of SIP: a minute at most, over all transports at once.

use super::play::echo;
use super::slow_scenarios;

slow_scenarios! {
    "slow":
    a_lost_ack_has_the_200_repeated_and_the_call_ended =>
        echo().seconds(60).leaves(&[("failed", "ack-missing")]);
    a_session_that_we_refresh_goes_on => echo().seconds(90);
}
