//! Bridges of plain and encrypted legs, and what their phones send.

use std::hint::black_box;
use std::net::SocketAddr;

use media::agent::TapEvent;
use media::command::{Codec, Remote};
use media::srtp::{MasterKey, Sealer, Srtp, Suite, TRAILER};
use media::{Channel, Event, MediaKey, Outbox, Slot, Taken};

use crate::world::{A, B, Phone, World, remote, speech};

/// Counts, so that nothing is optimised away.
#[derive(Default)]
pub(crate) struct Counting(pub(crate) usize);

impl Outbox for Counting {
    fn send(&mut self, _: Slot, _: Channel, _: SocketAddr, packet: &[u8]) {
        self.0 += black_box(packet).len();
    }
    fn tap(&mut self, _: MediaKey, _: TapEvent) -> Taken {
        Taken::Yes
    }
    fn event(&mut self, event: Event) {
        black_box(event);
    }
}

/// A packet with room behind it, and how long it is.
pub(crate) type Packet = (Vec<u8>, usize);

/// How each leg is encrypted.
#[derive(Clone, Copy)]
pub(crate) struct Legs {
    pub(crate) name: &'static str,
    pub(crate) from: Option<Suite>,
    pub(crate) to: Option<Suite>,
}

const CM: Option<Suite> = Some(Suite::AesCm128HmacSha1Tag80);
const GCM: Option<Suite> = Some(Suite::AeadAes128Gcm);

/// What is compared.
pub(crate) const ALL: [Legs; 6] = [
    Legs { name: "plain to plain", from: None, to: None },
    Legs { name: "plain to AES_CM_128_HMAC_SHA1_80", from: None, to: CM },
    Legs { name: "AES_CM_128_HMAC_SHA1_80 to plain", from: CM, to: None },
    Legs { name: "AES_CM_128_HMAC_SHA1_80 to the same", from: CM, to: CM },
    Legs {
        name: "AES_256_CM_HMAC_SHA1_80 to the same",
        from: Some(Suite::AesCm256HmacSha1Tag80),
        to: Some(Suite::AesCm256HmacSha1Tag80),
    },
    Legs { name: "AEAD_AES_128_GCM to the same", from: GCM, to: GCM },
];

impl Legs {
    /// PCMU on both sides.
    pub(crate) fn world(self) -> World {
        let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
        for (media, last, suite) in [(A, 1, self.from), (B, 2, self.to)] {
            let srtp = suite.map(|suite| Box::new(Srtp { send: key(suite, 1), receive: key(suite, 2) }));
            world.describe(media, Remote { srtp, ..remote(last, Codec::Pcmu) });
        }
        world
    }

    /// What the first phone sends, 20 ms each.
    pub(crate) fn packets(self) -> impl FnMut() -> Packet {
        let (mut phone, speech) = (Phone::new(1, Codec::Pcmu), speech(160));
        let mut sealer = self.from.map(|suite| Sealer::new(&key(suite, 2), phone.ssrc));
        move || {
            let mut packet = phone.audio(&speech);
            let mut length = packet.len();
            packet.resize(length + TRAILER, 0);
            if let Some(sealer) = &mut sealer {
                length = sealer.rtp(&mut packet, length).expect("room");
            }
            (packet, length)
        }
    }
}

fn key(suite: Suite, byte: u8) -> MasterKey {
    let length = suite.key_length() + suite.salt_length();
    MasterKey::new(suite, &vec![byte; length]).expect("as long as it should be")
}
