//! What waits for a timer of SIP: a minute at most, over all transports at once.

use super::play::{call, echo};
use super::slow_scenarios;
use super::world::AGENT;

/// Where the media are silent as well.
const SILENCE: &str = "STROWGER__MEDIA__SILENCE_TIMEOUT_S";

slow_scenarios! {
    "slow":
    a_lost_ack_has_the_200_repeated_and_the_call_ended =>
        echo().seconds(60).leaves(&[("failed", "ack-missing")]).with("detail", "Contact <sip:strowger@127.");
    a_reliable_ringing_that_is_never_acknowledged_ends_the_call =>
        call(AGENT).seconds(60).leaves(&[("failed", "prack-missing")]);
    a_session_that_we_refresh_goes_on => echo().seconds(90);
    a_session_is_refreshed_by_reinvite_where_update_is_not_known => echo().seconds(90);
    a_session_that_is_not_refreshed_ends_with_bye =>
        echo().seconds(90).set(SILENCE, "0").leaves(&[("failed", "session-expired")]);
}
