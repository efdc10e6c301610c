//! Log lines about what is no call. A peer can cause any number of them, so they are bounded in time.
//!
//! The line of an unknown source has a fixed shape for fail2ban:
//! `source-unknown address=192.0.2.1 method=INVITE` (see `docs/configuration.md`).

use std::time::{Duration, Instant};

use b2bua::io::Notice;
use sip_net::StreamFault;
use tracing::{debug, info, warn};

use crate::mask::Numbers;

/// One bound for each kind, so that a flood of one hides none of another.
#[derive(Debug)]
pub(crate) struct Notices {
    numbers: Numbers,
    source_unknown: Bucket,
    agent_unreachable: Bucket,
    server_failed: Bucket,
    gateway_failed: Bucket,
    credentials: Bucket,
    agent_gone: Bucket,
    no_ports: Bucket,
    unfit: Bucket,
    undeliverable: Bucket,
    malformed: Bucket,
    /// What any peer can cause.
    connection: Bucket,
    /// What keeps us from calling a peer.
    connection_out: Bucket,
    /// What lasts, and is found out ten times a second on each listener.
    no_connection: Bucket,
}

/// Lines a second, and as many at once; what is over it is counted and told later.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    burst: f64,
    tokens: f64,
    refilled: Instant,
    suppressed: u64,
}

impl Notices {
    pub(crate) const fn new(now: Instant, numbers: Numbers) -> Self {
        Self {
            numbers,
            source_unknown: Bucket::full(now),
            agent_unreachable: Bucket::full(now),
            server_failed: Bucket::full(now),
            gateway_failed: Bucket::full(now),
            credentials: Bucket::full(now),
            agent_gone: Bucket::full(now),
            no_ports: Bucket::full(now),
            unfit: Bucket::full(now),
            undeliverable: Bucket::full(now),
            malformed: Bucket::full(now),
            connection: Bucket::full(now),
            connection_out: Bucket::full(now),
            no_connection: Bucket { rate: SELDOM, ..Bucket::holding(1.0, now) },
        }
    }

    /// Writes the notice, or counts it. What a peer may have put into it is quoted, so that no peer can forge a line.
    pub(crate) fn tell(&mut self, now: Instant, notice: &Notice) {
        let (bucket, kind) = match notice {
            Notice::SourceUnknown { .. } => (&mut self.source_unknown, "source-unknown"),
            Notice::AgentUnreachable { .. } => (&mut self.agent_unreachable, "agent-unreachable"),
            Notice::ServerFailed { .. } => (&mut self.server_failed, "agent-server-failed"),
            Notice::CredentialsRefused { .. } => (&mut self.credentials, "credentials-refused"),
            Notice::GatewayFailed { .. } => (&mut self.gateway_failed, "gateway-failed"),
            Notice::AgentGone { .. } => (&mut self.agent_gone, "agent-gone"),
            Notice::NoPorts { .. } => (&mut self.no_ports, "no-ports"),
            Notice::Unfit { .. } => (&mut self.unfit, "unfit"),
            Notice::Undeliverable { .. } => (&mut self.undeliverable, "undeliverable"),
            Notice::Malformed { .. } => (&mut self.malformed, "malformed"),
        };
        if !bucket.opens(now, kind) {
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
                warn!(agent = %agent_id, ?error, "agent-unreachable");
            }
            Notice::ServerFailed { agent_id, server, error } => {
                warn!(agent = %agent_id, ?server, ?error, "agent-server-failed");
            }
            Notice::CredentialsRefused { source, method, error } => {
                warn!(address = %source.ip(), %method, port = source.port(), %error, "credentials-refused");
            }
            Notice::GatewayFailed { trunk_id, gateway, error } => {
                warn!(trunk = %trunk_id, ?gateway, ?error, "gateway-failed");
            }
            Notice::AgentGone { agent_id, error } => warn!(agent = %agent_id, ?error, "agent-gone"),
            Notice::NoPorts { error } => {
                let remedy = "widen media.ports, or stop what else uses its ports";
                warn!(?error, %remedy, "no-ports");
            }
            Notice::Unfit { source, status, fault } => {
                warn!(address = %source.ip(), status, ?fault, "unfit");
            }
            Notice::Undeliverable { peer, transport, method, call_id, to } => {
                let remedy = "have the far side give a Contact or Record-Route that can be reached from here";
                let to = self.numbers.show_uris(to);
                warn!(%method, %transport, address = %peer, ?to, ?call_id, %remedy, "undeliverable");
            }
            Notice::Malformed { source, fault } => debug!(address = %source.ip(), ?fault, "malformed"),
        }
    }

    /// Writes what is wrong with a connection, or counts it.
    pub(crate) fn tell_stream_fault(&mut self, now: Instant, fault: &StreamFault) {
        let (bucket, kind) = match fault {
            StreamFault::Unreachable { .. }
            | StreamFault::TooManyOfOurs { .. }
            | StreamFault::Tls { name: Some(_), .. } => (&mut self.connection_out, "connection-out"),
            StreamFault::Unaccepted { .. } => (&mut self.no_connection, "no-connection"),
            StreamFault::Malformed { .. }
            | StreamFault::Slow { .. }
            | StreamFault::Stuck { .. }
            | StreamFault::Dead { .. }
            | StreamFault::Overflow { .. }
            | StreamFault::TooMany { .. }
            | StreamFault::Tls { name: None, .. }
            | StreamFault::WebSocket { .. }
            | StreamFault::Handshake { .. } => (&mut self.connection, "connection"),
        };
        if bucket.opens(now, kind) {
            warn!("{}", one_line(&fault.to_string()));
        }
    }
}

