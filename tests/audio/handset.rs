//! A telephone with its audio: a scripted phone, three sockets, what it says and what it hears.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use phone::{Config, Glance, Invite, Phone, Step};
use rtp_rs::{RtpPacketBuilder, RtpReader};
use tokio::net::UdpSocket;

use crate::attack::Mischief;
use crate::codec::Codec;
use crate::heard::Packet;
use crate::seal::{Protection, Seal};
use crate::signal::FRAME;
use crate::weather::Departure;

/// How one end of a call speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Manner {
    pub(crate) codec: Codec,
    pub(crate) protection: Protection,
}

/// One end of a call.
pub(crate) struct Handset {
    pub(crate) manner: Manner,
    /// None yet of one that is called.
    pub(crate) phone: Option<Phone>,
    pub(crate) sip: UdpSocket,
    pub(crate) rtp: UdpSocket,
    #[expect(dead_code, reason = "what comes here is not looked at; without it the system would refuse it")]
    reports: UdpSocket,
    seed: u64,
    seal: Option<Seal>,
    voice: Voice,
    pub(crate) mischief: Mischief,
    pub(crate) heard: Vec<Packet>,
    /// Datagrams that were no RTP of the codec that was agreed on.
    pub(crate) strange: usize,
}

/// What is said.
#[derive(Default)]
struct Voice {
    samples: Vec<i16>,
    departures: VecDeque<Departure>,
    /// As they leave, in the order of the frames: sealing wants it.
    packets: Vec<Vec<u8>>,
    /// When each frame left first.
    left: Vec<Option<Instant>>,
    began: Option<Instant>,
}

/// What came to a handset.
pub(crate) enum Came {
    Message(SocketAddr, Vec<u8>),
    Audio(Vec<u8>),
}

impl Handset {
    /// On the hook, with an even port for its audio.
    pub(crate) async fn new(manner: Manner, seed: u64) -> Self {
        let sip = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let [rtp, reports] = pair().await;
        let seal = Seal::new(manner.protection, seed, SSRC);
        let voice = Voice::default();
        Self {
            manner,
            phone: None,
            sip,
            rtp,
            reports,
            seed,
            seal,
            voice,
            mischief: Mischief::None,
            heard: Vec::new(),
            strange: 0,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.sip.local_addr().unwrap()
    }

    /// What it says once the call is up.
    pub(crate) fn will_say(&mut self, samples: Vec<i16>, departures: Vec<Departure>) {
        let left = vec![None; samples.len() / FRAME];
        self.voice = Voice { samples, departures: departures.into(), packets: Vec::new(), left, began: None };
    }

    pub(crate) fn said(&self) -> crate::heard::Said<'_> {
        crate::heard::Said { samples: &self.voice.samples, codec: self.manner.codec, left: &self.voice.left }
    }

    /// Calls.
    pub(crate) fn call(&mut self, number: &str, daemon: SocketAddr) {
        let invite = Invite::to(format!("sip:{number}@{daemon}")).offer(self.description(None));
        let script = vec![Step::Invite(invite), Step::Expect(200), Step::Ack { sdp: None }];
        self.phone = Some(Phone::new(self.config("+12125550199"), script));
    }

    pub(crate) fn is_up(&self) -> bool {
        self.phone.as_ref().is_some_and(|phone| phone.is_up() && phone.remote_rtp().is_some())
    }

    /// Where the far side receives.
    pub(crate) fn far(&self) -> SocketAddr {
        self.phone.as_ref().and_then(Phone::remote_rtp).unwrap()
    }

    /// The keys of SRTP that it said, and those that it was told.
    pub(crate) fn keys(&self) -> Vec<String> {
        let said = self.seal.as_ref().map(Seal::own_key);
        let told = self.phone.as_ref().and_then(Phone::remote_sdp).map(phone::sdp::cryptos);
        said.into_iter().chain(told.unwrap_or_default().into_iter().map(|crypto| crypto.key)).collect()
    }

    /// Waits for something to come.
    pub(crate) async fn next(&self) -> Came {
        let (mut message, mut audio) = (vec![0; 8_192], vec![0; 2_048]);
        tokio::select! {
            came = self.sip.recv_from(&mut message) => {
                let (length, from) = came.unwrap();
                Came::Message(from, message[..length].to_vec())
            }
            came = self.rtp.recv_from(&mut audio) => {
                let (length, _) = came.unwrap();
                Came::Audio(audio[..length].to_vec())
            }
        }
    }

