//! The daemon and its command line.

mod cli;
mod config;
mod demo;
mod fault;
mod log;
mod mask;

fn main() {}
