//! One row: an INVITE of SIPp, and what must become of it.

use std::time::Instant;

use crate::house::{House, Playing, Who};
use crate::support::{PATIENCE, get};

use super::asked::Asked;
use super::inventory;

/// An INVITE, and what must become of it.
pub(super) struct Row {
    who: Who,
    pub(super) from: &'static str,
    pub(super) to: &'static str,
    formats: &'static str,
    /// How many; none where it is for the API alone.
    pub(super) invites: u32,
    setting: Option<(&'static str, &'static str)>,
    before: Before,
    pub(super) answer: Option<(u16, u8)>,
    pub(super) reason: &'static str,
    pub(super) words: &'static str,
    pub(super) status: &'static str,
    /// The same through the API, while that which came before lasts.
    asked: Option<Asked>,
}

/// What comes before the INVITE.
enum Before {
    Nothing,
    /// A call by the same peer to a number that answers, which stays.
    Call(&'static str),
    /// The same, and the word that the node is to end when that call has ended.
    CallAndDrain(&'static str),
    /// The word that the owner of this personal number was asked.
    Verification(&'static str),
}

/// An INVITE of a carrier to one of our numbers.
pub(super) fn inward(to: &'static str) -> Row {
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
        asked: None,
    }
}

/// An INVITE of a PBX to the outside.
pub(super) fn outward(from: &'static str, to: &'static str) -> Row {
    Row { who: Who::Pbx, from, ..inward(to) }
}

/// The same that only the API can ask for.
pub(super) fn asked_alone(from: &'static str, to: &'static str) -> Row {
    Row { invites: 0, ..outward(from, to) }
}

impl Row {
    pub(super) fn of(self, who: Who) -> Self {
        Self { who, ..self }
    }

    pub(super) fn set(self, name: &'static str, value: &'static str) -> Self {
        Self { setting: Some((name, value)), ..self }
    }

    /// While such a call is up.
    pub(super) fn during(self, to: &'static str) -> Self {
        Self { before: Before::Call(to), ..self }
    }

    /// While such a call is the last.
    pub(super) fn while_draining(self, to: &'static str) -> Self {
        Self { before: Before::CallAndDrain(to), ..self }
    }

    /// Once the owner of this personal number was asked.
    pub(super) fn verified(self, number: &'static str) -> Self {
        Self { before: Before::Verification(number), ..self }
    }

    pub(super) fn offering(self, formats: &'static str) -> Self {
        Self { formats, ..self }
    }

    /// As fast as SIPp can.
    pub(super) fn times(self, invites: u32) -> Self {
        Self { invites, ..self }
    }

    /// It is answered so: by status and cause of Q.850, and with these words.
    pub(super) fn gets(self, answer: (u16, u8), reason: &'static str, words: &'static str) -> Self {
        Self { answer: Some(answer), reason, words, ..self }
    }

    /// It is not answered.
    pub(super) fn gets_nothing(self, reason: &'static str) -> Self {
        Self { reason, ..self }
    }

    /// It was tried, so that its record is not of a refusal.
    pub(super) fn having_been_tried(self) -> Self {
        Self { status: "failed", ..self }
    }

    /// The same call through the API.
    pub(super) fn and_asked(self, asked: Asked) -> Self {
        Self { asked: Some(asked), ..self }
    }

    /// That the API can be refused so.
    pub(super) fn asked_reason(&self) -> Option<&'static str> {
        self.asked.is_some().then_some(self.reason)
    }

    pub(super) fn holds(&self) {
        let Some(house) = House::open(inventory, self.setting.as_slice()) else { return };
        let stays = self.prepare(&house);
        let mut counted = 0;
        if self.invites > 0 {
            let many = self.is_refused(&house, stays.iter().count());
            counted = if self.direction() == "outbound" { many } else { 0 };
        }
        if let Some(asked) = &self.asked {
            asked.holds(&house, self, counted);
        }
        drop(stays);
    }

    /// What comes before, and stays.
    fn prepare<'a>(&self, house: &'a House) -> Option<Playing<'a>> {
        let to = match self.before {
            Before::Nothing => return None,
            Before::Verification(number) => {
                let daemon = &house.daemon;
                let verified = daemon.strowger(&["number", "verify", number, "--url", &daemon.api()]);
                assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
                daemon.logged("inventory changed");
                return None;
            }
            Before::Call(to) | Before::CallAndDrain(to) => to,
        };
        let stays = house.play(&mut house.caller(self.who, "stays", self.from, to), "stays");
        house.until("stays", || house.messages("stays").iter().any(|message| message.came("SIP/2.0 200")));
        if let Before::CallAndDrain(_) = self.before {
            let drained = house.daemon.strowger(&["drain", "--within", "60", "--url", &house.daemon.api()]);
            assert!(drained.status.success(), "{}", String::from_utf8_lossy(&drained.stderr));
        }
        Some(stays)
    }

    /// The INVITEs, while so many calls are up; how many of them were refused so.
    fn is_refused(&self, house: &House, up: usize) -> u64 {
        let scenario = if self.answer.is_some() { "refused" } else { "unheard" };
        let mut sipp = house.sipp(self.who, scenario);
        let invites = self.invites.to_string();
        sipp.args(["-s", self.to, "-key", "caller", self.from, "-key", "mport", "40000"]);
        sipp.args(["-key", "formats", self.formats, "-m", &invites, "-l", &invites, "-r", "100"]);
        house.play(sipp.arg(house.daemon.sip.to_string()), scenario).ended();
        match self.answer {
            Some((status, cause)) => self.is_told(house, status, cause),
            None => assert!(house.messages(scenario).iter().all(|message| message.is_sent)),
        }
        let many = self.is_recorded(house, up + usize::try_from(self.invites).unwrap());
        is_counted(house, self.direction(), self.reason, many);
        many
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

    fn direction(&self) -> &'static str {
        if self.who == Who::Pbx { "outbound" } else { "inbound" }
    }
}

/// The counter.
pub(super) fn is_counted(house: &House, direction: &str, reason: &str, many: u64) {
    let series = format!(
        "strowger_calls_ended_by_reason_total{{direction=\"{direction}\",reason=\"{reason}\"}} {many}"
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
