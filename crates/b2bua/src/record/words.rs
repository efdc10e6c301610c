//! The words of a record, as JSON, rows, counters and queries have them.

use super::{AgentSource, CallDirection, CallStatus, EndedBy};

/// One of a few words.
pub trait Word: Copy + 'static {
    /// All that there are.
    const ALL: &'static [Self];

    /// As it is written, in JSON too.
    fn word(self) -> &'static str;

    /// The one that is written so.
    fn of(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|own| own.word() == text)
    }
}

impl Word for CallDirection {
    const ALL: &'static [Self] = &[Self::Inbound, Self::Outbound];

    fn word(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

impl Word for CallStatus {
    const ALL: &'static [Self] =
        &[Self::Completed, Self::Busy, Self::NoAnswer, Self::Canceled, Self::Failed, Self::Refused];

    fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
            Self::Canceled => "canceled",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

impl Word for AgentSource {
    const ALL: &'static [Self] = &[Self::Assigned, Self::Default, Self::Named];

    fn word(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Default => "default",
            Self::Named => "named",
        }
    }
}

impl Word for EndedBy {
    const ALL: &'static [Self] =
        &[Self::Caller, Self::Agent, Self::Callee, Self::Carrier, Self::Policy, Self::System];

    fn word(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Agent => "agent",
            Self::Callee => "callee",
            Self::Carrier => "carrier",
            Self::Policy => "policy",
            Self::System => "system",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use serde::Serialize;

    use super::*;

    fn is_written_in_json_too<T: Word + Serialize + PartialEq + Debug>() {
        for one in T::ALL {
            assert_eq!(serde_json::to_value(one).unwrap(), one.word());
            assert_eq!(T::of(one.word()), Some(*one));
        }
        assert_eq!(T::of(""), None);
    }

    #[test]
    fn each_word_is_written_in_json_too_and_read_back() {
        is_written_in_json_too::<CallDirection>();
        is_written_in_json_too::<CallStatus>();
        is_written_in_json_too::<AgentSource>();
        is_written_in_json_too::<EndedBy>();
    }
}
