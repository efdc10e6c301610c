//! G.711, written here a second time on purpose: a test that shares the daemon's tables shares their mistakes.

/// One of the two laws.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Codec {
    Pcmu,
    Pcma,
}

impl Codec {
    pub(crate) const BOTH: [Self; 2] = [Self::Pcmu, Self::Pcma];

    /// Static ones (RFC 3551).
    pub(crate) const fn payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
        }
    }

    /// For `a=rtpmap`.
    pub(crate) const fn format(self) -> &'static str {
        match self {
            Self::Pcmu => "0 PCMU/8000",
            Self::Pcma => "8 PCMA/8000",
        }
    }

    pub(crate) fn encode(self, sample: i16) -> u8 {
        match self {
            Self::Pcmu => {
                let sign = if sample < 0 { 0x80 } else { 0 };
                let magnitude = sample.unsigned_abs().min(32_635) + MU_BIAS;
                let exponent = magnitude.ilog2() - 7;
                !(sign | segment(exponent, magnitude >> (exponent + 3)))
            }
            Self::Pcma => {
                let sign = if sample < 0 { 0 } else { 0x80 };
                let magnitude = if sample < 0 { !sample } else { sample }.unsigned_abs();
                let exponent = (magnitude | 0xff).ilog2() - 7;
                (sign | segment(exponent, magnitude >> (exponent.max(1) + 3))) ^ 0x55
            }
        }
    }

    pub(crate) fn decode(self, octet: u8) -> i16 {
        match self {
            Self::Pcmu => {
                let octet = !octet;
                let magnitude = ((u16::from(octet & 15) << 3) + MU_BIAS) << (octet >> 4 & 7);
                signed(magnitude - MU_BIAS, octet & 0x80 != 0)
            }
            Self::Pcma => {
                let octet = octet ^ 0x55;
                let (exponent, mantissa) = (octet >> 4 & 7, u16::from(octet & 15) << 4);
                let magnitude =
                    if exponent == 0 { mantissa + 8 } else { (mantissa + 0x108) << (exponent - 1) };
                signed(magnitude, octet & 0x80 == 0)
            }
        }
    }
}

/// What transcoding between the laws may change at most: a step of the coarser one there.
pub(crate) fn bound(sample: i16) -> u16 {
    sample.unsigned_abs() / 16 + 16
}

/// Three bits and four bits.
fn segment(exponent: u32, mantissa: u16) -> u8 {
    let [low, ..] = (exponent << 4).to_le_bytes();
    let [mantissa, _] = (mantissa & 15).to_le_bytes();
    low | mantissa
}

fn signed(magnitude: u16, is_negative: bool) -> i16 {
    let magnitude = magnitude.cast_signed();
    if is_negative { -magnitude } else { magnitude }
}

const MU_BIAS: u16 = 132;

#[test]
fn both_laws_have_their_corners_and_survive_a_round_trip() {
    let corners = [0, 32_767, -32_768].map(|sample| Codec::BOTH.map(|codec| codec.encode(sample)));
    assert_eq!(corners, [[0xff, 0xd5], [0x80, 0xaa], [0x00, 0x2a]]);
    for codec in Codec::BOTH {
        for octet in 0..=255_u8 {
            let again = codec.encode(codec.decode(octet));
            // µ-law has a minus zero.
            assert!(
                again == octet || (codec, octet) == (Codec::Pcmu, 0x7f),
                "{codec:?} {octet:#x} -> {again:#x}"
            );
        }
    }
}
