//! G.711: both laws to and from 16-bit linear, and into each other, by table (ITU-T G.711, G.191).

use crate::command::Codec;

/// What silence sounds like in µ-law.
pub(crate) const ULAW_SILENCE: u8 = 0xff;

/// The table that turns `from` into `to`, or `None` where they are the same.
pub const fn transcoder(from: Codec, to: Codec) -> Option<&'static [u8; 256]> {
    match (from, to) {
        (Codec::Pcmu, Codec::Pcma) => Some(&ULAW_TO_ALAW),
        (Codec::Pcma, Codec::Pcmu) => Some(&ALAW_TO_ULAW),
        (Codec::Pcmu, Codec::Pcmu) | (Codec::Pcma, Codec::Pcma) => None,
    }
}

/// Replaces every byte by its entry.
pub(crate) fn map(table: &[u8; 256], samples: &mut [u8]) {
    for sample in samples {
        *sample = table[usize::from(*sample)];
    }
}

/// A 16-bit sample as µ-law: its upper 14 bits count.
pub const fn ulaw_from_linear(sample: i16) -> u8 {
    let magnitude = (if sample < 0 { !sample } else { sample } >> 2) + 33;
    let magnitude = if magnitude > 0x1fff { 0x1fff } else { magnitude };
    let mut segment = 1;
    let mut rest = magnitude >> 6;
    while rest != 0 {
        segment += 1;
        rest >>= 1;
    }
    let code = ((8 - segment) << 4) | (0xf - ((magnitude >> segment) & 0xf));
    let sign: u8 = if sample < 0 { 0 } else { 0x80 };
    low_byte(code) | sign
}

/// A 16-bit sample as A-law: its upper 12 bits count.
pub const fn alaw_from_linear(sample: i16) -> u8 {
    let mut code = if sample < 0 { !sample } else { sample } >> 4;
    if code > 15 {
        let mut exponent = 1;
        while code > 31 {
            code >>= 1;
            exponent += 1;
        }
        code = code - 16 + (exponent << 4);
    }
    let sign: u8 = if sample < 0 { 0 } else { 0x80 };
    (low_byte(code) | sign) ^ 0x55
}

/// A µ-law byte as a 16-bit sample.
pub const fn linear_from_ulaw(byte: u8) -> i16 {
    let code = !byte;
    let exponent = (code >> 4) & 7;
    let mantissa = (code & 0xf) as i16;
    let step = 8 << exponent;
    let magnitude = (0x80 << exponent) + step * mantissa + step / 2 - 4 * 33;
    if byte < 0x80 { -magnitude } else { magnitude }
}

/// An A-law byte as a 16-bit sample.
pub const fn linear_from_alaw(byte: u8) -> i16 {
    let code = (byte ^ 0x55) & 0x7f;
    let exponent = code >> 4;
    let mut magnitude = (code & 0xf) as i16;
    if exponent > 0 {
        magnitude += 16;
    }
    magnitude = (magnitude << 4) + 8;
    if exponent > 1 {
        magnitude <<= exponent - 1;
    }
    if byte & 0x80 == 0 { -magnitude } else { magnitude }
}

const fn low_byte(code: i16) -> u8 {
    code.to_le_bytes()[0]
}

static ULAW_TO_ALAW: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte: u8 = 0;
    loop {
        table[byte as usize] = alaw_from_linear(linear_from_ulaw(byte));
        if byte == u8::MAX {
            break table;
        }
        byte += 1;
    }
};

static ALAW_TO_ULAW: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte: u8 = 0;
    loop {
        table[byte as usize] = ulaw_from_linear(linear_from_alaw(byte));
        if byte == u8::MAX {
            break table;
        }
        byte += 1;
    }
};
