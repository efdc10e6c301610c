//! Every row of the table of refusals (docs/configuration.md), reached by an INVITE of SIPp and, where there is such a call, by
//! `POST /v1/calls`: the status, the Reason headers or the problem, the counter and the record.

mod asked;
mod row;

use std::collections::BTreeSet;

use crate::house::{Hosts, PORT, Who};

use asked::asked;
use row::{asked_alone, inward, outward};

/// Answered at once.
const ECHO: &str = "+14155550100";
const SUSPENDED: &str = "+14155550101";
const DEAF: &str = "+14155550102";
const PERSONAL: &str = "+14155550103";
const UNASSIGNED: &str = "+14155550104";
/// Its agents are not there.
const ABSENT: &str = "+14155550105";
/// Its agent takes one call.
const SINGLE: &str = "+14155550106";
/// Takes one call itself.
const ONE_CALL: &str = "+14155550107";
/// Of the trunk that may have one call at once.
const NARROW: &str = "+14155550108";
/// Of the trunk that may begin one call in a second.
const SLOW: &str = "+14155550109";
/// May call the United States; nobody is there.
const OUTWARD: &str = "+14155550110";
const NOT_OUTWARD: &str = "+14155550111";
/// Of the trunk that wants media encrypted.
const SEALED: &str = "+14155550113";
/// Its trunk is switched off.
const SHUT: &str = "+14155550112";
const NOBODY: &str = "+14155550199";
/// Somebody in the United States.
const OUTSIDE: &str = "+12125550177";

fn inventory(hosts: Hosts) -> String {
    let [carrier, sealed, narrow, slow, pbx, desk, gateway] =
        [Who::Carrier, Who::Sealed, Who::Narrow, Who::Slow, Who::Pbx, Who::Desk, Who::Gateway]
            .map(|who| hosts.of(who));
    format!(
        r#"
agents = [
  {{ id = "echo", endpoint = {{ kind = "echo" }} }},
  {{ id = "single", max_calls = 1, endpoint = {{ kind = "echo" }} }},
  {{ id = "absent", fallback_agent_id = "absent-too", endpoint = {{ kind = "media-stream", url = "ws://{gateway}:9/" }} }},
  {{ id = "absent-too", endpoint = {{ kind = "media-stream", url = "ws://{gateway}:9/" }} }},
  {{ id = "desk", endpoint = {{ kind = "sip", uri = "sip:desk@{desk}", addresses = ["{desk}"] }} }},
]
trunks = [
  {{ id = "carrier", inbound = {{ addresses = ["{carrier}"], did_country = "US" }}, outbound = {{ allowed_countries = ["US"], gateways = [{{ host = "{gateway}", port = {PORT} }}] }} }},
  {{ id = "sealed", inbound = {{ addresses = ["{sealed}"], media_encryption = "required" }}, outbound = {{ allowed_countries = ["US"], gateways = [{{ host = "{gateway}", port = {PORT} }}], media_encryption = "required" }} }},
  {{ id = "narrow", inbound = {{ addresses = ["{narrow}"] }}, outbound = {{ allowed_countries = ["US"], gateways = [{{ host = "{gateway}" }}] }}, limits = {{ max_calls = 1 }} }},
  {{ id = "slow", inbound = {{ addresses = ["{slow}"] }}, outbound = {{ allowed_countries = ["US"], gateways = [{{ host = "{gateway}" }}] }}, limits = {{ max_cps = 1 }} }},
  {{ id = "pbx", inbound = {{ addresses = ["{pbx}"], did_country = "US", originate = true }} }},
  {{ id = "away", outbound = {{ allowed_countries = ["US"], gateways = [{{ host = "{gateway}", port = 9, transport = "tcp" }}] }} }},
  {{ id = "shut", outbound = {{ enabled = false, allowed_countries = ["US"], gateways = [{{ host = "{gateway}" }}] }} }},
]
numbers = [
  {{ e164 = "{ECHO}", trunk_id = "carrier", agent_id = "echo" }},
  {{ e164 = "{SUSPENDED}", trunk_id = "carrier", agent_id = "echo", status = "suspended" }},
  {{ e164 = "{DEAF}", trunk_id = "carrier", agent_id = "echo", inbound = false }},
  {{ e164 = "{PERSONAL}", trunk_id = "away", source = "personal", status = "pending", outbound = true }},
  {{ e164 = "{UNASSIGNED}", trunk_id = "carrier", outbound = true }},
  {{ e164 = "{ABSENT}", trunk_id = "carrier", agent_id = "absent", outbound = true }},
  {{ e164 = "{SINGLE}", trunk_id = "carrier", agent_id = "single", outbound = true }},
  {{ e164 = "{ONE_CALL}", trunk_id = "carrier", agent_id = "echo", max_calls = 1, outbound = true }},
  {{ e164 = "{NARROW}", trunk_id = "narrow", agent_id = "echo", outbound = true }},
  {{ e164 = "{SLOW}", trunk_id = "slow", agent_id = "echo", outbound = true }},
  {{ e164 = "{OUTWARD}", trunk_id = "away", agent_id = "echo", outbound = true }},
  {{ e164 = "{NOT_OUTWARD}", trunk_id = "away" }},
  {{ e164 = "{SEALED}", trunk_id = "sealed", agent_id = "echo", outbound = true }},
  {{ e164 = "{SHUT}", trunk_id = "shut", outbound = true }},
]
"#
    )
}

