//! A node without a call.

use super::Usage;
use crate::E164;

/// Nothing is in use, and the day has just begun: what is decided so is decided by the directory alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Idle;

impl Usage for Idle {
    fn trunk_calls(&self, _: &str) -> u32 {
        0
    }

    fn number_calls(&self, _: E164) -> u32 {
        0
    }

    fn agent_calls(&self, _: &str) -> u32 {
        0
    }

    fn node_calls(&self) -> u32 {
        0
    }

    fn trunk_starts(&self, _: &str) -> u32 {
        0
    }

    fn number_starts(&self, _: E164) -> u32 {
        0
    }

    fn trunk_seconds_today(&self, _: &str) -> u64 {
        0
    }

    fn number_seconds_today(&self, _: E164) -> u64 {
        0
    }

    fn seconds_left_today(&self) -> u32 {
        SECONDS_OF_A_DAY
    }
}

const SECONDS_OF_A_DAY: u32 = 24 * 60 * 60;
