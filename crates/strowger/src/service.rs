//! What systemd is told, if it has started us: that we are ready, how we do, that we stop. Anywhere else nothing is told.

use std::time::Duration;

use sd_notify::NotifyState;
use tracing::warn;

use crate::node::{LONGEST_STOP, Node};
use crate::observers::Observer;
use crate::seeing::Seen;

/// Calls are taken. From then on the number of calls is told, and that the signalling task answers: a watchdog that hears nothing
/// of it for `WatchdogSec` starts us anew.
pub(crate) fn ready(node: &mut Node) {
    tell(&[NotifyState::Ready, NotifyState::Status("taking calls")]);
    if std::env::var_os("NOTIFY_SOCKET").is_some() {
        let period = sd_notify::watchdog_enabled().map_or(BEAT, |longest| BEAT.min(longest / 3));
        let task = beat(node.seen().clone(), period);
        node.watch(Observer::Watchdog, task);
    }
}

/// Calls may go on for so long; systemd is to wait for them, whatever `TimeoutStopSec` says.
pub(crate) fn stopping(within: Duration) {
    let longest = u32::try_from((within + LONGEST_STOP).as_micros()).unwrap_or(u32::MAX);
    tell(&[
        NotifyState::Stopping,
        NotifyState::ExtendTimeoutUsec(longest),
        NotifyState::Status("draining: no further calls are taken"),
    ]);
}

async fn beat(seen: Seen, period: Duration) {
    loop {
        // No call has such an id: what counts is that there is an answer.
        seen.inquiries.calls("-".to_owned()).await;
        let calls = seen.metrics.signalling().gauges().calls;
        let status = match seen.health.faults(calls).join("; ") {
            faults if faults.is_empty() => format!("taking calls, {calls} up"),
            faults => faults,
        };
        tell(&[NotifyState::Watchdog, NotifyState::Status(&status)]);
        tokio::time::sleep(period).await;
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "systemd could not be told how the daemon does");
    }
}

const BEAT: Duration = Duration::from_secs(10);
