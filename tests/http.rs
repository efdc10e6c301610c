//! Asking the API to do something, by hand.

use serde_json::Value;

use crate::support::{ask, status};

/// What a request gets.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) status: u16,
    head: String,
    body: String,
}

impl Heard {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The body, which must be JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// What a POST of JSON gets.
pub(crate) fn post(url: &str, path: &str, sent: &Value) -> Heard {
    let sent = sent.to_string();
    let headers = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", sent.len());
    let (head, body) = ask(url, &format!("POST {path}"), &format!("{headers}\r\n{sent}"));
    Heard { status: status(&head), head, body }
}
