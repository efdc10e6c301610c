//! The same through the API: `POST /v1/calls`.

use std::time::Instant;

use serde_json::{Value, json};

use crate::house::{House, Who};
use crate::http::{Heard, post};
use crate::support::{PATIENCE, get};

use super::OUTSIDE;
use super::row::{Row, is_counted};

/// A call of our own, and what must become of it: what its row says, by HTTP.
pub(super) struct Asked {
    /// Where it is not the one who calls by INVITE.
    from: Option<&'static str>,
    agent: Option<&'static str>,
    status: u16,
    words: Option<&'static str>,
    callee: Callee,
}

/// Whether somebody answers there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Callee {
    Absent,
    Answers,
    /// Without keys, where they are required.
    AnswersInTheClear,
    /// With what we don't speak.
    AnswersAmiss,
}

impl Callee {
    /// What SIPp plays.
    fn scenario(self) -> Option<&'static str> {
        match self {
            Self::Absent => None,
            Self::Answers | Self::AnswersInTheClear => Some("answers"),
            Self::AnswersAmiss => Some("answers_amiss"),
        }
    }
}

/// It is answered so: at once, or by 201 and a record that ends as the row's.
pub(super) fn asked(status: u16) -> Asked {
    Asked { from: None, agent: None, status, words: None, callee: Callee::Absent }
}

impl Asked {
    /// From this number to the outside.
    pub(super) fn from(self, from: &'static str) -> Self {
        Self { from: Some(from), ..self }
    }

    /// With that agent.
    pub(super) fn joined_by(self, agent: &'static str) -> Self {
        Self { agent: Some(agent), ..self }
    }

    /// In these words, where they are not those that the INVITE gets.
    pub(super) fn saying(self, words: &'static str) -> Self {
        Self { words: Some(words), ..self }
    }

    /// Once whoever is called has answered.
    pub(super) fn once_answered(self) -> Self {
        Self { callee: Callee::Answers, ..self }
    }

    /// Once whoever is called has answered without the keys that are required.
    pub(super) fn once_answered_in_the_clear(self) -> Self {
        Self { callee: Callee::AnswersInTheClear, ..self }
    }

    /// Once whoever is called has answered with a codec that was not offered.
    pub(super) fn once_answered_amiss(self) -> Self {
        Self { callee: Callee::AnswersAmiss, ..self }
    }

    /// After so many calls that ended for that reason.
    pub(super) fn holds(&self, house: &House, row: &Row, before: u64) {
        let callee = self.callee.scenario().map(|scenario| (scenario, house.callee(Who::Gateway, scenario)));
        let from = self.from.unwrap_or(row.from);
        let to = if self.from.is_some() { OUTSIDE } else { row.to };
        let wish = json!({ "from": from, "to": to, "agent_id": self.agent });
        let place = || post(&house.daemon.api(), "/v1/calls", &wish);
        // As often as there were INVITEs, where it is their number that is refused.
        let mut heard = place();
        for _ in 1..row.invites {
            if heard.status == self.status {
                break;
            }
            heard = place();
        }
        assert_eq!(heard.status, self.status, "{heard:?}");
        let id = if self.status == 201 { begun(&heard) } else { self.is_a_problem(row, &heard) };
        if let Some((scenario, callee)) = callee {
            callee.ended();
            self.is_hung_up(house, row, scenario);
        }
        let record = finished(house, &id);
        let refused = row.answer.map(|(status, _)| status);
        let (status, sip_status) = match self.callee {
            Callee::Absent => (row.status, refused),
            Callee::Answers => ("failed", Some(200)),
            Callee::AnswersInTheClear | Callee::AnswersAmiss => ("failed", Some(480)),
        };
        for (field, value) in [
            ("status", json!(status)),
            ("reason", json!(row.reason)),
            ("sip_status", json!(sip_status)),
            ("direction", json!("outbound")),
            ("source", json!("api")),
            ("from_raw", json!(from)),
            ("to_raw", json!(to)),
        ] {
            assert_eq!(record[field], value, "{field}: {record:#}");
        }
        assert_eq!(record["answered_at"].is_u64(), self.callee == Callee::Answers, "{record:#}");
        is_counted(house, "outbound", row.reason, before + 1);
    }

    /// What is wrong, in one word and in many; the id of its call.
    fn is_a_problem(&self, row: &Row, heard: &Heard) -> String {
        let problem = heard.json();
        let refusal = numbers::Refusal::ALL.into_iter().find(|refusal| refusal.reason() == row.reason);
        assert_eq!(heard.header("content-type"), Some("application/problem+json"), "{heard:?}");
        assert_eq!(problem["type"], format!("urn:strowger:problem:{}", row.reason), "{heard:?}");
        assert_eq!(problem["title"], refusal.unwrap().text(), "{heard:?}");
        assert_eq!(problem["status"], self.status, "{heard:?}");
        let detail = problem["detail"].as_str().unwrap();
        let (words, id) = detail.rsplit_once("; call ").unwrap_or_else(|| panic!("{heard:?}"));
        assert!(words.contains(self.words.unwrap_or(row.words)), "{heard:?}");
        let again = heard.header("retry-after").map(|seconds| seconds.parse::<u32>().unwrap());
        // 409 for an agent that has enough calls, as there will be room again.
        assert_eq!(
            again.is_some(),
            matches!(self.status, 429 | 503) || row.reason == "agent-full",
            "{heard:?}"
        );
        assert_ne!(again, Some(0), "{heard:?}");
        id.to_owned()
    }

    /// Who answered is told why nobody speaks.
    fn is_hung_up(&self, house: &House, row: &Row, scenario: &str) {
        let messages = house.messages(scenario);
        let bye = messages.iter().find(|message| message.came("BYE ")).unwrap();
        let is_so = |value: &&str| value.contains(self.words.unwrap_or(row.words));
        assert!(bye.headers("Reason").iter().any(is_so), "{}", house.told(scenario));
    }
}

/// The call goes on; its id.
fn begun(heard: &Heard) -> String {
    let record = heard.json();
    let id = record["id"].as_str().unwrap();
    assert_eq!(heard.header("location"), Some(format!("/v1/calls/{id}").as_str()), "{heard:?}");
    assert_eq!((&record["status"], &record["reason"]), (&Value::Null, &Value::Null), "{heard:?}");
    id.to_owned()
}

/// The record of that id, as the API tells it once the call is over.
fn finished(house: &House, id: &str) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (status, records) = get(&house.daemon.api(), "/v1/records?direction=outbound&limit=1000");
        assert_eq!(status, 200, "{records}");
        let records: Value = serde_json::from_str(&records).unwrap();
        let record = records["items"].as_array().unwrap().iter().find(|record| record["id"] == id);
        if let Some(record) = record {
            return record.clone();
        }
        assert!(Instant::now() < deadline, "no record of {id}: {records:#}");
    }
}
