//! The audio of a SIPp caller: a socket of our own where its session description points to.

use std::collections::BTreeSet;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::house::{House, Who};
use crate::support::PATIENCE;

/// Where a caller hears.
pub(crate) struct Ear(UdpSocket);

impl Ear {
    /// At the caller's address.
    pub(crate) fn of(house: &House, who: Who) -> Self {
        Self(UdpSocket::bind((house.hosts.of(who), 0)).unwrap())
    }

    /// For its session description.
    pub(crate) fn port(&self) -> String {
        self.0.local_addr().unwrap().port().to_string()
    }

    /// Says words until each has come back: the far side says what it hears.
    pub(crate) fn hears_its_echo(&self, house: &House, scenario: &str) {
        let mut far = None;
        house.until(scenario, || {
            let messages = house.messages(scenario);
            let answer = messages.iter().find(|message| message.came("SIP/2.0 200"));
            far = answer.map(|answer| media(&answer.text));
            far.is_some()
        });
        self.0.connect(far.unwrap()).unwrap();
        self.0.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let deadline = Instant::now() + PATIENCE;
        let mut left: BTreeSet<u8> = (0..WORDS).collect();
        let mut octets = [0; 2048];
        for sequence in 0_u16.. {
            let word = u8::try_from(sequence % u16::from(WORDS)).unwrap();
            // Nobody may be there yet: then it is said again.
            self.0.send(&packet(sequence, word)).ok();
            if let Ok(length) = self.0.recv(&mut octets) {
                assert_eq!((octets[0] >> 6, octets[1] & 0x7f), (2, 0), "RTP of PCMU");
                let payload = &octets[12..length];
                // Whatever else there is to hear, a word comes whole.
                if payload.len() == SAMPLES && payload.iter().all(|sample| *sample == payload[0]) {
                    left.remove(&payload[0].wrapping_sub(FIRST));
                }
            }
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "never heard: {left:?}\n{}", house.told(scenario));
        }
    }
}

/// Where a session description says that media goes.
fn media(message: &str) -> SocketAddr {
    let line = |start: &str| message.lines().find_map(|line| line.strip_prefix(start)).unwrap();
    let port = line("m=audio ").split(' ').next().unwrap();
    SocketAddr::new(line("c=IN IP4 ").trim().parse().unwrap(), port.parse().unwrap())
}

/// 20 ms of PCMU that no other word is like.
fn packet(sequence: u16, word: u8) -> Vec<u8> {
    let mut packet = vec![0x80, 0];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 160).to_be_bytes());
    packet.extend(0x5157_0001_u32.to_be_bytes());
    packet.resize(12 + SAMPLES, FIRST + word);
    packet
}

/// How many words there are.
const WORDS: u8 = 25;
const FIRST: u8 = 0x90;
/// Of 20 ms.
const SAMPLES: usize = 160;
