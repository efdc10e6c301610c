//! A caller alone: the agent is the echo, which answers at once, or a stream whose bot says nothing, which rings.

use super::play::{COMPLETED, call, echo, ring};
use super::scenarios;
use super::world::{ABSENT, ECHO, NOBODY};

/// A call that the caller gives up while it rings.
const CANCELED: (&str, &str) = ("canceled", "canceled");

const SILENCE: &str = "STROWGER__MEDIA__SILENCE_TIMEOUT_S";

scenarios! {
    "one-leg":
    a_call_is_hung_up_by_the_caller => echo().with("ended_by", "caller").with("sip_status", "200");
    a_response_says_where_the_request_came_from => echo();
    a_repeated_invite_is_one_call => echo();
    an_invite_without_max_forwards_is_taken => echo();
    compact_header_names_are_read => echo();
    header_names_in_any_case_are_read => echo();
    the_longest_duration_ends_with_our_bye =>
        echo().set("STROWGER__LIMITS__MAX_CALL_S", "1").leaves(&[("completed", "max-duration")]);
    our_bye_takes_the_recorded_routes_to_a_private_contact =>
        echo().set("STROWGER__LIMITS__MAX_CALL_S", "1").leaves(&[("completed", "max-duration")]);
    our_bye_goes_by_a_strict_router =>
        echo().set("STROWGER__LIMITS__MAX_CALL_S", "1").leaves(&[("completed", "max-duration")]);
    a_reinvite_with_another_contact_moves_the_dialog =>
        echo().set("STROWGER__LIMITS__MAX_CALL_S", "2").leaves(&[("completed", "max-duration")]);

    a_late_offer_is_answered_in_the_ack => echo().with("codec", "PCMA");
    a_late_offer_that_the_ack_leaves_open_ends_with_bye => echo().leaves(&[("failed", "no-common-codec")]);
    hold_by_sendonly_and_resume => echo();
    hold_by_inactive_and_resume => echo();
    hold_by_a_null_address_and_resume => echo();
    a_reinvite_moves_the_media => echo();
    a_reinvite_changes_the_codec => echo();
    a_reinvite_without_an_offer_gets_a_full_one => echo();
    a_refused_reinvite_leaves_the_call_as_it_was => echo();
    an_update_with_an_offer_is_answered => echo();
    an_update_without_an_offer_is_a_sign_of_life => echo();
    sdp_is_found_beside_isup => echo();
    video_beside_audio_is_declined_and_the_call_goes_on => echo();

    a_caller_refreshes_its_session_by_update => echo();
    a_caller_refreshes_its_session_by_reinvite => echo();
    a_session_interval_too_small_is_refused_and_the_retry_taken =>
        echo().leaves(&[COMPLETED, ("refused", "bad-request")]);

    cancel_while_it_rings => ring().leaves(&[CANCELED]).with("sip_status", "487").with("ended_by", "caller");
    cancel_that_crosses_the_200_changes_nothing => echo();
    cancel_of_nothing_is_unknown => echo().leaves(&[]);
    bye_in_the_early_dialog_ends_it => ring().leaves(&[CANCELED]);
    a_second_invite_while_the_first_is_open_has_to_wait => ring().leaves(&[CANCELED]);
    an_invite_that_came_by_two_ways_is_merged => ring().leaves(&[("refused", "loop-detected"), CANCELED]);
    a_caller_that_requires_it_rings_reliably => ring().leaves(&[CANCELED]);
    a_caller_that_supports_it_is_rung_without_prack_and_may_send_none => ring().leaves(&[CANCELED]);
    prack_of_nothing_is_unknown => ring().leaves(&[CANCELED]);
    nobody_answers_for_long_enough =>
        ring().set("STROWGER__LIMITS__RING_S", "1").leaves(&[("no-answer", "no-answer")]);
    an_agent_that_can_not_be_reached_is_unavailable => call(ABSENT).leaves(&[("failed", "agent-unreachable")]);

    options_are_told_what_an_invite_would_be => echo().leaves(&[]);
    options_in_a_call_are_answered => echo();
    info_with_a_digit_is_taken => echo();
    info_of_another_kind_is_not_taken => echo();
    an_unknown_method_is_not_allowed => echo().leaves(&[]);
    an_unknown_method_in_a_call_is_not_allowed => echo();
    bye_of_an_unknown_call_is_told_so => echo().leaves(&[]);
    a_request_out_of_order_is_refused => echo();
    a_gap_in_the_order_is_none_of_ours => echo();

    an_unknown_extension_that_is_required_is_refused => echo().leaves(&[("refused", "unsupported-extension")]);
    an_unknown_extension_that_a_proxy_must_know_is_none_of_ours => echo();
    a_body_of_another_kind_is_refused => echo().leaves(&[("refused", "unsupported-body")]);
    an_encrypted_body_is_undecipherable =>
        echo().leaves(&[("refused", "unsupported-body")]).with("sip_status", "493");
    a_multipart_body_without_a_description_is_refused => echo().leaves(&[("refused", "unsupported-body")]);
    a_scheme_that_we_do_not_speak_is_refused => echo().leaves(&[("refused", "unsupported-uri")]);
    no_hop_left_is_refused => echo().leaves(&[("refused", "too-many-hops")]);
    a_number_that_nobody_has_is_not_found => call(NOBODY).leaves(&[("refused", "did-unknown")]);
    codecs_of_which_we_have_none_are_not_acceptable => echo().leaves(&[("refused", "no-common-codec")]);
    keys_alone_are_no_codec => echo().leaves(&[("refused", "no-common-codec")]);
    calls_over_the_limit_are_told_to_come_later => echo()
        .set("STROWGER__LIMITS__MAX_CALLS", "1")
        .sipp(&["-m", "2", "-l", "2", "-r", "2"])
        .leaves(&[("refused", "node-full"), COMPLETED]);
    a_stranger_gets_no_answer => echo().of_a_stranger().leaves(&[("refused", "source-unknown")]);
    a_stranger_is_forbidden_where_so_configured => echo()
        .of_a_stranger()
        .set("STROWGER__SIP__UNKNOWN_SOURCE", "reject")
        .leaves(&[("refused", "source-unknown")])
        .logs("source-unknown");

    a_cseq_that_is_no_number_is_a_bad_request => echo().leaves(&[("refused", "bad-request")]);
    an_invite_without_a_contact_is_a_bad_request => echo().leaves(&[("refused", "bad-request")]);
    sdp_that_is_none_is_a_bad_request => echo().leaves(&[("refused", "bad-request")]);
    another_version_of_sip_is_not_supported => echo().leaves(&[]);

    an_update_that_asks_for_too_short_a_session_is_refused => echo();
    a_large_invite_is_read => echo();
    a_national_number_is_read_as_ours => call("4155550100").with("number", ECHO);
    a_tel_uri_is_called => echo();
    the_asserted_identity_names_the_caller => echo().with("from", "+12125550188");
    info_outside_of_a_call_is_unknown => echo().leaves(&[]);
    a_bye_before_the_ack_ends_the_call => echo();
    a_repeated_ack_is_absorbed => echo();
    a_call_that_begins_on_hold_is_answered_so => echo();
    the_reason_of_a_bye_is_kept => echo().with("q850", "31");
    the_reason_of_a_cancel_is_kept => ring().leaves(&[CANCELED]).with("q850", "31");
    a_silent_call_is_ended => echo().set(SILENCE, "1").leaves(&[("completed", "media-silent")]);
    a_held_call_may_be_silent => echo().set(SILENCE, "1");
    several_calls_share_one_way =>
        echo().sipp(&["-m", "5", "-l", "5", "-r", "50"]).leaves(&[COMPLETED; 5]);
    srtp_alone_is_not_acceptable => echo().leaves(&[("refused", "media-encryption-required")]);
    a_reinvite_of_another_kind_leaves_the_call_as_it_was => echo();
    an_unknown_extension_in_a_call_is_refused => echo();

    a_caller_without_timers_behind_a_proxy_with_them_is_refreshed_by_us => echo();
    a_response_has_every_via_in_order => echo();
    a_route_to_us_is_no_hindrance => echo();
    a_cancel_may_require_anything => ring().leaves(&[CANCELED]);
    an_invite_within_an_unknown_call_is_told_so => echo().leaves(&[]);
    an_update_of_an_unknown_call_is_told_so => echo().leaves(&[]);
    an_update_that_offers_too_early_has_to_wait => ring().leaves(&[CANCELED]);
    an_update_without_an_offer_is_a_sign_of_life_while_it_rings => ring().leaves(&[CANCELED]);
    options_that_may_go_no_further_are_for_us => echo().leaves(&[]);
}