    /// Takes in what came.
    pub(crate) fn take(&mut self, now: Instant, came: Came) {
        match came {
            Came::Message(from, message) => {
                let config = self.config("desk");
                let text = String::from_utf8_lossy(&message);
                let offer = text.split_once("\r\n\r\n").map(|(_, body)| body);
                let answer = self.description(offer.filter(|_| self.phone.is_none()));
                let phone = self.phone.get_or_insert_with(|| {
                    let glance = Glance::of(&message).unwrap();
                    assert_eq!(glance.method, "INVITE", "it is called by an INVITE");
                    Phone::new(
                        config,
                        vec![Step::ExpectInvite, Step::Answer { sdp: Some(answer) }, Step::ExpectAck],
                    )
                });
                phone.receive(now, from, &message);
                if let (Some(seal), Some(description)) = (&mut self.seal, phone.remote_sdp()) {
                    seal.learn(description);
                }
            }
            Came::Audio(datagram) => self.hear(now, &datagram),
        }
    }

    fn hear(&mut self, at: Instant, datagram: &[u8]) {
        let opened = match &mut self.seal {
            Some(seal) => seal.open(datagram),
            None => Some(datagram.to_vec()),
        };
        let rtp = opened.as_deref().and_then(|packet| RtpReader::new(packet).ok());
        let Some(rtp) = rtp.filter(|rtp| rtp.payload_type() == self.manner.codec.payload_type()) else {
            self.strange += 1;
            return;
        };
        self.heard.push(Packet {
            at,
            sequence: rtp.sequence_number().into(),
            timestamp: rtp.timestamp(),
            ssrc: rtp.ssrc(),
            payload: rtp.payload().to_vec(),
        });
    }

    /// When it has something to do next.
    pub(crate) fn due(&self) -> Option<Instant> {
        let Voice { departures, began, .. } = &self.voice;
        let departure = began.zip(departures.front()).map(|(began, next)| began + next.due);
        departure.into_iter().chain(self.phone.as_ref().and_then(Phone::deadline)).min()
    }

    /// Begins to talk.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.voice.began = Some(now);
    }

    /// Whether it has said all.
    pub(crate) fn has_said_all(&self) -> bool {
        self.voice.departures.is_empty()
    }

    /// Does what is due, and sends what is to be sent.
    pub(crate) async fn turn(&mut self, now: Instant) {
        if let Some(phone) = &mut self.phone {
            phone.expire(now);
            while let Some((to, bytes)) = phone.poll_transmit() {
                self.sip.send_to(&bytes, to).await.unwrap();
            }
        }
        let Some(began) = self.voice.began else { return };
        let to = self.far();
        while let Some(departure) = self.voice.departures.pop_front_if(|next| began + next.due <= now) {
            for frame in self.voice.packets.len()..=departure.frame {
                let packet = self.packet(frame);
                self.voice.packets.push(match &mut self.seal {
                    Some(seal) => seal.seal(&packet),
                    None => packet,
                });
            }
            let [before, after] = self.mischief.beside(&self.voice.packets, departure.frame);
            for packet in &before {
                self.rtp.send_to(packet, to).await.unwrap();
            }
            let packet = &self.voice.packets[departure.frame];
            self.voice.left[departure.frame].get_or_insert_with(Instant::now);
            self.rtp.send_to(packet, to).await.unwrap();
            for packet in &after {
                self.rtp.send_to(packet, to).await.unwrap();
            }
        }
    }

    fn packet(&self, frame: usize) -> Vec<u8> {
        let codec = self.manner.codec;
        let octets: Vec<u8> =
            self.voice.samples[frame * FRAME..][..FRAME].iter().map(|sample| codec.encode(*sample)).collect();
        let number = u32::try_from(frame).unwrap();
        let [high, low] = [number.to_be_bytes()[2], number.to_be_bytes()[3]];
        RtpPacketBuilder::new()
            .payload_type(codec.payload_type())
            .ssrc(SSRC)
            // Both wrap within the call.
            .sequence(u16::from_be_bytes([high, low]).wrapping_add(FIRST).into())
            .timestamp(number.wrapping_mul(160).wrapping_add(0xffff_c000))
            .marked(frame == 0)
            .payload(&octets)
            .build()
            .unwrap()
    }

    /// An offer, or the answer to one.
    fn description(&self, offer: Option<&str>) -> String {
        let plain =
            phone::sdp::audio(self.rtp.local_addr().unwrap(), &[self.manner.codec.format()], "sendrecv", 1);
        match &self.seal {
            Some(seal) => seal.put_into(&plain, offer),
            None => plain,
        }
    }

    fn config(&self, user: &str) -> Config {
        Config {
            name: user.to_owned(),
            user: user.to_owned(),
            address: self.address(),
            outbound_proxy: None,
            sdp: None,
            seed: self.seed,
        }
    }
}

/// An even port and the one after it.
async fn pair() -> [UdpSocket; 2] {
    loop {
        let even = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = even.local_addr().unwrap().port();
        if port.is_multiple_of(2)
            && let Ok(odd) = UdpSocket::bind((Ipv4Addr::LOCALHOST, port + 1)).await
        {
            return [even, odd];
        }
    }
}

pub(crate) const SSRC: u32 = 0x5157_0001;
const FIRST: u16 = 65_300;
