//! Log lines about what is no call. A peer can cause any number of them, so they are bounded in time.
//!
//! The line of an unknown source has a fixed shape for fail2ban:
//! `source-unknown address=192.0.2.1 method=INVITE` (see `docs/configuration.md`).

use std::time::{Duration, Instant};

use b2bua::io::Notice;
use sip_net::StreamFault;
use tracing::{debug, info, warn};

/// Lines a second, and as many at once; what is over it is counted and told later.
#[derive(Debug)]
pub(crate) struct Notices {
    tokens: f64,
    refilled: Instant,
    suppressed: u64,
}

impl Notices {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { tokens: BURST, refilled: now, suppressed: 0 }
    }

    /// Writes the notice, or counts it.
    pub(crate) fn tell(&mut self, now: Instant, notice: &Notice) {
        if self.is_suppressed(now) {
            return;
        }
        match notice {
            Notice::SourceUnknown { source, method, user_agent } => warn!(
                address = %source.ip(),
                %method,
                port = source.port(),
                user_agent = ?user_agent.as_deref().unwrap_or_default(),
                "source-unknown"
            ),
            Notice::AgentUnreachable { agent_id, error } => {
                warn!(agent = %agent_id, %error, "agent-unreachable");
            }
            Notice::Malformed { source, fault } => debug!(address = %source.ip(), %fault, "malformed"),
        }
    }

    /// Writes what is wrong with a connection, or counts it.
    pub(crate) fn tell_stream_fault(&mut self, now: Instant, fault: &StreamFault) {
        if !self.is_suppressed(now) {
            warn!("{fault}");
        }
    }

    /// Counts a line that may not be written; before one that may, tells how many were not.
    fn is_suppressed(&mut self, now: Instant) -> bool {
        if !self.admit(now) {
            self.suppressed += 1;
            return true;
        }
        if self.suppressed > 0 {
            info!(suppressed = self.suppressed, "notices not written");
            self.suppressed = 0;
        }
        false
    }

    fn admit(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.refilled).min(REFILLED);
        self.tokens = (self.tokens + since.as_secs_f64() * RATE).min(BURST);
        self.refilled = now;
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

const RATE: f64 = 10.0;
const BURST: f64 = 50.0;
/// Longer than the bucket takes to fill.
const REFILLED: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_to_a_burst_and_the_rest_is_counted() {
        let start = Instant::now();
        let mut notices = Notices::new(start);
        let notice = Notice::Malformed { source: "192.0.2.1:5060".parse().unwrap(), fault: "x".into() };
        for _ in 0..200 {
            notices.tell(start, &notice);
        }
        assert_eq!(notices.suppressed, 150);
        notices.tell(start + Duration::from_secs(1), &notice);
        assert_eq!(notices.suppressed, 0, "told with the next line");
    }
}
