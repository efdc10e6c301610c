//! Tags, branches and Call-IDs: a `ChaCha20` stream of the seed, so that who knows some can't guess others.

use std::hash::{DefaultHasher, Hash, Hasher};

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};

use crate::Flow;
use crate::message::Message;
use crate::transaction::key::COOKIE;

pub(super) struct Random {
    stream: ChaCha20Rng,
    /// Keys the tags of stateless answers.
    secret: u64,
}

impl Random {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        let mut stream = ChaCha20Rng::from_seed(seed);
        let secret = stream.next_u64();
        Self { stream, secret }
    }

    /// The tag of a stateless answer: each copy of the request gets the same (RFC 3261 s.8.2.7).
    pub(super) fn tag_of(&self, request: &Message) -> String {
        let mut hasher = DefaultHasher::new();
        self.secret.hash(&mut hasher);
        request.call_id().hash(&mut hasher);
        request.cseq().number.hash(&mut hasher);
        request.via().and_then(|via| via.branch()).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    /// Tells a request from another one; a repetition, which is the same to the octet, has the same.
    pub(super) fn fingerprint(&self, flow: Flow, request: &Message) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.secret, flow, request.bytes()).hash(&mut hasher);
        hasher.finish()
    }

    /// 16 hex digits.
    pub(super) fn tag(&mut self) -> String {
        format!("{:016x}", self.stream.next_u64())
    }

    /// The magic cookie and 16 hex digits (RFC 3261 s.8.1.1.7).
    pub(super) fn branch(&mut self) -> String {
        format!("{COOKIE}{:016x}", self.stream.next_u64())
    }

    /// 32 hex digits; without a host, which would tell where we live.
    pub(super) fn call_id(&mut self) -> String {
        format!("{:016x}{:016x}", self.stream.next_u64(), self.stream.next_u64())
    }

    /// A `CSeq` number to start from: small, so that it never comes near 2^31 (s.8.1.1.5).
    pub(super) fn cseq(&mut self) -> u32 {
        self.below(1 << 15) + 1
    }

    /// 0 to `bound` - 1.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        self.stream.next_u32() % bound.max(1)
    }
}

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random")
    }
}