/// The table: each row is a test, and all rows together have every refusal.
macro_rules! refusals {
    ($($name:ident => $row:expr;)*) => {
        $(
            #[test]
            fn $name() {
                $row.holds();
            }
        )*

        #[test]
        fn every_refusal_is_in_the_table() {
            let told = BTreeSet::from([$($row.reason),*]);
            let all: BTreeSet<_> = numbers::Refusal::ALL.iter().map(|refusal| refusal.reason()).collect();
            assert_eq!(told, all);
            // Where there is no call to one of our numbers.
            let inward = ["source-unknown", "did-unknown", "inbound-disabled"];
            let asked: BTreeSet<_> = [$($row.asked_reason()),*].into_iter().flatten().collect();
            let rest: BTreeSet<_> = all.difference(&asked).copied().collect();
            assert_eq!(rest, BTreeSet::from(inward));
        }
    };
}

refusals! {
    a_stranger_gets_no_answer => inward(ECHO).of(Who::Stranger).gets_nothing("source-unknown");
    a_stranger_is_forbidden_where_so_configured =>
        inward(ECHO).of(Who::Stranger).set("STROWGER__SIP__UNKNOWN_SOURCE", "reject")
            .gets((403, 21), "source-unknown", "no trunk owns the source address");
    a_number_of_nobody => inward(NOBODY).gets((404, 1), "did-unknown", "the called number is not ours");
    a_suspended_number => inward(SUSPENDED).gets((480, 18), "number-inactive", "suspended or pending");
    a_number_that_takes_no_calls => inward(DEAF).gets((404, 1), "inbound-disabled", "inbound calls are switched off");
    a_personal_number => inward(PERSONAL).gets((404, 1), "inbound-disabled", "inbound calls are switched off");
    a_number_without_an_agent => inward(UNASSIGNED).gets((480, 18), "no-agent", "no agent is assigned")
        .and_asked(asked(409).from(UNASSIGNED));
    an_agent_that_is_nobody =>
        asked_alone(OUTWARD, OUTSIDE).gets((480, 18), "no-agent", "there is no agent `nobody`")
            .and_asked(asked(409).joined_by("nobody"));
    an_agent_that_is_not_there =>
        inward(ABSENT).gets((480, 18), "agent-unreachable", "could not be reached").having_been_tried()
            .and_asked(asked(201).from(ABSENT).once_answered());
    an_agent_that_has_enough_calls =>
        inward(SINGLE).during(SINGLE).gets((486, 17), "agent-full", "as many calls")
            .and_asked(asked(409).from(SINGLE));

    a_number_that_may_not_call =>
        outward(NOT_OUTWARD, OUTSIDE).gets((403, 21), "outbound-disabled", "set outbound = true")
            .and_asked(asked(403));
    a_number_whose_trunk_is_switched_off =>
        outward(SHUT, OUTSIDE).gets((403, 21), "outbound-disabled", "`shut`").and_asked(asked(403));
    a_caller_that_is_not_ours =>
        outward(NOBODY, OUTSIDE).gets((403, 21), "caller-not-owned", "not in the inventory").and_asked(asked(403));
    a_caller_that_is_not_verified =>
        outward(PERSONAL, OUTSIDE).gets((403, 21), "number-unverified", "not verified").and_asked(asked(403));
    a_caller_that_is_verified_is_let_out =>
        outward(PERSONAL, OUTSIDE).verified(PERSONAL).gets((502, 38), "trunk-failed", "").having_been_tried();
    a_personal_number_that_is_verified =>
        inward(PERSONAL).verified(PERSONAL).gets((404, 1), "inbound-disabled", "inbound calls are switched off");
    a_caller_that_is_suspended =>
        outward(SUSPENDED, OUTSIDE).gets((480, 18), "number-inactive", "suspended").and_asked(asked(409));
    a_destination_that_is_no_number =>
        outward(OUTWARD, "+1212555017").gets((484, 28), "destination-invalid", "").and_asked(asked(422));
    a_destination_in_letters =>
        outward(OUTWARD, "reception").gets((484, 28), "destination-invalid", "").and_asked(asked(422));
    a_country_that_is_not_on_the_list =>
        outward(OUTWARD, "+442071838750").gets((403, 21), "country-not-allowed", "GB").and_asked(asked(403));
    a_country_of_the_same_calling_code =>
        outward(OUTWARD, "+14165550123").gets((403, 21), "country-not-allowed", "CA").and_asked(asked(403));
    a_premium_number =>
        outward(OUTWARD, "+19002345678").gets((403, 21), "destination-premium", "premium").and_asked(asked(403));
    an_emergency_number =>
        outward(OUTWARD, "911").gets((403, 21), "destination-emergency", "emergency").and_asked(asked(403));
    a_trunk_of_which_no_gateway_answers =>
        outward(OUTWARD, OUTSIDE).gets((502, 38), "trunk-failed", "").having_been_tried().and_asked(asked(502));

    a_trunk_that_has_enough_calls =>
        inward(ECHO).of(Who::Narrow).during(ECHO).gets((503, 34), "trunk-full", "as many calls")
            .and_asked(asked(503).from(NARROW).saying("has 1 calls, as many as its limits.max_calls"));
    a_number_that_has_enough_calls =>
        inward(ONE_CALL).during(ONE_CALL).gets((503, 34), "number-full", "as many calls")
            .and_asked(asked(503).from(ONE_CALL).saying("has 1 calls, as many as its max_calls"));
    a_node_that_has_enough_calls =>
        inward(ECHO).during(ECHO).set("STROWGER__LIMITS__MAX_CALLS", "1").gets((503, 42), "node-full", "as many calls")
            .and_asked(asked(503).from(OUTWARD).saying("has 1 calls, as many as limits.max_calls"));
    a_node_without_a_free_pair_of_ports =>
        inward(ECHO).during(ECHO).set("STROWGER__MEDIA__PORTS", "20000-20001").gets((503, 42), "node-full", "as many calls");
    calls_that_come_too_fast =>
        inward(NOBODY).of(Who::Slow).times(20).gets((503, 42), "rate-limited", "calls begin faster")
            .and_asked(asked(429).from(SLOW).saying("as many as its limits.max_cps"));
    a_node_that_drains =>
        inward(ECHO).while_draining(ECHO).gets((503, 42), "draining", "no further calls")
            .and_asked(asked(503).from(OUTWARD));

    an_offer_without_keys_where_they_are_required =>
        inward(ECHO).of(Who::Sealed).gets((488, 127), "media-encryption-required", "the audio is not encrypted")
            .and_asked(asked(201).from(SEALED).once_answered_in_the_clear());
    an_offer_of_keys_alone =>
        inward(ECHO).offering("RTP/SAVP 0").gets((488, 127), "media-encryption-required", "");
    an_offer_of_codecs_that_we_lack =>
        inward(ECHO).offering("RTP/AVP 18").gets((488, 127), "no-common-codec", "")
            .and_asked(asked(201).from(ONE_CALL).once_answered_amiss().saying("the answer can't be used"));
}
