//! A scripted telephone on a socket of its own, in the test's thread: for calls that are to be quick to tell of.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use phone::{Config, Invite, Phone, Step, sdp};

use crate::support::PATIENCE;

/// Each has its own Call-IDs and tags.
static SEED: AtomicU64 = AtomicU64::new(1);

/// One that has one call. Dropping it leaves the call to its fate.
pub(crate) struct Telephone {
    phone: Phone,
    socket: UdpSocket,
    /// The last message that came.
    heard: Vec<u8>,
}

/// What became of an INVITE.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    Answered,
    /// By this status, and for what the Reason header's text begins with.
    Refused(u16, String),
}

impl Fate {
    pub(crate) fn refused(status: u16, reason: &str) -> Self {
        Self::Refused(status, reason.to_owned())
    }
}

impl Telephone {
    /// Calls a number, as another one, and waits for the final response.
    pub(crate) fn call(daemon: SocketAddr, from: &str, to: &str) -> (Self, Fate) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let own = socket.local_addr().unwrap();
        let config = Config {
            name: from.to_owned(),
            user: from.to_owned(),
            address: own,
            outbound_proxy: None,
            sdp: Some(sdp::pcmu(own)),
            seed: SEED.fetch_add(1, Ordering::Relaxed),
        };
        let invite = Invite::to(format!("sip:{to}@{daemon}")).offer(sdp::pcmu(own));
        let script = vec![Step::Invite(invite), Step::ExpectFinal, Step::Ack { sdp: None }];
        let mut telephone = Self { phone: Phone::new(config, script), socket, heard: Vec::new() };
        telephone.play(|phone| phone.status().is_some() && (phone.is_up() || phone.outcome().is_some()));
        let status = telephone.phone.status().unwrap();
        let fate = if status < 300 { Fate::Answered } else { Fate::refused(status, &telephone.reason()) };
        (telephone, fate)
    }

    fn reason(&self) -> String {
        let heard = String::from_utf8_lossy(&self.heard);
        let (_, text) =
            heard.split_once("Reason: SIP;").and_then(|(_, rest)| rest.split_once("text=\"")).unwrap();
        text.split(':').next().unwrap().to_owned()
    }

    /// Ends the call, and waits until the far side has heard of it.
    pub(crate) fn hangs_up(mut self) {
        self.phone.hang_up(Instant::now());
        self.play(|phone| phone.outcome().is_some());
    }

    fn play(&mut self, is_done: impl Fn(&Phone) -> bool) {
        let began = Instant::now();
        let end = began + PATIENCE;
        let mut octets = vec![0; 65_536];
        loop {
            self.phone.expire(Instant::now());
            while let Some((to, bytes)) = self.phone.poll_transmit() {
                self.socket.send_to(&bytes, to).unwrap();
            }
            if is_done(&self.phone) {
                assert_eq!(self.phone.fault(), None);
                return;
            }
            assert!(Instant::now() < end, "{}", self.phone.ladder(began, |peer| peer.to_string()));
            let deadline = self.phone.deadline().map_or(end, |deadline| deadline.min(end));
            let wait = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            self.socket.set_read_timeout(Some(wait)).unwrap();
            if let Ok((length, from)) = self.socket.recv_from(&mut octets) {
                self.heard = octets[..length].to_vec();
                self.phone.receive(Instant::now(), from, &self.heard);
            }
        }
    }
}
