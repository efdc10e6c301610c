//! The packet path by its behaviour: packets and commands in, packets and events out, on a clock that only the test moves.

mod bridging;
mod dialling;
mod encrypted;
mod hearing;
mod latching;
mod measuring;
mod reporting;
mod silence;
mod speaking;
mod weather;
mod world;
