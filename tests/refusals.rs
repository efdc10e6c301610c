//! Every row of the table of refusals (docs/configuration.md), reached by an INVITE of SIPp: the status, the Reason headers, the counter
//! and the record.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::house::{Hosts, House, Who};
use crate::support::{PATIENCE, get};

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
/// May call the United States.
const OUTWARD: &str = "+14155550110";
const NOT_OUTWARD: &str = "+14155550111";
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
  {{ id = "carrier", inbound = {{ addresses = ["{carrier}"], did_country = "US" }} }},
  {{ id = "sealed", inbound = {{ addresses = ["{sealed}"], media_encryption = "required" }} }},
  {{ id = "narrow", inbound = {{ addresses = ["{narrow}"] }}, limits = {{ max_calls = 1 }} }},
  {{ id = "slow", inbound = {{ addresses = ["{slow}"] }}, limits = {{ max_cps = 1 }} }},
  {{ id = "pbx", inbound = {{ addresses = ["{pbx}"], did_country = "US", originate = true }} }},
  {{ id = "away", outbound = {{ allowed_countries = ["US"], gateways = [{{ host = "{gateway}", port = 9, transport = "tcp" }}] }} }},
  {{ id = "shut", outbound = {{ enabled = false, allowed_countries = ["US"], gateways = [{{ host = "{gateway}" }}] }} }},
]
numbers = [
  {{ e164 = "{ECHO}", trunk_id = "carrier", agent_id = "echo" }},
  {{ e164 = "{SUSPENDED}", trunk_id = "carrier", agent_id = "echo", status = "suspended" }},
  {{ e164 = "{DEAF}", trunk_id = "carrier", agent_id = "echo", inbound = false }},
  {{ e164 = "{PERSONAL}", trunk_id = "away", source = "personal", status = "pending", outbound = true }},
  {{ e164 = "{UNASSIGNED}", trunk_id = "carrier" }},
  {{ e164 = "{ABSENT}", trunk_id = "carrier", agent_id = "absent" }},
  {{ e164 = "{SINGLE}", trunk_id = "carrier", agent_id = "single" }},
  {{ e164 = "{ONE_CALL}", trunk_id = "carrier", agent_id = "echo", max_calls = 1 }},
  {{ e164 = "{OUTWARD}", trunk_id = "away", outbound = true }},
  {{ e164 = "{NOT_OUTWARD}", trunk_id = "away" }},
  {{ e164 = "{SHUT}", trunk_id = "shut", outbound = true }},
]
"#
    )
}

/// An INVITE, and what must become of it.
struct Row {
    who: Who,
    from: &'static str,
    to: &'static str,
    formats: &'static str,
    invites: u32,
    setting: Option<(&'static str, &'static str)>,
    before: Before,
    answer: Option<(u16, u8)>,
    reason: &'static str,
    words: &'static str,
    status: &'static str,
}