impl Bucket {
    const fn full(now: Instant) -> Self {
        Self::holding(BURST, now)
    }

    const fn holding(burst: f64, now: Instant) -> Self {
        Self { rate: RATE, burst, tokens: burst, refilled: now, suppressed: 0 }
    }

    /// Whether a line of this kind may be written; tells then how many were not since the last.
    fn opens(&mut self, now: Instant, kind: &str) -> bool {
        let Some(suppressed) = self.admit(now) else { return false };
        if suppressed > 0 {
            info!(kind, suppressed, "notices not written");
        }
        true
    }

    /// Whether a line may be written, and how many were not since the last.
    fn admit(&mut self, now: Instant) -> Option<u64> {
        let since = now.saturating_duration_since(self.refilled).min(REFILLED);
        self.tokens = (self.tokens + since.as_secs_f64() * self.rate).min(self.burst);
        self.refilled = now;
        if self.tokens < 1.0 {
            self.suppressed += 1;
            return None;
        }
        self.tokens -= 1.0;
        Some(std::mem::take(&mut self.suppressed))
    }
}

/// What a peer may have put into it, a name in its certificate for one, begins no line of its own.
fn one_line(text: &str) -> String {
    let shown = text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.into() });
    shown.collect()
}

const RATE: f64 = 10.0;
const BURST: f64 = 50.0;
/// One line in ten seconds.
const SELDOM: f64 = 0.1;
/// Longer than the bucket takes to fill.
const REFILLED: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use sip_net::TlsFault;

    use super::*;
    use crate::lines::Lines;

    fn malformed() -> Notice {
        Notice::Malformed { source: "192.0.2.1:5060".parse().unwrap(), fault: "x".into() }
    }

    #[test]
    fn a_flood_is_cut_to_a_burst_and_the_rest_is_counted() {
        let start = Instant::now();
        let mut notices = Notices::new(start, Numbers::Masked);
        for _ in 0..200 {
            notices.tell(start, &malformed());
        }
        assert_eq!(notices.malformed.suppressed, 150);
        notices.tell(start + Duration::from_secs(1), &malformed());
        assert_eq!(notices.malformed.suppressed, 0, "told with the next line");
    }

    #[test]
    fn a_listener_without_files_is_told_once_in_ten_seconds() {
        let start = Instant::now();
        let mut notices = Notices::new(start, Numbers::Masked);
        let local = "127.0.0.1:5061".parse().unwrap();
        let fault =
            StreamFault::Unaccepted { transport: sip::Transport::Tls, local, error: "no files".into() };
        assert!(fault.to_string().ends_with("no files; are there files left (ulimit -n)?"), "{fault}");
        for tenth in 0..100 {
            notices.tell_stream_fault(start + Duration::from_millis(tenth * 100), &fault);
        }
        assert_eq!(notices.no_connection.suppressed, 99);
        notices.tell_stream_fault(start + Duration::from_secs(11), &fault);
        assert_eq!(notices.no_connection.suppressed, 0, "told with the next line");
    }

    #[test]
    fn connections_that_anyone_can_break_silence_none_of_ours_and_forge_no_line() {
        let (told, lines) = std::sync::mpsc::channel();
        let log = tracing_subscriber::fmt()
            .with_writer(Lines::of(move |line| told.send(line)))
            .with_ansi(false)
            .finish();
        let start = Instant::now();
        let mut notices = Notices::new(start, Numbers::Masked);
        let (local, remote) = ("127.0.0.1:5061".parse().unwrap(), "192.0.2.1:5061".parse().unwrap());
        let flow = sip::Flow { transport: sip::Transport::Tls, local, remote };
        tracing::subscriber::with_default(log, || {
            for _ in 0..10_000 {
                notices.tell_stream_fault(start, &StreamFault::Overflow { flow });
            }
            let fault =
                TlsFault::WrongName(vec!["x\nWARN source-unknown address=8.8.8.8 method=INVITE".into()]);
            let name = Some("bots.example.com".into());
            notices.tell_stream_fault(start, &StreamFault::Tls { flow, name, fault });
        });
        let lines: Vec<String> = lines.try_iter().collect();
        assert_eq!(lines.len(), 51, "a burst of the one, and the other");
        assert!(lines[50].contains("wrong name: its certificate is for x\\nWARN source"), "{}", lines[50]);
    }

    #[test]
    fn a_flood_of_one_kind_silences_no_other() {
        let (told, lines) = std::sync::mpsc::channel();
        let log = tracing_subscriber::fmt()
            .with_writer(Lines::of(move |line| told.send(line)))
            .with_ansi(false)
            .with_target(false)
            .finish();
        let start = Instant::now();
        let mut notices = Notices::new(start, Numbers::Masked);
        tracing::subscriber::with_default(log, || {
            for _ in 0..10_000 {
                notices.tell(start, &malformed());
            }
            let source = "192.0.2.1:5060".parse().unwrap();
            notices.tell(
                start,
                &Notice::SourceUnknown { source, method: "INVITE".into(), user_agent: Some("x\ny".into()) },
            );
            let error = "603\nWARN source-unknown address=8.8.8.8 method=INVITE".into();
            notices.tell(start, &Notice::AgentUnreachable { agent_id: "a".into(), error });
            let error = "reset\nby peer".into();
            notices.tell(start, &Notice::AgentGone { agent_id: "a".into(), error });
            notices.tell(start, &Notice::NoPorts { error: "address in use".into() });
            notices.tell(
                start,
                &Notice::Undeliverable {
                    peer: "192.0.2.7:5060".parse().unwrap(),
                    transport: sip::Transport::Udp,
                    method: "BYE".into(),
                    call_id: "x".into(),
                    to: "<sip:+14155550100@10.0.0.9:5060;lr>".into(),
                },
            );
        });
        let lines: Vec<String> = lines.try_iter().collect();
        let [stranger, agent, gone, ports, undeliverable] = lines.as_slice() else { panic!("{lines:?}") };
        assert!(
            stranger.contains(" WARN source-unknown address=192.0.2.1 method=INVITE port=5060"),
            "{stranger}"
        );
        assert!(agent.contains(" WARN agent-unreachable agent=a error=\"603\\nWARN source"), "{agent}");
        assert!(gone.contains(" WARN agent-gone agent=a error=\"reset\\nby peer\""), "{gone}");
        assert!(ports.contains(" WARN no-ports error=\"address in use\""), "{ports}");
        assert!(ports.contains("media.ports"), "it says what to do: {ports}");
        assert!(undeliverable.contains("to=\"<sip:+14*******00@10.0.0.9:5060;lr>\""), "{undeliverable}");
    }
}
