//! Whether the node takes calls, and why not.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use store::Pulse;
use witness::metrics::{CONTENT_TYPE, Standing};

use crate::api::Api;

/// How far the node is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Phase {
    /// It has no directory, or no sockets: it takes no calls.
    #[default]
    Starting,
    /// It takes calls.
    Serving,
    /// It lets its calls end, and takes no others.
    Draining,
}

/// What `/readyz` is asked about. Shared by reference.
#[derive(Debug, Default)]
pub struct Health {
    phase: Mutex<Phase>,
    /// Of the store.
    pub pulse: Arc<Pulse>,
}

impl Health {
    /// The node has come so far.
    pub fn enter(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    /// How far it has come.
    pub fn phase(&self) -> Phase {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What keeps the node from taking calls as it should, a line each; nothing if it is ready.
    pub fn faults(&self, calls: usize) -> Vec<String> {
        let phase = match self.phase() {
            Phase::Starting => Some("starting: the inventory is not loaded".to_owned()),
            Phase::Serving => None,
            Phase::Draining => Some(format!(
                "draining: no further calls are taken, {calls} {} up",
                if calls == 1 { "is" } else { "are" }
            )),
        };
        let store = self.pulse.trouble().map(|trouble| format!("store: {trouble}"));
        let untaken = self.pulse.untaken();
        let untaken =
            untaken.map(|untaken| format!("inventory: {untaken}; calls are routed by the one before"));
        phase.into_iter().chain(store).chain(untaken).collect()
    }
}

/// `GET /readyz`: 200, or 503 with what is wrong, a line each.
pub(crate) async fn ready(State(api): State<Api>) -> Response {
    let faults = api.health.faults(api.metrics.signalling().gauges().calls);
    if faults.is_empty() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, faults.join("\n") + "\n").into_response()
}

/// `GET /metrics`.
pub(crate) async fn metrics(State(api): State<Api>) -> Response {
    let pulse = &api.health.pulse;
    let standing = Standing {
        ready: api.health.faults(0).is_empty(),
        draining: api.health.phase() == Phase::Draining,
        records_waiting: pulse.waiting(),
        records_written: pulse.written(),
        record_failures: pulse.failures(),
        untaken: pulse.untaken().is_some(),
    };
    ([(axum::http::header::CONTENT_TYPE, CONTENT_TYPE)], api.metrics.text(standing)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_ready_while_it_serves_and_says_why_it_is_not() {
        let health = Health::default();
        assert_eq!(health.faults(0), ["starting: the inventory is not loaded"]);
        health.enter(Phase::Serving);
        assert!(health.faults(3).is_empty());
        health.enter(Phase::Draining);
        assert_eq!(health.faults(1), ["draining: no further calls are taken, 1 is up"]);
        health.pulse.read::<(), _>(Err("no route to host")).unwrap_err();
        assert_eq!(health.faults(3)[1], "store: the inventory can't be read: no route to host");
        health.pulse.took(7, Err("no such file"));
        let untaken = "inventory: revision 7 is not taken: no such file; calls are routed by the one before";
        assert_eq!(health.faults(3)[2], untaken);
    }
}
