//! AES in counter mode with HMAC-SHA1 (RFC 3711 s.4.1.1, s.4.2.1; RFC 6188 s.2).

use aes::cipher::consts::U16;
use aes::cipher::typenum::Unsigned;
use aes::cipher::{
    Array, BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, KeyInit,
    ParBlocks,
};
use aes::{Aes128Enc, Aes256Enc};
use hmac::block_api::HmacCore;
use hmac::digest::block_api::{Buffer, CoreProxy};
use hmac::{Hmac, Mac};
use sha1::Sha1;

use super::Refused;

/// A key, expanded.
pub(super) enum Aes {
    Of128(Aes128Enc),
    Of256(Aes256Enc),
}

impl Aes {
    /// From 16 or 32 bytes. Panics for others, which no suite has.
    pub(super) fn new(key: &[u8]) -> Self {
        match key.len() {
            16 => Self::Of128(Aes128Enc::new_from_slice(key).expect("16 bytes")),
            _ => Self::Of256(Aes256Enc::new_from_slice(key).expect("32 bytes")),
        }
    }

    /// Adds the keystream that begins with this block. Its last two bytes count, and are 0.
    pub(super) fn apply(&self, first: [u8; 16], bytes: &mut [u8]) {
        let keystream = Keystream { first, bytes };
        match self {
            Self::Of128(aes) => aes.encrypt_with_backend(keystream),
            Self::Of256(aes) => aes.encrypt_with_backend(keystream),
        }
    }
}

/// Counter mode for one packet of some ten blocks. The widest instructions are for 64 blocks at once, and to make them ready takes longer than
/// such a packet does block by block: its blocks don't wait for each other.
struct Keystream<'a> {
    first: [u8; BLOCK],
    bytes: &'a mut [u8],
}

impl BlockSizeUser for Keystream<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Keystream<'_> {
    #[expect(
        clippy::inline_always,
        reason = "what calls it is compiled for instructions that not every machine has"
    )]
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let mut blocks = (u128::from_be_bytes(self.first)..).map(|block| Array(block.to_be_bytes()));
        if B::ParBlocksSize::USIZE > NARROW {
            for (part, mut block) in self.bytes.chunks_mut(BLOCK).zip(blocks) {
                backend.encrypt_block_inplace(&mut block);
                add(part, &block);
            }
        } else {
            for part in self.bytes.chunks_mut(BLOCK * B::ParBlocksSize::USIZE) {
                let mut several = ParBlocks::<B>::default();
                several.iter_mut().zip(&mut blocks).for_each(|(own, block)| *own = block);
                backend.encrypt_par_blocks_inplace(&mut several);
                part.chunks_mut(BLOCK).zip(&several).for_each(|(part, block)| add(part, block));
            }
        }
    }
}

fn add(part: &mut [u8], keystream: &Array<u8, U16>) {
    for (byte, mask) in part.iter_mut().zip(keystream) {
        *byte ^= mask;
    }
}

/// The session keys of RTP or of RTCP.
#[repr(C)]
pub(super) struct Counter {
    tag: usize,
    /// As the first block has it: its last two bytes are 0.
    salt: u128,
    /// The states of its inner and outer hash behind their padded keys.
    hmac: HmacCore<Sha1>,
    aes: Aes,
}

impl Counter {
    /// `tag` is 4 or 10 bytes long.
    pub(super) fn new(aes: Aes, salt: [u8; 14], key: &[u8; 20], tag: usize) -> Self {
        let mut padded = Array([0; 64]);
        padded[..20].copy_from_slice(key);
        let mut first = [0; BLOCK];
        first[..14].copy_from_slice(&salt);
        Self { tag, salt: u128::from_be_bytes(first), hmac: HmacCore::new(&padded), aes }
    }

    /// Bytes of its tags.
    pub(super) const fn tag_length(&self) -> usize {
        self.tag
    }

    /// Encrypts or decrypts.
    pub(super) fn apply(&self, ssrc: u32, index: u64, bytes: &mut [u8]) {
        let first = self.salt ^ u128::from(ssrc) << 64 ^ u128::from(index) << 16;
        self.aes.apply(first.to_be_bytes(), bytes);
    }

    /// The tag of what is sent and of what is implied, in the first `tag_length` bytes.
    pub(super) fn tag(&self, sent: &[u8], implied: &[u8]) -> [u8; 20] {
        self.hmac(sent, implied).finalize().into_bytes().into()
    }

    /// Whether it is the tag of these, in a time that doesn't tell.
    pub(super) fn verify(&self, sent: &[u8], implied: &[u8], tag: &[u8]) -> Result<(), Refused> {
        self.hmac(sent, implied).verify_truncated_left(tag).map_err(|_| Refused::Unauthenticated)
    }

    fn hmac(&self, sent: &[u8], implied: &[u8]) -> Hmac<Sha1> {
        let mut hmac = Hmac::compose(self.hmac.clone(), Buffer::<HmacCore<Sha1>>::default());
        hmac.update(sent);
        hmac.update(implied);
        hmac
    }
}

/// Bytes of a block of AES.
const BLOCK: usize = 16;
/// Software does as many blocks at once for the price of one.
const NARROW: usize = 4;

#[cfg(test)]
mod tests {
    use aes::cipher::array::ArraySize;
    use aes::cipher::consts::{U4, U64};
    use aes::cipher::{InOut, ParBlocksSizeUser};

    use super::*;

    /// A machine that does `N` blocks at once.
    struct Lanes<'a, N>(&'a Aes128Enc, std::marker::PhantomData<N>);

    impl<N> BlockSizeUser for Lanes<'_, N> {
        type BlockSize = U16;
    }

    impl<N: ArraySize> ParBlocksSizeUser for Lanes<'_, N> {
        type ParBlocksSize = N;
    }

    impl<N: ArraySize> BlockCipherEncBackend for Lanes<'_, N> {
        fn encrypt_block(&self, block: InOut<'_, '_, Array<u8, U16>>) {
            self.0.encrypt_block_inout(block);
        }
    }

    #[test]
    fn machines_of_all_widths_have_one_keystream() {
        let aes = Aes128Enc::new(&Array([7; 16]));
        for length in [0, 1, 15, 16, 63, 64, 65, 160, 1_000] {
            let (mut narrow, mut wide) = (vec![0x55; length], vec![0x55; length]);
            Keystream { first: [9; BLOCK], bytes: &mut narrow }
                .call(&Lanes::<U4>(&aes, std::marker::PhantomData));
            Keystream { first: [9; BLOCK], bytes: &mut wide }
                .call(&Lanes::<U64>(&aes, std::marker::PhantomData));
            assert_eq!(narrow, wide, "{length} bytes");
            // Each block has a keystream of its own.
            let blocks: std::collections::BTreeSet<_> = wide.chunks_exact(BLOCK).collect();
            assert_eq!(blocks.len(), length / BLOCK);
        }
    }
}
