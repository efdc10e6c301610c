//! Log lines go to standard error: what a user asked for is on standard output.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::{Format, Level, Log};

/// Starts the log of this process.
pub(crate) fn start(log: &Log) {
    let level = match log.level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    // Libraries may say what goes wrong; their stories are not ours.
    let filter = OURS
        .iter()
        .filter_map(|name| format!("{name}={level}").parse().ok())
        .fold(EnvFilter::default().add_directive(LevelFilter::WARN.into()), EnvFilter::add_directive);
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let lines = lines.with_target(false).with_ansi(std::io::stderr().is_terminal());
    // A second start in one process (as in tests) keeps the first.
    let started = match log.format {
        Format::Pretty => lines.try_init(),
        Format::Json => lines.json().flatten_event(true).with_current_span(false).try_init(),
    };
    if let Err(error) = started {
        eprintln!("strowger: the log was started before: {error}");
    }
}

const OURS: [&str; 8] = ["strowger", "b2bua", "sip_net", "media_net", "agent_net", "store", "sip", "numbers"];