/// What comes before the INVITE.
enum Before {
    Nothing,
    /// A call by the same peer to a number that answers, which stays.
    Call(&'static str),
    /// The same, and the word that the node is to end when that call has ended.
    CallAndDrain(&'static str),
}

/// An INVITE of a carrier to one of our numbers.
fn inward(to: &'static str) -> Row {
    Row {
        who: Who::Carrier,
        from: "+12125550123",
        to,
        formats: "RTP/AVP 0 8",
        invites: 1,
        setting: None,
        before: Before::Nothing,
        answer: None,
        reason: "",
        words: "",
        status: "refused",
    }
}

/// An INVITE of a PBX to the outside.
fn outward(from: &'static str, to: &'static str) -> Row {
    Row { who: Who::Pbx, from, ..inward(to) }
}

impl Row {
    fn of(self, who: Who) -> Self {
        Self { who, ..self }
    }

    fn set(self, name: &'static str, value: &'static str) -> Self {
        Self { setting: Some((name, value)), ..self }
    }

    /// While such a call is up.
    fn during(self, to: &'static str) -> Self {
        Self { before: Before::Call(to), ..self }
    }

    /// While such a call is the last.
    fn while_draining(self, to: &'static str) -> Self {
        Self { before: Before::CallAndDrain(to), ..self }
    }

    fn offering(self, formats: &'static str) -> Self {
        Self { formats, ..self }
    }

    /// As fast as SIPp can.
    fn times(self, invites: u32) -> Self {
        Self { invites, ..self }
    }

    /// It is answered so: by status and cause of Q.850, and with these words.
    fn gets(self, answer: (u16, u8), reason: &'static str, words: &'static str) -> Self {
        Self { answer: Some(answer), reason, words, ..self }
    }

    /// It is not answered.
    fn gets_nothing(self, reason: &'static str) -> Self {
        Self { reason, ..self }
    }

    /// It was tried, so that its record is not of a refusal.
    fn having_been_tried(self) -> Self {
        Self { status: "failed", ..self }
    }

    fn holds(&self) {
        let Some(house) = House::open(inventory, self.setting.as_slice()) else { return };
        let mut stays = None;
        let mut calls = usize::try_from(self.invites).unwrap();
        match self.before {
            Before::Nothing => {}
            Before::Call(to) | Before::CallAndDrain(to) => {
                stays = Some(house.play(&mut house.caller(self.who, "stays", self.from, to), "stays"));
                house.until("stays", || {
                    house.messages("stays").iter().any(|message| message.came("SIP/2.0 200"))
                });
                calls += 1;
            }
        }
        if let Before::CallAndDrain(_) = self.before {
            let drained = house.daemon.strowger(&["drain", "--within", "60", "--url", &house.daemon.api()]);
            assert!(drained.status.success(), "{}", String::from_utf8_lossy(&drained.stderr));
        }
        let scenario = if self.answer.is_some() { "refused" } else { "unheard" };
        let mut sipp = house.sipp(self.who, scenario);
        let invites = self.invites.to_string();
        sipp.args(["-s", self.to, "-key", "caller", self.from, "-key", "mport", "40000"]);
        sipp.args(["-key", "formats", self.formats, "-m", &invites, "-l", &invites, "-r", "100"]);
        house.play(sipp.arg(house.daemon.sip.to_string()), scenario).ended();
        match self.answer {
            Some((status, cause)) => self.is_told(&house, status, cause),
            None => assert!(house.messages(scenario).iter().all(|message| message.is_sent)),
        }
        let many = self.is_recorded(&house, calls);
        self.is_counted(&house, many);
        drop(stays);
    }

    /// The response.
    fn is_told(&self, house: &House, status: u16, cause: u8) {
        let told = || house.told("refused");
        let messages = house.messages("refused");
        let start = format!("SIP/2.0 {status} ");
        let answer =
            messages.iter().find(|message| message.came(&start)).unwrap_or_else(|| panic!("{}", told()));
        let reasons = answer.headers("Reason");
        let sip = format!("SIP;cause={status};text=\"{}: ", self.reason);
        let is_sip =
            |value: &&str| value.starts_with(&sip) && value.ends_with('"') && value.contains(self.words);
        assert!(reasons.iter().any(is_sip), "{sip}… {}…\"\n{}", self.words, told());
        assert!(reasons.contains(&format!("Q.850;cause={cause}").as_str()), "{}", told());
        let again = answer.headers("Retry-After");
        let is_number = |value: &&str| value.parse::<u32>().is_ok_and(|seconds| seconds > 0);
        if status == 503 {
            assert!(again.len() == 1 && again.iter().all(is_number), "{}", told());
        } else {
            assert!(again.is_empty(), "{}", told());
        }
    }

    /// The records, of which so many are of this refusal.
    fn is_recorded(&self, house: &House, calls: usize) -> u64 {
        let is_over = |record: &&serde_json::Value| record["status"].is_string();
        let over = usize::try_from(self.invites).unwrap();
        let records = house
            .daemon
            .records_when(|records| records.len() >= calls && records.iter().filter(is_over).count() >= over);
        assert_eq!(records.len(), calls, "{records:#?}");
        let refused: Vec<_> = records.iter().filter(|record| record["reason"] == self.reason).collect();
        assert!(!refused.is_empty(), "{records:#?}");
        for record in &refused {
            assert_eq!(record["status"], self.status, "{record:#}");
            assert_eq!(
                record["sip_status"].as_u64(),
                self.answer.map(|(status, _)| u64::from(status)),
                "{record:#}"
            );
            assert_eq!(record["direction"], self.direction(), "{record:#}");
            assert!(record["ended_at"].is_u64() && record["answered_at"].is_null(), "{record:#}");
        }
        u64::try_from(refused.len()).unwrap()
    }

    /// The counter.
    fn is_counted(&self, house: &House, many: u64) {
        let series = format!(
            "strowger_calls_ended_by_reason_total{{direction=\"{}\",reason=\"{}\"}} {many}",
            self.direction(),
            self.reason
        );
        let deadline = Instant::now() + PATIENCE;
        loop {
            let metrics = get(&house.daemon.api(), "/metrics").1;
            if metrics.lines().any(|line| line == series) {
                return;
            }
            assert!(Instant::now() < deadline, "{series}\n{metrics}");
        }
    }

    fn direction(&self) -> &'static str {
        if self.who == Who::Pbx { "outbound" } else { "inbound" }
    }
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
    a_number_without_an_agent => inward(UNASSIGNED).gets((480, 18), "no-agent", "no agent is assigned");
    an_agent_that_is_not_there =>
        inward(ABSENT).gets((480, 18), "agent-unreachable", "could not be reached").having_been_tried();
    an_agent_that_has_enough_calls => inward(SINGLE).during(SINGLE).gets((486, 17), "agent-full", "as many calls");

    a_number_that_may_not_call =>
        outward(NOT_OUTWARD, OUTSIDE).gets((403, 21), "outbound-disabled", "set outbound = true");
    a_number_whose_trunk_is_switched_off =>
        outward(SHUT, OUTSIDE).gets((403, 21), "outbound-disabled", "`shut`");
    a_caller_that_is_not_ours => outward(NOBODY, OUTSIDE).gets((403, 21), "caller-not-owned", "not in the inventory");
    a_caller_that_is_not_verified => outward(PERSONAL, OUTSIDE).gets((403, 21), "number-unverified", "not verified");
    a_caller_that_is_suspended => outward(SUSPENDED, OUTSIDE).gets((480, 18), "number-inactive", "suspended");
    a_destination_that_is_no_number =>
        outward(OUTWARD, "+1212555017").gets((484, 28), "destination-invalid", "");
    a_destination_in_letters => outward(OUTWARD, "reception").gets((484, 28), "destination-invalid", "");
    a_country_that_is_not_on_the_list =>
        outward(OUTWARD, "+442071838750").gets((403, 21), "country-not-allowed", "GB");
    a_country_of_the_same_calling_code =>
        outward(OUTWARD, "+14165550123").gets((403, 21), "country-not-allowed", "CA");
    a_premium_number => outward(OUTWARD, "+19002345678").gets((403, 21), "destination-premium", "premium");
    an_emergency_number => outward(OUTWARD, "911").gets((403, 21), "destination-emergency", "emergency");
    a_trunk_of_which_no_gateway_answers =>
        outward(OUTWARD, OUTSIDE).gets((502, 38), "trunk-failed", "").having_been_tried();

    a_trunk_that_has_enough_calls => inward(ECHO).of(Who::Narrow).during(ECHO).gets((503, 34), "trunk-full", "as many calls");
    a_number_that_has_enough_calls =>
        inward(ONE_CALL).during(ONE_CALL).gets((503, 34), "number-full", "as many calls");
    a_node_that_has_enough_calls =>
        inward(ECHO).during(ECHO).set("STROWGER__LIMITS__MAX_CALLS", "1").gets((503, 42), "node-full", "as many calls");
    calls_that_come_too_fast => inward(NOBODY).of(Who::Slow).times(20).gets((503, 42), "rate-limited", "calls begin faster");
    a_node_that_drains => inward(ECHO).while_draining(ECHO).gets((503, 42), "draining", "no further calls");

    an_offer_without_keys_where_they_are_required =>
        inward(ECHO).of(Who::Sealed).gets((488, 127), "media-encryption-required", "encrypted media is required");
    an_offer_of_keys_alone =>
        inward(ECHO).offering("RTP/SAVP 0").gets((488, 127), "media-encryption-required", "");
    an_offer_of_codecs_that_we_lack =>
        inward(ECHO).offering("RTP/AVP 18").gets((488, 127), "no-common-codec", "");
}
