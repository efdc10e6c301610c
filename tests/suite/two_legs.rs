//! A caller and a SIP agent, both played by SIPp: `NAME.xml` calls, `NAME.agent.xml` is called.

use std::net::SocketAddr;

use super::play::call;
use super::scenarios;
use super::world::AGENT;

/// The agent's number with the echo to answer for it.
const AGENT_OR_ECHO: &str = "+14155550111";
/// The agent's number where callers hear the ringing of their own network.
const AGENT_RINGING_LOCALLY: &str = "+14155550112";
/// The agent's number with a list of headers to be passed, a header of its own, and diversions told by History-Info.
const AGENT_WITH_A_LIST: &str = "+14155550113";

const RING: &str = "STROWGER__LIMITS__RING_S";
const LONGEST: &str = "STROWGER__LIMITS__MAX_CALL_S";
const SILENCE: &str = "STROWGER__MEDIA__SILENCE_TIMEOUT_S";

/// A reliable response may come twice before its PRACK is out: SIPp must not end the call for it.
const PATIENTLY: &[&str] = &["-default_behaviors", "all,-abortunexp"];

/// The agent by further names, each with a number of its own.
pub(super) fn further_agents(agent: SocketAddr, transport: &str) -> String {
    let uri = format!("sip:agent@{agent};transport={transport}");
    let number = |number: &str, agent: &str| {
        format!("[[numbers]]\ne164 = \"{number}\"\ntrunk_id = \"carrier\"\nagent_id = \"{agent}\"\n")
    };
    let agents = format!(
        r#"
[[agents]]
id = "sipp-or-echo"
fallback_agent_id = "echo"
endpoint = {{ kind = "sip", uri = "{uri}" }}

[[agents]]
id = "sipp-ringing-locally"
ringback = "local"
endpoint = {{ kind = "sip", uri = "{uri}" }}

[[agents]]
id = "sipp-with-a-list"
pass_headers = ["X-Account", "X-Acme-*", "X-Tenant"]
endpoint = {{ kind = "sip", uri = "{uri}", headers = {{ X-Tenant = "blue" }}, redirections = "history-info" }}

"#
    );
    [
        agents,
        number(AGENT_OR_ECHO, "sipp-or-echo"),
        number(AGENT_RINGING_LOCALLY, "sipp-ringing-locally"),
        number(AGENT_WITH_A_LIST, "sipp-with-a-list"),
    ]
    .concat()
}

scenarios! {
    "two-legs":
    a_call_reaches_the_agent_and_is_hung_up_by_the_caller => call(AGENT).with("ended_by", "caller");
    a_call_is_hung_up_by_the_agent => call(AGENT).with("ended_by", "agent");
    an_agent_that_is_busy_is_486_to_the_caller =>
        call(AGENT).leaves(&[("busy", "agent-busy")]).with("ended_by", "agent").with("sip_status", "486");
    an_agent_that_declines_is_603_to_the_caller =>
        call(AGENT).leaves(&[("busy", "agent-declined")]).with("sip_status", "603");
    the_fallback_answers_for_an_agent_that_can_not_serve =>
        call(AGENT_OR_ECHO).with("agent_id", "echo").logs("agent-unreachable");
    an_agent_that_redirects_is_not_followed =>
        call(AGENT).leaves(&[("failed", "agent-unreachable")]).logs("it answered 302");
    an_agent_that_wants_a_password_is_not_reached =>
        call(AGENT).leaves(&[("failed", "agent-unreachable")]).logs("it answered 407");
    the_q850_cause_of_the_agents_refusal_reaches_the_caller =>
        call(AGENT).leaves(&[("failed", "agent-unreachable")]).with("q850", "1");
    an_answer_without_a_description_ends_the_agents_leg =>
        call(AGENT).leaves(&[("failed", "no-common-codec")]).logs("agent-unreachable");
    a_refusal_of_everybody_is_busy => call(AGENT).leaves(&[("busy", "agent-busy")]);

    a_cancel_reaches_the_agent_with_its_reason =>
        call(AGENT).leaves(&[("canceled", "answered-elsewhere")]).with("ended_by", "caller");
    an_answer_that_crosses_the_cancel_is_acknowledged_and_ended =>
        call(AGENT).leaves(&[("canceled", "canceled")]);
    an_agent_that_never_answers_is_cancelled =>
        call(AGENT).set(RING, "1").leaves(&[("no-answer", "no-answer")]);
    a_bye_in_the_early_dialog_cancels_the_agents_leg =>
        call(AGENT).leaves(&[("canceled", "canceled")]).with("ended_by", "caller");

    what_the_agent_plays_before_its_answer_is_described_to_the_caller => call(AGENT);
    ringing_after_early_media_is_passed_on => call(AGENT);
    forwarding_and_queueing_are_told_to_the_caller => call(AGENT);
    an_agent_that_rings_for_the_callers_network_is_not_heard_early => call(AGENT_RINGING_LOCALLY);
    a_reliable_183_of_the_agent_is_acknowledged => call(AGENT);
    early_media_is_reliable_on_both_legs => call(AGENT).sipp(PATIENTLY);
    ringing_is_reliable_for_a_caller_that_insists => call(AGENT).sipp(PATIENTLY);
    the_agents_update_before_its_answer_is_answered => call(AGENT);
    p_early_media_of_the_agent_is_told_to_a_caller_that_knows_it => call(AGENT);
    of_two_answers_the_second_is_acknowledged_and_ended => call(AGENT).with("ended_by", "caller");
    a_late_offer_goes_out_early_and_its_answer_comes_in_the_prack =>
        call(AGENT).sipp(PATIENTLY).with("codec", "PCMU");
    the_caller_moves_by_update_before_the_answer => call(AGENT).sipp(PATIENTLY);
    a_reliable_response_out_of_order_is_not_acknowledged => call(AGENT);
    the_fork_that_answers_is_the_one_that_is_talked_to => call(AGENT);

    a_caller_without_an_offer_is_offered_what_the_agent_took => call(AGENT).with("codec", "PCMA");
    legs_of_different_codecs_are_joined => call(AGENT).with("codec", "PCMA");
    of_several_bodies_the_agent_gets_the_description => call(AGENT);
    an_agent_that_asks_for_an_offer_gets_a_full_one => call(AGENT).with("ended_by", "agent");
    an_answer_without_ringing_is_passed_on => call(AGENT);
    a_call_that_begins_on_hold_begins_so_for_the_agent => call(AGENT);

    the_caller_holds_the_agent_and_resumes => call(AGENT);
    the_agent_holds_the_caller_and_resumes => call(AGENT);
    the_agent_holds_the_caller_by_update => call(AGENT);
    an_update_goes_by_reinvite_to_an_agent_that_takes_none => call(AGENT);
    a_hold_that_the_agent_refuses_holds_nobody => call(AGENT);
    the_callers_move_is_no_business_of_the_agents => call(AGENT);
    a_codec_that_the_caller_changes_to_is_offered_to_the_agent => call(AGENT).with("codec", "PCMA");
    changes_of_both_sides_at_once_are_sorted_out => call(AGENT);
    a_hold_that_meets_the_agents_own_is_tried_again => call(AGENT);
    an_agent_that_no_longer_knows_the_call_ends_it => call(AGENT).leaves(&[("completed", "agent-gone")]);
    a_hold_by_a_null_address_is_sendonly_to_the_agent => call(AGENT);
    a_hold_that_is_cancelled_is_taken_back_from_the_agent => call(AGENT);
    the_agents_new_contact_gets_the_bye => call(AGENT);
    both_hold_and_one_resumes_for_itself => call(AGENT);
    an_offer_while_the_other_is_open_is_refused_for_now => call(AGENT);

    requests_to_the_agent_take_its_recorded_routes => call(AGENT);
    a_digit_by_info_is_taken_for_the_agent => call(AGENT);
    an_agent_that_asks_what_we_can_do_is_told => call(AGENT).with("ended_by", "agent");
    the_reason_of_the_agents_bye_reaches_the_caller =>
        call(AGENT).with("ended_by", "agent").with("q850", "31");
    the_reason_of_the_callers_bye_reaches_the_agent =>
        call(AGENT).with("ended_by", "caller").with("q850", "31");
    a_session_that_the_agent_finds_too_short_is_asked_for_longer => call(AGENT);
    a_bye_that_crosses_ours_is_answered => call(AGENT).with("ended_by", "agent");
    the_longest_duration_ends_both_legs =>
        call(AGENT).set(LONGEST, "1").leaves(&[("completed", "max-duration")]);
    silence_on_both_legs_ends_them => call(AGENT).set(SILENCE, "1").leaves(&[("completed", "media-silent")]);
    a_request_that_the_agent_may_not_send_is_refused => call(AGENT).with("ended_by", "agent");
    requests_to_the_agent_go_by_its_strict_router => call(AGENT);

    the_agent_sees_nothing_of_the_callers_leg => call(AGENT);
    the_caller_sees_nothing_of_the_agents_leg => call(AGENT);
    hops_are_counted_across_us => call(AGENT);
    the_agent_is_told_whom_the_trunk_asserts => call(AGENT).with("from", "+12125550188");
    a_caller_that_withholds_its_number_is_anonymous_to_the_agent => call(AGENT).with("from", "+12125550188");
    an_agent_gets_the_headers_on_its_list => call(AGENT_WITH_A_LIST);
    a_diversion_is_passed_on => call(AGENT);
    a_diversion_is_history_to_an_agent_that_reads_only_that => call(AGENT_WITH_A_LIST);
}

mod unhurried {
    //! What waits for a timer of a minute at most, over all transports at once.

    use super::{AGENT_OR_ECHO, SILENCE};
    use crate::suite::play::call;
    use crate::suite::slow_scenarios;
    use crate::suite::world::AGENT;

    slow_scenarios! {
        "two-legs-slow":
        the_agents_session_is_refreshed_by_update => call(AGENT).seconds(90).set(SILENCE, "0");
        the_agents_session_is_refreshed_by_reinvite_where_it_takes_no_update =>
            call(AGENT).seconds(90).set(SILENCE, "0");
        an_agent_that_does_not_refresh_its_session_is_hung_up_on =>
            call(AGENT).seconds(90).set(SILENCE, "0").leaves(&[("failed", "session-expired")]);
        the_fallback_answers_for_an_agent_that_is_silent => call(AGENT_OR_ECHO).with("agent_id", "echo");
        an_ack_that_the_caller_owes_ends_the_agents_leg_as_well =>
            call(AGENT).seconds(60).set(SILENCE, "0").leaves(&[("failed", "ack-missing")]);
    }
}
